// SPDX-License-Identifier: MIT
// Comparisons, tests, logic and the choice between two values.
#pragma once

#include <wick/ops/arithmetic.hpp>
#include <wick/ops/cast.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// a == b
struct Eq : Binary<"eq", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::equal(a, b); }
};
/// a != b
struct Ne : Binary<"ne", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) {
    if constexpr (is_batch_v<decltype(a)>) return math::not_equal(a, b);
    else return !math::equal(a, b);
  }
};
/// a < b
struct Lt : Binary<"lt", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::less(a, b); }
};
/// a <= b
struct Le : Binary<"le", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::less_equal(a, b); }
};
/// a > b
struct Gt : Binary<"gt", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::less(b, a); }
};
/// a >= b
struct Ge : Binary<"ge", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return math::less_equal(b, a); }
};
/// a and b
struct LogicalAnd : Binary<"logical_and", Domain<-4, 4>, types::Logical> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return a & b; }
};
/// a or b
struct LogicalOr : Binary<"logical_or", Domain<-4, 4>, types::Logical> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a, auto b) { return a | b; }
};
/// not a
struct LogicalNot : Unary<"logical_not", Domain<-4, 4>, types::Logical> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto a) {
    if constexpr (std::is_same_v<decltype(a), bool>) return !a;
    else return ~a;
  }
};
/// True where x is NaN
struct IsNan : Unary<"isnan", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::isnan(x); }
};
/// True where x is infinite
struct IsInf : Unary<"isinf", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::isinf(x); }
};
/// True where x is neither NaN nor infinite
struct IsFinite : Unary<"isfinite", Domain<-4, 4>, types::Truth> {
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::isfinite(x); }
};
/// a where the condition holds, b elsewhere
struct Where : Ternary<"where", Domain<-4, 4>, types::Select> {
  using cheap = void;
  WICK_FN static auto value(auto condition, auto a, auto b) { return math::where(condition, a, b); }
  WICK_FN static auto slope(auto condition, auto, auto) {
    return Slopes{math::Zero{}, math::Choice{condition, math::One{}, math::Zero{}}, math::Choice{condition, math::Zero{}, math::One{}}};
  }
};

/// torch.eq
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator==(A&& a, B&& b) { return map<Eq>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.eq
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto eq(A&& a, B&& b) { return map<Eq>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.ne
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator!=(A&& a, B&& b) { return map<Ne>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.ne
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto ne(A&& a, B&& b) { return map<Ne>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.lt
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator<(A&& a, B&& b) { return map<Lt>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.lt
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto lt(A&& a, B&& b) { return map<Lt>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.le
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator<=(A&& a, B&& b) { return map<Le>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.le
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto le(A&& a, B&& b) { return map<Le>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.gt
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator>(A&& a, B&& b) { return map<Gt>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.gt
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto gt(A&& a, B&& b) { return map<Gt>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.ge
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator>=(A&& a, B&& b) { return map<Ge>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.ge
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto ge(A&& a, B&& b) { return map<Ge>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.logical_and
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto logical_and(A&& a, B&& b) { return map<LogicalAnd>(std::forward<A>(a), std::forward<B>(b)); }
/// torch.logical_or
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto logical_or(A&& a, B&& b) { return map<LogicalOr>(std::forward<A>(a), std::forward<B>(b)); }
/// Logic of bool tensors, elementwise.
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator&&(A&& a, B&& b) { return map<LogicalAnd>(std::forward<A>(a), std::forward<B>(b)); }
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto operator||(A&& a, B&& b) { return map<LogicalOr>(std::forward<A>(a), std::forward<B>(b)); }
template <Formula X>
constexpr auto operator!(X&& x) { return map<LogicalNot>(std::forward<X>(x)); }
/// torch.logical_not
template <Formula X> constexpr auto logical_not(X&& x) { return map<LogicalNot>(std::forward<X>(x)); }
/// torch.isnan
template <Formula X> constexpr auto isnan(X&& x) { return map<IsNan>(std::forward<X>(x)); }
/// torch.isinf
template <Formula X> constexpr auto isinf(X&& x) { return map<IsInf>(std::forward<X>(x)); }
/// torch.isfinite
template <Formula X> constexpr auto isfinite(X&& x) { return map<IsFinite>(std::forward<X>(x)); }
namespace detail {
// The element type of a choice between two numbers.
template <class A, class B>
constexpr auto chosen() {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) {
    using T = promote_t<A, B>;
    if constexpr (sizeof(T) < 8) return T{};
    else return std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>{};
  } else {
    return 0.f;
  }
}
template <class A, class B>
using chosen_t = decltype(chosen<A, B>());

template <class T, class C, class A, class B>
constexpr auto make_where(C&& condition, A&& a, B&& b) {
  if constexpr (!((Operand<C> || PartOperand<C>) || (Operand<A> || PartOperand<A>) || (Operand<B> || PartOperand<B>)))
    return apply<Where>(condition, a, b);
  else
    return Map<Where, decltype(operand_beside<bool>(std::forward<C>(condition))), decltype(operand_beside<T>(std::forward<A>(a))),
               decltype(operand_beside<T>(std::forward<B>(b)))>(operand_beside<bool>(std::forward<C>(condition)),
                                                               operand_beside<T>(std::forward<A>(a)),
                                                               operand_beside<T>(std::forward<B>(b)));
}
}  // namespace detail

/// a where the condition holds, b elsewhere (torch.where); a and b may be numbers. Of two numbers the result is float, or the
/// type of the integers if both are; assigned to a tensor of floats or of longer integers, it takes that type.
template <FormulaOrNumber C, FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<C> || Formula<A> || Formula<B>)
constexpr auto where(C&& condition, A&& a, B&& b) {
  if constexpr (Formula<A> || Formula<B>)
    return detail::make_where<operands_value_t<A, B>>(std::forward<C>(condition), std::forward<A>(a), std::forward<B>(b));
  else
    return detail::make_where<detail::chosen_t<std::remove_cvref_t<A>, std::remove_cvref_t<B>>>(std::forward<C>(condition), std::forward<A>(a), std::forward<B>(b));
}
/// |a - b| <= atol + rtol |b|, infinities equal to themselves (torch.isclose). The distance of two integers is exact.
template <FormulaOrNumber A, FormulaOrNumber B>
  requires(Formula<A> || Formula<B>)
constexpr auto isclose(A const& a, B const& b, double rtol = 1e-5, double atol = 1e-8) {
  using T = operands_value_t<A, B>;
  if constexpr (Formula<A> && Formula<B>) broadcast("isclose", a.shape(), b.shape());
  auto const x = operand_beside<T, Eq>(a);
  auto const y = operand_beside<T, Eq>(b);
  if constexpr (std::is_integral_v<value_t<decltype(x)>> && std::is_integral_v<value_t<decltype(y)>>) {
    using U = std::uint64_t;  // wraps around, so that no difference overflows
    auto const distance = where(x < y, cast<U>(y) - cast<U>(x), cast<U>(x) - cast<U>(y));
    return cast<double>(distance) <= atol + rtol * abs(cast<double>(y));
  } else {
    return x == y || (isfinite(y) && abs(x - y) <= atol + rtol * abs(y));
  }
}

namespace detail {
template <class A, class B>
concept SomeOperand = Operand<A> || PartOperand<A> || Operand<B> || PartOperand<B>;
}
/// The larger and the smaller one of two; one that is NaN does not count (torch.fmax, torch.fmin). The slope at a tie is shared.
template <FormulaOrNumber A, FormulaOrNumber B>
  requires detail::SomeOperand<A, B>
constexpr auto fmax(A const& a, B const& b) {
  if constexpr (Formula<A> && Formula<B>) broadcast("fmax", a.shape(), b.shape());
  auto const x = operand_beside<operands_value_t<A, B>, Maximum>(a);
  auto const y = operand_beside<operands_value_t<A, B>, Maximum>(b);
  return where(isnan(x), y, where(isnan(y), x, maximum(x, y)));
}
template <FormulaOrNumber A, FormulaOrNumber B>
  requires detail::SomeOperand<A, B>
constexpr auto fmin(A const& a, B const& b) {
  if constexpr (Formula<A> && Formula<B>) broadcast("fmin", a.shape(), b.shape());
  auto const x = operand_beside<operands_value_t<A, B>, Minimum>(a);
  auto const y = operand_beside<operands_value_t<A, B>, Minimum>(b);
  return where(isnan(x), y, where(isnan(y), x, minimum(x, y)));
}

/// Every elementwise operation of this header.
using ComparisonOps = OpList<Eq, Ne, Lt, Le, Gt, Ge, LogicalAnd, LogicalOr, LogicalNot, IsNan, IsInf, IsFinite, Where>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
