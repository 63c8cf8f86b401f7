// SPDX-License-Identifier: MIT
// Elements picked by position: gather, its transpose, one_hot.
#pragma once

#include <wick/ops/shape.hpp>

namespace wick::inline WICK_ISA {

namespace detail {

template <class G>
auto scatter_sum(G const& g, Tensor<std::int64_t> const& index, int axis, Dims const& shape);
template <class X>
auto gather_along(X const& x, Tensor<std::int64_t> const& index, int axis);

// Offset in a row-major `shape` of the element that position `flat` of the index names.
template <class F>
void each_gathered(Dims const& shape, Tensor<std::int64_t> const& index, int axis, F&& visit) {
  Layout const source{shape};
  Dims at = index.shape();
  for (int d = 0; d < at.size(); ++d) at[d] = 0;
  std::int64_t const n = index.numel();
  for (std::int64_t flat = 0; flat < n; ++flat) {
    std::int64_t offset = 0;
    for (int d = 0; d < at.size(); ++d) offset += (d == axis ? index.data()[flat] : at[d]) * source.strides[d];
    visit(flat, offset);
    for (int d = at.size() - 1; d >= 0; --d) {
      if (++at[d] < index.shape()[d]) break;
      at[d] = 0;
    }
  }
}

struct GatherOp {
  static constexpr char const* name = "gather";
  static constexpr bool needs_inputs = false;
  Tensor<std::int64_t> index;
  int axis;
  Dims from;
  template <class T>
  void compute(T* y, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& input) const {
    Tensor<T> const x = input.contiguous();
    each_gathered(from, index, axis, [&](std::int64_t flat, std::int64_t offset) { y[flat] = x.data()[offset]; });
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(scatter_sum(g, index, axis, from)); }
};
struct ScatterSumOp {
  static constexpr char const* name = "scatter_sum";
  static constexpr bool needs_inputs = false;
  Tensor<std::int64_t> index;
  int axis;
  template <class T>
  void compute(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& input) const {
    Tensor<T> const g = input.contiguous();
    std::fill_n(y, shape.numel(), T(0));
    each_gathered(shape, index, axis, [&](std::int64_t flat, std::int64_t offset) { y[offset] += g.data()[flat]; });
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(gather_along(gg, index, axis)); }
};

template <class G>
auto scatter_sum(G const& g, Tensor<std::int64_t> const& index, int axis, Dims const& shape) {
  return kernel<value_t<G>>(ScatterSumOp{index, axis}, shape, g);
}
template <class X>
auto gather_along(X const& x, Tensor<std::int64_t> const& index, int axis) {
  return kernel<value_t<X>>(GatherOp{index, axis, x.shape()}, index.shape(), x);
}

}  // namespace detail

/// y[i][j][k] = x[index[i][j][k]][j][k] for axis 0, and likewise along others (torch.gather). The index has x's rank and
/// is no longer than x in the other dimensions. Throws Error for an index out of range.
template <Formula X>
auto gather(X const& x, std::int64_t axis, Tensor<std::int64_t> const& index) {
  auto const& f = operand(x);
  Dims const shape = f.shape(), wanted = index.shape();
  int const d = normalize_axis("gather", axis, shape.size());
  bool fits = wanted.size() == shape.size();
  for (int k = 0; fits && k < shape.size(); ++k) fits = k == d || wanted[k] <= shape[k];
  if (!fits) fail("gather: an index of shape ", wanted, " does not fit a tensor of shape ", shape, " along dimension ", d);
  Tensor<std::int64_t> const dense = index.contiguous();
  for (std::int64_t i = 0; i < dense.numel(); ++i)
    if (dense.data()[i] < 0 || dense.data()[i] >= shape[d])
      fail("gather: index ", dense.data()[i], " is out of range for dimension ", d, " of shape ", shape);
  return detail::gather_along(f, dense, d);
}

/// 1 at each label's place in a new last dimension, 0 elsewhere (torch.nn.functional.one_hot). labels: (...) -> (..., C).
inline Tensor<std::int64_t> one_hot(Tensor<std::int64_t> const& labels, std::int64_t classes = -1) {
  Tensor<std::int64_t> const l = labels.contiguous();
  std::int64_t largest = -1;
  for (std::int64_t i = 0; i < l.numel(); ++i) {
    if (l.data()[i] < 0) fail("one_hot: label ", l.data()[i], " is negative");
    largest = std::max(largest, l.data()[i]);
  }
  if (classes < 0) classes = largest + 1;
  if (largest >= classes) fail("one_hot: label ", largest, " is out of range for ", classes, " classes");
  Dims shape = l.shape();
  shape.push_back(classes);
  Tensor<std::int64_t> y(Tensor<std::int64_t>::uninitialized, shape);
  std::fill_n(y.data(), y.numel(), std::int64_t{0});
  for (std::int64_t i = 0; i < l.numel(); ++i) y.data()[i * classes + l.data()[i]] = 1;
  return y;
}

}  // namespace wick::inline WICK_ISA
