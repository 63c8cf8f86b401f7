// SPDX-License-Identifier: MIT
// A formula of another element type than the Variable that it is assigned to, and backward of what holds no variable.
// EXPECT: backward of a tensor, or of a formula over tensors: nothing was recorded
// EXPECT: has another element type than the Variable
#include <wick/wick.hpp>

using namespace wick;

void control_and_case() {
  Variable<double> x = ones<double>({3});
  [[maybe_unused]] Variable<float> y = cast<float>(x * 2.0);
  backward(sum(x * ones<double>({3})));
#if !defined(WICK_CONTROL)
  Variable<float> z = x * 2.0;
  backward(sum(ones<float>({3})));
#endif
}
