// SPDX-License-Identifier: MIT
// What would read outside of a View, or write elements where views were meant to be moved.
// EXPECT: takes as many positions as the View has dimensions
// EXPECT: a View that has a name is assigned one that has none, as std::swap
#include <algorithm>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case() {
  Tensor<float> x = zeros<float>({2, 3});
  auto v = x.view<2>();
  std::vector<View<float>> rows(v.begin(), v.end());
  v(1, 2) = 1;
  swap(rows[0], rows[1]);
#if !defined(WICK_CONTROL)
  v[5] = 1;
  std::swap(rows[0], rows[1]);
#endif
}
