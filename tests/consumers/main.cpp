// SPDX-License-Identifier: MIT
// A user's program: a tensor made in one translation unit, a formula over it in the other.
#include <cstdio>
#include <wick/wick.hpp>

float sum_of_squares(wick::Tensor<float> const& x);

int main() {
  wick::Tensor<float> x = wick::tensor({1.f, 2.f, 3.f});
  float const total = sum_of_squares(x);
  std::printf("%g\n", static_cast<double>(total));
  return total == 14.f ? 0 : 1;
}
