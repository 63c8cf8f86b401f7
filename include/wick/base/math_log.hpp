// SPDX-License-Identifier: MIT
// Logarithms.
#pragma once

#include <wick/base/math_exp.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// x = 2^k (1 + f) with 1 + f between 3/4 and 3/2.
template <Real V>
struct LogReduced {
  V k, f;
};

// For x > 0 and finite. With tables (AVX-512) for all x: k is infinite for zero and infinity, f is NaN below zero.
template <Real V>
[[gnu::always_inline]] WICK_FN LogReduced<V> log_reduce(V x) {
  using T = lane_of_t<V>;
  if constexpr (simd::has_tables<V>) {
    V const fraction = simd::rounded_fraction(x);
    return {simd::rounded_exponent(x, fraction), fraction - V(T(1))};
  } else {
    using W = simd::Word<T>;
    constexpr int width = simd::fraction_bits<T>;
    constexpr W one = simd::bits(T(1)), least = simd::bits(T(0.75));
    constexpr W fraction = (W(1) << width) - 1;
    constexpr T lift = T(W(1) << width);  // takes the subnormal numbers to normal ones
    auto const tiny = x < V(std::numeric_limits<T>::min());
    x = simd::select<V>(tiny, x * lift, x);
    auto const shifted = simd::bits(x) + simd::Bits<V>(one - least);
    // An integer below 2^width in the fraction of 2^width is that number: no conversion instruction needed.
    V const k = simd::from_bits<V>((shifted >> width) | simd::Bits<V>(simd::bits(lift)));
    V const offset = simd::select<V>(tiny, V(lift + T(one >> width) + T(width)), V(lift + T(one >> width)));
    return {k - offset, simd::from_bits<V>((shifted & simd::Bits<V>(fraction)) + simd::Bits<V>(least)) - V(T(1))};
  }
}

// log(1 + f) - f
template <Real V>
[[gnu::always_inline]] WICK_FN V log_remainder(V f) {
  using T = lane_of_t<V>;
  if constexpr (sizeof(T) == 4) {
    V const square = f * f;
    V const p = simd::polynomial<V>(f, -0.045073658042062227967, 0.10462868791066191080, -0.13161140506627746026,
                                    0.14478401047032517110, -0.16647316578779900863, 0.19990861077057499480,
                                    -0.25000095768025420854, 0.33333449128292432151);
    return simd::fma<V>(square, V(T(-0.5)), f * square * p);
  } else {
    // 2 atanh(s) with s = f / (2 + f): the odd series converges fast (Tang 1990 uses the same form).
    V const s = f / (f + V(T(2)));
    V const z = s * s;
    V const half = T(0.5) * f * f;
    V const p = simd::polynomial<V>(z, 0.13838555728253025144, 0.13174263624749000450, 0.15391072308080597193,
                                    0.18181667093037030806, 0.22222224276100394195, 0.28571428556008540393,
                                    0.40000000000055932418, 0.66666666666666597361);
    return simd::fma<V>(s, simd::fma<V>(z, p, half), math::negate(half));
  }
}

// The values of a logarithm where x is not a positive finite number; log_reduce may have seen to them.
template <Real V, bool Everywhere = false>
[[gnu::always_inline]] WICK_FN V log_special(V x, V result) {
  using T = lane_of_t<V>;
  if constexpr (simd::has_tables<V> && !Everywhere) return result;
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
  V const product = f * V(e);
  V const small = simd::fma<V>(y, V(e), simd::fma<V>(f, V(e_low), simd::exact_remainder<V>(f, V(e), product)));
  // Not times zero: k is infinite for zero and infinity.
  return simd::fma<V>(k, V(two), product) + (two_low == 0 ? small : simd::fma<V>(k, V(two_low), small));
}

}  // namespace detail

/// Natural logarithm.
template <Real V>
[[gnu::always_inline]] WICK_FN V log(V x) {
  using T = lane_of_t<V>;
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<V, float>)
    if (!std::is_constant_evaluated()) return ::logf(x);  // made of the hardware's approximations: docs/math_error.md
#endif
  auto const [k, f] = detail::log_reduce(x);
  V const low = simd::fma<V>(k, V(detail::ln2_low<T>), detail::log_remainder(f));
  return detail::log_special<V>(x, simd::fma<V>(k, V(detail::ln2_high<T>), f + low));
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
      detail::log_scaled<V>(k, f, detail::log_remainder(f), single ? T(0x1.344p-2) : T(0x1.34413509f0000p-2),
                            single ? T(0x1.3509f8p-18) : T(0x1.e7fbcc47c4acdp-40), T(0x1.bcb7b1526e50ep-2),
                            single ? T(-0x1.5b235ep-27) : T(0x1.95355baaafad3p-57));
  return detail::log_special<V>(x, result);
}

/// log(1 + x), accurate near 0.
template <Real V>
WICK_FN V log1p(V x) {
  using T = lane_of_t<V>;
  V const one = V(T(1));
  V const u = x + one;
  V const back = u - one;
  V const lost = (one - (u - back)) + (x - back);  // what rounding u lost (Knuth's two-sum)
  auto const [k, f] = detail::log_reduce(u);
  V low = simd::fma<V>(k, V(detail::ln2_low<T>), detail::log_remainder(f));
  low = low + lost / u;
  V const result = simd::fma<V>(k, V(detail::ln2_high<T>), f + low);
  return simd::select<V>(x == V(T(0)), x, detail::log_special<V, true>(u, result));
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
