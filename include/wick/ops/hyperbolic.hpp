// SPDX-License-Identifier: MIT
// Hyperbolic functions and their inverses.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Hyperbolic sine
struct Sinh : Unary<"sinh"> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::sinh(x); }
  WICK_FN static auto slope(auto x) { return math::cosh(x); }
};
/// Hyperbolic cosine
struct Cosh : Unary<"cosh"> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::cosh(x); }
  WICK_FN static auto slope(auto x) { return math::sinh(x); }
};
/// Hyperbolic tangent
struct Tanh : Unary<"tanh"> {
  static constexpr double ulp = 2;
  WICK_FN static auto value(auto x) { return math::tanh(x); }
  WICK_FN static auto slope_from_value(auto y) { return 1 - y * y; }
};
/// Inverse hyperbolic sine
struct Asinh : Unary<"asinh"> {
  WICK_FN static auto value(auto x) { return math::asinh(x); }
  WICK_FN static auto slope(auto x) { return math::rsqrt(x * x + 1); }
};
/// Inverse hyperbolic cosine
struct Acosh : Unary<"acosh", Domain<1.25, 4>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::acosh(x); }
  WICK_FN static auto slope(auto x) { return math::rsqrt(x * x - 1); }
};
/// Inverse hyperbolic tangent
struct Atanh : Unary<"atanh", Domain<-0.9, 0.9>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::atanh(x); }
  WICK_FN static auto slope(auto x) { return 1 / (1 - x * x); }
};

/// torch.sinh
template <Formula X> constexpr auto sinh(X&& x) { return map<Sinh>(std::forward<X>(x)); }
/// torch.cosh
template <Formula X> constexpr auto cosh(X&& x) { return map<Cosh>(std::forward<X>(x)); }
/// torch.tanh
template <Formula X> constexpr auto tanh(X&& x) { return map<Tanh>(std::forward<X>(x)); }
/// torch.asinh
template <Formula X> constexpr auto asinh(X&& x) { return map<Asinh>(std::forward<X>(x)); }
/// torch.acosh
template <Formula X> constexpr auto acosh(X&& x) { return map<Acosh>(std::forward<X>(x)); }
/// torch.atanh
template <Formula X> constexpr auto atanh(X&& x) { return map<Atanh>(std::forward<X>(x)); }

/// Every elementwise operation of this header.
using HyperbolicOps = OpList<Sinh, Cosh, Tanh, Asinh, Acosh, Atanh>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
