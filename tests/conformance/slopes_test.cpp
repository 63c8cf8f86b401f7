// SPDX-License-Identifier: MIT
// Gradients of every differentiable operation against central differences, and gradients of gradients against central
// differences of the gradient; the tables are made elsewhere.
#include "slopes.hpp"

#include <doctest/doctest.h>

#include "operands.hpp"

using namespace wick;

namespace conformance {

namespace {

using Function = Variable<double> (*)(Variables const&);

Tensor<double> weights(Dims const& shape, double start) {
  Tensor<double> w = empty<double>(shape);
  for (std::int64_t i = 0; i < w.numel(); ++i) w.data()[i] = start + 0.41 * static_cast<double>((i * 7919) % 11);
  return w;
}

// The gradient in each variable of the weighted sum of function(x).
std::vector<Tensor<double>> gradients(Function function, Variables const& x, Tensor<double> const& weight) {
  std::vector<Tensor<double>> result;
  for (auto const& v : x) result.push_back(grad(sum(Variable<double>(function(x)) * weight), v));
  return result;
}

// Gradient of the weighted sum of the gradients, beside its finite differences.
std::string second_order(Function function, Variables const& x) {
  Tensor<double> const weight = weights(function(x).shape(), 0.7);
  std::vector<Tensor<double>> outer;
  for (auto const& v : x) outer.push_back(weights(v.shape(), -1.3));
  auto const total_slope = [&] {
    double total = 0;
    std::vector<Tensor<double>> const g = gradients(function, x, weight);
    for (std::size_t k = 0; k < x.size(); ++k) total += Tensor<double>(sum(g[k] * outer[k])).item();
    return total;
  };
  Variable<double> const y = sum(Variable<double>(function(x)) * weight);
  Variable<double> slopes(0.0, false);
  for (std::size_t k = 0; k < x.size(); ++k) {
    Variable<double> const g = grad(y, x[k], {.create_graph = true});
    if (!(g.shape() == x[k].shape())) return "the gradient has another shape than the variable";
    std::string const plain =
        difference(values_of(g.value()), values_of(gradients(function, x, weight)[k]), {16, 1e-12});
    if (!plain.empty()) return "with create_graph the gradient differs: " + plain;
    slopes = Variable<double>(slopes + sum(g * outer[k]));
  }
  for (std::size_t k = 0; k < x.size(); ++k) {
    Tensor<double> const analytic =
        slopes.requires_grad() ? grad(slopes, x[k], {.retain_graph = true}).value() : zeros<double>(x[k].shape());
    Tensor<double> const before = x[k].value();
    for (std::int64_t i = 0; i < before.numel(); ++i) {
      double const step = 1e-6;
      auto const at = [&](double shift) {
        Tensor<double> moved = before.clone();
        moved.data()[i] += shift;
        x[k].set_value(moved);
        return total_slope();
      };
      double const estimate = (at(step) - at(-step)) / (2 * step);
      x[k].set_value(before);
      double const got = analytic.contiguous().data()[i];
      if (!(std::abs(got - estimate) <= 1e-5 + 1e-4 * std::abs(estimate))) {
        std::ostringstream out;
        out << "element " << i << " of the second derivative in input " << k << " is " << got
            << ", the finite difference " << estimate;
        return out.str();
      }
    }
  }
  return {};
}

Variable<double> variable(Differentiable const& op, Placement const& placement, unsigned seed) {
  Values v = sample(placement.layout.shape, Dtype::float64, op.low, op.high, seed, false);
  // Away from the kinks of abs, relu, maximum and minimum, where differences mean nothing.
  for (std::size_t i = 0; i < v.data.size(); ++i)
    if (op.low < 0 && std::abs(v.data[i]) < 0.05 * op.high) v.data[i] += 0.1 * op.high;
  return Variable<double>(make<double>(Input{v, placement}));
}

}  // namespace

void check_slopes(std::vector<Differentiable> const& table) {
  CHECK(table.size() > 8);
  for (Differentiable const& op : table) {
    auto const check = [&](Variables const& x, std::string const& what) {
      for (Function function : {op.record, op.record_inside}) {
        bool agrees = false;
        std::string error;
        try {
          agrees = gradcheck(function, x, {.step = 1e-6, .rtol = 1e-5, .atol = 1e-7});
          error = second_order(function, x);
        } catch (Error const& e) {
          error = e.what();
        }
        std::string const form = std::string(op.name) + (function == op.record ? ", " : " inside a formula, ") + what;
        CHECK_MESSAGE((agrees && error.empty()), form << ": " << error);
      }
    };
    if (op.arity == 1) {
      for (Dims const& shape : {Dims(), Dims(1), Dims(19), Dims(0), Dims(3, 7)}) {
        std::vector<Placement> const all = placements(shape);
        check({variable(op, all[0], 3)}, all[0].name);
        check({variable(op, all.back(), 4)}, all.back().name);
      }
      continue;
    }
    struct Shapes {
      Dims first, second;
    };
    for (Shapes const& s : {Shapes{{7}, {7}},
                            {{3, 5}, {5}},
                            {{3, 5}, {3, 1}},
                            {{3, 5}, {}},
                            {{}, {4}},
                            {{3, 1}, {1, 4}},
                            {{1}, {6}},
                            {{2, 1, 3}, {4, 1}},
                            {{}, {}},
                            {{0, 3}, {1, 3}}}) {
      std::ostringstream what;
      what << s.first << " with " << s.second;
      check({variable(op, placements(s.first).back(), 5), variable(op, placements(s.second)[0], 6)}, what.str());
    }
    Variable<double> const same = variable(op, placements(Dims(9))[0], 8);
    bool const kink = std::string(op.name) == "maximum" || std::string(op.name) == "minimum";
    if (!kink) check({same, same}, "twice the same variable");
  }
}

}  // namespace conformance
