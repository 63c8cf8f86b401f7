// SPDX-License-Identifier: MIT
// Your first operation: value and slope, once, in your own code. Tensors, variables, higher gradients and dual numbers
// all work with it.
#include <cmath>
#include <iostream>
#include <wick/wick.hpp>

// [begin op]
namespace mine {

/// x / (1 + |x|)
struct Softsign : wick::Unary<"softsign"> {
  WICK_FN static auto value(auto x) { return x / (1 + wick::math::abs(x)); }
  WICK_FN static auto slope(auto x) {
    auto const s = 1 + wick::math::abs(x);
    return 1 / (s * s);
  }
};
auto softsign(wick::Formula auto const& x) { return wick::map<Softsign>(x); }

}  // namespace mine
// [end op]

// [begin binary_op]
namespace mine {

/// sqrt(x^2 + y^2). Domain: gradcheck and the tests sample arguments from here, away from the kink at the origin.
struct Hypot : wick::Binary<"hypot", wick::Domain<0.5, 4>, wick::types::Floating> {
  using steep = void;  // the slope is not finite everywhere: at the origin it divides by 0
  WICK_FN static auto value(auto x, auto y) { return wick::math::sqrt(x * x + y * y); }
  WICK_FN static auto slope(auto x, auto y) {
    auto const r = 1 / value(x, y);
    return wick::Slopes{x * r, y * r};
  }
};
auto hypot(wick::Formula auto const& x, wick::Formula auto const& y) { return wick::map<Hypot>(x, y); }

}  // namespace mine
// [end binary_op]

using namespace wick;

int main() {
  // [begin tensors]
  Tensor<float> x = tensor({-1.f, 0.f, 3.f});
  Tensor<float> y = mine::softsign(2 * x) + 1;  // one SIMD loop, as for any other formula
  std::cout << y << "\n";                       // -> tensor([0.3333, 1.0000, 1.8571])
  // [end tensors]

  // [begin variables]
  Variable<double> v = tensor({-1., 0., 3.});
  backward(sum(mine::softsign(v)));  // the fused backward kernel calls your slope
  std::cout << v.grad() << "\n";     // -> tensor([0.2500, 1.0000, 0.0625], dtype=float64)

  Variable<double> u = 3.0;
  Variable<double> slope = grad(mine::softsign(u), u, {.create_graph = true});  // the slope, run with variables
  std::cout << grad(slope, u).item() << "\n";                                   // -> -0.03125
  // [end variables]

  // [begin duals]
  Dual<double> q = mine::softsign(Dual<double>{3.0, 1.0});  // forward mode
  std::cout << q.value << " " << q.tangent << "\n";         // -> 0.75 0.0625
  // [end duals]

  // [begin check]
  auto f = [](auto const& in) { return mine::hypot(in[0], mine::softsign(in[1])); };
  bool right = gradcheck(f, {Variable<double>(tensor({1., 2.})), Variable<double>(tensor({3., 0.5}))});
  // [end check]
  return right ? 0 : 1;
}
