// SPDX-License-Identifier: MIT
// What optimizers have in common: the parameters, and a step that is not recorded.
#pragma once

#include <vector>

#include <wick/autograd/variable.hpp>
#include <wick/core/create.hpp>
#include <wick/ops/arithmetic.hpp>
#include <wick/ops/explog.hpp>

namespace wick::inline WICK_ISA {
namespace optim {

/// Base of optimizers over variables of element type T.
template <class T>
class Optimizer {
 public:
  explicit Optimizer(std::vector<Variable<T>> parameters) : parameters_(std::move(parameters)) {
    if (parameters_.empty()) fail("optimizer: the list of parameters is empty");
  }
  /// Forgets the gradients.
  void zero_grad() const {
    for (auto const& parameter : parameters_) parameter.zero_grad();
  }
  std::vector<Variable<T>> const& parameters() const { return parameters_; }

 protected:
  std::vector<Variable<T>> parameters_;
};

}  // namespace optim
}  // namespace wick::inline WICK_ISA
