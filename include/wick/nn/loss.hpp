// SPDX-License-Identifier: MIT
// Losses, averaged over the batch.
#pragma once

#include <wick/ops/gather.hpp>
#include <wick/ops/normalize.hpp>

namespace wick::inline WICK_ISA {

/// Mean of -log_probability[i][target[i]] (torch.nn.functional.nll_loss). log_probability: (N, C), target: (N).
template <Formula X>
auto nll_loss(X const& log_probability, Tensor<std::int64_t> const& target) {
  Dims const shape = log_probability.shape();
  if (shape.size() != 2 || target.dim() != 1 || target.shape()[0] != shape[0])
    fail("nll_loss: ", shape, " and ", target.shape(), " do not fit: log-probabilities are (N, C), targets (N)");
  return -mean(gather(log_probability, 1, target.reshape({-1, 1})));
}
/// nll_loss of log_softmax(logits) (torch.nn.functional.cross_entropy). logits: (N, C), target: (N).
template <Formula X>
auto cross_entropy(X const& logits, Tensor<std::int64_t> const& target) {
  return nll_loss(log_softmax(logits, 1), target);
}
/// Mean of (a - b)^2 (torch.nn.functional.mse_loss).
template <Formula A, Formula B>
auto mse_loss(A const& a, B const& b) {
  return mean(square(a - b));
}

}  // namespace wick::inline WICK_ISA
