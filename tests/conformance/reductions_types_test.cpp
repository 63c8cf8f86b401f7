// SPDX-License-Identifier: MIT
// Every reduction of float, of int64 and of bool: layouts, axes and sizes.
#include <doctest/doctest.h>

#include "reductions.hpp"

using wick::Dtype;

namespace conformance {

std::vector<ReductionEntry> const& reductions_float() {
  static auto const table = reductions_of<float>();
  return table;
}
std::vector<ReductionEntry> const& reductions_int64() {
  static auto const table = reductions_of<std::int64_t>();
  return table;
}
std::vector<ReductionEntry> const& reductions_bool() {
  static auto const table = reductions_of<bool>();
  return table;
}

}  // namespace conformance

TEST_CASE("reductions of float follow their definitions") {
  conformance::check_reductions(conformance::reductions_float(), Dtype::float32);
}
TEST_CASE("reductions of int64 follow their definitions") {
  conformance::check_reductions(conformance::reductions_int64(), Dtype::int64);
}
TEST_CASE("reductions of bool follow their definitions") {
  conformance::check_reductions(conformance::reductions_bool(), Dtype::bool_);
}
