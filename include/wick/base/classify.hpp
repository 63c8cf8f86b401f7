// SPDX-License-Identifier: MIT
// What kind of number a float or a double is, told by its bits: with -ffast-math compilers take `x == x` for true.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
namespace wick::classify {

/// The bits of |x| as an integer: in the order of the magnitudes, infinity after all numbers, NaN after infinity.
template <class T>
constexpr auto magnitude(T x) {
  using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return static_cast<Word>(std::bit_cast<Word>(x) & (~Word(0) >> 1));
}
template <class T>
inline constexpr auto infinity = magnitude(std::numeric_limits<T>::infinity());

/// True where x is NaN.
template <class T>
constexpr bool isnan(T x) { return magnitude(x) > infinity<T>; }
/// True where x is plus or minus infinity.
template <class T>
constexpr bool isinf(T x) { return magnitude(x) == infinity<T>; }
/// True where x is neither infinite nor NaN.
template <class T>
constexpr bool isfinite(T x) { return magnitude(x) < infinity<T>; }

}  // namespace wick::classify
WICK_PRECISE_END
