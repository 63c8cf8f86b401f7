// SPDX-License-Identifier: MIT
// Several tensors as one: cat, stack.
#pragma once

#include <vector>

#include <wick/ops/select.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

inline Layout part_layout(Layout const& layout, int axis, std::int64_t length) {
  Dims shape = layout.shape;
  shape[axis] = length;
  return {shape, layout.strides};
}

template <std::size_t N>
struct CatOp {
  static constexpr char const* name = "cat";
  static constexpr bool needs_inputs = false;
  int axis;
  template <class T, class... X>
  void compute(T* y, Dims const& shape, X const&... parts) const {
    Layout const whole{shape};
    std::int64_t start = 0;
    auto const put = [&](Tensor<T> const& part) {
      compute_into<T>(y + start * whole.strides[axis], 0, part_layout(whole, axis, part.size(axis)), part, part.device());
      start += part.size(axis);
    };
    (put(parts), ...);
  }
  auto adjoint(auto const& g, auto const&, auto const&... parts) const {
    std::int64_t start = 0;
    auto const take = [&](auto const& part) {
      std::int64_t const length = part.size(axis);
      return narrow(g, axis, std::exchange(start, start + length), length);
    };
    return std::tuple{take(parts)...};
  }
  auto tangent(auto const& y, auto const&, auto const& dx) const { return tangent_of_linear(*this, y, dx); }
};

inline void check_stacked(Dims const& first, Dims const& other) {
  if (!(other == first)) fail("stack: ", first, " and ", other, " differ; all tensors need the same shape");
}
inline void join_shape(Dims& shape, Dims const& part, int axis) {
  for (int d = 0; d < shape.size(); ++d)
    if (part.size() != shape.size() || (d != axis && part[d] != shape[d]))
      fail("cat: ", shape, " and ", part, " do not fit along dimension ", axis, ": the other dimensions have to agree");
  shape[axis] += part[axis];
}

}  // namespace detail

/// Tensors or formulas one after another along an axis (torch.cat): `cat(0, a, b, c)`.
template <Formula A, Formula... Rest>
auto cat(std::int64_t axis, A const& a, Rest const&... rest) {
  Dims shape = a.shape();
  int const d = normalize_axis("cat", axis, shape.size());
  if (shape.empty()) fail("cat: tensors of no dimensions cannot be joined; use stack");
  (detail::join_shape(shape, rest.shape(), d), ...);
  return kernel<value_t<A>>(detail::CatOp<1 + sizeof...(Rest)>{d}, shape, operand(a), operand(rest)...);
}
/// The same for a list whose length is known at run time.
template <class T>
Tensor<T> cat(std::vector<Tensor<T>> const& parts, std::int64_t axis = 0) {
  if (parts.empty()) fail("cat: an empty list of tensors has no shape");
  Dims shape = parts[0].shape();
  if (shape.empty()) fail("cat: tensors of no dimensions cannot be joined; use stack");
  int const d = normalize_axis("cat", axis, shape.size());
  for (std::size_t i = 1; i < parts.size(); ++i) detail::join_shape(shape, parts[i].shape(), d);
  Tensor<T> y(Tensor<T>::uninitialized, shape, parts[0].device());
  T* const data = y.data();
  std::int64_t start = 0;
  for (auto const& part : parts) {
    compute_into<T>(data + start * y.strides()[d], 0, detail::part_layout(y.layout(), d, part.size(d)), part, y.device());
    start += part.size(d);
  }
  return y;
}

/// Tensors of one shape along a new axis (torch.stack): `stack(0, a, b)`.
template <Formula A, Formula... Rest>
auto stack(std::int64_t axis, A const& a, Rest const&... rest) {
  (detail::check_stacked(a.shape(), rest.shape()), ...);
  int const d = normalize_axis("stack", axis, a.shape().size() + 1);
  return cat(d, unsqueeze(a, d), unsqueeze(rest, d)...);
}
/// The same of any number of tensors.
template <class T>
Tensor<T> stack(std::vector<Tensor<T>> const& parts, std::int64_t axis = 0) {
  if (parts.empty()) fail("stack: an empty list of tensors has no shape");
  int const d = normalize_axis("stack", axis, parts[0].dim() + 1);
  std::vector<Tensor<T>> rows;
  rows.reserve(parts.size());
  for (auto const& part : parts) {
    detail::check_stacked(parts[0].shape(), part.shape());
    rows.push_back(unsqueeze(part, d));
  }
  return cat(rows, d);
}
/// The same of variables, or of formulas over variables: a formula.
template <Operand X>
  requires(is_recordable<X>)
auto cat(std::vector<X> const& parts, std::int64_t axis = 0) {
  using T = value_t<X>;
  if (parts.empty()) fail("cat: an empty list of tensors has no shape");
  // Joined in pairs, and the pairs in pairs: each element is copied a few times, however many parts there are.
  std::vector<Lazy<T, true>> joined;
  for (std::size_t i = 0; i < parts.size(); i += 2)
    joined.push_back(i + 1 < parts.size() ? cat(axis, parts[i], parts[i + 1]) : cat(axis, parts[i]));
  while (joined.size() > 1) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < joined.size(); i += 2)
      joined[kept++] = i + 1 < joined.size() ? cat(axis, joined[i], joined[i + 1]) : joined[i];
    joined.erase(joined.begin() + static_cast<std::ptrdiff_t>(kept), joined.end());
  }
  return joined[0];
}
template <Operand X>
  requires(is_recordable<X>)
auto stack(std::vector<X> const& parts, std::int64_t axis = 0) {
  if (parts.empty()) fail("stack: an empty list of tensors has no shape");
  int const d = normalize_axis("stack", axis, parts[0].dim() + 1);
  std::vector<decltype(unsqueeze(parts[0], axis))> rows;
  rows.reserve(parts.size());
  for (auto const& part : parts) {
    detail::check_stacked(parts[0].shape(), part.shape());
    rows.push_back(unsqueeze(part, d));
  }
  return cat(rows, d);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
