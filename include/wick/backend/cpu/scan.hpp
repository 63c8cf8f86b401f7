// SPDX-License-Identifier: MIT
// Prefixes along the middle dimension of (outer, n, inner): sums and products of float and double a register at a time
// along a line, everything else element by element; columns side by side. A line is cut into chunks at places that depend on
// nothing but its length, and every chunk starts from nothing: results have the same bits for any number of threads.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include <wick/backend/cpu/threads.hpp>
#include <wick/backend/prefix.hpp>
#include <wick/base/simd_part.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// A piece of work that is worth a thread, in elements.
inline constexpr std::int64_t scan_grain = std::int64_t{1} << 14;
// Elements of a chunk of a line.
inline constexpr std::int64_t scan_chunk = std::int64_t{1} << 15;
// Columns that go down the rows together: what is kept of them is in the first-level cache.
inline constexpr std::int64_t scan_columns_together = 128;

/// y = x with the lanes moved up by `by`; those of `fill` enter at the low end.
#if WICK_VECTORS
template <int by, class V>
WICK_INLINE V lanes_up(V const& x, V const& fill) {
  constexpr int width = static_cast<int>(sizeof(V) / sizeof(x[0]));
  return [&]<int... K>(std::integer_sequence<int, K...>) WICK_LAMBDA_INLINE {
    return __builtin_shufflevector(fill, x, (K + width - by)...);
  }(std::make_integer_sequence<int, width>{});
}
#endif

/// Shares the columns of (outer, inner) out in runs: body(o, first column, how many).
template <class Body>
void for_each_columns(LinesShape const& s, Body const& body) {
  std::int64_t const unit = scan_columns_together, units = (s.inner + unit - 1) / unit;
  parallel_for(s.outer * units, scan_grain / (s.n * std::min(unit, s.inner)) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i / units, i % units * unit, std::min(unit, s.inner - i % units * unit));
  });
}

/// One chunk of a line, element by element.
template <Scan kind, class T, bool reverse>
struct LineScan {
  using P = Prefix<kind, T>;
  using Total = typename P::State;
  /// What the chunk amounts to by itself; y, unless it is null, gets its prefixes joined to what comes before.
  static Total chunk(T const* x, std::int64_t n, Total before, T* y) {
    Total total = P::nothing();
    for (std::int64_t k = 0; k < n; ++k) {
      std::int64_t const i = reverse ? n - 1 - k : k;
      total = P::join(total, P::of(x[i]));
      if (y) y[i] = P::value(P::join(before, total));
    }
    return total;
  }
};

#if WICK_VECTORS
/// The same for sums and products of floating-point numbers, in registers of doubles, and for sums of whole numbers.
template <Scan kind, class T, bool reverse>
  requires(Lane<T> ? kind != Scan::logsumexp : std::is_same_v<T, std::int64_t> && kind == Scan::sum)
struct LineScan<kind, T, reverse> {
  using P = Prefix<kind, T>;
  using Total = typename P::State;

  static Total chunk(T const* x, std::int64_t n, Total before, T* y) {
    Wide const start = all(before);
    Wide total = all(P::nothing());
    for (std::int64_t k = 0; k < n; k += width) {
      std::int64_t const count = std::min(width, n - k), at = reverse ? n - k - count : k;
      Wide const prefixes = within(load(x + at, count));
      if (y) store(y + at, count, join(join(start, total), prefixes));
      total = join(total, shuffled(prefixes, [](int) { return last; }));
    }
    return static_cast<Total>(total[0]);
  }

 private:
  using Word = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;  // whole numbers wrap around
  static constexpr std::int64_t width = static_cast<std::int64_t>(sizeof(Batch<double>) / sizeof(double));
  static constexpr int last = static_cast<int>(width) - 1;
  typedef Word Wide __attribute__((vector_size(static_cast<std::size_t>(width) * sizeof(Word))));
  typedef T Narrow __attribute__((vector_size(static_cast<std::size_t>(width) * sizeof(T))));

  static WICK_INLINE Wide all(Total value) { return Wide{} + static_cast<Word>(value); }
  static WICK_INLINE Wide join(Wide a, Wide b) { return kind == Scan::sum ? a + b : a * b; }
  template <class F>
  static WICK_INLINE Wide shuffled(Wide x, F) {
    return [&]<int... K>(std::integer_sequence<int, K...>) WICK_LAMBDA_INLINE {
      return __builtin_shufflevector(x, x, F{}(K)...);
    }(std::make_integer_sequence<int, static_cast<int>(width)>{});
  }
  static WICK_INLINE Wide turned(Wide x) {
    if constexpr (reverse) return shuffled(x, [](int k) { return last - k; });
    else return x;
  }
  // What is missing to a whole register is nothing.
  static WICK_INLINE Wide load(T const* x, std::int64_t count) {
    if (count == width) [[likely]] {
#if defined(__AVX512F__)
      // g++ 12 converts the two halves one after the other.
      if constexpr (std::is_same_v<T, float>) return turned(_mm512_cvtps_pd(_mm256_loadu_ps(x)));
#endif
      Narrow narrow;
      std::memcpy(&narrow, x, sizeof narrow);
      return turned(__builtin_convertvector(narrow, Wide));
    }
    Wide wide = all(P::nothing());
    for (std::int64_t i = 0; i < count; ++i) wide[i] = static_cast<Word>(x[reverse ? count - 1 - i : i]);
    return wide;
  }
  static WICK_INLINE void store(T* y, std::int64_t count, Wide wide) {
    if (count == width) [[likely]] {
      Narrow const narrow = __builtin_convertvector(turned(wide), Narrow);
      std::memcpy(y, &narrow, sizeof narrow);
    } else {
      for (std::int64_t i = 0; i < count; ++i) y[reverse ? count - 1 - i : i] = static_cast<T>(wide[i]);
    }
  }
  // Each lane joined to all before it.
  template <int by = 1>
  static WICK_INLINE Wide within(Wide x) {
    if constexpr (by > last) return x;
    else return within<2 * by>(join(lanes_up<by>(x, all(P::nothing())), x));
  }
};
#endif

// Whether a line's chunks are shared out among threads: they read it twice, for two of them that does not pay.
inline bool shares_chunks(std::int64_t n) { return n >= 4 * scan_chunk && num_threads() > 2; }

/// A line, chunk by chunk.
template <Scan kind, class T, bool reverse>
void scan_line(T const* x, std::int64_t n, T* y) {
  using Line = LineScan<kind, T, reverse>;
  using P = Prefix<kind, T>;
  using Total = typename P::State;
  std::int64_t const chunks = (n + scan_chunk - 1) / scan_chunk;
  auto const run = [&](std::int64_t c, Total before, T* to) {
    std::int64_t const length = std::min(scan_chunk, n - c * scan_chunk), at = reverse ? n - c * scan_chunk - length : c * scan_chunk;
    return Line::chunk(x + at, length, before, to ? to + at : nullptr);
  };
  Total before = P::nothing();
  if (!shares_chunks(n)) {
    for (std::int64_t c = 0; c < chunks; ++c) before = P::join(before, run(c, before, y));
    return;
  }
  // First what each chunk amounts to.
  Scratch<Total> const totals(chunks);
  parallel_for(chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) totals[c] = run(c, P::nothing(), static_cast<T*>(nullptr));
  });
  for (std::int64_t c = 0; c < chunks; ++c) before = P::join(before, std::exchange(totals[c], before));
  parallel_for(chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) run(c, totals[c], y);
  });
}

#if WICK_VECTORS
/// log(sum(exp)) along a line, a register at a time: the largest element so far, and the sum of exponentials beside it as a
/// recurrence whose factors are what the sum loses when a larger element comes.
template <Lane T>
void logsumexp_line(T const* x, std::int64_t n, T* y) {
  constexpr std::int64_t width = lanes<T>;
  typedef T V __attribute__((vector_size(sizeof(Batch<T>))));
  auto const up = []<int by>(std::integral_constant<int, by>, Batch<T> const& a, Batch<T> const& fill) WICK_LAMBDA_INLINE {
    return std::bit_cast<Batch<T>>(lanes_up<by>(std::bit_cast<V>(a), std::bit_cast<V>(fill)));
  };
  auto const each_step = []<int... K>(std::integer_sequence<int, K...>, auto const& step) WICK_LAMBDA_INLINE {
    ((1 << K < width ? step(std::integral_constant<int, (1 << K < width ? 1 << K : 1)>{}) : void()), ...);
  };
  // Equal ones may be infinite, and have no difference then.
  auto const ratio = [](Batch<T> const& a, Batch<T> const& b) WICK_LAMBDA_INLINE {
    return math::exp(simd::select<Batch<T>>(a == b, Batch<T>(T(0)), a - b));
  };
  alignas(64) T few[std::size_t{width}];
  Batch<T> largest(math::least<T>()), sum(T(0));
  for (std::int64_t k = 0; k < n; k += width) {
    std::int64_t const count = std::min(width, n - k);
    if (count < width) std::copy_n(x + k, count, few), std::fill(few + count, few + width, math::least<T>());
    Batch<T> const in = simd::load(count < width ? few : x + k);
    Batch<T> high = in;
    each_step(std::make_integer_sequence<int, 4>{}, [&](auto by) WICK_LAMBDA_INLINE { high = math::maximum(high, up(by, high, Batch<T>(math::least<T>()))); });
    high = math::maximum(high, largest);
    Batch<T> factor = ratio(up(std::integral_constant<int, 1>{}, high, largest), high), term = ratio(in, high);
    each_step(std::make_integer_sequence<int, 4>{}, [&](auto by) WICK_LAMBDA_INLINE {
      term = simd::fma<Batch<T>>(factor, up(by, term, Batch<T>(T(0))), term);
      factor = factor * up(by, factor, Batch<T>(T(1)));
    });
    sum = simd::fma<Batch<T>>(factor, sum, term);
    simd::store(few, high + math::log(sum));
    std::copy_n(few, count, y + k);
    simd::store(few, high), largest = Batch<T>(few[width - 1]);
    simd::store(few, sum), sum = Batch<T>(few[width - 1]);
  }
}
#endif

/// Columns [low, low + count) of rows that are `pitch` apart, all rows from the first (reversed: the last) on.
template <Scan kind, class T>
void scan_columns(T const* x, std::int64_t n, std::int64_t pitch, std::int64_t count, bool reverse, T* y) {
  using P = Prefix<kind, T>;
  constexpr std::int64_t most = scan_columns_together;
  auto const rows = [&](auto const& row) {
    for (std::int64_t k = 0; k < n; ++k) row((reverse ? n - 1 - k : k) * pitch);
  };
  if constexpr (kind == Scan::logsumexp && Lane<T>) {
    alignas(64) T largest[most], sum[most];
    std::fill_n(largest, most, math::least<T>()), std::fill_n(sum, most, T(0));
    auto const step = [&](Batch<T> const& in, std::int64_t j) WICK_LAMBDA_INLINE {
      Batch<T> const before = simd::load(largest + j), one(T(1)), s = simd::load(sum + j);
      Batch<T> const far = math::exp(simd::select<Batch<T>>(in == before, Batch<T>(T(0)), -math::abs(in - before)));
      Batch<T> const high = math::maximum(before, in), next = simd::select<Batch<T>>(before < in, simd::fma<Batch<T>>(s, far, one), s + far);
      simd::store(largest + j, high), simd::store(sum + j, next);
      return high + math::log(next);
    };
    rows([&](std::int64_t at) {
      std::int64_t j = 0;
      for (; j + lanes<T> <= count; j += lanes<T>) simd::store(y + at + j, step(simd::load(x + at + j), j));
      if (j < count) {
        simd::Part<T> const part(count - j);
        part.store(y + at + j, step(part.load(x + at + j), j));
      }
    });
  } else {
    typename P::State so_far[most];
    std::fill_n(so_far, most, P::nothing());
    auto const some = [&](std::int64_t at, std::int64_t columns) WICK_LAMBDA_INLINE {
      for (std::int64_t j = 0; j < columns; ++j) {
        so_far[j] = P::join(so_far[j], P::of(x[at + j]));
        y[at + j] = P::value(so_far[j]);
      }
    };
    // A number of columns that is known makes whole registers.
    if (count == most) rows([&](std::int64_t at) { some(at, most); });
    else rows([&](std::int64_t at) { some(at, count); });
  }
}

/// y = what the elements of a line up to each one join to (backend/prefix.hpp); reverse: from the end.
template <Scan kind, class T>
void scan(LinesShape const& s, bool reverse, T const* x, T* y) {
  if (s.lines() * s.n == 0) return;
  if (s.inner != 1) {
    for_each_columns(s, [&](std::int64_t o, std::int64_t j, std::int64_t count) {
      std::int64_t const at = o * s.n * s.inner + j;
      scan_columns<kind>(x + at, s.n, s.inner, count, reverse, y + at);
    });
    return;
  }
  auto const line = [&](std::int64_t o) {
    T const* const from = x + o * s.n;
    T* const to = y + o * s.n;
#if WICK_VECTORS
    if constexpr (kind == Scan::logsumexp && Lane<T>)
      if (!reverse) return logsumexp_line(from, s.n, to);
#endif
    if (reverse) scan_line<kind, T, true>(from, s.n, to);
    else scan_line<kind, T, false>(from, s.n, to);
  };
  if (s.outer < num_threads() && shares_chunks(s.n) && (kind != Scan::logsumexp || !Lane<T> || reverse)) {
    for (std::int64_t o = 0; o < s.outer; ++o) line(o);
    return;
  }
  parallel_for(s.outer, scan_grain / s.n + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) line(o);
  });
}

/// Columns of rows that are `pitch` apart, of at least one row.
template <bool smallest, class T>
void extreme_columns(T const* x, std::int64_t n, std::int64_t pitch, std::int64_t count, T* y, std::int64_t* index) {
  constexpr std::int64_t most = scan_columns_together;
  if constexpr (Lane<T>) {
    // Registers count the rows in T, which has to hold their number.
    if (n <= std::int64_t{1} << (std::numeric_limits<T>::digits - 1)) {
      alignas(64) T best[most], place[most];
      std::fill_n(best, most, smallest ? -math::least<T>() : math::least<T>()), std::fill_n(place, most, T(0));
      for (std::int64_t k = 0; k < n; ++k, x += pitch, y += pitch, index += pitch) {
        auto const step = [&, row = Batch<T>(static_cast<T>(k))](Batch<T> const& next, std::int64_t j) WICK_LAMBDA_INLINE {
          Batch<T> const so_far = simd::load(best + j);
          Mask<T> const better = (smallest ? next <= so_far : so_far <= next) | ~(next == next);
          simd::store(place + j, simd::select<Batch<T>>(better, row, simd::load(place + j)));
          Batch<T> const chosen = simd::select<Batch<T>>(better, next, so_far);
          simd::store(best + j, chosen);
          return chosen;
        };
        std::int64_t j = 0;
        for (; j + lanes<T> <= count; j += lanes<T>) simd::store(y + j, step(simd::load(x + j), j));
        if (j < count) {
          simd::Part<T> const part(count - j);
          part.store(y + j, step(part.load(x + j), j));
        }
        for (j = 0; j < count; ++j) index[j] = static_cast<std::int64_t>(place[j]);
      }
      return;
    }
  }
  T best[most];
  std::int64_t place[most];
  for (std::int64_t k = 0; k < n; ++k)
    for (std::int64_t j = 0; j < count; ++j) {
      T const next = x[k * pitch + j];
      if (k == 0 || next != next || (smallest ? next <= best[j] : next >= best[j])) best[j] = next, place[j] = k;
      y[k * pitch + j] = best[j], index[k * pitch + j] = place[j];
    }
}

/// y = the largest (smallest) element of a line up to each one, index = where it is (backend/prefix.hpp).
template <bool smallest, class T>
void scan_extreme(LinesShape const& s, T const* x, T* y, std::int64_t* index) {
  if (s.lines() * s.n == 0) return;
  auto const taken = [](T next, T best) { return next != next || (smallest ? next <= best : next >= best); };
  if (s.inner != 1) {
    for_each_columns(s, [&](std::int64_t o, std::int64_t j, std::int64_t count) {
      std::int64_t const at = o * s.n * s.inner + j;
      extreme_columns<smallest>(x + at, s.n, s.inner, count, y + at, index + at);
    });
    return;
  }
  parallel_for(s.outer, scan_grain / s.n + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      T const* const from = x + o * s.n;
      T* const to = y + o * s.n;
      std::int64_t* const where = index + o * s.n;
      for (std::int64_t k = 0, place = 0; k < s.n;) {
        if constexpr (Lane<T>) {
          // While nothing better comes, whole registers are filled.
          for (Batch<T> const best(from[place]); k + lanes<T> <= s.n; k += lanes<T>) {
            Batch<T> const next = simd::load(from + k);
            if (simd::any((smallest ? next <= best : best <= next) | ~(next == next))) break;
            simd::store(to + k, best);
            std::fill_n(where + k, lanes<T>, place);
          }
        }
        for (std::int64_t const stop = Lane<T> ? std::min(s.n, k + 16) : s.n; k < stop; ++k) {
          if (taken(from[k], from[place])) place = k;
          to[k] = from[place], where[k] = place;
        }
      }
    }
  });
}

/// y[i] = x[i] + c[i] y[i - 1] along each line; reversed, y[i] = x[i] + c[i + 1] y[i + 1].
template <class T>
void recurrence(LinesShape const& s, bool reverse, T const* c, T const* x, T* y) {
  if (s.lines() * s.n == 0) return;
  using P = prefix_t<T>;
  auto const columns = [&](std::int64_t o, std::int64_t j, std::int64_t count) {
    P so_far[scan_columns_together];
    std::int64_t const first = o * s.n * s.inner + j, next = reverse ? s.inner : 0;
    for (std::int64_t k = 0; k < s.n; ++k) {
      std::int64_t const at = first + (reverse ? s.n - 1 - k : k) * s.inner;
      for (std::int64_t i = 0; i < count; ++i) {
        so_far[i] = k == 0 ? static_cast<P>(x[at + i]) : static_cast<P>(x[at + i]) + static_cast<P>(c[at + next + i]) * so_far[i];
        y[at + i] = static_cast<T>(so_far[i]);
      }
    }
  };
  if (s.inner != 1) return for_each_columns(s, columns);
  parallel_for(s.outer, scan_grain / 4 / s.n + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) columns(o, 0, 1);
  });
}

}  // namespace backend::cpu

namespace backend {
template <Scan kind, ComputedAsIs T>
void run(Cpu, ScanLines<kind, T> const& call) {
  cpu::scan<kind, T>(call.shape, call.reverse, call.x, call.y);
}
template <bool smallest, ComputedAsIs T>
void run(Cpu, ScanExtreme<smallest, T> const& call) {
  cpu::scan_extreme<smallest, T>(call.shape, call.x, call.y, call.index);
}
template <ComputedAsIs T>
void run(Cpu, Recurrence<T> const& call) {
  cpu::recurrence<T>(call.shape, call.reverse, call.c, call.x, call.y);
}
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
