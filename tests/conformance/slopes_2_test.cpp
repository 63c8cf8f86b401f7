// SPDX-License-Identifier: MIT
// Part 2 of the differentiable elementwise operations.
#include <doctest/doctest.h>

#include "slopes.hpp"

std::vector<conformance::Differentiable> const& conformance::slopes_2() {
  static std::vector<Differentiable> const table = differentiable_of<slopes_first, slopes_second>();
  return table;
}

TEST_CASE("slopes of elementwise operations, part 2") { conformance::check_slopes(conformance::slopes_2()); }
