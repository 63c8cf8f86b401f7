// SPDX-License-Identifier: MIT
// The backward kernel of a row formula: the row's reductions are computed again, the adjoint is pushed through the map
// and then, last reduction first, through each reduction's argument, while the row is in L1.
#pragma once

#include <wick/autograd/sweep.hpp>
#include <wick/expr/row.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// At a reduction inside a row formula the adjoint of the row is gathered.
template <class Op, class Arg, int I, int O>
struct Backprop<Fold<Op, Arg>, I, O> {
  template <class Frame>
  using Tree = ValueTree<std::remove_cvref_t<decltype(std::declval<Frame const&>().template fold<Fold<Op, Arg>>())>>;
  template <class Frame>
  static WICK_FN_INLINE void forward(Frame const& frame, auto& tree) { tree.value = frame.template fold<Fold<Op, Arg>>(); }
  template <class Frame, class V, class G, class Sink>
  static WICK_FN_INLINE void push(Frame const&, V const&, G const& adjoint, Sink const& sink) {
    if constexpr (detail::has_active<Arg>) sink.template gather<Fold<Op, Arg>>(adjoint);
  }
  template <class Sink>
  static WICK_FN_INLINE void push_nothing(Sink const&) {}
};

namespace detail {
// Targets before the first place of a part: its gradients start there.
template <class S, class Part, int O>
struct FirstTarget {
  static constexpr int value = std::is_same_v<S, Part> ? O : -1;
};
template <class Op, class... Args, class Part, int O>
struct FirstTarget<Apply<Op, Args...>, Part, O> {
  template <std::size_t... K>
  static constexpr int search(std::index_sequence<K...>) {
    int const found[] = {FirstTarget<Args, Part, target_of<O, static_cast<int>(K), Args...>()>::value..., -1};
    for (int f : found)
      if (f >= 0) return f;
    return -1;
  }
  static constexpr int value = search(std::index_sequence_for<Args...>{});
};
template <class Op, class Arg, class Part, int O>
struct FirstTarget<Fold<Op, Arg>, Part, O> {
  static constexpr int value = std::is_same_v<Fold<Op, Arg>, Part> ? O : FirstTarget<Arg, Part, O>::value;
};
}  // namespace detail

/// Adds adjoints to the row's gradients and to the adjoints of its reductions.
template <class L, class Folds>
struct RowSink {
  void* const* out;
  std::int64_t const* step;
  std::int64_t i;
  int valid;
  Batch<L>* fold_adjoint;
  template <class T, int O>
  WICK_INLINE void add(Batch<L> const& adjoint) const {
    L* const target = static_cast<L*>(out[O]) + (i & step[O]);
    simd::store(target, simd::load(target) + adjoint);
  }
  template <class T, int O>
  WICK_INLINE void add_nothing(int) const {}
  template <class F>
  WICK_INLINE void gather(Batch<L> const& adjoint) const {
    Batch<L>& total = fold_adjoint[detail::index_in<Folds, F>];
    total = total + only_valid<L>(adjoint, valid, L(0));
  }
};

/// Backward of the row formula `y = S`. Input slots: those of S, the seed, and y where it is needed.
template <class S>
struct RowSweepKernel {
  using T = typename S::value_type;
  using L = lane_t<S>;
  using Folds = typename RowStages<S>::Folds;
  using Runner = RowRunner<S, L>;
  static constexpr bool uses_result = needs_result<S>;
  static constexpr int inputs = S::slot_count + (uses_result ? 2 : 1), outputs = detail::active_planes<S>;

  WICK_KERNEL static void run(KernelArguments const& a) {
    Runner const runner(a);
    Batch<L> fold_adjoint[Folds::size];
    for (auto& adjoint : fold_adjoint) adjoint = Batch<L>(L(0));

    auto f = runner.template frame<Folds::size>(a);
    over_row(a, f, [&](auto const& at, int part, int valid) WICK_LAMBDA_INLINE {
      typename Backprop<S, 0, 0>::template Tree<std::remove_cvref_t<decltype(at)>> v;
      Backprop<S, 0, 0>::forward(at, v);
      auto const extra = [&](int slot) WICK_LAMBDA_INLINE {
        return simd::load(static_cast<kernel_element_t<T, L> const*>((part ? a.tail_in : a.in)[slot]) + (at.i & a.in_step[slot]));
      };
      if constexpr (uses_result) v.value = extra(S::slot_count + 1);
      Backprop<S, 0, 0>::push(at, v, extra(S::slot_count), sink(a, part, at.i, valid, fold_adjoint));
    });
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (through<Folds::size - 1 - static_cast<int>(K)>(a, runner, fold_adjoint), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(Folds::size)>{});
  }

  static WICK_INLINE RowSink<L, Folds> sink(KernelArguments const& a, int part, std::int64_t i, int valid,
                                            Batch<L>* fold_adjoint) {
    return {part ? a.tail_out : a.out, a.out_step, i, valid, fold_adjoint};
  }

  template <int Stage>
  static WICK_INLINE void through(KernelArguments const& a, Runner const& runner, Batch<L>* fold_adjoint) {
    through_fold<Stage>(a, runner, fold_adjoint, std::type_identity<typename detail::TypeAt<Folds, Stage>::type>{});
  }
  template <int Stage, class Op, class Arg>
  static WICK_INLINE void through_fold(KernelArguments const& a, Runner const& runner, Batch<L>* fold_adjoint,
                                       std::type_identity<Fold<Op, Arg>>) {
    if constexpr (detail::has_active<Arg>) {
      constexpr int slot = detail::first_slot<S, Fold<Op, Arg>>();
      constexpr int target = detail::FirstTarget<S, Fold<Op, Arg>, 0>::value;
      using Argument = Backprop<Arg, slot, target>;
      Batch<L> const result = runner.folded[Stage];
      auto const over_rows = [&](Batch<L> const& x) WICK_LAMBDA_INLINE { return a.across ? x : Batch<L>(simd::reduce_add(x)); };
      Batch<L> seed = over_rows(fold_adjoint[Stage]) * Batch<L>(static_cast<L>(Op::seed_scale(runner.count)));
      if constexpr (requires { typename Op::by_ties; }) {
        Batch<L> ties(L(0));
        auto f = runner.template frame<Folds::size>(a);
        over_row(a, f, [&](auto const& at, int, int valid) WICK_LAMBDA_INLINE {
          ties = ties + only_valid<L>(math::where(evaluate<Arg, L, slot>(at) == result, Batch<L>(L(1)), Batch<L>(L(0))), valid, L(0));
        });
        seed = seed / over_rows(ties);
      }
      auto f = runner.template frame<Folds::size>(a);
      over_row(a, f, [&](auto const& at, int part, int valid) WICK_LAMBDA_INLINE {
        typename Argument::template Tree<std::remove_cvref_t<decltype(at)>> v;
        Argument::forward(at, v);
        auto const g = chain<Op>(seed, Op::slope(v.value, result));
        Argument::push(at, v, g, sink(a, part, at.i, valid, fold_adjoint));
      });
    }
  }

  static constexpr auto in_types = [] {
    std::array<SlotType, std::size_t{inputs}> table{};
    for (int s = 0; s < S::slot_count; ++s) table[static_cast<std::size_t>(s)] = slot_types<S, L>[static_cast<std::size_t>(s)];
    for (int s = S::slot_count; s < inputs; ++s) table[static_cast<std::size_t>(s)] = slot_type<T, L>();
    return table;
  }();

  static constexpr Program make_program() {
    Program p;
    p.inputs = inputs;
    p.outputs = outputs;
    p.in_types = in_types.data();
    p.out_types = detail::gradient_targets<S>.data();
    p.kernel = &run;
    p.cost = 3 * cost<S>;
    p.lanes = lanes<L>, p.lane_size = sizeof(L);
    p.whole_rows = true;
    p.row_buffers = RowStages<S>::Kept::size;
    return p;
  }
};

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
