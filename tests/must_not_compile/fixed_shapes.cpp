// SPDX-License-Identifier: MIT
// Operands whose extents, known when compiling, do not broadcast.
// EXPECT: do not broadcast
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  Fixed<double, 3, 3> a = eye<double, 3>();
  [[maybe_unused]] Fixed<double, 3, 3> b = a + Fixed<double, 1, 3>();
#if !defined(WICK_CONTROL)
  [[maybe_unused]] auto c = a + Fixed<double, 2, 3>();
#endif
}
