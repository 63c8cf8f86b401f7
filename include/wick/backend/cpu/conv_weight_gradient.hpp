// SPDX-License-Identifier: MIT
// The gradient of a convolution by its weight as a matrix product whose depth runs over the pixels of all images: the
// gradient of the output times the transposed patches of the input, both packed a block of pixels at a time.
#pragma once

#include <wick/backend/cpu/conv_product.hpp>

namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// One weight gradient at work: what the threads share. Output rows are counted through all images of the batch; an
/// item is a block of them, so small images share a block.
template <class T>
struct ConvWeightGradient {
  static constexpr std::int64_t tile_rows = Tile<T>::rows, tile_columns = Tile<T>::columns;
  Conv2dShape s;
  T const *x, *gy;

  std::int64_t out_height = s.out_height(), out_width = s.out_width(), pixels = out_height * out_width;
  std::int64_t rows = s.group_out(), channels = s.group_in(), taps = s.kernel_h * s.kernel_w, filter = channels * taps;
  std::int64_t stripes = ceil_div(rows, tile_rows), panels = ceil_div(filter, tile_columns);
  // Where they are cut depends on the shape only: large images into equal blocks, small ones together.
  std::int64_t all_rows = s.batch * out_height,
               deep = std::max<std::int64_t>(1, GemmBlock<T>::depth * 3 / 2 / out_width);
  std::int64_t rows_at_once = deep < out_height ? even_block(out_height, deep) : even_block(all_rows, deep);
  std::int64_t blocks = ceil_div(out_height, rows_at_once);  // of one image, when large
  std::int64_t items = deep < out_height ? s.batch * blocks : ceil_div(all_rows, rows_at_once);
  std::int64_t most_depth = rows_at_once * out_width;
  // With many channels the input is transposed once for all taps, and columns are [tap][channel] until the end; with
  // few, or one tap, columns are [channel][tap] as in the weight.
  bool channels_last = taps > 1 && channels >= tile_columns / 3;

  /// The input rows that `height` output rows from `row` on see.
  struct InputRows {
    std::int64_t top, count;
    InputRows(Conv2dShape const& s, std::int64_t row, std::int64_t height)
        : top(std::clamp<std::int64_t>(row * s.stride_h - s.pad_h, 0, s.height)),
          count(std::clamp<std::int64_t>(
                    (row + height - 1) * s.stride_h - s.pad_h + (s.kernel_h - 1) * s.dilation_h + 1, top, s.height) -
                top) {}
  };

  /// The output rows of an item.
  std::pair<std::int64_t, std::int64_t> rows_of(std::int64_t item) const {
    if (deep >= out_height) return {item * rows_at_once, std::min(all_rows, (item + 1) * rows_at_once)};
    std::int64_t const top = item / blocks * out_height, row = item % blocks * rows_at_once;
    return {top + row, top + std::min(out_height, row + rows_at_once)};
  }
  std::int64_t depth(std::int64_t item) const {
    auto const [begin, end] = rows_of(item);
    return (end - begin) * out_width;
  }
  /// Calls visit(image, first row, rows, pixels before them) for the images that an item meets.
  template <class Visit>
  void images(std::int64_t item, Visit const& visit) const {
    auto const [begin, end] = rows_of(item);
    for (std::int64_t row = begin; row < end;) {
      std::int64_t const image = row / out_height, first = row % out_height;
      std::int64_t const count = std::min(end - row, out_height - first);
      visit(image, first, count, (row - rows_of(item).first) * out_width);
      row += count;
    }
  }

  /// Elements of working memory that packing the input of one item needs at most.
  std::int64_t working() const {
    if (!channels_last) return tile_columns * most_depth;
    std::int64_t const reach = (s.kernel_h - 1) * s.dilation_h + 1;
    std::int64_t const most = std::min(s.batch, rows_at_once / out_height + 2);
    return channels * s.width * std::min(most * s.height, rows_at_once * s.stride_h + most * reach);
  }
  /// Packs a stripe of the output's gradient: [depth][tile_rows].
  void pack_gradient(std::int64_t item, std::int64_t group, std::int64_t stripe, T* out) const {
    std::int64_t const i = stripe * tile_rows, count = std::min(tile_rows, rows - i);
    images(item, [&](std::int64_t n, std::int64_t row, std::int64_t height, std::int64_t k) {
      pack_interleaved(gy + ((n * s.groups + group) * rows + i) * pixels + row * out_width, count, height * out_width,
                       pixels, std::int64_t{1}, tile_rows, out + k * tile_rows);
    });
  }
  /// Transposes the input rows that an item sees, where pack_input wants them so: [input row][input column][channel].
  void transpose_input(std::int64_t item, std::int64_t group, T* work) const {
    if (!channels_last) return;
    images(item, [&](std::int64_t n, std::int64_t row, std::int64_t height, std::int64_t) {
      InputRows const seen(s, row, height);
      T const* const planes = x + (n * s.groups + group) * channels * s.height * s.width + seen.top * s.width;
      pack_interleaved(planes, channels, seen.count * s.width, s.height * s.width, std::int64_t{1}, channels, work);
      work += seen.count * s.width * channels;
    });
  }
  /// Packs panels [panel0, panel1) of the patches, transposed: [depth][columns]. `work` holds what transpose_input
  /// wrote, or is room for copies.
  void pack_input(std::int64_t item, std::int64_t group, std::int64_t panel0, std::int64_t panel1, T* work,
                  T* out) const {
    std::int64_t const all = depth(item);
    if (channels_last) {
      images(item, [&](std::int64_t, std::int64_t row, std::int64_t height, std::int64_t k) {
        InputRows const seen(s, row, height);
        for (std::int64_t p = panel0; p < panel1; ++p)
          pack_taps(work, seen.top, row, height, p * tile_columns, k, out + (p - panel0) * all * tile_columns);
        work += seen.count * s.width * channels;
      });
      return;
    }
    bool const plain = taps == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0;
    for (std::int64_t p = panel0; p < panel1; ++p, out += all * tile_columns) {
      std::int64_t const j = p * tile_columns, count = std::min(tile_columns, filter - j);
      std::int64_t const width = tile_vectors<T>(count) * Tile<T>::lanes;
      images(item, [&](std::int64_t n, std::int64_t row, std::int64_t height, std::int64_t k) {
        T const* const image = x + (n * s.groups + group) * channels * s.height * s.width;
        if (plain)
          pack_interleaved(image + j * pixels + row * out_width, count, height * out_width, pixels, std::int64_t{1},
                           width, out + k * width);
        else
          for (std::int64_t q = 0; q < count; ++q)
            copy_tap(s, image + (j + q) / taps * s.height * s.width, (j + q) % taps, row, height, work + q * all + k);
      });
      if (!plain) pack_interleaved(work, count, all, all, std::int64_t{1}, width, out);
    }
  }
  /// Multiplies stripes [stripe0, stripe1) of packed `a` with the panels from panel0 to panel1 that begin at `b`.
  void multiply(std::int64_t d, T const* a, std::int64_t stripe0, std::int64_t stripe1, T const* b, std::int64_t panel0,
                std::int64_t panel1, T* to, bool add) const {
    std::int64_t const j = panel0 * tile_columns, width = std::min(filter, panel1 * tile_columns) - j;
    for (std::int64_t i = stripe0 * tile_rows; i < std::min(rows, stripe1 * tile_rows); i += tile_rows)
      stripe_multiply(d, PackedStripe<T>{a + i * d}, b, d * tile_columns, 0, to + i * filter + j, filter,
                      std::min(tile_rows, rows - i), width, add);
  }

  /// Each part sums a run of items in a buffer of its own: when the weight is small beside the images.
  void by_parts(std::int64_t parts, T* sums) const {
    std::int64_t const work = rows * filter * most_depth * (items / parts), block = std::min(panels, conv_panels);
    parallel_tasks(parts * s.groups, work, [&](std::int64_t begin, std::int64_t end) {
      Scratch<T> a(stripes * tile_rows * most_depth), b(block * tile_columns * most_depth), space(working());
      for (std::int64_t task = begin; task < end; ++task) {
        std::int64_t const part = task / s.groups, group = task % s.groups;
        std::int64_t const first = items * part / parts, last = items * (part + 1) / parts;
        T* const to = sums + (part * s.groups + group) * rows * filter;
        for (std::int64_t item = first; item < last; ++item) {
          std::int64_t const d = depth(item);
          for (std::int64_t i = 0; i < stripes; ++i) pack_gradient(item, group, i, a.data() + i * tile_rows * d);
          transpose_input(item, group, space.data());
          for (std::int64_t p = 0; p < panels; p += block) {
            std::int64_t const next = std::min(panels, p + block);
            pack_input(item, group, p, next, space.data(), b.data());
            multiply(d, a.data(), 0, stripes, b.data(), p, next, to, item > first);
          }
        }
      }
    });
  }
  /// The threads pack some items together, then share the weight: when that is large.
  void by_blocks(T* sums, bool accumulate) const {
    std::int64_t const packed_rows = stripes * tile_rows, size = (packed_rows + panels * tile_columns) * most_depth;
    std::int64_t const chunk = std::clamp<std::int64_t>(GemmBlock<T>::packed / 4 / size, 1, items);
    Scratch<T> packed(chunk * size);
    std::int64_t const pieces = num_threads();
    for (std::int64_t group = 0; group < s.groups; ++group)
      for (std::int64_t item = 0; item < items; item += chunk) {
        std::int64_t const count = std::min(chunk, items - item);
        auto const place = [&](std::int64_t k) { return packed.data() + k * size; };
        // Every thread takes its share of the stripes and of the panels.
        parallel_tasks(pieces, 8 * count * size / pieces, [&](auto begin, auto end) {
          Scratch<T> space(working());
          auto const share = [&](std::int64_t units, auto const& visit) {
            for (std::int64_t unit = units * begin / pieces; unit < units * end / pieces; ++unit)
              visit(unit / (units / count), unit % (units / count));
          };
          share(count * stripes, [&](std::int64_t k, std::int64_t i) {
            pack_gradient(item + k, group, i, place(k) + i * tile_rows * depth(item + k));
          });
          std::int64_t ready = -1;
          share(count * panels, [&](std::int64_t k, std::int64_t p) {
            if (ready != k) transpose_input(item + k, group, space.data());
            ready = k;
            pack_input(item + k, group, p, p + 1, space.data(),
                       place(k) + (packed_rows + p * tile_columns) * depth(item + k));
          });
        });
        auto const multiply_all = [&](std::int64_t stripe0, std::int64_t stripe1, std::int64_t panel0,
                                      std::int64_t panel1) {
          for (std::int64_t k = 0; k < count; ++k) {
            std::int64_t const d = depth(item + k);
            for (std::int64_t p = panel0; p < panel1; p += conv_panels)
              multiply(d, place(k), stripe0, stripe1, place(k) + (packed_rows + p * tile_columns) * d, p,
                       std::min(panel1, p + conv_panels), sums + group * rows * filter, accumulate || item + k > 0);
          }
        };
        if (stripes >= panels)
          parallel_tasks(stripes, tile_rows * filter * most_depth * count,
                         [&](std::int64_t begin, std::int64_t end) { multiply_all(begin, end, 0, panels); });
        else
          parallel_tasks(panels, tile_columns * rows * most_depth * count,
                         [&](std::int64_t begin, std::int64_t end) { multiply_all(0, stripes, begin, end); });
      }
  }
  void run(T* gw, bool accumulate) const {
    std::int64_t const size = s.out_channels * filter;
    // The number of parts depends on the shape only, as every sum does.
    constexpr std::int64_t most_parts = 16;
    std::int64_t const parts = most_parts * size <= GemmBlock<T>::packed / 8 ? std::min(most_parts, items) : 1;
    if (parts == 1 && !channels_last) return by_blocks(gw, accumulate);
    Scratch<T> sums(parts * size);
    if (parts == 1)
      by_blocks(sums.data(), false);
    else
      by_parts(parts, sums.data());
    parallel_tasks(s.out_channels, 8 * filter * parts, [&](std::int64_t begin, std::int64_t end) {
      Scratch<T> space(filter);
      for (std::int64_t oc = begin; oc < end; ++oc) {
        T* const from = sums.data() + oc * filter;
        for (std::int64_t part = 1; part < parts; ++part)
          for (std::int64_t j = 0; j < filter; ++j) from[j] = static_cast<T>(from[j] + from[part * size + j]);
        T* const to = gw + oc * filter;
        // From [tap][channel] to [channel][tap].
        T* const sum = channels_last ? space.data() : from;
        if (channels_last)
          pack_interleaved(from, taps, channels, channels, std::int64_t{1}, taps, accumulate ? sum : to);
        if (!channels_last && !accumulate) std::copy(sum, sum + filter, to);
        if (accumulate)
          for (std::int64_t j = 0; j < filter; ++j) to[j] = static_cast<T>(to[j] + sum[j]);
      }
    });
  }

 private:
  /// Packs columns [column, column + tile_columns), which are [tap][channel], of a transposed image: rows from `k` on.
  void pack_taps(T const* image, std::int64_t top, std::int64_t row, std::int64_t height, std::int64_t column,
                 std::int64_t k, T* out) const {
    std::int64_t const count = std::min(tile_columns, filter - column), width = tile_vectors<T>(count) * Tile<T>::lanes;
    out += k * width;
    if (count < width) std::fill(out, out + height * out_width * width, T(0));
    for (std::int64_t at = 0; at < count;) {
      std::int64_t const tap = (column + at) / channels, channel = (column + at) % channels;
      std::int64_t const n = std::min(channels - channel, count - at), kh = tap / s.kernel_w;
      InsideColumns const inside(s, tap % s.kernel_w);
      for (std::int64_t r = 0; r < height; ++r) {
        T* to = out + r * out_width * width + at;
        std::int64_t const ih = (row + r) * s.stride_h + kh * s.dilation_h - s.pad_h;
        bool const outside = ih < 0 || ih >= s.height;
        std::int64_t const begin = outside ? out_width : std::min(inside.low, out_width);
        std::int64_t const end = std::max(begin, std::min(inside.high, out_width));
        T const* from = image + ((ih - top) * s.width + begin * s.stride_w + inside.shift) * channels + channel;
        std::int64_t ow = 0;
        for (; ow < begin; ++ow, to += width) std::fill(to, to + n, T(0));
        for (; ow < end; ++ow, to += width, from += s.stride_w * channels) copy_run(from, 1, n, to);
        for (; ow < out_width; ++ow, to += width) std::fill(to, to + n, T(0));
      }
      at += n;
    }
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
