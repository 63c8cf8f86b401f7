// SPDX-License-Identifier: MIT
// A heap tensor of known extents and a formula of others.
// EXPECT: extents of the formula and of its target
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  Tensor<float, Shape<2, 3>> a = ones<float>({2, 3});
  Tensor<float, Shape<2, Dyn>> b = a;
#if !defined(WICK_CONTROL)
  Tensor<float, Shape<4, 3>> c = a + b;
#endif
}
