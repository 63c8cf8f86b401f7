// SPDX-License-Identifier: MIT
// Every elementwise operation that takes bfloat16: layouts, broadcasts and sizes.
#include <doctest/doctest.h>

#include "elementwise.hpp"

std::vector<conformance::Elementwise> const& conformance::elementwise_bfloat16() {
  static std::vector<Elementwise> const table = elementwise_of<wick::bfloat16>();
  return table;
}

TEST_CASE("elementwise operations of bfloat16 follow their definitions") {
  conformance::check_elementwise(conformance::elementwise_bfloat16(), wick::Dtype::bfloat16);
}
