// SPDX-License-Identifier: MIT
// Part 1 of the differentiable elementwise operations.
#include <doctest/doctest.h>

#include "slopes.hpp"

std::vector<conformance::Differentiable> const& conformance::slopes_1() {
  static std::vector<Differentiable> const table = differentiable_of<0, slopes_first>();
  return table;
}

TEST_CASE("slopes of elementwise operations, part 1") { conformance::check_slopes(conformance::slopes_1()); }
