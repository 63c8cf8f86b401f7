// SPDX-License-Identifier: MIT
// Every elementwise operation that takes int64: layouts, broadcasts and sizes.
#include <doctest/doctest.h>

#include "elementwise.hpp"

std::vector<conformance::Elementwise> const& conformance::elementwise_int64() {
  static std::vector<Elementwise> const table = elementwise_of<std::int64_t>();
  return table;
}

TEST_CASE("elementwise operations of int64 follow their definitions") {
  conformance::check_elementwise(conformance::elementwise_int64(), wick::Dtype::int64);
}
