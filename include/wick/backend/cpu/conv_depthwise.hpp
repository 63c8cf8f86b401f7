// SPDX-License-Identifier: MIT
// Depthwise convolution: each output channel sees one input channel. There is no sum over channels to make a matrix
// product of, so the taps are summed in registers, straight from a padded copy of the plane in the first-level cache.
#pragma once

#include <wick/backend/cpu/conv_input_gradient.hpp>

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
  /// Calls visit(input columns, phase columns, count) for the runs that make a row: x[input + i * stride_w] is
  /// row[at + i].
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
    std::int64_t const top = first * s.stride_h - s.pad_h;
    std::fill(out, out + rows(count) * row, T(0));
    for (std::int64_t r = std::max<std::int64_t>(0, -top); r < std::min(rows(count), s.height - top); ++r)
      runs([&](std::int64_t from, std::int64_t to, std::int64_t n) {
        copy_run(x + (top + r) * s.width + from, s.stride_w, n, out + r * row + to);
      });
  }
};

/// One depthwise convolution, and its gradients. `filters` are (out_channels, taps).
template <class T>
struct Depthwise {
  using V = TileVector<T>;
  static constexpr std::int64_t lanes = Tile<T>::lanes, at_once = 8, taps_at_once = 9;
  Conv2dShape s;
  PaddedPlane<T> padded{s};
  std::int64_t out_height = s.out_height(), out_width = s.out_width(), pixels = out_height * out_width;
  std::int64_t taps = s.kernel_h * s.kernel_w, outputs = s.group_out(), plane = s.height * s.width;
  // Rows at a time: a padded block stays in the first-level cache.
  std::int64_t rows_at_once = even_block(
      out_height, std::max<std::int64_t>(1, GemmBlock<T>::depth * 16 / (padded.row * s.stride_h)));

  /// y = the convolution.
  void forward(T const* x, T const* w, T* y, Epilogue<T> epilogue) const {
    std::int64_t const blocks = ceil_div(out_height, rows_at_once);
    parallel_for(s.batch * s.groups * blocks, task_grain(outputs * rows_at_once * out_width * taps),
                 [&](std::int64_t begin, std::int64_t end) {
                   Scratch<T> block(padded.rows(rows_at_once) * padded.row);
                   for (std::int64_t task = begin; task < end; ++task) {
                     std::int64_t const at = task / blocks, first = task % blocks * rows_at_once;
                     std::int64_t const count = std::min(rows_at_once, out_height - first);
                     padded.fill(x + at * plane, first, count, block.data());
                     for (std::int64_t j = 0; j < outputs; ++j) {
                       T* const to = y + (at * outputs + j) * pixels + first * out_width;
                       convolve_block(block.data(), w + (at % s.groups * outputs + j) * taps, false, count, to, false);
                       epilogue(at * outputs + j, first * out_width, count * out_width, to);
                     }
                   }
                 });
  }

  /// gx = (or +=) the gradient by the input of a convolution of stride 1, `s` being the shape of its adjoint: planes of
  /// `multiplier` channels of gy, convolved with reversed filters, add up to one plane of gx.
  void backward(T const* gy, T const* w, T* gx, bool accumulate, std::int64_t multiplier) const {
    std::int64_t const blocks = ceil_div(out_height, rows_at_once);
    parallel_for(s.batch * s.groups * blocks, task_grain(multiplier * rows_at_once * out_width * taps),
                 [&](std::int64_t begin, std::int64_t end) {
                   Scratch<T> block(padded.rows(rows_at_once) * padded.row);
                   for (std::int64_t task = begin; task < end; ++task) {
                     std::int64_t const at = task / blocks, first = task % blocks * rows_at_once;
                     std::int64_t const count = std::min(rows_at_once, out_height - first);
                     for (std::int64_t j = 0; j < multiplier; ++j) {
                       padded.fill(gy + (at * multiplier + j) * plane, first, count, block.data());
                       convolve_block(block.data(), w + (at % s.groups * multiplier + j) * taps, true, count,
                                      gx + at * pixels + first * out_width, accumulate || j > 0);
                     }
                   }
                 });
  }

  /// gx = (or +=) the gradient by the input, for any stride: each output adds to what it saw.
  void scatter(T const* gy, T const* w, T* gx, bool accumulate) const {
    parallel_for(s.batch * s.groups, task_grain(2 * outputs * pixels * taps), [&](std::int64_t begin, std::int64_t end) {
      std::int64_t const rows = padded.rows(out_height);
      Scratch<T> block(rows * padded.row), line(padded.vectors * lanes);
      for (std::int64_t at = begin; at < end; ++at) {
        std::fill(block.data(), block.data() + rows * padded.row, T(0));
        for (std::int64_t j = 0; j < outputs; ++j)
          for (std::int64_t r = 0; r < out_height; ++r) {
            std::fill(line.data() + out_width, line.data() + padded.vectors * lanes, T(0));
            copy_run(gy + (at * outputs + j) * pixels + r * out_width, 1, out_width, line.data());
            for (std::int64_t t = 0; t < taps; ++t) {
              auto const factor = V::splat(w[(at % s.groups * outputs + j) * taps + t]);
              T* const to = block.data() + r * s.stride_h * padded.row + padded.tap(t);
              for (std::int64_t i = 0; i < out_width; i += lanes) {
                auto const before = V::load(to + i), after = V::fma(factor, V::load(line.data() + i), before);
                V::store(to + i, out_width - i < lanes ? first_lanes(out_width - i, after, before) : after);
              }
            }
          }
        T* const target = gx + at * plane;
        if (!accumulate) std::fill(target, target + plane, T(0));
        for (std::int64_t r = 0; r < std::min(rows - s.pad_h, s.height); ++r)
          padded.runs([&](std::int64_t from, std::int64_t to, std::int64_t n) {
            add_run(block.data() + (r + s.pad_h) * padded.row + to, s.stride_w, n, target + r * s.width + from);
          });
      }
    });
  }

  /// gw = (or +=) the gradient by the filters. The sum over an image is made in registers; images follow each other.
  void weight_gradient(T const* x, T const* gy, T* gw, bool accumulate) const {
    std::int64_t const parts = ceil_div(outputs, at_once);
    std::int64_t const work = std::min(outputs, at_once) * s.batch * pixels * taps;
    parallel_for(s.groups * parts, task_grain(work), [&](std::int64_t begin, std::int64_t end) {
      std::int64_t const wide = padded.vectors * lanes;
      Scratch<T> block(padded.rows(rows_at_once) * padded.row), lines(rows_at_once * wide);
      for (std::int64_t task = begin; task < end; ++task) {
        std::int64_t const group = task / parts, j0 = task % parts * at_once, j1 = std::min(outputs, j0 + at_once);
        T* const to = gw + group * outputs * taps;
        if (!accumulate) std::fill(to + j0 * taps, to + j1 * taps, T(0));
        for (std::int64_t n = 0; n < s.batch; ++n)
          for (std::int64_t first = 0; first < out_height; first += rows_at_once) {
            std::int64_t const count = std::min(rows_at_once, out_height - first);
            padded.fill(x + (n * s.groups + group) * plane, first, count, block.data());
            for (std::int64_t j = j0; j < j1; ++j) {
              T const* const from = gy + ((n * s.groups + group) * outputs + j) * pixels + first * out_width;
              for (std::int64_t r = 0; r < count; ++r) {
                copy_run(from + r * out_width, 1, out_width, lines.data() + r * wide);
                std::fill(lines.data() + r * wide + out_width, lines.data() + (r + 1) * wide, T(0));
              }
              for (std::int64_t t = 0; t < taps; t += taps_at_once)
                add_products(block.data(), lines.data(), count, t, std::min(taps_at_once, taps - t), to + j * taps + t);
            }
          }
      }
    });
  }

 private:
  /// `count` rows of the output of one filter, some registers of it at a time, from a padded block.
  void convolve_block(T const* block, T const* w, bool reversed, std::int64_t count, T* y, bool add) const {
    std::int64_t const all = count * padded.vectors;
    for (std::int64_t i = 0; i < all; i += at_once) {
      T const* from[at_once];
      typename V::Type sum[at_once];
      WICK_UNROLL for (std::int64_t q = 0; q < at_once; ++q) {
        std::int64_t const at = std::min(i + q, all - 1);
        from[q] = block + at / padded.vectors * s.stride_h * padded.row + at % padded.vectors * lanes;
        sum[q] = V::splat(T(0));
      }
      for (std::int64_t t = 0; t < taps; ++t) {
        auto const factor = V::splat(w[reversed ? taps - 1 - t : t]);
        std::int64_t const offset = padded.tap(t);
        WICK_UNROLL for (std::int64_t q = 0; q < at_once; ++q) sum[q] = V::fma(factor, V::load(from[q] + offset), sum[q]);
      }
      alignas(alignment) T results[at_once][lanes];
      WICK_UNROLL for (std::int64_t q = 0; q < at_once; ++q) V::store(results[q], sum[q]);
      for (std::int64_t q = 0; q < std::min(at_once, all - i); ++q) {
        std::int64_t const column = (i + q) % padded.vectors * lanes, n = std::min(lanes, out_width - column);
        T* const to = y + (i + q) / padded.vectors * out_width + column;
        if (add) add_run(results[q], 1, n, to);
        else copy_run(results[q], 1, n, to);
      }
    }
  }
  /// The first `n` lanes of x, the others of `rest`: lanes behind a row's end must not take part, not even times zero.
  static WICK_INLINE auto first_lanes(std::int64_t n, typename V::Type const& x, typename V::Type const& rest) {
    if constexpr (lanes > 1) {
      alignas(alignment) T number[lanes];
      for (std::int64_t i = 0; i < lanes; ++i) number[i] = static_cast<T>(i);
      return simd::select<typename V::Type>(V::load(number) < V::splat(static_cast<T>(n)), x, rest);
    } else {
      return n > 0 ? x : rest;
    }
  }
  /// Adds sums over `count` rows of lines * block to the gradients of taps [tap, tap + many).
  void add_products(T const* block, T const* lines, std::int64_t count, std::int64_t tap, std::int64_t many,
                    T* to) const {
    std::int64_t offset[taps_at_once];
    typename V::Type sum[taps_at_once];
    WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) {
      offset[q] = padded.tap(tap + std::min(q, many - 1));
      sum[q] = V::splat(T(0));
    }
    std::int64_t const whole = out_width / lanes, tail = out_width % lanes;
    for (std::int64_t r = 0; r < count; ++r) {
      T const* from = block + r * s.stride_h * padded.row;
      T const* line = lines + r * padded.vectors * lanes;
      for (std::int64_t v = 0; v < whole; ++v, from += lanes, line += lanes) {
        auto const g = V::load(line);
        WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) sum[q] = V::fma(g, V::load(from + offset[q]), sum[q]);
      }
      if (tail == 0) continue;
      auto const zero = V::splat(T(0)), g = V::load(line);
      WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) sum[q] =
          V::fma(g, first_lanes(tail, V::load(from + offset[q]), zero), sum[q]);
    }
    alignas(alignment) T sums[taps_at_once];
    WICK_UNROLL for (std::int64_t q = 0; q < taps_at_once; ++q) sums[q] = V::sum(sum[q]);
    for (std::int64_t q = 0; q < many; ++q) to[q] = static_cast<T>(to[q] + sums[q]);
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
