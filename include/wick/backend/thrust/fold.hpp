// SPDX-License-Identifier: MIT
// Many terms combined into few results on a device: groups of threads accumulate, and join what they have in a fixed tree.
// How the work is cut depends on the shape alone, so that results have the same bits every run and on every device.
#pragma once

#include <bit>

#include <wick/backend/thrust/policy.hpp>
#include <wick/backend/thrust/position.hpp>
#include <wick/core/tensor.hpp>

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

inline constexpr int fold_threads = 256;

/// How a fold is cut: `width` threads share a result, `parts` blocks too; neighbouring threads work on neighbouring results
/// (`across`) or on neighbouring terms of one.
struct FoldPlan {
  std::int64_t results, elements;
  int width;
  bool across;
  std::int64_t parts, length;

  std::int64_t per_block() const { return fold_threads / width; }
  std::int64_t blocks() const { return (results + per_block() - 1) / per_block() * parts; }

  FoldPlan(std::int64_t result_count, std::int64_t element_count, bool neighbouring_results)
      : results(result_count), elements(element_count), across(neighbouring_results) {
    auto const terms = static_cast<std::uint64_t>(std::max<std::int64_t>(1, elements));
    width = static_cast<int>(std::min<std::uint64_t>(across ? 8 : fold_threads, std::bit_ceil(across ? (terms + 15) / 16 : (terms + 7) / 8)));
    std::int64_t const tiles = std::max<std::int64_t>(1, (results + per_block() - 1) / per_block());
    parts = std::clamp<std::int64_t>(std::min(elements / (width * 32), most_blocks / tiles), 1, most_blocks);
    length = (elements + parts - 1) / parts;
    parts = std::max<std::int64_t>(1, length ? (elements + length - 1) / length : 1);
  }
  static constexpr std::int64_t most_blocks = 1024;
};

/// True when neighbouring results lie closer together in memory than neighbouring terms, in most slots.
inline bool results_are_neighbours(Loop const& loop, unsigned reduced) {
  int kept = -1, term = -1, votes = 0;
  for (int d = 0; d < loop.rank; ++d) (reduced >> d & 1 ? term : kept) = d;
  if (kept < 0 || term < 0) return kept >= 0;
  for (int s = 0; s < loop.count; ++s) {
    std::int64_t const a = detail::magnitude(loop.slots[s].stride[kept]), b = detail::magnitude(loop.slots[s].stride[term]);
    if (a && (!b || a < b)) ++votes;
    else if (b && (!a || b < a)) --votes;
  }
  return votes > 0;
}

/// Moves from term to term of a fold: along one dimension by adding, along several by counting.
template <int N>
struct TermWalk {
  unsigned reduced;
  int along;  ///< the only reduced dimension, or -1

  explicit constexpr TermWalk(unsigned mask) : reduced(mask), along(std::has_single_bit(mask) ? std::countr_zero(mask) : -1) {}
  constexpr PositionFrame<N> start(DeviceLoop<N> const& loop, std::int64_t result) const {
    PositionFrame<N> frame{&loop, {}};
    frame.seek(result, ~reduced);
    return frame;
  }
  constexpr PositionFrame<N> at(PositionFrame<N> frame, std::int64_t element) const {
    if (along >= 0) frame.advance(along, element);
    else frame.seek(element, reduced);
    return frame;
  }
};

/// One block of a fold. `Term` says what is combined: `Result`, `identity()`, `combine(a, b)`, `start(result)` and
/// `at(started, element)` for the terms, `put(result, total)` for what becomes of the total.
template <class Term>
struct FoldBlock {
  using Result = typename Term::Result;
  static constexpr int threads = fold_threads;
  struct Shared {
    Result value[threads];
  };
  Term term;
  FoldPlan plan;
  Result* partial;       ///< parts are put here, if there are several
  Result const* joined;  ///< the terms are these parts, if given

  template <class Block>
  constexpr void operator()(Block const& block, Shared& shared, std::int64_t index) const {
    std::int64_t const part = index % plan.parts, tile = index / plan.parts;
    int const width = plan.width, groups = threads / width;
    std::int64_t const begin = part * plan.length, end = begin + plan.length < plan.elements ? begin + plan.length : plan.elements;
    block.each([&](int t) constexpr {
      int const group = plan.across ? t % groups : t / width, member = plan.across ? t / groups : t % width;
      std::int64_t const result = tile * groups + group;
      shared.value[group * width + member] = result < plan.results ? accumulate(result, begin + member, end) : term.identity();
    });
    join_groups(
        block, groups, width, [&](int group, int member) constexpr { return group * width + member; },
        [&](int to, int from) constexpr { shared.value[to] = term.combine(shared.value[to], shared.value[from]); });
    block.each([&](int t) constexpr {
      std::int64_t const result = tile * groups + t;
      if (t >= groups || result >= plan.results) return;
      if (partial) partial[result * plan.parts + part] = shared.value[t * width];
      else term.put(result, shared.value[t * width]);
    });
  }

 private:
  // Independent totals keep several reads on their way.
  constexpr Result accumulate(std::int64_t result, std::int64_t first, std::int64_t end) const {
    if (joined) return combined(first, end, [&](std::int64_t e) constexpr { return joined[result * plan.elements + e]; });
    auto const start = term.start(result);
    return combined(first, end, [&](std::int64_t e) constexpr { return term.at(start, e); });
  }
  template <class At>
  constexpr Result combined(std::int64_t first, std::int64_t end, At const& at) const {
    Result total[4] = {term.identity(), term.identity(), term.identity(), term.identity()};
    std::int64_t const step = plan.width;
    std::int64_t e = first;
    for (; e + 3 * step < end; e += 4 * step)
      unrolled<4>([&](auto k) constexpr { total[k] = term.combine(total[k], at(e + k * step)); });
    for (; e < end; e += step) total[0] = term.combine(total[0], at(e));
    return term.combine(term.combine(total[0], total[1]), term.combine(total[2], total[3]));
  }
};

/// Combines `elements` terms into each of `results` results.
template <class Term>
void run_fold(Device device, Term const& term, std::int64_t results, std::int64_t elements, bool across) {
  using Result = typename Term::Result;
  if (results == 0) return;
  FoldPlan const plan(results, elements, across);
  if (plan.parts == 1) return for_each_block(device, plan.blocks(), FoldBlock<Term>{term, plan, nullptr, nullptr});
  Tensor<std::uint8_t> const scratch(Tensor<std::uint8_t>::uninitialized, Dims(results * plan.parts * static_cast<std::int64_t>(sizeof(Result))), device);
  auto* const parts = reinterpret_cast<Result*>(const_cast<std::uint8_t*>(scratch.data()));
  for_each_block(device, plan.blocks(), FoldBlock<Term>{term, plan, parts, nullptr});
  FoldPlan join(results, plan.parts, false);
  join.parts = 1, join.length = join.elements;
  for_each_block(device, join.blocks(), FoldBlock<Term>{term, join, nullptr, parts});
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
