// SPDX-License-Identifier: MIT
// Integers of different types as numbers: which type holds the other's, and comparison without conversion to one another.
#pragma once

#include <concepts>
#include <limits>
#include <type_traits>

#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
namespace wick::integer {

/// True when type T holds every number of type X.
template <class T, class X>
inline constexpr bool holds_all = std::is_signed_v<T> == std::is_signed_v<X> ? sizeof(T) >= sizeof(X) : std::is_signed_v<T> && sizeof(T) > sizeof(X);

/// The number of type T next to x, which is of a type that holds all of T.
template <class T, class X>
constexpr T nearest(X x) {
  constexpr X low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  return static_cast<T>(x < low ? low : x > high ? high : x);
}

/// a < b. Both meet in the smaller type: a loop over small integers beside one large one keeps many of them in a register.
template <class A, class B>
constexpr bool less(A a, B b) {
  if constexpr (std::is_same_v<A, B>) return a < b;
  else if constexpr (holds_all<B, A>) return (unsigned{b > B(std::numeric_limits<A>::max())} | unsigned{a < nearest<A>(b)}) != 0;
  else if constexpr (holds_all<A, B>) return (unsigned{a < A(std::numeric_limits<B>::min())} | unsigned{nearest<B>(a) < b}) != 0;
  else if constexpr (std::is_signed_v<A>) return a < 0 || static_cast<std::make_unsigned_t<A>>(a) < b;
  else return b > 0 && a < static_cast<std::make_unsigned_t<B>>(b);
}

/// a == b.
template <class A, class B>
constexpr bool equal(A a, B b) {
  if constexpr (std::is_same_v<A, B>) return a == b;
  else if constexpr (holds_all<B, A>) return static_cast<bool>((a == static_cast<A>(b)) & (static_cast<B>(static_cast<A>(b)) == b));
  else if constexpr (holds_all<A, B>) return equal(b, a);
  else if constexpr (std::is_signed_v<A>) return a >= 0 && static_cast<std::make_unsigned_t<A>>(a) == b;
  else return b >= 0 && a == static_cast<std::make_unsigned_t<B>>(b);
}

// Beside a floating number an integer stays what it is: converted, one of 64 bits would be rounded. In a loop all that is
// asked of the number is asked once, and what remains is a comparison of integers.

/// Where a floating number x lies among the numbers of type T: NaN nowhere.
template <class T, std::floating_point F>
struct Among {
  static constexpr F first = static_cast<F>(std::numeric_limits<T>::min()), end = static_cast<F>(T{1} << (std::numeric_limits<T>::digits - 1)) * 2;
  bool below, above, inside;  ///< less than all numbers of type T; greater; neither
  T floor = T(0);             ///< where inside: the number of type T that is x or the next one below
  bool whole = false;         ///< where inside: whether it is x
  constexpr explicit Among(F x) : below(x < first), above(x >= end), inside(x >= first && x < end) {
    if (!inside) return;
    floor = static_cast<T>(x);
    whole = static_cast<F>(floor) == x;
    if (static_cast<F>(floor) > x) floor = static_cast<T>(floor - 1);
  }
};
/// a < b and a <= b, where one of them is an integer and the other a floating number; false for NaN.
template <class A, std::floating_point B>
constexpr bool less(A a, B b) {
  Among<A, B> const x(b);
  return x.above || (x.inside && (x.whole ? a < x.floor : a <= x.floor));
}
template <std::floating_point A, class B>
constexpr bool less(A a, B b) {
  Among<B, A> const x(a);
  return x.below || (x.inside && x.floor < b);
}
template <class A, std::floating_point B>
constexpr bool less_equal(A a, B b) {
  Among<A, B> const x(b);
  return x.above || (x.inside && a <= x.floor);
}
template <std::floating_point A, class B>
constexpr bool less_equal(A a, B b) {
  Among<B, A> const x(a);
  return x.below || (x.inside && (x.whole ? x.floor <= b : x.floor < b));
}
/// a == b, likewise.
template <class A, std::floating_point B>
constexpr bool equal(A a, B b) {
  Among<A, B> const x(b);
  return x.whole && a == x.floor;
}
template <std::floating_point A, class B>
constexpr bool equal(A a, B b) {
  return integer::equal(b, a);
}

}  // namespace wick::integer
WICK_PRECISE_END
