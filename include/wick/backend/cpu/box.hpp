// SPDX-License-Identifier: MIT
// A part of a loop nest on one thread: in which order its dimensions are walked, so that memory is read line by line
// and the innermost run is long. The order depends on the whole loop, never on the part: every result has the same bits
// however the loop is cut.
#pragma once

#include <numeric>

#include <wick/backend/cpu/segment.hpp>
#include <wick/backend/cpu/transpose.hpp>

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
  int join = -1;  ///< `line` is short: this dimension, which is accumulated over, is joined to it
};

// Rows that are reduced in registers have at least this many elements; shorter ones lie across the registers.
inline constexpr std::int64_t shortest_row = 96;
// Lines that are accumulated into are joined to at least this many elements, if they are shorter than the second number.
inline constexpr std::int64_t joined_elements = 64, short_line = 256;
// Lines that the kernel accumulates into one at a time.
inline constexpr std::int64_t rows_together = 8;
// Positions along `line` and `tile` of a tile.
inline constexpr std::int64_t tile_line = 256, tile_lines = 16;

namespace detail {

inline bool turns(SlotType const& type, SlotData const& slot, int line, int tile) {
  std::int64_t const far = slot.stride[line], near = slot.stride[tile];
  return !type.number && type.movable && type.element_size <= 8 && far != 0 && far != 1 && (near == 1 || near == -1);
}

/// Whether a slot can be read (or accumulated) as if `join` and `line` were one dimension: the two follow each other, or
/// it repeats along `join`.
inline bool joins(Loop const& loop, Program const& program, int s, int join, int line) {
  SlotData const& slot = loop.slots[s];
  std::int64_t const inner = slot.stride[line], outer = slot.stride[join];
  if (s >= program.inputs) return inner == 1 && outer == 0;
  SlotType const& type = program.in_types[s];
  return type.number || (type.movable && (outer == inner * loop.extent[line] || (outer == 0 && inner == 1 && type.direct)));
}

}  // namespace detail

/// The way to walk a loop.
inline Walk plan_walk(Program const& program, Loop const& loop) {
  int const inner = loop.rank - 1;
  Walk walk{inner};
  if (loop.rank == 1 || program.whole_rows) return walk;
  bool const reduces = program.outputs == 1 && program.out_types[0].accumulates;
  SlotData const& target = loop.slots[program.inputs];
  if (reduces && target.stride[inner] == 0 && loop.extent[inner] < shortest_row)
    for (int d = inner - 1; d >= 0; --d)
      if (target.stride[d] == 1 && loop.extent[d] >= 16) walk.line = d;
  for (int s = 0; s < program.inputs && walk.tile < 0; ++s)
    for (int d = 0; d < loop.rank; ++d)
      if (d != walk.line && loop.extent[d] >= 4 && loop.extent[walk.line] >= 4 && detail::turns(program.in_types[s], loop.slots[s], walk.line, d))
        walk.tile = d;
  if (walk.tile >= 0 || !reduces || target.stride[walk.line] != 1 || loop.extent[walk.line] >= short_line) return walk;
  for (int d = 0; d < inner; ++d) {
    bool fits = loop.extent[d] >= 4 && target.stride[d] == 0;
    for (int s = 0; s < loop.count && fits; ++s) fits = detail::joins(loop, program, s, d, walk.line);
    if (fits) walk.join = d;
  }
  return walk;
}

/// Calls visit(offsets of the slots) for each position of the dimensions of a box that are not in `without` (bits).
template <class Visit>
WICK_INLINE void each_position(Loop const& loop, SlotData const* slots, Box const& box, unsigned without, Visit const& visit) {
  int const count = loop.count;
  std::int64_t offset[max_slots], position[max_rank];
  for (int d = 0; d < loop.rank; ++d)
    if (box.low[d] >= box.high[d]) return;
  for (int s = 0; s < count; ++s) {
    offset[s] = 0;
    for (int d = 0; d < loop.rank; ++d) offset[s] += box.low[d] * slots[s].stride[d];
  }
  for (int d = 0; d < loop.rank; ++d) position[d] = box.low[d];
  for (;;) {
    visit(offset);
    int d = loop.rank - 1;
    for (; d >= 0; --d) {
      if (without >> d & 1) continue;
      if (++position[d] < box.high[d]) {
        for (int s = 0; s < count; ++s) offset[s] += slots[s].stride[d];
        break;
      }
      position[d] = box.low[d];
      for (int s = 0; s < count; ++s) offset[s] -= slots[s].stride[d] * (box.high[d] - box.low[d] - 1);
    }
    if (d < 0) return;
  }
}

/// `count` lines along dimension `dim` from these offsets on, some at a time.
inline void run_rows(Program const& program, Segment& segment, SlotData const* slots, std::int64_t const* offset, int dim,
                     std::int64_t count, std::int64_t together) {
  std::int64_t at[max_slots];
  for (std::int64_t r = 0; r < count; r += together) {
    for (int s = 0; s <= program.inputs; ++s) at[s] = offset[s] + r * slots[s].stride[dim];
    segment.run_rows(at, dim, std::min(together, count - r));
  }
}

/// Line by line; lines that are accumulated into one and the same, several at a time.
inline void run_lines(Program const& program, Loop const& loop, SlotData const* slots, Box const& box, int line) {
  std::int64_t const n = box.high[line] - box.low[line];
  if (n <= 0) return;
  Segment segment(program, slots, line, n);
  int rows = -1, reduced = -1, mapped = -1;
  for (int d = 0; d < loop.rank; ++d) {
    if (d == line) continue;
    if (segment.takes_rows(d)) rows = d;
    if (segment.maps_rows(d)) mapped = d;
    if (segment.reduces_rows(d) && (reduced < 0 || loop.extent[d] > loop.extent[reduced])) reduced = d;
  }
  if (reduced >= 0)
    return each_position(loop, slots, box, 1u << line | 1u << reduced, [&](std::int64_t const* offset) {
      segment.reduce_rows(offset, reduced, box.high[reduced] - box.low[reduced]);
    });
  if (mapped >= 0)
    return each_position(loop, slots, box, 1u << line | 1u << mapped, [&](std::int64_t const* offset) {
      segment.run_maps(offset, mapped, box.high[mapped] - box.low[mapped]);
    });
  if (rows < 0)
    return each_position(loop, slots, box, 1u << line, [&](std::int64_t const* offset) { segment.run(offset); });
  std::int64_t const count = box.high[rows] - box.low[rows];
  each_position(loop, slots, box, 1u << line | 1u << rows, [&](std::int64_t const* offset) {
    run_rows(program, segment, slots, offset, rows, count, rows_together);
  });
}

/// Tile by tile: what lies side by side along `tile` is turned into lines in L1.
WICK_NOINLINE inline void run_tiles(Program const& program, Loop const& loop, SlotData const* slots, Box const& box, Walk const& walk) {
  int const line = walk.line, tile = walk.tile, count = loop.count;
  std::int64_t const n = box.high[line] - box.low[line], lines = box.high[tile] - box.low[tile];
  if (n <= 0 || lines <= 0) return;
  bool turned[max_slots] = {};
  int tiles = 0;
  for (int s = 0; s < program.inputs; ++s) tiles += turned[s] = detail::turns(program.in_types[s], slots[s], line, tile);
  Scratch<char> const memory(tiles * tile_line * tile_lines * 8);
  SlotData here[max_slots];
  char* next = memory.data();
  for (int s = 0; s < count; ++s) {
    here[s] = slots[s];
    if (!turned[s]) continue;
    here[s].data = next, here[s].stride[line] = 1, here[s].stride[tile] = tile_line;
    next += tile_line * tile_lines * 8;
  }
  Segment whole(program, here, line, std::min(n, tile_line)), rest(program, here, line, n % tile_line);
  bool const by_rows = whole.takes_rows(tile);
  each_position(loop, slots, box, 1u << line | 1u << tile, [&](std::int64_t const* offset) {
    for (std::int64_t i = 0; i < n; i += tile_line) {
      std::int64_t const length = std::min(tile_line, n - i);
      for (std::int64_t b = 0; b < lines; b += tile_lines) {
        std::int64_t const height = std::min(tile_lines, lines - b);
        std::int64_t at[max_slots];
        for (int s = 0; s < count; ++s) {
          at[s] = offset[s] + i * slots[s].stride[line] + b * slots[s].stride[tile];
          if (!turned[s]) continue;
          bool const backwards = slots[s].stride[tile] < 0;
          turn(program.in_types[s].element_size, slots[s].data, at[s] - (backwards ? height - 1 : 0), slots[s].stride[line],
               const_cast<void*>(here[s].data), backwards ? (height - 1) * tile_line : 0, backwards ? -tile_line : tile_line, length, height);
          at[s] = 0;
        }
        Segment& segment = length == whole.length() ? whole : rest;
        if (by_rows) {
          segment.run_rows(at, tile, height);
          continue;
        }
        for (std::int64_t k = 0; k < height; ++k) {
          segment.run(at);
          for (int s = 0; s < count; ++s) at[s] += here[s].stride[tile];
        }
      }
    }
  });
}

/// How many lines of n elements are joined: whole registers, where that is not far.
inline std::int64_t joined_group(std::int64_t n, int lanes) {
  std::int64_t const wanted = lanes > 1 ? joined_elements : 8 * joined_elements, enough = (wanted + n - 1) / n, unit = lanes / std::gcd(n, std::int64_t{lanes});
  return (enough + unit - 1) / unit * unit;
}

/// Accumulates `join` and `line` as one long line into as many accumulators, and adds these up in a fixed tree.
WICK_NOINLINE inline void run_joined(Program const& program, Loop const& loop, SlotData const* slots, Box const& box, Walk const& walk) {
  int const line = walk.line, join = walk.join, inputs = program.inputs;
  std::int64_t const n = loop.extent[line], m = box.high[join] - box.low[join];
  if (m <= 0) return;
  TargetType const& type = program.out_types[0];
  std::int64_t const group = std::min(loop.extent[join], joined_group(n, program.lanes)), width = group * n;
  Scratch<char> const memory((inputs + 1) * (width + 8) * 8);
  char* next = memory.data();
  auto const reserve = [&] { return std::exchange(next, next + (width + 8) * 8); };
  SlotData here[max_slots];
  bool repeats[max_slots] = {};
  for (int s = 0; s < inputs; ++s) {
    here[s] = slots[s];
    repeats[s] = !program.in_types[s].number && slots[s].stride[join] == 0 && slots[s].stride[line] != 0;
    if (repeats[s]) here[s].data = reserve();
  }
  SlotData const& target = slots[inputs];
  here[inputs] = target;
  char* const sums = reserve();
  here[inputs].data = sums;
  here[inputs].fresh = false;
  // A group is a row, and groups follow each other.
  SlotData groups[max_slots];
  for (int s = 0; s <= inputs; ++s) {
    groups[s] = here[s];
    groups[s].stride[join] = repeats[s] || s == inputs ? 0 : group * slots[s].stride[join];
  }
  Segment whole(program, groups, line, width), rest(program, groups, line, m % group * n);
  bool const by_rows = whole.takes_rows(join);
  each_position(loop, slots, box, 1u << line | 1u << join, [&](std::int64_t const* offset) {
    std::int64_t at[max_slots];
    for (int s = 0; s < inputs; ++s) {
      at[s] = repeats[s] ? 0 : offset[s];
      if (!repeats[s]) continue;
      auto const size = static_cast<std::size_t>(program.in_types[s].element_size);
      char* const to = static_cast<char*>(const_cast<void*>(here[s].data));
      std::memcpy(to, static_cast<char const*>(slots[s].data) + offset[s] * static_cast<std::int64_t>(size), static_cast<std::size_t>(n) * size);
      for (std::int64_t have = n; have < width; have += std::min(have, width - have))
        std::memcpy(to + static_cast<std::size_t>(have) * size, to, static_cast<std::size_t>(std::min(have, width - have)) * size);
    }
    at[inputs] = 0;
    type.identity(sums, width);
    if (by_rows) {
      run_rows(program, whole, groups, at, join, m / group, 64);
      for (int s = 0; s < inputs; ++s) at[s] += m / group * groups[s].stride[join];
    } else {
      for (std::int64_t k = 0; k + group <= m; k += group) {
        whole.run(at);
        for (int s = 0; s < inputs; ++s) at[s] += groups[s].stride[join];
      }
    }
    if (m % group) rest.run(at);
    for (std::int64_t k = group; k > 1; k -= k / 2)
      type.merge(sums, sums + (k - k / 2) * n * type.element_size, k / 2 * n);
    type.merge(static_cast<char*>(const_cast<void*>(target.data)) + offset[inputs] * type.element_size, sums, n);
  });
}

/// Runs a program over a box.
inline void run_box(Program const& program, Loop const& loop, SlotData const* slots, Box const& box, Walk const& walk) {
  if (walk.tile >= 0) return run_tiles(program, loop, slots, box, walk);
  if (walk.join >= 0) return run_joined(program, loop, slots, box, walk);
  run_lines(program, loop, slots, box, walk.line);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
