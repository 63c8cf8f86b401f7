// SPDX-License-Identifier: MIT
// Short rows taken together: as many rows as fill a block in L1 are one line of whole registers. What repeats along the
// rows is written out once for all blocks; one element a row, and rows that lie apart, block by block.
#pragma once

#include <wick/backend/cpu/copy.hpp>
#include <wick/backend/cpu/walk.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// Rows are taken together if they are shorter than the first number, in blocks of about the second. Accumulators that
// stay in registers are fewer: adding them up in the end costs more than starting the kernel once more.
inline constexpr std::int64_t short_line = 256, flat_elements = 512, joined_elements = 64;

namespace detail {

/// How a slot lies along rows of `line` that follow each other along `join`.
enum class Lie : std::uint8_t {
  stays,    ///< one element
  dense,    ///< row after row
  repeats,  ///< one row again and again
  spreads,  ///< an element a row
  apart,    ///< rows with something between them
};
inline Lie lie_of(SlotData const& slot, bool number, int join, int line, std::int64_t n) {
  std::int64_t const inner = slot.stride[line], outer = slot.stride[join];
  if (number || (inner == 0 && outer == 0)) return Lie::stays;
  if (outer == inner * n) return Lie::dense;
  return outer == 0 ? Lie::repeats : inner == 0 ? Lie::spreads : Lie::apart;
}

/// What it costs to take rows along `join` together: 0 where nothing is moved for each block, -1 where it cannot be.
inline int cost_of_flat(Program const& program, Loop const& loop, int join, int line) {
  std::int64_t const n = loop.extent[line];
  // Rows of a map that fill registers cost less than to bring them together.
  bool const moves = program.out_types[0].accumulates || n < program.lanes;
  int cost = 0;
  for (int s = 0; s < loop.count; ++s) {
    bool const target = s >= program.inputs, number = !target && program.in_types[s].number;
    if (loop.slot_data[s].shared) return -1;
    Lie const lie = lie_of(loop.slot_data[s], number, join, line, n);
    int const size = target ? program.out_types[s - program.inputs].element_size : program.in_types[s].element_size;
    if (lie == Lie::stays || lie == Lie::dense) continue;
    if (size > 8 || (!target && !program.in_types[s].movable)) return -1;
    bool const adds = target && program.out_types[s - program.inputs].accumulates;
    if (adds && (lie == Lie::apart || (lie == Lie::repeats && loop.slot_data[s].stride[line] != 1))) return -1;
    if (lie == Lie::apart && !moves) return -1;
    cost += lie == Lie::apart ? 2 : lie == Lie::spreads;
  }
  return cost;
}

/// Calls visit with a word of this many bytes.
template <class Visit>
WICK_INLINE void with_word(int size, Visit const& visit) {
  switch (size) {
    case 1: return visit(std::uint8_t{});
    case 2: return visit(std::uint16_t{});
    case 4: return visit(std::uint32_t{});
    default: return visit(std::uint64_t{});
  }
}

/// Each of `rows` elements `n` times. May write a register more.
template <class Word>
void spread(Word* to, Word const* from, std::int64_t stride, std::int64_t rows, std::int64_t n) {
  constexpr std::int64_t block = 64 / sizeof(Word);
  for (std::int64_t r = 0; r < rows; ++r, to += n) {
    Word same[std::size_t{block}];
    std::fill_n(same, block, from[r * stride]);
    for (std::int64_t j = 0; j < n; j += block) std::memcpy(to + j, same, sizeof same);
  }
}

}  // namespace detail

/// The dimension that is joined to a short `line`, or -1.
inline int joined_dimension(Program const& program, Loop const& loop, int line) {
  int best = -1, lowest = 0;
  if (program.lanes == 1 || loop.extent[line] >= short_line) return best;
  for (int d = 0; d < loop.rank - 1; ++d) {
    if (d == line || loop.extent[d] < 4) continue;
    int const cost = detail::cost_of_flat(program, loop, d, line);
    if (cost >= 0 && (best < 0 || cost <= lowest)) best = d, lowest = cost;
  }
  return best;
}

/// Runs a program over rows of `walk.line` joined along `walk.join`.
class FlatRun {
 public:
  FlatRun(Program const& program, Loop const& loop, SlotData const* slot_data, Walk const& walk)
      : program_(program), slots_(slot_data), line_(walk.line), join_(walk.join), count_(loop.count), n_(loop.extent[walk.line]) {
    unit_ = program.lanes / std::min<std::int64_t>(n_ & -n_, program.lanes);
    steady_ = program.direct;
    for (int s = 0; s < count_; ++s) {
      bool const input = s < program.inputs;
      lie_[s] = detail::lie_of(slot_data[s], input && program.in_types[s].number, join_, line_, n_);
      if (lie_[s] == Lie::spreads || lie_[s] == Lie::apart) (input ? collects_ : delivers_) = true;
      steady_ &= lie_[s] != Lie::dense || slot_data[s].stride[line_] == 1;
    }
    folds_ = program.reduce && lie_[program.inputs] == Lie::stays;
    by_rows_ = program.takes_rows && !collects_ && lie_[program.inputs] == Lie::repeats;
    steady_ &= !program.out_types[0].accumulates || program.reads_from || folds_;
    std::int64_t const wanted = by_rows_ ? joined_elements : flat_elements;
    group_ = std::min(loop.extent[join_], ((wanted + n_ - 1) / n_ + unit_ - 1) & -unit_);
    width_ = group_ * n_;
    std::int64_t bytes = 0;
    for (int s = 0; s < count_; ++s) {
      here_[s] = slot_data[s];
      here_[s].stride[join_] = lie_[s] == Lie::dense ? group_ * slot_data[s].stride[join_] : 0;
      if (in_place(s)) continue;
      bool const turned = s >= program.inputs && lie_[s] == Lie::spreads;
      here_[s].data = reinterpret_cast<void const*>(bytes);
      here_[s].stride[line_] = 1;
      here_[s].fresh = turned;
      bytes += room(s) * (turned ? 2 : 1);
    }
    memory_.emplace(bytes + 64);
    for (int s = 0; s < count_; ++s)
      if (!in_place(s)) here_[s].data = memory_->data() + reinterpret_cast<std::uintptr_t>(here_[s].data);
    for (int t = program.inputs; t < count_; ++t) {  // a variable that stands twice in a formula
      same_[t] = t;
      for (int other = program.inputs; other < t && same_[t] == t; ++other)
        if (slot_data[other].data == slot_data[t].data && target(t).accumulates) here_[t] = here_[other], same_[t] = other;
    }
  }

  void run(Loop const& loop, Box const& box) {
    std::int64_t const m = box.high[join_] - box.low[join_];
    bool begun = false;
    std::int64_t pattern[max_slots];  // the offsets of the rows that are written out
    each_position(loop, slots_, box, 1u << line_ | 1u << join_, [&](std::int64_t const* offset) {
      for (int s = 0; s < count_; ++s) {
        if (lie_[s] != Lie::repeats) continue;
        if (s >= program_.inputs) target(s).identity(buffer(s), width_);
        else if (!begun || pattern[s] != offset[s]) repeat(s, pattern[s] = offset[s]);
      }
      begun = true;
      std::int64_t const done = steady_ ? run_steady(offset, m) : 0;
      if (done < m) run_segments(offset, done, m);
      for (int s = program_.inputs; s < count_; ++s)
        if (lie_[s] == Lie::repeats && same_[s] == s) {
          add_up(s, buffer(s), group_, n_);
          target(s).merge(address(s, offset[s]), buffer(s), n_);
        }
    });
  }

 private:
  using Lie = detail::Lie;

  TargetType const& target(int s) const { return program_.out_types[s - program_.inputs]; }
  std::int64_t size(int s) const { return s < program_.inputs ? program_.in_types[s].element_size : target(s).element_size; }
  std::int64_t room(int s) const { return (width_ * size(s) + 191) / 64 * 64; }
  bool in_place(int s) const { return lie_[s] == Lie::stays || lie_[s] == Lie::dense; }
  char* buffer(int s) const { return const_cast<char*>(static_cast<char const*>(here_[s].data)); }
  char* address(int s, std::int64_t offset) const {
    return const_cast<char*>(static_cast<char const*>(slots_[s].data)) + offset * size(s);
  }

  /// Blocks of whole registers, of slots that lie as the kernel wants them: pointers move on, and nothing else is asked
  /// again. Returns the rows done.
  std::int64_t run_steady(std::int64_t const* offset, std::int64_t m) {
    int const inputs = program_.inputs, lanes = program_.lanes;
    std::int64_t const end = (m * n_ & (lanes - 1)) == 0 ? m : (width_ & (lanes - 1)) == 0 ? m / group_ * group_ : 0;
    if (end == 0) return 0;
    alignas(64) char splats[few_slots][64], neutral[few_slots][64];
    void const *in[few_slots], *from[few_slots];
    void* out[few_slots];
    std::int64_t step[few_slots], out_step[few_slots], from_step[few_slots], row_step[few_slots], bytes[few_slots];
    for (int s = 0; s < inputs; ++s) {
      bool const number = program_.in_types[s].number, stays = lie_[s] == Lie::stays;
      step[s] = stays ? 0 : -1;
      row_step[s] = here_[s].stride[join_], bytes[s] = row_step[s] * size(s);
      in[s] = in_place(s) ? address(s, number ? 0 : offset[s]) : buffer(s);
      if (stays && !number) splat(splats[s], in[s], program_.in_types[s].kernel_size, lanes), in[s] = splats[s];
    }
    if (folds_) {
      out[0] = address(inputs, offset[inputs]), out_step[0] = 0;
      for (std::int64_t k = 0; k < end;) {
        bool const whole = end - k >= group_;
        std::int64_t const blocks = whole && !collects_ ? (end - k) / group_ : 1, rows = whole ? blocks * group_ : end - k;
        if (collects_) collect(offset, k, rows);
        program_.reduce({in, step, out, out_step, rows / blocks * n_, nullptr, nullptr, blocks, row_step});
        for (int s = 0; s < inputs; ++s) in[s] = static_cast<char const*>(in[s]) + blocks * bytes[s];
        k += rows;
      }
      return end;
    }
    for (int s = inputs; s < count_; ++s) {
      int const o = s - inputs;
      bool const stays = lie_[s] == Lie::stays;
      out[o] = same_[s] != s ? out[same_[s] - inputs] : stays ? splats[s] : in_place(s) ? address(s, offset[s]) : buffer(s);
      out_step[o] = from_step[o] = stays ? 0 : -1;
      bytes[s] = here_[s].stride[join_] * size(s);
      from[o] = out[o];
      if (stays && same_[s] == s) target(s).identity(out[o], lanes);
      if (here_[s].fresh && same_[s] == s) {
        target(s).identity(neutral[o], lanes);
        from[o] = neutral[o], from_step[o] = 0;
      }
    }
    for (std::int64_t k = 0; k < end; k += group_) {
      std::int64_t const rows = std::min(group_, end - k);
      if (collects_) collect(offset, k, rows);
      program_.kernel({in, step, out, out_step, rows * n_, from, from_step});
      for (int s = 0; s < inputs; ++s) in[s] = static_cast<char const*>(in[s]) + bytes[s];
      if (delivers_) deliver(offset, k, rows);
      for (int s = inputs; s < count_; ++s) {
        int const o = s - inputs;
        out[o] = static_cast<char*>(out[o]) + bytes[s];
        if (from_step[o]) from[o] = out[o];
      }
    }
    for (int s = inputs; s < count_; ++s)
      if (lie_[s] == Lie::stays && same_[s] == s) target(s).fold(address(s, offset[s]), splats[s], lanes);
    return end;
  }
  /// Rows [k, m) of any slots, and a block that does not end with a register.
  void run_segments(std::int64_t const* offset, std::int64_t k, std::int64_t m) {
    std::int64_t at[max_slots];
    for (int s = 0; s < count_; ++s) at[s] = in_place(s) ? offset[s] + k * (lie_[s] == Lie::dense ? slots_[s].stride[join_] : 0) : 0;
    if (k + group_ <= m) {
      Segment segment(program_, here_, line_, width_);
      std::int64_t const blocks = (m - k) / group_;
      if (by_rows_ && segment.takes_rows(join_)) {
        run_rows(program_, segment, here_, at, join_, blocks, 64);
        for (int s = 0; s < count_; ++s) at[s] += blocks * here_[s].stride[join_];
        k += blocks * group_;
      }
      for (; k + group_ <= m; k += group_) run_segment(segment, offset, at, k, group_);
    }
    if (k == m) return;
    Segment segment(program_, here_, line_, (m - k) * n_);
    run_segment(segment, offset, at, k, m - k);
  }
  void run_segment(Segment& segment, std::int64_t const* offset, std::int64_t* at, std::int64_t k, std::int64_t rows) {
    collect(offset, k, rows);
    segment.run(at);
    deliver(offset, k, rows);
    for (int s = 0; s < count_; ++s) at[s] += here_[s].stride[join_];
  }

  // A row of a slot, written out for a whole block. Registers, of which the next row overwrites what is too much.
  void repeat(int s, std::int64_t offset) {
    std::int64_t const bytes = n_ * size(s);
    alignas(64) char row[short_line * 8 + 64];
    if (bytes < 64 && size(s) > 1 && slots_[s].stride[line_] == 1) {
      load_tail(reinterpret_cast<char(&)[64]>(row), address(s, offset), bytes);
    } else {
      detail::with_word(static_cast<int>(size(s)), [&]<class Word>(Word) {
        copy_line(reinterpret_cast<Word*>(row), 1, reinterpret_cast<Word const*>(address(s, offset)), slots_[s].stride[line_], n_);
      });
    }
    char* const to = buffer(s);
    std::int64_t const all = width_ * size(s);
    std::int64_t period = unit_ * bytes;
    while (period < 64) period *= 2;
    for (std::int64_t at = 0; at < std::min(period, all); at += bytes)
      for (std::int64_t i = 0; i < bytes; i += 64) std::memcpy(to + at + i, row + i, 64);
    for (std::int64_t at = period; at < all; at += 64) std::memcpy(to + at, to + at - period, 64);
  }
  // The elements of a block of an input that do not lie one after another.
  void collect(std::int64_t const* offset, std::int64_t k, std::int64_t rows) {
    for (int s = 0; s < program_.inputs; ++s) collect(s, offset[s] + k * slots_[s].stride[join_], rows);
  }
  void collect(int s, std::int64_t offset, std::int64_t rows) {
    if (lie_[s] != Lie::spreads && lie_[s] != Lie::apart) return;
    std::int64_t const outer = slots_[s].stride[join_], inner = slots_[s].stride[line_];
    detail::with_word(static_cast<int>(size(s)), [&]<class Word>(Word) {
      auto* const to = reinterpret_cast<Word*>(buffer(s));
      auto const* const from = reinterpret_cast<Word const*>(address(s, offset));
      if (lie_[s] == Lie::spreads) return detail::spread(to, from, outer, rows, n_);
      for (std::int64_t r = 0; r < rows; ++r) copy_line(to + r * n_, 1, from + r * outer, inner, n_);
    });
  }
  // What a block leaves for a target that does not lie so.
  void deliver(std::int64_t const* offset, std::int64_t k, std::int64_t rows) {
    for (int s = program_.inputs; s < count_; ++s) deliver(s, offset[s] + k * slots_[s].stride[join_], rows);
  }
  void deliver(int s, std::int64_t offset, std::int64_t rows) {
    std::int64_t const outer = slots_[s].stride[join_], inner = slots_[s].stride[line_];
    if (lie_[s] == Lie::apart) {
      detail::with_word(static_cast<int>(size(s)), [&]<class Word>(Word) {
        auto* const to = reinterpret_cast<Word*>(address(s, offset));
        auto const* const from = reinterpret_cast<Word const*>(buffer(s));
        for (std::int64_t r = 0; r < rows; ++r) copy_line(to + r * outer, inner, from + r * n_, 1, n_);
      });
    } else if (lie_[s] == Lie::spreads && same_[s] == s) {
      // Turned, so that rows are added up side by side.
      char* const turned = buffer(s) + room(s);
      turn(static_cast<int>(size(s)), buffer(s), 0, n_, turned, 0, rows, rows, n_);
      add_up(s, turned, n_, rows);
      if (outer == 1) return target(s).merge(address(s, offset), turned, rows);
      target(s).fetch(slots_[s].data, offset, outer, rows, buffer(s));
      target(s).merge(buffer(s), turned, rows);
      target(s).put(buffer(s), const_cast<void*>(slots_[s].data), offset, outer, rows);
    }
  }
  // `lines` lines of `length` accumulators into the first of them, in a fixed tree.
  void add_up(int s, char* sums, std::int64_t lines, std::int64_t length) const {
    for (std::int64_t k = lines; k > 1; k -= k / 2)
      target(s).merge(sums, sums + (k - k / 2) * length * size(s), k / 2 * length);
  }

  Program const& program_;
  SlotData const* slots_;
  int line_, join_, count_;
  std::int64_t n_, unit_, group_, width_;  // elements of a row; rows that fill registers; rows and elements of a block
  bool steady_, folds_, by_rows_, collects_ = false, delivers_ = false;
  Lie lie_[max_slots];
  int same_[max_slots];  // of targets: the first one that is the same memory
  union {  // not initialized: of 64 slots few are there
    SlotData here_[max_slots];
  };
  std::optional<Scratch<char>> memory_;
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
