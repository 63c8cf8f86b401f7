// SPDX-License-Identifier: MIT
// Packing of matrices of any strides into the stripes and panels that the register tile reads in order.
#pragma once

#include <algorithm>
#include <wick/backend/contract.hpp>
#include <wick/backend/cpu/gemm_tile.hpp>

namespace wick::inline WICK_ISA {
namespace backend::cpu {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// out[k * width + i] = data[i * stride + k * depth_stride] for i < count, zero for count <= i < width.
template <class T>
void pack_interleaved(T const* data, std::int64_t count, std::int64_t depth, std::int64_t stride,
                      std::int64_t depth_stride, std::int64_t width, T* out) {
  if (stride == 1) {
    using V = TileVector<T>;
    for (std::int64_t k = 0; k < depth; ++k, data += depth_stride, out += width) {
      std::int64_t i = 0;
      for (; i + V::lanes <= count; i += V::lanes) V::store(out + i, V::load(data + i));
      for (; i < count; ++i) out[i] = data[i];
      for (; i < width; ++i) out[i] = T(0);
    }
    return;
  }
  // A few rows at a time: each is read along the depth, where it is contiguous most of the time.
  constexpr std::int64_t group = 4;
  std::int64_t i = 0;
  for (; i + group <= count; i += group) {
    T const *r0 = data + i * stride, *r1 = r0 + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    T* to = out + i;
    for (std::int64_t k = 0; k < depth; ++k, to += width) {
      std::int64_t const at = k * depth_stride;
      to[0] = r0[at], to[1] = r1[at], to[2] = r2[at], to[3] = r3[at];
    }
  }
  for (; i < width; ++i) {
    for (std::int64_t k = 0; k < depth; ++k)
      out[k * width + i] = i < count ? data[i * stride + k * depth_stride] : T(0);
  }
}

/// Packs rows [row, row + Tile::rows) of `a` into out[depth][Tile::rows]; rows that a lacks become zeros.
template <class T>
void pack_stripe(Matrix<T const> a, std::int64_t row, T* out) {
  constexpr std::int64_t rows = Tile<T>::rows;
  std::int64_t const count = std::min(rows, a.rows - row);
  pack_interleaved(a.data + row * a.row_stride, count, a.columns, a.row_stride, a.column_stride, rows, out);
}

/// Packs columns [column, column + Tile::columns) of `b` into out[depth][width], where width is the number of columns
/// that b has there, rounded up to whole vectors with zeros.
template <class T>
void pack_panel(Matrix<T const> b, std::int64_t column, T* out) {
  constexpr std::int64_t columns = Tile<T>::columns;
  std::int64_t const count = std::min(columns, b.columns - column);
  pack_interleaved(b.data + column * b.column_stride, count, b.rows, b.column_stride, b.row_stride,
                   tile_vectors<T>(count) * Tile<T>::lanes, out);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
