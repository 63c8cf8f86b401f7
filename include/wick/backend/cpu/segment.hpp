// SPDX-License-Identifier: MIT
// One run of a kernel along the innermost dimension: slots that do not lie as the kernel wants them go through small
// buffers in L1, and what does not fill a register through padded ones. So one SIMD kernel serves every layout.
#pragma once

#include <algorithm>
#include <optional>

#include <wick/expr/program.hpp>

namespace wick::inline WICK_ISA {
namespace backend::cpu {

// Elements a buffered slot holds at a time.
inline constexpr std::int64_t block_elements = 1024;

/// Copies `bytes` bytes: whole elements, fewer than a register holds.
inline void copy_tail(void* to, void const* from, std::int64_t bytes) {
  // Two overlapping copies of a fixed size: no loop, and no call.
  auto const copy = [&]<std::size_t half>(std::integral_constant<std::size_t, half>) {
    char first[half], last[half];
    std::memcpy(first, from, half);
    std::memcpy(last, static_cast<char const*>(from) + bytes - half, half);
    std::memcpy(to, first, half);
    std::memcpy(static_cast<char*>(to) + bytes - half, last, half);
  };
  if (bytes >= 32) copy(std::integral_constant<std::size_t, 32>{});
  else if (bytes >= 16) copy(std::integral_constant<std::size_t, 16>{});
  else if (bytes >= 8) copy(std::integral_constant<std::size_t, 8>{});
  else if (bytes >= 4) copy(std::integral_constant<std::size_t, 4>{});
  else if (bytes >= 2) std::memcpy(to, from, 2);
}

/// A register's worth of memory with what is left of a slot, then zeros.
inline void load_tail(char (&to)[64], void const* from, std::int64_t bytes) {
#if defined(__AVX512BW__)
  auto const words = static_cast<__mmask32>((1u << (bytes / 2)) - 1);
  _mm512_store_si512(to, _mm512_maskz_loadu_epi16(words, from));
#else
  std::memset(to, 0, sizeof to);
  copy_tail(to, from, bytes);
#endif
}

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

/// Runs `program` over `n` positions of slots that all lie as its kernel wants them, one element after another. Inlined:
/// where the program is known, little more than the kernel is left.
WICK_INLINE void run_dense(Program const& program, void const* const* in, void* const* out, std::int64_t n) {
  std::int64_t step[few_slots];
  static constexpr std::int64_t out_step[few_slots] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  bool const simd = program.lanes > 1;
  for (int s = 0; s < program.inputs; ++s) step[s] = program.in_types[s].number ? 0 : simd ? -1 : 1;
  if (!simd) return program.kernel({in, step, out, out_step, n});

  int const lanes = program.lanes;
  std::int64_t const full = n & -lanes, rest = n - full;
  if (full) program.kernel({in, step, out, out_step, full});
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
  program.kernel({tail_in, step, tail_out, out_step, lanes});
  for (int o = 0; o < program.outputs; ++o) {
    int const size = program.out_types[o].kernel_size;
    copy_tail(static_cast<char*>(out[o]) + full * size, results[o], rest * size);
  }
}

template <class Isa>
WICK_NOINLINE void run_line(Program const& program, LineSlot const* slots, std::int64_t n) {
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

  for (int s = 0; s < inputs; ++s) {
    auto const* const data = static_cast<char const*>(slots[s].data);
    int const size = program.in_types[s].kernel_size;
    bool const moves = slots[s].moves && !program.in_types[s].number;
    step[s] = moves ? -1 : 0;
    in[s] = tail_in[s] = data;
    if (moves) {
      if (rest) load_tail(tails[s], data + full * size, rest * size), tail_in[s] = tails[s];
    } else if (!program.in_types[s].number) {
      splat(splats[s], data, size, lanes);
      in[s] = tail_in[s] = splats[s];
    }
  }
  for (int o = 0, s = inputs; o < outputs; ++o, ++s) {
    TargetType const& type = program.out_types[o];
    auto* const data = static_cast<char*>(const_cast<void*>(slots[s].data));
    first[o] = true;
    if (type.accumulates) {
      int same = 0;
      while (same < o && slots[inputs + same].data != data) ++same;
      if (same < o) {
        first[o] = false, out[o] = out[same], tail_out[o] = tail_out[same], out_step[o] = out_step[same];
        from[o] = out[o], tail_from[o] = tail_out[o], from_step[o] = out_step[o];
        continue;
      }
    }
    bool const stays = !slots[s].moves;
    out_step[o] = stays ? 0 : -1;
    out[o] = stays ? splats[s] : data;
    tail_out[o] = tails[s];
    from[o] = out[o], tail_from[o] = tail_out[o], from_step[o] = out_step[o];
    if (!type.accumulates) continue;
    if (stays) {
      type.identity(splats[s], lanes);
      type.identity(tails[s], lanes);
    } else if (slots[s].fresh && program.reads_from) {
      type.identity(neutral, lanes);
      from[o] = tail_from[o] = neutral, from_step[o] = 0;
    } else {
      if (slots[s].fresh && full) type.identity(data, full);
      if (rest && slots[s].fresh) type.identity(tails[s], lanes);
      else if (rest) load_tail(tails[s], data + full * type.kernel_size, rest * type.kernel_size);
    }
  }
  Kernel const kernel = program.reduce && out_step[0] == 0 ? program.reduce : program.kernel;
  if (full) kernel({in, step, out, out_step, full, from, from_step});
  if (rest) kernel({tail_in, step, tail_out, out_step, lanes, tail_from, from_step});
  for (int o = 0, s = inputs; o < outputs; ++o, ++s) {
    if (!first[o]) continue;
    TargetType const& type = program.out_types[o];
    auto* const data = static_cast<char*>(const_cast<void*>(slots[s].data));
    if (out_step[o] == 0) {
      if (slots[s].fresh) type.identity(data, 1);
      if (full) type.fold(data, out[o], lanes);
      if (rest) type.fold(data, tail_out[o], rest);
    } else if (rest) {
      copy_tail(data + full * type.kernel_size, tails[s], rest * type.kernel_size);
    }
  }
}

class Segment {
 public:
  /// For segments of `n` positions along dimension `inner`.
  Segment(Program const& program, SlotData const* slots, int inner, std::int64_t n)
      : program_(program), slots_(slots), inner_(inner), n_(n), block_(n) {
    if (program.lanes == 1) return;
    bool buffered = false, fresh = false;
    for (int s = 0; s < program.inputs; ++s) {
      SlotType const& type = program.in_types[s];
      std::int64_t const stride = slots[s].stride[inner];
      uses_buffer_[s] = !type.number && stride != 0 && !(type.direct && stride == 1);
      buffered |= uses_buffer_[s];
    }
    for (int o = 0; o < program.outputs; ++o) {
      int const s = program.inputs + o;
      std::int64_t const stride = slots[s].stride[inner];
      alias_[o] = find_alias(o);
      if (alias_[o] >= 0) {
        uses_buffer_[s] = false;
        continue;
      }
      bool const stays = stride == 0 && program.out_types[o].accumulates;
      uses_buffer_[s] = !stays && !(program.out_types[o].direct && stride == 1);
      buffered |= uses_buffer_[s];
      fresh |= slots[s].fresh && !program.reads_from;
    }
    if (!program.whole_rows && (buffered || fresh)) block_ = std::min(n, block_elements);
    width_ = (block_ + program.lanes - 1) / program.lanes * program.lanes * program.lane_size;
    width_ = (width_ + 63) / 64 * 64;
    std::int64_t bytes = 0;
    if (buffered)
      for (int s = 0; s < program.inputs + program.outputs; ++s) bytes += uses_buffer_[s] ? width_ : 0;
    bytes += program.row_buffers * width_;
    if (bytes == 0) return;
    // Row buffers start at the same place in a page as the row: an address a little behind the row's in its page looks
    // to the processor like what was just stored, and the row's loads wait.
    constexpr std::uintptr_t page = 4096;
    buffers_.emplace(bytes + (program.row_buffers ? static_cast<std::int64_t>(page) : 0));
    if (program.row_buffers && program.inputs)
      shift_ = (reinterpret_cast<std::uintptr_t>(slots[0].data) - reinterpret_cast<std::uintptr_t>(buffers_->data())) % page & ~std::uintptr_t{63};
  }

  std::int64_t length() const { return n_; }
  void run(std::int64_t const* offset) {
    if (program_.lanes == 1) return run_elements(offset);
    bool const few = program_.inputs + program_.outputs <= few_slots;
    for (std::int64_t start = 0; start < n_; start += block_) {
      std::int64_t const length = std::min(block_, n_ - start);
      if (few) run_block<few_slots>(offset, start, length);
      else run_block<max_slots>(offset, start, length);
    }
  }

  /// Whether rows along dimension `dim` can be given to the kernel together.
  bool takes_rows(int dim) const {
    if (!program_.takes_rows || program_.inputs >= few_slots) return false;
    for (int s = 0; s < program_.inputs; ++s) {
      if (program_.in_types[s].number) continue;
      std::int64_t const stride = slots_[s].stride[inner_];
      if (!program_.in_types[s].direct || (stride != 1 && (stride != 0 || slots_[s].stride[dim] != 0))) return false;
    }
    SlotData const& target = slots_[program_.inputs];
    return target.stride[inner_] == 1 && target.stride[dim] == 0 && !target.fresh;
  }
  /// `rows` segments along dimension `dim`, accumulated into one.
  void run_rows(std::int64_t const* offset, int dim, std::int64_t rows) {
    constexpr int most = few_slots;
    int const lanes = program_.lanes, inputs = program_.inputs, sum_size = program_.out_types[0].kernel_size;
    std::int64_t const full = n_ / lanes * lanes, rest = n_ - full;
    alignas(64) char splats[most][64], sums[64];
    void const* in[most];
    std::int64_t step[most], row_step[most];
    std::int64_t const out_step = -1;
    for (int s = 0; s < inputs; ++s) {
      SlotType const& type = program_.in_types[s];
      std::int64_t const stride = slots_[s].stride[inner_];
      step[s] = stride == 0 || type.number ? 0 : -1;
      row_step[s] = step[s] ? slots_[s].stride[dim] : 0;
      in[s] = at(s, type.number ? 0 : offset[s], type.kernel_size);
      if (!step[s]) splat(splats[s], in[s], type.kernel_size, lanes), in[s] = splats[s];
    }
    void* out = at(inputs, offset[inputs], sum_size);
    if (full) program_.kernel({in, step, &out, &out_step, full, nullptr, nullptr, rows, row_step});
    if (!rest) return;
    // What is left of each row goes through a register of its own.
    void* const tail_out = sums;
    std::memset(sums, 0, sizeof sums);
    copy_tail(sums, static_cast<char const*>(out) + full * sum_size, rest * sum_size);
    for (std::int64_t r = 0; r < rows; ++r) {
      void const* tail_in[most];
      for (int s = 0; s < inputs; ++s) {
        tail_in[s] = in[s];
        if (!step[s]) continue;
        int const size = program_.in_types[s].kernel_size;
        load_tail(splats[s], static_cast<char const*>(in[s]) + (full + r * row_step[s]) * size, rest * size);
        tail_in[s] = splats[s];
      }
      program_.kernel({tail_in, step, &tail_out, &out_step, lanes});
    }
    copy_tail(static_cast<char*>(out) + full * sum_size, sums, rest * sum_size);
  }

 private:
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

  template <int most>
  void run_block(std::int64_t const* offset, std::int64_t start, std::int64_t length) {
    int const lanes = program_.lanes;
    std::int64_t const full = length / lanes * lanes;
    int const rest = static_cast<int>(length - full);
    alignas(64) char splats[most][64];
    alignas(64) char tails[most][64];
    void const* in[most];
    void const* tail_in[most];
    void* out[most];
    void* tail_out[most];
    void const *from[most], *tail_from[most];
    std::int64_t in_step[most], out_step[most], from_step[most];
    alignas(64) char neutral[64];
    char* buffer = buffers_ ? buffers_->data() + shift_ : nullptr;

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
      if (rest) {
        load_tail(tails[s], static_cast<char const*>(in[s]) + full * size, rest * size);
        tail_in[s] = tails[s];
      }
    }
    for (int o = 0, s = program_.inputs; o < program_.outputs; ++o, ++s) {
      TargetType const& type = program_.out_types[o];
      int const size = type.kernel_size;
      std::int64_t const stride = slots_[s].stride[inner_];
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
      if (uses_buffer_[s]) {
        out[o] = buffer;
        buffer += width_;
        if (type.accumulates && !slots_[s].fresh)
          type.fetch(slots_[s].data, offset[s] + start * stride, stride, length, out[o]);
      } else {
        out[o] = at(s, offset[s] + start, size);
      }
      tail_out[o] = tails[s];
      from[o] = out[o], tail_from[o] = tails[s];
      if (type.accumulates && slots_[s].fresh && program_.reads_from) {
        type.identity(neutral, lanes);
        from[o] = tail_from[o] = neutral, from_step[o] = 0;
        continue;
      }
      if (type.accumulates && slots_[s].fresh) type.identity(out[o], length);
      if (rest && type.accumulates) copy_tail(tails[s], static_cast<char const*>(out[o]) + full * size, rest * size);
    }

    if (program_.whole_rows) {
      program_.kernel({in, in_step, out, out_step, full, nullptr, nullptr, 1, nullptr, tail_in, tail_out, rest, buffer});
    } else {
      Kernel const kernel = program_.reduce && out_step[0] == 0 ? program_.reduce : program_.kernel;
      if (full) kernel({in, in_step, out, out_step, full, from, from_step});
      if (rest) kernel({tail_in, in_step, tail_out, out_step, lanes, tail_from, from_step});
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
      if (uses_buffer_[s]) {
        std::int64_t const stride = slots_[s].stride[inner_];
        type.put(out[o], const_cast<void*>(slots_[s].data), offset[s] + start * stride, stride, length);
      }
    }
  }

  // The first target that is the same memory as target o: a variable that stands twice in a formula.
  int find_alias(int o) const {
    if (!program_.out_types[o].accumulates) return -1;
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
  std::int64_t n_, block_, width_ = 0;
  std::uintptr_t shift_ = 0;
  bool uses_buffer_[max_slots];
  int alias_[max_slots];
  std::optional<Scratch<char>> buffers_;
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
