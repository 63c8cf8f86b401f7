// SPDX-License-Identifier: MIT
// The tutorial's fourth part: a regression, first by hand, then with an optimizer.
#include <iostream>
#include <wick/wick.hpp>
using namespace wick;

int main() {
  // [begin data]
  manual_seed(1);
  Tensor<float> x = linspace(-1.f, 1.f, 200);
  Tensor<float> y = 3 * square(x) - 2 * x + 1 + 0.05 * randn<float>({200});  // a noisy parabola
  // [end data]

  // [begin by_hand]
  Variable<float> a = 0.f, b = 0.f, c = 0.f;
  for (int step = 0; step < 300; ++step) {
    Variable<float> loss = mean(square(a * square(x) + b * x + c - y));  // one statement: one pass, one entry
    backward(loss);                                                      // one pass back, for all three
    NoGrad guard;
    for (auto v : {a, b, c}) {
      v -= 0.5f * v.grad();
      v.zero_grad();
    }
  }
  // [end by_hand]

  // [begin optimizer]
  Variable<float> weights = zeros<float>({3});
  Tensor<float> powers = stack(1, square(x), x, ones<float>({200}));  // (200, 3)
  optim::SGD optimizer(std::vector{weights}, {.lr = 0.2, .momentum = 0.9});
  float last = 0;
  for (int step = 0; step < 300; ++step) {
    optimizer.zero_grad();
    Variable<float> loss = mse_loss(matmul(powers, unsqueeze(weights, 1)), unsqueeze(y, 1));
    backward(loss);
    optimizer.step();
    last = loss.item();
  }
  // [end optimizer]

  std::cout << "by hand:   " << a.item() << ", " << b.item() << ", " << c.item() << "\n";
  std::cout << "optimizer: " << weights.value() << ", loss " << last << "\n";
  Tensor<float> const difference = amax(abs(weights.value() - tensor({a.item(), b.item(), c.item()})));
  return difference.item() < 0.05f && last < 0.005f ? 0 : 1;
}
