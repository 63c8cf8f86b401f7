// SPDX-License-Identifier: MIT
// The backward pass of a row formula on a device: a group of threads computes the row's reductions again, then the adjoint
// of each reduction, the last one first, and at last the gradients, each operand's with one write.
#pragma once

#include <wick/autograd/device_target.hpp>

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
/// Adds up what one position gives to each target.
template <class C>
struct RowTermSink {
  C* term;
  template <class T, int O>
  constexpr void add(auto const& adjoint) const { term[O] += static_cast<C>(adjoint); }
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
    if constexpr (K::uses_result) v.value = frame.template load<T, S::slots + 1>();
    Root::push(frame, v, frame.template load<T, S::slots>(), sink);
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
      Argument::push(frame, v, chain(seed[Stage], Op::slope(v.value, frame.folded[Stage])), sink);
    }
  }
};

/// The gradients of the rows of one block.
template <class K, class S>
struct RowSweepBlock {
  using C = lane_t<S>;
  using Work = RowWork<S, C, K::inputs>;
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
  unsigned mask;
  C* kept;  ///< if given: each row's reductions and their adjoints, for targets that are summed over rows

  template <class Block>
  constexpr void operator()(Block const& block, Shared& shared, std::int64_t index) const {
    typename Block::template Local<State> states;
    typename Block::template Local<Seeds> seeds;
    RowPlan const& plan = work.plan;
    block.each([&](int t) constexpr { work.open(states[t], index * plan.groups() + plan.group(t)); });
    work.fold_rows(block, shared, states);
    [&]<std::size_t... I>(std::index_sequence<I...>) constexpr {
      (find_seed<folds - 1 - static_cast<int>(I)>(
           block, shared, states, seeds, std::type_identity<typename detail::TypeAt<Folds, folds - 1 - static_cast<int>(I)>::type>{}),
       ...);
    }(std::make_index_sequence<static_cast<std::size_t>(folds)>{});
    block.each([&](int t) constexpr {
      State const& state = states[t];
      if (!state.inside) return;
      if (kept && plan.member(t) == 0) {
        C* const row = kept + (index * plan.groups() + plan.group(t)) * 2 * folds;
        for (int k = 0; k < folds; ++k) row[k] = state.folded[k], row[folds + k] = seeds[t].value[k];
      }
      if (mask) write(state, seeds[t], index * plan.groups() + plan.group(t), plan.member(t));
    });
  }

 private:
  constexpr void write(State const& state, Seeds const& seeds, std::int64_t row, int member) const {
    std::int64_t offset[K::outputs] = {};
    work.loop.locate(row, ~(1u << work.plan.axis), [&](int d, std::int64_t at) constexpr {
      unrolled<K::outputs>([&](auto o) constexpr { offset[o] += at * target[o].stride[d]; });
    });
    for (std::int64_t column = member; column < work.plan.count; column += work.plan.width) {
      C term[K::outputs] = {};
      Adjoints::template push<0>(work.frame(state.start, state.folded, column), seeds.value, RowTermSink<C>{term});
      unrolled<K::outputs>([&](auto o) constexpr {
        if (!(mask >> o & 1)) return;
        C& to = static_cast<C*>(target[o].data)[offset[o] + column * target[o].stride[work.plan.axis]];
        to = target[o].fresh ? term[o] : to + term[o];
      });
    }
  }
  template <int Stage, class Op, class Arg, class Block, class States, class SeedsOf>
  constexpr void find_seed(Block const& block, Shared& shared, States& states, SeedsOf& seeds, std::type_identity<Fold<Op, Arg>>) const {
    auto const zero = []() constexpr { return C(0); };
    auto const add = [](C const& a, C const& b) constexpr { return a + b; };
    if constexpr (detail::has_active<Arg>) {
      work.total(
          block, shared, states, zero, add,
          [&](State const& state, std::int64_t column, int t) constexpr {
            C sum = 0;
            Adjoints::template push<Stage + 1>(work.frame(state.start, state.folded, column), seeds[t].value, RowGatherSink<Folds, C>{Stage, &sum});
            return sum;
          },
          [&](int t, C sum) constexpr { seeds[t].value[Stage] = sum * static_cast<C>(Op::seed_scale(work.plan.count)); });
      if constexpr (requires { typename Op::by_ties; })
        work.total(
            block, shared, states, zero, add,
            [&](State const& state, std::int64_t column, int) constexpr {
              return evaluate<Arg, C, detail::first_slot<S, Fold<Op, Arg>>()>(work.frame(state.start, state.folded, column)) == state.folded[Stage] ? C(1) : C(0);
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
  DeviceLoop<N> loop;
  DeviceTarget target;
  int which;
  TermWalk<N> walk;

  constexpr Result identity() const { return Result(0); }
  constexpr Result combine(Result const& a, Result const& b) const { return a + b; }
  constexpr auto start(std::int64_t result) const { return walk.start(loop, result); }
  constexpr Result at(PositionFrame<N> const& started, std::int64_t element) const {
    PositionFrame<N> const here = walk.at(started, element);
    Result const* const row = static_cast<Result const*>(loop.slot[N - 1].data) + here.offset[N - 1];
    RowPositionFrame<N, S, Result> const frame{here, row};
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
  RowPlan const plan(loop, axis);
  Block block{{device_loop<S, inputs>(loop), plan}, {}, 0, nullptr};
  bool summed[outputs] = {}, any = false;
  for (int o = 0; o < outputs; ++o) {
    SlotData const& slot = loop.slots[inputs + o];
    set_target(block.target[o], loop, slot);
    if (!slot.data) continue;
    summed[o] = broadcast_mask(loop, slot) != 0;
    any |= summed[o];
    if (!summed[o]) block.mask |= 1u << o;
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
    here.data[inputs + 1] = loop.slots[inputs + o];
    sum_into<S, inputs + 1>(device, here.loop, [&](auto const& terms, DeviceTarget const& target, unsigned mask) {
      return RowSweepTerm<K, S>{terms, target, o, TermWalk<inputs + 1>(mask)};
    });
  }
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
