// SPDX-License-Identifier: MIT
// The product with a transposed matrix of weights, whose gradient comes out as the weights lie in memory.
#pragma once

#include <wick/ops/matmul.hpp>
#include <wick/ops/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

// x: (..., in), w: (out, in).
struct LinearOp {
  static constexpr char const* name = "linear";
  using multilinear = void;
  static constexpr int column_dims = 1, bias_dim = 1;
  static constexpr bool strided[] = {false, true};

  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const& epilogue, Tensor<T> const& x, Tensor<T> const& w) const {
    std::int64_t const in = w.shape()[1], out = w.shape()[0], rows = out ? shape.numel() / out : 0;
    return backend::Gemm<T>{{x.data(), rows, in, in, 1}, {w.data(), in, out, w.strides()[1], w.strides()[0]}, {y, rows, out, out, 1}, epilogue};
  }
  auto adjoint(auto const& g, auto const&, auto const& x, auto const& w) const {
    std::int64_t const in = w.shape()[1], out = w.shape()[0];
    Dims lead = x.shape();
    lead.resize(lead.size() - 1);
    std::int64_t const rows = lead.numel();
    auto const by_x = [&] {
      if (x.shape().size() > 1) return matmul(g, w);
      return reshape(matmul(reshape(g, Dims(1, out)), w), Dims(in));
    };
    return std::tuple(by_x(), matmul(transpose(reshape(g, Dims(rows, out)), 0, 1), reshape(x, Dims(rows, in))));
  }
};

}  // namespace detail

/// x W^T (torch.nn.functional.linear without bias). x: (..., in), w: (out, in) -> (..., out). A bias, an activation and
/// other elementwise formulas over the result run inside the kernel.
template <Formula X, Formula W>
auto linear(X const& x, W const& w) {
  auto const& input = operand(x);
  auto const& weight = operand(w);
  using T = value_t<decltype(input)>;
  static_assert(std::is_same_v<T, value_t<decltype(weight)>>, "linear: both operands need the same element type; use cast<T>");
  Dims shape = input.shape();
  Dims const matrix = weight.shape();
  if (matrix.size() != 2 || shape.empty() || shape[shape.size() - 1] != matrix[1])
    fail("linear: an input of shape ", shape, " does not fit weights of shape ", matrix, ": they need (..., in) and (out, in)");
  shape[shape.size() - 1] = matrix[0];
  return kernel<T>(detail::LinearOp{}, shape, input, weight);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
