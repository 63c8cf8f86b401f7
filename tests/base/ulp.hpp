// SPDX-License-Identifier: MIT
// The error of a result in units of the last place, and the functions it is measured against: the C library in the
// next wider format.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace ulp {

/// A format with at least eleven more bits than T.
template <class T>
using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;

/// The error of NaN against a number, or of the wrong infinity or sign of zero.
inline constexpr double wrong = 1e30;

/// Distance of `got` from the exact value in units of the last place of T there. The number after the largest stands
/// for infinity.
template <class T>
double error(T got, Wide<T> exact) {
  using Limits = std::numeric_limits<T>;
  T const rounded = static_cast<T>(exact);
  if (rounded != rounded || got != got) return (rounded != rounded) == (got != got) ? 0 : wrong;
  if (rounded == got) {
    if (rounded == 0 && std::signbit(rounded) != std::signbit(got)) return wrong;
    if (std::isinf(got)) return 0;
  } else if (std::isinf(got) && std::isinf(rounded)) {
    return wrong;
  }
  // 2^max_exponent as a wide number: a double holds it for float, a long double for double.
  Wide<T> const beyond = std::ldexp(Wide<T>(1), Limits::max_exponent);
  auto const finite = [beyond](Wide<T> x) { return std::isinf(x) ? std::copysign(beyond, x) : x; };
  Wide<T> const value = finite(exact), distance = std::fabs(finite(got) - value);
  if (distance == 0) return 0;
  // The exponent as that of a double, held inside the range of T.
  double const size = static_cast<double>(std::fmin(std::fabs(value), static_cast<Wide<T>>(Limits::max())));
  int const raw = static_cast<int>(std::bit_cast<std::uint64_t>(size) >> 52) - 1023;
  int const exponent = raw < Limits::min_exponent - 1 ? Limits::min_exponent - 1 : raw;
  return static_cast<double>(std::ldexp(distance, Limits::digits - 1 - exponent));
}

/// Definitions for what the C library has no function for.
template <class X>
X sigmoid(X x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
template <class X>
X gelu(X x) {
  if (x == -std::numeric_limits<X>::infinity()) return -X(0);
  return x * (std::erfc(x * X(-0.70710678118654752440084436210484904L)) / 2);
}
template <class X>
X softplus(X x) {
  return x != x ? x : (x > 0 ? x : X(0)) + std::log1p(std::exp(-std::fabs(x)));
}

}  // namespace ulp
