// SPDX-License-Identifier: MIT
// Convolution as matrix multiplication: patches of the image are packed straight into the panels of the register tile,
// a block of pixels at a time, and never stand in memory as a whole.
#pragma once

#include <wick/backend/cpu/conv_spans.hpp>
#include <wick/backend/cpu/gemm.hpp>

namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// How many tasks of `multiplications` each are worth a thread.
constexpr std::int64_t task_grain(std::int64_t multiplications) {
  return std::max<std::int64_t>(1, gemm_grain / std::max<std::int64_t>(1, multiplications));
}

/// y = x * w, see Conv2dShape: x: (N, C, H, W), w: (OC, C / groups, KH, KW), y: (N, OC, OH, OW). The epilogue's row is
/// n * out_channels + oc, its column the pixel oh * out_width() + ow. Same bits for any number of threads.
template <class T>
void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<std::type_identity_t<T>> epilogue = {}) {
  constexpr std::int64_t tile_rows = Tile<T>::rows;
  std::int64_t const pixels = s.out_pixels(), taps = s.kernel_h * s.kernel_w, filter = s.filter();
  if (s.batch <= 0 || s.out_channels <= 0 || pixels <= 0) return;
  std::int64_t const stripes = ceil_div(s.group_out(), tile_rows);
  std::int64_t const blocks = ceil_div(pixels, conv_pixels<T>);
  // The depth is cut at whole channels.
  std::int64_t const most_channels = std::max<std::int64_t>(1, GemmBlock<T>::depth * 3 / 2 / taps);
  std::int64_t const channels_at_once = even_block(s.group_in(), most_channels);

  Scratch<T> weights(s.groups * stripes * tile_rows * filter);
  parallel_for(s.groups * stripes, task_grain(8 * tile_rows * filter), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Matrix<T const> const m{w + i / stripes * s.group_out() * filter, s.group_out(), filter, filter, 1};
      pack_stripe(m, i % stripes * tile_rows, weights.data() + i * tile_rows * filter);
    }
  });

  std::int64_t const work = s.group_out() * filter * std::min(pixels, conv_pixels<T>);
  parallel_for(s.batch * s.groups * blocks, task_grain(work), [&](std::int64_t begin, std::int64_t end) {
    Scratch<T> patches(channels_at_once * taps * conv_pixels<T>);
    for (std::int64_t task = begin; task < end; ++task) {
      std::int64_t const image_group = task / blocks, first = task % blocks * conv_pixels<T>;
      std::int64_t const group = image_group % s.groups, count = std::min(conv_pixels<T>, pixels - first);
      T const* const from = x + image_group * s.group_in() * s.height * s.width;
      T* const to = y + image_group * s.group_out() * pixels + first;
      std::int64_t channel = 0;
      do {
        std::int64_t const channels = std::min(channels_at_once, s.group_in() - channel), depth = channels * taps;
        pack_patches(s, from + channel * s.height * s.width, channels, first, count, patches.data());
        bool const last = channel + channels >= s.group_in();
        for (std::int64_t i = 0; i < s.group_out(); i += tile_rows) {
          std::int64_t const rows = std::min(tile_rows, s.group_out() - i);
          T const* const stripe =
              weights.data() + ((group * stripes * tile_rows + i) * filter) + channel * taps * tile_rows;
          stripe_multiply(depth, PackedStripe<T>{stripe}, patches.data(), depth * Tile<T>::columns, 0, to + i * pixels,
                          pixels, rows, count, channel > 0);
          if (last)
            for (std::int64_t r = i; r < i + rows; ++r)
              epilogue(image_group * s.group_out() + r, first, count, to + r * pixels);
        }
        channel += channels;
      } while (channel < s.group_in());
    }
  });
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

/// gw = (or += when `accumulate`) the gradient of conv2d by its weight, for the gradient gy of its output. Same bits
/// for any number of threads: the sum over images and pixels is cut into parts that depend on the shape only.
template <class T>
void conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
  constexpr std::int64_t tile_rows = Tile<T>::rows, tile_columns = Tile<T>::columns;
  std::int64_t const out_height = s.out_height(), out_width = s.out_width(), pixels = out_height * out_width;
  std::int64_t const channels = s.group_in(), filter = s.filter(), taps = s.kernel_h * s.kernel_w;
  std::int64_t const group_out = s.group_out(), size = s.out_channels * filter;
  if (size <= 0) return;
  if (s.batch <= 0 || pixels <= 0) {
    if (!accumulate) std::fill(gw, gw + size, T(0));
    return;
  }
  // Items are blocks of output rows of an image; each part sums a run of items in a buffer of its own.
  std::int64_t const rows_at_once = even_block(out_height, std::max<std::int64_t>(1, GemmBlock<T>::depth / out_width));
  std::int64_t const row_blocks = ceil_div(out_height, rows_at_once), items = s.batch * row_blocks;
  constexpr std::int64_t most_parts = 16;
  std::int64_t const room = std::max<std::int64_t>(1, 2 * GemmBlock<T>::packed / size);
  std::int64_t const parts = std::min({most_parts, room, items});
  std::int64_t const stripes = ceil_div(group_out, tile_rows), depth_at_once = rows_at_once * out_width;
  std::int64_t const input_rows =
      std::min(s.height, (rows_at_once - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1);
  constexpr std::int64_t columns_at_once = GemmBlock<T>::columns;

  Scratch<T> sums(parts * size);
  std::int64_t const work = group_out * filter * depth_at_once * (items / parts);
  parallel_for(parts * s.groups, task_grain(work), [&](std::int64_t begin, std::int64_t end) {
    Scratch<T> image(input_rows * s.width * channels), stripe(stripes * tile_rows * depth_at_once);
    Scratch<T> panels(std::min(columns_at_once, ceil_div(filter, tile_columns) * tile_columns) * depth_at_once);
    for (std::int64_t task = begin; task < end; ++task) {
      std::int64_t const part = task / s.groups, group = task % s.groups;
      std::int64_t const first_item = items * part / parts, last_item = items * (part + 1) / parts;
      T* const to = sums.data() + part * size + group * group_out * filter;
      for (std::int64_t item = first_item; item < last_item; ++item) {
        std::int64_t const n = item / row_blocks, row = item % row_blocks * rows_at_once;
        std::int64_t const rows = std::min(rows_at_once, out_height - row), depth = rows * out_width;
        // The input rows that these output rows see, channels last.
        std::int64_t const top = std::clamp<std::int64_t>(row * s.stride_h - s.pad_h, 0, s.height);
        std::int64_t const bottom = std::clamp<std::int64_t>(
            (row + rows - 1) * s.stride_h - s.pad_h + (s.kernel_h - 1) * s.dilation_h + 1, top, s.height);
        T const* const planes = x + (n * s.groups + group) * channels * s.height * s.width + top * s.width;
        pack_interleaved(planes, channels, (bottom - top) * s.width, s.height * s.width, std::int64_t{1}, channels,
                         image.data());
        Matrix<T const> const m{gy + (n * s.groups + group) * group_out * pixels + row * out_width, group_out, depth,
                                pixels, 1};
        for (std::int64_t i = 0; i < stripes; ++i) pack_stripe(m, i * tile_rows, stripe.data() + i * tile_rows * depth);
        for (std::int64_t j = 0; j < filter; j += columns_at_once) {
          std::int64_t const width = std::min(columns_at_once, filter - j);
          for (std::int64_t q = 0; q < width; q += tile_columns)
            pack_transposed_patches(s, image.data(), top, row, rows, j + q, panels.data() + q * depth);
          for (std::int64_t i = 0; i < group_out; i += tile_rows)
            stripe_multiply(depth, PackedStripe<T>{stripe.data() + i * depth}, panels.data(), depth * tile_columns, 0,
                            to + i * filter + j, filter, std::min(tile_rows, group_out - i), width, item > first_item);
        }
      }
    }
  });
  parallel_for(s.out_channels, task_grain(filter * parts), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t oc = begin; oc < end; ++oc)
      for (std::int64_t tap = 0; tap < taps; ++tap)
        for (std::int64_t c = 0; c < channels; ++c) {
          T const* const from = sums.data() + oc * filter + tap * channels + c;
          T& to = gw[oc * filter + c * taps + tap];
          T sum = from[0];
          for (std::int64_t part = 1; part < parts; ++part) sum = static_cast<T>(sum + from[part * size]);
          to = accumulate ? static_cast<T>(to + sum) : sum;
        }
  });
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
