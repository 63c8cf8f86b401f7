// SPDX-License-Identifier: MIT
// Fixed matrices whose inner extents differ.
// EXPECT: as many columns on the left as rows on the right
#include <wick/wick.hpp>

using namespace wick;

void control_and_case() {
  Fixed<double, 2, 3> a;
  [[maybe_unused]] auto b = matmul(a, Fixed<double, 3, 4>());
#if !defined(WICK_CONTROL)
  [[maybe_unused]] auto c = matmul(a, Fixed<double, 2, 3>());
#endif
}
