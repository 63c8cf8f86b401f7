// SPDX-License-Identifier: MIT
// Many terms combined into few results on a device: groups of threads accumulate, and join what they have in a fixed tree.
// How the work is cut depends on the shape alone, so that results have the same bits every run and on every device.
#pragma once

#include <bit>

#include <wick/backend/thrust/pack.hpp>
#include <wick/backend/thrust/policy.hpp>
#include <wick/core/tensor.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

inline constexpr int fold_threads = 256;

/// How a fold is cut: a group of threads shares a result, `parts` blocks too; neighbouring threads work on neighbouring
/// results (across) or on neighbouring packs of one's terms.
struct FoldPlan {
  std::int64_t results, packs;
  Groups<fold_threads> groups;
  std::int64_t parts, length;

  std::int64_t blocks() const { return (results + groups.count() - 1) / groups.count() * parts; }

  FoldPlan(std::int64_t result_count, std::int64_t pack_count, bool neighbouring_results)
      : results(result_count), packs(pack_count), groups(shared_by(pack_count, neighbouring_results)) {
    std::int64_t const tiles = std::max<std::int64_t>(1, (results + groups.count() - 1) / groups.count());
    parts = std::clamp<std::int64_t>(std::min(packs / (groups.width() * 8), most_blocks / tiles), 1, most_blocks);
    length = (packs + parts - 1) / parts;
    parts = length ? (packs + length - 1) / length : 1;
  }
  static constexpr std::int64_t most_blocks = 1024;

  /// The groups for results of `packs` packs: a thread has some of them, so that joining the threads' totals is little work.
  static Groups<fold_threads> shared_by(std::int64_t packs, bool across) {
    constexpr int each = 8;
    auto const wanted = static_cast<std::uint64_t>(std::max<std::int64_t>(1, (packs + each - 1) / each));
    return {std::min(across ? 3 : Groups<fold_threads>::all, std::countr_zero(std::bit_ceil(wanted))), across};
  }
};

/// True when neighbouring results lie closer together in memory than neighbouring terms, in most slots.
inline bool results_are_neighbours(Loop const& loop, unsigned reduced) {
  int kept = -1, term = -1, votes = 0;
  for (int d = 0; d < loop.rank; ++d) (reduced >> d & 1 ? term : kept) = d;
  if (kept < 0 || term < 0) return kept >= 0;
  for (int s = 0; s < loop.count; ++s) {
    std::int64_t const a = detail::magnitude(loop.slot_data[s].stride[kept]), b = detail::magnitude(loop.slot_data[s].stride[term]);
    if (a && (!b || a < b)) ++votes;
    else if (b && (!a || b < a)) --votes;
  }
  return votes > 0;
}

/// Finds the terms of a fold, V neighbours along the innermost of the reduced dimensions at a time.
template <int N, int V>
struct TermWalk {
  unsigned reduced;
  int axis;                ///< the innermost reduced dimension, -1 when there is none
  std::int64_t along = 1;  ///< packs along it
  std::int64_t packs = 1;  ///< of a result

  /// `mask` names the reduced dimensions of `loop`.
  TermWalk(DeviceLoop<N> const& loop, unsigned mask) : reduced(mask), axis(std::bit_width(mask) - 1) {
    if (axis < 0) return;
    along = packs_of<V>(loop.extent[axis]), packs = along;
    for (int d = 0; d < axis; ++d)
      if (mask >> d & 1) packs *= loop.extent[d];
  }
  constexpr PositionFrame<N> start(DeviceLoop<N> const& loop, std::int64_t result) const {
    PositionFrame<N> frame{&loop, {}};
    frame.seek(result, ~reduced);
    return frame;
  }
  /// Reads the first `slot_count` slots of a pack.
  template <int slot_count, class Frame>
  constexpr void read(Frame& frame, PositionFrame<N> start, std::int64_t pack) const {
    if (packs != along) {
      std::int64_t const line = start.loop->quotient(pack, along);
      start.seek(line, reduced & ((1u << axis) - 1));
      pack -= line * along;
    }
    frame.template read<slot_count>(start, axis, pack * V);
  }
};

/// One block of a fold. `Term` says what is combined: `Result`, `identity()`, `combine(a, b)`, `start(result)` and, for the
/// terms, `Frame`, `read(frame, started, pack)` and `at(frame)` for number frame.k of the frame.valid terms of a pack;
/// `put(result, total)` for what becomes of the total.
template <class Term>
struct FoldBlock {
  using Result = typename Term::Result;
  using Frame = typename Term::Frame;
  static constexpr int threads = fold_threads, V = Frame::V;
  struct Shared {
    Result value[threads];
  };
  Term term;
  FoldPlan plan;
  Result* partial;       ///< parts are put here, if there are several
  Result const* joined;  ///< the terms are these parts, if given
  std::int64_t stored;   ///< how many parts a result has in memory

  template <class Block>
  constexpr void operator()(Block const& block, Shared& shared, std::int64_t index) const {
    // There are fewer than 2^31 blocks: for_each_block sees to it.
    auto const number = static_cast<std::uint32_t>(index), parts = static_cast<std::uint32_t>(plan.parts), tile = number / parts;
    std::int64_t const part = number - tile * parts, first = std::int64_t{tile} * plan.groups.count();
    std::int64_t const begin = part * plan.length, end = begin + plan.length < plan.packs ? begin + plan.length : plan.packs;
    block.each([&](int t) constexpr {
      int const group = plan.groups.group(t), member = plan.groups.member(t);
      shared.value[plan.groups.place(group, member)] = first + group < plan.results ? accumulate(first + group, begin + member, end) : term.identity();
    });
    plan.groups.join(block, [&](int to, int from) constexpr { shared.value[to] = term.combine(shared.value[to], shared.value[from]); });
    block.each([&](int t) constexpr {
      std::int64_t const result = first + t;
      if (t >= plan.groups.count() || result >= plan.results) return;
      Result const& total = shared.value[plan.groups.place(t, 0)];
      if (partial) partial[result * plan.parts + part] = total;
      else term.put(result, total);
    });
  }

 private:
  // Each of the V places of a pack has a total of its own: independent ones keep several reads on their way.
  constexpr Result accumulate(std::int64_t result, std::int64_t first, std::int64_t end) const {
    Result total[V];
    WICK_UNROLLED for (int k = 0; k < V; ++k) total[k] = term.identity();
    if (joined) {
      Result const* const from = joined + result * stored;
      for (std::int64_t pack = first; pack < end; pack += plan.groups.width())
        WICK_UNROLLED for (int k = 0; k < V; ++k)
          if (pack * V + k < stored) total[k] = term.combine(total[k], from[pack * V + k]);
    } else {
      auto const start = term.start(result);
      each_pack<in_flight, Frame>(
          first, end, plan.groups.width(), [&](Frame& frame, std::int64_t pack) constexpr { term.read(frame, start, pack); },
          [&](Frame& frame) constexpr {
            WICK_UNROLLED for (int k = 0; k < V; ++k) {
              frame.k = k;
              Result const sum = term.combine(total[k], term.at(frame));
              if (k < frame.valid) total[k] = sum;
            }
          });
    }
    WICK_UNROLLED for (int half = V / 2; half > 0; half /= 2)
      WICK_UNROLLED for (int k = 0; k < half; ++k) total[k] = term.combine(total[k], total[k + half]);
    return total[0];
  }
  static constexpr int in_flight = V > 4 ? 1 : 2;
};

/// Combines the terms of `packs` packs into each of `results` results.
template <class Term>
void run_fold(Device device, Term const& term, std::int64_t results, std::int64_t packs, bool across) {
  using Result = typename Term::Result;
  if (results == 0) return;
  FoldPlan const plan(results, packs, across);
  if (plan.parts == 1) return for_each_block(device, plan.blocks(), FoldBlock<Term>{term, plan, nullptr, nullptr, 0});
  Tensor<std::uint8_t> const scratch(Tensor<std::uint8_t>::uninitialized, Dims(results * plan.parts * static_cast<std::int64_t>(sizeof(Result))), device);
  auto* const parts = reinterpret_cast<Result*>(const_cast<std::uint8_t*>(scratch.data()));
  for_each_block(device, plan.blocks(), FoldBlock<Term>{term, plan, parts, nullptr, 0});
  FoldPlan join(results, packs_of<Term::Frame::V>(plan.parts), false);
  join.parts = 1, join.length = join.packs;
  for_each_block(device, join.blocks(), FoldBlock<Term>{term, join, nullptr, parts, plan.parts});
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
