// SPDX-License-Identifier: MIT
// Logarithms and the cube root.
#pragma once

#include <wick/base/math_basic.hpp>

namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
template <Real V>
struct LogReduced {
  V k, f;
};

// For x > 0 and finite.
template <Real V>
[[gnu::always_inline]] WICK_FN LogReduced<V> log_reduce(V x) {
  using T = lane_of_t<V>;
  using W = simd::Word<T>;
  constexpr int width = simd::fraction_bits<T>;
  constexpr W one = simd::bits(T(1)), root = simd::bits(T(0.70710678118654752440));
  constexpr W fraction = (W(1) << width) - 1;
  constexpr T lift = T(W(1) << width);  // takes the subnormal numbers to normal ones
  auto const tiny = x < V(std::numeric_limits<T>::min());
  x = simd::select<V>(tiny, x * lift, x);
  auto const shifted = simd::bits(x) + simd::Bits<V>(one - root);
  // An integer below 2^width in the fraction of 2^width is that number: no conversion instruction needed.
  V const k = simd::from_bits<V>((shifted >> width) | simd::Bits<V>(simd::bits(lift)));
  V const offset = simd::select<V>(tiny, V(lift + T(one >> width) + T(width)), V(lift + T(one >> width)));
  return {k - offset, simd::from_bits<V>((shifted & simd::Bits<V>(fraction)) + simd::Bits<V>(root)) - V(T(1))};
}

// log(1 + f) - f
template <Real V>
[[gnu::always_inline]] WICK_FN V log_remainder(V f) {
  using T = lane_of_t<V>;
  if constexpr (sizeof(T) == 4) {
    V const square = f * f;
    V const p = simd::polynomial<V>(f, -0.076344927961200008812, 0.12761574518210149113, -0.13160182774313206595,
                                    0.14201758489527172617, -0.16623357362442734522, 0.20001226849214946642,
                                    -0.25000821032428671448, 0.33333331708032182527);
    return simd::fma<V>(square, V(T(-0.5)), f * square * p);
  } else {
    // 2 atanh(s) with s = f / (2 + f): the odd series converges fast (Tang 1990 uses the same form).
    V const s = f / (f + V(T(2)));
    V const z = s * s;
    V const half = T(0.5) * f * f;
    V const p = simd::polynomial<V>(z, 0.14796105956619618201, 0.15314035816891756741, 0.18183564867403250687,
                                    0.22222198563471530912, 0.2857142874247500461, 0.39999999999414320669,
                                    0.66666666666667344603);
    return simd::fma<V>(s, simd::fma<V>(z, p, half), math::negate(half));
  }
}

// The values of a logarithm where x is not a positive finite number.
template <Real V>
[[gnu::always_inline]] WICK_FN V log_special(V x, V result) {
  using T = lane_of_t<V>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  V const zero = V(T(0));
  V const at_zero = simd::select<V>(x == zero, V(-infinity), V(std::numeric_limits<T>::quiet_NaN()));
  // Infinity and NaN are their own logarithm.
  return simd::select<V>(x < V(infinity), simd::select<V>(x > zero, result, at_zero), x);
}

// k log_b(2) + (f + y) log_b(e), with both constants in two parts.
template <Real V>
[[gnu::always_inline]] WICK_FN V log_scaled(V k, V f, V y, lane_of_t<V> two, lane_of_t<V> two_low, lane_of_t<V> e,
                                            lane_of_t<V> e_low) {
  V const low = simd::fma<V>(k, V(two_low), simd::fma<V>(f, V(e_low), y * V(e)));
  return simd::fma<V>(k, V(two), simd::fma<V>(f, V(e), low));
}

}  // namespace detail

/// Natural logarithm.
template <Real V>
[[gnu::always_inline]] WICK_FN V log(V x) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  auto const [k, f] = detail::log_reduce(x);
  V const low = simd::fma<V>(k, V(single ? T(0x1.7f7d1cp-20) : T(-0x1.8432a1b0e2634p-43)), detail::log_remainder(f));
  return detail::log_special<V>(x, simd::fma<V>(k, V(single ? T(0x1.62e4p-1) : T(0x1.62e42fefa4p-1)), f + low));
}

/// Logarithm to base 2.
template <Real V>
WICK_FN V log2(V x) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  auto const [k, f] = detail::log_reduce(x);
  V const result = detail::log_scaled<V>(k, f, detail::log_remainder(f), T(1), T(0), T(0x1.71547652b82fep+0),
                                         single ? T(0x1.4ae0cp-26) : T(0x1.777d0ffda0d24p-56));
  return detail::log_special<V>(x, result);
}

/// Logarithm to base 10.
template <Real V>
WICK_FN V log10(V x) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  auto const [k, f] = detail::log_reduce(x);
  V const result =
      detail::log_scaled<V>(k, f, detail::log_remainder(f), single ? T(0x1.344p-2) : T(0x1.34413509f8p-2),
                            single ? T(0x1.3509f8p-18) : T(-0x1.80433b83b532ap-44), T(0x1.bcb7b1526e50ep-2),
                            single ? T(-0x1.5b235ep-27) : T(0x1.95355baaafad3p-57));
  return detail::log_special<V>(x, result);
}

/// log(1 + x), accurate near 0.
template <Real V>
WICK_FN V log1p(V x) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  V const one = V(T(1));
  V const u = x + one;
  V const back = u - one;
  V const lost = (one - (u - back)) + (x - back);  // what rounding u lost (Knuth's two-sum)
  auto const [k, f] = detail::log_reduce(u);
  V low = simd::fma<V>(k, V(single ? T(0x1.7f7d1cp-20) : T(-0x1.8432a1b0e2634p-43)), detail::log_remainder(f));
  low = low + lost / u;
  V const result = simd::fma<V>(k, V(single ? T(0x1.62e4p-1) : T(0x1.62e42fefa4p-1)), f + low);
  return simd::select<V>(x == V(T(0)), x, detail::log_special<V>(u, result));
}

/// Cube root.
template <Real V>
WICK_FN V cbrt(V x) {
  return detail::lanewise(x, [](auto lane) { return std::cbrt(lane); });
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
