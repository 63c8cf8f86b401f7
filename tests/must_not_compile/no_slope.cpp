// SPDX-License-Identifier: MIT
// A gradient through an operation that has no slope: on the tape, and with dual numbers.
// EXPECT: Cube
// EXPECT: a gradient is asked for through an operation that has no slope
#include <wick/autograd/backward.hpp>
#include <wick/autograd/dual.hpp>

using namespace wick;

struct Step : Unary<"step"> {
  using no_gradient = void;
  WICK_FN static auto value(auto x) { return math::where(x > 0, 1, x * 0); }
};
struct Cube : Unary<"cube"> {
  WICK_FN static auto value(auto x) { return x * x * x; }
};

void control_and_case() {
  Variable<double> x = ones<double>({3});
  [[maybe_unused]] Variable<double> y = x * map<Step>(x);
  [[maybe_unused]] Dual<double> q = map<Step>(Dual<double>{2, 1});
  [[maybe_unused]] Tensor<double> values = map<Cube>(x);  // nobody asks for a gradient
#if !defined(WICK_CONTROL)
  y = x * map<Cube>(x);
#endif
}
