// SPDX-License-Identifier: MIT
// The half of a program that nvcc compiles.
#include <wick/wick.hpp>

using namespace wick;

Tensor<float> on_the_device(Tensor<float> const& x, Tensor<float> const& w) { return tanh(x * w + 1) * sigmoid(x); }

double gradient_on_the_device(Variable<float> const& v) {
  backward(Variable<float>(sum(v * v)));
  return Tensor<float>(sum(v.grad())).item();
}
