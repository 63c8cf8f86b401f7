// SPDX-License-Identifier: MIT
// The same through a View.
// EXPECT: has another element type than its target
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  Tensor<double> x = ones<double>({3});
  Tensor<float> y = ones<float>({3});
  View<float> view = y.view();
  view = cast<float>(x);
#if !defined(WICK_CONTROL)
  view = x;
#endif
}
