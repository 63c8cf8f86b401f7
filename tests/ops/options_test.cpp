// SPDX-License-Identifier: MIT
// Options that are known when compiling arrive as they were written. Equal numbers followed by zeros are what g++ 12.2
// passes wrongly by value (GCC bug 108599), so each set of options here begins so.
#include <doctest/doctest.h>

#include <cmath>

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

TEST_CASE("layer_norm takes the normalized shape, then weight and bias, and eps by its name") {
  Tensor<double> const row = tensor({1., 2., 3., 4.}), square = row.reshape({2, 2});  // mean 2.5, variance 1.25
  auto const close = [](auto const& x, Tensor<double> const& y) { return all(isclose(x, y, 0, 1e-14)).item(); };
  Tensor<double> const expected = tensor({-1., -1. / 3, 1. / 3, 1.});
  CHECK(close(layer_norm(row, {4}, {.eps = 1}), expected));
  CHECK(close(layer_norm(row, {.eps = 1}), expected));
  CHECK(close(layer_norm(square, {2, 2}, {.eps = 1}), expected.reshape({2, 2})));
  CHECK(close(layer_norm(row, {4}), (row - 2.5) / std::sqrt(1.25 + 1e-5)));
  CHECK(close(layer_norm(square, {2}, {.eps = 0}), tensor({{-1., 1.}, {-1., 1.}})));
  Tensor<double> const weight = tensor({1., 10., 10., 2.}), bias = ones<double>({4});
  CHECK(close(layer_norm(row, {4}, weight, bias, {.eps = 1}), expected * weight + 1));
  CHECK(close(layer_norm(row, weight, bias, {.eps = 1}), expected * weight + 1));
  CHECK_THROWS_WITH_AS(layer_norm(square, {4}), "layer_norm: a tensor of shape (2, 2) is not normalized over (4,), which must be its last extents", Error);
  CHECK_THROWS_WITH_AS(layer_norm(row, {4}, weight, square), "layer_norm: a weight of shape (4,) and a bias of shape (2, 2), expected (4,)", Error);
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
