// SPDX-License-Identifier: MIT
// Inverse hyperbolic functions: logarithms of numbers that are known to more than their own digits.
#pragma once

#include <wick/base/math_log.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// log(2^more (u + low)) for u of at least 1, `low` being small beside it.
template <Real V>
[[gnu::always_inline]] WICK_FN V log_of_sum(V u, V low_by_u, V more) {
  using T = lane_of_t<V>;
  auto const [k, f] = log_reduce(u);
  V const n = k + more;
  V const low = simd::fma<V>(n, V(ln2_low<T>), log_remainder(f)) + low_by_u;
  return log_special<V>(u, simd::fma<V>(n, V(ln2_high<T>), f + low));
}

// From here on x^2 + 1 = x^2 - 1 = x^2.
template <Lane T>
inline constexpr T area_limit = sizeof(T) == 4 ? T(0x1p28) : T(0x1p60);

}  // namespace detail

/// Inverse hyperbolic sine.
template <Real V>
WICK_FN V asinh(V x) {
  using T = lane_of_t<V>;
  V const one = V(T(1)), size = math::abs(x), z = size * size;
  V p;  // (asinh(x) / x - 1) / x^2 for |x| <= 1/2
  if constexpr (sizeof(T) == 4) {
    p = simd::polynomial<V>(z, -0.013232672678322763666, 0.028166487804094028492, -0.044384031098917473282,
                            0.074986486945245871947, -0.16666643507748907110);
  } else {
    p = simd::polynomial<V>(z, -0.0021827416566558656336, 0.0057921280217430675908, -0.0089076632450343728800,
                            0.011364503757906616612, -0.013937042333075691220, 0.017349978927619622549,
                            -0.022371974596242815095, 0.030381936715876157661, -0.044642856954030831352,
                            0.074999999997693332068, -0.16666666666665685356);
  }
  V const small = simd::fma<V>(size * z, p, size);
  // log(x + root) with root^2 = 1 + x^2, and what the roundings lost
  V const sum = z + one, part = sum - z;
  V const lost = ((z - (sum - part)) + (one - part)) + simd::exact_remainder<V>(size, size, z);
  V const root = simd::sqrt(sum), u = root + size;
  auto const huge = size > V(detail::area_limit<T>);
  V const root_lost = T(0.5) * (lost - simd::exact_remainder<V>(root, root, sum));  // times root
  V const low = simd::fma<V>((root - u) + size, root, root_lost) / (root * u);
  V const large = detail::log_of_sum<V>(simd::select<V>(huge, size, u), simd::select<V>(huge, V(T(0)), low),
                                        simd::select<V>(huge, one, V(T(0))));
  return detail::flip_sign<V>(simd::select<V>(size < V(T(0.5)), small, large), x);
}

/// Inverse hyperbolic cosine; NaN below 1.
template <Real V>
WICK_FN V acosh(V x) {
  using T = lane_of_t<V>;
  V const one = V(T(1)), zero = V(T(0));
  // With t = x - 1 it is log(1 + t + root), root^2 = t (t + 2).
  V const t = x - one, more = t + V(T(2));
  V const square = t * more;
  V const lost = simd::fma<V>(t, t - (more - V(T(2))), simd::exact_remainder<V>(t, more, square));
  V const root = simd::sqrt(square), sum = t + root;
  V const u = sum + one, back = u - one;
  auto const huge = x > V(detail::area_limit<T>);
  V const root_lost = T(0.5) * (lost - simd::exact_remainder<V>(root, root, square));  // times root
  V const rounding = ((root - sum) + t) + ((one - (u - back)) + (sum - back));
  V const low = simd::select<V>(root > zero, simd::fma<V>(rounding, root, root_lost) / (root * u), zero);
  V const result = detail::log_of_sum<V>(simd::select<V>(huge, x, u), simd::select<V>(huge, zero, low),
                                         simd::select<V>(huge, one, zero));
  return simd::select<V>(x < one, V(std::numeric_limits<T>::quiet_NaN()), result);
}

/// Inverse hyperbolic tangent; NaN beyond 1.
template <Real V>
WICK_FN V atanh(V x) {
  using T = lane_of_t<V>;
  V const one = V(T(1)), zero = V(T(0)), size = math::abs(x);
  // log((1 + x) / (1 - x)) / 2 = k log(2) / 2 + atanh(s), where 2^k is near the quotient.
  V const above = one + size, below = one - size;
  V const quotient = above / below, k = detail::log_reduce(quotient).k;
  auto const plain = k == zero;
  V const power = simd::power_of_two<V>(simd::at_most<V>(k, T(sizeof(T) == 4 ? 30 : 60)) + V(simd::round_magic<T>));
  // Both forms of 1 + x -+ 2^k (1 - x) are rounded once where they are used.
  auto const near = k < V(T(6));
  V const top = simd::select<V>(near, simd::exact_remainder<V>(size, one + power, power - one),
                                simd::fma<V>(math::negate(power), below, above));
  V const bottom =
      simd::select<V>(near, simd::fma<V>(size, one - power, one + power), simd::fma<V>(power, below, above));
  V const s = simd::select<V>(plain, size, top / bottom), z = s * s;
  V p;  // (atanh(s) / s - 1) / s^2 for |s| <= 1/5
  if constexpr (sizeof(T) == 4) {
    p = simd::polynomial<V>(z, 0.12051745745533855547, 0.14253397025500150609, 0.20000433713738725002,
                            0.33333331529745764596);
  } else {
    p = simd::polynomial<V>(z, 0.069221318940894610160, 0.065867070779346300972, 0.076955616427167834255,
                            0.090908327577849016379, 0.11111112151385140424, 0.14285714277884519522,
                            0.20000000000028471910, 0.33333333333333297965);
  }
  V const logarithm = k * V(detail::ln2_high<T> / 2), sum = logarithm + s;
  V const low = simd::fma<V>(k, V(detail::ln2_low<T> / 2), s * z * p) + ((logarithm - sum) + s);
  V const finite = sum + low;
  // At 1 the quotient is infinite. It also keeps NaN where g++ does not compare numbers as IEEE says (with -ffast-math).
  V const edge = simd::select<V>(size > one, V(std::numeric_limits<T>::quiet_NaN()), quotient);
  return detail::flip_sign<V>(simd::select<V>(size < one, finite, edge), x);
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
