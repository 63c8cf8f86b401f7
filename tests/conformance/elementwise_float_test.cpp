// SPDX-License-Identifier: MIT
// Every elementwise operation that takes float: layouts, broadcasts and sizes.
#include <doctest/doctest.h>

#include "elementwise.hpp"

std::vector<conformance::Elementwise> const& conformance::elementwise_float() {
  static std::vector<Elementwise> const table = elementwise_of<float>();
  return table;
}

TEST_CASE("elementwise operations of float follow their definitions") {
  conformance::check_elementwise(conformance::elementwise_float(), wick::Dtype::float32);
}
