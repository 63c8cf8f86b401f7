// SPDX-License-Identifier: MIT
// A part of a tensor that got a name cannot be assigned to: it would look like a new tensor.
// EXPECT: a named part of a tensor cannot be assigned to
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  Tensor<float> z = zeros<float>({4, 4});
  z[0] = 5;
  View<float> row = z[0].value().view();
  row = 5;
#if !defined(WICK_CONTROL)
  auto named = z[0];
  named = 5;
#endif
}
