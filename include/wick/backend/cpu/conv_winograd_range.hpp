// SPDX-License-Identifier: MIT
// Which outputs Winograd's convolution must not compute, and their direct sums. Its error is relative to the largest inputs of
// a 6 x 6 tile: an output whose own 3 x 3 inputs are much smaller, or whose tile is not finite, is the direct sum instead.
#pragma once

#include <bit>

#include <wick/backend/cpu/conv_product.hpp>
#include <wick/backend/cpu/conv_winograd_transform.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// The squares of a tile's inputs may sum to this many times those of an output's own inputs, 4 where all are alike.
inline constexpr float winograd_range = 64;

/// Outputs of a tile, output (r, c) as bit 4 r + c.
struct WinogradMarks {
  std::uint16_t direct = 0;  ///< must not be Winograd's
  std::uint16_t blank = 0;   ///< see nothing but zeros, in a tile that has more: zero when the filters are finite
};

/// True for all numbers but NaN and infinity.
inline bool winograd_finite(float x) { return (std::bit_cast<std::uint32_t>(x) & 0x7f800000u) != 0x7f800000u; }

/// out[i] = the sum over all channels of the squares of pixel i of `count` pixels from x on; the same bits whatever stands beside.
template <class T>
WICK_NOINLINE void sum_squares(T const* x, std::int64_t channels, std::int64_t plane, std::int64_t count, T* out) {
  using V = TileVector<T>;
  auto const some = [&]<int n>(std::int64_t i, std::integral_constant<int, n>) WICK_LAMBDA_INLINE {
    typename V::Type sums[std::size_t{n}];
    WICK_UNROLL for (int k = 0; k < n; ++k) sums[k] = V::splat(T(0));
    for (std::int64_t c = 0; c < channels; ++c)
      WICK_UNROLL for (int k = 0; k < n; ++k) {
        auto const value = V::load(x + c * plane + i + k * V::lanes);
        sums[k] = V::fma(value, value, sums[k]);
      }
    WICK_UNROLL for (int k = 0; k < n; ++k) V::store(out + i + k * V::lanes, sums[k]);
  };
  std::int64_t i = 0;
  while (i < count && count >= V::lanes) {
    std::int64_t registers = std::min<std::int64_t>(4, ceil_div(count - i, V::lanes));
    if (registers * V::lanes > count) registers = 1;
    std::int64_t const at = std::min(i, count - registers * V::lanes);  // the last ones overlap those before
    if (registers == 4) some(at, std::integral_constant<int, 4>());
    else if (registers == 3) some(at, std::integral_constant<int, 3>());
    else if (registers == 2) some(at, std::integral_constant<int, 2>());
    else some(at, std::integral_constant<int, 1>());
    i = at + registers * V::lanes;
  }
  for (; i < count; ++i) {
    T sum = 0;
    for (std::int64_t c = 0; c < channels; ++c) sum = simd::fma<T>(x[c * plane + i], x[c * plane + i], sum);
    out[i] = sum;
  }
}

/// What a run of tiles in one row of tiles sees and makes.
template <class T>
struct WinogradStrip {
  using V = TileVector<T>;
  static constexpr std::int64_t lanes = V::lanes, before = 4;
  T const* x;                                   ///< channel 0 of the image
  std::int64_t channels, height, width;         ///< of the image
  std::int64_t top, left;                       ///< of the first tile's inputs in the image; may lie outside
  std::int64_t tiles, rows, columns;            ///< how many, and the outputs that there are

  /// Elements of working memory for `find`.
  static std::int64_t working(std::int64_t tiles) { return 13 * pitch(tiles); }

  /// Marks outputs of every tile. `below`: `space` is as the strip above this one left it.
  void find(T* space, WinogradMarks* marks, bool below = false) const {
    // Of each pixel: the squares of all its channels; the least of their sums over three rows; their sum over all of a tile's.
    std::int64_t const line = pitch(tiles);
    T *const pixels = space + before, *const least = pixels + winograd_in * line, *const sixes = least + line;
    std::int64_t const known = below ? winograd_in - winograd_out : 0;  // rows that the strip above has seen
    std::copy_n(space + winograd_out * line, known * line, space);
    squares_of_pixels(known, pixels, least);
    for (std::int64_t i = -before; i < line - before; i += lanes) {
      typename V::Type row[winograd_in];
      WICK_UNROLL for (int r = 0; r < winograd_in; ++r) row[r] = V::load(pixels + r * line + i);
      auto smallest = row[0] + row[1] + row[2];
      WICK_UNROLL for (int r = 1; r < winograd_out; ++r)
          if (r < rows) smallest = smaller(row[r] + row[r + 1] + row[r + 2], smallest);
      V::store(least + i, smallest);
      V::store(sixes + i, row[0] + row[1] + row[2] + (row[3] + row[4] + row[5]));
    }
    std::fill_n(marks, tiles, WinogradMarks());
    T *const far = sixes + line, *const threes = far + line;
    sum_far(sixes, far);
    if (all_alike(least, 1, far, line)) return;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i = -before; i < line - before; i += lanes) {
        T const* const at = pixels + r * line + i;
        V::store(threes + r * line + i, V::load(at) + V::load(at + line) + V::load(at + 2 * line));
      }
    if (all_alike(threes, rows, far, line)) return;
    for (std::int64_t t = 0; t < tiles; ++t) {
      T const* const at = sixes + winograd_out * t;
      T const tile = at[0] + at[1] + at[2] + (at[3] + at[4] + at[5]);
      if (tile == T(0)) continue;
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < winograd_out && winograd_out * t + c < columns; ++c) {
          T const* const own = threes + r * line + winograd_out * t + c;
          T const window = own[0] + own[1] + own[2];
          auto const bit = static_cast<std::uint16_t>(1u << (winograd_out * r + c));
          if (window == T(0)) marks[t].blank |= bit;
          else if (!winograd_finite(tile) || winograd_range * window < tile) marks[t].direct |= bit;
        }
    }
  }

  /// The direct sums of `count` outputs, given as row * stride + column, for a register of filters from `first` on:
  /// out[output][lanes].
  WICK_NOINLINE void sum(Filters<T> const& filters, std::int64_t group, std::int64_t first, std::int32_t const* outputs,
                         std::int64_t count, std::int64_t stride, T* out) const {
    constexpr std::int64_t taps = 9, some = 8;
    std::int64_t const line = winograd_out * tiles + 2, part = winograd_in * line;
    Scratch<T> weights(channels * taps * lanes), inputs(channels * part);
    auto const [begin, end] = inside(left, width, line);
    auto const [above, below] = inside(top, height, winograd_in);
    std::fill_n(inputs.data(), channels * part, T(0));
    for (std::int64_t c = 0; c < channels; ++c) {
      pack_interleaved(filters.row(group, first) + c * filters.channel_stride, std::min(lanes, filters.rows - first), taps,
                       filters.row_stride, std::int64_t{1}, lanes, weights.data() + c * taps * lanes);
      for (std::int64_t r = above; r < below; ++r)
        copy_short(x + (c * height + top + r) * width + left + begin, end - begin, inputs.data() + c * part + r * line + begin);
    }
    for (std::int64_t i = 0; i < count; i += some) {
      T const* at[some];
      for (std::int64_t k = 0; k < some; ++k) {
        std::int64_t const output = outputs[std::min(i + k, count - 1)];
        at[k] = inputs.data() + output / stride * line + output % stride;
      }
      typename V::Type sums[some];
      WICK_UNROLL for (int k = 0; k < some; ++k) sums[k] = V::splat(T(0));
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          std::int64_t const place = filters.reversed ? taps - 1 - tap : tap, input = c * part + place / 3 * line + place % 3;
          auto const weight = V::load(weights.data() + (c * taps + tap) * lanes);
          WICK_UNROLL for (int k = 0; k < some; ++k) sums[k] = V::fma(V::splat(at[k][input]), weight, sums[k]);
        }
      WICK_UNROLL for (int k = 0; k < some; ++k)
          if (i + k < count) V::store(out + (i + k) * lanes, sums[k]);
    }
  }

 private:
  // The columns of a strip, with zeros before and behind them for sums of neighbours.
  static std::int64_t pitch(std::int64_t tiles) {
    return ceil_div(before + winograd_out * tiles + lanes + winograd_in, lanes) * lanes;
  }
  // Those of `count` places from `from` on that lie in [0, extent).
  static std::pair<std::int64_t, std::int64_t> inside(std::int64_t from, std::int64_t extent, std::int64_t count) {
    std::int64_t const begin = std::clamp<std::int64_t>(-from, 0, count);
    return {begin, std::clamp<std::int64_t>(extent - from, begin, count)};
  }
  // From row `known` on.
  void squares_of_pixels(std::int64_t known, T* out, T* space) const {
    std::int64_t const line = pitch(tiles), plane = height * width, all = winograd_out * tiles + 2;
    auto const [begin, end] = inside(left, width, all);
    auto const [above, last] = inside(top, height, winograd_in);
    std::int64_t const first = std::clamp(known, above, last);
    for (std::int64_t i = known * line; i < winograd_in * line; i += lanes) V::store(out - before + i, V::splat(T(0)));
    T const* const from = x + (top + first) * width + left + begin;
    if (end - begin < width) {
      for (std::int64_t r = first; r < last; ++r)
        sum_squares(from + (r - first) * width, channels, plane, end - begin, out + r * line + begin);
    } else {  // whole rows follow each other
      sum_squares(from, channels, plane, (last - first) * width, space);
      for (std::int64_t r = first; r < last; ++r) copy_short(space + (r - first) * width, width, out + r * line + begin);
    }
  }
  // The columns from 3 before to 5 behind an output are more than its tile has.
  void sum_far(T const* sixes, T* far) const {
    for (std::int64_t i = 0; i < columns; i += lanes) {
      auto sum = V::load(sixes + i - 3);
      for (std::int64_t k = -2; k <= 5; ++k) sum = sum + V::load(sixes + i + k);
      V::store(far + i, sum);
    }
    V::store(far + columns, V::splat(T(0)));
  }
  static typename V::Type smaller(typename V::Type a, typename V::Type b) {
    if constexpr (lanes > 1) return simd::smaller<T>(a, b);
    else return std::min(a, b);
  }
  // True when no output can be marked, given `count` lines of sums over three rows, or one line of the least of them.
  bool all_alike(T const* threes, std::int64_t count, T const* far, std::int64_t line) const {
    bool alike = true;
    for (std::int64_t i = 0; i < columns; i += lanes) {
      auto const region = V::load(far + i);
      auto smallest = region;
      for (std::int64_t r = 0; r < count; ++r) {
        T const* const own = threes + r * line + i;
        smallest = smaller(V::load(own) + V::load(own + 1) + V::load(own + 2), smallest);
      }
      auto const excess = V::fma(V::splat(-winograd_range), smallest, region);  // NaN where the region is not finite
      if constexpr (lanes > 1) alike &= simd::all<T>(excess <= V::splat(T(0)));
      else alike &= excess <= T(0);
    }
    return alike;
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
