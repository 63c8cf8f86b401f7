// SPDX-License-Identifier: MIT
// Softmax, log-softmax and layer norm: PyTorch's values and gradients, every row width, axis and layout, finite
// differences to the second order.
#include <doctest/doctest.h>

#include <wick/autograd/gradcheck.hpp>
#include <wick/ops/normalize.hpp>

#include "../reference/cases.hpp"
#include "operands.hpp"

using namespace wick;
using namespace conformance;

namespace {

template <class T>
Tensor<T> from(reference::Array const& a) {
  return make<T>(Values{a.shape, a.data});
}
Values expected(reference::Array const& a, Dtype dtype) { return {a.shape, a.data, dtype}; }

// Calls body(formula) with the row formula of this name.
template <class X, class Body>
void with_formula(std::string const& name, X const& x, std::int64_t axis, Body const& body) {
  if (name == "softmax")
    body(softmax(x, axis));
  else if (name == "log_softmax")
    body(log_softmax(x, axis));
  else
    body(layer_norm(x));
}

Variable<double> record(std::string const& name, Variable<double> const& x, std::int64_t axis) {
  Variable<double> y;
  with_formula(name, x, axis, [&](auto const& formula) { y = formula; });
  return y;
}

/// A row formula computed in the plainest way, in long double.
std::vector<double> plain_row(std::string const& name, std::vector<double> const& x) {
  long double largest = x[0], total = 0, squares = 0;
  for (double v : x) largest = std::max<long double>(largest, v);
  for (double v : x) total += name == "layer_norm" ? v : std::exp(v - largest);
  long double const mean = total / static_cast<long double>(x.size());
  for (double v : x) squares += (v - mean) * (v - mean);
  std::vector<double> y;
  for (double v : x) {
    if (name == "softmax")
      y.push_back(static_cast<double>(std::exp(v - largest) / total));
    else if (name == "log_softmax")
      y.push_back(static_cast<double>(v - largest - std::log(total)));
    else
      y.push_back(static_cast<double>((v - mean) / std::sqrt(squares / static_cast<long double>(x.size()) + 1e-5L)));
  }
  return y;
}

template <class T>
void check_widths(double tolerance) {
  for (std::string const name : {"softmax", "log_softmax", "layer_norm"})
    for (std::int64_t width : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 1000, 1025, 5000})
      for (bool rows_last : {true, false}) {
        if (name == "layer_norm" && !rows_last) continue;
        Dims const shape = rows_last ? Dims(3, width) : Dims(width, 3);
        for (Placement const& placement : placements(shape)) {
          Values const values = sample(shape, dtype_of<T>(), -3, 3, static_cast<unsigned>(width), false);
          Tensor<T> const x = make<T>(Input{values, placement});
          Tensor<T> y;
          with_formula(name, x, rows_last ? 1 : 0, [&](auto const& formula) {
            CHECK(plan_of(formula) == Plan::row);
            y = formula;
          });
          double worst = 0;
          for (int r = 0; r < 3; ++r) {
            std::vector<double> row;
            auto const at = [&](std::int64_t i) {
              return static_cast<std::size_t>(rows_last ? r * width + i : i * 3 + r);
            };
            for (std::int64_t i = 0; i < width; ++i) row.push_back(values.data[at(i)]);
            std::vector<double> const want = plain_row(name, row);
            for (std::int64_t i = 0; i < width; ++i)
              worst =
                  std::max(worst, std::abs(static_cast<double>(y.data()[at(i)]) - want[static_cast<std::size_t>(i)]));
          }
          CHECK_MESSAGE(worst < tolerance,
                        name << " of width " << width << " (" << placement.name << ") is off by " << worst);
        }
      }
}

}  // namespace

TEST_CASE("row formulas of every width and layout (float)") { check_widths<float>(4e-6); }
TEST_CASE("row formulas of every width and layout (double)") { check_widths<double>(1e-14); }

TEST_CASE("row formulas give PyTorch's values and gradients") {
  int count = 0;
  for (reference::Case const& c : reference::read_cases("formulas.txt")) {
    if (c.name == "matmul") continue;
    ++count;
    std::int64_t const axis = c.has("x1") ? -1 : c.text("axis").empty() ? -1 : c.axes("axis")[0];
    std::vector<Variable<double>> x;
    for (int k = 0; c.has("x" + std::to_string(k)); ++k)
      x.push_back(Variable<double>(from<double>(c["x" + std::to_string(k)])));
    auto const value = [&]() -> Variable<double> {
      if (c.name == "layer_norm_affine") return layer_norm(x[0], x[1], x[2]);
      return record(c.name, x[0], axis);
    };
    std::ostringstream what;
    what << c.name << " of " << x[0].shape() << " over " << axis << ": ";
    Variable<double> const y = value();
    std::string wrong = difference(values_of(y.value()), expected(c["y"], Dtype::float64), {16, 1e-14});
    CHECK_MESSAGE(wrong.empty(), what.str() << wrong);
    Tensor<float> single;
    if (c.name != "layer_norm_affine") {
      with_formula(c.name, from<float>(c["x0"]), axis, [&](auto const& formula) { single = formula; });
      wrong = difference(values_of(single), expected(c["y"], Dtype::float32), {64, 4e-6});
      CHECK_MESSAGE(wrong.empty(), what.str() << wrong);
    }
    backward(y, from<double>(c["seed"]));
    for (std::size_t k = 0; k < x.size(); ++k) {
      reference::Array const& want = c["d" + std::to_string(k)];
      wrong = difference(values_of(x[k].grad()), expected(want, Dtype::float64), {64, 1e-13});
      CHECK_MESSAGE(wrong.empty(), what.str() << "gradient " << k << ": " << wrong);
      Variable<double> const graph = grad(sum(value() * from<double>(c["seed"])), x[k], {.create_graph = true});
      wrong = difference(values_of(graph.value()), expected(want, Dtype::float64), {64, 1e-13});
      CHECK_MESSAGE(wrong.empty(), what.str() << "gradient " << k << " as a graph: " << wrong);
    }
  }
  CHECK(count > 35);
}

TEST_CASE("gradients of row formulas agree with finite differences, to the second order") {
  for (std::string const name : {"softmax", "log_softmax", "layer_norm"})
    for (Dims const& shape : {Dims(2, 9), Dims(17), Dims(2, 3, 4)})
      for (int axis = 0; axis < (name == "layer_norm" ? 1 : shape.size()); ++axis) {
        Placement const placement = placements(shape).back();
        Variable<double> const x(make<double>(Input{sample(shape, Dtype::float64, -2, 2, 5, false), placement}));
        gradcheck([&](auto const& v) { return record(name, v[0], axis); }, {x}, {.rtol = 1e-5, .atol = 1e-7});
        Tensor<double> const inner = make<double>(sample(shape, Dtype::float64, -1, 1, 6, false));
        Tensor<double> const outer = make<double>(sample(shape, Dtype::float64, -1, 1, 7, false));
        Variable<double> const first = grad(sum(record(name, x, axis) * inner), x, {.create_graph = true});
        Tensor<double> const second = grad(sum(first * outer), x).value();
        for (std::int64_t i = 0; i < x.numel(); ++i) {
          auto const at = [&](double shift) {
            Tensor<double> moved = x.value().clone();
            moved.data()[i] += shift;
            Variable<double> const z(moved);
            Tensor<double> const slope = grad(sum(record(name, z, axis) * inner), z).value();
            return Tensor<double>(sum(slope * outer)).item();
          };
          CHECK(second.data()[i] == doctest::Approx((at(1e-6) - at(-1e-6)) / 2e-6).epsilon(1e-4));
        }
      }
}

TEST_CASE("rows without elements have gradients without elements") {
  Variable<float> const x = zeros<float>({3, 0});
  Variable<float> const total = sum(softmax(x, 1) + log_softmax(x, -1));
  CHECK(total.item() == 0);
  backward(total);
  CHECK(x.grad().shape() == Dims(3, 0));
}
