// SPDX-License-Identifier: MIT
// A formula whose extents are not those of its Fixed target.
// EXPECT: extents of the formula and of the Fixed target differ
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  Fixed<double, 4> a;
  [[maybe_unused]] Fixed<double, 4> b = a * 2;
#if !defined(WICK_CONTROL)
  Fixed<double, 3> c = a * 2;
#endif
}
