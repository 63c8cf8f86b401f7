// SPDX-License-Identifier: MIT
// More dimensions than a tensor may have.
// EXPECT: at most 8 dimensions
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  [[maybe_unused]] Tensor<float, Shape<1, 1, 1, 1, 1, 1, 1, 1>> x;
#if !defined(WICK_CONTROL)
  Tensor<float, Shape<1, 1, 1, 1, 1, 1, 1, 1, 1>> y;
#endif
}
