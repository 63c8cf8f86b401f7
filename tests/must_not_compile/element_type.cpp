// SPDX-License-Identifier: MIT
// A formula of another element type than its target: nothing is converted silently.
// EXPECT: has another element type than its target
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  Tensor<double> x = ones<double>({3});
  [[maybe_unused]] Tensor<float> y = cast<float>(x * 2);
#if !defined(WICK_CONTROL)
  Tensor<float> z = x * 2;
#endif
}
