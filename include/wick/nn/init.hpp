// SPDX-License-Identifier: MIT
// First values of parameters, PyTorch's defaults.
#pragma once

#include <cmath>

#include <wick/core/create.hpp>
#include <wick/expr/assign.hpp>
#include <wick/ops/arithmetic.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace nn::init {

/// Uniform on [low, high).
template <class T>
Tensor<T> uniform(Dims const& shape, double low, double high) {
  return rand<T>(shape) * (high - low) + low;
}
/// Uniform with the bound sqrt(6 / ((1 + a^2) fan_in)) (He et al., arXiv:1502.01852; torch.nn.init.kaiming_uniform_).
template <class T>
Tensor<T> kaiming_uniform(Dims const& shape, std::int64_t fan_in, double a = std::sqrt(5.0)) {
  double const bound = fan_in > 0 ? std::sqrt(6.0 / ((1 + a * a) * static_cast<double>(fan_in))) : 0;
  return uniform<T>(shape, -bound, bound);
}
/// Uniform on +-1 / sqrt(fan_in): PyTorch's default for biases.
template <class T>
Tensor<T> bias(Dims const& shape, std::int64_t fan_in) {
  double const bound = fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0;
  return uniform<T>(shape, -bound, bound);
}

}  // namespace nn::init
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
