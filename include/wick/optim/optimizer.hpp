// SPDX-License-Identifier: MIT
// What optimizers have in common: the parameters of all element types, and what a step reads and writes of them.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include <wick/core/create.hpp>
#include <wick/optim/clip.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace optim {

/// Base of optimizers. Parameters of `float` and `double` take steps in their own type, those of 16 bits in float, with a
/// state of float.
class Optimizer {
 public:
  /// A variable that stands twice in the list counts once.
  explicit Optimizer(nn::Parameters parameters) : parameters_(std::move(parameters)), passes_(tape::backward_passes()) {
    if (parameters_.empty()) fail("optimizer: the list of parameters is empty");
  }
  Optimizer(Optimizer&&) = default;
  /// Forgets the gradients.
  void zero_grad() const { wick::zero_grad(parameters_); }
  nn::Parameters const& parameters() const { return parameters_; }

 protected:
  /// A parameter that a step changes: its number among those that are computed in the same type, its value and gradient.
  struct Moving {
    std::size_t index;
    Arrays arrays;
  };

  /// Lists the parameters that have a gradient and are computed in T.
  template <Lane T>
  void gather(std::vector<Moving>& moving) const {
    moving.clear();
    std::size_t index = 0;
    detail::each_computed_in<T>(parameters_, [&]<class V>(Variable<V> const& p) {
      if (auto& node = *p.node(); node.has_gradient) {
        node.trained = true;
        moving.push_back({index, {{parameters_.value_data(p), parameters_.gradient_data(p, false)}, p.numel(), p.value().device(), dtype_of<V>()}});
      }
      ++index;
    });
  }
  /// One tensor for each parameter that is computed in T.
  template <Lane T>
  std::vector<Tensor<T>> state() const {
    std::vector<Tensor<T>> zeros;
    detail::each_computed_in<T>(parameters_, [&](auto const& parameter) {
      Tensor<T> const here = wick::zeros<T>(parameter.shape());
      zeros.emplace_back(Tensor<T>::uninitialized, parameter.shape(), parameter.device());
      core::copy_bytes(const_cast<T*>(std::as_const(zeros.back()).data()), parameter.device(), here.data(), Device(), sizeof(T) * static_cast<std::size_t>(here.numel()));
    });
    return zeros;
  }
  /// Makes a part of the state array number k.
  template <Lane T>
  static void add_state(Arrays& arrays, std::size_t k, Tensor<T> const& state) {
    core::note_use(state.storage().block());
    arrays.data[k] = const_cast<T*>(state.data());  // nobody shares it: optimizers are not copied
  }

  /// Sets how gradients are read, as `clip` asks for. Returns their norm before: 0 when nobody asked for it, NaN while work
  /// is recorded. Throws Error, before anything has changed, when `clip` has no meaning, or when a backward pass has
  /// finished since the last step and no parameter has a gradient, or one has never had any while a tensor was computed from it.
  template <class Isa = IsaTag>
  double read_gradients(Clip const& clip, Parts<float> const& floats, Parts<double> const& doubles) {
    if (!(clip.norm >= 0 && clip.value >= 0))
      fail("step: gradients are clipped to the norm ", clip.norm, " and the value ", clip.value, ", expected 0 or more");
    std::uint64_t const passes = tape::backward_passes();
    std::size_t const moving = floats.parts().size() + doubles.parts().size();
    if (moving < parameters_.size() && passes != passes_) [[unlikely]] {
      if (moving == 0) fail_without_gradients();
      check_left_out();
    }
    limit_of<float>().reset(clip.value), limit_of<double>().reset(clip.value);
    double const norm = clip.norm < Clip::unlimited
                            ? detail::limit_norm<false>("step", floats, doubles, limit_of<float>(), limit_of<double>(), 2, clip.value, clip.norm)
                            : 0;
    passes_ = passes;
    return norm;
  }
  template <Lane T>
  detail::Limit<T>& limit_of() {
    return std::get<detail::Limit<T>>(limits_);
  }

  /// Throws Error when an option is not a number from 0 on.
  static void require_not_negative(char const* optimizer, char const* option, double value) {
    if (!(value >= 0 && classify::isfinite(value))) fail(optimizer, ": ", option, " is ", value, ", expected a finite number that is not negative");
  }

 private:
  [[noreturn]] WICK_COLD void fail_without_gradients() const {
    fail("step: a backward pass has finished since this optimizer's last step, but none of its ", parameters_.size(),
         " parameters has a gradient, so the step would change nothing. Either the loss does not depend on them (a result of the model was"
         " assigned to a Tensor on the way, or the optimizer was made from another model), or zero_grad came between backward and step");
  }

  // A parameter that has never had a gradient, and that a tensor was computed from instead, is the first part of a chain
  // whose last part was recorded. One that was not computed with stays as it is.
  WICK_COLD void check_left_out() const {
    std::size_t number = 0;
    parameters_.each([&](auto const& p) {
      ++number;
      if (!p.has_grad() && !p.node()->trained && p.node()->evaluated.load(std::memory_order_relaxed))
        fail("step: parameter number ", number, " of ", parameters_.size(), ", of shape ", p.shape(), ", has no gradient, while others have one:"
             " a tensor was computed from it, which records nothing. A line such as `x = fc1(x)` on a tensor argument assigns to that tensor:"
             " make each step a Variable, or name it with auto. Where the parameter shall not be trained, compute under NoGrad");
    });
  }

  nn::Parameters parameters_;
  std::uint64_t passes_;  // backward passes that had finished at the last step
  std::tuple<detail::Limit<float>, detail::Limit<double>> limits_;
};

}  // namespace optim
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
