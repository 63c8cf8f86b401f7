// SPDX-License-Identifier: MIT
// Numbers of 16 bits: float16 (IEEE 754 binary16) and bfloat16 (the upper half of a float). They are kept in memory and
// computed with in float: reading one gives a float exactly, making one from a float rounds to the nearest, ties to even.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
namespace wick {

// One definition for a number and for a vector of numbers: `W` is std::uint32_t or a vector of them, `F` float or a vector
// of as many floats.
namespace half {

template <class W>
constexpr W choose(bool condition, W a, W b) {
  return condition ? a : b;
}
/// `condition` as GNU vectors compare: all bits of an element, or none.
template <class W, class M>
constexpr W choose(M condition, W a, W b) {
  return (reinterpret_cast<W>(condition) & a) | (~reinterpret_cast<W>(condition) & b);
}

/// The float whose upper half these 16 bits are.
template <class W>
constexpr W widen_bfloat16(W x) {
  return x << 16;
}
/// The nearest bfloat16 of a float; NaN stays NaN.
template <class W>
constexpr W narrow_bfloat16(W x) {
  W const nan = (x >> 16) | 0x40u;
  W const rounded = (x + 0x7FFFu + ((x >> 16) & 1u)) >> 16;
  return choose((x & 0x7FFFFFFFu) > 0x7F800000u, nan, rounded);
}
/// The float with the value of a float16.
template <class F, class W>
constexpr W widen_float16(W x) {
  W const sign = (x & 0x8000u) << 16, magnitude = (x & 0x7FFFu) << 13;
  W const normal = magnitude + (112u << 23);
  // A subnormal one becomes 2^-14 and something, and what it was once that is subtracted.
  W const small = std::bit_cast<W>(std::bit_cast<F>(magnitude + (113u << 23)) - 0x1p-14f);
  W const quiet = choose((magnitude & 0x7FFFFFu) != 0u, W(magnitude | 0x7FC00000u), W(magnitude | 0x7F800000u));
  return sign | choose(magnitude >= (31u << 23), quiet, choose(magnitude < (1u << 23), small, normal));
}
/// The nearest float16 of a float: infinite from 65520 on, subnormal below 2^-14; NaN stays NaN.
template <class F, class W>
constexpr W narrow_float16(W x) {
  W const sign = (x >> 16) & 0x8000u, magnitude = x & 0x7FFFFFFFu;
  // Beside 0.5 the last bit of a float counts as much as that of a subnormal float16: the addition rounds.
  W const small = std::bit_cast<W>(std::bit_cast<F>(choose(magnitude < 0x38800000u, magnitude, W(magnitude & 0u))) + 0.5f) - 0x3F000000u;
  W const normal = (magnitude - (112u << 23) + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
  W const special = choose(magnitude > 0x7F800000u, W(0x7E00u | ((magnitude >> 13) & 0x3FFu)), W((magnitude & 0u) | 0x7C00u));
  return sign | choose(magnitude >= 0x47800000u, special, choose(magnitude < 0x38800000u, small, normal));
}

/// The nearest float of a double, except that what is no float gets an odd last bit: rounding once more to fewer bits
/// then gives the nearest of those (Boldo and Melquiond 2008).
constexpr float round_to_odd(double x) {
  float const nearest = static_cast<float>(x);
  double const back = static_cast<double>(nearest);
  if (back == x || x != x) return nearest;
  auto const bits = std::bit_cast<std::uint32_t>(nearest);
  bool const away = (x < 0 ? -back : back) > (x < 0 ? -x : x);
  return std::bit_cast<float>((away ? bits - 1 : bits) | 1u);
}

template <class Number>
struct Storage16 {
  std::uint16_t bits;

  Storage16() = default;
  /// The nearest number of this type.
  template <class X>
    requires(std::is_arithmetic_v<X>)
  constexpr explicit Storage16(X x) : bits(0) {
    if constexpr (sizeof(X) > sizeof(float) || std::is_integral_v<X>) bits = Number::narrow(round_to_odd(static_cast<double>(x)));
    else bits = Number::narrow(static_cast<float>(x));
  }
  constexpr operator float() const { return Number::widen(bits); }

  /// The number with these bits.
  static constexpr Number from_bits(std::uint16_t bits) {
    Number x(0);
    x.bits = bits;
    return x;
  }
  friend constexpr Number& operator+=(Number& a, float b) { return a = Number(a + b); }
  friend constexpr Number& operator-=(Number& a, float b) { return a = Number(a - b); }
  friend constexpr Number& operator*=(Number& a, float b) { return a = Number(a * b); }
  friend constexpr Number& operator/=(Number& a, float b) { return a = Number(a / b); }
};

}  // namespace half

/// IEEE 754 binary16: 11 significant bits, up to 65504. Arithmetic with it is arithmetic of floats.
struct float16 : half::Storage16<float16> {
  using Storage16::Storage16;
  float16() = default;
  static constexpr float widen(std::uint16_t bits) {
    return std::bit_cast<float>(half::widen_float16<float>(std::uint32_t(bits)));
  }
  static constexpr std::uint16_t narrow(float x) {
    return static_cast<std::uint16_t>(half::narrow_float16<float>(std::bit_cast<std::uint32_t>(x)));
  }
};
/// A float without its lower half: 8 significant bits, the range of float. Arithmetic with it is arithmetic of floats.
struct bfloat16 : half::Storage16<bfloat16> {
  using Storage16::Storage16;
  bfloat16() = default;
  static constexpr float widen(std::uint16_t bits) {
    return std::bit_cast<float>(half::widen_bfloat16(std::uint32_t(bits)));
  }
  static constexpr std::uint16_t narrow(float x) {
    return static_cast<std::uint16_t>(half::narrow_bfloat16(std::bit_cast<std::uint32_t>(x)));
  }
};

/// An element type that is kept in fewer bits than it is computed with.
template <class T>
concept Half = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

/// What elements of type T are computed in: float for those of 16 bits, T itself for all others.
template <class T>
using compute_t = std::conditional_t<Half<T>, float, T>;

}  // namespace wick

namespace wick::half {
template <class Number, int Digits, int MinExponent, int MaxExponent, std::uint16_t Min, std::uint16_t Max, std::uint16_t Epsilon, std::uint16_t Infinity,
          std::uint16_t Nan>
struct Limits {
  static constexpr bool is_specialized = true, is_signed = true, is_integer = false, is_exact = false, is_bounded = true, is_modulo = false;
  static constexpr bool has_infinity = true, has_quiet_NaN = true, has_signaling_NaN = true, is_iec559 = true, traps = false, tinyness_before = false;
  static constexpr std::float_denorm_style has_denorm = std::denorm_present;
  static constexpr std::float_round_style round_style = std::round_to_nearest;
  static constexpr bool has_denorm_loss = false;
  static constexpr int radix = 2, digits = Digits, digits10 = (Digits - 1) * 301 / 1000, max_digits10 = 2 + Digits * 301 / 1000;
  static constexpr int min_exponent = MinExponent, max_exponent = MaxExponent;
  static constexpr int min_exponent10 = MinExponent * 301 / 1000, max_exponent10 = MaxExponent * 301 / 1000;
  static constexpr Number min() { return Number::from_bits(Min); }
  static constexpr Number max() { return Number::from_bits(Max); }
  static constexpr Number lowest() { return Number::from_bits(Max | 0x8000u); }
  static constexpr Number epsilon() { return Number::from_bits(Epsilon); }
  static constexpr Number round_error() { return Number(0.5f); }
  static constexpr Number infinity() { return Number::from_bits(Infinity); }
  static constexpr Number quiet_NaN() { return Number::from_bits(Nan); }
  static constexpr Number signaling_NaN() { return Number::from_bits(Infinity | 1u); }
  static constexpr Number denorm_min() { return Number::from_bits(1); }
};
}  // namespace wick::half

template <>
struct std::numeric_limits<wick::float16>
    : wick::half::Limits<wick::float16, 11, -13, 16, 0x0400, 0x7BFF, 0x1400, 0x7C00, 0x7E00> {};
template <>
struct std::numeric_limits<wick::bfloat16>
    : wick::half::Limits<wick::bfloat16, 8, -125, 128, 0x0080, 0x7F7F, 0x3C00, 0x7F80, 0x7FC0> {};
WICK_PRECISE_END
