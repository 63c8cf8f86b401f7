// SPDX-License-Identifier: MIT
// Convolution as matrix multiplication: patches of the image are packed straight into the panels of the register tile,
// a block of pixels at a time, and never stand in memory as a whole.
#pragma once

#include <wick/backend/cpu/conv_product.hpp>
#include <wick/backend/cpu/conv_weight_gradient.hpp>
#include <wick/backend/cpu/conv_winograd.hpp>

namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// y = (or += when `accumulate`) the convolution of x with the given filters, by the algorithm that suits the shape.
template <class T>
void convolve(Conv2dShape const& s, T const* x, Filters<T> const& filters, T* y, bool accumulate,
              Epilogue<T> epilogue) {
  if (!conv_winograd(s, x, filters, y, accumulate, epilogue))
    conv_product(s, x, filters, y, accumulate, epilogue);
}

/// y = x * w, see Conv2dShape: x: (N, C, H, W), w: (OC, C / groups, KH, KW), y: (N, OC, OH, OW). The epilogue's row is
/// n * out_channels + oc, its column the pixel oh * out_width() + ow. Same bits for any number of threads.
template <class T>
void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<std::type_identity_t<T>> epilogue = {}) {
  if (s.batch <= 0 || s.out_channels <= 0 || s.out_pixels() <= 0) return;
  convolve<T>(s, x, Filters<T>(s, w), y, false, epilogue);
}

template <class T>
inline constexpr std::int64_t conv_pixels = 4 * Tile<T>::columns;
/// The adjoint of packing patches: adds columns[channel][kernel row][kernel column][pixel], rows conv_pixels apart, to
/// the input pixels that output pixels [first, first + count) see.
template <class T>
void add_patches(Conv2dShape const& s, T const* columns, std::int64_t channels, std::int64_t first, std::int64_t count,
                 T* x) {
  std::int64_t const plane = s.height * s.width, taps = s.kernel_h * s.kernel_w;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    Spans<conv_pixels<T>> const spans(s, 0, tap / s.kernel_w, tap % s.kernel_w, first, count);
    for (std::int64_t c = 0; c < channels; ++c) {
      T const* const from = columns + (c * taps + tap) * conv_pixels<T>;
      for (std::int64_t i = 0; i < spans.size; ++i) {
        Span const span = spans.list[i];
        add_run(from + span.at, s.stride_w, span.count, x + c * plane + span.input);
      }
    }
  }
}

/// gx = (or += when `accumulate`) the gradient of conv2d by its input, for the gradient gy of its output. Same bits for
/// any number of threads.
template <class T>
void conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
  constexpr std::int64_t tile_rows = Tile<T>::rows;
  std::int64_t const pixels = s.out_pixels(), taps = s.kernel_h * s.kernel_w, plane = s.height * s.width;
  std::int64_t const filter = s.filter(), group_out = s.group_out();
  if (s.batch <= 0 || s.in_channels <= 0) return;
  if (group_out <= 0) {
    if (!accumulate) std::fill(gx, gx + s.batch * s.in_channels * plane, T(0));
    return;
  }
  if (s.stride_h == 1 && s.stride_w == 1 && s.pad_h <= s.dilation_h * (s.kernel_h - 1) &&
      s.pad_w <= s.dilation_w * (s.kernel_w - 1)) {
    // The adjoint of a convolution of stride 1 is one, too: over the gradient of the output, padded to the full overlap.
    Conv2dShape back = s;
    std::swap(back.in_channels, back.out_channels);
    back.height = s.out_height(), back.width = s.out_width();
    back.pad_h = s.dilation_h * (s.kernel_h - 1) - s.pad_h, back.pad_w = s.dilation_w * (s.kernel_w - 1) - s.pad_w;
    convolve<T>(back, gy, Filters<T>(s, w).adjoint(), gx, accumulate, {});
    return;
  }
  // A task owns some channels of an image, so that no two threads add to one element.
  std::int64_t const channels_at_once = std::min(tile_rows, s.group_in());
  std::int64_t const blocks = ceil_div(s.group_in(), channels_at_once);
  std::int64_t const block_size = ceil_div(channels_at_once * taps, tile_rows) * tile_rows * group_out;
  std::int64_t const depth_at_once = even_block(group_out, GemmBlock<T>::depth);

  Scratch<T> weights(s.groups * blocks * block_size);
  parallel_for(s.groups * blocks, task_grain(8 * block_size), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t const channel = i % blocks * channels_at_once;
      std::int64_t const rows = std::min(channels_at_once, s.group_in() - channel) * taps;
      Matrix<T const> const m{w + i / blocks * group_out * filter + channel * taps, rows, group_out, 1, filter};
      for (std::int64_t r = 0; r < rows; r += tile_rows)
        pack_stripe(m, r, weights.data() + i * block_size + r * group_out);
    }
  });

  std::int64_t const work = channels_at_once * taps * group_out * pixels;
  parallel_for(s.batch * s.groups * blocks, task_grain(work), [&](std::int64_t begin, std::int64_t end) {
    Scratch<T> panels(depth_at_once * conv_pixels<T>), columns(channels_at_once * taps * conv_pixels<T>);
    for (std::int64_t task = begin; task < end; ++task) {
      std::int64_t const image_group = task / blocks, block = task % blocks, channel = block * channels_at_once;
      std::int64_t const channels = std::min(channels_at_once, s.group_in() - channel), rows = channels * taps;
      T const* const from = gy + image_group * group_out * pixels;
      T const* const block_weights = weights.data() + (image_group % s.groups * blocks + block) * block_size;
      T* const to = gx + (image_group * s.group_in() + channel) * plane;
      if (!accumulate) std::fill(to, to + channels * plane, T(0));
      for (std::int64_t first = 0; first < pixels; first += conv_pixels<T>) {
        std::int64_t const count = std::min(conv_pixels<T>, pixels - first);
        for (std::int64_t k = 0; k < group_out; k += depth_at_once) {
          std::int64_t const depth = std::min(depth_at_once, group_out - k), panel = depth * Tile<T>::columns;
          Matrix<T const> const m{from + k * pixels + first, depth, count, pixels, 1};
          for (std::int64_t j = 0; j < count; j += Tile<T>::columns) pack_panel(m, j, panels.data() + j * depth);
          for (std::int64_t r = 0; r < rows; r += tile_rows)
            stripe_multiply(depth, PackedStripe<T>{block_weights + r * group_out + k * tile_rows}, panels.data(), panel,
                            0, columns.data() + r * conv_pixels<T>, conv_pixels<T>, std::min(tile_rows, rows - r),
                            count, k > 0);
        }
        add_patches(s, columns.data(), channels, first, count, to);
      }
    }
  });
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
