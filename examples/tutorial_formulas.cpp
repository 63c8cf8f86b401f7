// SPDX-License-Identifier: MIT
// The tutorial's second part: a formula is a type, and assigning it runs one loop.
#include <iostream>
#include <wick/tensor.hpp>  // tensors and formulas alone: quicker to compile than wick/wick.hpp
using namespace wick;

// [begin function]
auto gaussian(Tensor<double> const& x, double mean, double deviation) {
  auto z = (x - mean) / deviation;                                  // a formula over a parameter and two numbers ...
  return exp(-0.5 * square(z)) / (deviation * 2.5066282746310002);  // ... may leave the function
}
// [end function]

// [begin softmax]
auto my_softmax(Formula auto const& x) {
  auto e = exp(x - amax(x, {-1}, {.keepdim = true}));
  return e / sum(e, {-1}, {.keepdim = true});
}
// [end softmax]

int main() {
  // [begin lazy]
  Tensor<float> x = tensor({1.f, 2.f, 3.f}), w = tensor({10.f, 20.f, 30.f});
  auto formula = tanh(x) * w + 0.5;  // nothing is computed
  Tensor<float> y = formula;         // one loop: each operand is read once, no temporaries
  x = tensor({0.f, 0.f, 0.f});       // the formula holds the old elements
  Tensor<float> again = formula;
  std::cout << y << " " << again << "\n";  // -> tensor([ 8.1159, 19.7806, 30.3516]) tensor([ 8.1159, 19.7806, 30.3516])
  // [end lazy]

  // [begin use_function]
  Tensor<double> bell = gaussian(linspace(-2., 2., 5), 0, 1);
  std::cout << bell << "\n";  // -> tensor([0.0540, 0.2420, 0.3989, 0.2420, 0.0540], dtype=float64)
  // [end use_function]

  // [begin types]
  Tensor<std::int64_t> i = tensor<std::int64_t>({1, 2, 3});
  Tensor<float> f = w * 2.5 + i;  // a double literal does not widen; int64 beside float gives float
  Tensor<double> d = cast<double>(f) / 4;
  Tensor<bool> large = f > 50;  // comparisons give bool
  Tensor<bfloat16> few = cast<bfloat16>(f / 3);
  std::cout << d << " " << large << "\n";
  // -> tensor([ 6.5000, 13.0000, 19.5000], dtype=float64) tensor([False,  True,  True])
  // [end types]

  // [begin broadcast]
  Tensor<float> table = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  Tensor<float> centred = table - mean(table, {0}, {.keepdim = true});  // (2, 3) - (1, 3)
  Tensor<float> total = sum(where(centred > 0, table, 0.f));            // a formula inside a reduction: one loop
  std::cout << centred << " " << total.item() << "\n";
  // -> tensor([[-1.5000, -1.5000, -1.5000],
  // ->         [ 1.5000,  1.5000,  1.5000]]) 15
  // [end broadcast]

  // [begin rows]
  Tensor<float> p = my_softmax(table);
  std::cout << p(0, 2).item() << " " << name(plan_of(my_softmax(table))) << "\n";  // -> 0.665241 row
  // [end rows]

  // [begin inplace]
  Tensor<float> s = zeros<float>({3});
  float const* const before = std::as_const(s).data();
  for (int step = 0; step < 10; ++step) s = 0.9 * s + 0.1 * w;           // the result goes where s lies: no allocation
  std::cout << s << " " << (std::as_const(s).data() == before) << "\n";  // -> tensor([ 6.5132, 13.0264, 19.5396]) 1
  // [end inplace]
}
