// SPDX-License-Identifier: MIT
// Products of row-major matrices as libraries that count elements by columns describe them.
#pragma once

#include <algorithm>
#include <optional>

#include <wick/calls/gemm.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// Columns of `rows` elements that are neighbours; column j starts at element j * leading, matrix i of a batch at
/// i * batch_stride. If `transposed`, the operand is the transpose of that.
struct ColumnMajor {
  bool transposed = false;
  std::int64_t rows = 0, columns = 0, leading = 0, batch_stride = 0;
};

/// The transpose of a matrix, described by columns: the rows of a row-major matrix are the columns of its transpose.
/// Nothing when neither its rows nor its columns are neighbours in memory.
template <class T>
std::optional<ColumnMajor> transpose_by_columns(Matrix<T> const& m) {
  auto const lies = [](std::int64_t step, std::int64_t distance, std::int64_t length, std::int64_t lines) {
    return (step == 1 || length == 1) && (distance >= length || lines == 1);
  };
  // One line may lie at any distance from the next, which is none.
  auto const leading = [](std::int64_t distance, std::int64_t length, std::int64_t lines) { return lines == 1 ? length : distance; };
  if (lies(m.column_stride, m.row_stride, m.columns, m.rows))
    return ColumnMajor{false, m.columns, m.rows, leading(m.row_stride, m.columns, m.rows), 0};
  if (lies(m.row_stride, m.column_stride, m.rows, m.columns))
    return ColumnMajor{true, m.rows, m.columns, leading(m.column_stride, m.rows, m.columns), 0};
  return {};
}

/// c = a b, said as c^T = b^T a^T: `first` lies where b does, `second` where a does, `result` where c does.
struct ColumnMajorProduct {
  std::int64_t rows, columns, depth;  ///< of the transposed result
  ColumnMajor first, second, result;
  std::int64_t count = 1;  ///< products in the batch
};

/// Nothing when an operand has to be copied before, or the result is not row-major.
template <class T>
std::optional<ColumnMajorProduct> product_by_columns(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c) {
  auto const first = transpose_by_columns(b), second = transpose_by_columns(a), result = transpose_by_columns(c);
  if (!first || !second || !result || result->transposed) return {};
  return ColumnMajorProduct{b.columns, a.rows, a.columns, *first, *second, *result};
}

/// The same batch in as few dimensions as its strides allow.
inline MatrixBatch joined(MatrixBatch const& batch) {
  MatrixBatch result;
  for (int d = 0; d < batch.dims; ++d) {
    std::int64_t const n = batch.extent[d];
    if (n == 1) continue;
    int const last = result.dims - 1;
    if (last >= 0 && result.a_stride[last] == batch.a_stride[d] * n && result.b_stride[last] == batch.b_stride[d] * n)
      result.extent[last] *= n;
    else
      result.extent[result.dims++] = n;
    result.a_stride[result.dims - 1] = batch.a_stride[d];
    result.b_stride[result.dims - 1] = batch.b_stride[d];
  }
  return result;
}

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
