// SPDX-License-Identifier: MIT
// Exponentials and the logistic function. The coefficients are minimax fits (Remez exchange, relative error) of
// the remainder that each comment names; docs/math_error.md lists the errors measured.
#pragma once

#include <wick/base/math_basic.hpp>

namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// Sign * x = n ln 2 + r with |r| <= ln(2) / 2 (Cody and Waite 1980); `shifted` is n + round_magic.
template <Real V>
struct ExpReduced {
  V r, shifted;
};

template <Real V, int Sign = 1>
[[gnu::always_inline]] WICK_FN ExpReduced<V> exp_reduce(V x) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T high = single ? T(0x1.62e4p-1) : T(0x1.62e42fefa4p-1);
  constexpr T low = single ? T(0x1.7f7d1cp-20) : T(-0x1.8432a1b0e2634p-43);
  V const shifted = simd::fma<V>(x, V(T(Sign * 1.4426950408889634074)), V(simd::round_magic<T>));
  V const n = shifted - V(simd::round_magic<T>);
  if constexpr (Sign < 0) return {simd::fma<V>(n, V(-low), simd::fma<V>(n, V(-high), math::negate(x))), shifted};
  return {simd::fma<V>(n, V(-low), simd::fma<V>(n, V(-high), x)), shifted};
}

// e^r - 1 for |r| <= ln(2) / 2
template <Real V>
[[gnu::always_inline]] WICK_FN V exp_fraction(V r) {
  V p;  // (e^r - 1 - r) / r^2
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    p = simd::polynomial<V>(r, 0.0013814540495791059449, 0.0083687451175423624871, 0.041668390777959225467,
                            0.16666520398949697041, 0.49999993432151727469);
  } else {
    p = simd::polynomial<V>(r, 2.5000018388336128051e-8, 2.7630306344932942776e-7, 2.7557586805871191925e-6,
                            0.000024801492949360988127, 0.00019841269505770595718, 0.0013888888943760233375,
                            0.0083333333334949794405, 0.041666666666529727201, 0.16666666666666411503,
                            0.50000000000000106689);
  }
  return simd::fma<V>(r * r, p, r);
}

// The exponents between which e^x is neither 0 nor infinite, with a margin.
template <Lane T>
inline constexpr T exp_low = sizeof(T) == 4 ? T(-104.5) : T(-746);
template <Lane T>
inline constexpr T exp_high = sizeof(T) == 4 ? T(89.5) : T(710.5);

// e^x * 2^shift for x between exp_low and exp_high.
template <Real V>
[[gnu::always_inline]] WICK_FN V exp_within(V x, int shift = 0) {
  auto const [r, shifted] = exp_reduce(x);
  return simd::scale<V>(exp_fraction(r), shift == 0 ? shifted : shifted + V(static_cast<lane_of_t<V>>(shift)));
}

}  // namespace detail

/// e^x.
template <Real V>
[[gnu::always_inline]] WICK_FN V exp(V x) {
  using T = lane_of_t<V>;
  return detail::exp_within<V>(simd::clamp<V>(x, detail::exp_low<T>, detail::exp_high<T>));
}

namespace detail {
// 2^r - 1 for |r| <= 1/2
template <Real V>
[[gnu::always_inline]] WICK_FN V exp2_fraction(V r) {
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    return r * simd::polynomial<V>(r, 0.00015594756009127531174, 0.0013406674490311144897, 0.0096176926149778974665,
                                   0.055503104669239947829, 0.24022652785460184675, 0.69314721501130311591);
  } else {
    return r * simd::polynomial<V>(r, 4.0791489826906761841e-10, 7.07256348430827022e-9, 1.0180640620070229573e-7,
                                   1.3215442709886941513e-6, 0.000015252727401869560454, 0.00015403530441515628126,
                                   0.0013333558153422747575, 0.009618129107607035828, 0.05550410866479046676,
                                   0.24022650695910097955, 0.69314718055994569591);
  }
}
}  // namespace detail

/// 2^x.
template <Real V>
WICK_FN V exp2(V x) {
  using T = lane_of_t<V>;
  x = simd::clamp<V>(x, sizeof(T) == 4 ? T(-151) : T(-1076), sizeof(T) == 4 ? T(128.5) : T(1024.5));
  V const shifted = x + V(simd::round_magic<T>);
  return simd::scale<V>(detail::exp2_fraction<V>(x - (shifted - V(simd::round_magic<T>))), shifted);
}

/// e^x - 1, accurate near 0.
template <Real V>
WICK_FN V expm1(V x) {
  using T = lane_of_t<V>;
  constexpr T low = sizeof(T) == 4 ? T(-18) : T(-40);    // below it the result is -1
  constexpr T high = sizeof(T) == 4 ? T(89) : T(710.1);  // above it the result is infinite
  auto const [r, shifted] = detail::exp_reduce<V>(simd::clamp<V>(x, low, high));
  V const small = detail::exp_fraction(r);
  V const half = simd::power_of_two<V>(shifted, -1);  // half of 2^n is finite where e^x is
  V const result = T(2) * simd::fma<V>(half, small, half - V(T(0.5)));
  return math::copysign(result, x);
}

/// Logistic function 1 / (1 + e^-x), accurate in both tails.
template <Real V>
[[gnu::always_inline]] WICK_FN V sigmoid(V x) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  // Both sides of the fraction times a small power of two: e^-x overflows long before the result is zero.
  constexpr int down = single ? -32 : -256;
  constexpr T unit = single ? T(0x1p-32) : T(0x1p-256);
  auto const [r, shifted] = detail::exp_reduce<V, -1>(simd::clamp<V>(x, detail::exp_low<T>, single ? T(30) : T(60)));
  V const power = simd::power_of_two<V>(shifted, down);
  return V(unit) / simd::fma<V>(detail::exp_fraction(r), power, power + V(unit));
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
