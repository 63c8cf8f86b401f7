// SPDX-License-Identifier: MIT
// Positions of extreme elements along the middle dimension of (outer, n, inner). The first NaN wins, then the first
// extreme element: which one it is does not depend on how the work is cut.
#pragma once

#include <algorithm>
#include <limits>
#include <numeric>

#include <wick/backend/cpu/threads.hpp>
#include <wick/backend/cpu/transpose.hpp>
#include <wick/base/math.hpp>
#include <wick/calls/lines.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// A piece of work that is worth a thread, in elements.
inline constexpr std::int64_t arg_grain = std::int64_t{1} << 15;

template <bool smallest, class T>
class ArgExtreme {
 public:
  ArgExtreme(std::int64_t outer, std::int64_t n, std::int64_t inner, T const* x, std::int64_t* out)
      : n_(n), inner_(inner), x_(x), out_(out) {
    std::int64_t const grain = arg_grain / n + 1;
    if (outer == 1 && inner == 1) {
      find_in_pieces();
    } else if (inner == 1) {
      parallel_for(outer, grain, [&](std::int64_t begin, std::int64_t end) { lines(begin, end); });
    } else if (outer >= 16) {
      parallel_for(outer, grain / inner + 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t o = begin; o < end; ++o) columns(x_ + o * n_ * inner_, inner_, 0, inner_, out_ + o * inner_);
      });
    } else {
      std::int64_t const unit = 64, units = (inner + unit - 1) / unit;  // columns that stay together
      parallel_for(outer * units, grain / unit + 1, [&](std::int64_t begin, std::int64_t end) {
        while (begin < end) {
          std::int64_t const o = begin / units, first = begin % units, last = std::min(units, first + end - begin);
          columns(x_ + o * n_ * inner_, inner_, first * unit, std::min(inner_, last * unit), out_ + o * inner_);
          begin += last - first;
        }
      });
    }
  }

 private:
  static bool beats(T a, T b) { return b == b && (a != a || (smallest ? a < b : b < a)); }

  // Where the first extreme element of a line is: one of n from `start` on, which has this value.
  struct Stretch {
    T value;
    std::int64_t start, n;
  };

  // One long line, stretch by stretch: the lanes' extremes tell whether one of them is worth a closer look.
  Stretch find_stretch(T const* line, std::int64_t n) const {
    constexpr std::int64_t stretch = 2048;
    Stretch best{line[0], 0, std::min(n, stretch)};
    for (std::int64_t start = 0; start < n && best.value == best.value; start += stretch) {
      std::int64_t const length = std::min(stretch, n - start);
      T extreme = line[start];
      if (length >= 4 * lanes<T>) {
        Batch<T> const all = extremes(line + start, length), so_far(best.value);
        if (start > 0 && simd::all(smallest ? so_far <= all : all <= so_far)) continue;  // NaN is no such thing
        extreme = smallest ? simd::reduce_min(all) : simd::reduce_max(all);
      } else {
        for (std::int64_t i = 1; i < length; ++i)
          if (beats(line[start + i], extreme)) extreme = line[start + i];
      }
      if (start == 0 || beats(extreme, best.value)) best = {extreme, start, length};
    }
    return best;
  }
  // n elements, at least four registers, lane by lane.
  static WICK_INLINE auto extremes(T const* line, std::int64_t n) {
    constexpr std::int64_t width = lanes<T>;
    auto const at = [&](std::int64_t i) WICK_LAMBDA_INLINE { return simd::load(line + i); };
    auto const join = [](Batch<T> const& a, Batch<T> const& b) WICK_LAMBDA_INLINE {
      if constexpr (smallest) return math::minimum(a, b);
      else return math::maximum(a, b);
    };
    Batch<T> a = at(0), b = at(width), c = at(2 * width), d = at(3 * width);
    std::int64_t i = 4 * width;
    for (; i + 4 * width <= n; i += 4 * width)
      a = join(a, at(i)), b = join(b, at(i + width)), c = join(c, at(i + 2 * width)), d = join(d, at(i + 3 * width));
    for (; i < n; i += width) a = join(a, at(std::min(i, n - width)));
    return join(join(a, b), join(c, d));
  }
  static std::int64_t place(T const* line, Stretch const& s) {
    for (std::int64_t i = s.start; i < s.start + s.n; ++i)
      if (line[i] == s.value || (s.value != s.value && line[i] != line[i])) return i;
    return s.start;
  }

  std::int64_t find(T const* line, std::int64_t n) const {
    if constexpr (Lane<T>) {
      return place(line, find_stretch(line, n));
    } else {
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < n; ++i)
        if (beats(line[i], line[best])) best = i;
      return best;
    }
  }

  void find_in_pieces() const {
    constexpr std::int64_t most = 64;
    std::int64_t const pieces = std::clamp<std::int64_t>(n_ / arg_grain, 1, most);
    Stretch found[most];
    parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = begin; p < end; ++p) {
        std::int64_t const low = n_ * p / pieces, high = n_ * (p + 1) / pieces;
        if constexpr (Lane<T>) {
          found[p] = find_stretch(x_ + low, high - low);
          found[p].start += low;
        } else {
          std::int64_t const at = low + find(x_ + low, high - low);
          found[p] = {x_[at], at, 1};
        }
      }
    });
    Stretch best = found[0];
    for (std::int64_t p = 1; p < pieces; ++p)
      if (beats(found[p].value, best.value)) best = found[p];
    *out_ = place(x_, best);
  }

  void lines(std::int64_t begin, std::int64_t end) const {
    if constexpr (Lane<T>) {
      constexpr std::int64_t together = 128, longest = 64;
      if (n_ <= longest) {
        // Short lines are turned, so that each has a lane of its own.
        alignas(64) T turned[together * longest];
        for (std::int64_t i = begin; i < end; i += together) {
          std::int64_t const count = std::min(together, end - i);
          transpose(x_ + i * n_, n_, turned, together, count, n_);
          columns(turned, together, 0, count, out_ + i);
        }
        return;
      }
    }
    for (std::int64_t i = begin; i < end; ++i) out_[i] = find(x_ + i * n_, n_);
  }

  // Columns [low, high) of rows that are `pitch` apart.
  void columns(T const* x, std::int64_t pitch, std::int64_t low, std::int64_t high, std::int64_t* out) const {
    if constexpr (Lane<T>) {
      std::int64_t const count = high - low, width = lanes<T>;
      // Positions are counted in T: it has to hold them.
      if (n_ <= std::int64_t{1} << (std::numeric_limits<T>::digits - 1)) {
        if (count >= 4 * width) return wide_columns(x + low, pitch, count, out + low);
        if (pitch == count && n_ * count >= 8 * count * width) return joined_columns(x, count, out);
        if (count >= width) return wide_columns(x + low, pitch, count, out + low);
      }
    }
    for (std::int64_t j = low; j < high; ++j) {
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < n_; ++i)
        if (beats(x[i * pitch + j], x[best * pitch + j])) best = i;
      out[j] = best;
    }
  }

  // Rows [first, first + rows) of `width` columns, whole registers, against the best so far and its row.
  static void rows(T const* x, std::int64_t pitch, std::int64_t first, std::int64_t rows, std::int64_t width, T* best, T* index) {
    constexpr std::int64_t step = lanes<T>;
    auto const some = [&]<std::size_t... K>(std::int64_t c, std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      Batch<T> value[] = {simd::load(best + c + static_cast<std::int64_t>(K) * step)...};
      Batch<T> at[] = {simd::load(index + c + static_cast<std::int64_t>(K) * step)...};
      for (std::int64_t r = 0; r < rows; ++r) {
        Batch<T> const row(static_cast<T>(first + r));
        auto const take = [&](Batch<T> const& next, Batch<T>& v, Batch<T>& i) WICK_LAMBDA_INLINE {
          Mask<T> const better = ~(smallest ? v <= next : next <= v) & (v == v);  // also where next is NaN
          v = simd::select<Batch<T>>(better, next, v);
          i = simd::select<Batch<T>>(better, row, i);
        };
        (take(simd::load(x + r * pitch + c + static_cast<std::int64_t>(K) * step), value[K], at[K]), ...);
      }
      ((simd::store(best + c + static_cast<std::int64_t>(K) * step, value[K]),
        simd::store(index + c + static_cast<std::int64_t>(K) * step, at[K])), ...);
    };
    std::int64_t c = 0;
    for (; c + 4 * step <= width; c += 4 * step) some(c, std::make_index_sequence<4>{});
    for (; c < width; c += step) some(c, std::index_sequence<0>{});
  }

  void wide_columns(T const* x, std::int64_t pitch, std::int64_t count, std::int64_t* out) const {
    constexpr std::int64_t block = 4096, width = lanes<T>, together = 8;
    alignas(64) T best[block], index[block];
    for (std::int64_t low = 0; low < count; low += block) {
      // Whole registers: the last one lies over the one before.
      std::int64_t const wanted = std::min(block, count - low), whole = wanted / width * width;
      std::int64_t const start[] = {low, low + wanted - width}, length[] = {whole, whole < wanted ? width : 0};
      for (int part = 0; part < 2; ++part) {
        T const* const from = x + start[part];
        if (length[part] == 0) continue;
        std::copy_n(from, length[part], best);
        std::fill_n(index, length[part], T(0));
        for (std::int64_t r = 1; r < n_; r += together)
          rows(from + r * pitch, pitch, r, std::min(together, n_ - r), length[part], best, index);
        for (std::int64_t j = 0; j < length[part]; ++j) out[start[part] + j] = static_cast<std::int64_t>(index[j]);
      }
    }
  }

  // Few columns, dense: some rows side by side fill whole registers.
  void joined_columns(T const* x, std::int64_t count, std::int64_t* out) const {
    constexpr std::int64_t width = lanes<T>;
    std::int64_t const unit = width / std::gcd(count, width), group = (4 * width / count + unit) / unit * unit;
    std::int64_t const wide = group * count, groups = n_ / group;
    alignas(64) T best[std::size_t{9 * width * width}], index[std::size_t{9 * width * width}];
    std::copy_n(x, wide, best);
    std::fill_n(index, wide, T(0));
    for (std::int64_t r = 1; r < groups; r += 64) rows(x + r * wide, wide, r, std::min<std::int64_t>(64, groups - r), wide, best, index);
    for (std::int64_t j = 0; j < count; ++j) {
      T value = best[j];
      std::int64_t at = static_cast<std::int64_t>(index[j]) * group;
      for (std::int64_t k = 1; k < group; ++k) {
        T const other = best[k * count + j];
        std::int64_t const place = static_cast<std::int64_t>(index[k * count + j]) * group + k;
        bool const same = other == value || (other != other && value != value);
        if (beats(other, value) || (same && place < at)) value = other, at = place;
      }
      for (std::int64_t i = groups * group; i < n_; ++i)
        if (beats(x[i * count + j], value)) value = x[i * count + j], at = i;
      out[j] = at;
    }
  }

  std::int64_t n_, inner_;
  T const* x_;
  std::int64_t* out_;
};

template <bool smallest, class T>
void arg_extreme(std::int64_t outer, std::int64_t n, std::int64_t inner, T const* x, std::int64_t* out) {
  ArgExtreme<smallest, T>(outer, n, inner, x, out);
}

}  // namespace backend::cpu

namespace backend {
template <bool smallest, class T>
void run(Cpu, ArgExtreme<smallest, T> const& call) {
  if (call.shape.lines() > 0) cpu::arg_extreme<smallest, T>(call.shape.outer, call.shape.n, call.shape.inner, call.x, call.y);
}
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
