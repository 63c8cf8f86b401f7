// SPDX-License-Identifier: MIT
// Stochastic gradient descent with momentum.
#pragma once

#include <wick/core/graph.hpp>
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
  explicit SGD(std::vector<Variable<T>> const& variables, SGDOptions const& o = {})
      : Optimizer<T>(variables), options(o), velocity_(this->parameters_.size()), started_(this->parameters_.size()) {
    if (o.nesterov && (o.momentum <= 0 || o.dampening != 0))
      fail("SGD: nesterov needs a momentum and no dampening");
  }
  /// Changes every parameter that has a gradient, in one pass over all of them; the gradients are read as `clip` says
  /// and stay as they are. Returns their norm when it is limited, else 0.
  double step(Clip const& clip = {}) {
    bool const with_velocity = options.momentum != 0;
    plain_.clear(), first_.clear(), parts_.clear();
    for (std::size_t i = 0; i < this->parameters_.size(); ++i) {
      auto const& parameter = this->parameters_[i];
      if (!parameter.has_grad()) continue;
      plain_.add(this->arrays(parameter));
      if (!with_velocity) continue;
      if (!started_[i]) velocity_[i] = Tensor<T>(Tensor<T>::uninitialized, parameter.shape(), parameter.device());
      (started_[i] ? parts_ : first_).add(this->arrays(parameter, velocity_[i]));
    }
    if (core::capturing && !first_.parts().empty())
      fail("capture: SGD has not taken its first step, which makes its state; run the same work once before");
    auto const [read, norm] = this->reading(plain_, clip);
    for (std::size_t i = 0; with_velocity && i < started_.size(); ++i) started_[i] = started_[i] || this->parameters_[i].has_grad();
    if (with_velocity) {
      run(first_, [this, read = read] { return velocity_rule(read, true); });
      run(parts_, [this, read = read] { return velocity_rule(read, false); });
    } else {
      run(plain_, [this, read = read] {
        return Rule{read, static_cast<T>(options.lr), static_cast<T>(options.weight_decay)};
      });
    }
    return norm;
  }
  SGDOptions options;

  /// One element's step, or a register's. Public for nvcc, which names the types of its kernels from outside.
  struct Rule {
    typename Optimizer<T>::Reading read;
    T lr, decay;
    template <class V>
    WICK_FN_INLINE void operator()(V& w, V const& g) const { w = w - lr * (read(g) + decay * w); }
  };
  struct VelocityRule {
    typename Optimizer<T>::Reading read;
    T lr, decay, momentum, take;
    bool nesterov, first;
    template <class V>
    WICK_FN_INLINE void operator()(V& w, V const& g, V& v) const {
      V const d = read(g) + decay * w;
      v = first ? d : V(momentum * v + take * d);
      w = w - lr * (nesterov ? V(d + momentum * v) : v);
    }
  };

 private:
  VelocityRule velocity_rule(typename Optimizer<T>::Reading const& read, bool first) const {
    auto const t = [](double x) { return static_cast<T>(x); };
    return {read, t(options.lr), t(options.weight_decay), t(options.momentum), t(1 - options.dampening), options.nesterov, first};
  }
  // A graph asks for the rule before each of its runs.
  template <int N, class Make>
  void run(Parts<T, N> const& parts, Make const& make) {
    if (parts.parts().empty()) return;
    using R = decltype(make());
    R const* const live = core::capturing && parts.on_device() ? core::replayed(make) : nullptr;
    update_all(parts, make(), this->scaling_, live);
  }

  std::vector<Tensor<T>> velocity_;
  std::vector<bool> started_;
  Parts<T, 2> plain_;
  Parts<T, 3> first_, parts_;
};
template <class T>
SGD(std::vector<Variable<T>>, SGDOptions) -> SGD<T>;
template <class T>
SGD(std::vector<Variable<T>>) -> SGD<T>;

}  // namespace optim
}  // namespace wick::inline WICK_ISA
