// SPDX-License-Identifier: MIT
// Losses, averaged over the batch.
#pragma once

#include <wick/ops/gather.hpp>
#include <wick/ops/normalize.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {
// Targets (N) as an index (N, 1) into the classes of `shape`, (N, C). Throws Error in the name of a loss. A template, so that the
// kernels may come later.
template <class Index>
Tensor<Index> class_index(char const* loss, char const* input, Dims const& shape, Tensor<Index> const& target, Device device) {
  if (shape.size() != 2 || target.dim() != 1 || target.shape()[0] != shape[0])
    fail(loss, ": ", shape, " and ", target.shape(), " do not fit: ", input, " are (N, C), targets (N)");
  Tensor<Index> const index = target.contiguous();
  check_indices(loss, index, shape, 1, "target");
  return index.reshape({-1, 1}).to(device);
}
}  // namespace detail

/// Mean of -log_probability[i][target[i]] (torch.nn.functional.nll_loss). log_probability: (N, C), target: (N). Throws Error for
/// a target that is no class.
template <Formula X>
auto nll_loss(X const& log_probability, Tensor<std::int64_t> const& target) {
  auto const& f = operand(log_probability);
  return -mean(detail::gather_along(
      f, detail::class_index("nll_loss", "log-probabilities", f.shape(), target, detail::device_of(f)), 1, "nll_loss"));
}
/// nll_loss of log_softmax(logits) (torch.nn.functional.cross_entropy). logits: (N, C), target: (N). Throws Error for a target
/// that is no class.
template <Formula X>
auto cross_entropy(X const& logits, Tensor<std::int64_t> const& target) {
  auto const& f = operand(logits);
  auto const index = detail::class_index("cross_entropy", "logits", f.shape(), target, detail::device_of(f));
  return -mean(detail::gather_along(log_softmax(f, 1), index, 1, "cross_entropy"));
}
/// Mean of (a - b)^2 (torch.nn.functional.mse_loss).
template <Formula A, Formula B>
auto mse_loss(A const& a, B const& b) {
  broadcast("mse_loss", a.shape(), b.shape());
  return mean(square(a - b));
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
