// SPDX-License-Identifier: MIT
// Positions of extreme elements. They are whole numbers: no gradient flows, and a formula is computed first.
#pragma once

#include <wick/ops/reduce.hpp>

namespace wick::inline WICK_ISA {

namespace detail {

/// Calls `visit(offset, stride of axis)` for each line of a shape along `axis`, lines in row-major order.
template <class F>
void each_line(Dims const& shape, int axis, F&& visit) {
  std::int64_t outer = 1, inner = 1;
  for (int d = 0; d < axis; ++d) outer *= shape[d];
  for (int d = axis + 1; d < shape.size(); ++d) inner *= shape[d];
  std::int64_t const extent = shape.empty() ? 1 : shape[axis];
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < inner; ++i) visit(o * extent * inner + i, inner);
}

template <bool smallest, class T>
Tensor<std::int64_t> arg_extreme(char const* name, Tensor<T> const& input, int axis, bool keepdim) {
  Tensor<T> const x = input.contiguous();
  Dims const shape = x.shape();
  std::int64_t const n = shape.empty() ? 1 : shape[axis];
  if (n == 0) fail(name, ": dimension ", axis, " of shape ", shape, " is empty, and has no ", smallest ? "smallest" : "largest", " element");
  Dims result;
  for (int d = 0; d < shape.size(); ++d) {
    if (d != axis) result.push_back(shape[d]);
    else if (keepdim) result.push_back(1);
  }
  Tensor<std::int64_t> y(Tensor<std::int64_t>::uninitialized, result);
  std::int64_t* out = const_cast<std::int64_t*>(std::as_const(y).data());
  each_line(shape, axis, [&](std::int64_t first, std::int64_t stride) {
    T const* line = x.data() + first;
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < n; ++i) {
      T const a = line[i * stride], b = line[best * stride];
      // The first NaN wins, then the first extreme element, as in PyTorch.
      bool const better = smallest ? a < b : b < a;
      if (b == b && (better || a != a)) best = i;
    }
    *out++ = best;
  });
  return y;
}

template <Formula X>
auto flat_value(X const& x) {
  return Tensor<value_t<decltype(operand(x))>>(operand(x)).reshape(Dims(-1));
}

}  // namespace detail

/// Position of the largest element along an axis, the first of equal ones; a NaN counts as largest (torch.argmax).
template <Formula X>
Tensor<std::int64_t> argmax(X const& x, std::int64_t axis, ReduceOptions options = {}) {
  Tensor<value_t<decltype(operand(x))>> const value(operand(x));
  return detail::arg_extreme<false>("argmax", value, normalize_axis("argmax", axis, value.dim()), options.keepdim);
}
/// Position of the largest of all elements in row-major order.
template <Formula X>
Tensor<std::int64_t> argmax(X const& x) { return argmax(detail::flat_value(x), 0); }
/// Position of the smallest element along an axis, the first of equal ones (torch.argmin).
template <Formula X>
Tensor<std::int64_t> argmin(X const& x, std::int64_t axis, ReduceOptions options = {}) {
  Tensor<value_t<decltype(operand(x))>> const value(operand(x));
  return detail::arg_extreme<true>("argmin", value, normalize_axis("argmin", axis, value.dim()), options.keepdim);
}
template <Formula X>
Tensor<std::int64_t> argmin(X const& x) { return argmin(detail::flat_value(x), 0); }

}  // namespace wick::inline WICK_ISA
