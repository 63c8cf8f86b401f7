// SPDX-License-Identifier: MIT
// Gradients of the reductions: against PyTorch's, against finite differences, and to the second order.
#include <doctest/doctest.h>

#include <wick/autograd/gradcheck.hpp>
#include <wick/ops/registry.hpp>

#include "../reference/cases.hpp"
#include "operands.hpp"

using namespace wick;
using namespace conformance;

namespace {

struct Entry {
  std::string name;
  Variable<double> (*record)(Variable<double> const&, Axes const&, bool keepdim);
  Variable<double> (*record_formula)(Variable<double> const&, Axes const&, bool keepdim);  ///< of x * x
};

std::vector<Entry> const& table() {
  static std::vector<Entry> const entries = [] {
    std::vector<Entry> list;
    Reductions::each([&]<class Op>(std::type_identity<Op>) {
      if constexpr (requires { Op::slope(1.0, 1.0); })
        list.push_back({Op::name,
                        [](Variable<double> const& x, Axes const& axes, bool keepdim) {
                          return axes.empty() ? Variable<double>(reduce<Op>(x))
                                              : Variable<double>(reduce<Op>(x, axes, {.keepdim = keepdim}));
                        },
                        [](Variable<double> const& x, Axes const& axes, bool keepdim) {
                          return axes.empty() ? Variable<double>(reduce<Op>(x * x))
                                              : Variable<double>(reduce<Op>(x * x, axes, {.keepdim = keepdim}));
                        }});
    });
    return list;
  }();
  return entries;
}

Variable<double> leaf(reference::Array const& a) { return Variable<double>(make<double>(Values{a.shape, a.data})); }

}  // namespace

TEST_CASE("reductions give PyTorch's gradients") {
  int count = 0;
  for (reference::Case const& c : reference::read_cases("reductions.txt")) {
    if (!c.has("dx")) continue;
    ++count;
    for (Entry const& op : table()) {
      if (op.name != c.name) continue;
      for (bool graph : {false, true}) {
        Variable<double> const x = leaf(c["x"]);
        Variable<double> const y = op.record(x, c.axes("axes"), c.text("keepdim") == "1");
        Tensor<double> const seed = make<double>(Values{c["seed"].shape, c["seed"].data});
        Tensor<double> got;
        if (graph)
          got = grad(sum(y * seed), x, {.create_graph = true}).value();
        else
          backward(y, seed), got = x.grad();
        std::string const wrong = difference(values_of(got), Values{c["dx"].shape, c["dx"].data}, {16, 1e-14});
        CHECK_MESSAGE(wrong.empty(), "gradient of " << c.name << " of " << c.text("data") << " over " << c.text("axes")
                                                    << std::string(graph ? " (as a graph): " : ": ") << wrong);
      }
    }
  }
  CHECK(count > 60);
}

TEST_CASE("gradients of reductions agree with finite differences, to the second order") {
  CHECK(table().size() == 6);
  for (Entry const& op : table()) {
    for (Dims const& shape : {Dims(9), Dims(3, 5), Dims(2, 3, 4), Dims(1, 4), Dims()}) {
      for (unsigned mask = 0; mask < 1u << shape.size(); ++mask) {
        Axes axes;
        for (int d = 0; d < shape.size(); ++d)
          if (mask >> d & 1) axes.push_back(d);
        if (axes.empty() && mask) continue;
        for (auto* const record : {op.record, op.record_formula}) {
          Variable<double> const x(
              make<double>(Input{sample(shape, Dtype::float64, 0.5, 1.5, mask + 3, false), placements(shape).back()}));
          std::string error;
          try {
            gradcheck([&](auto const& v) { return record(v[0], axes, mask % 2 == 0); }, {x},
                      {.rtol = 1e-6, .atol = 1e-7});
            // The gradient, weighted, as a function to check in its turn.
            Tensor<double> const weight = make<double>(sample(shape, Dtype::float64, -1, 1, 9, false));
            Variable<double> const first = grad(sum(square(record(x, axes, false))), x, {.create_graph = true});
            Tensor<double> const second = grad(sum(first * weight), x).value();
            for (std::int64_t i = 0; i < x.numel(); ++i) {
              auto const at = [&](double shift) {
                Tensor<double> moved = x.value().clone();
                moved.data()[i] += shift;
                Variable<double> const z(moved);
                Tensor<double> const slope = grad(sum(square(record(z, axes, false))), z).value();
                return Tensor<double>(sum(slope * weight)).item();
              };
              double const estimate = (at(1e-6) - at(-1e-6)) / 2e-6;
              if (std::abs(second.data()[i] - estimate) > 1e-5 + 1e-4 * std::abs(estimate))
                fail("element ", i, " of the second derivative is ", second.data()[i], ", the finite difference ",
                     estimate);
            }
          } catch (Error const& e) {
            error = e.what();
          }
          std::ostringstream what;
          what << op.name << (record == op.record ? " of " : " of the square of ") << shape << " over mask " << mask;
          CHECK_MESSAGE(error.empty(), what.str() << ": " << error);
        }
      }
    }
  }
}

TEST_CASE("second derivatives where reductions have special cases: elements that are 0 or equal") {
  auto const hessian = [](Entry const& op, Tensor<double> const& at, Axes const& axes) {
    Variable<double> const x(at);
    Variable<double> const slope = grad(sum(op.record(x, axes, false)), x, {.create_graph = true});
    Tensor<double> rows = zeros<double>({x.numel(), x.numel()});
    for (std::int64_t i = 0; i < x.numel() && slope.requires_grad(); ++i) {
      Tensor<double> unit = zeros<double>(x.shape());
      unit.data()[i] = 1;
      rows[i] = grad(sum(slope * unit), x, {.retain_graph = true}).value().reshape({x.numel()});
    }
    return rows;
  };
  for (Entry const& op : table()) {
    INFO(op.name);
    for (Tensor<double> const& at : {tensor({{2., 0., 4.}, {0., 0., 5.}}), full<double>({2, 3}, 0.0), full<double>({2, 3}, 1.5)})
      for (Axes const& axes : {Axes(), Axes(0), Axes(1), Axes(0, 1)}) {
        Tensor<double> const got = hessian(op, at, axes);
        Tensor<double> want = zeros<double>({6, 6});
        bool const all = axes.empty() || axes.size() == 2;
        auto const together = [&](int i, int j) { return all || (axes[0] == 0 ? i % 3 == j % 3 : i / 3 == j / 3); };
        if (op.name == "norm" && !(at.data()[0] == 0)) continue;  // not special
        if (op.name == "prod")
          for (int i = 0; i < 6; ++i)
            for (int j = 0; j < 6; ++j) {
              double others = i != j && together(i, j) ? 1 : 0;
              for (int k = 0; k < 6; ++k)
                if (k != i && k != j && together(i, k)) others *= at.data()[k];
              want(i, j) = others;
            }
        CHECK(max(abs(got - want)).item() == 0);
      }
  }
}
