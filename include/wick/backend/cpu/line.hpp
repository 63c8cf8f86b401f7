// SPDX-License-Identifier: MIT
// One run of a kernel over slots that lie one element after another, or stay: what is short needs no loop nest.
#pragma once

#include <algorithm>

#include <wick/base/bytes.hpp>
#include <wick/expr/program.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// Repeats one element over a register's width.
inline void splat(void* to, void const* from, int element_size, int lanes) {
  if (element_size == 2) {
    std::uint16_t v;
    std::memcpy(&v, from, 2);
    std::fill_n(static_cast<std::uint16_t*>(to), lanes, v);
  } else if (element_size == 4) {
    std::uint32_t v;
    std::memcpy(&v, from, 4);
    std::fill_n(static_cast<std::uint32_t*>(to), lanes, v);
  } else {
    std::uint64_t v;
    std::memcpy(&v, from, 8);
    std::fill_n(static_cast<std::uint64_t*>(to), lanes, v);
  }
}

/// Runs `program`, a map, over `n` positions of slots that all lie as its kernel wants them, one element after another. Inlined:
/// where the program is known, little more than the kernel is left.
WICK_INLINE void run_dense(Program const& program, void const* const* in, void* const* out, std::int64_t n) {
  static constexpr std::int64_t out_step[few_slots] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  if (program.lanes == 1) {
    std::int64_t step[few_slots];
    for (int s = 0; s < program.inputs; ++s) step[s] = !program.in_types[s].number;
    return program.kernel({in, step, out, out_step, n});
  }

  int const lanes = program.lanes;
  std::int64_t const full = n & -lanes, rest = n - full;
  if (full) program.kernel({in, nullptr, out, out_step, full});
  if (!rest) return;
  alignas(64) char tails[few_slots][64];
  void const* tail_in[few_slots];
  void* tail_out[few_slots];
  for (int s = 0; s < program.inputs; ++s) {
    tail_in[s] = in[s];
    if (program.in_types[s].number) continue;
    int const size = program.in_types[s].kernel_size;
    load_tail(tails[s], static_cast<char const*>(in[s]) + full * size, rest * size);
    tail_in[s] = tails[s];
  }
  char(*const results)[64] = tails + program.inputs;
  for (int o = 0; o < program.outputs; ++o) tail_out[o] = results[o];
  program.kernel({tail_in, nullptr, tail_out, out_step, lanes});
  for (int o = 0; o < program.outputs; ++o) {
    int const size = program.out_types[o].kernel_size;
    copy_tail(static_cast<char*>(out[o]) + full * size, results[o], rest * size);
  }
}

/// `rows` rows of `n` positions of a map, at least a register each, whose targets are no operands. The distances between the
/// rows of the slots are given in elements.
inline void run_map_rows(Program const& program, void const** in, std::int64_t const* in_step, void** out, std::int64_t n,
                         std::int64_t rows, std::int64_t const* row_step) {
  static constexpr std::int64_t out_step[few_slots] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  int const inputs = program.inputs, outputs = program.outputs;
  std::int64_t step[few_slots + 1];  // one for all operands, where that is so
  bool found = false, same = true;
  for (int s = 0; s < inputs; ++s) {
    if (program.in_types[s].number || (in_step && in_step[s] == 0)) continue;
    if (!found) step[0] = row_step[s], found = true;
    same &= row_step[s] == step[0];
  }
  if (!found) step[0] = 0;
  for (int o = 0; o < outputs; ++o) step[1 + o] = row_step[inputs + o];
  if (same) return program.kernel({in, in_step, out, out_step, n, nullptr, nullptr, rows, step});
  for (std::int64_t row = 0; row < rows; ++row) {
    program.kernel({in, in_step, out, out_step, n});
    for (int s = 0; s < inputs; ++s) in[s] = static_cast<char const*>(in[s]) + row_step[s] * program.in_types[s].kernel_size;
    for (int o = 0; o < outputs; ++o) out[o] = static_cast<char*>(out[o]) + row_step[inputs + o] * program.out_types[o].kernel_size;
  }
}

template <class Isa>
void run_line(Program const& program, LineSlot const* slot_data, std::int64_t n) {
  int const inputs = program.inputs, outputs = program.outputs, lanes = program.lanes;
  std::int64_t const full = n & -lanes, rest = n - full;
  alignas(64) char splats[few_slots][64], tails[few_slots][64];
  void const *in[few_slots], *tail_in[few_slots];
  void *out[few_slots], *tail_out[few_slots];
  std::int64_t step[few_slots], out_step[few_slots];
  void const *from[few_slots], *tail_from[few_slots];
  std::int64_t from_step[few_slots];
  bool first[few_slots];  // not another name of an earlier target
  alignas(64) char neutral[64];
  bool const folds = program.reduce && !slot_data[inputs].moves;

  for (int s = 0; s < inputs; ++s) {
    auto const* const data = static_cast<char const*>(slot_data[s].data);
    int const size = program.in_types[s].kernel_size;
    bool const moves = slot_data[s].moves && !program.in_types[s].number;
    step[s] = moves ? -1 : 0;
    in[s] = tail_in[s] = data;
    if (moves) {
      if (rest && !folds) load_tail(tails[s], data + full * size, rest * size), tail_in[s] = tails[s];
    } else if (!program.in_types[s].number) {
      splat(splats[s], data, size, lanes);
      in[s] = tail_in[s] = splats[s];
    }
  }
  if (folds) {
    void* const target = const_cast<void*>(slot_data[inputs].data);
    if (slot_data[inputs].fresh) program.out_types[0].identity(target, 1);
    out_step[0] = 0;
    return program.reduce({.in = in, .in_step = step, .out = &target, .out_step = out_step, .n = full, .tail = static_cast<int>(rest)});
  }
  for (int o = 0, s = inputs; o < outputs; ++o, ++s) {
    TargetType const& type = program.out_types[o];
    auto* const data = static_cast<char*>(const_cast<void*>(slot_data[s].data));
    auto const* const old = slot_data[s].from ? static_cast<char const*>(slot_data[s].from) : data;
    first[o] = true;
    if (type.accumulates) {
      int same = 0;
      while (same < o && slot_data[inputs + same].data != data) ++same;
      if (same < o) {
        first[o] = false, out[o] = out[same], tail_out[o] = tail_out[same], out_step[o] = out_step[same];
        from[o] = out[o], tail_from[o] = tail_out[o], from_step[o] = out_step[o];
        continue;
      }
    }
    bool const stays = !slot_data[s].moves;
    out_step[o] = stays ? 0 : -1;
    out[o] = stays ? splats[s] : data;
    tail_out[o] = tails[s];
    from[o] = stays ? out[o] : old, tail_from[o] = tail_out[o], from_step[o] = out_step[o];
    if (!type.accumulates) continue;
    if (stays) {
      if (old != data) std::memcpy(data, old, static_cast<std::size_t>(type.element_size));
      type.identity(splats[s], lanes);
      type.identity(tails[s], lanes);
    } else if (slot_data[s].fresh && program.reads_from) {
      type.identity(neutral, lanes);
      from[o] = tail_from[o] = neutral, from_step[o] = 0;
    } else {
      if (slot_data[s].fresh && full) type.identity(data, full);
      if (rest && slot_data[s].fresh) type.identity(tails[s], lanes);
      else if (rest) load_tail(tails[s], old + full * type.kernel_size, rest * type.kernel_size);
    }
  }
  if (full) program.kernel({in, step, out, out_step, full, from, from_step});
  if (rest) program.kernel({tail_in, step, tail_out, out_step, lanes, tail_from, from_step});
  for (int o = 0, s = inputs; o < outputs; ++o, ++s) {
    if (!first[o]) continue;
    TargetType const& type = program.out_types[o];
    auto* const data = static_cast<char*>(const_cast<void*>(slot_data[s].data));
    if (out_step[o] == 0) {
      if (slot_data[s].fresh) type.identity(data, 1);
      if (full) type.fold(data, out[o], lanes);
      if (rest) type.fold(data, tail_out[o], rest);
    } else if (rest) {
      copy_tail(data + full * type.kernel_size, tails[s], rest * type.kernel_size);
    }
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
