// SPDX-License-Identifier: MIT
// Numbers of 16 bits: every one of them, what lies between them, and their limits; against the compiler's own type where
// it has one, else against their definition.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>
#include <vector>
#include <wick/base/simd_half.hpp>

WICK_PRECISE_BEGIN  // also with -ffast-math a test means what it says

using wick::bfloat16;
using wick::float16;

namespace {

// The value that IEEE 754 gives bits of 1 sign, `exponent` and `fraction` bits.
double value_of(std::uint32_t bits, int exponent, int fraction) {
  std::uint32_t const low = bits & ((1u << fraction) - 1), high = bits >> fraction & ((1u << exponent) - 1);
  double const sign = bits >> 15 ? -1 : 1;
  int const bias = (1 << (exponent - 1)) - 1;
  if (high == (1u << exponent) - 1) return low ? std::nan("") : sign * INFINITY;
  if (high == 0) return sign * std::ldexp(low, 1 - bias - fraction);
  return sign * std::ldexp(low + (1u << fraction), static_cast<int>(high) - bias - fraction);
}

bool same(double a, double b) { return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b); }

template <class T>
std::vector<double> between_neighbours() {
  std::vector<double> found;
  for (std::uint32_t b = 0; b < 0x8000; ++b) {
    double const low = T::from_bits(static_cast<std::uint16_t>(b)), high = T::from_bits(static_cast<std::uint16_t>(b + 1));
    if (!std::isfinite(high)) break;
    double const middle = (low + high) / 2;
    for (double x : {low, std::nextafter(low, high), std::nextafter(middle, low), middle, std::nextafter(middle, high),
                     std::nextafter(high, low)})
      found.push_back(x), found.push_back(-x);
  }
  double const most = std::numeric_limits<T>::max(), step = most - double(T::from_bits(std::numeric_limits<T>::max().bits - 1));
  for (double x : {most, most + step / 2, std::nextafter(most + step / 2, 0.0), most + step, 1e300, double(INFINITY)})
    found.push_back(x), found.push_back(-x);
  return found;
}

// The nearest number, and of two the one with an even last bit.
template <class T>
T nearest(double x) {
  double const size = std::fabs(x), limit = std::numeric_limits<T>::max();
  double const step = limit - double(T::from_bits(std::numeric_limits<T>::max().bits - 1));
  std::uint16_t low = 0, high = std::numeric_limits<T>::infinity().bits;
  if (size >= limit + step / 2) {
    low = high;
  } else {
    while (high - low > 1) {
      auto const middle = static_cast<std::uint16_t>((low + high) / 2);
      (double(T::from_bits(middle)) <= size ? low : high) = middle;
    }
    double const below = size - double(T::from_bits(low));
    double const next = low == std::numeric_limits<T>::max().bits ? limit + step : double(T::from_bits(high));
    if (next - size < below || (next - size == below && low % 2)) ++low;
  }
  return T::from_bits(static_cast<std::uint16_t>(low | (std::signbit(x) ? 0x8000u : 0u)));
}

template <class T>
void check_every_number(int exponent, int fraction) {
  std::vector<T> all;
  for (std::uint32_t b = 0; b < 0x10000; ++b) all.push_back(T::from_bits(static_cast<std::uint16_t>(b)));
  std::vector<float> wide(all.size());
  wick::simd::widen(all.data(), static_cast<std::int64_t>(all.size()), wide.data());
  std::vector<T> back(all.size());
  wick::simd::narrow(wide.data(), static_cast<std::int64_t>(all.size()), back.data());
  int wrong = 0;
  for (std::uint32_t b = 0; b < 0x10000; ++b) {
    double const want = value_of(b, exponent, fraction);
    bool const kept = std::isnan(want) ? std::isnan(float(back[b])) : back[b].bits == b && T(wide[b]).bits == b;
    wrong += !same(float(all[b]), want) || !same(wide[b], want) || !kept;
  }
  CHECK(wrong == 0);
}

template <class T>
void check_rounding() {
  int wrong = 0;
  std::vector<float> floats;
  for (double x : between_neighbours<T>()) {
    wrong += T(x).bits != nearest<T>(x).bits;  // a double is rounded once, not to a float first
    floats.push_back(static_cast<float>(x));
    wrong += T(floats.back()).bits != nearest<T>(floats.back()).bits;
  }
  CHECK(wrong == 0);
  while (floats.size() % 16 != 5) floats.pop_back();
  std::vector<T> out(floats.size());
  wick::simd::narrow(floats.data(), static_cast<std::int64_t>(floats.size()), out.data());
  for (std::size_t i = 0; i < out.size(); ++i) wrong += out[i].bits != T(floats[i]).bits;
  CHECK(wrong == 0);
  CHECK(std::isnan(float(T(NAN))));
  CHECK(std::isnan(float(T(std::bit_cast<float>(0x7F800001u)))));  // its payload has no bit that is kept
}

template <class T>
void check_limits(int digits) {
  using Limits = std::numeric_limits<T>;
  CHECK(Limits::digits == digits);
  CHECK(double(Limits::epsilon()) == std::ldexp(1, 1 - digits));
  CHECK(double(Limits::min()) == std::ldexp(1, Limits::min_exponent - 1));
  CHECK(double(Limits::max()) == std::ldexp(2 - std::ldexp(1, 1 - digits), Limits::max_exponent - 1));
  CHECK(double(Limits::lowest()) == -double(Limits::max()));
  CHECK(double(Limits::denorm_min()) == std::ldexp(1, Limits::min_exponent - digits));
  CHECK(std::isinf(float(Limits::infinity())));
  CHECK(std::isnan(float(Limits::quiet_NaN())));
  CHECK(std::isnan(float(Limits::signaling_NaN())));
}

}  // namespace

TEST_CASE("every float16 and bfloat16 is read and written exactly") {
  check_every_number<float16>(5, 10);
  check_every_number<bfloat16>(8, 7);
}
TEST_CASE("numbers are rounded to the nearest of 16 bits, ties to even") {
  check_rounding<float16>();
  check_rounding<bfloat16>();
}
#if defined(__FLT16_MAX__) && defined(__GNUC__) && !defined(__clang__)
TEST_CASE("float16 rounds as the compiler's own type") {
  int wrong = 0;
  for (double x : between_neighbours<float16>()) wrong += float16(x).bits != std::bit_cast<std::uint16_t>(static_cast<_Float16>(x));
  for (std::uint32_t u = 0; u < 0x80000000u; u += 4093) {
    float const x = std::bit_cast<float>(u);
    if (!std::isnan(x)) wrong += float16(x).bits != std::bit_cast<std::uint16_t>(static_cast<_Float16>(x));
  }
  CHECK(wrong == 0);
}
#endif
TEST_CASE("limits of 16-bit numbers") {
  check_limits<float16>(11);
  check_limits<bfloat16>(8);
  static_assert(std::is_trivially_copyable_v<float16> && std::is_trivially_default_constructible_v<float16> && sizeof(float16) == 2);
  static_assert(float(float16(1.5)) == 1.5f && float(bfloat16(-3)) == -3.0f && float(float16(70000)) == std::numeric_limits<float>::infinity());
}
TEST_CASE("16-bit numbers in arithmetic are floats") {
  float16 x(1.5f);
  static_assert(std::is_same_v<decltype(x + x), float> && !std::is_convertible_v<float, float16>);
  x += 2.25f;
  CHECK(x == 3.75f);
  x *= 2, x -= 0.5f, x /= 7;
  CHECK(x == 1.0f);
  std::ostringstream out;
  out << x << ' ' << bfloat16(0.1);
  CHECK(out.str() == "1 0.100098");
}
