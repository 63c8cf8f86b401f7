// SPDX-License-Identifier: MIT
// A Fixed tensor needs all its extents.
// EXPECT: every extent has to be known when compiling
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  [[maybe_unused]] Fixed<double, 4> a;
  [[maybe_unused]] Tensor<double, Shape<Dyn>> b;
#if !defined(WICK_CONTROL)
  Fixed<double, Dyn> c;
#endif
}
