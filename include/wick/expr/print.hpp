// SPDX-License-Identifier: MIT
// A formula prints its value.
#pragma once

#include <wick/core/print.hpp>
#include <wick/expr/materialize.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Computes the formula and prints the result as a tensor.
template <Operand F>
requires(is_map<F> || is_reduce<F> || LazyNode<F>) std::ostream& operator<<(std::ostream& out, F const& formula) {
  return out << materialize(formula);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
