// SPDX-License-Identifier: MIT
// Winograd's convolution F(4x4, 3x3) for float: a quarter of the multiplications of the direct sum. 36 matrix products,
// tiles times filters, of transformed inputs and transformed filters; the result is transformed back.
//
// Its error beside that of the direct sum, for normal numbers, in units of the root mean square of the result:
//
//   channels                  16        64        256       512
//   root mean square          4.7e-7    7.6e-7    1.4e-6    2.0e-6
//   of the direct sum         2.1e-7    3.0e-7    3.3e-7    3.4e-7
//   largest of a million      5.2e-6    9.7e-6    1.5e-5    2.5e-5
//   of the direct sum         3.1e-6    3.0e-6    2.3e-6    2.1e-6
//
// For any input, |error| <= 4.5e-5 (C + 30) |x| |w| with C the channels of a group, |x| the norm of the inputs that an output
// sees (3 x 3 x C), |w| that of its filter; the largest seen is 1e-6 |x| |w|. The sums alone would not keep that: they
// err by up to 94 (C + 30) roundings of 2^-24 times the norm of a whole 6 x 6 tile. So an output whose inputs' norm is less than
// 1/8 of its tile's, and one that is not finite, is the direct sum (conv_winograd_range.hpp): a large pixel, an
// infinity or a NaN reaches the 3 x 3 outputs that see it and no others. (Inputs below 1e-22 count as zeros in these norms.)
// `set_winograd(false)` switches it off.
#pragma once

#include <wick/backend/cpu/conv_input_gradient.hpp>
#include <wick/backend/cpu/conv_winograd_range.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace core {
inline std::atomic<bool> winograd_allowed{true};
}  // namespace core

/// Allows (the default) or forbids Winograd's algorithm for 3 x 3 convolutions of float and their input gradients.
inline void set_winograd(bool allowed) { core::winograd_allowed.store(allowed, std::memory_order_relaxed); }
/// True when 3 x 3 convolutions of float may use Winograd's algorithm.
inline bool winograd_allowed() { return core::winograd_allowed.load(std::memory_order_relaxed); }

}  // namespace wick

namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// One such convolution at work. A strip is a run of tiles in one row of tiles of one image.
template <class T>
struct Winograd {
  static constexpr std::int64_t lanes = Tile<T>::lanes, tile_rows = Tile<T>::rows, tile_vectors = Tile<T>::vectors;
  static constexpr std::int64_t products = winograd_products, most_tiles = 64, fewest_channels = 16;
  Conv2dShape s;
  T const* x;
  Filters<T> filters;
  T* y;
  bool accumulate;
  Epilogue<T> epilogue;

  std::int64_t out_height = s.out_height(), out_width = s.out_width();
  std::int64_t tiles_down = ceil_div(out_height, winograd_out), tiles_across = ceil_div(out_width, winograd_out);
  std::int64_t pieces = ceil_div(tiles_across, most_tiles / 2), strips = s.batch * tiles_down * pieces;
  std::int64_t tiles = s.batch * tiles_down * tiles_across;
  std::int64_t channels = filters.channels, depth = ceil_div(channels, lanes) * lanes;
  // Rows of transformed inputs are not a power of two apart, which would make them meet in the cache.
  std::int64_t row = depth + lanes, vectors = ceil_div(filters.rows, lanes);

  /// True when the algorithm applies and should be faster, counting operations of a register.
  bool wins() const {
    if (s.kernel_h != 3 || s.kernel_w != 3 || s.stride_h != 1 || s.stride_w != 1 || s.dilation_h != 1 ||
        s.dilation_w != 1 || channels < fewest_channels || filters.rows < fewest_channels)
      return false;
    std::int64_t const padded = ceil_div(tiles, tile_rows) * tile_rows, both = channels * filters.rows;
    std::int64_t const here = (products * padded + 250) * both + 250 * tiles * (channels + filters.rows);
    return here < 8 * s.batch * s.out_pixels() * both;
  }

  struct Strip {
    std::int64_t image, down, across, count;
  };
  Strip strip(std::int64_t index) const {
    std::int64_t const piece = index % pieces, first = tiles_across * piece / pieces;
    return {index / pieces / tiles_down, index / pieces % tiles_down, first,
            tiles_across * (piece + 1) / pieces - first};
  }
  /// Tiles before strip `index`.
  std::int64_t tiles_before(std::int64_t index) const {
    return index / pieces * tiles_across + tiles_across * (index % pieces) / pieces;
  }

  /// What strip `index` sees and makes.
  WinogradStrip<T> range(std::int64_t group, std::int64_t index) const {
    Strip const at = strip(index);
    std::int64_t const top = at.down * winograd_out, left = at.across * winograd_out;
    return {x + (at.image * s.groups + group) * channels * s.height * s.width,
            channels,
            s.height,
            s.width,
            top - s.pad_h,
            left - s.pad_w,
            at.count,
            std::min(winograd_out, out_height - top),
            std::min(winograd_out * at.count, out_width - left)};
  }

  /// Transforms channels [channel, channel + lanes) of the input of a strip: product p of tile t goes to
  /// out[p * stride + t * row]. `work` holds 6 rows of the strip.
  void transform_input(std::int64_t group, std::int64_t index, std::int64_t channel, T* work, T* out,
                       std::int64_t stride) const {
    Strip const at = strip(index);
    std::int64_t const plane = s.height * s.width, columns = winograd_out * at.count + 2;
    std::int64_t const left = at.across * winograd_out - s.pad_w, top = at.down * winograd_out - s.pad_h;
    std::int64_t const begin = std::clamp<std::int64_t>(-left, 0, columns);
    std::int64_t const end = std::clamp<std::int64_t>(s.width - left, begin, columns);
    std::int64_t const count = std::min(lanes, channels - channel);
    T const* const from = x + ((at.image * s.groups + group) * channels + channel) * plane;
    for (std::int64_t r = 0; r < winograd_in; ++r) {
      T* const to = work + r * columns * lanes;
      bool const inside = top + r >= 0 && top + r < s.height && begin < end;
      std::int64_t const first = inside ? begin : columns, last = inside ? end : columns;
      std::fill(to, to + first * lanes, T(0));
      if (inside)
        pack_interleaved(from + (top + r) * s.width + left + begin, count, end - begin, plane, std::int64_t{1}, lanes,
                         to + begin * lanes);
      std::fill(to + last * lanes, to + columns * lanes, T(0));
    }
    for (std::int64_t t = 0; t < at.count; ++t)
      winograd::input(work + t * winograd_out * lanes, columns * lanes, lanes, out + t * row, stride);
  }

  /// Transforms the filters of output channels [first, first + width) for all products: out[product][depth][width].
  /// Rows that the filters lack stay away; channels that they lack are not written.
  void transform_filters(std::int64_t group, std::int64_t first, std::int64_t width, T* work, T* out) const {
    constexpr std::int64_t taps = 9;
    std::int64_t const count = std::min(width, filters.rows - first), stride = depth * width;
    T const* const from = filters.row(group, first);
    T const* const tap = work + (filters.reversed ? (taps - 1) * width : 0);
    if (count < width) std::fill_n(work, taps * width, T(0));  // no NaN there
    for (std::int64_t c = 0; c < channels; ++c) {
      pack_interleaved(from + c * filters.channel_stride, count, taps, filters.row_stride, std::int64_t{1}, width,
                       work);
      for (std::int64_t v = 0; v < width; v += lanes)
        winograd::filter(tap + v, filters.reversed ? -width : width, out + c * width + v, stride);
    }
  }

  /// Multiplies `count` transformed tiles, `stride` apart for each product, with transformed filters of `width` output
  /// channels: out[product][tile][width].
  void multiply(T const* in, std::int64_t stride, std::int64_t count, T const* weights, std::int64_t width,
                T* out) const {
    for (std::int64_t p = 0; p < products; ++p)
      for (std::int64_t t = 0; t < count; t += tile_rows) {
        std::int64_t const rows = std::min(tile_rows, count - t);
        DirectStripe<T> const a(in + p * stride + t * row, rows, row, 1);
        stripe_multiply(channels, a, weights + p * depth * width, 0, 0, out + (p * count + t) * width, width, rows,
                        width, false);
      }
  }

  /// Puts right what Winograd's sums must not give, of a register of channels from `first` on: outputs that are marked or
  /// not finite.
  WICK_COLD void repair(std::int64_t group, std::int64_t index, std::int64_t first, WinogradMarks const* marks, T* made) const {
    auto const at = range(group, index);
    std::int64_t const columns = at.tiles * winograd_out, count = std::min(lanes, filters.rows - first);
    Scratch<std::int32_t> outputs(columns * winograd_out);
    std::int64_t size = 0;
    for (std::int64_t r = 0; r < at.rows; ++r)
      for (std::int64_t c = 0; c < at.columns; ++c) {
        std::int64_t const place = r * columns + c, bit = winograd_out * r + c % winograd_out;
        WinogradMarks const mark = marks[c / winograd_out];
        T* const values = made + place * lanes;
        if (mark.direct >> bit & 1 || !std::all_of(values, values + count, winograd_finite))
          outputs[size++] = static_cast<std::int32_t>(place);
        else if (mark.blank >> bit & 1)
          std::fill_n(values, lanes, T(0));
      }
    if (size == 0) return;
    Scratch<T> sums(size * lanes);
    at.sum(filters, group, first, outputs.data(), size, columns, sums.data());
    for (std::int64_t i = 0; i < size; ++i) std::copy_n(sums.data() + i * lanes, lanes, made + outputs[i] * lanes);
  }

  /// Transforms products back and writes channels [first, first + width) of the output of a strip. `m` is the first
  /// product of its first tile, tiles are `width` and products `stride` apart.
  void transform_output(std::int64_t group, std::int64_t index, std::int64_t first, std::int64_t width, T const* m,
                        std::int64_t stride, WinogradMarks const* marks, T* work) const {
    Strip const at = strip(index);
    std::int64_t const top = at.down * winograd_out, left = at.across * winograd_out;
    std::int64_t const height = std::min(winograd_out, out_height - top), columns = at.count * winograd_out;
    std::int64_t const length = std::min(columns, out_width - left), pixels = out_height * out_width;
    T* const lines = work + winograd_out * columns * lanes;
    bool const marked = std::any_of(marks, marks + at.count, [](WinogradMarks mark) { return (mark.direct | mark.blank) != 0; });
    for (std::int64_t v = 0; v < width; v += lanes) {
      std::int64_t const channel = group * filters.rows + first + v;
      std::int64_t const count = std::min(lanes, filters.rows - first - v);
      auto zero = TileVector<T>::splat(T(0));
      for (std::int64_t t = 0; t < at.count; ++t)
        winograd::output(m + t * width + v, stride, work + t * winograd_out * lanes, columns * lanes, lanes, zero);
      if (marked || !winograd_finite(TileVector<T>::sum(zero))) repair(group, index, first + v, marks, work);
      for (std::int64_t r = 0; r < height; ++r) {
        // From [column][channel] to [channel][column]: the same transposition, the other way.
        pack_interleaved(work + r * columns * lanes, ceil_div(length, 4) * 4, count, lanes, std::int64_t{1}, columns,
                         lines);
        std::int64_t const image_row = at.image * s.out_channels + channel, pixel = (top + r) * out_width + left;
        T* const to = y + image_row * pixels + pixel;
        for (std::int64_t i = 0; i < count; ++i) {
          if (accumulate) add_run(lines + i * columns, 1, length, to + i * pixels);
          else copy_run(lines + i * columns, 1, length, to + i * pixels);
          if (length < out_width) epilogue(image_row + i, pixel, length, to + i * pixels);
        }
      }
      if (length < out_width) continue;
      // Whole rows are one run for the epilogue.
      for (std::int64_t i = 0; i < count; ++i) {
        std::int64_t const image_row = at.image * s.out_channels + channel + i, pixel = top * out_width;
        epilogue(image_row, pixel, height * out_width, y + image_row * pixels + pixel);
      }
    }
  }
  /// Elements of working memory for one strip.
  std::int64_t working() const {
    std::int64_t const columns = winograd_out * std::min(tiles_across, most_tiles / 2) + 2;
    return std::max(std::max(winograd_in, 2 * winograd_out) * columns * lanes, WinogradStrip<T>::working(columns / winograd_out));
  }

  /// Each thread takes tiles through all steps, with filters transformed before: when there are many tiles.
  void by_tiles(std::int64_t group) const {
    std::int64_t const unit = products * depth * lanes, work = products * channels * filters.rows;
    Scratch<T> weights(vectors * unit);
    std::int64_t const parts = ceil_div(vectors, tile_vectors);
    parallel_tasks(parts, 250 * channels * lanes * tile_vectors, [&](std::int64_t begin, std::int64_t end) {
      Scratch<T> space(9 * tile_vectors * lanes);
      for (std::int64_t p = begin; p < end; ++p) {
        std::int64_t const v = vectors * p / parts, next = vectors * (p + 1) / parts;
        transform_filters(group, v * lanes, (next - v) * lanes, space.data(), weights.data() + v * unit);
      }
    });
    // As many strips at a time as fill the rows of the register tile best.
    std::int64_t at_once = 1, widest = ceil_div(tiles_across, pieces);
    auto const waste = [&](std::int64_t n) {
      std::int64_t const count = n * widest;
      return static_cast<double>(ceil_div(count, tile_rows) * tile_rows) / static_cast<double>(count);
    };
    for (std::int64_t n = 2; n * widest <= most_tiles; ++n)
      if (n * widest <= most_tiles / 2 || waste(n) < waste(at_once) - 0.02) at_once = n;
    // Few strips are not cut further than the threads need: the more tiles meet a filter at a time, the better.
    std::int64_t const threads = num_threads();
    std::int64_t const units = strips >= 4 * threads * at_once ? strips : std::min(strips, threads);
    parallel_tasks(units, work * tiles / units, [&](std::int64_t first_unit, std::int64_t last_unit) {
      std::int64_t const begin = strips * first_unit / units, end = strips * last_unit / units;
      Scratch<T> in(products * at_once * widest * row), out(products * at_once * widest * tile_vectors * lanes);
      Scratch<T> space(working()), seen(WinogradStrip<T>::working(widest));
      Scratch<WinogradMarks> marks(at_once * widest);
      for (std::int64_t i = begin, next; i < end; i = next) {
        next = std::min(end, i + at_once);
        std::int64_t const count = tiles_before(next) - tiles_before(i);
        for (std::int64_t k = i; k < next; ++k) {
          bool const below = k > begin && pieces == 1 && strip(k).down > 0;
          range(group, k).find(seen.data(), marks.data() + tiles_before(k) - tiles_before(i), below);
          for (std::int64_t c = 0; c < depth; c += lanes)
            transform_input(group, k, c, space.data(), in.data() + (tiles_before(k) - tiles_before(i)) * row + c,
                            count * row);
        }
        for (std::int64_t p = 0; p < parts; ++p) {
          std::int64_t const first = vectors * p / parts * lanes, width = vectors * (p + 1) / parts * lanes - first;
          multiply(in.data(), count * row, count, weights.data() + first / lanes * unit, width, out.data());
          for (std::int64_t k = i; k < next; ++k)
            transform_output(group, k, first, width, out.data() + (tiles_before(k) - tiles_before(i)) * width,
                             count * width, marks.data() + tiles_before(k) - tiles_before(i), space.data());
        }
      }
    });
  }
  /// The threads transform the input together, then share the output channels, whose filters each transforms when it
  /// needs them: when there are few tiles.
  void by_channels(std::int64_t group) const {
    Scratch<T> in(products * tiles * row);
    Scratch<WinogradMarks> marks(tiles);
    std::int64_t const groups = depth / lanes;
    parallel_tasks(strips * groups, 4000 * tiles_across, [&](std::int64_t begin, std::int64_t end) {
      Scratch<T> space(working());
      for (std::int64_t i = begin; i < end; ++i) {
        if (i % groups == 0) range(group, i / groups).find(space.data(), marks.data() + tiles_before(i / groups));
        transform_input(group, i / groups, i % groups * lanes, space.data(),
                        in.data() + tiles_before(i / groups) * row + i % groups * lanes, tiles * row);
      }
    });
    // As many panels as every thread can have the same number of.
    std::int64_t const threads = num_threads(), fewest = ceil_div(vectors, tile_vectors);
    std::int64_t const panels = std::min(vectors, ceil_div(fewest, threads) * threads);
    parallel_tasks(
        panels, products * tiles * channels * filters.rows / panels, [&](std::int64_t begin, std::int64_t end) {
          constexpr std::int64_t most = tile_vectors * lanes;
          Scratch<T> weights(products * depth * most), out(products * tiles * most);
          Scratch<T> space(std::max(working(), 9 * most));
          for (std::int64_t p = begin; p < end; ++p) {
            std::int64_t const first = vectors * p / panels * lanes, width = vectors * (p + 1) / panels * lanes - first;
            transform_filters(group, first, width, space.data(), weights.data());
            multiply(in.data(), tiles * row, tiles, weights.data(), width, out.data());
            for (std::int64_t k = 0; k < strips; ++k)
              transform_output(group, k, first, width, out.data() + tiles_before(k) * width, tiles * width,
                               marks.data() + tiles_before(k), space.data());
          }
        });
  }
  void run() const {
    for (std::int64_t group = 0; group < s.groups; ++group)
      if (tiles <= 2 * most_tiles)
        by_channels(group);
      else
        by_tiles(group);
  }
};

/// conv_product by Winograd's algorithm where it applies, wins and is allowed; false where not.
template <class T>
bool conv_winograd(Conv2dShape const& s, T const* x, Filters<T> const& filters, T* y, bool accumulate,
                   Epilogue<T> epilogue) {
  if constexpr (std::is_same_v<T, float>) {
    Winograd<T> const work{s, x, filters, y, accumulate, epilogue};
    if (!winograd_allowed() || !work.wins()) return false;
    work.run();
    return true;
  } else {
    return false;
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
