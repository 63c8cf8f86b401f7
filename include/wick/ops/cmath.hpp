// SPDX-License-Identifier: MIT
// What else the C library computes of numbers. Dual numbers take these operations (autograd/dual_math.hpp).
#pragma once

#include <wick/ops/arithmetic.hpp>
#include <wick/ops/compare.hpp>
#include <wick/ops/explog.hpp>
#include <wick/ops/rounding.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// sqrt(a^2 + b^2), without overflow; slope 0 at the origin.
struct Hypot : Binary<"hypot", Domain<0.5, 4>, types::Floating> {
  WICK_FN static auto value(auto a, auto b) { return math::hypot(a, b); }
  WICK_FN static auto slope(auto a, auto b) {
    auto const r = math::hypot(a, b);
    return Slopes{math::Choice{r == 0, math::Zero{}, a / r}, math::Choice{r == 0, math::Zero{}, b / r}};
  }
};
/// Cube root
struct Cbrt : Unary<"cbrt", Domain<0.25, 8>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::cbrt(x); }
  WICK_FN static auto slope_from_value(auto y) { return math::like(y, 1.0 / 3) / (y * y); }
};
/// a * b + c, rounded once where the hardware can
struct Fma : Ternary<"fma"> {
  using polynomial = void;
  WICK_FN static auto value(auto a, auto b, auto c) { return math::fma(a, b, c); }
  WICK_FN static auto slope(auto a, auto b, auto) { return Slopes{b, a, math::One{}}; }
};
/// Remainder of a / b, with the sign of a
struct Fmod : Binary<"fmod", Domain<0.5, 4>> {
  using steep = void;
  WICK_FN static auto value(auto a, auto b) { return math::fmod(a, b); }
  WICK_FN static auto slope(auto a, auto b) { return Slopes{math::One{}, -math::trunc(a / b)}; }
};
/// |a| with the sign of b; slope 0 where a is 0.
struct Copysign : Binary<"copysign", Domain<-4, 4>, types::Floating> {
  WICK_FN static auto value(auto a, auto b) { return math::copysign(a, b); }
  WICK_FN static auto slope(auto a, auto b) { return Slopes{math::sign(a) * math::copysign(math::sign(a), b), math::Zero{}}; }
};
/// The smaller one, or the one that is no NaN; the slope at a tie is shared.
struct Fmin : Binary<"fmin"> {
  WICK_FN static auto value(auto a, auto b) { return math::where(math::isnan(a), b, math::where(math::isnan(b), a, math::minimum(a, b))); }
  WICK_FN static auto slope(auto a, auto b) {
    auto const s = Minimum::slope(a, b);
    return Slopes{math::Choice{math::isnan(a), math::Zero{}, s.first}, math::Choice{math::isnan(b), math::Zero{}, s.second}};
  }
};
/// The larger one, or the one that is no NaN; the slope at a tie is shared.
struct Fmax : Binary<"fmax"> {
  WICK_FN static auto value(auto a, auto b) { return math::where(math::isnan(a), b, math::where(math::isnan(b), a, math::maximum(a, b))); }
  WICK_FN static auto slope(auto a, auto b) {
    auto const s = Maximum::slope(a, b);
    return Slopes{math::Choice{math::isnan(a), math::Zero{}, s.first}, math::Choice{math::isnan(b), math::Zero{}, s.second}};
  }
};
/// Derivative of digamma
struct Trigamma : Unary<"trigamma", Domain<0.5, 8>> {
  static auto value(auto x) { return math::trigamma(x); }
};
/// Derivative of lgamma
struct Digamma : Unary<"digamma", Domain<0.5, 8>> {
  using steep = void;
  static auto value(auto x) { return math::digamma(x); }
  static auto slope(auto x) { return math::trigamma(x); }
};
/// log |gamma(x)|
struct Lgamma : Unary<"lgamma", Domain<0.5, 8>> {
  using steep = void;
  static auto value(auto x) { return math::lgamma(x); }
  static auto slope(auto x) { return math::digamma(x); }
};

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
