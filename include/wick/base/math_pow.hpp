// SPDX-License-Identifier: MIT
// Powers: 2^(b log2 a), with the logarithm and the product carried in two numbers (Dekker 1971), because the
// exponential multiplies an error of its argument by the size of the result's exponent.
#pragma once

#include <wick/base/math_exp.hpp>
#include <wick/base/math_log.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// The unevaluated sum high + low.
template <Real V>
struct Pair {
  V high, low;
};

// a * b exactly.
template <Real V>
[[gnu::always_inline]] WICK_FN Pair<V> exact_product(V a, V b) {
  // Written as a multiply-add so that no compiler merges this product into a later sum.
  V const product = simd::fused ? simd::fma<V>(a, b, V(lane_of_t<V>(-0.0))) : a * b;
  return {product, simd::exact_remainder<V>(a, b, product)};
}

// a * b, with an error of the order of low * low.
template <Real V>
[[gnu::always_inline]] WICK_FN Pair<V> product(Pair<V> a, Pair<V> b) {
  auto const [high, low] = exact_product(a.high, b.high);
  return {high, simd::fma<V>(a.high, b.low, simd::fma<V>(a.low, b.high, low))};
}

// a + b for |a| >= |b| or a = 0.
template <Real V>
[[gnu::always_inline]] WICK_FN Pair<V> ordered_sum(V a, Pair<V> b) {
  V const sum = a + b.high;
  return {sum, ((a - sum) + b.high) + b.low};
}

// log2(a) for a > 0 and finite.
template <Real V>
[[gnu::always_inline]] WICK_FN Pair<V> log2_pair(V a) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  auto const [k, f] = log_reduce(a);
  // s = f / (2 + f), the quotient in two parts
  V const below = f + V(T(2)), below_low = f - (below - V(T(2)));
  V const s_high = f / below;
  auto const back = exact_product(s_high, below);
  Pair<V> const s{s_high, (((f - back.high) - back.low) - s_high * below_low) / below};
  // log(1 + f) = s (2 + 2/3 s^2 + s^4 p(s^2))
  auto const z = product(s, s);
  Pair<V> const two_thirds{V(single ? T(0x1.555556p-1) : T(0x1.5555555555555p-1)),
                           V(single ? T(-0x1.555556p-26) : T(0x1.5555555555555p-55))};
  V p;
  if constexpr (single) {
    p = simd::polynomial<V>(z.high, 0.23875061464546290004, 0.28525487448330893334, 0.40000392998806562397);
  } else {
    p = simd::polynomial<V>(z.high, 0.12576790228978411908, 0.11591488776047880268, 0.13341202382860424910,
                            0.15384404614305471305, 0.18181821566431366147, 0.22222222190801096731,
                            0.28571428571579815989, 0.39999999999999719379);
  }
  auto cubic = product(z, two_thirds);
  cubic.low = simd::fma<V>(z.high * z.high, p, cubic.low);
  Pair<V> const over_ln2{V(single ? T(0x1.715476p+0) : T(0x1.71547652b82fep+0)),
                         V(single ? T(0x1.4ae0cp-26) : T(0x1.777d0ffda0d24p-56))};
  auto const sum = ordered_sum(k, product(product(s, ordered_sum(V(T(2)), cubic)), over_ln2));
  return ordered_sum(sum.high, Pair<V>{sum.low, V(T(0))});  // the low part held all of s^5 p(s^2)
}

template <Real V>
WICK_FN V power(V a, V b) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  V const zero = V(T(0)), one = V(T(1)), size = math::abs(a);
  // A larger exponent gives 0, 1 or infinity just as this one does.
  V const exponent = simd::clamp<V>(b, single ? T(-0x1p34) : T(-0x1p64), single ? T(0x1p34) : T(0x1p64));
  auto const logarithm = log2_pair(size);
  auto const raised = exact_product(exponent, logarithm.high);
  V const high = simd::clamp<V>(raised.high, single ? T(-155) : T(-1080), single ? T(130) : T(1026));
  // Far out, where the result is settled, the low part is large as well.
  V const low = simd::clamp<V>(simd::fma<V>(exponent, logarithm.low, raised.low), T(-0.25), T(0.25));
  V result = exp2_sum<V>(high, low);

  auto const negative_exponent = b < zero;
  result = simd::select<V>(size == zero, simd::select<V>(negative_exponent, V(infinity), zero), result);
  result = simd::select<V>(size == V(infinity), simd::select<V>(negative_exponent, zero, V(infinity)), result);
  V const half = b * T(0.5);
  auto const whole = math::trunc(b) == b;
  auto const odd = simd::both(whole, simd::negate(math::trunc(half) == half));
  result = simd::select<V>(odd, flip_sign<V>(result, a), result);
  auto const undefined = simd::both(simd::both(a < zero, simd::negate(whole)), size < V(infinity));
  result = simd::select<V>(undefined, V(std::numeric_limits<T>::quiet_NaN()), result);
  result = simd::select<V>(simd::either(math::isnan(a), math::isnan(b)), a + b, result);
  return simd::select<V>(simd::either(b == zero, a == one), one, result);
}

}  // namespace detail

/// a^b with the special values of C's pow.
template <Numeric A, Mixed<A> B>
WICK_FN auto pow(A a, B b) {
  using V = Joint<A, B>;
  return detail::power<V>(detail::to<V>(a), detail::to<V>(b));
}

/// Integer power; a negative exponent gives the truncated quotient.
template <Integer A, Integer B>
WICK_FN A pow(A a, B b) {
  if constexpr (std::is_signed_v<B>) {
    if (b < 0) return a == A(1) ? A(1) : a == A(-1) ? (b % 2 == 0 ? A(1) : A(-1)) : A(0);
  }
  A result = 1;
  for (; b > B(0); b = static_cast<B>(b >> 1), a = static_cast<A>(math::times(a, a))) {
    if (b & B(1)) result = static_cast<A>(math::times(result, a));
  }
  return result;
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
