// SPDX-License-Identifier: MIT
// Order along an axis: sort, argsort, topk, kthvalue, median. NaN counts as larger than everything, and equal elements keep
// their order, so that there is one right result. Gradients go to the elements that were chosen.
#pragma once

#include <wick/ops/argmax.hpp>
#include <wick/ops/scan.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Options of sorting. Every sort is stable; `stable` is there for code that says that it relies on this.
struct SortOptions {
  bool descending = false, stable = true;
};
/// Options of topk. The elements always come in their order; `sorted` is there for code that says so.
struct TopkOptions {
  bool largest = true, sorted = true;
};

namespace detail {

// Places [first, first + count) of the sorted lines.
template <class X>
auto sorted_places(char const* name, X const& x, int axis, std::int64_t first, std::int64_t count, bool descending) {
  using T = value_t<X>;
  Dims const from = x.shape();
  Dims shape = from;
  if (!shape.empty()) shape[axis] = count;
  Tensor<T> const whole(x);
  auto const in = order_of(whole).contiguous();
  auto values = like(in, shape);
  Tensor<std::int64_t> const indices(Tensor<std::int64_t>::uninitialized, shape, in.device());
  using Order = value_t<decltype(in)>;
  run_call(name, in.device(), backend::Sort<Order>{backend::lines_along(from, axis), first, count, descending, in.data(), fresh(values), fresh(indices)}, in);
  return picked(x, whole, std::move(values), indices, axis);
}

// The same without the axis, which has the extent 1.
template <class P>
auto without_axis(P const& p, int axis, bool keepdim) {
  Dims shape, from = p.indices.shape();
  for (int d = 0; d < from.size(); ++d)
    if (d != axis || keepdim) shape.push_back(from[d]);
  auto values = reshape(p.values, shape);
  return Picked<decltype(values)>{std::move(values), p.indices.reshape(shape)};
}

inline std::int64_t extent_of(Dims const& shape, int axis) { return shape.empty() ? 1 : shape[axis]; }

}  // namespace detail

/// The elements of each line along an axis in their order, and where they stood (torch.sort).
template <Formula X>
auto sort(X const& x, std::int64_t axis = -1, SortOptions const& options = {}) {
  auto const& f = operand(x);
  Dims const shape = f.shape();
  int const d = normalize_axis("sort", axis, shape.size());
  return detail::sorted_places("sort", f, d, 0, detail::extent_of(shape, d), options.descending);
}
/// The rows of a tensor's first dimension in order, each column by itself (torch.msort).
template <Formula X>
auto msort(X const& x) { return sort(x, 0).values; }
/// Where the elements of the sorted lines stood (torch.argsort).
template <Formula X>
Tensor<std::int64_t> argsort(X const& x, std::int64_t axis = -1, SortOptions const& options = {}) {
  Tensor<value_t<decltype(operand(x))>> const value(operand(x));
  int const d = normalize_axis("argsort", axis, value.dim());
  return detail::sorted_places("argsort", value, d, 0, detail::extent_of(value.shape(), d), options.descending).indices;
}

/// The k largest (or smallest) elements of each line along an axis in their order, and where they stood (torch.topk).
template <Formula X>
auto topk(X const& x, std::int64_t k, std::int64_t axis = -1, TopkOptions const& options = {}) {
  auto const& f = operand(x);
  Dims const shape = f.shape();
  int const d = normalize_axis("topk", axis, shape.size());
  std::int64_t const n = detail::extent_of(shape, d), least = shape.empty() ? 1 : 0;
  if (k < least || k > n) fail("topk: k = ", k, " is out of range for dimension ", d, " of shape ", shape, " (", least, " to ", n, ")");
  return detail::sorted_places("topk", f, d, 0, k, options.largest);
}

/// The k-th smallest element of each line along an axis, counted from 1, and where it stood (torch.kthvalue).
template <Formula X>
auto kthvalue(X const& x, std::int64_t k, std::int64_t axis = -1, ReduceOptions options = {}) {
  auto const& f = operand(x);
  Dims const shape = f.shape();
  int const d = normalize_axis("kthvalue", axis, shape.size());
  std::int64_t const n = detail::extent_of(shape, d);
  if (k < 1 || k > n) fail("kthvalue: k = ", k, " is out of range for dimension ", d, " of shape ", shape, " (1 to ", n, ")");
  return detail::without_axis(detail::sorted_places("kthvalue", f, d, k - 1, 1, false), d, options.keepdim);
}

/// The median of each line along an axis and where it stood: of an even number of elements the lower of the two in the
/// middle; NaN if there is one (torch.median).
template <Formula X>
auto median(X const& x, std::int64_t axis, ReduceOptions options = {}) {
  auto const& f = operand(x);
  using T = value_t<decltype(f)>;
  Dims const shape = f.shape();
  int const d = normalize_axis("median", axis, shape.size());
  std::int64_t const n = detail::extent_of(shape, d);
  if (n == 0) fail("median: dimension ", d, " of shape ", shape, " is empty, and has no median");
  auto middle = detail::sorted_places("median", f, d, (n - 1) / 2, 1, false);
  if constexpr (!std::is_integral_v<T>) {
    if (!shape.empty()) {
      // The largest is NaN where there is one, and its place that of the first NaN.
      Tensor<T> const value = Tensor<T>(f);
      Tensor<std::int64_t> const largest = argmax(value, d, {.keepdim = true});
      Tensor<std::int64_t> const place = where(isnan(detail::gather_along(detail::order_of(value), largest, d)), largest, middle.indices);
      middle = detail::picked(f, value, Tensor<T>(detail::gather_along(value, place, d)), place, d);
    }
  }
  return detail::without_axis(middle, d, options.keepdim);
}
/// The median of all elements (torch.median). The gradient goes to one element, also where others are equal.
template <Formula X>
auto median(X const& x) { return median(reshape(x, Dims(-1)), 0).values; }

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
