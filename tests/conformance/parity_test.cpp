// SPDX-License-Identifier: MIT
// Values and gradients of the elementwise operations and reductions against PyTorch's (tests/reference/make_ops.py).
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <set>

#include "../reference/cases.hpp"
#include "elementwise.hpp"
#include "reductions.hpp"
#include "slopes.hpp"

using namespace wick;
using namespace conformance;

namespace {

template <class Entry>
Entry const* find(std::vector<Entry> const& table, std::string const& name) {
  for (Entry const& entry : table)
    if (entry.name == name) return &entry;
  return nullptr;
}
Dtype dtype_named(std::string const& name) {
  return name == "float64" ? Dtype::float64
         : name == "int32" ? Dtype::int32
         : name == "int64" ? Dtype::int64
                           : Dtype::bool_;
}
Input input_of(reference::Array const& array, Dtype dtype) {
  Values v{array.shape, array.data, dtype};
  return {v, placements(array.shape)[0]};
}
// The expected numbers as the result's type holds them.
Values expected(reference::Array const& array, Dtype dtype) {
  Values v{array.shape, array.data, dtype};
  if (dtype == Dtype::float32)
    for (double& x : v.data) x = static_cast<float>(x);
  return v;
}

/// Against another library: math:: is within 2.3 ULP (docs/math_error.md) and PyTorch within about 1. Formulas that
/// cancel far in a tail are compared absolutely there, as PyTorch evaluates the same formula.
Bound parity_bound(std::string const& name, Dtype dtype) {
  double const epsilon = dtype == Dtype::float32 ? 6e-8 : 1.2e-16;
  if (name == "gelu" || name == "gelu_tanh") return {4, 8 * epsilon};
  if (name == "silu" || name == "softplus") return {6, 2 * epsilon};
  return {4, 0};
}

std::vector<Input> arguments(reference::Case const& c, Dtype dtype) {
  std::vector<Input> inputs;
  if (c.has("c")) inputs.push_back(input_of(c["c"], Dtype::bool_));
  inputs.push_back(input_of(c["x"], dtype));
  if (c.has("z")) inputs.push_back(input_of(c["z"], dtype));
  return inputs;
}

void check_value(reference::Case const& c, Elementwise const& op, Dtype dtype) {
  std::vector<Input> const inputs = arguments(c, dtype);
  Values got = op.compute(inputs);
  Values const want = expected(c["y"], got.dtype);
  // At -infinity PyTorch's gelu of doubles multiplies infinity by zero; ours is its limit, zero.
  if (c.name == "gelu")
    for (std::size_t i = 0; i < got.data.size(); ++i)
      if (inputs[0].values.data[i] == -std::numeric_limits<double>::infinity() && want.data[i] != want.data[i]) {
        CHECK(got.data[i] == 0);
        got.data[i] = want.data[i];
      }
  std::string const wrong = difference(got, want, parity_bound(c.name, got.dtype));
  CHECK_MESSAGE(wrong.empty(), c.name << " of " << c.text("dtype") << ": " << wrong);
}

}  // namespace

TEST_CASE("elementwise operations give PyTorch's values") {
  std::set<std::string> seen;
  for (reference::Case const& c : reference::read_cases("elementwise.txt")) {
    Dtype const dtype = dtype_named(c.text("dtype"));
    if (dtype == Dtype::float64) {
      seen.insert(c.name);
      Elementwise const* const single = find(elementwise_float(), c.name);
      Elementwise const* const wide = find(elementwise_double(), c.name);
      REQUIRE(single);
      REQUIRE(wide);
      check_value(c, *single, Dtype::float32);
      check_value(c, *wide, Dtype::float64);
    } else {
      Elementwise const* const op = find(dtype == Dtype::int32 ? elementwise_int32() : elementwise_int64(), c.name);
      REQUIRE(op);
      check_value(c, *op, dtype);
    }
  }
  for (Elementwise const& op : elementwise_double())
    CHECK_MESSAGE(seen.count(op.name), "no parity data for " << std::string(op.name));
}

TEST_CASE("elementwise operations give PyTorch's gradients") {
  int count = 0;
  for (reference::Case const& c : reference::read_cases("elementwise.txt")) {
    if (!c.has("dx")) continue;
    Differentiable const* op = nullptr;
    for (auto const* table : {&slopes_1(), &slopes_2(), &slopes_3(), &slopes_4()})
      if (auto const* found = find(*table, c.name)) op = found;
    REQUIRE_MESSAGE(op, c.name);
    ++count;
    if (c.name == "where") continue;  // its condition is data; gradcheck has it
    Variables x{Variable<double>(make<double>(input_of(c["x"], Dtype::float64)))};
    if (c.has("z")) x.push_back(Variable<double>(make<double>(input_of(c["z"], Dtype::float64))));
    backward(sum(op->record(x)));
    Bound bound{8, c.name == "gelu" || c.name == "gelu_tanh" || c.name == "silu" ? 4e-16 : 0};
    if (c.name == "atan2" || c.name == "tan" || c.name == "tanh" || c.name == "sigmoid" || c.name == "softplus")
      bound = {16, 2e-16};
    for (std::size_t k = 0; k < x.size(); ++k) {
      std::string const wrong =
          difference(values_of(x[k].grad()), expected(c[k == 0 ? "dx" : "dz"], Dtype::float64), bound);
      CHECK_MESSAGE(wrong.empty(), "gradient of " << c.name << " in argument " << k << ": " << wrong);
    }
  }
  CHECK(count >= 40);
}

TEST_CASE("reductions give PyTorch's values") {
  std::set<std::string> seen;
  for (reference::Case const& c : reference::read_cases("reductions.txt")) {
    seen.insert(c.name);
    bool const keepdim = c.text("keepdim") == "1", floating = c.text("dtype") == "float64";
    auto const check = [&](std::vector<ReductionEntry> const& table, Dtype dtype) {
      Values const got = find(table, c.name)->compute(input_of(c["x"], dtype), c.axes("axes"), keepdim);
      double const epsilon = got.dtype == Dtype::float32 ? 6e-8 : 1.2e-16;
      std::string const wrong =
          difference(got, expected(c["y"], got.dtype), {floating ? 16.0 : 1.0, floating ? 64 * epsilon : 0});
      CHECK_MESSAGE(wrong.empty(), c.name << " of " << c.text("data") << " " << c.text("dtype") << " over "
                                          << c.text("axes") << ": " << wrong);
    };
    if (floating && (c.name == "any" || c.name == "all")) {
      check(reductions_bool(), Dtype::bool_);
      if (c.text("data") != "special") check(reductions_double(), Dtype::float64);
    } else if (floating) {
      check(reductions_float(), Dtype::float32);
      check(reductions_double(), Dtype::float64);
    } else {
      check(c.text("dtype") == "int32"   ? reductions_int32()
            : c.text("dtype") == "int64" ? reductions_int64()
                                         : reductions_bool(),
            dtype_named(c.text("dtype")));
    }
  }
  for (ReductionEntry const& op : reductions_double())
    CHECK_MESSAGE(seen.count(op.name), "no parity data for " << std::string(op.name));
}
