// SPDX-License-Identifier: MIT
// Products of matrices.
#pragma once

#include <type_traits>

#include <wick/calls/call.hpp>
#include <wick/calls/epilogue.hpp>
#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// A matrix in somebody else's memory; element (i, j) is data[i * row_stride + j * column_stride]. Strides may be zero
/// or negative.
template <class T>
struct Matrix {
  T* data;
  std::int64_t rows, columns, row_stride, column_stride;

  Matrix transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  template <class U>
    requires(std::is_same_v<U, T const> && !std::is_const_v<T>)
  operator Matrix<U>() const {
    return {data, rows, columns, row_stride, column_stride};
  }
};

/// The leading dimensions of a batch of products, and how far apart their operands lie, in elements; 0 where one operand
/// serves all.
struct MatrixBatch {
  int dims = 0;
  std::int64_t extent[max_rank], a_stride[max_rank], b_stride[max_rank];

  std::int64_t count() const {
    std::int64_t n = 1;
    for (int d = 0; d < dims; ++d) n *= extent[d];
    return n;
  }
};

/// c_i = a_i b_i for every index i of the batch (one product, where it has no dimensions). The products lie one after the other
/// in c; the epilogue's rows count on from product to product.
template <class T>
struct Gemm {
  static constexpr char const* name = "matmul";
  Matrix<T const> a, b;
  Matrix<T> c;
  Epilogue<T> epilogue = {};
  MatrixBatch batch = {};
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
