// SPDX-License-Identifier: MIT
// The gradient of a strided convolution by its input: a block of columns (input channel, tap) x pixel at a time, that
// is filters transposed times the gradient of the output, is added to the pixels it came from.
#pragma once

#include <wick/backend/cpu/conv_product.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

#if WICK_VECTORS
/// to[2 i] += from[i] for i < lanes; to[2 lanes - 1] must be there, too, and is not changed.
template <std::int64_t lanes, class T>
WICK_INLINE void add_even(T const* from, T* to) {
  typedef T Vector __attribute__((vector_size(lanes * sizeof(T))));
  Vector a, low, high;
  std::memcpy(&a, from, sizeof a), std::memcpy(&low, to, sizeof low), std::memcpy(&high, to + lanes, sizeof high);
  [&]<int... i>(std::integer_sequence<int, i...>) {
    // Even lanes take the sum, odd lanes what was there.
    constexpr int n = static_cast<int>(lanes);
    Vector const even = __builtin_shufflevector(low, high, (2 * i)...) + a;
    low = __builtin_shufflevector(even, low, (i % 2 ? n + i : i / 2)...);
    high = __builtin_shufflevector(even, high, (i % 2 ? n + i : n / 2 + i / 2)...);
  }
  (std::make_integer_sequence<int, static_cast<int>(lanes)>());
  std::memcpy(to, &low, sizeof low), std::memcpy(to + lanes, &high, sizeof high);
}
#endif

/// to[i * stride] += from[i] for i < n.
template <class T>
WICK_INLINE void add_run(T const* from, std::int64_t stride, std::int64_t n, T* to) {
  using V = TileVector<T>;
  std::int64_t i = 0;
  if constexpr (V::lanes > 1) {
    if (stride == 1)
      for (; i + V::lanes <= n; i += V::lanes) V::store(to + i, V::add(V::load(to + i), V::load(from + i)));
#if WICK_VECTORS
    constexpr std::int64_t quad = 4;
    if (stride == 2) {
      for (; i + V::lanes < n; i += V::lanes) add_even<V::lanes>(from + i, to + 2 * i);
      for (; i + quad < n; i += quad) add_even<quad>(from + i, to + 2 * i);
    }
#endif
  }
  for (; i < n; ++i) to[i * stride] = static_cast<T>(to[i * stride] + from[i]);
}

/// One such gradient at work. A chunk is some images, at least so many that their output fills a block of pixels.
template <class T>
struct ConvScatter {
  static constexpr std::int64_t tile_rows = Tile<T>::rows, tile_columns = Tile<T>::columns;
  Conv2dShape s;
  T const *gy, *w;
  T* gx;
  bool accumulate;

  std::int64_t pixels = s.out_pixels(), plane = s.height * s.width, taps = s.kernel_h * s.kernel_w;
  std::int64_t depth = s.group_out(), filter = s.filter();
  std::int64_t depth_at_once = even_block(depth, GemmBlock<T>::depth * 3 / 2);
  // The packed gradient of a block, over the whole depth, stays in the second-level cache.
  std::int64_t block =
      tile_columns * std::clamp<std::int64_t>(GemmBlock<T>::depth * 512 / (depth * tile_columns), 1, conv_panels);
  std::int64_t images = std::clamp<std::int64_t>(pixels > 0 ? block / pixels : 1, 1, s.batch);
  std::int64_t chunks = ceil_div(s.batch, images);
  // A task owns some channels of a chunk, so that no two threads add to one element.
  std::int64_t channels_at_once = std::min(tile_rows, s.group_in()), parts = ceil_div(s.group_in(), channels_at_once);
  std::int64_t part_size = ceil_div(channels_at_once * taps, tile_rows) * tile_rows * depth;

  // Filters as rows (channel, tap) of parts of tile_rows channels, each of which ends with a stripe.
  void pack_part(std::int64_t group, std::int64_t part, T* out) const {
    std::int64_t const row = part * channels_at_once * taps, rows = std::min(channels_at_once * taps, filter - row);
    Matrix<T const> const m{w + group * depth * filter + row, rows, depth, 1, filter};
    pack_stripes(m, 0, ceil_div(rows, tile_rows), out);
  }
  /// Packs the gradient at pixels [first, first + count) of the batch, which is a convolution's input to 1 x 1 filters:
  /// [block of depth][panel][depth][pixel].
  void pack_gradient(std::int64_t group, std::int64_t first, std::int64_t count, T* out) const {
    Conv2dShape const one{s.batch, s.out_channels, 1, pixels, s.out_channels, 1, 1, 1, 1, 0, 0, 1, 1, 1};
    for (std::int64_t k = 0; k < depth; k += depth_at_once) {
      std::int64_t const deep = std::min(depth_at_once, depth - k);
      pack_patches(one, false, gy + (group * depth + k) * pixels, deep, first, count, deep * tile_columns, 0,
                   out + k * block);
    }
  }
  /// Adds columns[channel][kernel row][kernel column][pixel], rows a block apart, to what pixels [first, first + count)
  /// of the batch see in `channels` channels from x on.
  void add_patches(T const* columns, std::int64_t channels, std::int64_t first, std::int64_t count, T* x) const {
    for (std::int64_t p = 0; p < count; p += tile_columns)
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        Spans<tile_columns> spans;
        spans.find(s, s.in_channels * plane, tap / s.kernel_w, tap % s.kernel_w, first + p,
                   std::min(tile_columns, count - p));
        for (std::int64_t c = 0; c < channels; ++c)
          for (std::int64_t i = 0; i < spans.size; ++i) {
            Span const span = spans.list[i];
            add_run(columns + (c * taps + tap) * block + p + span.at, s.stride_w, span.count,
                    x + c * plane + span.input);
          }
      }
  }
  /// columns[row][pixel] = a part of the filters times the packed gradient of `count` pixels.
  void multiply(T const* filters, std::int64_t rows, T const* gradient, std::int64_t count, T* columns) const {
    for (std::int64_t k = 0; k < depth; k += depth_at_once) {
      std::int64_t const deep = std::min(depth_at_once, depth - k);
      T const* const panels = gradient + k * block;
      NarrowColumns<T> const narrow(panels, deep * tile_columns, deep, count, true);
      std::int64_t const wide = count - narrow.size();
      for (std::int64_t r = 0; r < rows; r += tile_rows) {
        PackedStripe<T> const a{filters + r * depth + k * tile_rows};
        std::int64_t const height = std::min(tile_rows, rows - r);
        stripe_multiply(deep, a, panels, deep * tile_columns, 0, columns + r * block, block, height, wide, k > 0);
        for (std::int64_t j = 0; j < narrow.size(); ++j)
          narrow.multiply(a, j, columns + r * block + wide + j, block, height, k > 0);
      }
    }
  }
  void run() const {
    // Filters that one block of pixels meets are packed when it does, others once before.
    bool const once = s.batch * pixels <= block;
    Scratch<T> filters(once ? 0 : s.groups * parts * part_size);
    if (!once)
      parallel_tasks(s.groups * parts, 8 * part_size, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) pack_part(i / parts, i % parts, filters.data() + i * part_size);
      });
    std::int64_t const work = channels_at_once * taps * depth * images * pixels;
    // Few chunks are not cut further than the threads need: each piece packs the gradient of its chunk again.
    std::int64_t const tasks = chunks * s.groups * parts, threads = num_threads();
    std::int64_t const units = chunks * s.groups >= 4 * threads ? tasks : std::min(tasks, threads);
    parallel_tasks(units, work * tasks / units, [&](std::int64_t first_unit, std::int64_t last_unit) {
      std::int64_t const begin = tasks * first_unit / units, end = tasks * last_unit / units;
      Scratch<T> fresh(once ? part_size : 0), packed(depth * block),
          columns(ceil_div(channels_at_once * taps, tile_rows) * tile_rows * block);
      for (std::int64_t task = begin, next; task < end; task = next) {
        // All parts of one chunk and group share its packed gradient.
        next = std::min(end, (task / parts + 1) * parts);
        std::int64_t const chunk = task / parts / s.groups, group = task / parts % s.groups;
        std::int64_t const image = chunk * images, image_end = std::min(s.batch, image + images);
        T* const to = gx + group * s.group_in() * plane;
        std::int64_t const channel0 = task % parts * channels_at_once;
        std::int64_t const channel1 = std::min(s.group_in(), ((next - 1) % parts + 1) * channels_at_once);
        if (!accumulate)
          for (std::int64_t n = image; n < image_end; ++n)
            std::fill(to + (n * s.in_channels + channel0) * plane, to + (n * s.in_channels + channel1) * plane, T(0));
        for (std::int64_t first = image * pixels; first < image_end * pixels; first += block) {
          std::int64_t const count = std::min(block, image_end * pixels - first);
          pack_gradient(group, first, count, packed.data());
          for (std::int64_t c = channel0; c < channel1; c += channels_at_once) {
            std::int64_t const channels = std::min(channels_at_once, channel1 - c), rows = channels * taps;
            std::int64_t const part = c / channels_at_once;
            if (once) pack_part(group, part, fresh.data());
            multiply(once ? fresh.data() : filters.data() + (group * parts + part) * part_size, rows, packed.data(), count,
                     columns.data());
            add_patches(columns.data(), channels, first, count, to + c * plane);
          }
        }
      }
    });
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
