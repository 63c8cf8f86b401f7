// SPDX-License-Identifier: MIT
// The network of the main job (examples/fashion_mnist.cpp), for benchmarks.
#pragma once

#include <wick/wick.hpp>

struct Cnn {
  wick::nn::Conv2d<> conv1{1, 32, 3}, conv2{32, 64, 3};
  wick::nn::Dropout drop1{0.25}, drop2{0.5};
  wick::nn::Linear<> fc1{9216, 128}, fc2{128, 10};

  auto operator()(auto const& x) {
    auto h = drop1(max_pool2d(relu(conv2(relu(conv1(x)))), 2));
    return log_softmax(fc2(drop2(relu(fc1(flatten(h, 1))))), 1);
  }
  void visit(auto&& member) {
    member("conv1", conv1), member("conv2", conv2), member("drop1", drop1), member("drop2", drop2);
    member("fc1", fc1), member("fc2", fc2);
  }
};
