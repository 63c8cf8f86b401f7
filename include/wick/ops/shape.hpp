// SPDX-License-Identifier: MIT
// Other shapes of the same elements: reshape, flatten, permute, transpose, squeeze, expand. Tensors share their memory.
#pragma once

#include <wick/expr/kernel_node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// The same elements in row-major order under another shape (torch.reshape); one extent may be -1.
template <Formula X>
auto reshape(X const& x, Dims const& shape);
/// Dimensions in another order (torch.permute).
template <Formula X>
auto permute(X const& x, Axes const& order);

namespace detail {

struct ReshapeOp {
  static constexpr char const* name = "reshape";
  static constexpr bool needs_inputs = false;
  Dims from, to;
  template <class T>
  Tensor<T> view(Tensor<T> const& x) const { return x.reshape(to); }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(reshape(g, from)); }
};

struct PermuteOp {
  static constexpr char const* name = "permute";
  static constexpr bool needs_inputs = false;
  Axes order;
  template <class T>
  Tensor<T> view(Tensor<T> const& x) const { return x.permute(order); }
  auto adjoint(auto const& g, auto const&, auto const&) const {
    Axes inverse = order;
    for (int d = 0; d < order.size(); ++d) inverse[normalize_axis("permute", order[d], order.size())] = d;
    return std::tuple(permute(g, inverse));
  }
};

}  // namespace detail

template <Formula X>
auto reshape(X const& x, Dims const& shape) {
  auto const& f = operand(x);
  using F = std::remove_cvref_t<decltype(f)>;
  if constexpr (core::is_heap_tensor_of<F, value_t<F>>) {
    return f.reshape(shape);
  } else {
    Dims const from = f.shape(), to = reshaped("reshape", from, shape);
    return kernel<value_t<F>>(detail::ReshapeOp{from, to}, to, f);
  }
}

template <Formula X>
auto permute(X const& x, Axes const& order) {
  auto const& f = operand(x);
  using F = std::remove_cvref_t<decltype(f)>;
  if constexpr (core::is_heap_tensor_of<F, value_t<F>>) {
    return f.permute(order);
  } else {
    Dims const from = f.shape();
    Dims const to = core::permuted(Layout(from), order).shape;
    return kernel<value_t<F>>(detail::PermuteOp{order}, to, f);
  }
}

/// Two dimensions exchanged (torch.transpose).
template <Formula X>
auto transpose(X const& x, std::int64_t a, std::int64_t b) {
  int const rank = x.shape().size();
  Axes order;
  for (int d = 0; d < rank; ++d) order.push_back(d);
  std::swap(order[normalize_axis("transpose", a, rank)], order[normalize_axis("transpose", b, rank)]);
  return permute(x, order);
}

/// Dimensions from `start` to `end` joined into one (torch.flatten).
template <Formula X>
auto flatten(X const& x, std::int64_t start = 0, std::int64_t end = -1) {
  Dims const from = x.shape();
  int const first = normalize_axis("flatten", start, from.size()), last = normalize_axis("flatten", end, from.size());
  if (first > last) fail("flatten: dimension ", start, " comes after dimension ", end, " of shape ", from);
  Dims to;
  std::int64_t joined = 1;
  for (int d = 0; d < from.size(); ++d) {
    if (d < first || d > last) to.push_back(from[d]);
    else joined *= from[d];
    if (d == last) to.push_back(joined);
  }
  if (from.empty()) to.push_back(1);
  return reshape(x, to);
}

/// A new dimension of extent 1 before dimension `axis` (torch.unsqueeze).
template <Formula X>
auto unsqueeze(X const& x, std::int64_t axis) {
  Dims const from = x.shape();
  int const at = normalize_axis("unsqueeze", axis, from.size() + 1);
  Dims to;
  for (int d = 0; d <= from.size(); ++d) {
    if (d == at) to.push_back(1);
    if (d < from.size()) to.push_back(from[d]);
  }
  return reshape(x, to);
}

/// Without the dimensions of extent 1 (torch.squeeze).
template <Formula X>
auto squeeze(X const& x) {
  Dims to;
  for (std::int64_t extent : Dims(x.shape()))
    if (extent != 1) to.push_back(extent);
  return reshape(x, to);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
