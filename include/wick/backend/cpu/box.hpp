// SPDX-License-Identifier: MIT
// A part of a loop nest on one thread: in which order its dimensions are walked, so that memory is read line by line
// and the innermost run is long. The order depends on the whole loop, never on the part: every result has the same bits
// however the loop is cut.
#pragma once

#include <wick/backend/cpu/across.hpp>
#include <wick/backend/cpu/flat.hpp>
#include <wick/backend/cpu/transpose.hpp>
#include <wick/backend/cpu/walk.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// Rows that are reduced in registers have at least this many elements; shorter ones lie across the registers.
inline constexpr std::int64_t shortest_row = 96;
// Lines that the kernel accumulates into one at a time.
inline constexpr std::int64_t rows_together = 8;
// Positions along `line` and `tile` of a tile.
inline constexpr std::int64_t tile_line = 256, tile_lines = 16;

namespace detail {

inline bool turns(SlotType const& type, SlotData const& slot, int line, int tile) {
  std::int64_t const far = slot.stride[line], near = slot.stride[tile];
  return !type.number && type.movable && type.element_size <= 8 && far != 0 && far != 1 && (near == 1 || near == -1);
}

}  // namespace detail

/// The way to walk a loop.
inline Walk plan_walk(Program const& program, Loop const& loop) {
  int const inner = loop.rank - 1;
  Walk walk{inner};
  if (loop.rank == 1) return walk;
  if (program.whole_rows) {
    walk.across = across_dimension(program, loop, inner);
    return walk;
  }
  bool const reduces = program.outputs == 1 && program.out_types[0].accumulates;
  SlotData const& target = loop.slot_data[program.inputs];
  if (reduces && target.stride[inner] == 0 && loop.extent[inner] < shortest_row)
    for (int d = inner - 1; d >= 0; --d)
      if (target.stride[d] == 1 && loop.extent[d] >= 16) walk.line = d;
  for (int s = 0; s < program.inputs && walk.tile < 0; ++s)
    for (int d = 0; d < loop.rank; ++d)
      if (d != walk.line && loop.extent[d] >= 4 && loop.extent[walk.line] >= 4 && detail::turns(program.in_types[s], loop.slot_data[s], walk.line, d))
        walk.tile = d;
  if (walk.tile < 0) walk.join = joined_dimension(program, loop, walk.line);
  return walk;
}

/// Line by line; lines that are accumulated into one and the same, several at a time.
inline void run_lines(Program const& program, Loop const& loop, SlotData const* slot_data, Box const& box, int line) {
  std::int64_t const n = box.high[line] - box.low[line];
  if (n <= 0) return;
  Segment segment(program, slot_data, line, n);
  int rows = -1, reduced = -1, mapped = -1;
  for (int d = 0; d < loop.rank; ++d) {
    if (d == line) continue;
    if (segment.takes_rows(d)) rows = d;
    if (segment.maps_rows(d)) mapped = d;
    if (segment.reduces_rows(d) && (reduced < 0 || loop.extent[d] > loop.extent[reduced])) reduced = d;
  }
  if (reduced >= 0)
    return each_position(loop, slot_data, box, 1u << line | 1u << reduced, [&](std::int64_t const* offset) {
      segment.reduce_rows(offset, reduced, box.high[reduced] - box.low[reduced]);
    });
  if (mapped >= 0)
    return each_position(loop, slot_data, box, 1u << line | 1u << mapped, [&](std::int64_t const* offset) {
      segment.run_maps(offset, mapped, box.high[mapped] - box.low[mapped]);
    });
  if (rows < 0)
    return each_position(loop, slot_data, box, 1u << line, [&](std::int64_t const* offset) { segment.run(offset); });
  std::int64_t const count = box.high[rows] - box.low[rows];
  each_position(loop, slot_data, box, 1u << line | 1u << rows, [&](std::int64_t const* offset) {
    run_rows(program, segment, slot_data, offset, rows, count, rows_together);
  });
}

/// Tile by tile: what lies side by side along `tile` is turned into lines in L1.
WICK_NOINLINE inline void run_tiles(Program const& program, Loop const& loop, SlotData const* slot_data, Box const& box, Walk const& walk) {
  int const line = walk.line, tile = walk.tile, count = loop.count;
  std::int64_t const n = box.high[line] - box.low[line], lines = box.high[tile] - box.low[tile];
  if (n <= 0 || lines <= 0) return;
  bool turned[max_slots] = {};
  int tiles = 0;
  for (int s = 0; s < program.inputs; ++s) tiles += turned[s] = detail::turns(program.in_types[s], slot_data[s], line, tile);
  Scratch<char> const memory(tiles * tile_line * tile_lines * 8);
  SlotData here[max_slots];
  char* next = memory.data();
  for (int s = 0; s < count; ++s) {
    here[s] = slot_data[s];
    if (!turned[s]) continue;
    here[s].data = next, here[s].stride[line] = 1, here[s].stride[tile] = tile_line;
    next += tile_line * tile_lines * 8;
  }
  Segment whole(program, here, line, std::min(n, tile_line)), rest(program, here, line, n % tile_line);
  bool const by_rows = whole.takes_rows(tile);
  each_position(loop, slot_data, box, 1u << line | 1u << tile, [&](std::int64_t const* offset) {
    for (std::int64_t i = 0; i < n; i += tile_line) {
      std::int64_t const length = std::min(tile_line, n - i);
      for (std::int64_t b = 0; b < lines; b += tile_lines) {
        std::int64_t const height = std::min(tile_lines, lines - b);
        std::int64_t at[max_slots];
        for (int s = 0; s < count; ++s) {
          at[s] = offset[s] + i * slot_data[s].stride[line] + b * slot_data[s].stride[tile];
          if (!turned[s]) continue;
          bool const backwards = slot_data[s].stride[tile] < 0;
          turn(program.in_types[s].element_size, slot_data[s].data, at[s] - (backwards ? height - 1 : 0), slot_data[s].stride[line],
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

/// Runs a program over a box.
inline void run_box(Program const& program, Loop const& loop, SlotData const* slot_data, Box const& box, Walk const& walk) {
  if (walk.tile >= 0) return run_tiles(program, loop, slot_data, box, walk);
  if (walk.across >= 0) return AcrossRun(program, loop, slot_data, walk).run(loop, box);
  if (walk.join >= 0) return FlatRun(program, loop, slot_data, walk).run(loop, box);
  run_lines(program, loop, slot_data, box, walk.line);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
