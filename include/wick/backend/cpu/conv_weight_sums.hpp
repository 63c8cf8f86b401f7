// SPDX-License-Identifier: MIT
// The gradient of a convolution by filters of few elements: they would fill too little of a register, so the registers
// run along the pixels. The gradient of the output is read where it lies and is never turned around.
#pragma once

#include <wick/backend/cpu/conv_product.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// One weight gradient at work. An item is a block of output rows of one image.
template <class T>
class ConvWeightSums {
 public:
  ConvWeightSums(Conv2dShape const& shape, T const* input, T const* gradient) : s(shape), x(input), gy(gradient) {}

  /// True where this is faster than a matrix product.
  static bool suits(Conv2dShape const& s) {
    // The sums, a register each, stay in the second-level cache; what an image adds to one of them is worth a visit.
    constexpr std::int64_t most_sums = GemmBlock<T>::packed / 128 / lanes, least_pixels = 8 * lanes;
    if (lanes == 1 || s.group_out() * s.filter() > most_sums || s.out_pixels() < least_pixels) return false;
    // A matrix product pays for whole registers of elements instead, and turns the gradient of the output around, of
    // which more elements make more use.
    std::int64_t const here = ceil_div(s.filter(), tile_taps) * tile_taps, there = ceil_div(s.filter(), lanes) * lanes;
    return here <= tile_taps || (here <= 18 && 4 * here <= 3 * there);
  }

  void run(T* gw, bool accumulate) const {
    std::int64_t const size = s.out_channels * filter;
    // The number of parts depends on the shape only, as every sum does. Many groups are enough to share.
    constexpr std::int64_t most = 16, least_items = 2;
    std::int64_t const parts = std::clamp<std::int64_t>(std::min(most / s.groups, items / least_items), 1, most);
    Scratch<T> sums(parts * size);
    parallel_tasks(parts * s.groups, rows * filter * most_pixels * (items / parts), [&](auto begin, auto end) {
      Scratch<T> patches(filter * stride), rests(rows * lanes), vectors(rows * filter * lanes);
      for (std::int64_t task = begin; task < end; ++task) {
        std::int64_t const part = task / s.groups, group = task % s.groups;
        std::fill(vectors.data(), vectors.data() + rows * filter * lanes, T(0));
        for (std::int64_t item = items * part / parts; item < items * (part + 1) / parts; ++item)
          add_item(item, group, patches.data(), rests.data(), vectors.data());
        T* const to = sums.data() + part * size + group * rows * filter;
        for (std::int64_t i = 0; i < rows * filter; ++i) to[i] = V::sum(V::load(vectors.data() + i * lanes));
      }
    });
    parallel_tasks(size, 8 * parts, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        T sum = sums.data()[i];
        for (std::int64_t part = 1; part < parts; ++part) sum = static_cast<T>(sum + sums.data()[part * size + i]);
        gw[i] = accumulate ? static_cast<T>(gw[i] + sum) : sum;
      }
    });
  }

 private:
  using V = TileVector<T>;
  static constexpr std::int64_t lanes = V::lanes;
  // Outputs and filter elements of a tile: its sums, a row of it and a column under way fill the registers.
  static constexpr std::int64_t tile_outputs = Tile<T>::rows >= 8 ? 3 : 4, tile_taps = Tile<T>::rows >= 8 ? 9 : 3;
  Conv2dShape s;
  T const *x, *gy;
  std::int64_t out_height = s.out_height(), out_width = s.out_width(), pixels = out_height * out_width;
  std::int64_t rows = s.group_out(), channels = s.group_in(), taps = s.kernel_h * s.kernel_w, filter = channels * taps;
  // The patches of a block stay in the first-level cache, or not far from it.
  std::int64_t rows_at_once =
      even_block(out_height, std::max<std::int64_t>(1, GemmBlock<T>::depth * 24 / (filter * out_width)));
  std::int64_t blocks = ceil_div(out_height, rows_at_once), items = s.batch * blocks;
  std::int64_t most_pixels = rows_at_once * out_width;
  // An odd number of registers apart, so that the patches' rows do not meet in the same lines of the cache.
  std::int64_t stride = (ceil_div(most_pixels, lanes) | 1) * lanes;

  void add_item(std::int64_t item, std::int64_t group, T* patches, T* rests, T* vectors) const {
    std::int64_t const n = item / blocks, first = item % blocks * rows_at_once;
    std::int64_t const height = std::min(rows_at_once, out_height - first), count = height * out_width;
    std::int64_t const whole = count / lanes, rest = count % lanes;
    T const* const image = x + (n * s.groups + group) * channels * s.height * s.width;
    for (std::int64_t j = 0; j < filter; ++j) {
      T* const to = patches + j * stride;
      copy_tap(s, image + j / taps * s.height * s.width, j % taps, first, height, to);
      std::fill(to + count, to + ceil_div(count, lanes) * lanes, T(0));
    }
    T const* const from = gy + (n * s.groups + group) * rows * pixels + first * out_width;
    // What follows a block's last pixel must not take part, not even times zero.
    if (rest > 0)
      for (std::int64_t i = 0; i < rows; ++i) {
        V::store(rests + i * lanes, V::splat(T(0)));
        copy_run(from + i * pixels + whole * lanes, 1, rest, rests + i * lanes);
      }
    for (std::int64_t i = 0; i < rows; i += tile_outputs)
      for (std::int64_t j = 0; j < filter; j += tile_taps)
        add_tile(from + i * pixels, rest > 0 ? rests + i * lanes : nullptr, std::min(tile_outputs, rows - i), whole,
                 patches + j * stride, std::min(tile_taps, filter - j), vectors + (i * filter + j) * lanes);
  }
  /// Adds products of `outputs` rows of g, of `whole` registers and perhaps one more from `rests`, and of `some` rows
  /// of patches to a tile of sums.
  WICK_NOINLINE void add_tile(T const* g, T const* rests, std::int64_t outputs, std::int64_t whole, T const* patches,
                              std::int64_t some, T* sums) const {
    T const *out[std::size_t{tile_outputs}], *tap[std::size_t{tile_taps}];
    typename V::Type sum[std::size_t{tile_outputs}][std::size_t{tile_taps}];
    // The last row stands for the missing ones, whose sums nobody reads.
    WICK_UNROLL for (std::int64_t j = 0; j < tile_taps; ++j) tap[j] = patches + std::min(j, some - 1) * stride;
    WICK_UNROLL for (std::int64_t i = 0; i < tile_outputs; ++i) {
      out[i] = g + std::min(i, outputs - 1) * pixels;
      WICK_UNROLL for (std::int64_t j = 0; j < tile_taps; ++j) sum[i][j] =
          V::load(sums + (std::min(i, outputs - 1) * filter + std::min(j, some - 1)) * lanes);
    }
    std::int64_t at = 0;
    auto const step = [&](auto const& row) WICK_LAMBDA_INLINE {
      typename V::Type factor[std::size_t{tile_outputs}];
      WICK_UNROLL for (std::int64_t i = 0; i < tile_outputs; ++i) factor[i] = V::load(row(i));
      WICK_UNROLL for (std::int64_t j = 0; j < tile_taps; ++j) {
        auto here = V::load(tap[j] + at);
        V::keep(here);
        WICK_UNROLL for (std::int64_t i = 0; i < tile_outputs; ++i) sum[i][j] = V::fma(factor[i], here, sum[i][j]);
      }
    };
    for (; at < whole * lanes; at += lanes) step([&](std::int64_t i) { return out[i] + at; });
    if (rests) step([&](std::int64_t i) { return rests + std::min(i, outputs - 1) * lanes; });
    WICK_UNROLL for (std::int64_t i = 0; i < tile_outputs; ++i) {
      WICK_UNROLL for (std::int64_t j = 0; j < tile_taps; ++j) {
        if (i < outputs && j < some) V::store(sums + (i * filter + j) * lanes, sum[i][j]);
      }
    }
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
