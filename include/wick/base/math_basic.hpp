// SPDX-License-Identifier: MIT
// Exact functions of numbers and batches: signs, rounding, comparison, selection, square root.
#pragma once

#include <wick/base/classify.hpp>
#include <wick/base/integer.hpp>
#include <wick/base/simd_exponent.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

/// A C++ number that is not a floating-point one (`bool` counts, as in C++).
template <class X>
concept Integer = std::is_integral_v<X>;

/// No number is less: the largest element of none.
template <class T>
constexpr T least() {
  if constexpr (std::numeric_limits<T>::has_infinity) return -std::numeric_limits<T>::infinity();
  else return std::numeric_limits<T>::lowest();
}

/// A number or a batch.
template <class X>
concept Numeric = Real<X> || Integer<X>;

/// Operands that meet in one batch or one number; at least one is floating-point.
template <class A, class B>
concept Mixed = Numeric<A> && Numeric<B> &&(Real<A> || Real<B>);

namespace detail {
template <class A, class B>
struct Joint {
  using Type = std::common_type_t<A, B>;
};
template <Real A, Integer B>
struct Joint<A, B> {
  using Type = A;
};
template <Integer A, Real B>
struct Joint<A, B> {
  using Type = B;
};
template <Lane T, Lane U>
struct Joint<Batch<T>, U> {
  using Type = Batch<T>;
};
template <Lane T, Lane U>
struct Joint<T, Batch<U>> {
  using Type = Batch<U>;
};
// The literal `0.5` in a generic formula must not make a float a double.
template <>
struct Joint<float, double> {
  using Type = float;
};
template <>
struct Joint<double, float> {
  using Type = float;
};
}  // namespace detail

/// The type in which `A` and `B` meet: a batch before a number, a floating-point number before an integer, and
/// `float` before `double` (a literal never widens).
template <class A, class B>
using Joint = typename detail::Joint<A, B>::Type;

namespace detail {
template <class V, class X>
[[gnu::always_inline]] WICK_FN V to(X x) {
  if constexpr (std::is_same_v<V, X>) {
    return x;
  } else {
    return V(static_cast<lane_of_t<V>>(x));
  }
}

template <Lane T>
inline constexpr simd::Word<T> sign_bit = simd::Word<T>(1) << (8 * sizeof(T) - 1);

// `x`, its sign changed where that of `from` is set.
template <Real V>
[[gnu::always_inline]] WICK_FN V flip_sign(V x, V from) {
  return simd::from_bits<V>(simd::bits(x) ^ (simd::bits(from) & simd::Bits<V>(sign_bit<lane_of_t<V>>)));
}
template <Real V, class F>
WICK_FN V lanewise(V x, F const& f) {
  if constexpr (is_batch_v<V>) {
    return simd::each_lane(f, x);
  } else {
    return f(x);
  }
}
template <Real V, class F>
WICK_FN V lanewise(V x, V y, F const& f) {
  if constexpr (is_batch_v<V>) {
    return simd::each_lane(f, x, y);
  } else {
    return f(x, y);
  }
}
}  // namespace detail

// Whole numbers wrap around, as in PyTorch and NumPy: computed without sign, because in C++ signed ones must not overflow.
template <class A, class B>
inline constexpr bool wraps = std::is_integral_v<A> && std::is_same_v<A, B> && std::is_signed_v<A>;
template <class X>
using without_sign_t = std::make_unsigned_t<decltype(X() + X())>;

/// a + b; whole numbers wrap around.
template <class A, class B>
WICK_LAMBDA_INLINE constexpr auto plus(A const& a, B const& b) {
  if constexpr (wraps<A, B>) return static_cast<A>(without_sign_t<A>(a) + without_sign_t<A>(b));
  else return a + b;
}
/// a - b; whole numbers wrap around.
template <class A, class B>
WICK_LAMBDA_INLINE constexpr auto minus(A const& a, B const& b) {
  if constexpr (wraps<A, B>) return static_cast<A>(without_sign_t<A>(a) - without_sign_t<A>(b));
  else return a - b;
}
/// a * b; whole numbers wrap around.
template <class A, class B>
WICK_LAMBDA_INLINE constexpr auto times(A const& a, B const& b) {
  if constexpr (wraps<A, B>) return static_cast<A>(without_sign_t<A>(a) * without_sign_t<A>(b));
  else return a * b;
}

/// True where `x` is NaN.
template <Real V>
[[gnu::always_inline]] WICK_FN simd::Truth<V> isnan(V x) {
  if constexpr (is_batch_v<V>) return simd::negate(x == x);
  else return classify::isnan(x);
}
template <Integer X>
WICK_FN bool isnan(X) {
  return false;
}

/// `isnan` under the name that formulas use.
template <Numeric V>
WICK_FN auto is_nan(V x) {
  return math::isnan(x);
}

/// `-x`, also for zero (the operator of xsimd 8.1 gives +0 for +0 on AVX-512).
template <Real V>
[[gnu::always_inline]] WICK_FN V negate(V x) {
  if constexpr (is_batch_v<V>) return simd::from_bits<V>(simd::bits(x) ^ simd::Bits<V>(detail::sign_bit<lane_of_t<V>>));
  else return -x;
}
template <Integer X>
WICK_LAMBDA_INLINE constexpr X negate(X x) {
  return static_cast<X>(math::minus(X(0), x));
}

/// Absolute value.
template <Real V>
[[gnu::always_inline]] WICK_FN V abs(V x) {
  return simd::from_bits<V>(simd::bits(x) & simd::Bits<V>(~detail::sign_bit<lane_of_t<V>>));
}
template <Integer X>
WICK_FN X abs(X x) {
  if constexpr (std::is_unsigned_v<X>) {
    return x;
  } else {
    return x < 0 ? math::negate(x) : x;
  }
}

/// True where `x` is plus or minus infinity.
template <Real V>
[[gnu::always_inline]] WICK_FN simd::Truth<V> isinf(V x) {
  if constexpr (is_batch_v<V>) return math::abs(x) == V(std::numeric_limits<lane_of_t<V>>::infinity());
  else return classify::isinf(x);
}
template <Integer X>
WICK_FN bool isinf(X) {
  return false;
}

/// True where `x` is neither infinite nor NaN.
template <Real V>
[[gnu::always_inline]] WICK_FN simd::Truth<V> isfinite(V x) {
  if constexpr (is_batch_v<V>) return math::abs(x) < V(std::numeric_limits<lane_of_t<V>>::infinity());
  else return classify::isfinite(x);
}
template <Integer X>
WICK_FN bool isfinite(X) {
  return true;
}

namespace detail {
template <class A, class B>
concept IntegerBesideFloating = (Integer<A> && std::floating_point<B>) || (std::floating_point<A> && Integer<B>);
// False where a comparison must not be made: g++ takes NaN for less, equal and greater with -ffast-math.
template <class A, class B>
WICK_LAMBDA_INLINE constexpr bool ordered([[maybe_unused]] A const& a, [[maybe_unused]] B const& b) {
#if defined(__FAST_MATH__) && defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
  if constexpr (Lane<A>) {
    if (math::isnan(a)) return false;
  }
  if constexpr (Lane<B>) {
    if (math::isnan(b)) return false;
  }
#endif
  return true;
}
}  // namespace detail

/// a < b. Integers are compared as numbers, also where one has a sign and the other has none, or beside a floating number.
template <class A, class B>
WICK_LAMBDA_INLINE constexpr auto less(A const& a, B const& b) {
  if constexpr (Integer<A> && Integer<B>) return integer::less(a, b);
  else if constexpr (detail::IntegerBesideFloating<A, B>) return detail::ordered(a, b) && integer::less(a, b);
  else if constexpr (Lane<A> || Lane<B>) return detail::ordered(a, b) && a < b;
  else return a < b;
}
/// a <= b, as `less` compares.
template <class A, class B>
WICK_LAMBDA_INLINE constexpr auto less_equal(A const& a, B const& b) {
  if constexpr (Integer<A> && Integer<B>) return !integer::less(b, a);
  else if constexpr (detail::IntegerBesideFloating<A, B>) return detail::ordered(a, b) && integer::less_equal(a, b);
  else if constexpr (Lane<A> || Lane<B>) return detail::ordered(a, b) && a <= b;
  else return a <= b;
}
/// a == b, as `less` compares.
template <class A, class B>
WICK_LAMBDA_INLINE constexpr auto equal(A const& a, B const& b) {
  if constexpr (Integer<A> && Integer<B>) return integer::equal(a, b);
  else if constexpr (detail::IntegerBesideFloating<A, B>) return detail::ordered(a, b) && integer::equal(a, b);
  else if constexpr (Lane<A> || Lane<B>) return detail::ordered(a, b) && a == b;
  else return a == b;
}

/// True where `a` differs from `b`; true for NaN, as `!=` of xsimd 8.1 is not on AVX.
template <Numeric A, Mixed<A> B>
[[gnu::always_inline]] WICK_FN auto not_equal(A a, B b) {
  using V = Joint<A, B>;
  return simd::negate(detail::to<V>(a) == detail::to<V>(b));
}
template <Integer A, Integer B>
WICK_FN bool not_equal(A a, B b) {
  return !math::equal(a, b);
}

/// The magnitude of `a` with the sign of `b` (signed zeros and NaNs included).
template <Numeric A, Mixed<A> B>
[[gnu::always_inline]] WICK_FN auto copysign(A a, B b) {
  using V = Joint<A, B>;
  auto const sign = simd::Bits<V>(detail::sign_bit<lane_of_t<V>>);
  return simd::from_bits<V>((simd::bits(detail::to<V>(a)) & ~sign) | (simd::bits(detail::to<V>(b)) & sign));
}

/// -1, 0 or 1; NaN stays NaN.
template <Real V>
WICK_FN V sign(V x) {
  using T = lane_of_t<V>;
  V const unit = math::copysign(V(T(1)), x);
  return simd::select<V>(math::abs(x) > V(T(0)), unit, x);
}
template <Integer X>
WICK_FN X sign(X x) {
  return static_cast<X>((x > X(0)) - (x < X(0)));
}

/// The larger one; NaN if either is NaN (torch.maximum).
template <Numeric A, Mixed<A> B>
[[gnu::always_inline]] WICK_FN auto maximum(A a, B b) {
  using V = Joint<A, B>;
  V const x = detail::to<V>(a), y = detail::to<V>(b);
  if constexpr (is_batch_v<V>) return simd::select<V>(math::isnan(y), y, simd::larger(y, x));
  else return simd::select<V>(simd::either(x > y, math::isnan(x)), x, y);
}
template <Integer A, Integer B>
[[gnu::always_inline]] WICK_FN auto maximum(A a, B b) {
  using C = std::common_type_t<A, B>;
  return C(a) > C(b) ? C(a) : C(b);
}

/// The smaller one; NaN if either is NaN (torch.minimum).
template <Numeric A, Mixed<A> B>
[[gnu::always_inline]] WICK_FN auto minimum(A a, B b) {
  using V = Joint<A, B>;
  V const x = detail::to<V>(a), y = detail::to<V>(b);
  if constexpr (is_batch_v<V>) return simd::select<V>(math::isnan(y), y, simd::smaller(y, x));
  else return simd::select<V>(simd::either(x < y, math::isnan(x)), x, y);
}
template <Integer A, Integer B>
[[gnu::always_inline]] WICK_FN auto minimum(A a, B b) {
  using C = std::common_type_t<A, B>;
  return C(a) < C(b) ? C(a) : C(b);
}

/// A literal as it stands beside x: in float beside a float. Plain C++ would go on in double, which a GPU does slowly.
template <class X>
WICK_FN auto like(X const&, double literal) {
  if constexpr (std::is_same_v<X, float>) return static_cast<float>(literal);
  else if constexpr (is_batch_v<X>) return static_cast<typename X::value_type>(literal);
  else return literal;
}

/// `condition ? a : b`, lane by lane; literals take the type of the floating-point operand.
template <Numeric A, Numeric B>
[[gnu::always_inline]] WICK_FN auto where(bool condition, A a, B b) {
  using V = Joint<A, B>;
  return condition ? detail::to<V>(a) : detail::to<V>(b);
}
template <Lane T, class A, class B>
[[gnu::always_inline]] WICK_FN Batch<T> where(Mask<T> condition, A a, B b) {
  return simd::select<Batch<T>>(condition, detail::to<Batch<T>>(a), detail::to<Batch<T>>(b));
}

namespace detail {
// xsimd rounds through integers before SSE4.1, which loses the sign of zero.
template <Real V>
WICK_FN V keep_sign(V rounded, [[maybe_unused]] V x) {
#if defined(__SSE2__) && !defined(__SSE4_1__)
  return math::copysign(rounded, x);
#else
  return rounded;
#endif
}
}  // namespace detail

/// Largest integer not above `x`.
template <Real V>
WICK_FN V floor(V x) {
  if constexpr (is_batch_v<V>) {
    return detail::keep_sign(simd::floor(x), x);
  } else {
    return std::floor(x);
  }
}

/// Smallest integer not below `x`.
template <Real V>
WICK_FN V ceil(V x) {
  if constexpr (is_batch_v<V>) {
    return detail::keep_sign(simd::ceil(x), x);
  } else {
    return std::ceil(x);
  }
}

/// `x` without its fraction.
template <Real V>
WICK_FN V trunc(V x) {
  if constexpr (is_batch_v<V>) {
    return detail::keep_sign(simd::trunc(x), x);
  } else {
    return std::trunc(x);
  }
}

/// Nearest integer, halves to the even one (torch.round).
template <Real V>
WICK_FN V round(V x) {
  if constexpr (is_batch_v<V>) {
    return detail::keep_sign(simd::round(x), x);
  } else {
    return std::nearbyint(x);
  }
}

template <Integer X>
WICK_FN X floor(X x) {
  return x;
}
template <Integer X>
WICK_FN X ceil(X x) {
  return x;
}
template <Integer X>
WICK_FN X trunc(X x) {
  return x;
}
template <Integer X>
WICK_FN X round(X x) {
  return x;
}

/// Square root, correctly rounded.
template <Real V>
WICK_FN V sqrt(V x) {
  return simd::sqrt(x);
}

/// `1 / sqrt(x)`, two roundings (the hardware estimate is too coarse).
template <Real V>
WICK_FN V rsqrt(V x) {
  return V(lane_of_t<V>(1)) / simd::sqrt(x);
}

/// `a * b + c`, rounded once where the hardware can.
template <Numeric A, Numeric B, Mixed<Joint<A, B>> C>
WICK_FN auto fma(A a, B b, C c) {
  using V = Joint<Joint<A, B>, C>;
  return simd::fma<V>(detail::to<V>(a), detail::to<V>(b), detail::to<V>(c));
}
template <Integer A, Integer B, Integer C>
WICK_FN auto fma(A a, B b, C c) {
  return a * b + c;
}

/// Remainder of the division with the sign of `a` (C's fmod), exact.
template <Numeric A, Mixed<A> B>
WICK_FN auto fmod(A a, B b) {
  using V = Joint<A, B>;
  if constexpr (is_batch_v<V>) {
    return simd::each_lane([](auto x, auto y) { return std::fmod(x, y); }, detail::to<V>(a), detail::to<V>(b));
  } else {
    return std::fmod(detail::to<V>(a), detail::to<V>(b));
  }
}
template <Integer A, Integer B>
WICK_FN auto fmod(A a, B b) {
  return a % b;
}

/// Remainder of the division with the sign of `b` (torch.remainder, Python's `%`).
template <Numeric A, Mixed<A> B>
WICK_FN auto remainder(A a, B b) {
  using V = Joint<A, B>;
  V const y = detail::to<V>(b), zero = V(lane_of_t<V>(0));
  V const r = math::fmod(detail::to<V>(a), y);
  return simd::select<V>(simd::both(math::not_equal(r, zero), simd::exclusive_or(r < zero, y < zero)), r + y, r);
}
template <Integer A, Integer B>
WICK_FN auto remainder(A a, B b) {
  auto const r = a % b;
  if constexpr (std::is_signed_v<decltype(r)>) {
    return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
  } else {
    return r;
  }
}

/// a / s in loops where all lanes of s are one number that stays: 1 / s leaves the loop, and the remainder of a
/// division corrects the quotient (Markstein 1990). Rounded as a division but for quotients below the normal numbers.
template <Real V>
[[gnu::always_inline]] WICK_FN V divide_many(V a, V s) {
  using T = lane_of_t<V>;
  // Between these the reciprocal and the remainder are normal numbers.
  constexpr T low = sizeof(T) == 4 ? T(0x1p-100) : T(0x1p-900), high = sizeof(T) == 4 ? T(0x1p100) : T(0x1p900);
  V const size = math::abs(s);
  V const reciprocal = simd::select<V>(simd::both(size >= V(low), size <= V(high)), V(T(1)) / s,
                                       V(std::numeric_limits<T>::quiet_NaN()));
  V const q = a * reciprocal;
  V const result = simd::fma<V>(math::negate(simd::fma<V>(q, s, math::negate(a))), reciprocal, q);
  if (simd::any(simd::negate(result == result))) return a / s;  // infinity has no remainder
  return result;
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
