// SPDX-License-Identifier: MIT
// Part 4 of the differentiable elementwise operations.
#include <doctest/doctest.h>

#include "slopes.hpp"

std::vector<conformance::Differentiable> const& conformance::slopes_4() {
  static std::vector<Differentiable> const table = differentiable_of<slopes_third, wick::ElementwiseOps::size>();
  return table;
}

TEST_CASE("slopes of elementwise operations, part 4") { conformance::check_slopes(conformance::slopes_4()); }
