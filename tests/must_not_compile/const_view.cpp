// SPDX-License-Identifier: MIT
// Somebody else's constant memory cannot be written.
// EXPECT: a View<T const> cannot be written
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  float const numbers[] = {1, 2, 3};
  View<float const> view(numbers, {3});
  [[maybe_unused]] Tensor<float> t = view + 1;
#if !defined(WICK_CONTROL)
  view = t * 2;
#endif
}
