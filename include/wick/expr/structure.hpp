// SPDX-License-Identifier: MIT
// The structure of a formula without its data: what kernels are compiled for. Formulas over tensors, views and
// variables that look alike share one kernel.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// An operand in memory, elements of type T. Takes one slot of a kernel for each plane of T.
template <class T>
struct Leaf {
  using value_type = T;
  static constexpr int slot_count = ElementTraits<T>::planes;
};
/// A leaf whose gradient is wanted, in the structure of a backward kernel.
template <class T>
struct Active {
  using value_type = T;
  static constexpr int slot_count = ElementTraits<T>::planes;
};
/// A number: one slot for each of its parts, read once.
template <class T>
struct Number {
  using value_type = T;
  static constexpr int slot_count = ElementTraits<T>::planes;
};
/// Elements that are computed from their position (random masks): `G::fetch` fills a buffer with them.
template <class G>
struct Generated {
  using value_type = typename G::value_type;
  static constexpr int slot_count = 1;
};
/// An elementwise operation.
template <class Op, class... Args>
struct Apply {
  using value_type = result_t<Op, typename Args::value_type...>;
  static constexpr int slot_count = (Args::slot_count + ... + 0);
};
/// A reduction over a row, inside a row formula.
template <class Op, class Arg>
struct Fold {
  using value_type = typename Op::template result<typename Arg::value_type>;
  static constexpr int slot_count = Arg::slot_count;
};

/// True for parts of a row formula that have one value for the whole row.
template <class S>
inline constexpr bool same_over_row = false;
template <class T>
inline constexpr bool same_over_row<Number<T>> = true;
template <class Op, class Arg>
inline constexpr bool same_over_row<Fold<Op, Arg>> = true;
template <class Op, class... Args>
inline constexpr bool same_over_row<Apply<Op, Args...>> = (same_over_row<Args> && ...);

namespace detail {
template <class S>
inline constexpr bool has_active = false;
template <class T>
inline constexpr bool has_active<Active<T>> = true;
template <class Op, class... Args>
inline constexpr bool has_active<Apply<Op, Args...>> = (has_active<Args> || ...);
template <class Op, class Arg>
inline constexpr bool has_active<Fold<Op, Arg>> = has_active<Arg>;
}  // namespace detail

template <class X>
struct StructureOf {
  using type = Leaf<typename X::value_type>;
};
template <class X>
  requires requires { typename X::is_generated; }
struct StructureOf<X> {
  using type = Generated<X>;
};
template <class T>
struct StructureOf<Scalar<T>> {
  using type = Number<T>;
};
template <class Op, class... Args>
struct StructureOf<Map<Op, Args...>> {
  using type = Apply<Op, typename StructureOf<Args>::type...>;
};
template <class X>
using structure_t = typename StructureOf<std::remove_cvref_t<X>>::type;

/// Slot of the first operand of argument K of a node whose first slot is I.
template <int I, int K, class... Args>
constexpr int slot_of() {
  int const slot_data[] = {Args::slot_count..., 0};
  int slot = I;
  for (int k = 0; k < K; ++k) slot += slot_data[k];
  return slot;
}

namespace detail {
// Number type in which a whole formula can run in SIMD registers: AnyLane where it does not matter, NoLane when mixed.
struct AnyLane {};
struct NoLane {};
template <class A, class B>
using join_lanes_t = std::conditional_t<std::is_same_v<A, AnyLane>, B,
                                        std::conditional_t<std::is_same_v<B, AnyLane> || std::is_same_v<A, B>, A, NoLane>>;
template <class T>
using lane_of_value_t =
    std::conditional_t<Lane<compute_t<base_t<T>>>, compute_t<base_t<T>>, std::conditional_t<std::is_same_v<T, bool>, AnyLane, NoLane>>;

template <class X>
struct LaneOf {
  using type = AnyLane;  // leaves are converted when they are read
};
template <class Op, class... Args>
struct LaneOf<Apply<Op, Args...>> {
  template <class I>
  struct Join;
  template <std::size_t... K>
  struct Join<std::index_sequence<K...>> {
    template <class... L>
    struct All;
    template <class L>
    struct All<L> { using type = L; };
    template <class A, class B, class... R>
    struct All<A, B, R...> : All<join_lanes_t<A, B>, R...> {};
    using type = typename All<lane_of_value_t<result_t<Op, typename Args::value_type...>>,
                              lane_of_value_t<argument_t<Op, static_cast<int>(K), typename Args::value_type...>>...,
                              typename LaneOf<Args>::type...>::type;
  };
  using type = typename Join<std::index_sequence_for<Args...>>::type;
};
template <class Op, class Arg>
struct LaneOf<Fold<Op, Arg>> {
  using Value = typename Fold<Op, Arg>::value_type;
  using type = std::conditional_t<std::is_same_v<Value, bool>, NoLane, join_lanes_t<lane_of_value_t<Value>, typename LaneOf<Arg>::type>>;
};
}  // namespace detail

/// float or double when a formula of this structure with results of type `Result` runs in SIMD registers, void when it
/// runs element by element.
template <class S, class Result = typename S::value_type>
struct LaneTraits {
  using Joined = detail::join_lanes_t<typename detail::LaneOf<S>::type, detail::lane_of_value_t<Result>>;
  using type = std::conditional_t<Lane<Joined>, Joined, void>;
};
template <class S, class Result = typename S::value_type>
using lane_t = typename LaneTraits<S, Result>::type;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
