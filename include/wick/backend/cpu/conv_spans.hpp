// SPDX-License-Identifier: MIT
// Where the pixels of a convolution's output meet the pixels of its input: runs of neighbours, and moves along them.
// Output pixels are counted through all images of the batch, so that small images share panels.
#pragma once

#include <wick/backend/cpu/gemm_pack.hpp>
#include <wick/base/bytes.hpp>
#include <wick/calls/conv.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// `count` output pixels from the `at`-th of a block read the input from offset `input` on, stride_w apart.
struct Span {
  std::int64_t at, input, count;
};

/// Output columns [low, high) of kernel column kw read inside of the image; the others read padding.
struct InsideColumns {
  std::int64_t shift, low, high;

  InsideColumns(Conv2dShape const& s, std::int64_t kw)
      : shift(kw * s.dilation_w - s.pad_w),
        low(shift < 0 ? ceil_div(-shift, s.stride_w) : 0),
        high(s.width > shift ? ceil_div(s.width - shift, s.stride_w) : 0) {}
};

/// The spans of one kernel element for the output pixels [first, first + count), at most `most` of them, and whether
/// they leave pixels out (which read padding). Pixel n * out_pixels() + i is pixel i of image n; images are
/// `image_stride` apart.
template <std::int64_t most>
struct Spans {
  Span list[std::size_t{most}];
  std::int64_t size;
  bool gaps;

  void find(Conv2dShape const& s, std::int64_t image_stride, std::int64_t kh, std::int64_t kw, std::int64_t first,
            std::int64_t count) {
    size = 0;
    std::int64_t const out_width = s.out_width(), out_height = s.out_height();
    InsideColumns const inside(s, kw);
    std::int64_t image = first / (out_height * out_width), row = first / out_width % out_height;
    std::int64_t column = first % out_width, covered = 0;
    for (std::int64_t at = 0; at < count; ++row, column = 0) {
      if (row == out_height) row = 0, ++image;
      std::int64_t const end = std::min(out_width, column + count - at);
      std::int64_t const ih = row * s.stride_h + kh * s.dilation_h - s.pad_h;
      std::int64_t const from = std::max(column, inside.low), to = std::min(end, inside.high);
      if (ih >= 0 && ih < s.height && from < to) {
        list[size++] = {at + from - column, image * image_stride + ih * s.width + from * s.stride_w + inside.shift,
                        to - from};
        covered += to - from;
      }
      at += end - column;
    }
    gaps = covered < count;
  }
};

/// Copies n < `width` elements.
template <std::int64_t width, class T>
WICK_INLINE void copy_halves(T const* from, std::int64_t n, T* to) {
  if constexpr (width > 1) {
    constexpr std::int64_t half = width / 2;
    if (n < half) return copy_halves<half>(from, n, to);
    constexpr auto size = static_cast<std::int64_t>(sizeof(T));
    copy_ends<half * size>(to, from, n * size);
  } else if (n > 0) {
    *to = *from;
  }
}

#if WICK_VECTORS
/// to[i] = from[2 i] for i < lanes; reads no element beyond the last one that it takes.
template <std::int64_t lanes, class T>
WICK_INLINE void copy_even(T const* from, T* to) {
  typedef T Vector __attribute__((vector_size(lanes * sizeof(T))));
  Vector a, b;
  std::memcpy(&a, from, sizeof a), std::memcpy(&b, from + lanes - 1, sizeof b);
  [&]<int... i>(std::integer_sequence<int, i...>) {
    constexpr int half = static_cast<int>(lanes) / 2;
    Vector const even = __builtin_shufflevector(a, b, (i < half ? 2 * i : 2 * i + 1)...);
    std::memcpy(to, &even, sizeof even);
  }
  (std::make_integer_sequence<int, static_cast<int>(lanes)>());
}

/// to[i] = from[2 i] for i < n, in registers of at most `lanes`: the last one ends where the run ends.
template <std::int64_t lanes, class T>
WICK_INLINE void copy_even_run(T const* from, std::int64_t n, T* to) {
  if constexpr (lanes > 1) {
    if (n < lanes) return copy_even_run<lanes / 2>(from, n, to);
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) copy_even<lanes>(from + 2 * i, to + i);
    if (i < n) copy_even<lanes>(from + 2 * (n - lanes), to + n - lanes);
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[2 * i];
  }
}
#endif

/// even[i] = from[2 i] and odd[i] = from[2 i + 1] for i < n, in registers of at most `lanes` pairs.
template <std::int64_t lanes, class T>
WICK_INLINE void split_pairs(T const* from, std::int64_t n, T* even, T* odd) {
#if WICK_VECTORS
  if constexpr (lanes > 1) {
    if (n < lanes) return split_pairs<lanes / 2>(from, n, even, odd);
    auto const split = [&](std::int64_t at) WICK_LAMBDA_INLINE {
      typedef T Pairs __attribute__((vector_size(2 * lanes * sizeof(T))));
      Pairs pairs;
      std::memcpy(&pairs, from + 2 * at, sizeof pairs);
      [&]<int... i>(std::integer_sequence<int, i...>) {
        auto const here = __builtin_shufflevector(pairs, pairs, 2 * i...);
        auto const there = __builtin_shufflevector(pairs, pairs, (2 * i + 1)...);
        std::memcpy(even + at, &here, sizeof here), std::memcpy(odd + at, &there, sizeof there);
      }
      (std::make_integer_sequence<int, static_cast<int>(lanes)>());
    };
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) split(i);
    if (i < n) split(n - lanes);
    return;
  }
#endif
  for (std::int64_t i = 0; i < n; ++i) even[i] = from[2 * i], odd[i] = from[2 * i + 1];
}

/// to[i] = from[i * stride] for i < n.
template <class T>
WICK_INLINE void copy_run(T const* from, std::int64_t stride, std::int64_t n, T* to) {
  using V = TileVector<T>;
  if constexpr (V::lanes > 1) {
    if (stride == 1) {
      if (n < V::lanes) return copy_halves<V::lanes>(from, n, to);
      std::int64_t i = 0;
      for (; i + V::lanes <= n; i += V::lanes) V::store(to + i, V::load(from + i));
      // The rest is a whole vector too: it ends where the run ends, and writes some elements twice.
      if (i < n) V::store(to + n - V::lanes, V::load(from + n - V::lanes));
      return;
    }
#if WICK_VECTORS
    if (stride == 2) return copy_even_run<V::lanes>(from, n, to);
#endif
  }
  for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
}

/// Copies `count` runs of n elements, which are so far apart.
template <class T>
void copy_runs(T const* from, std::int64_t from_stride, std::int64_t n, T* to, std::int64_t to_stride,
               std::int64_t count) {
  using V = TileVector<T>;
  constexpr std::int64_t lanes = V::lanes;
  auto const each = [&](auto const& copy) WICK_LAMBDA_INLINE {
    for (std::int64_t i = 0; i < count; ++i, from += from_stride, to += to_stride) copy();
  };
  // The usual lengths: what does not fill whole registers is written twice.
  if (n < lanes || n > 3 * lanes) return each([&] { copy_run(from, 1, n, to); });
  if (n == lanes) return each([&] { V::store(to, V::load(from)); });
  auto const move = [&](std::int64_t at) WICK_LAMBDA_INLINE { V::store(to + at, V::load(from + at)); };
  if (n <= 2 * lanes) return each([&] { move(0), move(n - lanes); });
  each([&] { move(0), move(lanes), move(n - lanes); });
}

/// to[pixel] = what the pixels of `height` output rows from `row` on see through one tap in one channel.
template <class T>
WICK_NOINLINE void copy_tap(Conv2dShape const& s, T const* plane, std::int64_t tap, std::int64_t row,
                            std::int64_t height, T* to) {
  std::int64_t const out_width = s.out_width();
  InsideColumns const inside(s, tap % s.kernel_w);
  std::int64_t const begin = std::min(inside.low, out_width), end = std::max(begin, std::min(inside.high, out_width));
  for (std::int64_t r = row; r < row + height; ++r, to += out_width) {
    std::int64_t const ih = r * s.stride_h + tap / s.kernel_w * s.dilation_h - s.pad_h;
    if (ih < 0 || ih >= s.height) {
      std::fill(to, to + out_width, T(0));
      continue;
    }
    std::fill(to, to + begin, T(0));
    copy_run(plane + ih * s.width + begin * s.stride_w + inside.shift, s.stride_w, end - begin, to + begin);
    std::fill(to + end, to + out_width, T(0));
  }
}

/// Packs stripes [stripe0, stripe1) of a matrix as pack_stripe does, `out` being where stripe 0 is: a block of rows and
/// columns at a time, as lines of memory may belong to several stripes.
template <class T>
void pack_stripes(Matrix<T const> const& m, std::int64_t stripe0, std::int64_t stripe1, T* out) {
  constexpr std::int64_t rows = Tile<T>::rows, some = 16;
  std::int64_t const deep = m.row_stride == 1 ? 32 : std::max<std::int64_t>(1, m.columns);
  for (std::int64_t i = stripe0; i < stripe1; i += some)
    for (std::int64_t k = 0; k < m.columns; k += deep)
      for (std::int64_t stripe = i; stripe < std::min(stripe1, i + some); ++stripe)
        pack_interleaved(m.data + stripe * rows * m.row_stride + k * m.column_stride,
                         std::min(rows, m.rows - stripe * rows), std::min(deep, m.columns - k), m.row_stride,
                         m.column_stride, rows, out + (stripe * m.columns + k) * rows);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
