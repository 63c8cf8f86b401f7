// SPDX-License-Identifier: MIT
// Inverse trigonometric functions. Coefficients as in math_exp.hpp.
#pragma once

#include <wick/base/math_basic.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// pi as the sum of two numbers
template <Lane T>
inline constexpr T pi_high = T(3.14159265358979323846);
template <Lane T>
inline constexpr T pi_low = sizeof(T) == 4 ? T(-8.74227800037248e-8) : T(1.2246467991473532e-16);

// (asin(sqrt(z)) / sqrt(z) - 1) / z for z <= 1/4
template <Real V>
[[gnu::always_inline]] WICK_FN V asin_fraction(V z) {
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    return simd::polynomial<V>(z, 0.042189330607983141794, 0.024166871998970147118, 0.045472739432113047770,
                               0.074952805053704729088, 0.16666752861398663510);
  } else {
    return simd::polynomial<V>(z, 0.031956319066795292627, -0.016287411983694375187, 0.019567782212434994748,
                               0.0065138153932901653328, 0.012172417348655536324, 0.013884758324357888842,
                               0.017359751852852527572, 0.022371755016672226629, 0.030381959259331517914,
                               0.044642856825477189284, 0.075000000003403002063, 0.16666666666665395893);
  }
}

// Beyond 1/2, asin(x) = pi/2 - 2 asin(s) with s^2 = (1 - x) / 2; up to there s = |x|.
template <Real V>
struct Arc {
  simd::Truth<V> beyond;
  V s, rest;  // asin(s) = s + rest
};
template <Real V>
[[gnu::always_inline]] WICK_FN Arc<V> arc(V x) {
  using T = lane_of_t<V>;
  V const size = math::abs(x);
  auto const beyond = size > V(T(0.5));
  V const z = simd::select<V>(beyond, simd::fma<V>(size, V(T(-0.5)), V(T(0.5))), size * size);
  V const s = simd::select<V>(beyond, simd::sqrt(z), size);
  return {beyond, s, s * z * asin_fraction(z)};
}

// atan(a / b) for a, b >= 0; pi - atan(a / b) where `behind`. Two zeros or infinities are `same` too.
template <Real V>
[[gnu::always_inline]] WICK_FN V atan_quotient(V a, V b, simd::Truth<V> behind, simd::Truth<V> same) {
  using T = lane_of_t<V>;
  // atan(a / b) = pi/4 + atan((a - b) / (a + b)) = pi/2 - atan(b / a): |t| <= 1/2, and a - b is exact.
  auto const near = simd::either(a > T(0.5) * b, simd::both(same, a > V(T(0)))), far = a > b + b;
  V const top = simd::select<V>(far, math::negate(b), simd::select<V>(near, a - b, a));
  V const bottom = simd::select<V>(far, a, simd::select<V>(near, a + b, b));
  V t = simd::select<V>(same, V(T(0)), top / bottom);
  V quarters = simd::select<V>(far, V(T(0.5)), simd::select<V>(near, V(T(0.25)), V(T(0))));
  quarters = simd::select<V>(behind, T(1) - quarters, quarters);
  t = simd::select<V>(behind, math::negate(t), t);
  V const z = t * t;
  V p;  // (atan(t) / t - 1) / t^2
  if constexpr (sizeof(T) == 4) {
    p = simd::polynomial<V>(z, -0.051272950537368203006, 0.10157112092122922267, -0.14174469873129198227,
                            0.19994187652101185510, -0.33333233451407856871);
  } else {
    p = simd::polynomial<V>(z, 0.010091630326786922172, -0.027398869040102043087, 0.041842522727724290521,
                            -0.051212010010946691448, 0.058581172565516398643, -0.066637836645031341571,
                            0.076920712612394455664, -0.090908960744426431703, 0.11111110652782908963,
                            -0.14285714276226206910, 0.19999999999901260328, -0.33333333333332974328);
  }
  V const angle = simd::fma<V>(quarters, V(pi_low<T>), simd::fma<V>(t * z, p, t));
  return simd::fma<V>(quarters, V(pi_high<T>), angle);
}

}  // namespace detail

/// Arc sine, between -pi/2 and pi/2.
template <Real V>
WICK_FN V asin(V x) {
  using T = lane_of_t<V>;
  auto const [beyond, s, rest] = detail::arc(x);
  V const quarter = V(detail::pi_high<T> / 2), twice = s + s, part = quarter - twice;
  V const lost = (quarter - part) - twice;
  V const upper = part - (simd::fma<V>(rest, V(T(2)), V(-detail::pi_low<T> / 2)) - lost);
  return detail::flip_sign<V>(simd::select<V>(beyond, upper, s + rest), x);
}

/// Arc cosine, between 0 and pi.
template <Real V>
WICK_FN V acos(V x) {
  using T = lane_of_t<V>;
  auto const [beyond, s, rest] = detail::arc(x);
  V const middle = V(detail::pi_high<T> / 2) - (x + (detail::flip_sign<V>(rest, x) - V(detail::pi_low<T> / 2)));
  V const twice = T(2) * (s + rest);
  V const outer = simd::select<V>(x < V(T(0)), V(detail::pi_high<T>) - (twice - V(detail::pi_low<T>)), twice);
  return simd::select<V>(beyond, outer, middle);
}

/// Arc tangent, between -pi/2 and pi/2.
template <Real V>
WICK_FN V atan(V x) {
  using T = lane_of_t<V>;
  V const size = math::abs(x);
  auto const never = size < V(T(0));
  return detail::flip_sign<V>(detail::atan_quotient<V>(size, V(T(1)), never, never), x);
}

/// Angle of the point (b, a), between -pi and pi.
template <Numeric A, Mixed<A> B>
WICK_FN auto atan2(A a, B b) {
  using V = Joint<A, B>;
  using T = lane_of_t<V>;
  V const y = detail::to<V>(a), x = detail::to<V>(b);
  V high = math::abs(y), wide = math::abs(x);
  auto const same = high == wide;  // also two zeros or infinities
  // Their sum must not overflow.
  auto const large =
      simd::either(high > V(std::numeric_limits<T>::max() / 4), wide > V(std::numeric_limits<T>::max() / 4));
  V const down = simd::select<V>(large, V(T(0.25)), V(T(1)));
  high = high * down, wide = wide * down;
  auto const behind = math::copysign(V(T(1)), x) < V(T(0));
  return detail::flip_sign<V>(detail::atan_quotient<V>(high, wide, behind, same), y);
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
