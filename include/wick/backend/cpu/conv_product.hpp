// SPDX-License-Identifier: MIT
// Convolution as one matrix product for each group: filters times the patches of all images. Patches are packed
// straight into the panels of the register tile, a block at a time, and never stand in memory as a whole.
#pragma once

#include <wick/backend/cpu/conv_patches.hpp>
#include <wick/backend/cpu/gemm.hpp>
#include <wick/backend/cpu/gemm_narrow.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// parallel_for over tasks of so many multiplications each.
template <class Body>
void parallel_tasks(std::int64_t count, std::int64_t multiplications, Body const& body) {
  std::int64_t const work = std::max<std::int64_t>(1, multiplications);
  parallel_for(count, std::max<std::int64_t>(1, gemm_grain / work), body,
               std::clamp<std::int64_t>(work / gemm_grain, 1, 1 << 20));
}

/// The filters of a convolution: row i is output channel i of a group, its columns are (input channel, tap). The input
/// gradient reads the same filters with other strides.
template <class T>
struct Filters {
  T const* data;
  std::int64_t rows, channels, taps, group_stride, row_stride, channel_stride;
  bool reversed = false;  // the last tap of a filter meets the first element of a patch

  Filters(Conv2dShape const& s, T const* w)
      : data(w),
        rows(s.group_out()),
        channels(s.group_in()),
        taps(s.kernel_h * s.kernel_w),
        group_stride(rows * s.filter()),
        row_stride(s.filter()),
        channel_stride(taps) {}
  /// The filters that turn the gradient of the output into that of the input: channels exchanged, taps reversed.
  Filters adjoint() const {
    Filters f = *this;
    f.reversed = !reversed;
    std::swap(f.rows, f.channels), std::swap(f.row_stride, f.channel_stride);
    return f;
  }
  /// Some of the rows and channels.
  Filters part(std::int64_t row0, std::int64_t row_count, std::int64_t channel0, std::int64_t channel_count) const {
    Filters f = *this;
    f.data += row0 * row_stride + channel0 * channel_stride;
    f.rows = row_count, f.channels = channel_count;
    return f;
  }
  std::int64_t depth() const { return channels * taps; }
  /// True when a row is a run of equal steps, `depth_stride()`.
  bool regular() const { return taps == 1 || channel_stride == taps; }
  std::int64_t depth_stride() const { return taps == 1 ? channel_stride : 1; }
  T const* row(std::int64_t group, std::int64_t i) const { return data + group * group_stride + i * row_stride; }
};

/// Packs stripes [stripe0, stripe1) of a group's filters as pack_stripe does, `out` being where stripe 0 is.
template <class T>
void pack_filters(Filters<T> const& f, std::int64_t group, std::int64_t stripe0, std::int64_t stripe1, T* out) {
  constexpr std::int64_t rows = Tile<T>::rows, some = 16;
  Matrix<T const> const m{f.row(group, 0), f.rows, f.depth(), f.row_stride, f.depth_stride()};
  if (f.regular()) return pack_stripes(m, stripe0, stripe1, out);
  for (std::int64_t i = stripe0; i < stripe1; i += some)
    for (std::int64_t c = 0; c < f.channels; ++c)
      for (std::int64_t stripe = i; stripe < std::min(stripe1, i + some); ++stripe)
        pack_interleaved(f.row(group, stripe * rows) + c * f.channel_stride, std::min(rows, f.rows - stripe * rows),
                         f.taps, f.row_stride, std::int64_t{1}, rows, out + (stripe * f.depth() + c * f.taps) * rows);
}

/// The output of one group: column j of row i is pixel j % pixels of image j / pixels.
template <class T>
struct PixelColumns {
  T* data;
  std::int64_t pixels, image_stride;

  /// Column j of row 0.
  T* at(std::int64_t j) const { return data + j / pixels * image_stride + j % pixels; }
  /// Calls visit(at, to, n) for the parts of columns [first, first + count) that lie in one image each; `to` is in row
  /// 0.
  template <class Visit>
  WICK_INLINE void parts(std::int64_t first, std::int64_t count, Visit const& visit) const {
    for (std::int64_t at = 0; at < count;) {
      std::int64_t const image = (first + at) / pixels, pixel = (first + at) % pixels;
      std::int64_t const n = std::min(count - at, pixels - pixel);
      visit(at, data + image * image_stride + pixel, n);
      at += n;
    }
  }
};

/// stripe_multiply into columns [first, first + count) of y.
template <class T, class Stripe>
void stripe_multiply_pixels(std::int64_t depth, Stripe const& a, T const* b, std::int64_t b_stride,
                            PixelColumns<T> const& y, std::int64_t i, std::int64_t rows, std::int64_t first,
                            std::int64_t count, bool add) {
  constexpr std::int64_t columns = Tile<T>::columns;
  for (std::int64_t j = 0; j < count;) {
    std::int64_t const pixel = (first + j) % y.pixels, rest = count - j;
    T* const to = y.at(first + j) + i * y.pixels;
    // Whole panels inside of one image are written in place; one that several images share goes through a tile.
    std::int64_t run = std::min(rest, y.pixels - pixel);
    if (run < rest) run = run / columns * columns;
    if (run > 0) {
      stripe_multiply(depth, a, b + j / columns * b_stride, b_stride, 0, to, y.pixels, rows, run, add);
      j += run;
      continue;
    }
    std::int64_t const width = std::min(columns, rest);
    alignas(alignment) T tile[Tile<T>::rows * columns];
    auto const each_part = [&](auto const& move) {
      y.parts(first + j, width, [&](std::int64_t at, T* part, std::int64_t n) {
        for (std::int64_t r = 0; r < rows; ++r) move(tile + r * columns + at, part + (i + r) * y.pixels, n);
      });
    };
    if (add) each_part([](T* inside, T* outside, std::int64_t n) { copy_run(outside, 1, n, inside); });
    stripe_multiply(depth, a, b + j / columns * b_stride, b_stride, 0, tile, columns, rows, width, add);
    each_part([](T* inside, T* outside, std::int64_t n) { copy_run(inside, 1, n, outside); });
    j += width;
  }
}

/// One convolution at work: what the threads share.
template <class T>
struct ConvProduct {
  static constexpr std::int64_t tile_rows = Tile<T>::rows, tile_columns = Tile<T>::columns;
  Conv2dShape s;
  T const* x;
  Filters<T> filters;
  T* y;
  bool accumulate;
  Epilogue<T> epilogue;

  std::int64_t pixels = s.out_pixels(), columns = s.batch * pixels, stripes = ceil_div(filters.rows, tile_rows);
  std::int64_t panels = ceil_div(columns, tile_columns), depth = filters.depth();
  // The depth is cut at whole channels; where, depends on the shape only.
  std::int64_t channels_at_once =
      even_block(filters.channels,
                 std::max<std::int64_t>(1, GemmBlock<T>::depth * 3 / 2 / std::max<std::int64_t>(1, filters.taps)));
  // Filters that meet few columns are read where they lie: a packed copy would cost more than it saves.
  bool direct = filters.regular() && filters.depth_stride() == 1 && columns <= GemmBlock<T>::direct_columns;

  /// Packed stripes from stripe0 on, from some channel on; without data, the filters are read where they lie.
  struct PackedFilters {
    T const* data = nullptr;
    std::int64_t stripe0 = 0, stride = 0;
  };
  /// Packed patches of columns [first, first + n) in `depth` rows, and those columns that are too few for a register.
  struct PackedPatches {
    T const* data;
    std::int64_t first, n, depth;
    NarrowColumns<T> narrow;
    PackedPatches(T const* patches, std::int64_t first_column, std::int64_t count, std::int64_t rows, bool packed_filters)
        : data(patches), first(first_column), n(count), depth(rows),
          narrow(patches, rows * tile_columns, rows, count, packed_filters) {}
  };

  T const* input(std::int64_t group, std::int64_t channel) const {
    return x + (group * filters.channels + channel) * s.height * s.width;
  }
  PixelColumns<T> output(std::int64_t group) const {
    return {y + group * filters.rows * pixels, pixels, s.out_channels * pixels};
  }

  /// Multiplies channels [channel, channel + count) of some stripes with the packed patches of these channels.
  void multiply(std::int64_t group, std::int64_t stripe0, std::int64_t stripe1, PackedFilters const& packed,
                std::int64_t channel, std::int64_t count, PackedPatches const& patches) const {
    auto const& [data, first, n, part, narrow] = patches;
    std::int64_t const from = channel * filters.taps, wide = n - narrow.size();
    PixelColumns<T> const to = output(group);
    bool const add = accumulate || channel > 0;
    for (std::int64_t stripe = stripe0; stripe < stripe1; ++stripe) {
      std::int64_t const i = stripe * tile_rows, rows = std::min(tile_rows, filters.rows - i);
      auto const stripe_multiply = [&](auto const& a) {
        stripe_multiply_pixels(part, a, data, part * tile_columns, to, i, rows, first, wide, add);
        for (std::int64_t j = 0; j < narrow.size(); ++j)
          narrow.multiply(a, j, to.at(first + wide + j) + i * pixels, pixels, rows, add);
      };
      if (packed.data)
        stripe_multiply(PackedStripe<T>{packed.data + (stripe - packed.stripe0) * packed.stride});
      else
        stripe_multiply(DirectStripe<T>(filters.row(group, i) + from * filters.depth_stride(), rows, filters.row_stride,
                                        filters.depth_stride()));
      if (channel + count < filters.channels || !epilogue.run) continue;
      to.parts(first, n, [&](std::int64_t at, T* values, std::int64_t length) {
        std::int64_t const image = (first + at) / pixels, pixel = (first + at) % pixels;
        for (std::int64_t r = i; r < i + rows; ++r)
          epilogue(image * s.out_channels + group * filters.rows + r, pixel, length, values + r * pixels);
      });
    }
  }

  /// Each thread packs patches for itself and multiplies them with all filters: when there are many columns.
  void by_columns(T const* packed) const {
    std::int64_t const work = filters.rows * depth * tile_columns;
    parallel_tasks(s.groups * panels, work, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t const block = std::min(conv_panels, panels);
      Scratch<T> patches(channels_at_once * filters.taps * block * tile_columns);
      for (std::int64_t unit = begin, next; unit < end; unit = next) {
        std::int64_t const group = unit / panels, panel = unit % panels;
        // As many panels as fit, but none alone at the end.
        std::int64_t const left = std::min(panels - panel, end - unit);
        next = unit + even_block(left, block);
        std::int64_t const first = panel * tile_columns, n = std::min(columns - first, (next - unit) * tile_columns);
        for (std::int64_t c = 0; c < std::max<std::int64_t>(1, filters.channels); c += channels_at_once) {
          std::int64_t const count = std::min(channels_at_once, filters.channels - c), part = count * filters.taps;
          pack_patches(s, filters.reversed, input(group, c), count, first, n, part * tile_columns, 0, patches.data());
          multiply(group, 0, stripes, whole(packed, group, c), c, count, {patches.data(), first, n, part, !direct});
          if (channels_at_once == 0) break;
        }
      }
    });
  }

  /// The threads pack patches together, then share the filters: when there are few columns. Filters that are not packed
  /// and cannot be read where they lie are packed some stripes at a time.
  void by_rows(T const* packed) const {
    constexpr std::int64_t together = 4;  // stripes: their rows may share lines of memory
    bool const fresh = !direct && !packed;
    std::int64_t const taps = filters.taps, all = panels * tile_columns;
    std::int64_t const room = GemmBlock<T>::packed / 4 / (channels_at_once * taps * all);
    std::int64_t const chunk = std::min(filters.channels, std::max<std::int64_t>(1, room) * channels_at_once);
    Scratch<T> patches(chunk * taps * all);
    for (std::int64_t group = 0; group < s.groups; ++group)
      for (std::int64_t c = 0; c < filters.channels; c += chunk) {
        std::int64_t const end_channel = std::min(filters.channels, c + chunk);
        auto const each_block = [&](std::int64_t begin, std::int64_t end, auto const& visit) {
          for (std::int64_t from = begin, to; from < end; from = to) {
            std::int64_t const block = from / channels_at_once * channels_at_once;
            to = std::min(end, block + channels_at_once);
            visit(from, to, block, std::min(end_channel, block + channels_at_once) - block);
          }
        };
        parallel_tasks(end_channel - c, 8 * taps * columns, [&](std::int64_t begin, std::int64_t end) {
          each_block(c + begin, c + end, [&](auto from, auto to, auto block, auto count) {
            pack_patches(s, filters.reversed, input(group, from), to - from, 0, columns, count * taps * tile_columns,
                         (from - block) * taps, patches.data() + (block - c) * taps * all);
          });
        });
        parallel_tasks(stripes, tile_rows * depth * columns, [&](std::int64_t begin, std::int64_t end) {
          Scratch<T> few(fresh ? together * tile_rows * channels_at_once * taps : 0);
          each_block(c, end_channel, [&](auto, auto, auto block, auto count) {
            for (std::int64_t p = 0; p < panels; p += conv_panels) {
              std::int64_t const first = p * tile_columns, n = std::min(columns - first, conv_panels * tile_columns);
              PackedPatches const here(patches.data() + ((block - c) * all + p * tile_columns * count) * taps, first, n,
                                       count * taps, !direct);
              if (!fresh) {
                multiply(group, begin, end, whole(packed, group, block), block, count, here);
                continue;
              }
              for (std::int64_t i = begin; i < end; i += together) {
                std::int64_t const next = std::min(end, i + together), row = i * tile_rows;
                std::int64_t const rows = std::min(filters.rows, next * tile_rows) - row;
                pack_filters(filters.part(row, rows, block, count), group, 0, next - i, few.data());
                multiply(group, i, next, {few.data(), i, tile_rows * count * taps}, block, count, here);
              }
            }
          });
        });
      }
  }

  /// Packed filters of a group from a channel on.
  PackedFilters whole(T const* packed, std::int64_t group, std::int64_t channel) const {
    if (!packed) return {};
    return {packed + (group * stripes * depth + channel * filters.taps) * tile_rows, 0, tile_rows * depth};
  }

  void run() const {
    std::int64_t const few = 8 * num_threads();
    bool const rows_first = filters.channels > 0 && panels < few && (s.groups == 1 || s.groups * panels < few);
    // A copy of all filters, [group][stripe][depth][tile_rows], unless each would be read only once.
    if (direct || (rows_first && panels <= conv_panels)) return rows_first ? by_rows(nullptr) : by_columns(nullptr);
    Scratch<T> packed(s.groups * stripes * tile_rows * depth);
    parallel_tasks(s.groups * stripes, 8 * tile_rows * depth, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin, next; i < end; i = next) {
        std::int64_t const group = i / stripes, first = i % stripes;
        next = std::min(end, i + stripes - first);
        pack_filters(filters, group, first, first + next - i, packed.data() + group * stripes * tile_rows * depth);
      }
    });
    if (rows_first)
      by_rows(packed.data());
    else
      by_columns(packed.data());
  }
};

/// y = (or += when `accumulate`) the convolution of x with the given filters, whose row and channel counts match `s`.
/// Same bits for any number of threads. The epilogue's row is n * out_channels + channel, its column the pixel.
template <class T>
void conv_product(Conv2dShape s, T const* x, Filters<T> const& filters, T* y, bool accumulate, Epilogue<T> epilogue) {
  // A kernel of one element that visits every pixel sees each image as one long row.
  if (s.kernel_h * s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 && s.pad_w == 0)
    s.width *= s.height, s.height = 1;
  ConvProduct<T>{s, x, filters, y, accumulate, epilogue}.run();
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
