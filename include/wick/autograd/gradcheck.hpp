// SPDX-License-Identifier: MIT
// gradcheck: the gradient of a function beside its finite differences.
#pragma once

#include <wick/autograd/backward.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Tolerances of `gradcheck`.
struct GradcheckOptions {
  double step = 1e-6;     ///< half the distance of the two values a difference is taken from
  double rtol = 1e-3;
  double atol = 1e-5;
};

/// Compares the gradients of `function(inputs)`, a formula or variable of any shape, with central differences, one
/// element of one input at a time (torch.autograd.gradcheck). Returns true when they agree; throws Error naming the
/// first element that does not.
template <class F>
bool gradcheck(F const& function, std::vector<Variable<double>> inputs, GradcheckOptions const& options = {}) {
  auto const value = [&] {
    NoGrad const guard;
    return Variable<double>(function(inputs)).value();
  };
  Tensor<double> const first = value();
  // A fixed weight for each result, so that errors do not cancel.
  Tensor<double> weights(Tensor<double>::uninitialized, first.shape());
  for (std::int64_t i = 0; i < weights.numel(); ++i) weights.data()[i] = 0.5 + 0.37 * static_cast<double>((i * 7919) % 13);
  for (auto const& x : inputs) x.zero_grad();
  backward(sum(Variable<double>(function(inputs)) * weights));
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    auto const& x = inputs[k];
    Tensor<double> const before = x.value();
    Tensor<double> const gradient = x.has_grad() ? x.grad() : zeros<double>(x.shape());
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      auto const at = [&](double shift) {
        Tensor<double> moved = before.clone();
        moved.data()[i] += shift;
        x.set_value(moved);
        Tensor<double> const result = sum(value() * weights);
        return result.item();
      };
      double const difference = (at(options.step) - at(-options.step)) / (2 * options.step);
      x.set_value(before);
      double const analytic = gradient.data()[i];
      if (!(std::abs(difference - analytic) <= options.atol + options.rtol * std::abs(difference)))
        fail("gradcheck: element ", i, " of input ", k, " (shape ", x.shape(), "): the gradient is ", analytic,
             ", the finite difference ", difference);
    }
  }
  return true;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
