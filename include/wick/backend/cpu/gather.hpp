// SPDX-License-Identifier: MIT
// Elements and rows picked by position, and their transposes. Rows are moved as bytes: one copy serves all types.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <type_traits>

#include <wick/backend/cpu/copy.hpp>
#include <wick/calls/gather.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// A piece of work that is worth a thread, in elements moved.
inline constexpr std::int64_t gather_grain = std::int64_t{1} << 15;
// Rows that are asked for before they are copied: where they lie is not predictable for the processor.
inline constexpr std::int64_t rows_ahead = 12;

/// Keeps a loop from becoming gather instructions, which take longer than the loads that they stand for.
WICK_INLINE void stay_scalar() { __asm__ volatile(""); }

/// Whether every index is in [0, extent).
inline bool in_range(std::int64_t const* index, std::int64_t n, std::int64_t extent) {
  std::atomic<bool> outside = false;
  parallel_for(n, gather_grain, [&](std::int64_t begin, std::int64_t end) {
    // An index below 0, or what is left above it to the last position, has the sign bit.
    std::uint64_t bits = 0;
    auto const last = static_cast<std::uint64_t>(extent) - 1;
    for (std::int64_t i = begin; i < end; ++i) bits |= static_cast<std::uint64_t>(index[i]) | (last - static_cast<std::uint64_t>(index[i]));
    if (bits >> 63) outside = true;
  });
  return !outside;
}

/// y[o][k] = x[o][index[k]], rows of `bytes` bytes.
inline void gather_rows_as_bytes(RowsShape const& s, std::int64_t bytes, char const* x, std::int64_t const* index, char* y) {
  std::int64_t const rows = s.outer * s.count;
  parallel_for(rows, gather_grain * 4 / std::max<std::int64_t>(bytes, 16) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end;) {
      std::int64_t const o = row / s.count, first = row % s.count, last = std::min(s.count, first + end - row);
      char const* const from = x + o * s.extent * bytes;
      char* to = y + row * bytes;
      for (std::int64_t k = first; k < last; ++k, to += bytes) {
        char const* const ahead = from + index[std::min(k + rows_ahead, last - 1)] * bytes;
        for (std::int64_t line = 0; line < std::min<std::int64_t>(bytes, 1024); line += 64) __builtin_prefetch(ahead + line);
        copy_row(to, from + index[k] * bytes, bytes);
      }
      row += last - first;
    }
  });
}

/// y[o][k] = x[o][index[k]], rows of `inner` elements.
template <class T>
void gather_rows(RowsShape const& s, T const* x, std::int64_t const* index, T* y) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    auto const size = static_cast<std::int64_t>(sizeof(T));
    gather_rows_as_bytes(s, s.inner * size, reinterpret_cast<char const*>(x), index, reinterpret_cast<char*>(y));
  } else {
    for (std::int64_t row = 0; row < s.outer * s.count; ++row)
      std::copy_n(x + (row / s.count * s.extent + index[row % s.count]) * s.inner, s.inner, y + row * s.inner);
  }
}

/// x[o][index[k]] += g[o][k], x zero before: each row gets its terms in the order of k. A thread owns a range of the
/// rows of x and reads the whole index, so that nobody waits and the order of the terms does not depend on the cut.
template <class T>
void scatter_add_rows(RowsShape const& s, T const* g, std::int64_t const* index, T* x) {
  std::int64_t const inner = s.inner, work = std::max<std::int64_t>(1, (s.count + s.extent) * inner / std::max<std::int64_t>(1, s.extent));
  parallel_for(s.outer * s.extent, gather_grain / work + 1, [&](std::int64_t begin, std::int64_t end) {
    std::fill(x + begin * inner, x + end * inner, T(0));
    for (std::int64_t o = begin / s.extent; o * s.extent < end; ++o) {
      std::int64_t const low = std::max(begin - o * s.extent, std::int64_t{0}), high = std::min(end - o * s.extent, s.extent);
      T const* const from = g + o * s.count * inner;
      T* const to = x + o * s.extent * inner;
      for (std::int64_t k = 0; k < s.count; ++k) {
        std::int64_t const row = index[k];
        std::int64_t const ahead = index[std::min(k + rows_ahead, s.count - 1)];
        if (ahead >= low && ahead < high)
          for (std::int64_t i = 0; i < std::min<std::int64_t>(inner, 256); i += 64 / static_cast<std::int64_t>(sizeof(T)))
            __builtin_prefetch(to + ahead * inner + i, 1);
        if (row < low || row >= high) continue;
        T const* const term = from + k * inner;
        T* const sum = to + row * inner;
        for (std::int64_t i = 0; i < inner; ++i) sum[i] = static_cast<T>(sum[i] + term[i]);
      }
    }
  });
}

/// Calls visit(flat, base, n) for lines [begin, end) of an index along its innermost dimension: `flat` is the line's
/// place in the index, `base` where coordinate 0 of `axis` and of the innermost dimension lies in the source.
template <class Visit>
WICK_INLINE void each_index_line(GatherShape const& s, std::int64_t begin, std::int64_t end, Visit const& visit) {
  std::int64_t const n = s.line();
  for (std::int64_t line = begin; line < end; ++line) {
    std::int64_t base = 0, rest = line;
    for (int d = s.rank - 2; d >= 0; rest /= s.extent[d], --d)
      if (d != s.axis) base += rest % s.extent[d] * s.stride[d];
    visit(line * n, base, n);
  }
}

#if defined(__AVX512F__)
/// A line of at most 64 words, held in registers: sixteen of them at a time are picked without a load for each.
class WordTable {
 public:
  static constexpr std::int64_t most = 64;
  // Picks below which loading the line is not worth it.
  static constexpr std::int64_t fewest_picks = 32;

  WICK_INLINE WordTable(void const* from, std::int64_t extent) {
    auto const words = extent >= most ? ~std::uint64_t{0} : (std::uint64_t{1} << extent) - 1;
    auto const part = [&](int k) WICK_LAMBDA_INLINE {
      return _mm512_maskz_loadu_epi32(static_cast<__mmask16>(words >> (16 * k)), static_cast<std::uint32_t const*>(from) + 16 * k);
    };
    a_ = part(0), b_ = part(1), c_ = part(2), d_ = part(3);
  }
  WICK_INLINE void pick(std::int64_t const* at, void* to) const {
    auto const narrow = [&](int k) WICK_LAMBDA_INLINE { return _mm512_maskz_cvtepi64_epi32(0xff, _mm512_loadu_si512(at + k)); };
    __m512i const index = _mm512_inserti64x4(_mm512_zextsi256_si512(narrow(0)), narrow(8), 1);
    __m512i const low = _mm512_permutex2var_epi32(a_, index, b_), high = _mm512_permutex2var_epi32(c_, index, d_);
    __mmask16 const upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
    _mm512_storeu_si512(to, _mm512_mask_mov_epi32(low, upper, high));
  }

 private:
  __m512i a_, b_, c_, d_;
};
#endif

/// to[j] = from[at[j]], or with a distance `scale` between neighbours along the axis, from[at[j] * scale + j]. Without
/// one, `extent` is how many elements there are.
template <class T>
WICK_INLINE void gather_run(T const* from, [[maybe_unused]] std::int64_t extent, std::int64_t const* at, std::int64_t scale, std::int64_t n, T* to) {
  std::int64_t j = 0;
  if (scale == 0) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4 && std::is_trivially_copyable_v<T>)
      if (extent <= WordTable::most && n >= WordTable::fewest_picks) {
        WordTable const table(from, extent);
        for (; j + 16 <= n; j += 16) table.pick(at + j, to + j);
      }
#endif
    for (; j + 4 <= n; j += 4) {
      T const a = from[at[j]], b = from[at[j + 1]], c = from[at[j + 2]], d = from[at[j + 3]];
      to[j] = a, to[j + 1] = b, to[j + 2] = c, to[j + 3] = d;
      stay_scalar();
    }
    for (; j < n; ++j) to[j] = from[at[j]];
    return;
  }
  for (; j < n; ++j) to[j] = from[at[j] * scale + j], stay_scalar();
}

/// y[p] = x[p with coordinate `axis` replaced by index[p]].
template <class T>
void gather(GatherShape const& s, T const* x, std::int64_t const* index, T* y) {
  constexpr auto size = static_cast<std::int64_t>(sizeof(T));
  std::int64_t const lines = s.lines(0), scale = s.scale(), extent = s.line_extent();
  bool const streams = std::is_trivially_copyable_v<T> && lines * s.line() * size > stream_bytes;
  parallel_for(lines, gather_grain / std::max<std::int64_t>(1, s.line()) + 1, [&](std::int64_t begin, std::int64_t end) {
    if constexpr (std::is_trivially_copyable_v<T>) {
      if (streams) {
        // Whole lines of the cache are collected here, whatever the length of the index's lines, and written past it.
        constexpr std::int64_t block = std::max<std::int64_t>(1, 1024 / size);
        alignas(64) T collected[std::size_t{block}];
        T* to = y + begin * s.line();
        std::int64_t have = 0, room = std::max<std::int64_t>(1, block - (reinterpret_cast<std::intptr_t>(to) & 63) / size);
        auto const write = [&] {
          stream_row(reinterpret_cast<char*>(to), reinterpret_cast<char const*>(collected), have * size);
          to += have, have = 0, room = block;
        };
        each_index_line(s, begin, end, [&](std::int64_t flat, std::int64_t base, std::int64_t n) WICK_LAMBDA_INLINE {
          for (std::int64_t j = 0; j < n;) {
            std::int64_t const count = std::min(n - j, room - have);
            gather_run(x + base + (scale ? j : 0), extent, index + flat + j, scale, count, collected + have);
            j += count, have += count;
            if (have == room) write();
          }
        });
        write();
        return finish_stream();
      }
    }
    each_index_line(s, begin, end, [&](std::int64_t flat, std::int64_t base, std::int64_t n) WICK_LAMBDA_INLINE {
      gather_run(x + base, extent, index + flat, scale, n, y + flat);
    });
  });
}

/// x[p with coordinate `axis` replaced by index[p]] += g[p], x of `size` elements zero before. Dimensions before `axis`
/// are shared out among threads: what they write does not meet.
template <class T>
void scatter_add(GatherShape const& s, T const* g, std::int64_t const* index, T* x, std::int64_t size) {
  std::fill_n(x, size, T(0));
  std::int64_t const lines = s.lines(0), together = std::max<std::int64_t>(1, s.lines(s.axis)), scale = s.scale();
  parallel_for(lines / together, gather_grain / std::max<std::int64_t>(1, together * s.line()) + 1, [&](std::int64_t begin, std::int64_t end) {
    each_index_line(s, begin * together, end * together, [&](std::int64_t flat, std::int64_t base, std::int64_t n) WICK_LAMBDA_INLINE {
      for (std::int64_t j = 0; j < n; ++j) {
        T& sum = x[base + (scale == 0 ? index[flat + j] : index[flat + j] * scale + j)];
        sum = static_cast<T>(sum + g[flat + j]);
      }
    });
  });
}

}  // namespace backend::cpu

namespace backend {
template <class T>
void run(Cpu, GatherRows<T> const& call) {
  cpu::gather_rows<T>(call.shape, call.x, call.index, call.y);
}
template <ComputedAsIs T>
void run(Cpu, ScatterAddRows<T> const& call) {
  cpu::scatter_add_rows<T>(call.shape, call.g, call.index, call.x);
}
template <class T>
void run(Cpu, Gather<T> const& call) {
  cpu::gather<T>(call.shape, call.x, call.index, call.y);
}
template <ComputedAsIs T>
void run(Cpu, ScatterAdd<T> const& call) {
  cpu::scatter_add<T>(call.shape, call.g, call.index, call.x, call.size);
}
inline void run(Cpu, CheckIndices<std::int64_t> const& call) { *call.inside = cpu::in_range(call.index, call.n, call.extent); }
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
