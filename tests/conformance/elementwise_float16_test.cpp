// SPDX-License-Identifier: MIT
// Every elementwise operation that takes float16: layouts, broadcasts and sizes.
#include <doctest/doctest.h>

#include "elementwise.hpp"

std::vector<conformance::Elementwise> const& conformance::elementwise_float16() {
  static std::vector<Elementwise> const table = elementwise_of<wick::float16>();
  return table;
}

TEST_CASE("elementwise operations of float16 follow their definitions") {
  conformance::check_elementwise(conformance::elementwise_float16(), wick::Dtype::float16);
}
