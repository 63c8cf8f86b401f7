// SPDX-License-Identifier: MIT
// The value of a formula's structure at one position (a number) or at as many as a register holds (a batch).
#pragma once

#include <wick/base/simd_half.hpp>
#include <wick/expr/structure.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Reads the slots of a kernel a register at a time. A slot that stays in place has step mask 0 and points to a register
/// full of its value; where `all_move`, there is none.
template <class L, int Slots, bool all_move = false>
struct BatchFrame {
  using lane = L;
  L const* slot[std::size_t{Slots > 0 ? Slots : 1}];
  std::int64_t mask[std::size_t{Slots > 0 ? Slots : 1}];
  std::int64_t i;

  template <int I>
  WICK_FN_INLINE std::int64_t at() const {
    if constexpr (all_move) return i;
    else return i & mask[I];
  }

  template <class T, int I>
  WICK_FN_INLINE auto load() const {
    if constexpr (Half<T> && std::is_same_v<L, float>)
      return simd::load(reinterpret_cast<T const*>(slot[I]) + at<I>());
    else if constexpr (ElementTraits<T>::planes == 1)
      return simd::load(slot[I] + at<I>());
    else
      return ElementTraits<T>::template gather<Batch<L>>(
          [&]<int P>(std::integral_constant<int, P>) { return simd::load(slot[I + P] + at<I + P>()); });
  }
  template <class T, int I>
  WICK_FN_INLINE auto number() const {
    if constexpr (ElementTraits<T>::planes == 1)
      return Batch<L>(*slot[I]);
    else
      return ElementTraits<T>::template gather<Batch<L>>(
          [&]<int P>(std::integral_constant<int, P>) { return Batch<L>(*slot[I + P]); });
  }
};

/// Reads the slots of a kernel one element at a time, with any step.
template <int Slots>
struct ElementFrame {
  using lane = void;
  void const* slot[std::size_t{Slots > 0 ? Slots : 1}];
  std::int64_t mask[std::size_t{Slots > 0 ? Slots : 1}];  // here the distance between neighbours, in elements
  std::int64_t i;

  template <class T, int I>
  WICK_FN_INLINE compute_t<T> load() const {
    using Base = base_t<T>;
    if constexpr (ElementTraits<T>::planes == 1)
      return static_cast<Base const*>(slot[I])[i * mask[I]];
    else
      return ElementTraits<T>::template gather<Base>([&]<int P>(std::integral_constant<int, P>) {
        return static_cast<Base const*>(slot[I + P])[i * mask[I + P]];
      });
  }
  template <class T, int I>
  WICK_FN_INLINE compute_t<T> number() const { return *static_cast<compute_t<T> const*>(slot[I]); }  // a compound one lies there whole
};

/// A value brought to element type `To`, within the registers of lane type L (void: plain numbers). What is kept in fewer
/// bits stays in the type it is computed in: it is rounded when it is stored.
template <class To, class L, class V>
WICK_FN_INLINE auto convert(V const& value) {
  if constexpr (Half<To>) {
    return convert<compute_t<To>, L>(value);
  } else if constexpr (std::is_void_v<L>) {
    if constexpr (std::is_same_v<V, To>) return value;
    else return static_cast<To>(value);
  } else if constexpr (std::is_same_v<To, bool>) {
    if constexpr (is_mask_v<V>) return value;
    else return simd::to_mask(value);
  } else if constexpr (std::is_same_v<To, L>) {
    if constexpr (is_mask_v<V>) return simd::from_mask(value);
    else return value;
  } else if constexpr (LiftedNumber<V>) {
    return value;
  } else {
    return typename ElementTraits<To>::template Rebind<Batch<L>>(convert<L, L>(value));
  }
}

/// How each kind of structure is evaluated with its first operand in slot I.
template <class S, int I>
struct Evaluator;

template <class T, int I>
struct Evaluator<Leaf<T>, I> {
  template <class Frame>
  static WICK_FN_INLINE auto value(Frame const& frame) { return frame.template load<T, I>(); }
};
template <class G, int I>
struct Evaluator<Generated<G>, I> {
  template <class Frame>
  static WICK_FN_INLINE auto value(Frame const& frame) {
    if constexpr (requires { frame.template generated<G, I>(); }) {
      return frame.template generated<G, I>();
    } else {
      static_assert(!std::is_void_v<typename Frame::lane>, "Wick: a random mask stands beside float or double only");
      return frame.template load<typename G::value_type, I>();
    }
  }
};
template <class T, int I>
struct Evaluator<Number<T>, I> {
  template <class Frame>
  static WICK_FN_INLINE auto value(Frame const& frame) { return frame.template number<T, I>(); }
};

/// Applies an operation to argument values, each brought to the type the operation computes in; `row_constant`: the second
/// is the same for the whole row.
template <class Op, class L, bool row_constant, class... T, std::size_t... K, class... V>
WICK_FN_INLINE auto apply_converted(std::index_sequence<K...>, V const&... values) {
  using Result = result_t<Op, T...>;
  if constexpr (row_constant) return convert<Result, L>(Op::with_row_constant(convert<argument_t<Op, static_cast<int>(K), T...>, L>(values)...));
  else return convert<Result, L>(apply<Op>(convert<argument_t<Op, static_cast<int>(K), T...>, L>(values)...));
}

/// True when a row frame has the value of part S in its buffer.
template <class Frame, class S>
constexpr bool is_kept() {
  if constexpr (requires { typename Frame::Kept; }) return Frame::template is_kept<S>();
  else return false;
}

/// True where an operation has a shorter way for a second argument that is the same for the whole row.
template <class Frame, class Op, class... Args>
constexpr bool takes_row_constant() {
  if constexpr (requires { typename Frame::Kept; typename Op::has_row_constant; }) {
    bool const same[] = {same_over_row<Args>...};
    return !same[0] && same[1];
  } else {
    return false;
  }
}

/// The value of the node `Op(Args...)` from those of its arguments.
template <class Frame, class Op, class... Args, class... V>
WICK_FN_INLINE auto node_value(V const&... values) {
  constexpr bool row_constant = takes_row_constant<Frame, Op, Args...>();
  return apply_converted<Op, typename Frame::lane, row_constant, typename Args::value_type...>(std::index_sequence_for<Args...>{}, values...);
}

template <class Op, class... Args, int I>
struct Evaluator<Apply<Op, Args...>, I> {
  template <class Frame>
  static WICK_FN_INLINE auto value(Frame const& frame) {
    if constexpr (is_kept<Frame, Apply<Op, Args...>>()) return frame.template read_kept<Apply<Op, Args...>>();
    else return from(frame, std::index_sequence_for<Args...>{});
  }
  template <class Frame, std::size_t... K>
  static WICK_FN_INLINE auto from(Frame const& frame, std::index_sequence<K...>) {
    return node_value<Frame, Op, Args...>(Evaluator<Args, slot_of<I, static_cast<int>(K), Args...>()>::value(frame)...);
  }
};

/// The value of structure S at the frame's position, as element type `To`.
template <class S, class To, int I, class Frame>
WICK_FN_INLINE auto evaluate(Frame const& frame) {
  return convert<To, typename Frame::lane>(Evaluator<S, I>::value(frame));
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
