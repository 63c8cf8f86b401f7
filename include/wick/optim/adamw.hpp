// SPDX-License-Identifier: MIT
// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
#pragma once

#include <cmath>
#include <limits>

#include <wick/core/graph.hpp>
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
  explicit AdamW(std::vector<Variable<T>> const& variables, AdamWOptions const& o = {})
      : Optimizer<T>(variables), options(o), steps_(this->parameters_.size()) {
    for (auto const& parameter : this->parameters_) {
      mean_.push_back(zeros_like(parameter.value()));
      square_.push_back(zeros_like(parameter.value()));
    }
  }
  /// Changes every parameter that has a gradient, in one pass over all of them; the gradients are read as `clip` says
  /// and stay as they are. Returns their norm when it is limited, else 0.
  double step(Clip const& clip = {}) {
    std::vector<Variable<T>> const& parameters = this->parameters_;
    parts_.clear();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i].has_grad()) parts_.add(this->arrays(parameters[i], mean_[i], square_[i]));
    }
    auto const [read, norm] = this->reading(parts_, clip);
    if (core::capturing && parts_.on_device()) return record(read), norm;
    for (std::size_t i = 0; i < parameters.size(); ++i) steps_[i] += parameters[i].has_grad();
    // Each parameter counts the steps that it took part in. Nearly always they are as many for all: one pass.
    for (std::int64_t done = 0;;) {
      std::int64_t count = std::numeric_limits<std::int64_t>::max();
      bool same = true;
      for (std::size_t i = 0; i < parameters.size(); ++i)
        if (parameters[i].has_grad() && steps_[i] > done) count = std::min(count, steps_[i]);
      if (count == std::numeric_limits<std::int64_t>::max()) return norm;
      for (std::size_t i = 0; i < parameters.size(); ++i) same &= !parameters[i].has_grad() || steps_[i] == count;
      if (!same) {
        parts_.clear();
        for (std::size_t i = 0; i < parameters.size(); ++i)
          if (parameters[i].has_grad() && steps_[i] == count) parts_.add(this->arrays(parameters[i], mean_[i], square_[i]));
      }
      move(count, read);
      done = count;
    }
  }
  AdamWOptions options;

  /// One element's step, or a register's. Public for nvcc, which names the types of its kernels from outside.
  struct Rule {
    typename Optimizer<T>::Reading read;
    T keep1, take1, keep2, take2, small, shrink, rate, correction;
    template <class V>
    WICK_FN_INLINE void operator()(V& w, V const& gradient, V& m, V& v) const {
      V const g = read(gradient);
      m = keep1 * m + take1 * g;
      v = keep2 * v + take2 * (g * g);
      w = shrink * w - rate * m / (simd::sqrt(v) * correction + small);
    }
  };
 private:
  // A graph counts the steps as it runs.
  void record(typename Optimizer<T>::Reading const& read) {
    std::vector<std::size_t> moving;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (this->parameters_[i].has_grad()) moving.push_back(i);
    for (std::size_t i : moving)
      if (steps_[i] != steps_[moving[0]])
        fail("capture: parameters have taken part in ", steps_[i], " and in ", steps_[moving[0]], " steps of AdamW; a graph moves such together only as have taken part in equally many");
    auto const* const live = core::replayed([this, moving, read] {
      for (std::size_t i : moving) ++steps_[i];
      return rule(steps_[moving[0]], read);
    });
    update_all(parts_, Rule{}, this->scaling_, live);
  }
  // Step number `count` of all parts.
  void move(std::int64_t count, typename Optimizer<T>::Reading const& read) const { update_all(parts_, rule(count, read), this->scaling_); }
  Rule rule(std::int64_t count, typename Optimizer<T>::Reading const& read) const {
    auto const& [lr, beta1, beta2, eps, decay] = options;
    auto const t = [](double x) { return static_cast<T>(x); };
    auto const step = static_cast<double>(count);
    T const keep1 = t(beta1), take1 = t(1 - beta1), keep2 = t(beta2), take2 = t(1 - beta2), small = t(eps);
    T const shrink = t(1 - lr * decay), rate = t(lr / (1 - std::pow(beta1, step)));
    T const correction = t(1 / std::sqrt(1 - std::pow(beta2, step)));
    return {read, keep1, take1, keep2, take2, small, shrink, rate, correction};
  }

  std::vector<Tensor<T>> mean_, square_;
  Parts<T, 4> parts_;
  std::vector<std::int64_t> steps_;
};
template <class T>
AdamW(std::vector<Variable<T>>, AdamWOptions) -> AdamW<T>;
template <class T>
AdamW(std::vector<Variable<T>>) -> AdamW<T>;

}  // namespace optim
}  // namespace wick::inline WICK_ISA
