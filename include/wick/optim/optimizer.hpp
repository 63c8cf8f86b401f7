// SPDX-License-Identifier: MIT
// What optimizers have in common: the parameters, and what a step reads and writes of them.
#pragma once

#include <utility>
#include <vector>

#include <wick/autograd/variable.hpp>
#include <wick/core/create.hpp>
#include <wick/optim/clip.hpp>

namespace wick::inline WICK_ISA {
namespace optim {

/// Base of optimizers over variables of element type T.
template <class T>
class Optimizer {
  static_assert(Lane<T>, "Wick: an optimizer changes parameters of float or double; for products of 16 bits keep the parameters in float and use "
                         "cast<bfloat16>(parameter) in the formula");

 public:
  /// A variable that stands twice in the list counts once.
  explicit Optimizer(std::vector<Variable<T>> const& parameters) {
    if (parameters.empty()) fail("optimizer: the list of parameters is empty");
    for (auto const& parameter : parameters) wick::detail::add_once(parameters_, parameter);
  }
  /// Forgets the gradients.
  void zero_grad() const {
    for (auto const& parameter : parameters_) parameter.zero_grad();
  }
  std::vector<Variable<T>> const& parameters() const { return parameters_; }

  /// How a step reads the gradients: held within bounds, then scaled.
  struct Reading {
    T bound, factor;
    WICK_FN_INLINE auto operator()(auto const& g) const { return simd::clamp(g, -bound, bound) * factor; }
  };

 protected:
  /// The arrays of parameter i: its value, its gradient, and its part of the state.
  template <class... State>
  static Arrays<T, 2 + static_cast<int>(sizeof...(State))> arrays(Variable<T> const& parameter, State&... state) {
    Tensor<T>& value = parameter.mutable_value();
    if (!value.is_contiguous()) value = value.contiguous();
    if (core::devices_in_use()) [[unlikely]] {
      core::require_in_place("step", value.storage().block(), value.storage().use_count() > 1);
      core::note_use(value.storage().block()), core::note_use(parameter.grad().storage().block());
      (core::note_use(state.storage().block()), ...);
    }
    return {{value.data(), detail::gradient_data(parameter), state.data()...}, parameter.numel(), value.device()};
  }

  /// The reading that `clip` asks for, and the norm before it: 0 when nobody asked for it, NaN while work is recorded.
  /// Throws Error, before anything has changed, when `clip` has no meaning.
  template <int N>
  std::pair<Reading, double> reading(Parts<T, N> const& parts, Clip const& clip) {
    scaling_ = {};
    if (!(clip.norm >= 0 && clip.value >= 0))
      fail("step: gradients are clipped to the norm ", clip.norm, " and the value ", clip.value, ", expected 0 or more");
    if (clip.norm < Clip::unlimited && parts.on_device()) {
#if WICK_DEVICE_KERNELS
      auto const found = backend::thrust_::norm_on_device<T>(parts.device(), parts.parts(), 2, clip.value, clip.norm);
      factor_ = found.factor;
      scaling_ = {std::as_const(factor_).data(), static_cast<T>(clip.value)};
      return {{static_cast<T>(clip.value), T(1)}, core::capturing ? std::numeric_limits<double>::quiet_NaN() : found.norm.item()};
#else
      wick::detail::fail_without_kernels("step", parts.device());
#endif
    }
    double const norm = clip.norm < Clip::unlimited ? detail::norm_of(parts, 2, clip.value) : 0;
    return {{static_cast<T>(clip.value), static_cast<T>(detail::clip_factor(norm, clip.norm))}, norm};
  }

  std::vector<Variable<T>> parameters_;
  Tensor<T> factor_;    // on a device: what the gradients' norm asks for
  Scaling<T> scaling_;  // of the step in progress
};

}  // namespace optim
}  // namespace wick::inline WICK_ISA
