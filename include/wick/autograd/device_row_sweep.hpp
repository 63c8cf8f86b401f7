// SPDX-License-Identifier: MIT
// The backward pass of a row formula on a device: a group of threads computes the row's reductions again, then the adjoint
// of each reduction, the last one first, and at last the gradients, each operand's with one write.
#pragma once

#include <wick/autograd/device_target.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Adds up what the positions of a row give to one of its reductions.
template <class Folds, class C>
struct RowGatherSink {
  int which;
  C* total;
  template <class T, int O>
  constexpr void add(auto const&) const {}
  template <class T, int O>
  constexpr void add_nothing(int) const {}
  template <class F>
  constexpr void gather(auto const& adjoint) const {
    if (detail::index_in<Folds, F> == which) *total += static_cast<C>(adjoint);
  }
};
/// Adds up what position k of a pack gives to each target.
template <int V, class C>
struct RowTermSink {
  C (*term)[V];
  int k;
  template <class T, int O>
  constexpr void add(auto const& adjoint) const { term[O][k] += static_cast<C>(adjoint); }
  template <class T, int O>
  constexpr void add_nothing(int) const {}
  template <class F>
  constexpr void gather(auto const&) const {}
};

/// The adjoints at one position of a row, given the row's reductions and their adjoints.
template <class K, class S, class C>
struct RowAdjoints {
  using T = typename S::value_type;
  using Folds = typename RowStages<S>::Folds;
  static constexpr int folds = Folds::size;

  /// What the position gives through the map and through the reductions from number `first` on.
  template <int first, class Frame, class Sink>
  static constexpr void push(Frame const& frame, C const* seed, Sink const& sink) {
    using Root = Backprop<S, 0, 0>;
    typename Root::template Tree<Frame> v;
    Root::forward(frame, v);
    if constexpr (K::uses_result) v.value = frame.template load<T, S::slot_count + 1>();
    Root::push(frame, v, frame.template load<T, S::slot_count>(), sink);
    [&]<std::size_t... I>(std::index_sequence<I...>) constexpr {
      (through<static_cast<int>(I) + first>(frame, seed, sink, std::type_identity<typename detail::TypeAt<Folds, static_cast<int>(I) + first>::type>{}), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(folds - first)>{});
  }

 private:
  template <int Stage, class Op, class Arg, class Frame, class Sink>
  static constexpr void through(Frame const& frame, C const* seed, Sink const& sink, std::type_identity<Fold<Op, Arg>>) {
    if constexpr (detail::has_active<Arg>) {
      using Argument = Backprop<Arg, detail::first_slot<S, Fold<Op, Arg>>(), detail::FirstTarget<S, Fold<Op, Arg>, 0>::value>;
      typename Argument::template Tree<Frame> v;
      Argument::forward(frame, v);
      Argument::push(frame, v, chain<Op>(seed[Stage], Op::slope(v.value, frame.folded[Stage])), sink);
    }
  }
};

/// The gradients of the rows of one block.
template <class K, class S>
struct RowSweepBlock {
  using C = lane_t<S>;
  using Sizes = SlotSizes<S, K::inputs, typename S::value_type, C>;
  using Work = RowWork<S, C, K::inputs, Sizes>;
  using Frame = typename Work::Frame;
  using State = typename Work::State;
  using Adjoints = RowAdjoints<K, S, C>;
  using Folds = typename Work::Folds;
  using Shared = typename Work::Shared;
  static constexpr int threads = fold_threads, folds = Work::folds;
  struct Seeds {
    C value[folds];
  };
  Work work;
  DeviceTarget target[K::outputs];
  TargetMask<K::outputs> mask;
  C* kept;  ///< if given: each row's reductions and their adjoints, for targets that are summed over rows

  template <class Block>
  constexpr void operator()(Block const& block, Shared& shared, std::int64_t index) const {
    typename Block::template Local<State> states;
    typename Block::template Local<Seeds> seeds;
    RowPlan const& plan = work.plan;
    block.each([&](int t) constexpr { work.open(states[t], plan.row(index, t)); });
    work.fold_rows(block, shared, states);
    [&]<std::size_t... I>(std::index_sequence<I...>) constexpr {
      (find_seed<folds - 1 - static_cast<int>(I)>(
           block, shared, states, seeds, std::type_identity<typename detail::TypeAt<Folds, folds - 1 - static_cast<int>(I)>::type>{}),
       ...);
    }(std::make_index_sequence<static_cast<std::size_t>(folds)>{});
    block.each([&](int t) constexpr {
      State& state = states[t];
      if (!state.inside) return;
      if (kept && plan.groups.member(t) == 0) {
        C* const row = kept + plan.row(index, t) * 2 * folds;
        for (int k = 0; k < folds; ++k) row[k] = state.folded[k], row[folds + k] = seeds[t].value[k];
      }
      if (mask) write(state, seeds[t], plan.row(index, t), t);
    });
  }

 private:
  constexpr void write(State& state, Seeds const& seeds, std::int64_t row, int thread) const {
    std::int64_t offset[K::outputs] = {};
    int const axis = work.plan.axis;
    work.loop.locate(row, ~(1u << axis), [&](int d, std::int64_t at) constexpr {
      unrolled<K::outputs>([&](auto o) constexpr { offset[o] += at * target[o].stride[d]; });
    });
    work.template each_pack_of_row<1, EverySlot<K::inputs>>(state, thread, [&](Frame& frame) constexpr {
      C term[K::outputs][Work::V] = {};
      WICK_UNROLLED for (int k = 0; k < Work::V; ++k) {
        frame.k = k;
        Adjoints::template push<0>(frame, seeds.value, RowTermSink<Work::V, C>{term, k});
      }
      unrolled<K::outputs>([&](auto o) constexpr {
        if (mask >> o & 1) target[o].template add<Work::V>(frame, offset[o], term[o]);
      });
    });
  }
  template <int Stage, class Op, class Arg, class Block, class States, class SeedsOf>
  constexpr void find_seed(Block const& block, Shared& shared, States& states, SeedsOf& seeds, std::type_identity<Fold<Op, Arg>>) const {
    auto const zero = []() constexpr { return C(0); };
    auto const add = [](C const& a, C const& b) constexpr { return a + b; };
    if constexpr (detail::has_active<Arg>) {
      work.template total<1, EverySlot<K::inputs>>(
          block, shared, states, zero, add,
          [&](Frame const& frame, int t) constexpr {
            C sum = 0;
            Adjoints::template push<Stage + 1>(frame, seeds[t].value, RowGatherSink<Folds, C>{Stage, &sum});
            return sum;
          },
          [&](int t, C sum) constexpr { seeds[t].value[Stage] = sum * static_cast<C>(Op::seed_scale(work.plan.count)); });
      if constexpr (requires { typename Op::by_ties; })
        work.template total<1, EverySlot<K::inputs>>(
            block, shared, states, zero, add,
            [](Frame const& frame, int) constexpr {
              return evaluate<Arg, C, detail::first_slot<S, Fold<Op, Arg>>()>(frame) == frame.folded[Stage] ? C(1) : C(0);
            },
            [&](int t, C ties) constexpr { seeds[t].value[Stage] /= ties; });
    } else {
      block.each([&](int t) constexpr { seeds[t].value[Stage] = C(0); });
    }
  }
};

/// The adjoints of target `which`, summed over the positions that share one of its elements. The last slot is what
/// RowSweepBlock has kept of the position's row.
template <class K, class S>
struct RowSweepTerm {
  using Result = lane_t<S>;
  static constexpr int N = K::inputs + 1, folds = RowStages<S>::Folds::size;
  using Sizes = SlotSizes<S, N, typename S::value_type>;
  using Frame = RowFrame<N, S, Result, Sizes>;
  DeviceLoop<N> loop;
  DeviceTarget target[1];
  int which;
  TermWalk<N, Frame::V> walk;

  constexpr Result identity() const { return Result(0); }
  constexpr Result combine(Result const& a, Result const& b) const { return a + b; }
  constexpr auto start(std::int64_t result) const { return walk.start(loop, result); }
  constexpr void read(Frame& frame, PositionFrame<N> const& started, std::int64_t pack) const { walk.template read<N - 1>(frame, started, pack); }
  constexpr Result at(Frame& frame) const {
    DeviceSlot const& kept = loop.slot[N - 1];
    int const k = frame.k < frame.valid ? frame.k : frame.valid - 1;
    Result const* const row = static_cast<Result const*>(kept.data) + frame.begin(N - 1) + k * kept.stride[frame.axis];
    unrolled<folds>([&](auto f) constexpr { frame.folded[f] = row[f]; });
    Result total = 0;
    RowAdjoints<K, S, Result>::template push<0>(frame, row + folds, TotalSink<Result>{which, &total});
    return total;
  }
  constexpr void put(std::int64_t result, Result total) const { add_total(loop, target, walk.reduced, result, total); }
};

/// Runs the backward kernels of a row formula; `loop` holds K's inputs and then its targets.
template <class K, class S>
void run_row_sweep(Device device, Loop& loop, int row) {
  using Block = RowSweepBlock<K, S>;
  using C = typename Block::C;
  constexpr int inputs = K::inputs, outputs = K::outputs;
  detail::rows_of(loop, row);
  int const axis = loop.rank - 1;
  constexpr int V = Block::Work::V;
  RowPlan const plan(loop, axis, V);
  Block block{{with_wide_slots<typename Block::Sizes>(device_loop<S, inputs>(loop), axis), plan}, {}, 0, nullptr};
  bool summed[outputs] = {}, any = false;
  for (int o = 0; o < outputs; ++o) {
    SlotData const& slot = loop.slot_data[inputs + o];
    set_target(block.target[o], loop, slot);
    if (!slot.data) continue;
    block.target[o] = wide_target<V>(block.target[o], block.work.loop, axis, sizeof(C));
    summed[o] = broadcast_mask(loop, slot) != 0;
    any |= summed[o];
    if (!summed[o]) block.mask |= TargetMask<outputs>{1} << o;
  }
  Tensor<C> const scratch(Tensor<C>::uninitialized, Dims(any ? plan.rows * 2 * Block::folds : 0), device);
  if (any) block.kept = const_cast<C*>(scratch.data());
  for_each_block(device, plan.blocks(), block);
  for (int o = 0; o < outputs; ++o) {
    if (!summed[o]) continue;
    SomeSlots<inputs + 2> here(loop);
    SlotData& kept = here.data[inputs];
    kept.data = block.kept;
    kept.stride[axis] = 0;
    std::int64_t step = 2 * Block::folds;
    for (int d = axis - 1; d >= 0; step *= loop.extent[d], --d) kept.stride[d] = step;
    here.data[inputs + 1] = loop.slot_data[inputs + o];
    using Term = RowSweepTerm<K, S>;
    sum_into<S, inputs + 1, typename Term::Sizes>(device, here.loop, [&](auto const& terms, unsigned mask) {
      return Term{terms, {}, o, {terms, mask}};
    });
  }
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
