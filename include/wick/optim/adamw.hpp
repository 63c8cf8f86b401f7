// SPDX-License-Identifier: MIT
// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
#pragma once

#include <cmath>

#include <wick/optim/optimizer.hpp>

namespace wick::inline WICK_ISA {
namespace optim {

/// Options of AdamW, with PyTorch's names and defaults.
struct AdamWOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
};

/// torch.optim.AdamW.
template <class T>
class AdamW : public Optimizer<T> {
 public:
  explicit AdamW(std::vector<Variable<T>> variables, AdamWOptions o = {})
      : Optimizer<T>(std::move(variables)), options(o) {
    for (auto const& parameter : this->parameters_) {
      mean_.push_back(zeros<T>(parameter.shape()));
      square_.push_back(zeros<T>(parameter.shape()));
    }
  }
  /// Changes every parameter that has a gradient.
  void step() {
    auto const& [lr, beta1, beta2, eps, decay] = options;
    ++steps_;
    double const correction1 = 1 - std::pow(beta1, steps_), correction2 = std::sqrt(1 - std::pow(beta2, steps_));
    for (std::size_t i = 0; i < this->parameters_.size(); ++i) {
      auto const& parameter = this->parameters_[i];
      if (!parameter.has_grad()) continue;
      Tensor<T>& w = parameter.mutable_value();
      Tensor<T> const& g = parameter.grad();
      Tensor<T>&m = mean_[i], &v = square_[i];
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * square(g);
      w = w * (1 - lr * decay) - (lr / correction1) * m / (sqrt(v) / correction2 + eps);
    }
  }
  AdamWOptions options;

 private:
  std::vector<Tensor<T>> mean_, square_;
  std::int64_t steps_ = 0;
};
template <class T>
AdamW(std::vector<Variable<T>>, AdamWOptions) -> AdamW<T>;
template <class T>
AdamW(std::vector<Variable<T>>) -> AdamW<T>;

}  // namespace optim
}  // namespace wick::inline WICK_ISA
