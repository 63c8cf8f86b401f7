// SPDX-License-Identifier: MIT
// Numbers whose order is that of elements: what every sort compares.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <wick/base/half.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// The unsigned type of `sort_key`.
template <class T>
using SortKey = std::conditional_t<(sizeof(T) <= 4), std::uint32_t, std::uint64_t>;

/// An unsigned number that is larger for the larger element, and equal for equal ones: 0 and -0 are, and every NaN is the
/// largest of all. `descending` turns the order around.
template <class T>
constexpr SortKey<T> sort_key(T x, bool descending) {
  using Key = SortKey<T>;
  Key key = 0;
  if constexpr (std::is_integral_v<T>) {
    // A sign bit counts downwards: turned around, it is the highest digit.
    constexpr Key sign = std::is_signed_v<T> ? Key{1} << (8 * sizeof(Key) - 1) : Key{0};
    key = static_cast<Key>(x) ^ sign;
  } else {
    // Without its sign a number's bits grow with it; the bits of a negative one are turned around.
    using Bits = std::conditional_t<Half<T>, std::uint16_t, Key>;
    constexpr auto all = static_cast<Bits>(~Bits{0}), sign = static_cast<Bits>(all - all / 2);
    auto const bits = x == 0 ? Bits{0} : std::bit_cast<Bits>(x);
    key = x != x ? all : bits & sign ? all ^ bits : bits | sign;
  }
  return descending ? static_cast<Key>(~key) : key;
}

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
