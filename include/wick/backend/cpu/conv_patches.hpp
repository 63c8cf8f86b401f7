// SPDX-License-Identifier: MIT
// What the output pixels of a convolution see, packed into the panels of the register tile.
#pragma once

#include <wick/backend/cpu/conv_spans.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// The panels of patches that a thread packs at a time: with GemmBlock's depth they stay in the second-level cache.
inline constexpr std::int64_t conv_panels = 5;

/// Patches of a convolution with strides, where the rows of the output are as long as those that one tap can see. A
/// plane is split into phases (rows 0, s, 2 s ...; 1, s + 1 ...; columns likewise), each with rows as long as the
/// output's: then what a tap sees is one run from some place in a phase on, but for the columns of the padding.
template <class T>
class ConvPhases {
 public:
  static bool suits(Conv2dShape const& s) {
    // Short rows cost as much to split as to gather.
    return s.stride_w > 1 && s.kernel_h * s.kernel_w > 1 && 2 * s.out_width() >= lanes &&
           ceil_div(s.width, s.stride_w) <= s.out_width();
  }
  ConvPhases(Conv2dShape const& shape, bool reversed) : s(shape) {
    for (std::int64_t t = 0; t < taps; ++t) {
      std::int64_t const element = reversed ? taps - 1 - t : t, down = element / s.kernel_w * s.dilation_h;
      std::int64_t const shift = element % s.kernel_w * s.dilation_w - s.pad_w + margin * s.stride_w;
      std::int64_t const right = shift / s.stride_w - margin,
                         phase = down % s.stride_h * s.stride_w + shift % s.stride_w;
      tap.data()[t] = {phase * phase_size + margin + down / s.stride_h * out_width + right,
                       right < 0 ? 0 : std::max<std::int64_t>(0, out_width - right),
                       right < 0 ? std::min(-right, out_width) : out_width};
    }
  }

  /// As pack_patches.
  void pack(T const* x, std::int64_t channels, std::int64_t first, std::int64_t count, std::int64_t panel_stride,
            std::int64_t depth, T* out) {
    std::int64_t const pixels = s.out_pixels(), plane = s.height * s.width;
    for (std::int64_t end = first + count; first < end; out += conv_panels * panel_stride) {
      std::int64_t const some = std::min(most, end - first);
      for (std::int64_t at = 0, n; at < some; at += n) {
        std::int64_t const image = (first + at) / pixels, pixel = (first + at) % pixels, row = pixel / out_width;
        n = std::min(some - at, pixels - pixel);
        Run runs[conv_panels + 1];
        std::int64_t const size = find_runs(at, n, some, pixel % out_width, panel_stride, depth, runs);
        for (std::int64_t c = 0; c < channels; ++c) {
          split(x + (image * s.in_channels + c) * plane, row, (pixel + n - 1) / out_width + 1 - row);
          for (std::int64_t t = 0; t < taps; ++t)
            for (std::int64_t i = 0; i < size; ++i)
              put(runs[i], tap.data()[t], out + runs[i].to + (c * taps + t) * runs[i].width);
        }
      }
      first += some;
    }
  }

 private:
  static constexpr std::int64_t columns = Tile<T>::columns, lanes = Tile<T>::lanes, most = conv_panels * columns;
  /// Where a tap finds output pixel (0, 0), and the columns of the output for which it sees padding.
  struct Tap {
    std::int64_t from, low, high;
  };
  /// n pixels in one panel, of rows of `width`: the first is in column `column` of the output, and `rest` columns of
  /// the panel behind them belong to no pixel.
  struct Run {
    std::int64_t from, to, n, width, column, rest;
  };
  Conv2dShape s;
  std::int64_t out_width = s.out_width(), taps = s.kernel_h * s.kernel_w;
  // A tap may begin as many columns before a row, or end behind it.
  std::int64_t margin = std::max(s.pad_w, (s.kernel_w - 1) * s.dilation_w) / s.stride_w + 1;
  std::int64_t most_rows = most / out_width + 2 + (s.kernel_h - 1) * s.dilation_h / s.stride_h + 1;
  std::int64_t phase_size = most_rows * out_width + 2 * margin;
  Scratch<Tap> tap{taps};
  Scratch<T> phases{s.stride_h * s.stride_w * phase_size};

  std::int64_t find_runs(std::int64_t at, std::int64_t n, std::int64_t some, std::int64_t column,
                         std::int64_t panel_stride, std::int64_t depth, Run* runs) const {
    std::int64_t size = 0;
    for (std::int64_t i = 0, length; i < n; i += length) {
      std::int64_t const panel = (at + i) / columns, place = (at + i) % columns;
      std::int64_t const width = tile_vectors<T>(std::min(columns, some - panel * columns)) * lanes;
      length = std::min(columns - place, n - i);
      runs[size++] = {column + i, panel * panel_stride + depth * width + place, length, width, (column + i) % out_width,
                      at + i + length == some ? width - place - length : 0};
    }
    return size;
  }
  WICK_INLINE void put(Run const& run, Tap const& t, T* to) const {
    copy_run(phases.data() + t.from + run.from, 1, run.n, to);
    for (std::int64_t column = t.low; column < t.high; ++column)
      for (std::int64_t i = column - run.column + (column < run.column ? out_width : 0); i < run.n; i += out_width)
        to[i] = T(0);
    if (run.rest > 0) std::fill(to + run.n, to + run.n + run.rest, T(0));
  }
  /// Splits what `count` rows of the output from `row` on see of a plane.
  void split(T const* plane, std::int64_t row, std::int64_t count) {
    std::int64_t const top = row * s.stride_h - s.pad_h,
                       all = (count - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
    for (std::int64_t r = 0; r < all; ++r) {
      T* const to = phases.data() + r % s.stride_h * s.stride_w * phase_size + margin + r / s.stride_h * out_width;
      if (top + r < 0 || top + r >= s.height) {
        for (std::int64_t p = 0; p < s.stride_w; ++p)
          std::fill(to + p * phase_size, to + p * phase_size + out_width, T(0));
        continue;
      }
      T const* const from = plane + (top + r) * s.width;
      // The next channel's rows lie where the hardware does not look ahead.
      constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
      for (std::int64_t j = 0; j < s.width; j += line) prefetch_source(from + s.height * s.width + j);
      std::int64_t done = 0;
      if (s.stride_w == 2) split_pairs<(lanes > 1 ? lanes / 2 : 1)>(from, done = s.width / 2, to, to + phase_size);
      for (std::int64_t p = 0; p < s.stride_w; ++p) {
        std::int64_t const n = ceil_div(s.width - p, s.stride_w);
        copy_run(from + p + done * s.stride_w, s.stride_w, n - done, to + p * phase_size + done);
        std::fill(to + p * phase_size + n, to + p * phase_size + out_width, T(0));
      }
    }
  }
};

/// Packs what `count` output pixels from `first` on see in `channels` channels from x on: the rows [channel][kernel
/// row][kernel column] of panels of Tile::columns pixels, `panel_stride` apart, where `depth` rows of each panel
/// precede them. With `reversed`, the kernel's elements come in the opposite order.
template <class T>
void pack_patches(Conv2dShape const& s, bool reversed, T const* x, std::int64_t channels, std::int64_t first,
                  std::int64_t count, std::int64_t panel_stride, std::int64_t depth, T* out) {
  constexpr std::int64_t columns = Tile<T>::columns, lanes = Tile<T>::lanes;
  if (ConvPhases<T>::suits(s))
    return ConvPhases<T>(s, reversed).pack(x, channels, first, count, panel_stride, depth, out);
  std::int64_t const plane = s.height * s.width, taps = s.kernel_h * s.kernel_w;
  for (std::int64_t p = 0; p < count; p += conv_panels * columns, out += conv_panels * panel_stride) {
    std::int64_t const panels = std::min(conv_panels, ceil_div(count - p, columns));
    auto const pixels = [&](std::int64_t q) { return std::min(columns, count - p - q * columns); };
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      std::int64_t const element = reversed ? taps - 1 - tap : tap;
      Spans<columns> spans[conv_panels];
      for (std::int64_t q = 0; q < panels; ++q)
        spans[q].find(s, s.in_channels * plane, element / s.kernel_w, element % s.kernel_w, first + p + q * columns,
                      pixels(q));
      // Panel by panel within a channel: a run of neighbours in memory, which the processor fetches ahead.
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t q = 0; q < panels; ++q) {
          std::int64_t const width = q + 1 < panels ? columns : tile_vectors<T>(pixels(q)) * lanes;
          T* const to = out + q * panel_stride + (depth + c * taps + tap) * width;
          if (spans[q].gaps || pixels(q) < width) std::fill(to, to + width, T(0));
          for (std::int64_t i = 0; i < spans[q].size; ++i) {
            Span const span = spans[q].list[i];
            copy_run(x + c * plane + span.input, s.stride_w, span.count, to + span.at);
          }
        }
    }
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
