// SPDX-License-Identifier: MIT
// What an elementwise operation is: value and slope side by side, a name, a rule for its types.
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>

#include <wick/base/math.hpp>
#include <wick/core/dtype.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// A string as a template argument.
template <std::size_t N>
struct Name {
  char text[N];
  constexpr Name(char const (&literal)[N]) { std::copy_n(literal, N, text); }
};

/// Interval of arguments on which an operation is defined and its slope well behaved; tests sample it.
template <auto Low, auto High>
struct Domain {
  static constexpr double low = Low, high = High;
};

namespace detail {
template <class First, class... Rest>
struct PromoteAll {
  using type = First;
};
template <class A, class B, class... Rest>
struct PromoteAll<A, B, Rest...> : PromoteAll<promote_t<A, B>, Rest...> {};
}  // namespace detail

/// Rules for element types: what the arguments are converted to, and what comes out.
namespace types {
/// Computes in the promoted type: add, maximum, relu.
struct Same {
  template <int K, class... T> using Argument = typename detail::PromoteAll<T...>::type;
  template <class... T> using Result = typename detail::PromoteAll<T...>::type;
};
/// As Same, but integers become float first: exp, div.
struct Floating {
  template <int K, class... T> using Argument = floating_t<typename detail::PromoteAll<T...>::type>;
  template <class... T> using Result = floating_t<typename detail::PromoteAll<T...>::type>;
};
/// As Same, but a complex number gives a real one: abs.
struct Magnitude {
  template <int K, class... T> using Argument = typename detail::PromoteAll<T...>::type;
  template <class... T> using Result = real_t<typename detail::PromoteAll<T...>::type>;
};
/// Compares in the promoted type, integers as they are, also beside a double; gives bool: lt, isnan.
struct Truth {
  template <int K, class... T>
  using Argument = std::conditional_t<(std::is_integral_v<T> && ...) || (((std::is_integral_v<T> && !std::is_same_v<T, bool>) || std::is_same_v<T, double>) && ...),
                                      std::tuple_element_t<std::size_t{K}, std::tuple<T...>>,
                                      typename detail::PromoteAll<T...>::type>;
  template <class... T> using Result = bool;
};
/// bool in, bool out: logical_and.
struct Logical {
  template <int K, class... T> using Argument = bool;
  template <class... T> using Result = bool;
};
/// A condition and two alternatives: where.
struct Select {
  template <int K, class C, class A, class B> using Argument = std::conditional_t<K == 0, bool, promote_t<A, B>>;
  template <class C, class A, class B> using Result = promote_t<A, B>;
};
/// Whatever comes in, `To` comes out: cast.
template <class To>
struct Convert {
  template <int K, class T> using Argument = To;
  template <class T> using Result = To;
};
}  // namespace types

/// Base of operations of one argument.
template <Name N, class D = Domain<-4, 4>, class Rule = types::Floating>
struct Unary {
  static constexpr char const* name = N.text;
  static constexpr int arity = 1;
  using domain = D;
  using rule = Rule;
};
/// Base of operations of two arguments.
template <Name N, class D = Domain<-4, 4>, class Rule = types::Same>
struct Binary {
  static constexpr char const* name = N.text;
  static constexpr int arity = 2;
  using domain = D;
  using rule = Rule;
};
/// Base of operations of three arguments.
template <Name N, class D = Domain<-4, 4>, class Rule = types::Same>
struct Ternary {
  static constexpr char const* name = N.text;
  static constexpr int arity = 3;
  using domain = D;
  using rule = Rule;
};

/// A list of operations.
template <class... Op>
struct OpList {
  static constexpr int size = sizeof...(Op);
  /// Calls `visit` with each operation, as a std::type_identity.
  template <class F>
  static constexpr void each(F&& visit) { (visit(std::type_identity<Op>{}), ...); }
};

namespace detail {
template <class... List>
struct Joined;
template <class... Op>
struct Joined<OpList<Op...>> {
  using type = OpList<Op...>;
};
template <class... First, class... Second, class... Rest>
struct Joined<OpList<First...>, OpList<Second...>, Rest...> : Joined<OpList<First..., Second...>, Rest...> {};
}  // namespace detail

/// Several lists of operations as one.
template <class... List>
using joined_t = typename detail::Joined<List...>::type;

/// How far an operation in SIMD registers may be from the same operation on a number, in units of the last place of float32 and
/// float64, where that is not 0 or 1: `static constexpr double ulp = 2`. And near 0, where digits cancel: `absolute`.
template <class Op>
constexpr double ulp_of(double otherwise) {
  if constexpr (requires { Op::ulp; }) return Op::ulp;
  else return otherwise;
}
template <class Op>
constexpr double absolute_of() {
  if constexpr (requires { Op::absolute; }) return Op::absolute;
  else return 0;
}

/// False for operations that give truth values: comparisons, tests, logic.
template <class Op>
inline constexpr bool gives_number =
    !std::is_same_v<typename Op::rule, types::Truth> && !std::is_same_v<typename Op::rule, types::Logical>;

template <class Op, int K, class... T>
using argument_t = typename Op::rule::template Argument<K, T...>;
template <class Op, class... T>
using result_t = typename Op::rule::template Result<T...>;

/// Slopes that are known when compiling; multiplying by them costs nothing.
namespace math {
struct Zero {};
struct One {};
struct MinusOne {};
/// A slope that is `first` where the condition holds and `second` elsewhere. The product with it is chosen too: where it is
/// Zero, an infinite adjoint does not pass either.
template <class Condition, class A, class B>
struct Choice {
  Condition condition;
  A first;
  B second;
};
template <class Condition, class A, class B>
Choice(Condition, A, B) -> Choice<Condition, A, B>;
}  // namespace math

/// The slopes of an operation in each of its arguments.
template <class A, class B = math::Zero, class C = math::Zero>
struct Slopes {
  A first;
  B second{};
  C third{};
};
template <class A, class B>
Slopes(A, B) -> Slopes<A, B>;
template <class A, class B, class C>
Slopes(A, B, C) -> Slopes<A, B, C>;

namespace detail {
template <class First, class... Rest>
struct FirstLifted {
  using type = First;
};
template <class A, class B, class... Rest>
  requires(!LiftedNumber<A>)
struct FirstLifted<A, B, Rest...> : FirstLifted<B, Rest...> {};
}  // namespace detail

/// The value of `Op` for numbers of any kind: plain ones, SIMD batches, duals of either.
template <class Op, class... X>
WICK_INLINE constexpr auto apply(X const&... x) {
  if constexpr ((LiftedNumber<X> || ...)) return detail::FirstLifted<X...>::type::template lift<Op>(x...);
  else return Op::value(x...);
}

struct Where;
namespace detail {
template <class S>
inline constexpr bool is_choice = false;
template <class Condition, class A, class B>
inline constexpr bool is_choice<math::Choice<Condition, A, B>> = true;

/// a where the condition holds, b elsewhere; either may be Zero.
template <class Condition, class A, class B>
WICK_FN auto choose(Condition const& condition, A const& a, B const& b) {
  if constexpr (std::is_same_v<A, math::Zero>) return apply<Where>(condition, 0, b);
  else if constexpr (std::is_same_v<B, math::Zero>) return apply<Where>(condition, a, 0);
  else return apply<Where>(condition, a, b);
}
}  // namespace detail

/// An operation whose slope can be infinite or NaN (at 0, by overflow, outside of where it is defined) says
/// `using steep = void;`: through it an adjoint of 0 passes 0.
template <class Op>
concept Steep = requires { typename Op::steep; };

/// An operation that only adds and multiplies says `using polynomial = void;`: duals, which treat every other one as steep,
/// take its tangents as they come, so that loops over them stay fast.
template <class Op>
concept Polynomial = requires { typename Op::polynomial; };

/// An adjoint times a steep slope; 0 where the adjoint is 0, whatever the slope is. So no NaN comes out of the branch that
/// a `where` has not taken.
struct Chain : Binary<"chain"> {
  using cheap = void;
  using steep = void;
  WICK_FN static auto value(auto adjoint, auto slope) {
    if constexpr (is_batch_v<decltype(adjoint * slope)>) return simd::clear(adjoint == 0, adjoint * slope);
    else return math::where(adjoint == 0, 0, adjoint * slope);
  }
  WICK_FN static auto slope(auto adjoint, auto slope) { return Slopes{slope, adjoint}; }
};

/// An adjoint (or a tangent) times a slope of `Op`, one of its arguments'.
template <class Op, class G, class S>
WICK_FN auto chain(G const& g, S const& slope) {
  if constexpr (std::is_same_v<S, math::Zero>) {
    return math::Zero{};
  } else if constexpr (std::is_same_v<S, math::One>) {
    return g;
  } else if constexpr (std::is_same_v<S, math::MinusOne>) {
    return -g;
  } else if constexpr (detail::is_choice<S>) {
    using Inner = std::conditional_t<LiftedNumber<G>, Chain, Op>;  // a product that is not chosen is differentiated too
    return detail::choose(slope.condition, chain<Inner>(g, slope.first), chain<Inner>(g, slope.second));
  } else if constexpr (std::is_same_v<G, float> && std::is_same_v<S, double>) {
    return chain<Op>(g, static_cast<float>(slope));  // a choice of literals
  } else if constexpr (Steep<Op>) {
    return apply<Chain>(g, slope);
  } else {
    return g * slope;
  }
}
namespace detail {
/// Sum of two chained terms.
template <class A, class B>
WICK_FN auto plus(A const& a, B const& b) {
  if constexpr (std::is_same_v<A, math::Zero>) return b;
  else if constexpr (std::is_same_v<B, math::Zero>) return a;
  else return a + b;
}
}  // namespace detail

/// True for operations whose slope needs only their result.
template <class Op>
concept SlopeFromValue = requires { Op::slope_from_value(1.0); };
namespace detail {
template <class Op, int Arity> inline constexpr bool has_slope = false;
template <class Op> inline constexpr bool has_slope<Op, 1> = SlopeFromValue<Op> || requires { Op::slope(1.0); };
template <class Op> inline constexpr bool has_slope<Op, 2> = requires { Op::slope(1.0, 1.0); };
template <class Op> inline constexpr bool has_slope<Op, 3> = requires { Op::slope(true, 1.0, 1.0); };
}  // namespace detail
/// True for operations with a slope.
template <class Op>
inline constexpr bool differentiable = detail::has_slope<Op, Op::arity>;
/// Stops compiling where a gradient is asked for through an operation that has no slope, unless it gives truth values or
/// says `using no_gradient = void;` (its slope is 0 wherever it exists: sign, floor).
template <class Op>
constexpr void require_slope() {
  static_assert(differentiable<Op> || !gives_number<Op> || requires { typename Op::no_gradient; },
                "Wick: a gradient is asked for through an operation that has no slope (the Op that this error names): give it "
                "a static slope(x...) or slope_from_value(y), or, where no gradient shall pass, `using no_gradient = void;`");
}

/// The slopes of `Op` at its arguments, given its value there.
template <class Op, class Y, class... X>
WICK_FN auto slopes(Y const& value, X const&... x) {
  require_slope<Op>();
  if constexpr (!differentiable<Op>) return Slopes<math::Zero>{};
  else if constexpr (Op::arity > 1) return Op::slope(x...);
  else if constexpr (SlopeFromValue<Op>) return Slopes<decltype(Op::slope_from_value(value))>{Op::slope_from_value(value)};
  else return Slopes<decltype(Op::slope(x...))>{Op::slope(x...)};
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
