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
  /// Changes every parameter that has a gradient, in one pass over all of them; the gradients are read as `clip` says
  /// and stay as they are. Returns their norm when it is limited, else 0.
  double step(Clip const& clip = {}) {
    auto const& [lr, beta1, beta2, eps, decay] = options;
    ++steps_;
    parts_.clear();
    for (std::size_t i = 0; i < this->parameters_.size(); ++i)
      if (this->parameters_[i].has_grad()) parts_.add(this->arrays(this->parameters_[i], mean_[i], square_[i]));
    auto const [read, norm] = this->reading(parts_, clip);
    auto const t = [](double x) { return static_cast<T>(x); };
    T const keep1 = t(beta1), take1 = t(1 - beta1), keep2 = t(beta2), take2 = t(1 - beta2), small = t(eps);
    T const shrink = t(1 - lr * decay), rate = t(lr / (1 - std::pow(beta1, steps_)));
    T const correction = t(1 / std::sqrt(1 - std::pow(beta2, steps_)));
    update_all(parts_, [=, read = read](auto& w, auto const& gradient, auto& m, auto& v) {
      auto const g = read(gradient);
      m = keep1 * m + take1 * g;
      v = keep2 * v + take2 * (g * g);
      w = shrink * w - rate * m / (simd::sqrt(v) * correction + small);
    });
    return norm;
  }
  AdamWOptions options;

 private:
  std::vector<Tensor<T>> mean_, square_;
  Parts<T, 4> parts_;
  std::int64_t steps_ = 0;
};
template <class T>
AdamW(std::vector<Variable<T>>, AdamWOptions) -> AdamW<T>;
template <class T>
AdamW(std::vector<Variable<T>>) -> AdamW<T>;

}  // namespace optim
}  // namespace wick::inline WICK_ISA
