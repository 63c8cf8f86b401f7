// SPDX-License-Identifier: MIT
// The logarithm of the gamma function and its first two derivatives, of numbers.
#pragma once

#include <cmath>

#include <wick/base/math_basic.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

/// log |gamma(x)|
template <Lane T>
T lgamma(T x) {
#if defined(__GLIBC__)
  [[maybe_unused]] int sign;  // C's own function keeps it in a variable that all threads share
  if constexpr (sizeof(T) == 4) return ::lgammaf_r(x, &sign);
  else return ::lgamma_r(x, &sign);
#else
  return std::lgamma(x);
#endif
}

/// Derivative of lgamma: moved to x >= 10 by psi(x) = psi(x + 1) - 1 / x, then the asymptotic series (Abramowitz and Stegun
/// 6.3.18); below 0 by reflection (6.3.7).
template <Lane T>
T digamma(T number) {
  double x = number, sum = 0;
  if (x == 0) return static_cast<T>(-1 / x);
  if (x < 0) {
    if (x == std::floor(x)) return std::numeric_limits<T>::quiet_NaN();
    double const pi = 3.141592653589793;
    sum = -pi / std::tan(pi * (x - std::floor(x)));
    x = 1 - x;
  }
  for (; x < 10; x += 1) sum -= 1 / x;
  double const z = 1 / (x * x);
  double const series =
      z * (1. / 12 - z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z / 12))))));
  return static_cast<T>(sum + std::log(x) - 0.5 / x - series);
}

/// Derivative of digamma, likewise (6.4.12, 6.4.7).
template <Lane T>
T trigamma(T number) {
  double x = number, sum = 0, sign = 1;
  if (x <= 0) {
    if (x == std::floor(x)) return std::numeric_limits<T>::infinity();
    double const pi = 3.141592653589793, s = std::sin(pi * (x - std::floor(x)));
    sum = pi * pi / (s * s);
    x = 1 - x;
    sign = -1;
  }
  for (; x < 10; x += 1) sum += sign / (x * x);
  double const z = 1 / (x * x);
  double const series = z * (1. / 6 - z * (1. / 30 - z * (1. / 42 - z * (1. / 30 - z * (5. / 66 - z * (691. / 2730 - z * 7. / 6))))));
  return static_cast<T>(sum + sign * (1 / x) * (1 + 0.5 / x + series));
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
