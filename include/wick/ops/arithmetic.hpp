// SPDX-License-Identifier: MIT
// + - * / and their relatives.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// a + b
struct Add : Binary<"add"> {
  using polynomial = void;
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::plus(a, b); }
  WICK_FN static auto slope(auto, auto) { return Slopes{math::One{}, math::One{}}; }
};
/// a - b
struct Sub : Binary<"sub"> {
  using polynomial = void;
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::minus(a, b); }
  WICK_FN static auto slope(auto, auto) { return Slopes{math::One{}, math::MinusOne{}}; }
};
/// a * b
struct Mul : Binary<"mul"> {
  using polynomial = void;
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::times(a, b); }
  WICK_FN static auto slope(auto a, auto b) { return Slopes{b, a}; }
};
/// a / b; integers divide as floats, as in PyTorch.
struct Div : Binary<"div", Domain<0.5, 4>, types::Floating> {
  using steep = void;
  using has_row_constant = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return a / b; }
  WICK_FN static auto with_row_constant(auto a, auto b) { return math::divide_many(a, b); }
  WICK_FN static auto slope(auto a, auto b) { return Slopes{1 / b, -(a / b) / b}; }
};
/// -x
struct Neg : Unary<"neg", Domain<-4, 4>, types::Same> {
  using polynomial = void;
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto x) {
    if constexpr (is_batch_v<decltype(x)> || std::is_integral_v<decltype(x)>) return math::negate(x);
    else return -x;
  }
  WICK_FN static auto slope(auto) { return math::MinusOne{}; }
};
/// |x|, real also where x is complex; slope 0 at 0.
struct Abs : Unary<"abs", Domain<-4, 4>, types::Magnitude> {
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::abs(x); }
  WICK_FN static auto slope(auto x) { return math::sign(x); }
};
/// -1, 0 or 1; NaN stays NaN.
struct Sign : Unary<"sign", Domain<-4, 4>, types::Same> {
  using no_gradient = void;
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::sign(x); }
};
/// x * x
struct Square : Unary<"square", Domain<-4, 4>, types::Same> {
  using polynomial = void;
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto x) { return math::times(x, x); }
  WICK_FN static auto slope(auto x) { return 2 * x; }
};
/// 1 / x
struct Reciprocal : Unary<"reciprocal", Domain<0.5, 4>> {
  using steep = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto x) {
    if constexpr (core::is_complex<decltype(x)>) return decltype(x)(1) / x;
    else return 1 / x;
  }
  WICK_FN static auto slope_from_value(auto y) { return -(y * y); }
};
/// The larger one; NaN if either is. The slope at a tie is shared, at NaN both are 1, as in PyTorch.
struct Maximum : Binary<"maximum"> {
  using cheap = void;
  WICK_FN static auto value(auto a, auto b) { return math::maximum(a, b); }
  WICK_FN static auto slope(auto a, auto b) {
    math::Choice const tie{a == b, math::like(a, 0.5), math::One{}};
    return Slopes{math::Choice{a < b, math::Zero{}, tie}, math::Choice{b < a, math::Zero{}, tie}};
  }
};
/// The smaller one; NaN if either is. The slope at a tie is shared, at NaN both are 1, as in PyTorch.
struct Minimum : Binary<"minimum"> {
  using cheap = void;
  WICK_FN static auto value(auto a, auto b) { return math::minimum(a, b); }
  WICK_FN static auto slope(auto a, auto b) {
    math::Choice const tie{a == b, math::like(a, 0.5), math::One{}};
    return Slopes{math::Choice{a > b, math::Zero{}, tie}, math::Choice{b > a, math::Zero{}, tie}};
  }
};

/// Elementwise sum, difference, product and quotient, broadcast; literals take the tensors' type. (torch.add ...)
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
WICK_LAMBDA_INLINE constexpr auto operator+(A&& a, B&& b) { return map<Add>(std::forward<A>(a), std::forward<B>(b)); }
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
WICK_LAMBDA_INLINE constexpr auto operator-(A&& a, B&& b) { return map<Sub>(std::forward<A>(a), std::forward<B>(b)); }
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
WICK_LAMBDA_INLINE constexpr auto operator*(A&& a, B&& b) { return map<Mul>(std::forward<A>(a), std::forward<B>(b)); }
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
WICK_LAMBDA_INLINE constexpr auto operator/(A&& a, B&& b) { return map<Div>(std::forward<A>(a), std::forward<B>(b)); }
template <Formula X>
WICK_LAMBDA_INLINE constexpr auto operator-(X&& x) { return map<Neg>(std::forward<X>(x)); }
template <Formula X>
constexpr decltype(auto) operator+(X&& x) { return std::forward<X>(x); }

/// |x| (torch.abs)
template <Formula X> constexpr auto abs(X&& x) { return map<Abs>(std::forward<X>(x)); }
/// -1, 0, 1 (torch.sign)
template <Formula X> constexpr auto sign(X&& x) { return map<Sign>(std::forward<X>(x)); }
/// x * x (torch.square)
template <Formula X> constexpr auto square(X&& x) { return map<Square>(std::forward<X>(x)); }
/// 1 / x (torch.reciprocal)
template <Formula X> constexpr auto reciprocal(X&& x) { return map<Reciprocal>(std::forward<X>(x)); }
/// The larger and the smaller one of two (torch.maximum, torch.minimum)
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto maximum(A&& a, B&& b) { return map<Maximum>(std::forward<A>(a), std::forward<B>(b)); }
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto minimum(A&& a, B&& b) { return map<Minimum>(std::forward<A>(a), std::forward<B>(b)); }

/// Every elementwise operation of this header.
using ArithmeticOps = OpList<Add, Sub, Mul, Div, Neg, Abs, Sign, Square, Reciprocal, Maximum, Minimum>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
