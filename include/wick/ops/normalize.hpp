// SPDX-License-Identifier: MIT
// Softmax and layer norm, written as the formulas they are; the row plan makes one pass of them.
#pragma once

#include <wick/ops/reduce.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {
/// The largest element of a row, where the result is the same whatever is subtracted: no gradient flows through it.
struct Shift : Max {
  using is_constant = void;
};
// An empty row has no largest element, and no element that would ask for it.
template <Formula X>
auto row_maximum(X const& x, std::int64_t axis) {
  return make_reduce<Shift>(x, Axes(axis), {.keepdim = true});
}
}  // namespace detail

/// exp(x) over its sum along `axis`, without overflow (torch.softmax).
template <Formula X>
auto softmax(X const& x, std::int64_t axis) {
  int const d = normalize_axis("softmax", axis, x.shape().size());
  auto const e = exp(x - detail::row_maximum(x, d));
  return e / sum(e, Axes(d), {.keepdim = true});
}

/// Logarithm of the softmax, without overflow (torch.log_softmax).
template <Formula X>
auto log_softmax(X const& x, std::int64_t axis) {
  int const d = normalize_axis("log_softmax", axis, x.shape().size());
  auto const shifted = x - detail::row_maximum(x, d);
  return shifted - log(sum(exp(shifted), Axes(d), {.keepdim = true}));
}

/// Options of `layer_norm`.
struct LayerNormOptions {
  core::FieldsByName by_name = core::FieldsByName();
  double eps = 1e-5;
};

namespace detail {
/// As many of the last dimensions as `normalized` has extents. Throws Error unless these are theirs.
WICK_COLD inline Axes normalized_axes(Dims const& shape, Dims const& normalized) {
  int const rank = normalized.size(), first = shape.size() - rank;
  bool fits = rank > 0 && first >= 0;
  Axes axes;
  for (int i = 0; fits && i < rank; ++i) fits = shape[first + i] == normalized[i], axes.push_back(i - rank);
  if (!fits) fail("layer_norm: a tensor of shape ", shape, " is not normalized over ", normalized, ", which must be its last extents");
  return axes;
}
template <class X>
auto make_layer_norm(X const& x, Axes const& axes, double eps) {
  auto const centred = x - mean(x, axes, {.keepdim = true});
  return centred / sqrt(mean(square(centred), axes, {.keepdim = true}) + eps);
}
}  // namespace detail

/// (x - mean) / sqrt(variance + eps) over the last dimensions, whose extents are `normalized_shape`
/// (torch.nn.functional.layer_norm without weight and bias); without a shape over the last one.
template <Formula X>
auto layer_norm(X const& x, LayerNormOptions const& options = {}) {
  return detail::make_layer_norm(x, Axes(-1), options.eps);
}
template <Formula X>
auto layer_norm(X const& x, Dims const& normalized_shape, LayerNormOptions const& options = {}) {
  return detail::make_layer_norm(x, detail::normalized_axes(x.shape(), normalized_shape), options.eps);
}
/// The same times `weight` plus `bias`, both of that shape.
template <Formula X, Formula W, Formula B>
auto layer_norm(X const& x, W const& weight, B const& bias, LayerNormOptions const& options = {}) {
  broadcast("layer_norm", broadcast("layer_norm", x.shape(), weight.shape()), bias.shape());
  return layer_norm(x, options) * weight + bias;
}
template <Formula X, Formula W, Formula B>
auto layer_norm(X const& x, Dims const& normalized_shape, W const& weight, B const& bias, LayerNormOptions const& options = {}) {
  if (!(weight.shape() == normalized_shape && bias.shape() == normalized_shape))
    fail("layer_norm: a weight of shape ", weight.shape(), " and a bias of shape ", bias.shape(), ", expected ", normalized_shape);
  return layer_norm(x, normalized_shape, options) * weight + bias;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
