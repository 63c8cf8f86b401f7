// SPDX-License-Identifier: MIT
// Reductions: sum, mean, prod, max, min, norm, any, all, over any dimensions.
#pragma once

#include <limits>

#include <wick/expr/reduce.hpp>
#include <wick/ops/arithmetic.hpp>
#include <wick/ops/compare.hpp>
#include <wick/ops/explog.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Sum of the elements; integers sum to int64.
struct Sum : Reduction<"sum"> {
  using planewise = void;
  template <class T> using result = sum_t<T>;
  template <class T> static constexpr T identity() { return T(0); }
  WICK_LAMBDA_INLINE static constexpr auto combine(auto a, auto b) { return math::plus(a, b); }
  WICK_FN static auto slope(auto, auto) { return math::One{}; }
};
/// Arithmetic mean; integers give float.
struct Mean : Reduction<"mean"> {
  using planewise = void;
  template <class T> using result = floating_t<T>;
  template <class T> static constexpr T identity() { return T(0); }
  WICK_LAMBDA_INLINE static constexpr auto combine(auto a, auto b) { return a + b; }
  WICK_LAMBDA_INLINE static constexpr auto finish(auto total, std::int64_t count) {
    if constexpr (core::is_complex<decltype(total)>) return total / static_cast<real_t<decltype(total)>>(count);
    else if constexpr (std::is_same_v<decltype(total), float>) return static_cast<double>(total) / static_cast<double>(count);
    else return total / static_cast<double>(count);
  }
  WICK_FN static auto slope(auto, auto) { return math::One{}; }
  static constexpr double seed_scale(std::int64_t count) { return 1.0 / static_cast<double>(count); }
};
/// Product of the elements. The slope y / x holds where no element is 0, and as a number alone; see `by_zeros`.
struct Prod : Reduction<"prod"> {
  using by_zeros = void;
  template <class T> using result = sum_t<T>;
  template <class T> static constexpr T identity() { return T(1); }
  WICK_LAMBDA_INLINE static constexpr auto combine(auto a, auto b) { return math::times(a, b); }
  WICK_FN static auto slope(auto x, auto y) { return y / x; }
};
/// Largest element; NaN if there is one.
struct Max : Reduction<"max"> {
  using needs_elements = void;
  using by_ties = void;
  template <class T> using result = T;
  template <class T> static constexpr T identity() { return math::least<T>(); }
  WICK_FN_INLINE static auto combine(auto a, auto b) { return math::maximum(a, b); }
  WICK_FN static auto slope(auto x, auto y) { return math::where(x == y, 1.0, 0.0); }
};
/// Smallest element; NaN if there is one.
struct Min : Reduction<"min"> {
  using needs_elements = void;
  using by_ties = void;
  template <class T> using result = T;
  template <class T> static constexpr T identity() {
    if constexpr (std::numeric_limits<T>::has_infinity) return std::numeric_limits<T>::infinity();
    else return std::numeric_limits<T>::max();
  }
  WICK_FN_INLINE static auto combine(auto a, auto b) { return math::minimum(a, b); }
  WICK_FN static auto slope(auto x, auto y) { return math::where(x == y, 1.0, 0.0); }
};
/// Euclidean norm, sqrt of the sum of squares; slope 0 at 0.
struct Norm : Reduction<"norm"> {
  using planewise = void;
  template <class T> using result = floating_t<T>;
  template <class T> static constexpr T identity() { return T(0); }
  WICK_FN static auto lift(auto x) { return x * x; }
  WICK_LAMBDA_INLINE static constexpr auto combine(auto a, auto b) { return a + b; }
  WICK_FN static auto finish(auto total, std::int64_t) { return apply<RootOfSquares>(total); }
  WICK_FN static auto slope(auto x, auto y) { return math::Choice{y == 0, math::Zero{}, x / y}; }
};
/// True if any element is.
struct Any : Reduction<"any"> {
  template <class T> using result = bool;
  static constexpr bool decisive = true;  ///< one such element settles the result
  template <class T> static constexpr T identity() { return T(false); }
  WICK_LAMBDA_INLINE static constexpr auto combine(auto a, auto b) { return a || b; }
};
/// True if all elements are.
struct All : Reduction<"all"> {
  template <class T> using result = bool;
  static constexpr bool decisive = false;
  template <class T> static constexpr T identity() { return T(true); }
  WICK_LAMBDA_INLINE static constexpr auto combine(auto a, auto b) { return a && b; }
};

namespace detail {
template <class X, class E>
inline constexpr bool sum_of_squares<Reduce<Sum, X, E>> = sum_of_squares<X>;
template <class X, class E>
inline constexpr bool sum_of_squares<Reduce<Mean, X, E>> = sum_of_squares<X>;
}  // namespace detail

/// Sum (torch.sum): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto sum(X&& x) { return reduce<Sum>(std::forward<X>(x)); }
template <Formula X> constexpr auto sum(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Sum>(std::forward<X>(x), axes, options);
}
/// Mean (torch.mean): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto mean(X&& x) { return reduce<Mean>(std::forward<X>(x)); }
template <Formula X> constexpr auto mean(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Mean>(std::forward<X>(x), axes, options);
}
/// Product (torch.prod): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto prod(X&& x) { return reduce<Prod>(std::forward<X>(x)); }
template <Formula X> constexpr auto prod(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Prod>(std::forward<X>(x), axes, options);
}
/// Largest element (torch.amax): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto amax(X&& x) { return reduce<Max>(std::forward<X>(x), "amax"); }
template <Formula X> constexpr auto amax(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Max>(std::forward<X>(x), axes, options, "amax");
}
/// Smallest element (torch.amin): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto amin(X&& x) { return reduce<Min>(std::forward<X>(x), "amin"); }
template <Formula X> constexpr auto amin(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Min>(std::forward<X>(x), axes, options, "amin");
}
namespace detail {
constexpr Axes axes_of(std::initializer_list<std::int64_t> list) {
  Axes axes;
  for (std::int64_t axis : list) axes.push_back(axis);
  return axes;
}
}  // namespace detail

// CUDA's headers have `max(float, float)` and `min` for all to see: a formula of one element would become a number for them,
// were the dimensions not taken as they are typed.

/// Largest element (torch.amax): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto max(X&& x) { return reduce<Max>(std::forward<X>(x)); }
template <Formula X> constexpr auto max(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Max>(std::forward<X>(x), axes, options);
}
template <Formula X> constexpr auto max(X&& x, std::int64_t axis, ReduceOptions options = {}) {
  return reduce<Max>(std::forward<X>(x), Axes(axis), options);
}
template <Formula X> constexpr auto max(X&& x, std::initializer_list<std::int64_t> axes, ReduceOptions options = {}) {
  return reduce<Max>(std::forward<X>(x), detail::axes_of(axes), options);
}
// A number that is no dimension, or a tensor, would become one.
template <class X, class Y>
  requires((Operand<X> || PartOperand<X>) && (std::floating_point<std::remove_cvref_t<Y>> || Operand<Y> || PartOperand<Y>))
void max(X&&, Y&&) { static_assert(core::always_false<Y>, "Wick: beside its argument max takes a dimension; the larger one of two is maximum(a, b)"); }
template <class X, class Y>
  requires((Operand<X> || PartOperand<X>) && (std::floating_point<std::remove_cvref_t<Y>> || Operand<Y> || PartOperand<Y>))
void min(X&&, Y&&) { static_assert(core::always_false<Y>, "Wick: beside its argument min takes a dimension; the smaller one of two is minimum(a, b)"); }

/// Smallest element (torch.amin): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto min(X&& x) { return reduce<Min>(std::forward<X>(x)); }
template <Formula X> constexpr auto min(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Min>(std::forward<X>(x), axes, options);
}
template <Formula X> constexpr auto min(X&& x, std::int64_t axis, ReduceOptions options = {}) {
  return reduce<Min>(std::forward<X>(x), Axes(axis), options);
}
template <Formula X> constexpr auto min(X&& x, std::initializer_list<std::int64_t> axes, ReduceOptions options = {}) {
  return reduce<Min>(std::forward<X>(x), detail::axes_of(axes), options);
}
/// Euclidean norm (torch.linalg.vector_norm): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto norm(X&& x) { return reduce<Norm>(std::forward<X>(x)); }
template <Formula X> constexpr auto norm(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Norm>(std::forward<X>(x), axes, options);
}
/// A number could be an order or a dimension: a sentence asks which.
template <Formula X, Arithmetic N> void norm(X&&, N, ReduceOptions = {}) { core::refuse_order<N>(); }
/// Whether any element is true (torch.any): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto any(X&& x) { return reduce<Any>(std::forward<X>(x)); }
template <Formula X> constexpr auto any(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<Any>(std::forward<X>(x), axes, options);
}
/// Whether all elements are true (torch.all): over all elements, or over `axes` (negative ones count from the end), which stay as extent 1 with keepdim.
template <Formula X> constexpr auto all(X&& x) { return reduce<All>(std::forward<X>(x)); }
template <Formula X> constexpr auto all(X&& x, Axes const& axes, ReduceOptions options = {}) {
  return reduce<All>(std::forward<X>(x), axes, options);
}

/// Every reduction of this header.
using Reductions = OpList<Sum, Mean, Prod, Max, Min, Norm, Any, All>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
