// SPDX-License-Identifier: MIT
// Every reduction of the other element types: layouts, axes and sizes.
#include <doctest/doctest.h>

#include "reductions.hpp"

using wick::Dtype;

namespace conformance {

std::vector<ReductionEntry> const& reductions_double() {
  static auto const table = reductions_of<double>();
  return table;
}
std::vector<ReductionEntry> const& reductions_float16() {
  static auto const table = reductions_of<wick::float16>();
  return table;
}
std::vector<ReductionEntry> const& reductions_int32() {
  static auto const table = reductions_of<std::int32_t>();
  return table;
}

}  // namespace conformance

TEST_CASE("reductions of double follow their definitions") {
  conformance::check_reductions(conformance::reductions_double(), Dtype::float64);
}
TEST_CASE("reductions of float16 follow their definitions") {
  conformance::check_reductions(conformance::reductions_float16(), Dtype::float16);
}
TEST_CASE("reductions of int32 follow their definitions") {
  conformance::check_reductions(conformance::reductions_int32(), Dtype::int32);
}
