// SPDX-License-Identifier: MIT
// The code of the README: a linear model found by gradient descent.
// [begin first_minute]
#include <iostream>
#include <wick/wick.hpp>

using namespace wick;

int main() {
  Tensor<float> x = randn<float>({1000, 3});
  Tensor<float> y = matmul(x, tensor({{1.f}, {-2.f}, {0.5f}})) + 3;  // one pass: the 3 is added inside the product

  Variable<float> w = zeros<float>({3, 1}), b = 0.f;
  for (int step = 0; step < 100; ++step) {
    auto error = matmul(x, w) + b - y;           // a formula: nothing is computed yet
    Variable<float> loss = mean(square(error));  // computed and recorded
    backward(loss);
    NoGrad guard;
    for (auto v : {w, b}) v -= 0.1f * v.grad(), v.zero_grad();
  }
  std::cout << w.value().t() << " " << b.value() << "\n";  // -> tensor([[ 1.0000, -2.0000,  0.5000]]) tensor(3.0000)
}
// [end first_minute]
