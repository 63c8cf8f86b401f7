// SPDX-License-Identifier: MIT
// Options that are known when compiling arrive as they were written. Equal numbers followed by zeros are what g++ 12.2
// passes wrongly by value (GCC bug 108599), so each set of options here begins so.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

using namespace wick;

TEST_CASE("conv2d and the pools take strides and paddings as written") {
  Tensor<float> const x = ones<float>({1, 2, 6, 7}), w = ones<float>({4, 2, 3, 3});
  auto const plain = conv2d(x, w);  // stride 1, 1, padding 0, 0
  CHECK(plain.shape() == Dims(1, 4, 4, 5));
  auto const strided = conv2d(x, w, {.stride = 2, .padding = 0, .dilation = 1});
  CHECK(strided.shape() == Dims(1, 4, 2, 3));
  auto const max = max_pool2d(x, 2, {.stride = 1, .padding = 0});
  CHECK(max.shape() == Dims(1, 2, 5, 6));
  auto const mean = avg_pool2d(x, 2, {.stride = 2, .padding = 0});
  CHECK(mean.shape() == Dims(1, 2, 3, 3));
  nn::Conv2d<float> const layer(2, 4, 3, {.stride = 2, .padding = 0});
  CHECK(layer.options.stride.second == 2);
  CHECK(layer.options.padding.first == 0);
}

TEST_CASE("SGD takes its numbers as written") {
  Variable<double> const w = ones<double>({3});
  optim::SGD optimizer({w}, {.lr = 0.5, .momentum = 0.5});  // dampening 0, weight decay 0
  for (double expected : {0.5, -0.25}) {                            // v = 1, then 0.5 + 1
    optimizer.zero_grad();
    backward(sum(w));
    optimizer.step();
    CHECK(w.value()(0).item() == expected);
  }
}
