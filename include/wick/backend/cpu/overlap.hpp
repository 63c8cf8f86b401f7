// SPDX-License-Identifier: MIT
// A map into memory that some of its operands lie in, shifted, such as a step of a stencil in one buffer. Operands that lie as
// the target does are read from a copy of the rows around the front, else all results are kept until the end.
#pragma once

#include <wick/backend/cpu/loop.hpp>
#include <wick/expr/plan.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// Bytes of operands that are copied before the rows that read them are computed: enough to be worth starting a loop, and few
// enough for the caches.
inline constexpr std::int64_t front_bytes = std::int64_t{1} << 15;

namespace detail {

constexpr std::int64_t floor_quotient(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); }

/// The memory that rows along dimension 0 of a loop cover, the target's and those of all operands that overlap it. Row j is
/// `[low, high)` bytes from `target + j * step` on; to compute row i, rows `i + before` to `i + behind` are read.
struct Overlap {
  std::int64_t step = 0, low = 0, high = 0, before = 0, behind = 0;
  std::int64_t lowest = 0, highest = 0;  ///< all bytes that are read or written, likewise from `target` on
  bool inside[max_slots];  ///< operands that overlap the target
  bool fits = true;        ///< false: some operand lies in another way

  Overlap(Program const& program, Loop const& loop) {
    SlotData const& target = loop.slot_data[program.inputs];
    int const size = program.out_types[0].element_size;
    step = target.stride[0] * size;
    Span const all(loop, target, size, 0), row(loop, target, size, 1);
    low = row.low, high = row.high, lowest = all.low, highest = all.high;
    fits = step > 0;
    for (int s = 0; s < program.inputs; ++s) {
      SlotType const& type = program.in_types[s];
      SlotData const& slot = loop.slot_data[s];
      fits &= !type.computed;
      inside[s] = false;
      if (type.number || type.computed) continue;
      std::int64_t const apart = static_cast<char const*>(slot.data) - static_cast<char const*>(target.data);
      Span const read(loop, slot, type.element_size, 0), line(loop, slot, type.element_size, 1);
      inside[s] = apart + read.low < all.high && all.low < apart + read.high;
      if (!inside[s]) continue;
      fits &= slot.stride[0] * type.element_size == step;
      if (!fits) return;
      // The row of the target whose beginning is nearest.
      std::int64_t const rows = floor_quotient(apart + line.low - row.low + step / 2, step);
      before = std::min(before, rows), behind = std::max(behind, rows);
      std::int64_t const first = apart - rows * step + line.low, last = apart - rows * step + line.high;
      fits &= first <= row.high && row.low <= last;  // else there is somebody else's memory between them
      low = std::min(low, first), high = std::max(high, last);
      lowest = std::min(lowest, apart + read.low), highest = std::max(highest, apart + read.high);
    }
    if (!fits) return;
    // Rows further ahead than `behind` share no byte with a row of the target that has been written.
    behind = std::max(behind, (row.high - low - 1) / step);
    fits = step <= 2 * (high - low);  // else the copy would have more gaps than elements
  }
  /// Rows behind a row of the target that share bytes with it.
  std::int64_t touched(Program const& program, Loop const& loop) const {
    Span const row(loop, loop.slot_data[program.inputs], program.out_types[0].element_size, 1);
    return (high - row.low - 1) / step;
  }

 private:
  struct Span {
    std::int64_t low = 0, high;
    Span(Loop const& loop, SlotData const& slot, int size, int from) : high(size) {
      for (int d = from; d < loop.rank; ++d) {
        std::int64_t const reach = (loop.extent[d] - 1) * slot.stride[d] * size;
        (reach < 0 ? low : high) += reach;
      }
    }
  };
};

/// All results in a buffer first.
inline void run_kept(Program const& program, Loop& loop) {
  int const size = program.out_types[0].element_size;
  Scratch<char> const memory(loop.total() * size);
  SlotData slot_data[] = {loop.slot_data[program.inputs], loop.slot_data[program.inputs]};
  SlotData& target = loop.slot_data[program.inputs];
  target.data = slot_data[0].data = memory.data();
  std::int64_t step = 1;
  for (int d = loop.rank - 1; d >= 0; --d) target.stride[d] = slot_data[0].stride[d] = step, step *= loop.extent[d];
  Loop copy = loop;
  launch(program, loop);
  copy.slot_data = slot_data, copy.count = 2;
  simplify(copy);
  launch_copy(copy, size);
}

/// Rows [first, last) of a loop, of which `front` are computed at a time, after what they read has been copied.
class FrontRun {
 public:
  FrontRun(Program const& program, Loop const& loop, Overlap const& overlap, std::int64_t front)
      : program_(program), loop_(loop), overlap_(overlap), walk_(plan_walk(program, loop)), front_(front), around_(overlap.behind - overlap.before) {}

  /// Bytes that `rows` rows take in a copy.
  std::int64_t room(std::int64_t rows) const { return ((rows - 1) * overlap_.step + overlap_.high - overlap_.low + 127) / 64 * 64; }
  std::int64_t room() const { return room(front_ + around_); }

  /// Copies rows [from, to) to where `copy` is the place of row `at`: as far as they are there, the first and the last may reach
  /// beyond what is read.
  void load(char* copy, std::int64_t at, std::int64_t from, std::int64_t to) const {
    std::int64_t const step = overlap_.step;
    bool const gaps = overlap_.high - overlap_.low < step;
    for (std::int64_t j = from; j < to; j = gaps ? j + 1 : to) {
      std::int64_t const low = j * step + overlap_.low, start = std::max(low, overlap_.lowest);
      std::int64_t const stop = std::min((gaps ? j : to - 1) * step + overlap_.high, overlap_.highest);
      if (start < stop) copy_row(copy + (j - at) * step + (start - low), target() + start, stop - start);
    }
  }
  /// Computes rows [first, last). The copy begins with what lies around row `first`; from row `limit` on, memory is taken from
  /// `saved`.
  void run(char* copy, std::int64_t first, std::int64_t last, std::int64_t limit, char const* saved) const {
    std::int64_t const step = overlap_.step, width = overlap_.high - overlap_.low;
    for (std::int64_t i = first; i < last; i += front_) {
      std::int64_t const end = std::min(i + front_, last), base = i + overlap_.before;
      std::int64_t const from = i + overlap_.behind, to = end + overlap_.behind, here = std::clamp(limit, from, to);
      load(copy, base, from, here);
      if (here < to)
        std::memcpy(copy + (here - base) * step, saved + (here - limit) * step, static_cast<std::size_t>((to - here - 1) * step + width));
      SlotData slot_data[max_slots];
      for (int s = 0; s < loop_.count; ++s) {
        slot_data[s] = loop_.slot_data[s];
        bool const input = s < program_.inputs;
        if (input && program_.in_types[s].number) continue;
        int const size = input ? program_.in_types[s].element_size : program_.out_types[0].element_size;
        char const* const data = static_cast<char const*>(slot_data[s].data);
        slot_data[s].data = input && overlap_.inside[s] ? copy + (data - target()) - overlap_.low - overlap_.before * step : data + i * slot_data[s].stride[0] * size;
      }
      Loop rows = loop_;
      rows.slot_data = slot_data, rows.extent[0] = end - i;
      if (rows.rank != 2 || !run_dense_rows(program_, rows)) run_box(program_, rows, slot_data, Box(rows), walk_);
      if (end < last) std::memmove(copy, copy + (end - i) * step, static_cast<std::size_t>(around_ == 0 ? 0 : (around_ - 1) * step + width));
    }
  }

 private:
  char const* target() const { return static_cast<char const*>(loop_.slot_data[program_.inputs].data); }

  Program const& program_;
  Loop const& loop_;
  Overlap const& overlap_;
  Walk walk_;
  std::int64_t front_, around_;
};

}  // namespace detail

template <class Isa>
void launch_overlapping(Program const& program, Loop& loop) {
  std::int64_t const total = loop.total(), rows = loop.extent[0];
  if (total == 0) return;
  if (total * program.out_types[0].element_size <= front_bytes) return detail::run_kept(program, loop);
  detail::Overlap const overlap(program, loop);
  if (!overlap.fits || overlap.behind - overlap.before >= rows) return detail::run_kept(program, loop);
  std::int64_t const around = overlap.behind - overlap.before, front = std::min(rows, std::max(4 * around, front_bytes / overlap.step));
  detail::FrontRun const run(program, loop, overlap, front);
  std::int64_t const least = 4 * (front + around);
  std::int64_t const pieces = total * program.cost <= 2 * parallel_grain ? 1 : std::clamp<std::int64_t>(rows / least, 1, 4 * num_threads());
  // What the rows of a piece read of the next one is saved before that is written, and so is what its first rows read.
  std::int64_t const touched = overlap.touched(program, loop), room = run.room(), saved = run.room(touched + overlap.behind + 1);
  Scratch<char> const memory(pieces * (room + saved));
  auto const first = [&](std::int64_t piece) { return rows * piece / pieces; };
  auto const copy = [&](std::int64_t piece) { return memory.data() + piece * (room + saved); };
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    std::int64_t const begin = first(piece), end = first(piece + 1);
    run.load(copy(piece), begin + overlap.before, begin + overlap.before, begin + overlap.behind);
    if (piece + 1 < pieces) run.load(copy(piece) + room, end - touched, end - touched, end + overlap.behind);
  }
  parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      std::int64_t const last = first(piece + 1);
      run.run(copy(piece), first(piece), last, piece + 1 < pieces ? last - touched : rows + overlap.behind, copy(piece) + room);
    }
  });
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
