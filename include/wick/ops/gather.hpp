// SPDX-License-Identifier: MIT
// Elements picked by position: gather, index_select, their transposes, one_hot.
#pragma once

#include <algorithm>

#include <wick/calls/gather.hpp>
#include <wick/expr/kernel_call.hpp>
#include <wick/ops/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <class G>
auto scatter_sum(G const& g, Tensor<std::int64_t> const& index, int axis, Dims const& shape, char const* caller);
template <class X>
auto gather_along(X const& x, Tensor<std::int64_t> const& index, int axis, char const* caller = "gather");
template <class G>
auto add_rows(G const& g, Tensor<std::int64_t> const& index, int axis, Dims const& shape);
template <class X>
auto pick_rows(X const& x, Tensor<std::int64_t> const& index, int axis);

inline backend::GatherShape gather_shape(Dims const& source, Dims const& index, int axis) {
  Layout const layout{source};
  backend::GatherShape s{index.size(), axis, {1}, {}, source.empty() ? 1 : source[axis]};  // a number is a line of one
  for (int d = 0; d < s.rank; ++d) s.extent[d] = index[d], s.stride[d] = layout.strides[d];
  return s;
}
inline backend::RowsShape rows_shape(Dims const& source, std::int64_t count, int axis) {
  backend::RowsShape s{1, source[axis], 1, count};
  for (int d = 0; d < axis; ++d) s.outer *= source[d];
  for (int d = axis + 1; d < source.size(); ++d) s.inner *= source[d];
  return s;
}

struct GatherOp {
  static constexpr char const* name = "gather";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Tensor<std::int64_t> index;
  int axis;
  Dims from;
  char const* caller;  // in whose name a device reports a wrong index
  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    core::note_use(index.storage().block());
    return backend::Gather<T>{gather_shape(from, shape, axis), x.data(), index.data(), y};
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(scatter_sum(g, index, axis, from, caller)); }
};
struct ScatterSumOp {
  static constexpr char const* name = "scatter_sum";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Tensor<std::int64_t> index;
  int axis;
  char const* caller;
  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& g) const {
    core::note_use(index.storage().block());
    return backend::ScatterAdd<T>{gather_shape(shape, g.shape(), axis), g.data(), index.data(), y, shape.numel()};
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(gather_along(gg, index, axis, caller)); }
};
struct PickRowsOp {
  static constexpr char const* name = "index_select";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Tensor<std::int64_t> index;
  int axis;
  Dims from;
  template <class T>
  auto call(T* y, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    core::note_use(index.storage().block());
    return backend::GatherRows<T>{rows_shape(from, index.numel(), axis), x.data(), index.data(), y};
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(add_rows(g, index, axis, from)); }
};
struct AddRowsOp {
  static constexpr char const* name = "index_add";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Tensor<std::int64_t> index;
  int axis;
  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& g) const {
    core::note_use(index.storage().block());
    return backend::ScatterAddRows<T>{rows_shape(shape, index.numel(), axis), g.data(), index.data(), y};
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(pick_rows(gg, index, axis)); }
};

template <class G>
auto scatter_sum(G const& g, Tensor<std::int64_t> const& index, int axis, Dims const& shape, char const* caller) {
  return kernel<value_t<G>>(ScatterSumOp{index, axis, caller}, shape, g);
}
template <class X>
auto gather_along(X const& x, Tensor<std::int64_t> const& index, int axis, char const* caller) {
  return kernel<value_t<X>>(GatherOp{index, axis, x.shape(), caller}, index.shape(), x);
}
template <class G>
auto add_rows(G const& g, Tensor<std::int64_t> const& index, int axis, Dims const& shape) {
  return kernel<value_t<G>>(AddRowsOp{index, axis}, shape, g);
}
template <class X>
auto pick_rows(X const& x, Tensor<std::int64_t> const& index, int axis) {
  Dims shape = x.shape();
  shape[axis] = index.numel();
  return kernel<value_t<X>>(PickRowsOp{index, axis, x.shape()}, shape, x);
}

// Throws unless every index names one of `extent` positions.
template <class Index>
void check_indices(char const* operation, Tensor<Index> const& given, Dims const& shape, int axis, char const* what = "index") {
  if (!(given.device() == Device())) return;  // the kernels check: the host does not wait for the device
  std::int64_t const* const at = given.data();
  std::int64_t const n = given.numel(), extent = shape.empty() ? 1 : shape[axis];
  bool inside = false;
  run_call(operation, Device(), backend::CheckIndices<Index>{at, n, extent, &inside});
  if (inside) return;
  std::int64_t const wrong = *std::find_if(at, at + n, [&](std::int64_t i) { return i < 0 || i >= extent; });
  fail(operation, ": ", what, " ", wrong, " is out of range for dimension ", axis, " of shape ", shape);
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
  detail::check_indices("gather", dense, shape, d);
  return detail::gather_along(f, dense.to(detail::device_of(f)), d);
}

/// Positions `index` of an axis, in that order (torch.index_select): rows of a matrix for axis 0. index: (N), or a
/// number for a single position. Throws Error for an index out of range.
template <Formula X>
auto index_select(X const& x, std::int64_t axis, Tensor<std::int64_t> const& index) {
  auto const& f = operand(x);
  Dims const shape = f.shape();
  int const d = normalize_axis("index_select", axis, shape.size());
  if (shape.empty()) fail("index_select: a number has no dimension to select from");
  if (index.dim() > 1) fail("index_select: an index of shape ", index.shape(), " has more than one dimension");
  Tensor<std::int64_t> const dense = index.contiguous();
  detail::check_indices("index_select", dense, shape, d);
  return detail::pick_rows(f, dense.to(detail::device_of(f)), d);
}

/// 1 at each label's place in a new last dimension, 0 elsewhere (torch.nn.functional.one_hot). labels: (...) -> (..., C). On
/// a device give the number of classes: else the host waits for the labels.
inline Tensor<std::int64_t> one_hot(Tensor<std::int64_t> const& labels, std::int64_t classes = -1) {
  if (!(labels.device() == Device()) && classes >= 0) {
    Dims shape = labels.shape();
    shape.push_back(classes);
    Tensor<std::int64_t> y(Tensor<std::int64_t>::uninitialized, shape, labels.device());
    Tensor<std::int64_t> const l = labels.contiguous();
    detail::run_call("one_hot", l.device(), backend::OneHot{l.numel(), classes, l.data(), detail::fresh(y)}, l);
    return y;
  }
  Tensor<std::int64_t> const l = labels.contiguous().to(Device());
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
  return y.to(labels.device());
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
