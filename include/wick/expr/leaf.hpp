// SPDX-License-Identifier: MIT
// What may stand in a formula, and the number that a literal becomes there.
#pragma once

#include <wick/core/fixed.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Tensors, views, variables, formulas: whatever has elements and a shape.
template <class X>
concept Operand = requires { typename std::remove_cvref_t<X>::is_operand; };
/// A region named by an index expression; in a formula it is a tensor.
template <class X>
concept PartOperand = requires { typename std::remove_cvref_t<X>::is_part; };
/// Whatever a formula's operators accept on one side; a dual number takes the same functions as a tensor.
template <class X>
concept Formula = Operand<X> || PartOperand<X> || LiftedNumber<X>;
/// Whatever they accept on the other one.
template <class X>
concept FormulaOrNumber = Formula<X> || Arithmetic<std::remove_cvref_t<X>>;

// Operators that tensors do not have: clang would convert an operand to its number, as if it had one element.
template <FormulaOrNumber A, FormulaOrNumber B> requires(Formula<A> || Formula<B>) void operator%(A const&, B const&) = delete;
template <FormulaOrNumber A, FormulaOrNumber B> requires(Formula<A> || Formula<B>) void operator&(A const&, B const&) = delete;
template <FormulaOrNumber A, FormulaOrNumber B> requires(Formula<A> || Formula<B>) void operator|(A const&, B const&) = delete;
template <FormulaOrNumber A, FormulaOrNumber B> requires(Formula<A> || Formula<B>) void operator^(A const&, B const&) = delete;
template <FormulaOrNumber A, FormulaOrNumber B> requires(Formula<A> || Formula<B>) void operator<<(A const&, B const&) = delete;
template <FormulaOrNumber A, FormulaOrNumber B> requires(Formula<A> || Formula<B>) void operator>>(A const&, B const&) = delete;

// Functions of the C library that tensors do not have: an operand of one element would become a number for them, and any other
// throw when the program runs.
#define WICK_NUMBERS_ONLY(name)                                                                                                        \
  template <class... X>                                                                                                                \
    requires((Operand<X> || PartOperand<X>) || ...)                                                                                \
  void name(X const&...) {                                                                                                             \
    static_assert(sizeof...(X) == 0, "Wick: " #name " takes numbers, and an argument is a tensor or a formula. Its only element, if it " \
                                     "has one, is x.item(); functions of tensors stand in docs/operators.md");                         \
  }
WICK_NUMBERS_ONLY(cbrt)
WICK_NUMBERS_ONLY(copysign)
WICK_NUMBERS_ONLY(fabs)
WICK_NUMBERS_ONLY(fdim)
WICK_NUMBERS_ONLY(fma)
WICK_NUMBERS_ONLY(fmod)
WICK_NUMBERS_ONLY(fpclassify)
WICK_NUMBERS_ONLY(frexp)
WICK_NUMBERS_ONLY(hypot)
WICK_NUMBERS_ONLY(ilogb)
WICK_NUMBERS_ONLY(isnormal)
WICK_NUMBERS_ONLY(ldexp)
WICK_NUMBERS_ONLY(lgamma)
WICK_NUMBERS_ONLY(llrint)
WICK_NUMBERS_ONLY(llround)
WICK_NUMBERS_ONLY(logb)
WICK_NUMBERS_ONLY(lrint)
WICK_NUMBERS_ONLY(lround)
WICK_NUMBERS_ONLY(modf)
WICK_NUMBERS_ONLY(nearbyint)
WICK_NUMBERS_ONLY(nextafter)
WICK_NUMBERS_ONLY(nexttoward)
WICK_NUMBERS_ONLY(remainder)
WICK_NUMBERS_ONLY(remquo)
WICK_NUMBERS_ONLY(rint)
WICK_NUMBERS_ONLY(scalbln)
WICK_NUMBERS_ONLY(scalbn)
WICK_NUMBERS_ONLY(signbit)
WICK_NUMBERS_ONLY(tgamma)
#undef WICK_NUMBERS_ONLY

/// A number in a formula. It keeps the digits that it is computed with, also beside elements of fewer.
template <class T>
struct Scalar {
  using is_operand = void;
  using value_type = T;
  using extents_type = Shape<>;
  compute_t<T> value;
  static constexpr Dims shape() { return {}; }
};

template <class X>
using value_t = typename std::remove_cvref_t<X>::value_type;
template <class X>
using extents_t = typename std::remove_cvref_t<X>::extents_type;

template <class X>
inline constexpr bool is_scalar = false;
template <class T>
inline constexpr bool is_scalar<Scalar<T>> = true;
template <class X>
inline constexpr bool is_fixed = false;
template <class T, class E>
inline constexpr bool is_fixed<Tensor<T, E, Inline>> = true;

/// True when a formula of this type may hold variables: assigned to a Variable, it is recorded.
template <class X>
inline constexpr bool is_recordable = requires { typename X::records; };

/// True for formulas of Fixed tensors and numbers alone: they are computed without heap, also in constant expressions.
template <class X>
inline constexpr bool is_fixed_formula = is_fixed<X> || is_scalar<X>;

/// A copy, made leaf by leaf where the leaves are Fixed: compilers see through these, where a copy of a whole formula is
/// memory to them.
template <class X>
WICK_LAMBDA_INLINE constexpr std::remove_cvref_t<X> copied(X&& x) {
  if constexpr (requires { x.leafwise(); }) return x.leafwise();
  else return std::forward<X>(x);
}

/// What a formula keeps of an argument: operands by value, regions as tensors.
template <Operand X>
  requires(!PartOperand<X>)
WICK_LAMBDA_INLINE constexpr X const& operand(X const& x) { return x; }
template <Operand X>
  requires(!PartOperand<X> && !std::is_lvalue_reference_v<X>)
WICK_LAMBDA_INLINE constexpr X&& operand(X&& x) { return static_cast<X&&>(x); }
template <PartOperand X>
constexpr auto operand(X const& x) {
  if constexpr (Operand<X>) return x.formula();  // of a variable
  else return x.value();
}
template <PartOperand X>
  requires(!std::is_lvalue_reference_v<X> && !std::is_const_v<X>)
constexpr auto operand(X&& x) {
  if constexpr (Operand<X>) return std::remove_cvref_t<decltype(static_cast<X&&>(x).formula())>(static_cast<X&&>(x).formula());
  else return std::remove_cvref_t<decltype(static_cast<X&&>(x).value())>(static_cast<X&&>(x).value());
}

/// A Fixed tensor, a formula of such, or rows of one.
template <class X>
concept FixedFormula = Formula<X> && !LiftedNumber<X> && is_fixed_formula<std::remove_cvref_t<decltype(operand(std::declval<X const&>()))>>;

namespace detail {
template <class... T>
struct OperandType {
  using type = float;  // only literals: the default floating type
};
template <class T, class... Rest>
struct OperandType<T, Rest...> {
  using type = T;
};
template <class A, class B, class... Rest>
struct OperandType<A, B, Rest...> : OperandType<promote_t<A, B>, Rest...> {};

template <class List, class... X>
struct CommonValue;
template <class... T>
struct CommonValue<void(T...)> : OperandType<T...> {};
template <class... T, class X, class... Rest>
struct CommonValue<void(T...), X, Rest...> : CommonValue<void(T..., typename X::value_type), Rest...> {};
template <class... T, LiftedNumber X, class... Rest>
struct CommonValue<void(T...), X, Rest...> : CommonValue<void(T..., X), Rest...> {};
template <class... T, Arithmetic X, class... Rest>
struct CommonValue<void(T...), X, Rest...> : CommonValue<void(T...), Rest...> {};
}  // namespace detail

/// The promoted element type of those arguments that are operands.
template <class... X>
using operands_value_t = typename detail::CommonValue<void(), std::remove_cvref_t<X>...>::type;

namespace types {
struct Truth;
}

namespace detail {
// The element type of a literal of type X beside elements of type T. A comparison with integers takes numbers that T may not hold as they are.
template <class T, class X, bool Compares>
constexpr auto literal_type() {
  if constexpr (Compares && core::category<T>() == 1 && core::category<X>() == 1 && !integer::holds_all<T, X>)
    return std::conditional_t<std::is_signed_v<X>, std::conditional_t<(sizeof(X) > 4), std::int64_t, std::int32_t>,
                              std::conditional_t<(sizeof(X) > 4), std::uint64_t, std::uint32_t>>{};
  else if constexpr (Compares && core::category<T>() == 1 && core::category<X>() == 2)
    return double{};  // with all its digits
  else
    return scalar_beside_t<T, X>{};
}
template <class Op>
inline constexpr bool is_comparison = std::is_same_v<typename Op::rule, types::Truth>;
template <>
inline constexpr bool is_comparison<void> = false;
template <class Op>
constexpr char const* name_of() {
  if constexpr (std::is_void_v<Op>) return "formula";
  else return Op::name;
}
}  // namespace detail

/// An argument of `Op` beside operands of type T: a literal becomes a Scalar that does not widen them. Throws Error when an
/// integer does not fit in them; a comparison takes any.
template <class T, class Op = void, class X>
WICK_LAMBDA_INLINE constexpr auto operand_beside(X&& x) {
  if constexpr (Arithmetic<std::remove_cvref_t<X>>) {
    using S = decltype(detail::literal_type<T, std::remove_cvref_t<X>, detail::is_comparison<Op>>());
    return Scalar<S>{number_as<S>(detail::name_of<Op>(), x)};
  } else if constexpr (LiftedNumber<X>) {
    return Scalar<std::remove_cvref_t<X>>{x};
  } else {
    return copied(operand(std::forward<X>(x)));
  }
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
