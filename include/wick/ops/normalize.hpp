// SPDX-License-Identifier: MIT
// Softmax and layer norm, written as the formulas they are; the row plan makes one pass of them.
#pragma once

#include <wick/ops/reduce.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {
// An empty row has no largest element, and no element that would ask for it.
template <Formula X>
auto row_maximum(X const& x, std::int64_t axis) {
  return make_reduce<Max>(x, Axes(axis), {.keepdim = true});
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

/// (x - mean) / sqrt(variance + eps) over the last axis (torch.nn.functional.layer_norm without weight and bias).
template <Formula X>
auto layer_norm(X const& x, double eps = 1e-5) {
  auto const centred = x - mean(x, Axes(-1), {.keepdim = true});
  return centred / sqrt(mean(square(centred), Axes(-1), {.keepdim = true}) + eps);
}
/// The same times `weight` plus `bias`, both of the last extent.
template <Formula X, Formula W, Formula B>
auto layer_norm(X const& x, W const& weight, B const& bias, double eps = 1e-5) {
  broadcast("layer_norm", broadcast("layer_norm", x.shape(), weight.shape()), bias.shape());
  return layer_norm(x, eps) * weight + bias;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
