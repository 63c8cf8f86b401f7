// SPDX-License-Identifier: MIT
// Exponentials, logarithms, powers and roots.
#pragma once

#include <wick/ops/arithmetic.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// e^x
struct Exp : Unary<"exp"> {
  static constexpr double ulp = 2;
  using steep = void;
  WICK_FN static auto value(auto x) { return math::exp(x); }
  WICK_FN static auto slope_from_value(auto y) { return y; }
};
/// 2^x
struct Exp2 : Unary<"exp2"> {
  static constexpr double ulp = 2;
  using steep = void;
  WICK_FN static auto value(auto x) { return math::exp2(x); }
  WICK_FN static auto slope_from_value(auto y) { return math::like(y, 0.6931471805599453) * y; }
};
/// e^x - 1, exact near 0
struct Expm1 : Unary<"expm1"> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::expm1(x); }
  WICK_FN static auto slope_from_value(auto y) { return y + 1; }
};
/// Natural logarithm
struct Log : Unary<"log", Domain<0.25, 8>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::log(x); }
  WICK_FN static auto slope(auto x) { return 1 / x; }
};
/// Logarithm to base 2
struct Log2 : Unary<"log2", Domain<0.25, 8>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::log2(x); }
  WICK_FN static auto slope(auto x) { return math::like(x, 1.4426950408889634) / x; }
};
/// Logarithm to base 10
struct Log10 : Unary<"log10", Domain<0.25, 8>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::log10(x); }
  WICK_FN static auto slope(auto x) { return math::like(x, 0.4342944819032518) / x; }
};
/// log(1 + x), exact near 0
struct Log1p : Unary<"log1p", Domain<-0.5, 4>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::log1p(x); }
  WICK_FN static auto slope(auto x) { return 1 / (1 + x); }
};
/// Square root
struct Sqrt : Unary<"sqrt", Domain<0.25, 8>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::sqrt(x); }
  WICK_FN static auto slope_from_value(auto y) { return math::like(y, 0.5) / y; }
};
/// Square root of a sum of squares. At 0 its slope is 0, as those of the squares are: so standard deviations, norms and
/// distances have the gradient 0 there, as in PyTorch, where infinity times 0 would be NaN.
struct RootOfSquares : Unary<"sqrt", Domain<0.25, 8>> {
  WICK_FN static auto value(auto x) { return math::sqrt(x); }
  WICK_FN static auto slope_from_value(auto y) { return math::Choice{y == 0, math::Zero{}, math::like(y, 0.5) / y}; }
};
/// 1 / sqrt(x)
struct Rsqrt : Unary<"rsqrt", Domain<0.25, 8>> {
  using steep = void;
  WICK_FN static auto value(auto x) { return math::rsqrt(x); }
  WICK_FN static auto slope_from_value(auto y) { return math::like(y, -0.5) * y * y * y; }
};
/// x^y. As in PyTorch the slope in x is 0 where y is 0 (but varies with y), the slope in y is 0 where x is 0 and y is not negative, and NaN
/// where x is negative.
struct Pow : Binary<"pow", Domain<0.5, 3>> {
  static constexpr double ulp = 2;
  using steep = void;
  WICK_FN static auto value(auto x, auto y) { return math::pow(x, y); }
  WICK_FN static auto slope(auto x, auto y) {
    auto const power = math::pow(x, y);
    // Where y is 0, any base gives 0; that of another x is kept, because the slope varies with y.
    auto const base = math::where(y == 0, math::where(x > 0, x, math::where(x < 0, x, 1.0)), x);
    return Slopes{y * math::pow(base, y - 1),
                  math::where(x == 0, math::where(y >= 0, 0.0, -power), power * math::log(math::where(x == 0, 1.0, x)))};
  }
};

/// e^x (torch.exp)
template <Formula X> constexpr auto exp(X&& x) { return map<Exp>(std::forward<X>(x)); }
/// 2^x (torch.exp2)
template <Formula X> constexpr auto exp2(X&& x) { return map<Exp2>(std::forward<X>(x)); }
/// e^x - 1 (torch.expm1)
template <Formula X> constexpr auto expm1(X&& x) { return map<Expm1>(std::forward<X>(x)); }
/// Natural logarithm (torch.log)
template <Formula X> constexpr auto log(X&& x) { return map<Log>(std::forward<X>(x)); }
/// Logarithm to base 2 (torch.log2)
template <Formula X> constexpr auto log2(X&& x) { return map<Log2>(std::forward<X>(x)); }
/// Logarithm to base 10 (torch.log10)
template <Formula X> constexpr auto log10(X&& x) { return map<Log10>(std::forward<X>(x)); }
/// log(1 + x) (torch.log1p)
template <Formula X> constexpr auto log1p(X&& x) { return map<Log1p>(std::forward<X>(x)); }
namespace detail {
/// Whether a formula's type says that it is a sum of squares, up to a factor.
template <class F>
inline constexpr bool sum_of_squares = false;
template <class X>
inline constexpr bool sum_of_squares<Map<Square, X>> = true;
template <class A, class B>
inline constexpr bool sum_of_squares<Map<Add, A, B>> = sum_of_squares<A> && sum_of_squares<B>;
template <class A, class T>
inline constexpr bool sum_of_squares<Map<Mul, A, Scalar<T>>> = sum_of_squares<A>;
template <class A, class T>
inline constexpr bool sum_of_squares<Map<Mul, Scalar<T>, A>> = sum_of_squares<A>;
template <class A, class T>
inline constexpr bool sum_of_squares<Map<Div, A, Scalar<T>>> = sum_of_squares<A>;
}  // namespace detail

/// Square root (torch.sqrt). Of a formula that is a sum of squares, such as `var(x)` or `sum(square(x - y))`, the gradient at
/// 0 is 0.
template <Formula X>
constexpr auto sqrt(X&& x) {
  return map<std::conditional_t<detail::sum_of_squares<std::remove_cvref_t<X>>, RootOfSquares, Sqrt>>(std::forward<X>(x));
}
/// 1 / sqrt(x) (torch.rsqrt)
template <Formula X> constexpr auto rsqrt(X&& x) { return map<Rsqrt>(std::forward<X>(x)); }
/// x^y (torch.pow). Throws Error when the exponent is a negative number and integers would come out.
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto pow(A&& a, B&& b) {
  if constexpr (std::is_integral_v<std::remove_cvref_t<B>>) {
    if constexpr (std::is_integral_v<operands_value_t<A, B>>) {
      if (b < 0)
        fail("pow: integers to a negative power (", b, ") are no integers; convert the tensor to a floating-point type");
    }
  }
  return map<Pow>(std::forward<A>(a), std::forward<B>(b));
}

/// Every elementwise operation of this header.
using ExponentialOps = OpList<Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, Sqrt, Rsqrt, Pow>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
