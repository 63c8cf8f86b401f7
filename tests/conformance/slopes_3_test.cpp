// SPDX-License-Identifier: MIT
// Part 3 of the differentiable elementwise operations.
#include <doctest/doctest.h>

#include "slopes.hpp"

std::vector<conformance::Differentiable> const& conformance::slopes_3() {
  static std::vector<Differentiable> const table = differentiable_of<slopes_second, slopes_third>();
  return table;
}

TEST_CASE("slopes of elementwise operations, part 3") { conformance::check_slopes(conformance::slopes_3()); }
