// SPDX-License-Identifier: MIT
// Cube root and hypotenuse.
#pragma once

#include <wick/base/math_log.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

/// Cube root.
template <Real V>
WICK_FN V cbrt(V x) {
  using T = lane_of_t<V>;
  V const size = math::abs(x);
  auto const [k, f] = detail::log_reduce(size);
  // k = 3 n + rest: the cube root of m 2^rest, times 2^n
  V const shifted = simd::fma<V>(k, V(T(1) / 3), V(simd::round_magic<T>));
  V const rest = simd::fma<V>(shifted - V(simd::round_magic<T>), V(T(-3)), k);
  auto const above = rest > V(T(0)), below = rest < V(T(0));
  V const m = (f + V(T(1))) * simd::select<V>(above, V(T(2)), simd::select<V>(below, V(T(0.5)), V(T(1))));
  V const scale = simd::select<V>(above, V(T(0.79370052598409973738)),
                                  simd::select<V>(below, V(T(1.2599210498948731648)), V(T(1))));
  V const mantissa = f + V(T(1));
  V y;  // roughly m^(-1/3)
  if constexpr (sizeof(T) == 4) {
    y = scale * simd::polynomial<V>(mantissa, -0.13028235255597615330, 0.62175584361929571306, -1.1886364880798941411,
                                    1.6970663702975114078);
  } else {
    y = scale * simd::polynomial<V>(mantissa, -0.078933904471125571541, 0.54289470380993806863, -1.5597818423244626677,
                                    2.4336824589109502433, -2.2981670000216939772, 1.9603040244507918131);
  }
  // With e = 1 - m y^3 the root is m y^2 (1 - e)^(-2/3), of which the series is taken.
  V const root = m * y * y, e = simd::fma<V>(math::negate(root), y, V(T(1)));
  V series;
  if constexpr (sizeof(T) == 4) {
    series = simd::fma<V>(e, V(T(5. / 9)), V(T(2. / 3)));
  } else {
    series = simd::fma<V>(e, simd::fma<V>(e, V(T(40. / 81)), V(T(5. / 9))), V(T(2. / 3)));
  }
  V const result = simd::fma<V>(root * e, series, root) * simd::power_of_two<V>(shifted);
  auto const plain = simd::both(size > V(T(0)), size < V(std::numeric_limits<T>::infinity()));
  return simd::select<V>(plain, detail::flip_sign<V>(result, x), x);
}

/// sqrt(a^2 + b^2) without overflow.
template <Numeric A, Mixed<A> B>
WICK_FN auto hypot(A a, B b) {
  using V = Joint<A, B>;
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  constexpr T huge = single ? T(0x1p62) : T(0x1p510), tiny = single ? T(0x1p-40) : T(0x1p-440);
  constexpr T up = single ? T(0x1p80) : T(0x1p540), down = single ? T(0x1p-80) : T(0x1p-540);
  V const x = math::abs(detail::to<V>(a)), y = math::abs(detail::to<V>(b));
  auto const first = x > y;
  V const most = simd::select<V>(first, x, y);
  auto const large = most > V(huge), small = most < V(tiny);
  V const scale = simd::select<V>(large, V(down), simd::select<V>(small, V(up), V(T(1))));
  V const back = simd::select<V>(large, V(up), simd::select<V>(small, V(down), V(T(1))));
  V const high = most * scale, low = simd::select<V>(first, y, x) * scale;
  V const result = simd::sqrt(simd::fma<V>(high, high, low * low)) * back;
  return simd::select<V>(simd::either(x == V(infinity), y == V(infinity)), V(infinity), result);
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
