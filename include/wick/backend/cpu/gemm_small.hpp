// SPDX-License-Identifier: MIT
// Matrix multiplication without packing: for products so small or flat that a packed copy would not pay.
#pragma once

#include <wick/backend/cpu/gemm_pack.hpp>
#include <wick/base/simd_part.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// Where a small tile finds its operands: element (i, k) of A at a[i * a_row + k * a_step], rows of B with contiguous
/// columns at b + k * b_row, rows of C at c + i * c_row.
template <class T>
struct SmallTile {
  T const* a;
  std::int64_t a_row, a_step;
  T const* b;
  std::int64_t b_row, depth;
  T* c;
  std::int64_t c_row;
  std::int64_t rows, columns;  ///< at most Rows, and more than (Vectors - 1) * lanes up to Vectors * lanes
  bool add;
};

/// One register tile of Rows x Vectors; rows that C lacks are computed and dropped, columns are masked.
template <std::int64_t Rows, std::int64_t Vectors, Lane T>
WICK_NOINLINE void small_tile(SmallTile<T> const& t) {
  constexpr std::int64_t lanes = wick::lanes<T>, last = Vectors - 1;
  simd::Part<T> const part(t.columns - last * lanes);
  T const* a[std::size_t{Rows}];
  WICK_UNROLL for (std::int64_t i = 0; i < Rows; ++i) a[i] = t.a + (i < t.rows ? i : t.rows - 1) * t.a_row;
  Batch<T> sum[std::size_t{Rows}][std::size_t{Vectors}];
  WICK_UNROLL for (std::int64_t i = 0; i < Rows; ++i) {
    WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) sum[i][v] = simd::splat<T>(T(0));
  }
  T const* b = t.b;
  std::int64_t const b_row = t.b_row, step = t.a_step;
  std::int64_t k = 0;
  for (std::int64_t left = t.depth; left > 0; --left, k += step, b += b_row) {
    Batch<T> row[std::size_t{Vectors}];
    WICK_UNROLL for (std::int64_t v = 0; v < last; ++v) row[v] = simd::load(b + v * lanes), simd::keep<T>(row[v]);
    row[last] = part.load(b + last * lanes);
    WICK_UNROLL for (std::int64_t i = 0; i < Rows; ++i) {
      auto const element = simd::splat<T>(a[i][k]);
      WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) sum[i][v] = simd::fma<Batch<T>>(element, row[v], sum[i][v]);
    }
  }
  T* c = t.c;
  if (t.rows == Rows && t.columns == Vectors * lanes && !t.add) {
    WICK_UNROLL for (std::int64_t i = 0; i < Rows; ++i, c += t.c_row) {
      WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) simd::store(c + v * lanes, sum[i][v]);
    }
    return;
  }
  WICK_UNROLL for (std::int64_t i = 0; i < Rows; ++i) {
    if (i >= t.rows) return;
    WICK_UNROLL for (std::int64_t v = 0; v < last; ++v)
        simd::store(c + v * lanes, t.add ? simd::load(c + v * lanes) + sum[i][v] : sum[i][v]);
    part.store(c + last * lanes, t.add ? part.load(c + last * lanes) + sum[i][last] : sum[i][last]);
    c += t.c_row;
  }
}

/// Rows of C: at most Rows of them, all columns.
template <std::int64_t Rows, Lane T>
WICK_INLINE void small_rows(SmallTile<T>& t, T const* b, T* c, std::int64_t columns) {
  constexpr std::int64_t lanes = wick::lanes<T>, most = Tile<T>::vectors * lanes;
  for (std::int64_t j = 0; j < columns; j += most) {
    t.b = b + j, t.c = c + j;
    t.columns = columns - j < most ? columns - j : most;
    if constexpr (Tile<T>::vectors >= 3) {
      if (t.columns > 2 * lanes) {
        small_tile<Rows, 3>(t);
        continue;
      }
    }
    if (t.columns > lanes) small_tile<Rows, 2>(t);
    else small_tile<Rows, 1>(t);
  }
}

/// Rows [begin, end) of c = a b, or c += a b, all read where they lie: the columns of b and of c are contiguous.
template <Lane T>
void gemm_small(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, std::int64_t begin, std::int64_t end, bool add) {
  constexpr std::int64_t rows = Tile<T>::rows;
  SmallTile<T> t;
  t.a_row = a.row_stride, t.a_step = a.column_stride, t.b_row = b.row_stride, t.depth = a.columns;
  t.c_row = c.row_stride, t.add = add;
  for (std::int64_t i = begin; i < end; i += rows) {
    t.a = a.data + i * a.row_stride;
    t.rows = end - i < rows ? end - i : rows;
    T* const to = c.data + i * c.row_stride;
    if (t.rows > rows / 2) small_rows<rows>(t, b.data, to, c.columns);
    else small_rows<rows / 2>(t, b.data, to, c.columns);
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
