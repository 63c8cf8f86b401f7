// SPDX-License-Identifier: MIT
// Every elementwise operation that takes bool: layouts, broadcasts and sizes.
#include <doctest/doctest.h>

#include "elementwise.hpp"

std::vector<conformance::Elementwise> const& conformance::elementwise_bool() {
  static std::vector<Elementwise> const table = elementwise_of<bool>();
  return table;
}

TEST_CASE("elementwise operations of bool follow their definitions") {
  conformance::check_elementwise(conformance::elementwise_bool(), wick::Dtype::bool_);
}
