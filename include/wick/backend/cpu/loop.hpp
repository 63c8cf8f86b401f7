// SPDX-License-Identifier: MIT
// Runs a program over a loop nest: broadcasting, conversion, tails, threads. One compiled copy serves all formulas.
#pragma once

#include <wick/backend/cpu/box.hpp>
#include <wick/backend/cpu/copy.hpp>
#include <wick/backend/cpu/stencil.hpp>
#include <wick/backend/cpu/threads.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// Work below this many loads stays on the caller's thread.
inline constexpr std::int64_t parallel_grain = 32768;
// Accumulations longer than this are cut into chunks, at places that depend on the shape alone, so that the result has
// the same bits whatever the number of threads.
inline constexpr std::int64_t chunk_elements = 32768;
inline constexpr std::int64_t most_chunks = 64;
// Kernels that cost no more wait for memory. They read several long streams at 0.88 of a copy's bandwidth in one run,
// and at all of it in stretches of this many elements (measured on Zen 4).
inline constexpr int memory_bound_cost = 12;
inline constexpr std::int64_t stretch_elements = 512;

/// Cuts dimension `axis` among threads; `unit` positions stay together.
inline void run_parallel(Program const& program, Loop const& loop, Walk const& walk, int axis, std::int64_t unit) {
  std::int64_t const extent = loop.extent[axis], units = (extent + unit - 1) / unit;
  std::int64_t const work_of_unit = std::max<std::int64_t>(1, loop.total() / units * program.cost);
  parallel_for(units, parallel_grain / work_of_unit + 1, [&](std::int64_t begin, std::int64_t end) {
    Box box(loop);
    box.low[axis] = begin * unit, box.high[axis] = std::min(end * unit, extent);
    run_box(program, loop, loop.slot_data, box, walk);
  });
}

/// Elements of an accumulating target: it is dense, so they are as many as the dimensions it moves along have.
inline std::int64_t target_elements(Loop const& loop, SlotData const& target) {
  std::int64_t n = 1;
  for (int d = 0; d < loop.rank; ++d)
    if (target.stride[d] != 0) n *= loop.extent[d];
  return n;
}

/// Cuts dimension `axis`, along which targets are accumulated, into chunks with private copies of these targets, and
/// adds the copies up in a fixed tree.
inline void run_chunked(Program const& program, Loop const& loop, Walk const& walk, int axis) {
  std::int64_t const extent = loop.extent[axis], total = loop.total();
  std::int64_t copies_size = 0;
  for (int o = 0; o < program.outputs; ++o) {
    SlotData const& target = loop.slot_data[program.inputs + o];
    if (program.out_types[o].accumulates && target.stride[axis] == 0) copies_size += target_elements(loop, target);
  }
  std::int64_t chunks = std::min({extent, most_chunks, std::max<std::int64_t>(1, total / chunk_elements),
                                  std::max<std::int64_t>(1, total / (4 * copies_size))});
  std::int64_t const unit = axis == walk.across ? program.lanes : axis == walk.line && !program.whole_rows ? 64 : 1;  // whole registers
  std::int64_t const length = ((extent + chunks - 1) / chunks + unit - 1) / unit * unit;
  chunks = (extent + length - 1) / length;

  Scratch<char> const memory(chunks * copies_size * 16 + 64);  // 16: no element is larger
  char* next = memory.data();
  char* copies[max_slots] = {};
  for (int o = 0; o < program.outputs; ++o) {
    SlotData const& target = loop.slot_data[program.inputs + o];
    if (!program.out_types[o].accumulates || target.stride[axis] != 0) continue;
    copies[o] = next;
    next += chunks * target_elements(loop, target) * program.out_types[o].element_size;
  }
  auto const copy_of = [&](int o, std::int64_t chunk) {
    return copies[o] + chunk * target_elements(loop, loop.slot_data[program.inputs + o]) * program.out_types[o].element_size;
  };
  parallel_for(chunks, parallel_grain / std::max<std::int64_t>(1, total / chunks * program.cost) + 1,
               [&](std::int64_t begin, std::int64_t end) {
                 SlotData slot_data[max_slots];
                 std::copy_n(loop.slot_data, loop.count, slot_data);
                 for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                   for (int o = 0; o < program.outputs; ++o) {
                     if (!copies[o]) continue;
                     SlotData& target = slot_data[program.inputs + o];
                     target.data = copy_of(o, chunk);
                     program.out_types[o].identity(copy_of(o, chunk), target_elements(loop, target));
                   }
                   Box box(loop);
                   box.low[axis] = chunk * length, box.high[axis] = std::min(extent, (chunk + 1) * length);
                   run_box(program, loop, slot_data, box, walk);
                 }
               });
  for (int o = 0; o < program.outputs; ++o) {
    if (!copies[o]) continue;
    SlotData const& target = loop.slot_data[program.inputs + o];
    std::int64_t const n = target_elements(loop, target);
    for (std::int64_t step = 1; step < chunks; step *= 2)
      for (std::int64_t i = 0; i + step < chunks; i += 2 * step)
        program.out_types[o].merge(copy_of(o, i), copy_of(o, i + step), n);
    program.out_types[o].merge(const_cast<void*>(target.data), copy_of(o, 0), n);
  }
}

/// Cuts dense operands of a map among threads.
WICK_NOINLINE inline void run_dense_parallel(Program const& program, void const* const* in, void* const* out,
                                             std::int64_t n) {
  constexpr std::int64_t unit = 64;
  std::int64_t const stretch = program.cost <= memory_bound_cost ? stretch_elements : n;
  parallel_for((n + unit - 1) / unit, parallel_grain / (unit * program.cost) + 1, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t const first = begin * unit, last = std::min(end * unit, n);
    void const* from[few_slots];
    void* to[few_slots];
    std::int64_t step[few_slots], out_step[few_slots], from_bytes[few_slots], to_bytes[few_slots];  // of a stretch
    for (int s = 0; s < program.inputs; ++s) {
      SlotType const& type = program.in_types[s];
      std::int64_t const size = type.number ? 0 : type.element_size;
      from[s] = static_cast<char const*>(in[s]) + first * size;
      from_bytes[s] = stretch * size, step[s] = !type.number;
    }
    for (int o = 0; o < program.outputs; ++o) {
      std::int64_t const size = program.out_types[o].element_size;
      to[o] = static_cast<char*>(out[o]) + first * size;
      to_bytes[o] = stretch * size, out_step[o] = 1;
    }
    std::int64_t left = last - first;
    for (; left > stretch; left -= stretch) {
      program.kernel({from, program.lanes > 1 ? nullptr : step, to, out_step, stretch});
      for (int s = 0; s < program.inputs; ++s) from[s] = static_cast<char const*>(from[s]) + from_bytes[s];
      for (int o = 0; o < program.outputs; ++o) to[o] = static_cast<char*>(to[o]) + to_bytes[o];
    }
    run_dense(program, from, to, left);
  });
}

/// Runs `program`, a map, over `n` positions of operands that all lie one element after another.
template <class Isa>
void launch_dense(Program const& program, void const* const* in, void* const* out, std::int64_t n) {
  if (n * program.cost <= 2 * parallel_grain) run_dense(program, in, out, n);
  else run_dense_parallel(program, in, out, n);
}

/// Arrays that targets are parts of become zero, where their contents do not count.
WICK_NOINLINE inline void clear_blank(Loop const& loop) {
  constexpr std::int64_t unit = 4096;
  for (int k = 0; k < loop.whole_count; ++k) {
    Whole const& whole = loop.wholes[k];
    if (!whole.blank) continue;
    parallel_for((whole.bytes + unit - 1) / unit, parallel_grain * 8 / unit, [&](std::int64_t begin, std::int64_t end) {
      std::memset(static_cast<char*>(whole.data) + begin * unit, 0, static_cast<std::size_t>(std::min(end * unit, whole.bytes) - begin * unit));
    });
  }
}

/// Runs `program` over rows that all lie as the kernel of a map wants them, and differ from each other; false when some do not.
inline bool run_dense_rows(Program const& program, Loop const& loop) {
  std::int64_t const n = loop.extent[1];
  if (!program.direct || program.whole_rows || program.lanes == 1 || n < program.lanes) return false;
  void const* in[few_slots];
  void* out[few_slots];
  std::int64_t row_step[few_slots];
  void const* const target = loop.slot_data[program.inputs].data;
  for (int s = 0; s < loop.count; ++s) {
    SlotData const& slot = loop.slot_data[s];
    bool const input = s < program.inputs, number = input && program.in_types[s].number;
    if (!number && (slot.stride[1] != 1 || slot.stride[0] == 0 || (input ? slot.data == target : program.out_types[s - program.inputs].accumulates)))
      return false;
    row_step[s] = slot.stride[0];
    if (input) in[s] = slot.data;
    else out[s - program.inputs] = const_cast<void*>(slot.data);
  }
  run_map_rows(program, in, nullptr, out, n, loop.extent[0], row_step);
  return true;
}

/// Targets that may overlap are written by one thread at a time: pieces of the loop that do not touch, then those between.
/// Where the pieces are depends on the shape alone, and with it the order in which terms are added.
WICK_NOINLINE inline void run_shared(Program const& program, Loop const& loop, Walk const& walk, bool any_conflict) {
  SlotData const* first = nullptr;
  bool alike = !any_conflict && loop.rank > 1;
  std::int64_t furthest = 0;  // how far targets are apart, in elements
  for (int o = 0; o < program.outputs; ++o) {
    SlotData const& target = loop.slot_data[program.inputs + o];
    if (!target.shared) continue;
    if (!first) first = &target;
    for (int d = 0; d < loop.rank; ++d) alike &= target.stride[d] == first->stride[d];
    furthest = std::max(furthest, std::abs(static_cast<char const*>(target.data) - static_cast<char const*>(first->data)) / program.out_types[o].element_size);
  }
  // Along dimension 0 the targets' other dimensions reach less than a step far, else pieces could touch after all.
  std::int64_t inside = 0;
  for (int d = 1; d < loop.rank; ++d) inside += (loop.extent[d] - 1) * std::abs(first->stride[d]);
  std::int64_t const step = std::abs(first->stride[0]);
  if (!alike || step == 0 || loop.total() * program.cost < 8 * parallel_grain) return run_box(program, loop, loop.slot_data, Box(loop), walk);
  std::int64_t const reach = (2 * furthest + inside) / step + 1, extent = loop.extent[0];
  std::int64_t const length = std::max(2 * reach, (extent + most_chunks - 1) / most_chunks), pieces = (extent + length - 1) / length;
  for (std::int64_t phase = 0; phase < 2; ++phase)
    parallel_for((pieces + 1 - phase) / 2, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t piece = begin; piece < end; ++piece) {
        Box box(loop);
        box.low[0] = (2 * piece + phase) * length, box.high[0] = std::min(extent, box.low[0] + length);
        run_box(program, loop, loop.slot_data, box, walk);
      }
    });
}

template <class Isa>
bool is_short_line(Program const& program, std::int64_t n) {
  return program.direct && program.lanes > 1 && !program.whole_rows && n > 0 && n <= block_elements &&
         n * program.cost <= 2 * parallel_grain;
}

template <class Isa>
void run_segment(Program const& program, SlotData const* slot_data, std::int64_t const* offset, std::int64_t n) {
  Segment(program, slot_data, 0, n).run(offset);
}

/// Runs `program` over `loop`, whose plan is made.
template <class Isa>
void launch(Program const& program, Loop& loop) {
  if (loop.whole_count) [[unlikely]] {
    if (run_stencils(program, loop)) return;
    clear_blank(loop);
  }
  std::int64_t const total = loop.total();
  bool const small = total <= chunk_elements && total * program.cost <= 2 * parallel_grain;
  if (loop.rank == 1 && is_short_line(program, total)) {
    LineSlot line[few_slots];
    bool fits = true;
    for (int s = 0; s < loop.count; ++s) {
      std::int64_t const stride = loop.slot_data[s].stride[0];
      bool const may_stay = s < program.inputs || program.out_types[s - program.inputs].accumulates;
      fits &= !loop.slot_data[s].shared && (stride == 1 || (stride == 0 && may_stay));
      line[s] = {loop.slot_data[s].data, stride != 0, loop.slot_data[s].fresh, loop.slot_data[s].from};
    }
    if (fits) return run_line(program, line, total);
  }
  if (loop.rank == 2 && small && total > 0 && run_dense_rows(program, loop)) return;
  bool conflict[max_rank] = {};
  bool any_conflict = false, shared = false;
  for (int o = 0; o < program.outputs; ++o) {
    if (!program.out_types[o].accumulates) continue;
    SlotData& target = loop.slot_data[program.inputs + o];
    shared |= target.shared;
    bool revisited = false;
    for (int d = 0; d < loop.rank; ++d)
      if (target.stride[d] == 0 && loop.extent[d] > 1) conflict[d] = any_conflict = revisited = true;
    bool const by_blocks = total > 0 && !revisited && target.stride[loop.rank - 1] == 1 && program.lanes > 1;
    if (target.fresh && !by_blocks) {
      program.out_types[o].identity(const_cast<void*>(target.data), target_elements(loop, target));
      target.fresh = false;
    }
    // One line's kernel reads there while it writes here.
    if (target.from && !(by_blocks && loop.rank == 1 && program.reads_from && program.direct)) {
      std::memcpy(const_cast<void*>(target.data), target.from, static_cast<std::size_t>(target_elements(loop, target) * program.out_types[o].element_size));
      target.from = nullptr;
    }
  }
  if (total == 0) return;
  int const inner = loop.rank - 1;
  Walk const walk = plan_walk(program, loop);
  if (shared) return run_shared(program, loop, walk, any_conflict);
  if (small) return run_box(program, loop, loop.slot_data, Box(loop), walk);

  int const splittable = program.whole_rows ? inner : loop.rank;
  int widest_free = -1, widest_conflict = -1;
  std::int64_t conflicts = 1;
  for (int d = 0; d < splittable; ++d) {
    if (walk.join >= 0 && d == walk.line) continue;  // its elements are accumulated together
    int& widest = conflict[d] ? widest_conflict : widest_free;
    bool const outer_is_enough = widest >= 0 && loop.extent[widest] >= 64;
    if (widest < 0 || (loop.extent[d] > loop.extent[widest] && !outer_is_enough)) widest = d;
    if (conflict[d]) conflicts *= loop.extent[d];
  }
  if (any_conflict && widest_conflict >= 0 && total > chunk_elements) {
    bool const free_is_enough = widest_free >= 0 && loop.extent[widest_free] >= 64 && conflicts <= 65536;
    if (!free_is_enough) return run_chunked(program, loop, walk, widest_conflict);
  }
  if (widest_free < 0) return run_box(program, loop, loop.slot_data, Box(loop), walk);
  run_parallel(program, loop, walk, widest_free, widest_free == walk.line ? 64 : widest_free == walk.across ? program.lanes : 1);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
