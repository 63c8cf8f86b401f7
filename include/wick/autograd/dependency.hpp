// SPDX-License-Identifier: MIT
// Which values the backward pass of a statement needs, found when compiling: each slope is evaluated once with numbers
// that only know what they depend on. What is not needed is not saved.
#pragma once

#include <wick/expr/kernels.hpp>
#include <wick/ops/activation.hpp>
#include <wick/ops/arithmetic.hpp>
#include <wick/ops/compare.hpp>
#include <wick/ops/explog.hpp>
#include <wick/ops/hyperbolic.hpp>
#include <wick/ops/special.hpp>
#include <wick/ops/trig.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// A number that knows only which arguments it depends on: bit k for argument k.
template <unsigned mask>
struct Dependency {
  using lifts_operations = void;
  static constexpr unsigned bits = mask;
  template <class X>
  static constexpr unsigned bits_of() {
    if constexpr (LiftedNumber<X>) return X::bits;
    else return 0;
  }
  template <class Op, class... X>
  static constexpr auto lift(X const&...) { return Dependency<(bits_of<X>() | ... | 0u)>(); }
};

namespace detail {

template <class X>
inline constexpr unsigned bits_of_slope = 0;
template <LiftedNumber X>
inline constexpr unsigned bits_of_slope<X> = X::bits;
template <class Condition, class A, class B>
inline constexpr unsigned bits_of_slope<math::Choice<Condition, A, B>> = bits_of_slope<Condition> | bits_of_slope<A> | bits_of_slope<B>;
template <class X>
constexpr unsigned dependency_bits() { return bits_of_slope<std::remove_cvref_t<X>>; }
// Bits of the arguments that the slope in argument K depends on.
template <class Op, int K>
constexpr unsigned slope_bits() {
  if constexpr (!differentiable<Op>) {
    return 0;
  } else if constexpr (Op::arity == 1 && SlopeFromValue<Op>) {
    return dependency_bits<decltype(Op::slope_from_value(Dependency<1>()))>();
  } else if constexpr (Op::arity == 1) {
    return dependency_bits<decltype(Op::slope(Dependency<1>()))>();
  } else if constexpr (Op::arity == 2) {
    using S = decltype(Op::slope(Dependency<1>(), Dependency<2>()));
    return K == 0 ? dependency_bits<decltype(S::first)>() : dependency_bits<decltype(S::second)>();
  } else {
    using S = decltype(Op::slope(Dependency<1>(), Dependency<2>(), Dependency<4>()));
    return K == 0   ? dependency_bits<decltype(S::first)>()
           : K == 1 ? dependency_bits<decltype(S::second)>()
                    : dependency_bits<decltype(S::third)>();
  }
}

template <std::size_t N>
using SlotFlags = std::array<bool, N>;

template <class S, std::size_t N>
constexpr void mark_all(SlotFlags<N>& needed, int slot) {
  for (int s = 0; s < S::slot_count; ++s) needed[static_cast<std::size_t>(slot + s)] = true;
}

// Marks the slots that pushing an adjoint through S reads. `has_value`: the value of S itself is at hand.
template <class S, int I>
struct Needs {
  template <std::size_t N>
  static constexpr void mark(SlotFlags<N>&, bool) {}
};
template <class Op, class... Args, int I>
struct Needs<Apply<Op, Args...>, I> {
  template <std::size_t N>
  static constexpr void mark(SlotFlags<N>& needed, bool has_value) {
    if constexpr (has_active<Apply<Op, Args...>>) {
      [&]<std::size_t... K>(std::index_sequence<K...>) {
        unsigned bits = 0;
        ((bits |= has_active<Args> ? slope_bits<Op, static_cast<int>(K)>() : 0u), ...);
        if (SlopeFromValue<Op> && has_value) bits = 0;
        ((bits >> K & 1 ? mark_all<Args>(needed, slot_of<I, static_cast<int>(K), Args...>()) : void()), ...);
        (Needs<Args, slot_of<I, static_cast<int>(K), Args...>()>::mark(needed, false), ...);
      }(std::index_sequence_for<Args...>{});
    }
  }
};
template <class Op, class Arg, int I>
struct Needs<Fold<Op, Arg>, I> {
  template <std::size_t N>
  static constexpr void mark(SlotFlags<N>& needed, bool) { mark_all<Fold<Op, Arg>>(needed, I); }
};

template <class S>
inline constexpr bool root_from_value = false;
template <class Op, class... Args>
inline constexpr bool root_from_value<Apply<Op, Args...>> = SlopeFromValue<Op> && slope_bits<Op, 0>() != 0;

}  // namespace detail

/// The slots of S whose values its backward kernel reads, given the result of the statement.
template <class S>
inline constexpr auto needed_slots = [] {
  detail::SlotFlags<static_cast<std::size_t>(S::slot_count > 0 ? S::slot_count : 1)> needed{};
  detail::Needs<S, 0>::mark(needed, true);
  return needed;
}();
/// Bits of a reduction's slope: 1 when it depends on the element, 2 when it depends on the result.
template <class Op>
inline constexpr unsigned reduction_bits = [] {
  static_assert(requires { Op::slope(1.0, 1.0); }, "Wick: a gradient is asked for through a reduction that has no slope(x, y)");
  return detail::dependency_bits<decltype(Op::slope(Dependency<1>(), Dependency<2>()))>();
}();
/// The slots whose values the backward kernel of `y = Op over axes of S` reads.
template <class S, class Op>
inline constexpr auto needed_by_reduction = [] {
  detail::SlotFlags<static_cast<std::size_t>(S::slot_count > 0 ? S::slot_count : 1)> needed{};
  detail::Needs<S, 0>::mark(needed, false);
  if constexpr ((reduction_bits<Op> & 1) != 0) detail::mark_all<S>(needed, 0);
  return needed;
}();

/// True when the backward kernel of S reads the statement's result.
template <class S>
inline constexpr bool needs_result = detail::root_from_value<S>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
