// SPDX-License-Identifier: MIT
// Matrix products: 2-D, batched and broadcast, with vectors; dot.
#pragma once

#include <wick/calls/gemm.hpp>
#include <wick/ops/fixed_matrix.hpp>
#include <wick/ops/reduce.hpp>
#include <wick/ops/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

template <Formula A, Formula B>
auto matmul(A const& a, B const& b);

namespace detail {

// a: (..., M, K), b: (..., K, N); leading extents broadcast.
struct MatmulOp {
  static constexpr char const* name = "matmul";
  using multilinear = void;
  static constexpr int column_dims = 1, bias_dim = 1;
  static constexpr bool strided[] = {true, true};

  template <class T>
  auto call(T* target, Dims const& shape, backend::Epilogue<T> const& epilogue, Tensor<T> const& a, Tensor<T> const& b) const {
    int const rank = shape.size();
    std::int64_t const n = shape[rank - 1], k = a.size(-1);
    auto const matrix = [](Tensor<T> const& x) {
      int const r = x.dim();
      return backend::Matrix<T const>{x.data(), x.shape()[r - 2], x.shape()[r - 1], x.strides()[r - 2], x.strides()[r - 1]};
    };
    if (b.dim() == 2 && rank > 2 && a.is_contiguous() && a.dim() == rank) {  // the batch only adds rows
      std::int64_t const rows = n > 0 ? shape.numel() / n : 0;
      return backend::Gemm<T>{{a.data(), rows, k, k, 1}, matrix(b), {target, rows, n, n, 1}, epilogue};
    }
    backend::MatrixBatch batch;
    auto const stride = [&](Tensor<T> const& x, int d) -> std::int64_t {
      int const own = d - (rank - x.dim());
      return own < 0 || x.shape()[own] == 1 ? 0 : x.strides()[own];
    };
    for (int d = 0; d < rank - 2; ++d, ++batch.dims)
      batch.extent[d] = shape[d], batch.a_stride[d] = stride(a, d), batch.b_stride[d] = stride(b, d);
    return backend::Gemm<T>{matrix(a), matrix(b), {target, shape[rank - 2], n, n, 1}, epilogue, batch};
  }
  auto adjoint(auto const& g, auto const&, auto const& a, auto const& b) const {
    return std::tuple(matmul(g, transpose(b, -1, -2)), matmul(transpose(a, -1, -2), g));
  }
};

}  // namespace detail

/// Matrix product (torch.matmul). a: (..., M, K), b: (..., K, N) -> (..., M, N), leading extents broadcast; Fixed
/// matrices give a formula without heap.
template <Formula A, Formula B>
auto matmul(A const& a, B const& b) {
  auto const& x = operand(a);
  auto const& y = operand(b);
  using T = value_t<decltype(x)>;
  static_assert(std::is_same_v<T, value_t<decltype(y)>>, "matmul: both operands need the same element type; use cast<T>");
  Dims const sa = x.shape(), sb = y.shape();
  if (sa.size() < 2 || sb.size() < 2)
    fail("matmul: ", sa, " and ", sb, " are not both matrices; use dot for vectors, unsqueeze for a vector beside a matrix");
  std::int64_t const k = sa[sa.size() - 1], kb = sb[sb.size() - 2];
  if (k != kb)
    fail("matmul: ", sa, " and ", sb, " do not fit: dimension ", sa.size() - 1, " of the first is ", k, ", dimension ",
         sb.size() - 2, " of the second is ", kb);
  Dims lead_a = sa, lead_b = sb;
  lead_a.resize(sa.size() - 2), lead_b.resize(sb.size() - 2);
  Dims shape = broadcast("matmul", lead_a, lead_b);
  shape.push_back(sa[sa.size() - 2]);
  shape.push_back(sb[sb.size() - 1]);
  return kernel<T>(detail::MatmulOp{}, shape, x, y);
}

/// Inner product of two vectors of the same length (torch.dot).
template <Formula A, Formula B>
auto dot(A const& a, B const& b) {
  Dims const sa = a.shape(), sb = b.shape();
  if (sa.size() != 1 || sb.size() != 1 || sa[0] != sb[0])
    fail("dot: ", sa, " and ", sb, " are not two vectors of the same length");
  return sum(a * b);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
