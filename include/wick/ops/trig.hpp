// SPDX-License-Identifier: MIT
// Circular functions and their inverses; angles in radians.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Sine
struct Sin : Unary<"sin"> {
  WICK_FN static auto value(auto x) { return math::sin(x); }
  WICK_FN static auto slope(auto x) { return math::cos(x); }
};
/// Cosine
struct Cos : Unary<"cos"> {
  WICK_FN static auto value(auto x) { return math::cos(x); }
  WICK_FN static auto slope(auto x) { return -math::sin(x); }
};
/// Tangent
struct Tan : Unary<"tan", Domain<-1, 1>> {
  WICK_FN static auto value(auto x) { return math::tan(x); }
  WICK_FN static auto slope_from_value(auto y) { return 1 + y * y; }
};
/// Arc sine
struct Asin : Unary<"asin", Domain<-0.9, 0.9>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::asin(x); }
  WICK_FN static auto slope(auto x) { return math::rsqrt(1 - x * x); }
};
/// Arc cosine
struct Acos : Unary<"acos", Domain<-0.9, 0.9>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::acos(x); }
  WICK_FN static auto slope(auto x) { return -math::rsqrt(1 - x * x); }
};
/// Arc tangent
struct Atan : Unary<"atan"> {
  WICK_FN static auto value(auto x) { return math::atan(x); }
  WICK_FN static auto slope(auto x) { return 1 / (1 + x * x); }
};
/// Angle of the point (x, y), between -pi and pi; slope 0 at the origin.
struct Atan2 : Binary<"atan2", Domain<0.5, 4>, types::Floating> {
  using steep = void;
  WICK_FN static auto value(auto y, auto x) { return math::atan2(y, x); }
  WICK_FN static auto slope(auto y, auto x) {
    auto const radius2 = x * x + y * y;
    auto const r = 1 / math::where(radius2 == 0, 1.0, radius2);
    return Slopes{x * r, -y * r};
  }
};

/// torch.sin
template <Formula X> constexpr auto sin(X&& x) { return map<Sin>(std::forward<X>(x)); }
/// torch.cos
template <Formula X> constexpr auto cos(X&& x) { return map<Cos>(std::forward<X>(x)); }
/// torch.tan
template <Formula X> constexpr auto tan(X&& x) { return map<Tan>(std::forward<X>(x)); }
/// torch.asin
template <Formula X> constexpr auto asin(X&& x) { return map<Asin>(std::forward<X>(x)); }
/// torch.acos
template <Formula X> constexpr auto acos(X&& x) { return map<Acos>(std::forward<X>(x)); }
/// torch.atan
template <Formula X> constexpr auto atan(X&& x) { return map<Atan>(std::forward<X>(x)); }
/// torch.atan2
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto atan2(A&& a, B&& b) { return map<Atan2>(std::forward<A>(a), std::forward<B>(b)); }

/// Every elementwise operation of this header.
using TrigonometricOps = OpList<Sin, Cos, Tan, Asin, Acos, Atan, Atan2>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
