// SPDX-License-Identifier: MIT
// The backward kernel of a statement: recompute the inner values in registers, push the adjoint down the formula, add
// to the gradients of the leaves. One fused loop.
#pragma once

#include <tuple>

#include <wick/autograd/dependency.hpp>
#include <wick/expr/kernels.hpp>
#include <wick/ops/reduce.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

template <class T, int I>
struct Evaluator<Active<T>, I> : Evaluator<Leaf<T>, I> {};
namespace detail {
template <class T, class L, std::size_t N>
struct FillSlots<Active<T>, L, N> : FillSlots<Leaf<T>, L, N> {};

// SIMD only when every gradient has the lanes' own type.
template <class S, class L>
inline constexpr bool gradients_in_lane = true;
template <class T, class L>
inline constexpr bool gradients_in_lane<Active<T>, L> = std::is_same_v<compute_t<base_t<T>>, L>;
template <class Op, class... Args, class L>
inline constexpr bool gradients_in_lane<Apply<Op, Args...>, L> = (gradients_in_lane<Args, L> && ...);
template <class Op, class Arg, class L>
inline constexpr bool gradients_in_lane<Fold<Op, Arg>, L> = gradients_in_lane<Arg, L>;

// Whether some gradient has elements of 16 bits.
template <class S>
inline constexpr bool half_gradients = false;
template <class T>
inline constexpr bool half_gradients<Active<T>> = Half<base_t<T>>;
template <class Op, class... Args>
inline constexpr bool half_gradients<Apply<Op, Args...>> = (half_gradients<Args> || ...);
template <class Op, class Arg>
inline constexpr bool half_gradients<Fold<Op, Arg>> = half_gradients<Arg>;

/// The active leaves of a structure, as gradient targets. Those of 16 bits are summed in float (see `WideGradients`).
template <class S>
inline constexpr int active_planes = 0;
template <class T>
inline constexpr int active_planes<Active<T>> = ElementTraits<T>::planes;
template <class Op, class... Args>
inline constexpr int active_planes<Apply<Op, Args...>> = (active_planes<Args> + ... + 0);
template <class Op, class Arg>
inline constexpr int active_planes<Fold<Op, Arg>> = active_planes<Arg>;

template <int O, int K, class... Args>
constexpr int target_of() {
  int const planes[] = {active_planes<Args>..., 0};
  int target = O;
  for (int k = 0; k < K; ++k) target += planes[k];
  return target;
}

template <class S, std::size_t N>
struct FillTargets {
  static constexpr void fill(std::array<TargetType, N>&, int&) {}
};
template <class T, std::size_t N>
struct FillTargets<Active<T>, N> {
  static constexpr void fill(std::array<TargetType, N>& table, int& next) {
    for (int p = 0; p < ElementTraits<T>::planes; ++p)
      table[static_cast<std::size_t>(next++)] = Accumulate<Sum, compute_t<base_t<T>>>::target();
  }
};
template <class Op, class... Args, std::size_t N>
struct FillTargets<Apply<Op, Args...>, N> {
  static constexpr void fill(std::array<TargetType, N>& table, int& next) { (FillTargets<Args, N>::fill(table, next), ...); }
};
template <class Op, class Arg, std::size_t N>
struct FillTargets<Fold<Op, Arg>, N> : FillTargets<Arg, N> {};

template <class S>
inline constexpr auto gradient_targets = [] {
  std::array<TargetType, static_cast<std::size_t>(active_planes<S>)> table{};
  int next = 0;
  FillTargets<S, static_cast<std::size_t>(active_planes<S>)>::fill(table, next);
  return table;
}();
}  // namespace detail

template <class S>
using sweep_lane_t = std::conditional_t<
    std::is_void_v<lane_t<S>> || !detail::gradients_in_lane<S, std::conditional_t<std::is_void_v<lane_t<S>>, float, lane_t<S>>>,
    void, lane_t<S>>;

/// The value of a node and of everything below it, for one position. Filled in place: copies of whole trees would stay
/// in memory, where single values live in registers.
template <class Y, class... Under>
struct ValueTree {
  Y value;
  Pack<Under...> below;
};
template <class Y>
struct ValueTree<Y> {
  Y value;
};

/// Forward values and backward adjoints of structure S, first slot I, first gradient target O.
template <class S, int I, int O>
struct Backprop {
  template <class Frame>
  using Tree = ValueTree<std::remove_cvref_t<decltype(Evaluator<S, I>::value(std::declval<Frame const&>()))>>;
  template <class Frame>
  static WICK_FN_INLINE void forward(Frame const& frame, auto& tree) { tree.value = Evaluator<S, I>::value(frame); }
  template <class Frame, class V, class G, class Sink>
  static WICK_FN_INLINE void push(Frame const&, V const&, G const&, Sink const&) {}
  template <class Sink>
  static WICK_FN_INLINE void push_nothing(Sink const&) {}
};

template <class T, int I, int O>
struct Backprop<Active<T>, I, O> {
  template <class Frame>
  using Tree = ValueTree<std::remove_cvref_t<decltype(Evaluator<Leaf<T>, I>::value(std::declval<Frame const&>()))>>;
  template <class Frame>
  static WICK_FN_INLINE void forward(Frame const& frame, auto& tree) { tree.value = Evaluator<Leaf<T>, I>::value(frame); }
  template <class Frame, class V, class G, class Sink>
  static WICK_FN_INLINE void push(Frame const&, V const&, G const& adjoint, Sink const& sink) {
    if constexpr (ElementTraits<T>::planes == 1)
      sink.template add<compute_t<T>, O>(adjoint);
    else if constexpr (requires { typename Sink::takes_compound; })
      sink.template add<compute_t<T>, O>(adjoint);
    else
      ElementTraits<T>::scatter(adjoint, [&]<class B>(int p, B const& part) { sink.template add_plane<base_t<T>, O>(p, part); });
  }
  template <class Sink>
  static WICK_FN_INLINE void push_nothing(Sink const& sink) {
    for (int p = 0; p < ElementTraits<T>::planes; ++p) sink.template add_nothing<compute_t<base_t<T>>, O>(p);
  }
};

template <class Op, class... Args, int I, int O>
struct Backprop<Apply<Op, Args...>, I, O> {
  using S = Apply<Op, Args...>;
  using K = std::index_sequence_for<Args...>;

  template <class Frame, class... Under>
  static WICK_FN_INLINE auto join(Frame const& frame, Under const&... below) {
    if constexpr (is_kept<Frame, S>()) return frame.template read_kept<S>();
    else return node_value<Frame, Op, Args...>(below.value...);
  }

  template <int N>
  using Argument = Backprop<typename std::tuple_element_t<std::size_t{N}, std::tuple<Args...>>, slot_of<I, N, Args...>(),
                            detail::target_of<O, N, Args...>()>;
  template <class Frame, class Index>
  struct TreeOf;
  template <class Frame, std::size_t... k>
  struct TreeOf<Frame, std::index_sequence<k...>> {
    using type = ValueTree<
        decltype(Backprop::join(std::declval<Frame const&>(),
                      std::declval<typename Argument<static_cast<int>(k)>::template Tree<Frame> const&>()...)),
        typename Argument<static_cast<int>(k)>::template Tree<Frame>...>;
  };
  template <class Frame>
  using Tree = typename TreeOf<Frame, K>::type;

  template <class Frame>
  static WICK_FN_INLINE void forward(Frame const& frame, auto& tree) {
    tree.below.visit([&](auto&... below) WICK_LAMBDA_INLINE {
      fill(frame, K{}, below...);
      tree.value = join(frame, below...);
    });
  }
  template <class Frame, std::size_t... k>
  static WICK_FN_INLINE void fill(Frame const& frame, std::index_sequence<k...>, auto&... below) {
    (Argument<static_cast<int>(k)>::forward(frame, below), ...);
  }

  template <class Frame, class V, class G, class Sink>
  static WICK_FN_INLINE void push(Frame const& frame, V const& v, G const& adjoint, Sink const& sink) {
    if constexpr (detail::has_active<S> && differentiable<Op>) {
      v.below.visit([&](auto const&... below) WICK_LAMBDA_INLINE { push_to(frame, v.value, adjoint, sink, K{}, below...); });
    } else if constexpr (detail::has_active<S>) {
      require_slope<Op>();
      push_nothing(sink);
    }
  }
  /// Leaves that no adjoint reaches still have their first term stored: zero.
  template <class Sink>
  static WICK_FN_INLINE void push_nothing(Sink const& sink) { push_nothing(sink, K{}); }
  template <class Sink, std::size_t... k>
  static WICK_FN_INLINE void push_nothing(Sink const& sink, std::index_sequence<k...>) {
    (Argument<static_cast<int>(k)>::push_nothing(sink), ...);
  }
  template <class Frame, class Y, class G, class Sink, std::size_t... k, class... Under>
  static WICK_FN_INLINE void push_to(Frame const& frame, Y const& y, G const& adjoint, Sink const& sink,
                                  std::index_sequence<k...>, Under const&... below) {
    using L = typename Frame::lane;
    auto const s = slopes<Op>(y, convert<argument_t<Op, static_cast<int>(k), typename Args::value_type...>, L>(below.value)...);
    auto const pass = [&]<int N, class Arg>(std::integral_constant<int, N>, std::type_identity<Arg>, auto const& tree) WICK_LAMBDA_INLINE {
      if constexpr (detail::has_active<Arg>) {
        auto const g = chain<Op>(adjoint, member<N>(s));
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(g)>, math::Zero>) Argument<N>::push_nothing(sink);
        else Argument<N>::push(frame, tree, convert<typename Arg::value_type, L>(g), sink);
      }
    };
    (pass(std::integral_constant<int, static_cast<int>(k)>{}, std::type_identity<Args>{}, below), ...);
  }
  template <int N, class Sl>
  static WICK_FN_INLINE auto member(Sl const& s) {
    if constexpr (N == 0) return s.first;
    else if constexpr (N == 1) return s.second;
    else return s.third;
  }
};

/// Adds adjoints to the gradient targets of a SIMD kernel. Each target gets one term a position; the first term of a
/// fresh gradient is added to a register of zeros, so nobody fills the gradient first.
template <class L, int N>
struct BatchSink {
  L* out[std::size_t{N}];
  L const* from[std::size_t{N}];
  std::int64_t step[std::size_t{N}], from_step[std::size_t{N}];
  std::int64_t i = 0;

  explicit WICK_INLINE BatchSink(KernelArguments const& a) {
    [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      ((out[K] = static_cast<L*>(a.out[K]), from[K] = static_cast<L const*>(a.from[K])), ...);
      ((step[K] = a.out_step[K], from_step[K] = a.from_step[K]), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(N)>{});
  }
  template <class T, int O>
  WICK_INLINE void add(auto const& adjoint) const { add_plane<T, O>(0, adjoint); }
  template <class T, int O>
  WICK_INLINE void add_plane(int plane, Batch<L> const& adjoint) const {
    int const o = O + plane;
    simd::store(out[o] + (i & step[o]), simd::load(from[o] + (i & from_step[o])) + adjoint);
  }
  template <class T, int O>
  WICK_INLINE void add_nothing(int plane) const {
    int const o = O + plane;
    simd::store(out[o] + (i & step[o]), simd::load(from[o] + (i & from_step[o])));
  }
};
/// The same, element by element.
struct ElementSink {
  void* const* out;
  std::int64_t const* step;
  std::int64_t i;
  template <class T, int O>
  WICK_INLINE void add(auto const& adjoint) const { add_plane<T, O>(0, adjoint); }
  template <class T, int O>
  WICK_INLINE void add_plane(int plane, auto const& adjoint) const {
    T& target = static_cast<T*>(out[O + plane])[i * step[O + plane]];
    target = static_cast<T>(target + static_cast<T>(adjoint));
  }
  template <class T, int O>
  WICK_INLINE void add_nothing(int) const {}
};

/// Backward of `y = S` (Op = void) or of `y = Op over axes of S`. Input slots: those of S, the seed (the gradient of y),
/// and y itself where it is needed.
template <class S, class Op = void>
struct SweepKernel {
  using T = typename S::value_type;
  using L = sweep_lane_t<S>;
  static constexpr bool reduces = !std::is_void_v<Op>;
  static constexpr bool uses_result = [] {
    if constexpr (reduces) return (reduction_bits<Op> & 2) != 0;
    else return needs_result<S>;
  }();
  static constexpr int planes = ElementTraits<T>::planes;
  static constexpr int seed_slot = S::slot_count, result_slot = S::slot_count + planes;
  static constexpr int inputs = S::slot_count + (uses_result ? 2 : 1) * planes;
  static constexpr int outputs = detail::active_planes<S>;

  /// The adjoints at the frame's position (or positions), given to the sink.
  template <class Frame, class Sink>
  static WICK_FN_INLINE void step(Frame const& frame, Sink const& sink) {
    using Root = Backprop<S, 0, 0>;
    using Lane = typename Frame::lane;
    typename Root::template Tree<Frame> v;
    Root::forward(frame, v);
    auto const seed = frame.template load<T, seed_slot>();
    if constexpr (reduces) {
      // Without a result slot the slope does not read its second argument.
      auto const y = frame.template load<T, uses_result ? result_slot : seed_slot>();
      auto const x = [&] {
        // What y was chosen from, with as few digits as y has.
        if constexpr (Half<T> && requires { typename Op::by_ties; }) return simd::round_to<T>(convert<T, Lane>(v.value));
        else return convert<T, Lane>(v.value);
      }();
      auto const g = chain<Op>(seed, Op::slope(x, y));
      Root::push(frame, v, convert<T, Lane>(g), sink);
    } else {
      if constexpr (uses_result) v.value = frame.template load<T, result_slot>();
      Root::push(frame, v, seed, sink);
    }
  }

  WICK_KERNEL static void run(KernelArguments const& a) {
    auto frame = make_frame<L, inputs>(a);
    if constexpr (std::is_void_v<L>) {
      for (; frame.i < a.n; ++frame.i) step(frame, ElementSink{a.out, a.out_step, frame.i});
    } else {
      BatchSink<L, outputs> sink(a);
      for (std::int64_t const n = a.n; frame.i < n; sink.i = frame.i += lanes<L>) step(frame, sink);
    }
  }

  static constexpr auto in_types = [] {
    std::array<SlotType, std::size_t{inputs}> table{};
    for (int s = 0; s < S::slot_count; ++s) table[static_cast<std::size_t>(s)] = slot_types<S, L>[static_cast<std::size_t>(s)];
    for (int s = S::slot_count; s < inputs; ++s) table[static_cast<std::size_t>(s)] = slot_type<base_t<T>, L>();
    return table;
  }();

  static constexpr Program make_program() {
    Program p;
    p.inputs = inputs;
    p.outputs = outputs;
    p.in_types = in_types.data();
    p.out_types = detail::gradient_targets<S>.data();
    p.kernel = &run;
    p.cost = 2 * cost<S>;
    if constexpr (!std::is_void_v<L>) p.lanes = lanes<L>, p.lane_size = sizeof(L), p.reads_from = true;
    if constexpr (planes == 1) p.seed = seed_slot;
    p.direct = has_direct_slots(p);
    return p;
  }
};

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
