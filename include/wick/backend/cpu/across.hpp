// SPDX-License-Identifier: MIT
// Short rows of a row formula lie across the registers: as many rows as a register has lanes are turned in L1, so that a
// reduction over the row is plain arithmetic of registers, and nothing is left over at the row's end.
#pragma once

#include <wick/backend/cpu/copy.hpp>
#include <wick/backend/cpu/flat.hpp>
#include <wick/backend/cpu/transpose.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// Longer rows are reduced in registers; so are those whose turned rows would not stay in L1, bytes.
inline constexpr std::int64_t longest_across = 128, across_bytes = 32768;
// What a row that is reduced in registers costs beside its own registers, in registers.
inline constexpr std::int64_t row_start = 5;

/// The dimension whose rows lie across the registers, or -1.
inline int across_dimension(Program const& program, Loop const& loop, int line) {
  std::int64_t const n = loop.extent[line], lanes = program.lanes;
  std::int64_t const turned = (loop.count + program.row_buffers) * n * lanes * program.lane_size;
  if (n < 2 || n > longest_across || turned > across_bytes) return -1;
  int most = -1;
  for (int d = 0; d < line; ++d)
    if (most < 0 || loop.extent[d] >= loop.extent[most]) most = d;
  if (most < 0 || std::min(loop.extent[most], lanes) * ((n + lanes - 1) / lanes + row_start) < n) return -1;
  return most;
}

/// Runs a program of whole rows over rows of `walk.line` that lie across the registers, along `walk.across`.
class AcrossRun {
 public:
  AcrossRun(Program const& program, Loop const& loop, SlotData const* slot_data, Walk const& walk)
      : program_(program), slots_(slot_data), line_(walk.line), rows_(walk.across), count_(loop.count), n_(loop.extent[walk.line]), lanes_(program.lanes) {
    std::int64_t bytes = 0;
    for (int s = 0; s < count_; ++s) {
      bool const input = s < program.inputs, number = input && program.in_types[s].number;
      std::int64_t const line = slot_data[s].stride[line_], rows = slot_data[s].stride[rows_];
      lie_[s] = number || (line == 0 && rows == 0) ? Lie::stays : rows == 0 ? Lie::repeats : line == 0 ? Lie::spreads : Lie::apart;
      place_[s] = bytes;
      same_[s] = input ? first_like(loop, s) : s;
      if (same_[s] != s) {
        place_[s] = place_[same_[s]];
        continue;
      }
      if (input && !number && (lie_[s] == Lie::spreads || lie_[s] == Lie::apart)) collected_[collects_++] = s;
      bytes += (lie_[s] == Lie::stays || lie_[s] == Lie::spreads ? 64 : room(s)) * (input ? 1 : 2);
    }
    spare_ = bytes;  // for a target's rows, turned back, and for the parts that the kernel keeps
    std::int64_t const kept = (n_ * lanes_ * program.lane_size + 63) / 64 * 64;
    memory_.emplace(bytes + std::max<std::int64_t>(kept, n_ * lanes_ * 8) + program.row_buffers * kept + 64);
    scratch_ = memory_->data() + bytes + std::max<std::int64_t>(kept, n_ * lanes_ * 8);
    for (int t = program.inputs; t < count_; ++t) {  // a variable that stands twice in a formula
      for (int other = program.inputs; other < t && same_[t] == t; ++other)
        if (slot_data[other].data == slot_data[t].data && target(t).accumulates && !slot_data[t].shared) same_[t] = other, place_[t] = place_[other];
    }
  }

  void run(Loop const& loop, Box const& box) {
    std::int64_t const m = box.high[rows_] - box.low[rows_];
    each_position(loop, slots_, box, 1u << line_ | 1u << rows_, [&](std::int64_t const* offset) {
      void const* in[max_slots];
      void* out[max_slots];
      std::int64_t step[max_slots], out_step[max_slots];
      for (int s = 0; s < count_; ++s) {
        bool const moves = lie_[s] == Lie::repeats || lie_[s] == Lie::apart;
        (s < program_.inputs ? step[s] : out_step[s - program_.inputs]) = moves ? -1 : 0;
        if (s < program_.inputs) in[s] = same_[s] == s ? begin(s, offset[s]) : in[same_[s]];
        else out[s - program_.inputs] = buffer(s);
        if (s >= program_.inputs && lie_[s] == Lie::repeats && same_[s] == s) target(s).identity(sums(s), n_ * lanes_);
      }
      for (std::int64_t k = 0; k < m; k += lanes_) {
        std::int64_t const rows = std::min<std::int64_t>(lanes_, m - k);
        for (int c = 0; c < collects_; ++c) {
          int const s = collected_[c];
          collect(s, offset[s] + k * slots_[s].stride[rows_], rows);
        }
        for (int s = program_.inputs; s < count_; ++s) {
          int const o = s - program_.inputs;
          if (!target(s).accumulates) continue;
          // Lanes beyond the last row are added to nobody.
          if (same_[s] != s) out[o] = out[same_[s] - program_.inputs];
          else if (lie_[s] == Lie::repeats && rows == lanes_) out[o] = sums(s);
          else out[o] = buffer(s), target(s).identity(buffer(s), out_step[o] ? n_ * lanes_ : lanes_);
        }
        program_.kernel({.in = in, .in_step = step, .out = out, .out_step = out_step, .n = n_ * lanes_, .scratch = scratch_, .across = true});
        for (int s = program_.inputs; s < count_; ++s)
          if (same_[s] == s) deliver(s, offset[s] + k * slots_[s].stride[rows_], rows);
      }
      for (int s = program_.inputs; s < count_; ++s)
        if (lie_[s] == Lie::repeats && same_[s] == s) {
          turn(width(s), sums(s), 0, lanes_, spare(), 0, n_, n_, lanes_);
          for (std::int64_t k = lanes_; k > 1; k /= 2) target(s).merge(spare(), spare() + k / 2 * n_ * width(s), k / 2 * n_);
          add(s, offset[s], slots_[s].stride[line_], spare(), n_);
        }
    });
  }

 private:
  using Lie = detail::Lie;

  TargetType const& target(int s) const { return program_.out_types[s - program_.inputs]; }
  SlotType const& type(int s) const { return program_.in_types[s]; }
  int width(int s) const { return s < program_.inputs ? type(s).kernel_size : target(s).kernel_size; }
  std::int64_t room(int s) const { return (n_ * lanes_ * width(s) + 63) / 64 * 64; }
  char* buffer(int s) const { return memory_->data() + place_[s]; }
  char* sums(int s) const { return buffer(s) + room(s); }
  char* spare() const { return memory_->data() + spare_; }
  char* position(int s, std::int64_t j) const { return buffer(s) + j * lanes_ * width(s); }
  void* data(int s) const { return const_cast<void*>(slots_[s].data); }
  bool direct(int s) const { return s < program_.inputs ? type(s).direct && type(s).movable && !type(s).computed : target(s).direct; }

  // The first input that is the same as input `s`: an operand that stands twice in a formula is turned once.
  int first_like(Loop const& loop, int s) const {
    if (type(s).number) return s;
    for (int other = 0; other < s; ++other) {
      bool like = slots_[other].data == slots_[s].data && type(other).fetch == type(s).fetch && type(other).kernel_size == type(s).kernel_size && !type(other).number;
      for (int d = 0; d < loop.rank && like; ++d) like = slots_[other].stride[d] == slots_[s].stride[d];
      if (like) return other;
    }
    return s;
  }
  // Where the kernel reads a slot; what is the same for all rows is written there now.
  void const* begin(int s, std::int64_t offset) {
    if (type(s).number) return slots_[s].data;
    if (lie_[s] == Lie::stays) fetch(s, offset, 0, lanes_, buffer(s));
    for (std::int64_t j = 0; lie_[s] == Lie::repeats && j < n_; ++j)
      fetch(s, offset + j * slots_[s].stride[line_], 0, lanes_, position(s, j));
    return buffer(s);
  }
  // `count` elements of a slot, as the kernel wants them.
  void fetch(int s, std::int64_t offset, std::int64_t stride, std::int64_t count, char* to) const {
    if (!direct(s)) return type(s).fetch(slots_[s].data, offset, stride, count, to);
    auto const* const from = static_cast<char const*>(slots_[s].data) + offset * width(s);
    if (stride == 0 && width(s) > 1) return splat(to, from, width(s), static_cast<int>(count));
    if (stride == 1) return copy_row(to, from, count * width(s));
    detail::with_word(width(s), [&]<class Word>(Word) {
      copy_line(reinterpret_cast<Word*>(to), 1, reinterpret_cast<Word const*>(from), stride, count);
    });
  }
  // The next rows of an input. Lanes beyond the last one repeat the first.
  void collect(int s, std::int64_t offset, std::int64_t rows) const {
    std::int64_t const line = slots_[s].stride[line_], apart = slots_[s].stride[rows_], positions = lie_[s] == Lie::spreads ? 1 : n_;
    if (line == 1 && direct(s)) turn(width(s), slots_[s].data, offset, apart, buffer(s), 0, lanes_, rows, n_);
    else
      for (std::int64_t j = 0; j < positions; ++j) fetch(s, offset + j * line, apart, rows, position(s, j));
    if (rows == lanes_) return;
    detail::with_word(width(s), [&]<class Word>(Word) {
      auto* to = reinterpret_cast<Word*>(buffer(s));
      for (std::int64_t j = 0; j < positions; ++j, to += lanes_) std::fill(to + rows, to + lanes_, to[0]);
    });
  }
  // What the kernel left for the rows of a target.
  void deliver(int s, std::int64_t offset, std::int64_t rows) const {
    std::int64_t const line = slots_[s].stride[line_], apart = slots_[s].stride[rows_];
    if (lie_[s] == Lie::stays) return target(s).fold(static_cast<char*>(data(s)) + offset * width(s), buffer(s), rows);
    if (lie_[s] == Lie::spreads) return add(s, offset, apart, buffer(s), rows);
    if (lie_[s] == Lie::repeats) {
      for (std::int64_t j = 0; rows < lanes_ && j < n_; ++j)
        target(s).merge(sums(s) + j * lanes_ * width(s), position(s, j), rows);
      return;
    }
    bool const adds = target(s).accumulates && !slots_[s].fresh;
    if (line == 1 && direct(s)) {
      bool const dense = apart == n_;
      if (!adds) return turn(width(s), buffer(s), 0, lanes_, data(s), offset, apart, n_, rows);
      turn(width(s), buffer(s), 0, lanes_, spare(), 0, n_, n_, rows);
      for (std::int64_t r = 0; r < (dense ? 1 : rows); ++r)
        add(s, offset + r * apart, 1, spare() + r * n_ * width(s), dense ? rows * n_ : n_);
      return;
    }
    for (std::int64_t j = 0; j < n_; ++j) {
      if (adds) add(s, offset + j * line, apart, position(s, j), rows);
      else put(s, position(s, j), offset + j * line, apart, rows);
    }
  }
  void put(int s, char const* values, std::int64_t offset, std::int64_t stride, std::int64_t count) const {
    if (direct(s) && stride == 1) copy_row(static_cast<char*>(data(s)) + offset * width(s), values, count * width(s));
    else target(s).put(values, data(s), offset, stride, count);
  }
  // Adds accumulators to elements of a target.
  void add(int s, std::int64_t offset, std::int64_t stride, char const* values, std::int64_t count) const {
    if (stride == 1) return target(s).merge(static_cast<char*>(data(s)) + offset * width(s), values, count);
    alignas(64) char before[longest_across * 8];
    target(s).fetch(slots_[s].data, offset, stride, count, before);
    target(s).merge(before, values, count);
    target(s).put(before, data(s), offset, stride, count);
  }

  Program const& program_;
  SlotData const* slots_;
  int line_, rows_, count_;
  std::int64_t n_, lanes_, spare_;
  char* scratch_;
  Lie lie_[max_slots];
  int same_[max_slots];  // the first input, or target, that is the same memory
  int collected_[max_slots], collects_ = 0;  // inputs of which the next rows are turned
  std::int64_t place_[max_slots];
  std::optional<Scratch<char>> memory_;
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
