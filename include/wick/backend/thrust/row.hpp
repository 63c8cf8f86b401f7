// SPDX-License-Identifier: MIT
// Row formulas on devices (softmax, layer norm): a group of threads evaluates a row, its reductions first, then the map.
// The row is read again at each stage, from the cache; costly parts that stand twice are kept in registers.
#pragma once

#include <wick/backend/thrust/fold.hpp>
#include <wick/expr/materialize.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Reads the slots at neighbouring positions of a row, and the row's finished reductions.
template <int N, class S, class C, class Sizes, bool whole = false>
struct RowFrame : PackFrame<N, Sizes, whole> {
  using Folds = typename RowStages<S>::Folds;
  using Kept = typename RowStages<S>::Kept;
  C folded[Folds::size > 0 ? Folds::size : 1];
  template <class F>
  constexpr C fold() const { return folded[detail::index_in<Folds, F>]; }
  template <class Part>
  static constexpr bool is_kept() { return false; }
};

/// The parts of a formula at the positions of one pack, in registers.
template <class S, class C, int V>
struct KeptPack {
  static constexpr int parts = RowStages<S>::Kept::size;
  C value[parts > 0 ? parts : 1][V];
};
/// A row's frame in stage `Stage`: what earlier stages have kept is not computed again.
template <int Stage, int N, class S, class C, class Sizes>
struct KeptFrame : RowFrame<N, S, C, Sizes, true> {
  using Kept = typename RowStages<S>::Kept;
  KeptPack<S, C, Sizes::V>* pack;
  template <class Part>
  static constexpr bool is_kept() { return RowStages<S>::template is_kept_before<Part>(Stage); }
  template <class Part>
  constexpr C read_kept() const { return pack->value[detail::index_in<Kept, Part>][this->k]; }
};

/// Which rows a block works on, and how: a group of threads shares a row, neighbours along the row or across rows, a pack of
/// `V` positions each at a time.
struct RowPlan {
  std::int64_t rows, count, packs;
  int axis;
  Groups<fold_threads> groups;

  RowPlan(Loop const& loop, int row_axis, int V)
      : rows(1), count(loop.extent[row_axis]), packs((count + V - 1) / V), axis(row_axis),
        groups(FoldPlan::shared_by(packs, results_are_neighbours(loop, 1u << row_axis))) {
    for (int d = 0; d < loop.rank; ++d)
      if (d != axis) rows *= loop.extent[d];
  }
  std::int64_t blocks() const { return (rows + groups.count() - 1) / groups.count(); }
  /// The row that a thread of a block works on.
  constexpr std::int64_t row(std::int64_t block, int thread) const { return block * groups.count() + groups.group(thread); }
};

/// What a stage of a row formula computes: its part X, which begins in slot I.
template <class S, class X, int I, int stage>
struct RowPart {
  static constexpr int number = stage;
  static constexpr int kept_as = detail::index_in<typename RowStages<S>::Kept, X>;  ///< among the kept parts, or -1
  /// The slots that are read, when the parts that earlier stages have kept are at hand and when they are not.
  struct SlotsBesideKept {
    static constexpr bool contains(int slot) { return PartSlots<S, X, I>::contain(slot, stage); }
  };
  struct Slots {
    static constexpr bool contains(int slot) { return PartSlots<S, X, I>::contain(slot, 0); }
  };
  static constexpr bool uses_kept = [] {
    bool uses = kept_as >= 0;
    for (int s = 0; s < S::slot_count; ++s) uses |= Slots::contains(s) != SlotsBesideKept::contains(s);
    return uses;
  }();
};
/// A stage that reads all of a row's slots, and keeps nothing.
template <int slot_count>
struct EverySlot {
  static constexpr bool uses_kept = false;
  using Slots = FirstSlots<slot_count>;
};

/// What threads know of their row.
template <int N, class C, int folds, class Kept, int held>
struct RowState {
  PositionFrame<N> start;
  bool inside;
  C folded[folds > 0 ? folds : 1];
  Kept kept[held > 0 ? held : 1];
};

/// What the kernels of rows have in common: N slots; C is the type in which the row's reductions are computed. Of `whole`
/// rows, the first `held` packs of each thread keep what stands in the formula twice.
template <class S, class C, int N, class Sizes, bool whole = false, int held = 0>
struct RowWork {
  using Folds = typename RowStages<S>::Folds;
  using Frame = RowFrame<N, S, C, Sizes, whole>;
  static constexpr int folds = Folds::size, threads = fold_threads, V = Sizes::V, in_flight = (whole ? 4 : 2) / (V > 4 ? 2 : 1);
  using State = RowState<N, C, folds, KeptPack<S, C, V>, held>;
  struct Shared {
    C value[threads];
  };
  DeviceLoop<N> loop;
  RowPlan plan;

  constexpr void open(State& state, std::int64_t row) const {
    state.start = PositionFrame<N>{&loop, {}};
    state.inside = row < plan.rows;
    unrolled<folds>([&](auto f) constexpr { state.folded[f] = C(0); });
    if (state.inside) state.start.seek(row, ~(1u << plan.axis));
  }
  /// Calls use(frame) for the packs of a thread's row that are its own, with the slots of `Part` (RowPart or EverySlot), U of
  /// them read at a time.
  template <int U, class Part, class Use>
  constexpr void each_pack_of_row(State& state, int thread, Use const& use) const {
    std::int64_t const step = plan.groups.width();
    std::int64_t next = plan.groups.member(thread);
    auto const read = [&]<class Slots>(auto& frame, std::int64_t pack, std::type_identity<Slots>) constexpr {
      unrolled<folds>([&](auto f) constexpr { frame.folded[f] = state.folded[f]; });
      frame.template read_those<Slots>(state.start, plan.axis, pack * V);
    };
    if constexpr (held > 0 && Part::uses_kept) {
      constexpr int together = std::min(U, held);
      static_assert(held % together == 0);
      unrolled<held / together>([&](auto turn) constexpr {
        KeptFrame<Part::number, N, S, C, Sizes> frame[together];
        WICK_UNROLLED for (int u = 0; u < together; ++u) {
          frame[u].pack = &state.kept[turn * together + u];
          if (next + u * step < plan.packs) read(frame[u], next + u * step, std::type_identity<typename Part::SlotsBesideKept>{});
        }
        WICK_UNROLLED for (int u = 0; u < together; ++u)
          if (next + u * step < plan.packs) use(frame[u]);
        next += together * step;
      });
    }
    each_pack<U, Frame>(
        next, plan.packs, step,
        [&](Frame& frame, std::int64_t pack) constexpr { read(frame, pack, std::type_identity<typename Part::Slots>{}); }, use);
  }
  /// The total over a row of value(frame, thread), known to all threads of its group afterwards: take(thread, total).
  template <int U, class Part, class Block, class States, class Identity, class Combine, class Value, class Take>
  constexpr void total(Block const& block, Shared& shared, States& states, Identity const& identity, Combine const& combine,
                       Value const& value, Take const& take) const {
    block.each([&](int t) constexpr {
      C sum = identity();
      if (states[t].inside)
        each_pack_of_row<U, Part>(states[t], t, [&](auto& frame) constexpr {
          WICK_UNROLLED for (int k = 0; k < V; ++k) {
            frame.k = k;
            C const next = combine(sum, value(frame, t));
            if (k < frame.valid) sum = next;
          }
        });
      shared.value[plan.groups.place(plan.groups.group(t), plan.groups.member(t))] = sum;
    });
    plan.groups.join(block, [&](int to, int from) constexpr { shared.value[to] = combine(shared.value[to], shared.value[from]); });
    block.each([&](int t) constexpr { take(t, shared.value[plan.groups.place(plan.groups.group(t), 0)]); });
  }
  /// All reductions of the rows, inner ones first.
  template <class Block, class States>
  constexpr void fold_rows(Block const& block, Shared& shared, States& states) const {
    [&]<std::size_t... K>(std::index_sequence<K...>) constexpr {
      (fold_stage<static_cast<int>(K)>(block, shared, states, std::type_identity<typename detail::TypeAt<Folds, static_cast<int>(K)>::type>{}), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(folds)>{});
  }

 private:
  template <int Stage, class Op, class Arg, class Block, class States>
  constexpr void fold_stage(Block const& block, Shared& shared, States& states, std::type_identity<Fold<Op, Arg>>) const {
    constexpr int slot = detail::first_slot<S, Fold<Op, Arg>>();
    using Part = RowPart<S, Arg, slot, Stage>;
    total<in_flight, Part>(
        block, shared, states, []() constexpr { return Op::template identity<C>(); },
        [](C const& a, C const& b) constexpr { return static_cast<C>(Op::combine(a, b)); },
        [](auto const& frame, int) constexpr {
          C const value = static_cast<C>(evaluate<Arg, C, slot>(frame));
          if constexpr (Part::kept_as >= 0 && requires { frame.pack; }) frame.pack->value[Part::kept_as][frame.k] = value;
          return static_cast<C>(Op::lift(value));
        },
        [&](int t, C result) constexpr {
          if constexpr (requires { Op::finish(result, plan.count); }) result = static_cast<C>(Op::finish(result, plan.count));
          states[t].folded[Stage] = result;
        });
  }
};

/// out = S for the rows of one block; `whole`: see PackFrame.
template <class S, class T, bool whole>
struct RowBlock {
  using C = lane_t<S, T>;
  using Sizes = SlotSizes<S, S::slot_count + 1, T>;
  using Kept = KeptPack<S, C, Sizes::V>;
  // 128 bytes of a thread's registers.
  static constexpr int held = whole && Kept::parts > 0 ? std::max(1, static_cast<int>(std::bit_floor(128 / sizeof(Kept)))) : 0;
  using Work = RowWork<S, C, S::slot_count + 1, Sizes, whole, held>;
  using Shared = typename Work::Shared;
  static constexpr int threads = fold_threads;
  Work work;

  template <class Block>
  constexpr void operator()(Block const& block, Shared& shared, std::int64_t index) const {
    typename Block::template Local<typename Work::State> states;
    block.each([&](int t) constexpr { work.open(states[t], work.plan.row(index, t)); });
    work.fold_rows(block, shared, states);
    block.each([&](int t) constexpr {
      if (!states[t].inside) return;
      work.template each_pack_of_row<1, RowPart<S, S, 0, Work::folds>>(states[t], t, [](auto& frame) constexpr {
        T value[Work::V];
        WICK_UNROLLED for (int k = 0; k < Work::V; ++k) {
          frame.k = k;
          value[k] = static_cast<T>(evaluate<S, T, 0>(frame));
        }
        frame.template write<S::slot_count>(value);
      });
    });
  }
};

/// Tries to run a formula with reductions as a row formula; false when it is none.
template <class T, class F>
bool run_row(Device device, T* data, Layout const& target, F const& f) {
  using S = typename detail::RowStructureOf<F>::type;
  if constexpr (!Lane<compute_t<T>> || !Lane<lane_t<S, T>>) {
    return false;
  } else {
    int axis = f.shape() == target.shape ? detail::row_axis(f, target.shape) : -1;
    if (axis < 0) return false;
    detail::Slots<S::slot_count + 1> slot_data;
    slot_data.open(target.shape, S::slot_count + 1);
    fill_target<T>(data, 0, target, fill_slots(f, target.shape, slot_data.data));
    if (!detail::same_parts_same_data<S>(slot_data.data, target.rank())) return false;
    if (slot_data.loop.total() == 0) return true;
    detail::rows_of(slot_data.loop, axis);
    axis = slot_data.loop.rank - 1;
    using Sizes = typename RowBlock<S, T, false>::Sizes;
    auto const loop = with_wide_slots<Sizes>(device_loop<S, S::slot_count + 1>(slot_data.loop), axis);
    RowPlan const plan(slot_data.loop, axis, Sizes::V);
    if (is_whole<Sizes>(loop, axis)) for_each_block(device, plan.blocks(), RowBlock<S, T, true>{{loop, plan}});
    else for_each_block(device, plan.blocks(), RowBlock<S, T, false>{{loop, plan}});
    return true;
  }
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
