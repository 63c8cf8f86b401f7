// SPDX-License-Identifier: MIT
// Printing as PyTorch prints.
#pragma once

#include <ostream>

#include <wick/core/fixed.hpp>

namespace wick {

template <class T, class E>
std::ostream& operator<<(std::ostream& out, Tensor<T, E, Heap> const& x) {
  out << "tensor(" << x.shape();
  return out << ")";
}

}  // namespace wick
