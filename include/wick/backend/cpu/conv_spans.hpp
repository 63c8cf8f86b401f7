// SPDX-License-Identifier: MIT
// Where the pixels of a convolution's output meet the pixels of its input: runs of neighbours, and moves along them.
#pragma once

#include <wick/backend/cpu/gemm_pack.hpp>

namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// The output pixels that one block of work covers.
template <class T>
inline constexpr std::int64_t conv_pixels = 4 * Tile<T>::columns;

/// `count` output pixels from the `at`-th of a block read the input from offset `input` on, stride_w apart.
struct Span {
  std::int64_t at, input, count;
};

/// The spans of one kernel element for the output pixels [first, first + count), and whether they leave pixels out
/// (which read padding).
template <class T>
struct Spans {
  Span list[conv_pixels<T>];
  std::int64_t size = 0;
  bool gaps = false;

  Spans(Conv2dShape const& s, std::int64_t kh, std::int64_t kw, std::int64_t first, std::int64_t count) {
    std::int64_t const out_width = s.out_width();
    // Column ow reads input column ow * stride_w + shift, which lies in the image for ow in [low, high).
    std::int64_t const shift = kw * s.dilation_w - s.pad_w;
    std::int64_t const low = shift < 0 ? ceil_div(-shift, s.stride_w) : 0;
    std::int64_t const high = s.width > shift ? ceil_div(s.width - shift, s.stride_w) : 0;
    std::int64_t row = first / out_width, column = first % out_width, covered = 0;
    for (std::int64_t at = 0; at < count; ++row, column = 0) {
      std::int64_t const end = std::min(out_width, column + count - at);
      std::int64_t const ih = row * s.stride_h + kh * s.dilation_h - s.pad_h;
      std::int64_t const from = std::max(column, low), to = std::min(end, high);
      if (ih >= 0 && ih < s.height && from < to) {
        list[size++] = {at + from - column, ih * s.width + from * s.stride_w + shift, to - from};
        covered += to - from;
      }
      at += end - column;
    }
    gaps = covered < count;
  }
};

/// to[i] = from[i * stride] for i < n.
template <class T>
WICK_INLINE void copy_run(T const* from, std::int64_t stride, std::int64_t n, T* to) {
  using V = TileVector<T>;
  if (stride != 1 || n < V::lanes) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
    return;
  }
  std::int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) V::store(to + i, V::load(from + i));
  // The rest is a whole vector too: it ends where the run ends, and writes some elements twice.
  if (i < n) V::store(to + n - V::lanes, V::load(from + n - V::lanes));
}

/// to[i * stride] += from[i] for i < n.
template <class T>
WICK_INLINE void add_run(T const* from, std::int64_t stride, std::int64_t n, T* to) {
  using V = TileVector<T>;
  if (stride != 1 || n < V::lanes) {
    for (std::int64_t i = 0; i < n; ++i) to[i * stride] = static_cast<T>(to[i * stride] + from[i]);
    return;
  }
  // As above; the last vector is summed before the others are stored, so nothing is added twice.
  auto const last = V::add(V::load(to + n - V::lanes), V::load(from + n - V::lanes));
  for (std::int64_t i = 0; i + V::lanes <= n; i += V::lanes)
    V::store(to + i, V::add(V::load(to + i), V::load(from + i)));
  V::store(to + n - V::lanes, last);
}

/// Packs the patches that `count` output pixels from `first` on see in `channels` input channels at x, as panels
/// [channel][kernel row][kernel column][pixel] of Tile::columns pixels.
template <class T>
void pack_patches(Conv2dShape const& s, T const* x, std::int64_t channels, std::int64_t first, std::int64_t count,
                  T* out) {
  std::int64_t const plane = s.height * s.width, taps = s.kernel_h * s.kernel_w;
  for (std::int64_t p = 0; p < count; p += Tile<T>::columns) {
    std::int64_t const pixels = std::min(Tile<T>::columns, count - p);
    std::int64_t const width = tile_vectors<T>(pixels) * Tile<T>::lanes;
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      Spans<T> const spans(s, tap / s.kernel_w, tap % s.kernel_w, first + p, pixels);
      bool const zeros = spans.gaps || pixels < width;
      for (std::int64_t c = 0; c < channels; ++c) {
        T* const to = out + (c * taps + tap) * width;
        if (zeros) std::fill(to, to + width, T(0));
        for (std::int64_t i = 0; i < spans.size; ++i) {
          Span const span = spans.list[i];
          copy_run(x + c * plane + span.input, s.stride_w, span.count, to + span.at);
        }
      }
    }
    out += channels * taps * width;
  }
}

/// The adjoint of packing patches: adds columns[channel][kernel row][kernel column][pixel], rows conv_pixels apart, to
/// the input pixels that output pixels [first, first + count) see.
template <class T>
void add_patches(Conv2dShape const& s, T const* columns, std::int64_t channels, std::int64_t first, std::int64_t count,
                 T* x) {
  std::int64_t const plane = s.height * s.width, taps = s.kernel_h * s.kernel_w;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    Spans<T> const spans(s, tap / s.kernel_w, tap % s.kernel_w, first, count);
    for (std::int64_t c = 0; c < channels; ++c) {
      T const* const from = columns + (c * taps + tap) * conv_pixels<T>;
      for (std::int64_t i = 0; i < spans.size; ++i) {
        Span const span = spans.list[i];
        add_run(from + span.at, s.stride_w, span.count, x + c * plane + span.input);
      }
    }
  }
}

/// Packs the transposed patches of the output rows [row, row + rows): depth is the pixel, columns are [kernel
/// row][kernel column][channel] from `column` on, at most Tile::columns of them. `x` is the image as
/// [input row][input column][channel], its first row being input row `x_row`.
template <class T>
void pack_transposed_patches(Conv2dShape const& s, T const* x, std::int64_t x_row, std::int64_t row, std::int64_t rows,
                             std::int64_t column, T* out) {
  std::int64_t const channels = s.group_in(), out_width = s.out_width();
  std::int64_t const count = std::min(Tile<T>::columns, s.filter() - column);
  std::int64_t const width = tile_vectors<T>(count) * Tile<T>::lanes;
  if (count < width) std::fill(out, out + rows * out_width * width, T(0));
  for (std::int64_t at = 0; at < count;) {
    std::int64_t const tap = (column + at) / channels, channel = (column + at) % channels;
    std::int64_t const n = std::min(channels - channel, count - at);
    std::int64_t const kh = tap / s.kernel_w, kw = tap % s.kernel_w;
    std::int64_t const shift = kw * s.dilation_w - s.pad_w;
    std::int64_t const low = shift < 0 ? ceil_div(-shift, s.stride_w) : 0;
    std::int64_t const high = s.width > shift ? ceil_div(s.width - shift, s.stride_w) : 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      T* to = out + r * out_width * width + at;
      std::int64_t const ih = (row + r) * s.stride_h + kh * s.dilation_h - s.pad_h;
      bool const inside = ih >= 0 && ih < s.height;
      std::int64_t const begin = inside ? std::min(low, out_width) : out_width;
      std::int64_t const end = std::max(begin, std::min(high, out_width));
      T const* from = x + (((ih - x_row) * s.width + begin * s.stride_w + shift) * channels + channel);
      std::int64_t ow = 0;
      for (; ow < begin; ++ow, to += width) std::fill(to, to + n, T(0));
      for (; ow < end; ++ow, to += width, from += s.stride_w * channels) copy_run(from, 1, n, to);
      for (; ow < out_width; ++ow, to += width) std::fill(to, to + n, T(0));
    }
    at += n;
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
