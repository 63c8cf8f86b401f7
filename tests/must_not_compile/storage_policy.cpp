// SPDX-License-Identifier: MIT
// A storage policy that does not exist.
// EXPECT: S is Heap or Inline
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  [[maybe_unused]] Tensor<float, Dynamic, Heap> x;
#if !defined(WICK_CONTROL)
  Tensor<float, Dynamic, int> y;
#endif
}
