// SPDX-License-Identifier: MIT
// Stochastic gradient descent with momentum.
#pragma once

#include <wick/core/graph.hpp>
#include <wick/optim/optimizer.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace optim {

/// Options of SGD, with PyTorch's names.
struct SGDOptions {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
};

/// v = momentum v + (1 - dampening) (g + weight_decay w);  w = w - lr v, with nesterov w - lr (g + momentum v)
/// (torch.optim.SGD; the first v is the gradient itself). Throws Error for options that make no sense, also in a step.
class SGD : public Optimizer {
 public:
  template <class Isa = IsaTag>
  explicit SGD(nn::Parameters parameters, SGDOptions const& o = {}) : Optimizer(std::move(parameters)), options(o) { validate(); }
  template <Module M>
  explicit SGD(M& module, SGDOptions const& o = {}) : SGD(wick::parameters(module), o) {}

  /// Changes every parameter that has a gradient, in one pass over all of them; the gradients are read as `clip` says
  /// and stay as they are. Returns their norm when it is limited, else 0. Throws Error when a backward pass has finished
  /// since the last step and no parameter has a gradient, or one has never had any while a tensor was computed from it.
  template <class Isa = IsaTag>  // compiled where it is called
  double step(Clip const& clip = {}) {
    validate();
    list(floats_), list(doubles_);
    if (core::capturing && !(floats_.first.empty() && doubles_.first.empty()))
      fail("capture: SGD has not taken its first step, which makes its state; run the same work once before");
    double const norm = read_gradients(clip, floats_.plain, doubles_.plain);
    move(floats_), move(doubles_);
    return norm;
  }
  /// The learning rate.
  double lr() const { return options.lr; }
  SGDOptions options;

  /// One element's step, or a register's. Public for nvcc, which names the types of its kernels from outside.
  template <Lane T>
  struct Rule {
    detail::Reading<T> read;
    T lr, decay;
    template <class V>
    WICK_FN_INLINE void operator()(V& w, V const& g) const { w = w - lr * (read(g) + decay * w); }
  };
  template <Lane T>
  struct VelocityRule {
    detail::Reading<T> read;
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
  template <Lane T>
  struct State {
    std::vector<Tensor<T>> velocity;
    std::vector<bool> started;  // whose velocity has a value
    std::vector<Moving> moving;
    Parts<T> plain, first, rest;
  };

  void validate() const {
    require_not_negative("SGD", "lr", options.lr);
    require_not_negative("SGD", "momentum", options.momentum);
    require_not_negative("SGD", "weight_decay", options.weight_decay);
    if (!classify::isfinite(options.dampening)) fail("SGD: dampening is ", options.dampening, ", expected a finite number");
    if (options.nesterov && (options.momentum <= 0 || options.dampening != 0)) fail("SGD: nesterov needs a momentum and no dampening");
  }
  template <Lane T>
  void list(State<T>& s) const {
    gather<T>(s.moving);
    s.plain.clear(), s.first.clear(), s.rest.clear();
    for (auto& [i, arrays] : s.moving) {
      s.plain.add(arrays);
      if (options.momentum == 0) continue;
      if (s.velocity.size() <= i) s.started.resize(i + 1), s.velocity.resize(i + 1);  // memory may end between the two
      if (!s.started[i]) s.velocity[i] = Tensor<T>(Tensor<T>::uninitialized, Dims(arrays.count), arrays.device);
      add_state(arrays, 2, s.velocity[i]);
      (s.started[i] ? s.rest : s.first).add(arrays);
    }
  }
  template <Lane T>
  void move(State<T>& s) {
    auto const t = [](double x) { return static_cast<T>(x); };
    detail::Reading<T> const read = limit_of<T>().read;
    if (options.momentum == 0) return run<2>(s.plain, [=, this] { return Rule<T>{read, t(options.lr), t(options.weight_decay)}; });
    for (Moving const& m : s.moving) s.started[m.index] = true;
    auto const rule = [=, this](bool first) {
      return VelocityRule<T>{read, t(options.lr), t(options.weight_decay), t(options.momentum), t(1 - options.dampening), options.nesterov, first};
    };
    run<3>(s.first, [=] { return rule(true); });
    run<3>(s.rest, [=] { return rule(false); });
  }
  // A graph asks for the rule before each of its runs.
  template <int N, Lane T, class Make>
  void run(Parts<T> const& parts, Make const& make) {
    if (parts.empty()) return;
    using R = decltype(make());
    R const* const live = core::capturing && parts.on_device() ? core::replayed(make) : nullptr;
    update_all<N>(parts, make(), limit_of<T>().scaling, live);
  }

  State<float> floats_;
  State<double> doubles_;
};

}  // namespace optim
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
