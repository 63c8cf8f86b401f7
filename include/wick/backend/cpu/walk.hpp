// SPDX-License-Identifier: MIT
// A part of a loop nest, the way it is walked, and the walk over the positions of some of its dimensions.
#pragma once

#include <wick/backend/cpu/segment.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// A part of the iteration space: `[low, high)` in each dimension.
struct Box {
  std::int64_t low[max_rank], high[max_rank];
  explicit Box(Loop const& loop) {
    for (int d = 0; d < loop.rank; ++d) low[d] = 0, high[d] = loop.extent[d];
  }
};

/// How a box is walked. `line` is the dimension that the kernel runs along.
struct Walk {
  int line;
  int tile = -1;  ///< slots that are far apart along `line` lie side by side along this one: they are turned in tiles
  int join = -1;  ///< `line` is short: rows along this dimension are taken together
  int across = -1;  ///< `line` is a short row of a row formula: rows along this dimension lie across the registers
};

/// Calls visit(offsets of the slots) for each position of the dimensions of a box that are not in `without` (bits).
template <class Visit>
WICK_INLINE void each_position(Loop const& loop, SlotData const* slot_data, Box const& box, unsigned without, Visit const& visit) {
  int const count = loop.count;
  std::int64_t offset[max_slots], position[max_rank];
  for (int d = 0; d < loop.rank; ++d)
    if (box.low[d] >= box.high[d]) return;
  for (int s = 0; s < count; ++s) {
    offset[s] = 0;
    for (int d = 0; d < loop.rank; ++d) offset[s] += box.low[d] * slot_data[s].stride[d];
  }
  for (int d = 0; d < loop.rank; ++d) position[d] = box.low[d];
  for (;;) {
    visit(offset);
    int d = loop.rank - 1;
    for (; d >= 0; --d) {
      if (without >> d & 1) continue;
      if (++position[d] < box.high[d]) {
        for (int s = 0; s < count; ++s) offset[s] += slot_data[s].stride[d];
        break;
      }
      position[d] = box.low[d];
      for (int s = 0; s < count; ++s) offset[s] -= slot_data[s].stride[d] * (box.high[d] - box.low[d] - 1);
    }
    if (d < 0) return;
  }
}

/// `count` lines along dimension `dim` from these offsets on, some at a time.
inline void run_rows(Program const& program, Segment& segment, SlotData const* slot_data, std::int64_t const* offset, int dim,
                     std::int64_t count, std::int64_t together) {
  std::int64_t at[max_slots];
  for (std::int64_t r = 0; r < count; r += together) {
    for (int s = 0; s <= program.inputs; ++s) at[s] = offset[s] + r * slot_data[s].stride[dim];
    segment.run_rows(at, dim, std::min(together, count - r));
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
