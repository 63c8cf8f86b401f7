// SPDX-License-Identifier: MIT
// Matrices of different element types.
// EXPECT: both operands need the same element type
#include <wick/wick.hpp>

using namespace wick;

void control_and_case() {
  Tensor<double> x = ones<double>({3, 3});
  Tensor<float> y = ones<float>({3, 3});
  [[maybe_unused]] Tensor<float> p = matmul(cast<float>(x), y);
#if !defined(WICK_CONTROL)
  auto q = matmul(x, y);
#endif
}
