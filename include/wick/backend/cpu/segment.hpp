// SPDX-License-Identifier: MIT
// One run of a kernel along the innermost dimension: slots that do not lie as the kernel wants them go through small
// buffers in L1, and what does not fill a register through padded ones. So one SIMD kernel serves every layout.
#pragma once

#include <algorithm>
#include <optional>

#include <wick/backend/cpu/line.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// Elements a buffered slot holds at a time.
inline constexpr std::int64_t block_elements = 1024;

class Segment {
 public:
  /// For segments of `n` positions along dimension `inner`.
  Segment(Program const& program, SlotData const* slot_data, int inner, std::int64_t n)
      : program_(program), slots_(slot_data), inner_(inner), n_(n), block_(n) {
    if (program.lanes == 1) return;
    bool shared = false, buffered = false, fresh = false;
    for (int s = 0; s < program.inputs; ++s) {
      SlotType const& type = program.in_types[s];
      std::int64_t const stride = slot_data[s].stride[inner];
      uses_buffer_[s] = !type.number && stride != 0 && !(type.direct && stride == 1);
      buffered |= uses_buffer_[s];
    }
    for (int o = 0; o < program.outputs; ++o) {
      int const s = program.inputs + o;
      std::int64_t const stride = slot_data[s].stride[inner];
      alias_[o] = find_alias(o);
      if (alias_[o] >= 0) {
        uses_buffer_[s] = false;
        continue;
      }
      bool const stays = stride == 0 && program.out_types[o].accumulates;
      uses_buffer_[s] = slot_data[s].shared ? !stays : !stays && !(program.out_types[o].direct && stride == 1);
      shared |= slot_data[s].shared && stride != 1 && !stays;
      buffered |= uses_buffer_[s];
      fresh |= slot_data[s].fresh && !program.reads_from;
    }
    overlaps_ = !buffered && can_overlap();
    if (!program.whole_rows && (buffered || fresh)) block_ = std::min(n, block_elements);
    width_ = (block_ + program.lanes - 1) / program.lanes * program.lanes * program.lane_size;
    width_ = (width_ + 63) / 64 * 64;
    std::int64_t bytes = 0;
    if (buffered)
      for (int s = 0; s < program.inputs + program.outputs; ++s) bytes += uses_buffer_[s] ? width_ : 0;
    if (shared) spare_ = bytes, bytes += width_;
    row_buffers_ = bytes;
    bytes += program.row_buffers * width_;
    if (bytes == 0) return;
    // Row buffers start at the same place in a page as the row: an address a little behind the row's in its page looks
    // to the processor like what was just stored, and the row's loads wait.
    constexpr std::uintptr_t page = 4096;
    buffers_.emplace(bytes + (program.row_buffers ? static_cast<std::int64_t>(page) : 0));
    if (program.row_buffers && program.inputs)
      shift_ = (reinterpret_cast<std::uintptr_t>(slot_data[0].data) - reinterpret_cast<std::uintptr_t>(buffers_->data())) % page & ~std::uintptr_t{63};
  }

  std::int64_t length() const { return n_; }
  void run(std::int64_t const* offset) {
    if (program_.lanes == 1) return run_elements(offset);
    if (overlaps_) return run_maps(offset, inner_, 1);
    bool const few = program_.inputs + program_.outputs <= few_slots;
    for (std::int64_t start = 0; start < n_; start += block_) {
      std::int64_t const length = std::min(block_, n_ - start);
      if (few) run_block<few_slots>(offset, start, length);
      else run_block<max_slots>(offset, start, length);
    }
  }

  /// Whether rows along dimension `dim`, all accumulated into one line, can be given to the kernel together.
  bool takes_rows(int dim) const {
    SlotData const& target = slots_[program_.inputs];
    return program_.takes_rows && target.stride[inner_] == 1 && target.stride[dim] == 0 && !target.fresh && inputs_take_rows(dim);
  }
  /// The same of rows that are each reduced to one element.
  bool reduces_rows(int dim) const {
    SlotData const& target = slots_[program_.inputs];
    return program_.reduce && target.stride[inner_] == 0 && target.stride[dim] != 0 && inputs_take_rows(dim);
  }
  /// `rows` segments along dimension `dim`, accumulated into one.
  void run_rows(std::int64_t const* offset, int dim, std::int64_t rows) {
    int const lanes = program_.lanes, inputs = program_.inputs, sum_size = program_.out_types[0].kernel_size;
    std::int64_t const full = n_ / lanes * lanes, rest = n_ - full;
    Rows r(*this, offset, dim);
    std::int64_t const out_step = -1;
    if (full) program_.kernel({r.in, r.step, &r.out, &out_step, full, nullptr, nullptr, rows, r.row_step});
    if (!rest) return;
    // What is left of each row goes through a register of its own.
    alignas(64) char sums[64] = {};
    void* const tail_out = sums;
    copy_tail(sums, static_cast<char const*>(r.out) + full * sum_size, rest * sum_size);
    for (std::int64_t row = 0; row < rows; ++row) {
      void const* tail_in[few_slots];
      for (int s = 0; s < inputs; ++s) {
        tail_in[s] = r.in[s];
        if (!r.step[s]) continue;
        int const size = program_.in_types[s].kernel_size;
        load_tail(r.splats[s], static_cast<char const*>(r.in[s]) + (full + row * r.row_step[s]) * size, rest * size);
        tail_in[s] = r.splats[s];
      }
      program_.kernel({tail_in, r.step, &tail_out, &out_step, lanes});
    }
    copy_tail(static_cast<char*>(r.out) + full * sum_size, sums, rest * sum_size);
  }
  /// `rows` segments along dimension `dim`, each reduced to one element.
  void reduce_rows(std::int64_t const* offset, int dim, std::int64_t rows) {
    int const lanes = program_.lanes;
    std::int64_t const full = n_ / lanes * lanes;
    Rows r(*this, offset, dim);
    program_.reduce({r.in, r.step, &r.out, &slots_[program_.inputs].stride[dim], full, nullptr, nullptr, rows, r.row_step,
                     nullptr, nullptr, static_cast<int>(n_ - full)});
  }
  /// Whether `run_maps` may take rows along dimension `dim`.
  bool maps_rows(int dim) const {
    bool fits = overlaps_;
    for (int s = 0; s < program_.inputs && fits; ++s)
      fits = program_.in_types[s].number || slots_[s].stride[inner_] != 0 || slots_[s].stride[dim] == 0;
    return fits;
  }
  /// `rows` segments along dimension `dim` of a map, which its kernel ends with a register that computes some elements once
  /// more: short rows would spend more on a register of what is left than on all others.
  void run_maps(std::int64_t const* offset, int dim, std::int64_t rows) {
    int const inputs = program_.inputs, outputs = program_.outputs;
    alignas(64) char splats[few_slots][64];
    void const* in[few_slots];
    void* out[few_slots];
    std::int64_t step[few_slots], row_step[few_slots];
    bool all_move = true;
    for (int s = 0; s < inputs; ++s) {
      SlotType const& type = program_.in_types[s];
      bool const moves = !type.number && slots_[s].stride[inner_] != 0;
      step[s] = moves ? -1 : 0, row_step[s] = moves ? slots_[s].stride[dim] : 0;
      all_move &= moves || type.number;
      in[s] = at(s, type.number ? 0 : offset[s], type.kernel_size);
      if (!moves && !type.number) splat(splats[s], in[s], type.kernel_size, program_.lanes), in[s] = splats[s];
    }
    for (int o = 0, s = inputs; o < outputs; ++o, ++s) {
      out[o] = at(s, offset[s], program_.out_types[o].kernel_size);
      row_step[s] = slots_[s].stride[dim];
    }
    backend::cpu::run_map_rows(program_, in, all_move ? nullptr : step, out, n_, rows, row_step);
  }

 private:
  /// The slots of rows along a dimension, as kernels want them.
  struct Rows {
    Rows(Segment const& segment, std::int64_t const* offset, int dim) {
      Program const& program = segment.program_;
      int const inputs = program.inputs;
      for (int s = 0; s < inputs; ++s) {
        int const size = program.in_types[s].kernel_size;
        bool const number = program.in_types[s].number;
        step[s] = number || segment.slots_[s].stride[segment.inner_] == 0 ? 0 : -1;
        row_step[s] = step[s] ? segment.slots_[s].stride[dim] : 0;
        in[s] = segment.at(s, number ? 0 : offset[s], size);
        if (!step[s]) splat(splats[s], in[s], size, program.lanes), in[s] = splats[s];
      }
      out = segment.at(inputs, offset[inputs], program.out_types[0].kernel_size);
    }
    alignas(64) char splats[few_slots][64];
    void const* in[few_slots];
    std::int64_t step[few_slots], row_step[few_slots];
    void* out;
  };

  bool inputs_take_rows(int dim) const {
    if (program_.inputs >= few_slots) return false;
    for (int s = 0; s < program_.inputs; ++s) {
      if (program_.in_types[s].number) continue;
      std::int64_t const stride = slots_[s].stride[inner_];
      if (!program_.in_types[s].direct || (stride != 1 && (stride != 0 || slots_[s].stride[dim] != 0))) return false;
    }
    return true;
  }

  void run_elements(std::int64_t const* offset) {
    void const* in[max_slots];
    void* out[max_slots];
    std::int64_t step[max_slots], out_step[max_slots];
    for (int s = 0; s < program_.inputs; ++s) {
      in[s] = at(s, offset[s], program_.in_types[s].element_size);
      step[s] = slots_[s].stride[inner_];
    }
    for (int o = 0, s = program_.inputs; o < program_.outputs; ++o, ++s) {
      out[o] = at(s, offset[s], program_.out_types[o].element_size);
      out_step[o] = slots_[s].stride[inner_];
    }
    program_.kernel({in, step, out, out_step, n_});
  }

  // Whether the last register may end where the segment ends and compute some elements once more: they must still be what
  // they were, so no target may be an operand, and nothing may be accumulated.
  bool can_overlap() const {
    if (!program_.direct || program_.whole_rows || n_ < program_.lanes) return false;
    for (int o = 0; o < program_.outputs; ++o) {
      SlotData const& target = slots_[program_.inputs + o];
      if (program_.out_types[o].accumulates || target.stride[inner_] != 1) return false;
      for (int s = 0; s < program_.inputs; ++s)
        if (slots_[s].data == target.data) return false;
    }
    return true;
  }
  template <int most>
  void run_block(std::int64_t const* offset, std::int64_t start, std::int64_t length) {
    int const lanes = program_.lanes;
    std::int64_t const full = length / lanes * lanes;
    int const rest = static_cast<int>(length - full);
    alignas(64) char splats[std::size_t{most}][64];
    alignas(64) char tails[std::size_t{most}][64];
    void const* in[std::size_t{most}];
    void const* tail_in[std::size_t{most}];
    void* out[std::size_t{most}];
    void* tail_out[std::size_t{most}];
    void const *from[std::size_t{most}], *tail_from[std::size_t{most}];
    std::int64_t in_step[std::size_t{most}], out_step[std::size_t{most}], from_step[std::size_t{most}];
    alignas(64) char neutral[64];
    bool apart[std::size_t{most}];  // from the targets before
    char* buffer = buffers_ ? buffers_->data() + shift_ : nullptr;
    bool const folds = program_.reduce && slots_[program_.inputs].stride[inner_] == 0;

    for (int s = 0; s < program_.inputs; ++s) {
      SlotType const& type = program_.in_types[s];
      int const size = type.kernel_size;
      std::int64_t const stride = slots_[s].stride[inner_];
      if (type.number || stride == 0) {
        in_step[s] = 0;
        if (type.direct) {
          splat(splats[s], at(s, type.number ? 0 : offset[s], size), size, lanes);
        } else {
          type.fetch(slots_[s].data, type.number ? 0 : offset[s], 0, lanes, splats[s]);
        }
        in[s] = tail_in[s] = splats[s];
        continue;
      }
      in_step[s] = -1;
      if (uses_buffer_[s]) {
        type.fetch(slots_[s].data, offset[s] + start * stride, stride, length, buffer);
        in[s] = buffer;
        buffer += width_;
      } else {
        in[s] = at(s, offset[s] + start, size);
      }
      if (rest && !folds) {
        load_tail(tails[s], static_cast<char const*>(in[s]) + full * size, rest * size);
        tail_in[s] = tails[s];
      }
    }
    if (folds) {
      void* const target = at(program_.inputs, offset[program_.inputs], program_.out_types[0].kernel_size);
      out_step[0] = 0;
      return program_.reduce({.in = in, .in_step = in_step, .out = &target, .out_step = out_step, .n = full, .tail = rest});
    }
    for (int o = 0, s = program_.inputs; o < program_.outputs; ++o, ++s) {
      TargetType const& type = program_.out_types[o];
      int const size = type.kernel_size;
      std::int64_t const stride = slots_[s].stride[inner_];
      apart[o] = !slots_[s].shared;
      if (int const same = alias_[o]; same >= 0) {
        out[o] = out[same], tail_out[o] = tail_out[same], out_step[o] = out_step[same];
        from[o] = out[o], tail_from[o] = tail_out[o], from_step[o] = out_step[o];
        continue;
      }
      if (type.accumulates && stride == 0) {
        out_step[o] = from_step[o] = 0;
        type.identity(splats[s], lanes);
        type.identity(tails[s], lanes);
        from[o] = out[o] = splats[s], tail_from[o] = tail_out[o] = tails[s];
        continue;
      }
      out_step[o] = from_step[o] = -1;
      if (slots_[s].shared && type.direct && stride == 1) {
        // The first of those that overlap here is added to at once.
        char const* const first = static_cast<char const*>(at(s, offset[s] + start, size));
        apart[o] = true;
        for (int other = 0; other < o && apart[o]; ++other)
          apart[o] = !slots_[program_.inputs + other].shared || !apart[other] || std::abs(static_cast<char const*>(out[other]) - first) >= length * size;
      }
      bool const buffered = uses_buffer_[s] && !(slots_[s].shared && apart[o]);
      if (buffered) {
        out[o] = buffer;
        buffer += width_;
        if (type.accumulates && !slots_[s].fresh && !slots_[s].shared)
          type.fetch(slots_[s].data, offset[s] + start * stride, stride, length, out[o]);
      } else {
        out[o] = at(s, offset[s] + start, size);
      }
      tail_out[o] = tails[s];
      from[o] = out[o], tail_from[o] = tails[s];
      if (slots_[s].from) from[o] = static_cast<char const*>(slots_[s].from) + (offset[s] + start) * size;
      bool const fresh = slots_[s].fresh || !apart[o];
      if (type.accumulates && fresh && program_.reads_from) {
        type.identity(neutral, lanes);
        from[o] = tail_from[o] = neutral, from_step[o] = 0;
        continue;
      }
      if (type.accumulates && fresh) type.identity(out[o], length);
      if (rest && type.accumulates) copy_tail(tails[s], static_cast<char const*>(from[o]) + full * size, rest * size);
    }

    if (program_.whole_rows) {
      char* const row_buffers = buffers_ ? buffers_->data() + shift_ + row_buffers_ : nullptr;
      program_.kernel({in, in_step, out, out_step, full, nullptr, nullptr, 1, nullptr, tail_in, tail_out, rest, row_buffers});
    } else {
      if (full) program_.kernel({in, in_step, out, out_step, full, from, from_step});
      if (rest) program_.kernel({tail_in, in_step, tail_out, out_step, lanes, tail_from, from_step});
    }

    for (int o = 0, s = program_.inputs; o < program_.outputs; ++o, ++s) {
      TargetType const& type = program_.out_types[o];
      int const size = type.kernel_size;
      if (alias_[o] >= 0) continue;
      if (out_step[o] == 0) {
        void* const target = at(s, offset[s], size);
        if (full) type.fold(target, out[o], lanes);
        if (rest) type.fold(target, tail_out[o], rest);
        continue;
      }
      if (rest) copy_tail(static_cast<char*>(out[o]) + full * size, tail_out[o], rest * size);
      if (uses_buffer_[s] && !slots_[s].shared) {
        std::int64_t const stride = slots_[s].stride[inner_];
        type.put(out[o], const_cast<void*>(slots_[s].data), offset[s] + start * stride, stride, length);
      }
    }
    // Last: what was added at once has been stored by now.
    for (int o = 0; o < program_.outputs; ++o)
      if (!apart[o] && out_step[o] != 0) add_terms(o, out[o], offset[program_.inputs + o], start, length);
  }

  // Adds the terms in a buffer to a target that may overlap others.
  void add_terms(int o, void const* terms, std::int64_t offset, std::int64_t start, std::int64_t length) {
    int const s = program_.inputs + o;
    TargetType const& type = program_.out_types[o];
    std::int64_t const stride = slots_[s].stride[inner_], first = offset + start * stride;
    if (stride == 1 && type.direct) return type.merge(at(s, first, type.element_size), terms, length);
    char* const sum = buffers_->data() + shift_ + spare_;
    type.fetch(slots_[s].data, first, stride, length, sum);
    type.merge(sum, terms, length);
    type.put(sum, const_cast<void*>(slots_[s].data), first, stride, length);
  }

  // The first target that is the same memory as target o: a variable that stands twice in a formula.
  int find_alias(int o) const {
    if (!program_.out_types[o].accumulates || slots_[program_.inputs + o].shared) return -1;
    for (int first = 0; first < o; ++first)
      if (slots_[program_.inputs + first].data == slots_[program_.inputs + o].data) return alias_[first] >= 0 ? alias_[first] : first;
    return -1;
  }

  void* at(int s, std::int64_t offset, int element_size) const {
    return const_cast<char*>(static_cast<char const*>(slots_[s].data)) + offset * element_size;
  }

  Program const& program_;
  SlotData const* slots_;
  int inner_;
  std::int64_t n_, block_, width_ = 0, spare_ = 0, row_buffers_ = 0;
  std::uintptr_t shift_ = 0;
  bool overlaps_ = false;
  bool uses_buffer_[max_slots];
  int alias_[max_slots];
  std::optional<Scratch<char>> buffers_;
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
