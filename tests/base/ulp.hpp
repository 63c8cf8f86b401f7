// SPDX-License-Identifier: MIT
// The error of a result in units of the last place, what it is measured at, and what it is measured against: the C
// library in the next wider format.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include <wick/base/config.hpp>
WICK_PRECISE_BEGIN

namespace ulp {

/// A format with at least eleven more bits than T.
template <class T>
using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;

/// The error of NaN against a number, or of the wrong infinity or sign of zero.
inline constexpr double wrong = 1e30;

/// What kind of number `x` is, told by its bits: the tests also run with -ffast-math, where the C library's functions may lie.
template <class T>
auto magnitude(T x) {
  using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return static_cast<Word>(std::bit_cast<Word>(x) & (~Word(0) >> 1));
}
template <class T>
bool is_nan(T x) {
  return magnitude(x) > magnitude(std::numeric_limits<T>::infinity());
}
template <class T>
bool is_infinite(T x) {
  return magnitude(x) == magnitude(std::numeric_limits<T>::infinity());
}
template <class T>
bool is_finite(T x) {
  return magnitude(x) < magnitude(std::numeric_limits<T>::infinity());
}

/// Distance of `got` from the exact value in units of the last place of T there. The number after the largest stands
/// for infinity.
template <class T>
double error(T got, Wide<T> exact) {
  using Limits = std::numeric_limits<T>;
  T const rounded = static_cast<T>(exact);
  if (is_nan(rounded) || is_nan(got)) return is_nan(rounded) == is_nan(got) ? 0 : wrong;
  if (rounded == got) {
    if (rounded == 0 && std::signbit(rounded) != std::signbit(got)) return wrong;
    if (is_infinite(got)) return 0;
  } else if (is_infinite(got) && is_infinite(rounded)) {
    return wrong;
  }
  // 2^max_exponent as a wide number: a double holds it for float, a long double for double.
  constexpr Wide<T> beyond = Wide<T>(Limits::max()) / (2 - Limits::epsilon()) * 2;
  auto const finite = [beyond](Wide<T> x) { return std::fabs(x) > std::numeric_limits<Wide<T>>::max() ? std::copysign(beyond, x) : x; };
  Wide<T> const value = finite(exact), distance = std::fabs(finite(got) - value);
  if (distance == 0) return 0;
  // The exponent as that of a double, held inside the range of T.
  double const size = static_cast<double>(std::fmin(std::fabs(value), static_cast<Wide<T>>(Limits::max())));
  int const raw = static_cast<int>(std::bit_cast<std::uint64_t>(size) >> 52) - 1023;
  int const exponent = raw < Limits::min_exponent - 1 ? Limits::min_exponent - 1 : raw;
  if constexpr (sizeof(T) == 4) {  // quicker
    return distance * std::bit_cast<double>(static_cast<std::uint64_t>(1023 + Limits::digits - 1 - exponent) << 52);
  } else {
    return static_cast<double>(std::ldexp(distance, Limits::digits - 1 - exponent));
  }
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

/// A sample of all representations, denser where functions do something, and the special values.
template <class T>
std::vector<T> const& samples() {
  static std::vector<T> const all = [] {
    std::vector<T> x;
    std::mt19937_64 random(20);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (int i = 0; i < 220000; ++i) {
      // Every 19,531st float (an odd stride reaches all exponents and fractions); random doubles.
      if constexpr (sizeof(T) == 4) {
        x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(i) * 19531u));
      } else {
        x.push_back(std::bit_cast<double>(static_cast<std::uint64_t>(random())));
      }
    }
    for (double range : {0.1, 0.6, 1.0, 2.0, 10.0, 30.0, 100.0, 800.0, 9000.0, 1.4e5, 1.1e6}) {
      for (int i = 0; i < 12000; ++i) x.push_back(static_cast<T>(uniform(random) * range));
    }
    for (int i = 0; i < 12000; ++i) x.push_back(static_cast<T>(1 + uniform(random) * 0.01));
    for (int i = 1; i < 4000; ++i) x.push_back(static_cast<T>(i * 1.57079632679489661923));
    using Limits = std::numeric_limits<T>;
    T const infinity = Limits::infinity();
    for (double border : {0.,   0.03125, 0.0625, 0.5,    0.75,  1.,    1.5,   2.,     9.2,    9.25,   10.3,  14.6,
                          19.2, 27.5,    88.72,  -103.9, 709.8, -745., 8192., 0x1p17, 0x1p28, 0x1p40, 0x1p60}) {
      T const base = static_cast<T>(border);
      for (T y : {base, std::nextafter(base, infinity), std::nextafter(base, -infinity)}) {
        x.push_back(y), x.push_back(-y);
      }
    }
    for (T y : {infinity, Limits::quiet_NaN(), Limits::max(), Limits::min(), Limits::denorm_min()}) {
      x.push_back(y), x.push_back(-y);
    }
    while (x.size() % 64 != 0) x.push_back(T(1));
    return x;
  }();
  return all;
}

}  // namespace ulp
WICK_PRECISE_END
