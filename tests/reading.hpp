// SPDX-License-Identifier: MIT
// What tests read: the elements of a tensor, and what an error says.
#pragma once

#include <string>
#include <vector>
#include <wick/core/tensor.hpp>

namespace testing {

/// In row-major order, whatever the strides.
template <class T>
std::vector<T> elements(wick::Tensor<T> const& x) {
  wick::Tensor<T> const dense = x.contiguous();
  return std::vector<T>(dense.data(), dense.data() + dense.numel());
}

/// The sentence of the Error that f throws.
template <class F>
std::string error_of(F const& f) {
  try {
    f();
  } catch (wick::Error const& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace testing
