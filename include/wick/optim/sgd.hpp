// SPDX-License-Identifier: MIT
// Stochastic gradient descent with momentum.
#pragma once

#include <wick/optim/optimizer.hpp>

namespace wick::inline WICK_ISA {
namespace optim {

/// Options of SGD, with PyTorch's names.
struct SGDOptions {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
};

/// v = momentum v + (1 - dampening) (g + weight_decay w);  w = w - lr v, with nesterov w - lr (g + momentum v)
/// (torch.optim.SGD; the first v is the gradient itself).
template <class T>
class SGD : public Optimizer<T> {
 public:
  explicit SGD(std::vector<Variable<T>> variables, SGDOptions o = {})
      : Optimizer<T>(std::move(variables)), options(o), velocity_(this->parameters_.size()), started_(this->parameters_.size()) {
    if (o.nesterov && (o.momentum <= 0 || o.dampening != 0))
      fail("SGD: nesterov needs a momentum and no dampening");
  }
  /// Changes every parameter that has a gradient.
  void step() {
    auto const& [lr, momentum, dampening, decay, nesterov] = options;
    for (std::size_t i = 0; i < this->parameters_.size(); ++i) {
      auto const& parameter = this->parameters_[i];
      if (!parameter.has_grad()) continue;
      Tensor<T>& w = parameter.mutable_value();
      Tensor<T> const& g = parameter.grad();
      if (momentum == 0) {
        w = w - lr * (g + decay * w);
        continue;
      }
      Tensor<T>& v = velocity_[i];
      if (started_[i]) v = momentum * v + (1 - dampening) * (g + decay * w);
      else v = g + decay * w;
      started_[i] = true;
      if (nesterov) w = w - lr * (g + decay * w + momentum * v);
      else w = w - lr * v;
    }
  }
  SGDOptions options;

 private:
  std::vector<Tensor<T>> velocity_;
  std::vector<bool> started_;
};
template <class T>
SGD(std::vector<Variable<T>>, SGDOptions) -> SGD<T>;
template <class T>
SGD(std::vector<Variable<T>>) -> SGD<T>;

}  // namespace optim
}  // namespace wick::inline WICK_ISA
