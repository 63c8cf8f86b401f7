// SPDX-License-Identifier: MIT
// Every elementwise operation that takes double: layouts, broadcasts and sizes.
#include <doctest/doctest.h>

#include "elementwise.hpp"

std::vector<conformance::Elementwise> const& conformance::elementwise_double() {
  static std::vector<Elementwise> const table = elementwise_of<double>();
  return table;
}

TEST_CASE("elementwise operations of double follow their definitions") {
  conformance::check_elementwise(conformance::elementwise_double(), wick::Dtype::float64);
}
