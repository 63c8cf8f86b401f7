// SPDX-License-Identifier: MIT
// Every elementwise operation that takes int32: layouts, broadcasts and sizes.
#include <doctest/doctest.h>

#include "elementwise.hpp"

std::vector<conformance::Elementwise> const& conformance::elementwise_int32() {
  static std::vector<Elementwise> const table = elementwise_of<std::int32_t>();
  return table;
}

TEST_CASE("elementwise operations of int32 follow their definitions") {
  conformance::check_elementwise(conformance::elementwise_int32(), wick::Dtype::int32);
}
