// SPDX-License-Identifier: MIT
// Lines sorted by keys (backend/sort_key.hpp), stable: short ones by counting for each element how many come before it, long
// ones digit by digit (LSD radix sort), with threads over lines or over the parts of a long one. Where only some places of
// the sorted line are wanted, elements that cannot stand there are left out first, from the highest digit on.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include <wick/backend/cpu/threads.hpp>
#include <wick/backend/cpu/transpose.hpp>
#include <wick/backend/sort_key.hpp>
#include <wick/calls/lines.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// A key of 32 bits, and below it where the element stood.
struct NarrowRecord {
  static constexpr int digits = 4;
  std::uint64_t word;

  static NarrowRecord of(std::uint64_t key, std::int64_t place) { return {key << 32 | static_cast<std::uint64_t>(place)}; }
  std::uint32_t key() const { return static_cast<std::uint32_t>(word >> 32); }
  std::int64_t place() const { return static_cast<std::int64_t>(word & 0xFFFFFFFFu); }
  std::size_t digit(int d) const { return word >> (32 + 8 * d) & 255u; }
};
/// A key of any size, and where the element stood.
struct WideRecord {
  static constexpr int digits = 8;
  std::uint64_t word;
  std::int64_t at;

  static WideRecord of(std::uint64_t key, std::int64_t place) { return {key, place}; }
  std::uint64_t key() const { return word; }
  std::int64_t place() const { return at; }
  std::size_t digit(int d) const { return word >> (8 * d) & 255u; }
};

// Lines up to this length are sorted by counting.
template <class Key>
inline constexpr std::int64_t counted_line = sizeof(Key) == 4 ? 160 : 96;
// Lines from this length on are shared out among threads.
inline constexpr std::int64_t shared_line = std::int64_t{1} << 16;
// A piece of work that is worth a thread, in elements.
inline constexpr std::int64_t sort_grain = 2048;

/// order[rank] = which of n keys has this rank, the first of equal ones first. Keys are read up to a multiple of 64 bytes.
template <class Key>
void order_by_counting(Key const* keys, std::int64_t n, std::uint8_t* order) {
#if WICK_VECTORS
  constexpr std::int64_t width = 64 / static_cast<std::int64_t>(sizeof(Key));
  typedef Key Keys __attribute__((vector_size(64)));
  Keys lane{};
  for (std::int64_t i = 0; i < width; ++i) lane[i] = static_cast<Key>(i);
  for (std::int64_t low = 0; low < n; low += width) {
    Keys mine, before{};
    std::memcpy(&mine, keys + low, sizeof mine);
    std::int64_t const high = std::min(n, low + width);
    std::int64_t j = 0;
    for (; j < low; ++j) before -= reinterpret_cast<Keys>(Keys{} + keys[j] <= mine);
    for (; j < high; ++j) {
      Keys const other = Keys{} + keys[j];
      before -= reinterpret_cast<Keys>(other < mine) | reinterpret_cast<Keys>((other == mine) & (Keys{} + static_cast<Key>(j - low) < lane));
    }
    for (; j < n; ++j) before -= reinterpret_cast<Keys>(Keys{} + keys[j] < mine);
    for (std::int64_t i = low; i < high; ++i) order[before[i - low]] = static_cast<std::uint8_t>(i);
  }
#else
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t before = 0;
    for (std::int64_t j = 0; j < n; ++j) before += keys[j] < keys[i] || (keys[j] == keys[i] && j < i);
    order[before] = static_cast<std::uint8_t>(i);
  }
#endif
}

using DigitCounts = std::array<std::int64_t, 256>;

/// Sorts n records by their keys; equal keys keep their order. `other` has room for as many; the result lies in one of the
/// two.
template <class Record>
Record* sort_by_digits(Record* records, Record* other, std::int64_t n) {
  std::int64_t const pieces = n < shared_line ? 1 : std::min<std::int64_t>(num_threads(), n / (shared_line / 4));
  auto const each_piece = [&](auto const& body) {
    parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = begin; p < end; ++p) body(p, n * p / pieces, n * (p + 1) / pieces);
    }, 16);
  };
  using AllCounts = std::array<DigitCounts, Record::digits>;
  Scratch<AllCounts> const counts(pieces);
  each_piece([&](std::int64_t p, std::int64_t begin, std::int64_t end) {
    AllCounts& mine = counts[p];
    for (DigitCounts& of_digit : mine) of_digit.fill(0);
    for (std::int64_t i = begin; i < end; ++i)
      for (int d = 0; d < Record::digits; ++d) ++mine[static_cast<std::size_t>(d)][records[i].digit(d)];
  });
  for (int d = 0; d < Record::digits; ++d) {
    auto const digit = static_cast<std::size_t>(d);
    std::int64_t of_first = 0;
    for (std::int64_t p = 0; p < pieces; ++p) of_first += counts[p][digit][records[0].digit(d)];
    if (of_first == n) continue;  // all have the same
    if (pieces > 1)
      each_piece([&](std::int64_t p, std::int64_t begin, std::int64_t end) {
        counts[p][digit].fill(0);
        for (std::int64_t i = begin; i < end; ++i) ++counts[p][digit][records[i].digit(d)];
      });
    std::int64_t start = 0;
    for (std::size_t value = 0; value < 256; ++value)
      for (std::int64_t p = 0; p < pieces; ++p) start += std::exchange(counts[p][digit][value], start);
    each_piece([&](std::int64_t p, std::int64_t begin, std::int64_t end) {
      DigitCounts& to = counts[p][digit];
      for (std::int64_t i = begin; i < end; ++i) other[to[records[i].digit(d)]++] = records[i];
    });
    std::swap(records, other);
  }
  return records;
}

/// Leaves out records that cannot stand at `first`, ... first + count - 1 of the sorted ones; the others keep their order.
/// Returns how many are left, and moves `first` to where its record stands among them.
template <class Record>
std::int64_t leave_candidates(Record* records, std::int64_t n, std::int64_t& first, std::int64_t count) {
  for (int d = Record::digits - 1; d >= 0 && n > 2 * count + 64; --d) {
    DigitCounts counts{};
    for (std::int64_t i = 0; i < n; ++i) ++counts[records[i].digit(d)];
    std::size_t low = 0;
    std::int64_t below = 0;
    while (below + counts[low] <= first) below += counts[low++];
    std::size_t high = low;
    for (std::int64_t to = below + counts[low]; to < first + count;) to += counts[++high];
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      Record const record = records[i];
      records[kept] = record;
      kept += record.digit(d) - low <= high - low;
    }
    first -= below;
    n = kept;
    if (low != high) break;
  }
  return n;
}

/// Sorts one line after another: a thread's memory for that.
template <class T>
class LineSorter {
  using Key = SortKey<T>;
  static constexpr std::int64_t most_narrow = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::int64_t room(std::int64_t n) {
    if (n <= counted_line<Key>) return 0;
    return n * static_cast<std::int64_t>(sizeof(T) <= 4 && n <= most_narrow ? sizeof(NarrowRecord) : sizeof(WideRecord));
  }

 public:
  explicit LineSorter(std::int64_t n) : memory_(room(n)), more_memory_(room(n)) {}

  void run(T const* x, std::int64_t n, std::int64_t first, std::int64_t count, bool descending, T* y, std::int64_t* index) const {
    if (n <= counted_line<Key>) {
      Ordered const order(n, [&](std::int64_t i) { return sort_key(x[i], descending); });
      for (std::int64_t k = 0; k < count; ++k) index[k] = order[first + k], y[k] = x[order[first + k]];
      return;
    }
    // Digits that all keys have in common are no work: they begin at the smallest one.
    Key low = 0;
    bool narrow = sizeof(T) <= 4;
    if constexpr (std::is_integral_v<T>) {
      Key high = 0;
      low = ~Key{0};
      for (std::int64_t i = 0; i < n; ++i) {
        Key const key = sort_key(x[i], descending);
        low = std::min(low, key), high = std::max(high, key);
      }
      narrow = high - low <= most_narrow;
    }
    if (narrow && n <= most_narrow) run_with<NarrowRecord>(x, n, first, count, descending, low, y, index);
    else run_with<WideRecord>(x, n, first, count, descending, low, y, index);
  }

 private:
  template <class Record>
  void run_with(T const* x, std::int64_t n, std::int64_t first, std::int64_t count, bool descending, Key low, T* y, std::int64_t* index) const {
    Record *records = reinterpret_cast<Record*>(memory_.data()), *other = reinterpret_cast<Record*>(more_memory_.data());
    parallel_for(n, shared_line / 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) records[i] = Record::of(static_cast<Key>(sort_key(x[i], descending) - low), i);
    });
    if (count < n) n = leave_candidates(records, n, first, count);
    if (n > counted_line<Key>) {
      records = sort_by_digits(records, other, n);
    } else {
      Ordered const order(n, [&](std::int64_t i) { return static_cast<Key>(records[i].key()); });
      for (std::int64_t i = 0; i < n; ++i) other[i] = records[order[i]];
      records = other;
    }
    parallel_for(count, shared_line / 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) index[k] = records[first + k].place(), y[k] = x[index[k]];
    });
  }

  // Which key has which rank, for a few keys.
  class Ordered {
   public:
    template <class KeyOf>
    WICK_INLINE Ordered(std::int64_t n, KeyOf const& key) {
      alignas(64) Key keys[std::size_t{most}];
      for (std::int64_t i = 0; i < n; ++i) keys[i] = key(i);
      std::fill_n(keys + n, most - counted_line<Key>, Key{0});
      order_by_counting(keys, n, order_);
    }
    std::int64_t operator[](std::int64_t rank) const { return order_[rank]; }

   private:
    static constexpr std::int64_t most = counted_line<Key> + 16;
    std::uint8_t order_[std::size_t{most}];
  };

  Scratch<char> memory_, more_memory_;
};

/// y = the elements of each line that stand at `first`, ... first + count - 1 when it is sorted, index = where they were.
/// Lines along other dimensions than the last are sorted some at a time, turned.
template <class T>
void sort(LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, T const* x, T* y, std::int64_t* index) {
  if (s.lines() * count == 0) return;
  constexpr std::int64_t together = 16;
  std::int64_t const units = s.inner == 1 ? 1 : (s.inner + together - 1) / together, columns = std::min(s.inner, together);
  auto const run = [&](std::int64_t begin, std::int64_t end) {
    LineSorter<T> const sorter(s.n);
    if (s.inner == 1) {
      for (std::int64_t o = begin; o < end; ++o) sorter.run(x + o * s.n, s.n, first, count, descending, y + o * count, index + o * count);
      return;
    }
    Scratch<T> const lines(columns * s.n), values(columns * count);
    Scratch<std::int64_t> const places(columns * count);
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t const o = i / units, j = i % units * together, wide = std::min(together, s.inner - j);
      turn(sizeof(T), x, o * s.n * s.inner + j, s.inner, lines.data(), 0, s.n, s.n, wide);
      for (std::int64_t c = 0; c < wide; ++c)
        sorter.run(lines.data() + c * s.n, s.n, first, count, descending, values.data() + c * count, places.data() + c * count);
      std::int64_t const to = o * count * s.inner + j;
      turn(sizeof(T), values.data(), 0, count, y, to, s.inner, wide, count);
      turn(sizeof(std::int64_t), places.data(), 0, count, index, to, s.inner, wide, count);
    }
  };
  std::int64_t const pieces = s.outer * units;
  if (s.n >= shared_line && pieces < num_threads()) return run(0, pieces);  // the parts of a line are shared out
  parallel_for(pieces, sort_grain / (s.n * columns) + 1, run);
}

}  // namespace backend::cpu

namespace backend {
template <class T>
void run(Cpu, Sort<T> const& call) {
  cpu::sort<T>(call.shape, call.first, call.count, call.descending, call.x, call.y, call.index);
}
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
