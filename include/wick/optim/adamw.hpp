// SPDX-License-Identifier: MIT
// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
#pragma once

#include <cmath>
#include <limits>
#include <utility>

#include <wick/core/graph.hpp>
#include <wick/optim/optimizer.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace optim {

/// Options of AdamW, with PyTorch's names and defaults.
struct AdamWOptions {
  double lr = 1e-3;
  std::pair<double, double> betas{0.9, 0.999};
  double eps = 1e-8, weight_decay = 1e-2;
};

/// torch.optim.AdamW. Throws Error for options that make no sense, also in a step.
class AdamW : public Optimizer {
 public:
  template <class Isa = IsaTag>
  explicit AdamW(nn::Parameters parameters, AdamWOptions const& o = {})
      : Optimizer(std::move(parameters)), options(o), floats_(state<float>(), state<float>()), doubles_(state<double>(), state<double>()) {
    validate();
  }
  template <Module M>
  explicit AdamW(M& module, AdamWOptions const& o = {}) : AdamW(wick::parameters(module), o) {}

  /// Changes every parameter that has a gradient, in one pass over all of them; the gradients are read as `clip` says
  /// and stay as they are. Returns their norm when it is limited, else 0. Throws Error when a backward pass has finished
  /// since the last step and no parameter has a gradient, or one has never had any while a tensor was computed from it.
  template <class Isa = IsaTag>  // compiled where it is called
  double step(Clip const& clip = {}) {
    validate();
    list(floats_), list(doubles_);
    double const norm = read_gradients(clip, floats_.parts, doubles_.parts);
    move(floats_), move(doubles_);
    return norm;
  }
  /// The learning rate.
  double lr() const { return options.lr; }
  AdamWOptions options;

  /// One element's step, or a register's. Public for nvcc, which names the types of its kernels from outside.
  template <Lane T>
  struct Rule {
    detail::Reading<T> read;
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
  template <Lane T>
  struct State {
    std::vector<Tensor<T>> mean, square;
    std::vector<std::int64_t> steps;
    std::vector<Moving> moving{};
    Parts<T> parts{};
    State(std::vector<Tensor<T>> zeros, std::vector<Tensor<T>> zeros_again)
        : mean(std::move(zeros)), square(std::move(zeros_again)), steps(mean.size()) {}
  };

  void validate() const {
    require_not_negative("AdamW", "lr", options.lr);
    require_not_negative("AdamW", "eps", options.eps);
    require_not_negative("AdamW", "weight_decay", options.weight_decay);
    auto const [beta1, beta2] = options.betas;
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1))
      fail("AdamW: betas are ", beta1, " and ", beta2, ", expected numbers from 0 to below 1");
  }
  template <Lane T>
  void list(State<T>& s) const {
    gather<T>(s.moving);
    s.parts.clear();
    for (Moving& m : s.moving) {
      add_state(m.arrays, 2, s.mean[m.index]), add_state(m.arrays, 3, s.square[m.index]);
      s.parts.add(m.arrays);
    }
  }
  template <Lane T>
  void move(State<T>& s) {
    if (s.moving.empty()) return;
    if (core::capturing && s.parts.on_device()) return record(s);
    // Each parameter counts the steps that it took part in. Nearly always they are as many for all: one pass.
    std::int64_t const first = s.steps[s.moving[0].index] + 1;
    bool same = true;
    for (Moving const& m : s.moving) same &= ++s.steps[m.index] == first;
    if (same) return update_all<4>(s.parts, rule<T>(first, limit_of<T>().read), limit_of<T>().scaling);
    for (std::int64_t done = 0;;) {
      std::int64_t count = std::numeric_limits<std::int64_t>::max();
      for (Moving const& m : s.moving)
        if (s.steps[m.index] > done) count = std::min(count, s.steps[m.index]);
      if (count == std::numeric_limits<std::int64_t>::max()) return;
      s.parts.clear();
      for (Moving const& m : s.moving)
        if (s.steps[m.index] == count) s.parts.add(m.arrays);
      update_all<4>(s.parts, rule<T>(count, limit_of<T>().read), limit_of<T>().scaling);
      done = count;
    }
  }
  // A graph counts the steps as it runs.
  template <Lane T>
  void record(State<T>& s) {
    std::vector<std::size_t> moving;
    for (Moving const& m : s.moving) moving.push_back(m.index);
    for (std::size_t i : moving)
      if (s.steps[i] != s.steps[moving[0]])
        fail("capture: parameters have taken part in ", s.steps[i], " and in ", s.steps[moving[0]], " steps of AdamW; a graph moves such together only as have taken part in equally many");
    auto const* const live = core::replayed([this, &s, moving, read = limit_of<T>().read] {
      for (std::size_t i : moving) ++s.steps[i];
      return rule<T>(s.steps[moving[0]], read);
    });
    update_all<4>(s.parts, Rule<T>{}, limit_of<T>().scaling, live);
  }
  // By squaring: std::pow would be a tenth of a step of a few small parameters.
  static double power(double x, std::int64_t n) {
    double y = 1;
    for (; n > 0; n /= 2, x *= x)
      if (n % 2) y *= x;
    return y;
  }
  template <Lane T>
  Rule<T> rule(std::int64_t count, detail::Reading<T> const& read) const {
    auto const& [lr, betas, eps, decay] = options;
    auto const& [beta1, beta2] = betas;
    auto const t = [](double x) { return static_cast<T>(x); };
    T const keep1 = t(beta1), take1 = t(1 - beta1), keep2 = t(beta2), take2 = t(1 - beta2), small = t(eps);
    T const shrink = t(1 - lr * decay), rate = t(lr / (1 - power(beta1, count)));
    T const correction = t(1 / std::sqrt(1 - power(beta2, count)));
    return {read, keep1, take1, keep2, take2, small, shrink, rate, correction};
  }

  State<float> floats_;
  State<double> doubles_;
};

}  // namespace optim
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
