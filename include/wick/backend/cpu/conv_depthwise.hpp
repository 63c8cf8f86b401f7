// SPDX-License-Identifier: MIT
// Depthwise convolution: each output channel sees one input channel. There is no sum over channels to make a matrix
// product of, so the taps are summed in registers, straight from a padded copy of the plane in the first-level cache.
#pragma once

#include <array>
#include <wick/backend/cpu/conv_input_gradient.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// A plane with its padding, some rows of it at a time. A row is stored as stride_w phases (columns 0, s, 2 s ...; 1,
/// s + 1, ...), so that what one tap reads for neighbouring outputs are neighbours. Behind each phase there is room for
/// a whole register, of zeros.
template <class T>
struct PaddedPlane {
  static constexpr std::int64_t lanes = Tile<T>::lanes;
  Conv2dShape s;
  std::int64_t out_width = s.out_width(), vectors = ceil_div(out_width, lanes);
  std::int64_t phase = vectors * lanes + (s.kernel_w - 1) * s.dilation_w / s.stride_w, row = phase * s.stride_w;
  std::int64_t reach = (s.kernel_h - 1) * s.dilation_h + 1;

  /// Rows behind `out_rows` rows of the output.
  std::int64_t rows(std::int64_t out_rows) const { return (out_rows - 1) * s.stride_h + reach; }
  /// Where output (0, 0) finds the input of a tap.
  std::int64_t tap(std::int64_t t) const {
    std::int64_t const kw = t % s.kernel_w * s.dilation_w;
    return t / s.kernel_w * s.dilation_h * row + kw % s.stride_w * phase + kw / s.stride_w;
  }
  /// Calls visit(input column, column, count) for the runs that make a row: x[input column + i * stride_w] is
  /// row[column + i].
  template <class Visit>
  WICK_INLINE void runs(Visit const& visit) const {
    for (std::int64_t p = 0; p < s.stride_w; ++p) {
      // Phase column i is input column i * stride_w + p - pad_w.
      std::int64_t const shift = p - s.pad_w, low = shift < 0 ? ceil_div(-shift, s.stride_w) : 0;
      std::int64_t const high = std::min(phase, s.width > shift ? ceil_div(s.width - shift, s.stride_w) : 0);
      if (low < high) visit(low * s.stride_w + shift, p * phase + low, high - low);
    }
  }
  /// Copies what output rows [first, first + count) see.
  void fill(T const* x, std::int64_t first, std::int64_t count, T* out) const {
    std::int64_t const top = first * s.stride_h - s.pad_h, all = rows(count);
    std::int64_t const begin = std::max<std::int64_t>(0, -top), end = std::min(all, s.height - top);
    std::fill(out, out + all * row, T(0));
    runs([&](std::int64_t from, std::int64_t to, std::int64_t n) {
      for (std::int64_t r = begin; r < end; ++r)
        copy_run(x + (top + r) * s.width + from, s.stride_w, n, out + r * row + to);
    });
  }
};

/// One depthwise convolution, and its gradients. Filters are (out_channels, taps).
template <class T>
class Depthwise {
 public:
  explicit Depthwise(Conv2dShape const& shape) : s(shape) {
    for (std::int64_t t = 0; t < taps; ++t) tap[t] = padded.tap(t);
  }

  /// y = the convolution.
  void forward(T const* x, T const* w, T* y, Epilogue<T> epilogue) const {
    each_block(outputs, [&](std::int64_t at, std::int64_t first, std::int64_t count, T* block) {
      padded.fill(x + at * plane, first, count, block);
      for (std::int64_t j = 0; j < outputs; ++j) {
        T* const to = y + (at * outputs + j) * pixels + first * out_width;
        convolve_block(block, w + (at % s.groups * outputs + j) * taps, false, count, to, false);
        epilogue(at * outputs + j, first * out_width, count * out_width, to);
      }
    });
  }

  /// gx = (or +=) the gradient by the input of a convolution of stride 1, `s` being the shape of its adjoint: planes of
  /// `multiplier` channels of gy, convolved with reversed filters, add up to one plane of gx.
  void backward(T const* gy, T const* w, T* gx, bool accumulate, std::int64_t multiplier) const {
    each_block(multiplier, [&](std::int64_t at, std::int64_t first, std::int64_t count, T* block) {
      for (std::int64_t j = 0; j < multiplier; ++j) {
        padded.fill(gy + (at * multiplier + j) * plane, first, count, block);
        convolve_block(block, w + (at % s.groups * multiplier + j) * taps, true, count,
                       gx + at * pixels + first * out_width, accumulate || j > 0);
      }
    });
  }

  /// gx = (or +=) the gradient by the input, for any stride: each output adds to what it saw.
  void scatter(T const* gy, T const* w, T* gx, bool accumulate) const {
    parallel_tasks(s.batch * s.groups, 2 * outputs * pixels * taps, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t const rows = padded.rows(out_height);
      Scratch<T> block(rows * padded.row), line(wide);
      std::fill(line.data(), line.data() + wide, T(0));
      for (std::int64_t at = begin; at < end; ++at) {
        std::fill(block.data(), block.data() + rows * padded.row, T(0));
        for (std::int64_t j = 0; j < outputs; ++j)
          for (std::int64_t r = 0; r < out_height; ++r) {
            copy_run(gy + (at * outputs + j) * pixels + r * out_width, 1, out_width, line.data());
            add_line(line.data(), w + (at % s.groups * outputs + j) * taps, block.data() + r * s.stride_h * padded.row);
          }
        T* const target = gx + at * plane;
        if (!accumulate) std::fill(target, target + plane, T(0));
        std::int64_t const seen = std::min(rows - s.pad_h, s.height);
        padded.runs([&](std::int64_t from, std::int64_t to, std::int64_t n) {
          for (std::int64_t r = 0; r < seen; ++r)
            add_run(block.data() + (r + s.pad_h) * padded.row + to, s.stride_w, n, target + r * s.width + from);
        });
      }
    });
  }

  /// gw = (or +=) the gradient by the filters, summed in registers over the rows of a block, then over the images.
  void weight_gradient(T const* x, T const* gy, T* gw, bool accumulate) const {
    std::int64_t const parts = ceil_div(outputs, at_once);
    std::int64_t const work = std::min(outputs, at_once) * s.batch * pixels * taps;
    parallel_tasks(s.groups * parts, work, [&](std::int64_t begin, std::int64_t end) {
      Scratch<T> block(padded.rows(rows_at_once) * padded.row), lines(rows_at_once * wide),
          sums(at_once * taps * lanes);
      std::fill(lines.data(), lines.data() + rows_at_once * wide, T(0));
      for (std::int64_t task = begin; task < end; ++task) {
        std::int64_t const group = task / parts, j0 = task % parts * at_once, j1 = std::min(outputs, j0 + at_once);
        std::fill(sums.data(), sums.data() + at_once * taps * lanes, T(0));
        for (std::int64_t n = 0; n < s.batch; ++n)
          for (std::int64_t first = 0; first < out_height; first += rows_at_once) {
            std::int64_t const count = std::min(rows_at_once, out_height - first);
            padded.fill(x + (n * s.groups + group) * plane, first, count, block.data());
            for (std::int64_t j = j0; j < j1; ++j) {
              T const* const from = gy + ((n * s.groups + group) * outputs + j) * pixels + first * out_width;
              for (std::int64_t r = 0; r < count; ++r)
                copy_run(from + r * out_width, 1, out_width, lines.data() + r * wide);
              for (std::int64_t t = 0; t < taps; t += taps_at_once)
                add_products(block.data(), lines.data(), count, t, std::min(taps_at_once, taps - t),
                             sums.data() + (j - j0) * taps * lanes);
            }
          }
        T* const to = gw + (group * outputs + j0) * taps;
        for (std::int64_t i = 0; i < (j1 - j0) * taps; ++i) {
          T const sum = V::sum(V::load(sums.data() + i * lanes));
          to[i] = accumulate ? static_cast<T>(to[i] + sum) : sum;
        }
      }
    });
  }

 private:
  using V = TileVector<T>;
  static constexpr std::int64_t lanes = Tile<T>::lanes, at_once = 8, taps_at_once = 9;
  Conv2dShape s;
  PaddedPlane<T> padded{s};
  std::int64_t out_height = s.out_height(), out_width = s.out_width(), pixels = out_height * out_width;
  std::int64_t taps = s.kernel_h * s.kernel_w, outputs = s.group_out(), plane = s.height * s.width;
  std::int64_t wide = padded.vectors * lanes;
  // Rows at a time: a padded block stays in the first-level cache.
  std::int64_t rows_at_once =
      even_block(out_height, std::max<std::int64_t>(1, GemmBlock<T>::depth * 16 / (padded.row * s.stride_h)));
  Scratch<std::int64_t> tap{taps};  // where each tap finds its input

  /// Calls work(plane, first row, rows, memory for what they see) for all planes of the output, some rows at a time;
  /// each such piece is computed `times` over.
  template <class Work>
  void each_block(std::int64_t times, Work const& work) const {
    std::int64_t const blocks = ceil_div(out_height, rows_at_once);
    parallel_tasks(s.batch * s.groups * blocks, times * rows_at_once * out_width * taps,
                   [&](std::int64_t begin, std::int64_t end) {
                     Scratch<T> block(padded.rows(rows_at_once) * padded.row);
                     for (std::int64_t task = begin; task < end; ++task) {
                       std::int64_t const first = task % blocks * rows_at_once;
                       work(task / blocks, first, std::min(rows_at_once, out_height - first), block.data());
                     }
                   });
  }
  /// Lanes behind a row's end must not take part, not even times zero: gives `x` in the first `n` lanes, else `rest`.
  /// Whole numbers times zero are zero.
  template <class X>
  static WICK_INLINE X first_lanes([[maybe_unused]] std::int64_t n, X const& x, [[maybe_unused]] X const& rest) {
    if constexpr (Lane<T>) {
      alignas(alignment) static constexpr auto numbers = [] {
        std::array<T, std::size_t{lanes}> found{};
        for (std::size_t i = 0; i < found.size(); ++i) found[i] = static_cast<T>(i);
        return found;
      }();
      auto const inside = V::load(numbers.data()) < V::splat(static_cast<T>(n));
      return simd::select<X>(inside, x, rest);
    } else {
      return x;
    }
  }
  /// `count` rows of the output of one filter, some registers of it at a time, from a padded block.
  void convolve_block(T const* block, T const* w, bool reversed, std::int64_t count, T* y, bool add) const {
    std::int64_t const down = s.stride_h * padded.row;
    T const* last = block;
    for (std::int64_t row = 0, column = 0; row < count;) {
      T const* from[at_once];
      T* to[at_once];
      std::int64_t n[at_once], used = 0;
      for (; used < at_once && row < count; ++used) {
        from[used] = last = block + row * down + column;
        to[used] = y + row * out_width + column;
        n[used] = std::min(lanes, out_width - column);
        column += lanes;
        if (column >= out_width) ++row, column = 0;
      }
      for (std::int64_t q = used; q < at_once; ++q) from[q] = last;
      typename V::Type sum[at_once];
      WICK_UNROLL for (std::int64_t q = 0; q < at_once; ++q) sum[q] = V::splat(T(0));
      for (std::int64_t t = 0; t < taps; ++t) {
        auto const factor = V::splat(w[reversed ? taps - 1 - t : t]);
        std::int64_t const offset = tap[t];
        WICK_UNROLL for (std::int64_t q = 0; q < at_once; ++q) sum[q] =
            V::fma(factor, V::load(from[q] + offset), sum[q]);
      }
      alignas(alignment) T results[std::size_t{at_once}][std::size_t{lanes}];
      WICK_UNROLL for (std::int64_t q = 0; q < at_once; ++q) V::store(results[q], sum[q]);
      for (std::int64_t q = 0; q < used; ++q) {
        if (add)
          add_run(results[q], 1, n[q], to[q]);
        else
          copy_run(results[q], 1, n[q], to[q]);
      }
    }
  }
  /// Adds a row of the output's gradient times each tap to the padded rows that it saw.
  void add_line(T const* line, T const* w, T* to) const {
    std::int64_t const whole = out_width / lanes * lanes;
    for (std::int64_t t = 0; t < taps; ++t) {
      auto const factor = V::splat(w[t]);
      T* const at = to + tap[t];
      for (std::int64_t i = 0; i < whole; i += lanes)
        V::store(at + i, V::fma(factor, V::load(line + i), V::load(at + i)));
      if (whole == out_width) continue;
      auto const before = V::load(at + whole), after = V::fma(factor, V::load(line + whole), before);
      V::store(at + whole, first_lanes(out_width - whole, after, before));
    }
  }
  /// Adds sums over `count` rows of lines * block to those of taps [first, first + many), a register each.
  void add_products(T const* block, T const* lines, std::int64_t count, std::int64_t first, std::int64_t many,
                    T* sums) const {
    std::int64_t offset[taps_at_once];
    typename V::Type sum[taps_at_once];
    WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) {
      offset[q] = tap[first + std::min(q, many - 1)];
      sum[q] = V::splat(T(0));
    }
    std::int64_t const whole = out_width / lanes, tail = out_width % lanes;
    for (std::int64_t r = 0; r < count; ++r) {
      T const* from = block + r * s.stride_h * padded.row;
      T const* line = lines + r * wide;
      for (std::int64_t v = 0; v < whole; ++v, from += lanes, line += lanes) {
        auto const g = V::load(line);
        WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) sum[q] =
            V::fma(g, V::load(from + offset[q]), sum[q]);
      }
      if (tail == 0) continue;
      auto const zero = V::splat(T(0)), g = V::load(line);
      WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) sum[q] =
          V::fma(g, first_lanes(tail, V::load(from + offset[q]), zero), sum[q]);
    }
    alignas(alignment) T results[std::size_t{taps_at_once}][std::size_t{lanes}];
    WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) V::store(results[q], sum[q]);
    for (std::int64_t q = 0; q < many; ++q) {
      T* const to = sums + (first + q) * lanes;
      V::store(to, V::add(V::load(to), V::load(results[q])));
    }
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
