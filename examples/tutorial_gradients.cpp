// SPDX-License-Identifier: MIT
// The tutorial's third part: variables, gradients, gradients of gradients, dual numbers.
#include <iostream>
#include <wick/wick.hpp>
using namespace wick;

int main() {
  // [begin backward]
  Tensor<double> x = tensor({1., 2., 3.});
  Variable<double> w = tensor({0.5, -1., 2.});  // a leaf: its gradient is wanted
  Variable<double> y = sum(square(w * x));      // computed, and recorded as one entry of the tape
  backward(y);
  std::cout << y.item() << " " << w.grad() << "\n";  // -> 40.25 tensor([ 1., -8., 36.], dtype=float64)
  // [end backward]

  // [begin accumulate]
  backward(sum(w));                   // a formula is recorded first; gradients add up
  std::cout << w.grad() << "\n";      // -> tensor([ 2., -7., 37.], dtype=float64)
  w.zero_grad();                      // until they are forgotten
  std::cout << w.has_grad() << "\n";  // -> 0
  // [end accumulate]

  // [begin target]
  Tensor<double> value = square(w) + 1;     // assigned to a Tensor: computed, not recorded
  Variable<double> result = square(w) + 1;  // assigned to a Variable: recorded
  {
    NoGrad guard;  // while it lives nothing is recorded, and variables change in place
    w -= 0.5 * tensor({1., 1., 1.});
  }
  std::cout << w.value() << "\n";  // -> tensor([ 0.0000, -1.5000,  1.5000], dtype=float64)
  backward(sum(result));           // uses the values that w had when `result` was recorded
  std::cout << w.grad() << "\n";   // -> tensor([ 1., -2.,  4.], dtype=float64)
  // [end target]

  // [begin loop]
  Variable<double> h = 0.5;
  Variable<double> z = h;
  while (z.item() < 2) z = z * z + h;  // the graph is what the program did this time
  std::cout << z.item() << " " << Tensor<double>(grad(z, h)).item() << "\n";  // -> 3.15334 31.9492
  // [end loop]

  // [begin higher]
  Variable<double> t = 0.0;
  Variable<double> d = norm(tensor({3., 4.}) + t * tensor({1., 1.}));
  for (int order = 1; order <= 3; ++order) {
    d = grad(d, t, {.create_graph = true});  // the gradient is a variable: it can be differentiated again
    std::cout << d.item() << " ";
  }
  std::cout << "\n";  // -> 1.4 0.008 -0.00672
  // [end higher]

  // [begin dual]
  Dual<double> q{2.0, 1.0};                          // value 2, tangent 1: d/dq of what follows
  Dual<double> e = sin(q) * q;                       // forward mode, by the same slopes as the tape
  std::cout << e.value << " " << e.tangent << "\n";  // -> 1.81859 0.0770038

  Tensor<Dual<double>> direction = make_dual(x, tensor({1., 0., 0.}));
  Tensor<Dual<double>> f = x / sum(direction);  // a directional derivative, without a tape
  std::cout << tangents(f) << "\n";             // -> tensor([-0.0278, -0.0556, -0.0833], dtype=float64)
  // [end dual]

  // [begin gradcheck]
  auto energy = [](auto const& in) { return sum(log(1 + square(in[0])) * in[1]); };
  bool right = gradcheck(energy, {Variable<double>(x), Variable<double>(tensor({0.1, 0.2, 0.3}))});
  // [end gradcheck]
  return right && value(0).item() == 1.25 ? 0 : 1;
}
