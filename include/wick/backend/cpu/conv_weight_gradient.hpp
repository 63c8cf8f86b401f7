// SPDX-License-Identifier: MIT
// The gradient of a convolution by its weight as a matrix product whose depth runs over the pixels of all images: the
// gradient of the output times the transposed patches of the input, both packed a block of pixels at a time.
#pragma once

#include <wick/backend/cpu/conv_product.hpp>

WICK_PRECISE_BEGIN
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
  std::int64_t stripes = ceil_div(rows, tile_rows);
  // Where they are cut depends on the shape only: large images into equal blocks, small ones together.
  std::int64_t all_rows = s.batch * out_height,
               deep = std::max<std::int64_t>(1, GemmBlock<T>::depth * 3 / 2 / out_width);
  std::int64_t rows_at_once = deep < out_height ? even_block(out_height, deep) : even_block(all_rows, deep);
  std::int64_t pieces = ceil_div(out_height, rows_at_once);  // of one image, when large
  std::int64_t items = deep < out_height ? s.batch * pieces : ceil_div(all_rows, rows_at_once);
  std::int64_t most_depth = rows_at_once * out_width;
  // The columns come in blocks. Where a row of the kernel sees a whole register or more, a block is a few channels with
  // all their taps, and the input is transposed for it, with its padding, so that each such row is a run in memory: its
  // columns are [tap][channel] until the end. Else a block is a panel, and columns are [channel][tap] as in the weight:
  // so, too, where there are more filters to put into order in the end than pixels to transpose.
  std::int64_t block_channels =
      std::min(channels, std::clamp<std::int64_t>(GemmBlock<T>::packed / 2048 / taps, 1, Tile<T>::lanes));
  std::int64_t all_pixels = s.batch * pixels, neighbours = block_channels * (s.dilation_w == 1 ? s.kernel_w : 1);
  bool channels_last = taps > 1 && all_pixels >= rows && neighbours >= Tile<T>::lanes;
  std::int64_t block_columns = channels_last ? block_channels * taps : tile_columns;
  std::int64_t blocks = ceil_div(filter, block_columns);
  std::int64_t block_width = ceil_div(block_columns, tile_columns) * tile_columns;
  // A row of the transposed input, and the input rows that some output rows see, with the padding.
  std::int64_t padded_width =
      std::max(s.pad_w + s.width, (out_width - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1);
  std::int64_t seen_rows(std::int64_t height) const {
    return (height - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
  }
  std::int64_t columns_of(std::int64_t block) const { return std::min(block_columns, filter - block * block_columns); }

  /// The output rows of an item.
  std::pair<std::int64_t, std::int64_t> rows_of(std::int64_t item) const {
    if (deep >= out_height) return {item * rows_at_once, std::min(all_rows, (item + 1) * rows_at_once)};
    std::int64_t const top = item / pieces * out_height, row = item % pieces * rows_at_once;
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

  /// Elements of working memory that packing a block of the patches needs at most.
  std::int64_t working() const {
    if (!channels_last) return tile_columns * most_depth;
    std::int64_t const most = std::min(s.batch, rows_at_once / out_height + 2);
    return block_channels * padded_width * (rows_at_once * s.stride_h + most * seen_rows(1));
  }
  /// Packs a stripe of the output's gradient: [depth][tile_rows].
  void pack_gradient(std::int64_t item, std::int64_t group, std::int64_t stripe, T* out) const {
    std::int64_t const i = stripe * tile_rows, count = std::min(tile_rows, rows - i);
    images(item, [&](std::int64_t n, std::int64_t row, std::int64_t height, std::int64_t k) {
      pack_interleaved(gy + ((n * s.groups + group) * rows + i) * pixels + row * out_width, count, height * out_width,
                       pixels, std::int64_t{1}, tile_rows, out + k * tile_rows);
    });
  }
  /// Packs a block of the patches, transposed: panels of [depth][columns].
  void pack_input(std::int64_t item, std::int64_t group, std::int64_t block, T* work, T* out) const {
    std::int64_t const all = depth(item), first = block * block_columns, columns = columns_of(block);
    std::int64_t const plane = s.height * s.width;
    if (channels_last) {
      std::int64_t const some = columns / taps;
      images(item, [&](std::int64_t n, std::int64_t row, std::int64_t height, std::int64_t k) {
        T const* const image = x + ((n * s.groups + group) * channels + block * block_channels) * plane;
        transpose_input(image, some, row * s.stride_h - s.pad_h, seen_rows(height), work);
        for (std::int64_t j = 0; j < columns; j += tile_columns)
          pack_taps(work, some, height, j, std::min(tile_columns, columns - j), k, out + j * all);
      });
      return;
    }
    std::int64_t const width = tile_vectors<T>(columns) * Tile<T>::lanes;
    bool const plain = taps == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0;
    images(item, [&](std::int64_t n, std::int64_t row, std::int64_t height, std::int64_t k) {
      T const* const image = x + (n * s.groups + group) * channels * plane;
      if (plain)
        pack_interleaved(image + first * pixels + row * out_width, columns, height * out_width, pixels, std::int64_t{1},
                         width, out + k * width);
      else
        for (std::int64_t q = 0; q < columns; ++q)
          copy_tap(s, image + (first + q) / taps * plane, (first + q) % taps, row, height, work + q * all + k);
    });
    if (!plain) pack_interleaved(work, columns, all, all, std::int64_t{1}, width, out);
  }
  /// Multiplies stripes [stripe0, stripe1) of packed `a` with blocks [block0, block1) of packed patches, which begin at
  /// `b`, into a matrix of sums.
  void multiply(std::int64_t d, T const* a, std::int64_t stripe0, std::int64_t stripe1, T const* b, std::int64_t block0,
                std::int64_t block1, T* sums, bool add) const {
    constexpr std::int64_t most = conv_panels * tile_columns;
    // Panels follow each other; blocks of several may end with a narrower one.
    std::int64_t const at_once = channels_last ? 1 : conv_panels;
    for (std::int64_t block = block0, next; block < block1; block = next, b += at_once * block_width * d) {
      next = std::min(block1, block + at_once);
      std::int64_t const first = block * block_columns, columns = std::min(filter, next * block_columns) - first;
      for (std::int64_t j = 0; j < columns; j += most)
        for (std::int64_t i = stripe0; i < stripe1; ++i)
          stripe_multiply(d, PackedStripe<T>{a + i * tile_rows * d}, b + j * d, d * tile_columns, 0,
                          sums + i * tile_rows * filter + first + j, filter, std::min(tile_rows, rows - i * tile_rows),
                          std::min(most, columns - j), add);
    }
  }
  /// Puts blocks [block0, block1) of a row of sums into the order of the weight: to = (or +=) these. `to` may be where
  /// the sums are.
  void put_blocks(std::int64_t block0, std::int64_t block1, T const* sums, T* to, bool add, T* work) const {
    for (std::int64_t block = block0; block < block1; ++block) {
      std::int64_t const first = block * block_columns, columns = columns_of(block), some = columns / taps;
      T const* from = sums + first;
      if (sums == to) from = std::copy(from, from + columns, work) - columns;
      pack_interleaved(from, taps, some, some, std::int64_t{1}, taps, add ? work : to + first);
      if (add)
        for (std::int64_t j = 0; j < columns; ++j) to[first + j] = static_cast<T>(to[first + j] + work[j]);
    }
  }

  /// Each part sums a run of items in a buffer of its own: when the weight is small beside the images.
  void by_parts(std::int64_t parts, T* sums) const {
    std::int64_t const at_once = channels_last ? 1 : std::min(blocks, conv_panels);
    parallel_tasks(parts * s.groups, rows * filter * most_depth * (items / parts), [&](auto begin, auto end) {
      Scratch<T> a(stripes * tile_rows * most_depth), b(at_once * block_width * most_depth), space(working());
      for (std::int64_t task = begin; task < end; ++task) {
        std::int64_t const part = task / s.groups, group = task % s.groups;
        std::int64_t const first = items * part / parts, last = items * (part + 1) / parts;
        for (std::int64_t item = first; item < last; ++item) {
          std::int64_t const d = depth(item);
          for (std::int64_t i = 0; i < stripes; ++i) pack_gradient(item, group, i, a.data() + i * tile_rows * d);
          for (std::int64_t block = 0, next; block < blocks; block = next) {
            next = std::min(blocks, block + at_once);
            for (std::int64_t i = block; i < next; ++i)
              pack_input(item, group, i, space.data(), b.data() + (i - block) * block_width * d);
            multiply(d, a.data(), 0, stripes, b.data(), block, next, sums + (part * s.groups + group) * rows * filter,
                     item > first);
          }
        }
      }
    });
  }
  /// The threads pack some items together, then share the weight: when that is large.
  void by_blocks(T* gw, bool accumulate) const {
    std::int64_t const packed_rows = stripes * tile_rows, size = (packed_rows + blocks * block_width) * most_depth;
    std::int64_t const chunk = std::clamp<std::int64_t>(GemmBlock<T>::packed / 4 / size, 1, items);
    Scratch<T> packed(chunk * size);
    // Sums in another order than the weight's cannot be added to it.
    bool const apart = channels_last && accumulate;
    Scratch<T> separate(apart ? s.out_channels * filter : 0);
    std::int64_t const shares = 4 * num_threads();
    for (std::int64_t group = 0; group < s.groups; ++group)
      for (std::int64_t item = 0; item < items; item += chunk) {
        std::int64_t const count = std::min(chunk, items - item);
        auto const stripes_of = [&](std::int64_t k) { return packed.data() + k * size; };
        auto const block_at = [&](std::int64_t k, std::int64_t block) {
          return packed.data() + k * size + (packed_rows + block * block_width) * depth(item + k);
        };
        // A piece is a share of the stripes and of the blocks: a thread will need most of what it packs.
        parallel_tasks(shares, 8 * count * size / shares, [&](auto begin, auto end) {
          Scratch<T> space(working());
          auto const share = [&](std::int64_t units, auto const& visit) {
            for (std::int64_t k = 0; k < count; ++k)
              for (std::int64_t i = units * begin / shares; i < units * end / shares; ++i) visit(k, i);
          };
          share(stripes, [&](std::int64_t k, std::int64_t i) {
            pack_gradient(item + k, group, i, stripes_of(k) + i * tile_rows * depth(item + k));
          });
          share(blocks,
                [&](std::int64_t k, std::int64_t i) { pack_input(item + k, group, i, space.data(), block_at(k, i)); });
        });
        T* const to = gw + group * rows * filter;
        T* const sums = apart ? separate.data() + group * rows * filter : to;
        auto const work_on = [&](std::int64_t stripe0, std::int64_t stripe1, std::int64_t block0, std::int64_t block1) {
          Scratch<T> space(block_columns);
          // What is to be put into another order is still in the cache then.
          for (std::int64_t block = block0, next; block < block1; block = next) {
            next = channels_last ? block + 1 : block1;
            for (std::int64_t k = 0; k < count; ++k)
              multiply(depth(item + k), stripes_of(k), stripe0, stripe1, block_at(k, block), block, next, sums,
                       item + k > 0 || (accumulate && !apart));
            if (!channels_last || item + count < items) continue;
            for (std::int64_t i = stripe0 * tile_rows; i < std::min(rows, stripe1 * tile_rows); ++i)
              put_blocks(block, next, sums + i * filter, to + i * filter, apart, space.data());
          }
        };
        // Of the larger operand each thread reads a part: most of it lies in its own cache.
        constexpr std::int64_t few = 8;
        if (stripes >= ceil_div(filter, tile_columns) || blocks < few)
          parallel_tasks(stripes, tile_rows * filter * most_depth * count,
                         [&](std::int64_t begin, std::int64_t end) { work_on(begin, end, 0, blocks); });
        else
          parallel_tasks(blocks, block_columns * rows * most_depth * count,
                         [&](std::int64_t begin, std::int64_t end) { work_on(0, stripes, begin, end); });
      }
  }
  void run(T* gw, bool accumulate) const {
    std::int64_t const size = s.out_channels * filter;
    // The number of parts depends on the shape only, as every sum does.
    constexpr std::int64_t most_parts = 16, least_parts = 4;
    std::int64_t const parts = std::min(most_parts, items);
    // Two threads with three parts would take as long as with four.
    if (parts < least_parts || most_parts * size > GemmBlock<T>::packed / 8) return by_blocks(gw, accumulate);
    Scratch<T> sums(parts * size);
    by_parts(parts, sums.data());
    parallel_tasks(s.out_channels, 8 * filter * parts, [&](std::int64_t begin, std::int64_t end) {
      Scratch<T> space(block_columns);
      for (std::int64_t oc = begin; oc < end; ++oc) {
        T *const from = sums.data() + oc * filter, *const to = gw + oc * filter;
        for (std::int64_t part = 1; part < parts; ++part)
          for (std::int64_t j = 0; j < filter; ++j) from[j] = static_cast<T>(from[j] + from[part * size + j]);
        if (channels_last)
          put_blocks(0, blocks, from, to, accumulate, space.data());
        else
          for (std::int64_t j = 0; j < filter; ++j) to[j] = accumulate ? static_cast<T>(to[j] + from[j]) : from[j];
      }
    });
  }

 private:
  /// Transposes `count` rows from `top` on of `some` channels, with the padding: [row][padded column][channel].
  void transpose_input(T const* planes, std::int64_t some, std::int64_t top, std::int64_t count, T* out) const {
    std::int64_t const row = padded_width * some, begin = std::clamp<std::int64_t>(-top, 0, count);
    std::int64_t const end = std::clamp(s.height - top, begin, count), right = padded_width - s.pad_w - s.width;
    std::fill(out, out + begin * row, T(0));
    std::fill(out + end * row, out + count * row, T(0));
    auto const turn = [&](std::int64_t r, std::int64_t pixels_at_once) {
      pack_interleaved(planes + (top + r) * s.width, some, pixels_at_once, s.height * s.width, std::int64_t{1}, some,
                       out + r * row + s.pad_w * some);
    };
    if (padded_width == s.width) return begin < end ? turn(begin, (end - begin) * s.width) : void();
    for (std::int64_t r = begin; r < end; ++r) {
      std::fill(out + r * row, out + r * row + s.pad_w * some, T(0));
      turn(r, s.width);
      std::fill(out + (r + 1) * row - right * some, out + (r + 1) * row, T(0));
    }
  }
  /// Packs `count` columns from `column` on, which are [tap][channel], of `height` output rows of a transposed image:
  /// rows from `k` on of a panel.
  void pack_taps(T const* image, std::int64_t some, std::int64_t height, std::int64_t column, std::int64_t count,
                 std::int64_t k, T* out) const {
    std::int64_t const width = tile_vectors<T>(count) * Tile<T>::lanes;
    out += k * width;
    if (count < width) std::fill(out, out + height * out_width * width, T(0));
    for (std::int64_t at = 0, n; at < count; at += n) {
      std::int64_t const tap = (column + at) / some, channel = (column + at) % some, kw = tap % s.kernel_w;
      // Neighbouring columns of the kernel follow each other.
      n = std::min(count - at, (s.dilation_w == 1 ? s.kernel_w - kw : 1) * some - channel);
      for (std::int64_t r = 0; r < height; ++r) {
        T* const to = out + r * out_width * width + at;
        std::int64_t const seen = r * s.stride_h + tap / s.kernel_w * s.dilation_h;
        copy_runs(image + (seen * padded_width + kw * s.dilation_w) * some + channel, s.stride_w * some, n, to, width,
                  out_width);
      }
    }
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
