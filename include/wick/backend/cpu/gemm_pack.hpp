// SPDX-License-Identifier: MIT
// Packing of matrices of any strides into the stripes and panels that the register tile reads in order.
#pragma once

#include <algorithm>
#include <cstring>
#include <wick/backend/cpu/gemm_tile.hpp>
#include <wick/backend/cpu/transpose.hpp>
#include <wick/base/simd_half.hpp>
#include <wick/calls/gemm.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// out[k * width + i] = in[i * stride + k] for i < 4 and k < 4.
template <class T>
WICK_INLINE void transpose_4x4(T const* in, std::int64_t stride, T* out, std::int64_t width) {
#if WICK_VECTORS
  if constexpr (Lane<T>) {
    typedef T Quad __attribute__((vector_size(4 * sizeof(T))));
    Quad a, b, c, d;
    std::memcpy(&a, in, sizeof a), std::memcpy(&b, in + stride, sizeof b);
    std::memcpy(&c, in + 2 * stride, sizeof c), std::memcpy(&d, in + 3 * stride, sizeof d);
    Quad const ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    Quad const cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
    d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
    std::memcpy(out, &a, sizeof a), std::memcpy(out + width, &b, sizeof b);
    std::memcpy(out + 2 * width, &c, sizeof c), std::memcpy(out + 3 * width, &d, sizeof d);
    return;
  }
#endif
  for (std::int64_t k = 0; k < 4; ++k)
    for (std::int64_t i = 0; i < 4; ++i) out[k * width + i] = in[i * stride + k];
}

#if WICK_VECTORS
/// out[k * width + i] = data[i * stride + k] for k < depth and the rows i from `begin` on that fill blocks of `parts`
/// squares of 16 bytes; the first row that is left.
template <int parts, class T>
std::int64_t pack_row_blocks(T const* data, std::int64_t begin, std::int64_t count, std::int64_t depth,
                             std::int64_t stride, std::int64_t width, T* out) {
  using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  using Block = detail::TransposeBlock<Word, parts>;
  // As many blocks share the lines that they read.
  constexpr std::int64_t sharing = 64 / (Block::columns * sizeof(T)), next = Block::rows / sharing;
  std::int64_t i = begin;
  for (; i + Block::rows <= count; i += Block::rows) {
    T const* const from = data + i * stride;
    T* to = out + i;
    std::int64_t k = 0;
    for (; k + Block::columns <= depth; k += Block::columns, to += Block::columns * width) {
      // The rows that follow, perhaps in the next stripe, are too many for the hardware to see them coming.
      T const* const ahead = from + (Block::rows + k / Block::columns % sharing * next) * stride + k;
      WICK_UNROLL for (std::int64_t q = 0; q < next; ++q) prefetch_source(ahead + q * stride);
      Block::run(reinterpret_cast<Word const*>(from + k), stride, reinterpret_cast<Word*>(to), width);
    }
    for (; k < depth; ++k, to += width)
      for (std::int64_t q = 0; q < Block::rows; ++q) to[q] = from[q * stride + k];
  }
  return i;
}
#endif

/// out[k * width + i] = data[i * stride + k * depth_stride] for i < count, any number for
/// count <= i < width.
template <class T>
WICK_NOINLINE void pack_interleaved(T const* data, std::int64_t count, std::int64_t depth, std::int64_t stride,
                                    std::int64_t depth_stride, std::int64_t width, T* out) {
  if (stride == 1) {
    using V = TileVector<T>;
    std::int64_t k = 0;
    // Where rows follow each other without a gap, whole vectors may run on into the next row: the columns beyond
    // `count` only have to be readable, and stores as wide as the later loads are what the processor forwards.
    if (V::lanes > 1 && depth_stride == count && width % V::lanes == 0)
      for (; (depth - k) * count >= width; ++k, data += depth_stride, out += width)
        for (std::int64_t i = 0; i < width; i += V::lanes) V::store(out + i, V::load(data + i));
    for (; k < depth; ++k, data += depth_stride, out += width) {
      std::int64_t zero = count < width ? count / V::lanes * V::lanes : width;
      for (; zero + V::lanes <= width; zero += V::lanes) V::store(out + zero, V::splat(T(0)));
      for (; zero < width; ++zero) out[zero] = T(0);
      copy_short(data, count, out);
    }
    return;
  }
  constexpr std::int64_t quad = 4;
  std::int64_t i = 0;
#if WICK_VECTORS
  // As many rows at a time as a register holds: then the output's lines are written once.
  if constexpr (TileVector<T>::lanes > 1 && sizeof(T) >= 4) {
    if (depth_stride == 1) {
#if defined(__AVX512F__)
      i = pack_row_blocks<4>(data, i, count, depth, stride, width, out);
#endif
#if defined(__AVX__)
      i = pack_row_blocks<2>(data, i, count, depth, stride, width, out);
#endif
    }
  }
#endif
  // A few rows at a time: each is read along the depth, where it is contiguous most of the time.
  for (; i + quad <= count; i += quad) {
    T const* const row = data + i * stride;
    T* to = out + i;
    std::int64_t k = 0;
    if (depth_stride == 1)
      for (; k + quad <= depth; k += quad, to += quad * width) transpose_4x4(row + k, stride, to, width);
    for (; k < depth; ++k, to += width)
      for (std::int64_t q = 0; q < quad; ++q) to[q] = row[q * stride + k * depth_stride];
  }
  for (; i < width; ++i) {
    for (std::int64_t k = 0; k < depth; ++k)
      out[k * width + i] = i < count ? data[i * stride + k * depth_stride] : T(0);
  }
}

/// to[i] = from[i * stride] for i < n.
template <Half From>
void widen_strided(From const* from, std::int64_t stride, std::int64_t n, float* to) {
  if (stride == 1) return simd::widen(from, n, to);
  for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
}

/// The same for elements of 16 bits, which become floats on their way.
template <Half From>
void pack_interleaved(From const* data, std::int64_t count, std::int64_t depth, std::int64_t stride,
                      std::int64_t depth_stride, std::int64_t width, float* out) {
  constexpr std::int64_t part = 64, most = std::max(Tile<float>::columns, Tile<float>::rows);
  alignas(alignment) float wide[most * part];
  for (std::int64_t k = 0; k < depth; k += part, data += part * depth_stride, out += part * width) {
    std::int64_t const n = std::min(part, depth - k);
    bool const along = stride == 1;
    std::int64_t const lines = along ? n : count, length = along ? count : n, pitch = along ? most : part;
    std::int64_t const step = along ? depth_stride : stride, next = along ? 1 : depth_stride;
    for (std::int64_t i = 0; i < lines; ++i) widen_strided(data + i * step, next, length, wide + i * pitch);
    pack_interleaved(wide, count, n, along ? 1 : part, along ? most : 1, width, out);
  }
}

/// Packs rows [row, row + Tile::rows) of `a` into out[depth][Tile::rows]; rows that a lacks hold any numbers.
template <class T, class From>
void pack_stripe(Matrix<From const> a, std::int64_t row, T* out) {
  constexpr std::int64_t rows = Tile<T>::rows;
  std::int64_t const count = std::min(rows, a.rows - row);
  pack_interleaved(a.data + row * a.row_stride, count, a.columns, a.row_stride, a.column_stride, rows, out);
}

/// Packs columns [column, column + Tile::columns) of `b` into out[depth][width], where width is the number of columns
/// that b has there, rounded up to whole vectors with any numbers.
template <class T, class From>
void pack_panel(Matrix<From const> b, std::int64_t column, T* out) {
  constexpr std::int64_t columns = Tile<T>::columns;
  std::int64_t const count = std::min(columns, b.columns - column);
  pack_interleaved(b.data + column * b.column_stride, count, b.rows, b.column_stride, b.row_stride,
                   tile_vectors<T>(count) * Tile<T>::lanes, out);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
