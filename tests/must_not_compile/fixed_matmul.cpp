// SPDX-License-Identifier: MIT
// Fixed matrices whose inner extents differ, a vector that does not fit, a target of another shape, what nobody would see.
// EXPECT: as many columns on the left as rows on the right
// EXPECT: needs matrices or vectors
// EXPECT: extents of the formula and of the Fixed target differ
// EXPECT: nobody would see the result
// EXPECT: more indices than the Fixed tensor has dimensions
#include <wick/wick.hpp>

using namespace wick;

void control_and_case() {
  Fixed<double, 2, 3> a;
  [[maybe_unused]] auto b = matmul(a, Fixed<double, 3, 4>());
#if !defined(WICK_CONTROL)
  [[maybe_unused]] auto c = matmul(a, Fixed<double, 2>());
  [[maybe_unused]] auto d = matmul(a, Fixed<double, 3, 1, 1>());
  [[maybe_unused]] Fixed<double, 3> e = a;
  a.t() = 3;
  a(0, 0, 0) = 1;
#endif
}
