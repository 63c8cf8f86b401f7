// SPDX-License-Identifier: MIT
// Dual numbers against the tape: every differentiable operation, as a number and as a tensor; second order by nesting.
#include <doctest/doctest.h>

#include <wick/autograd/dual.hpp>

#include "operands.hpp"
#include "slopes.hpp"

using namespace wick;
using namespace conformance;

namespace {

/// One operation applied to duals.
struct DualEntry {
  char const* name;
  int arity;  ///< arguments that are duals
  double low, high;
  bool polynomial;
  Tensor<Dual<double>> (*of_tensors)(std::vector<Tensor<Dual<double>>> const&);
  Dual<Dual<double>> (*of_numbers)(std::vector<Dual<Dual<double>>> const&);
};

template <class T>
Tensor<bool> condition_like(Tensor<T> const& x) {
  Tensor<bool> c = empty<bool>(x.shape());
  for (std::int64_t i = 0; i < c.numel(); ++i) c.data()[i] = i % 3 != 1;
  return c;
}

std::vector<DualEntry> const& table() {
  static std::vector<DualEntry> const entries = [] {
    std::vector<DualEntry> list;
    ElementwiseOps::each([&]<class Op>(std::type_identity<Op>) {
      if constexpr (differentiable<Op>)
        list.push_back({Op::name, Op::arity == 1 ? 1 : 2, Op::domain::low, Op::domain::high, Polynomial<Op>,
                        [](std::vector<Tensor<Dual<double>>> const& x) -> Tensor<Dual<double>> {
                          if constexpr (Op::arity == 1)
                            return map<Op>(x[0]);
                          else if constexpr (Op::arity == 2)
                            return map<Op>(x[0], x[1]);
                          else
                            return map<Op>(condition_like(x[0]), x[0], x[1]);
                        },
                        [](std::vector<Dual<Dual<double>>> const& x) -> Dual<Dual<double>> {
                          if constexpr (Op::arity == 1)
                            return apply<Op>(x[0]);
                          else if constexpr (Op::arity == 2)
                            return apply<Op>(x[0], x[1]);
                          else
                            return apply<Op>(true, x[0], x[1]);
                        }});
    });
    return list;
  }();
  return entries;
}

Differentiable const& on_tape(std::string const& name) {
  for (auto const* part : {&slopes_1(), &slopes_2(), &slopes_3(), &slopes_4()})
    for (Differentiable const& op : *part)
      if (op.name == name) return op;
  fail("no operation ", name, " among those of the tape");
}

std::vector<double> list(Tensor<double> const& x) { return values_of(x).data; }

}  // namespace

TEST_CASE("tangents of tensors of duals are the tape's gradients times the tangents") {
  CHECK(table().size() >= 40);
  for (DualEntry const& op : table())
    for (std::int64_t n : {1, 5, 8, 19, 1030}) {
      std::vector<Tensor<Dual<double>>> duals;
      Variables variables;
      std::vector<Tensor<double>> directions;
      for (unsigned k = 0; k < static_cast<unsigned>(op.arity); ++k) {
        Tensor<double> const x = make<double>(sample(Dims(n), Dtype::float64, op.low, op.high, k + 20, false));
        directions.push_back(make<double>(sample(Dims(n), Dtype::float64, -1, 1, k + 30, false)));
        duals.push_back(make_dual(x, directions.back()));
        variables.push_back(Variable<double>(x));
      }
      Variable<double> const y = on_tape(op.name).record(variables);
      backward(sum(y));
      Tensor<double> want = zeros<double>({n});
      for (std::size_t k = 0; k < variables.size(); ++k) want = want + variables[k].grad() * directions[k];
      Tensor<Dual<double>> const got = op.of_tensors(duals);
      std::string const value = difference(values_of(values(got)), values_of(y.value()), {4, 1e-15});
      std::string const tangent = difference(values_of(tangents(got)), values_of(want), {16, 1e-14});
      CHECK_MESSAGE(value.empty(), std::string(op.name) << ", value: " << value);
      CHECK_MESSAGE(tangent.empty(), std::string(op.name) << ", tangent: " << tangent);
    }
}

TEST_CASE("at kinks and limits duals and the tape agree, and what does not vary meets no infinite slope") {
  double const inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> const finite = {0, -0.0, 0.5, 1, -1, 2, -2, 3, -5, 1e-200, 1000, -1000};
  for (DualEntry const& op : table()) {
    std::vector<double> points = finite;
    if (!op.polynomial) points.insert(points.end(), {inf, -inf, nan});
    std::vector<Tensor<double>> x(2);
    std::vector<double> first, second;
    for (double a : points)
      for (double b : op.arity == 2 ? points : std::vector<double>{0}) first.push_back(a), second.push_back(b);
    auto const n = static_cast<std::int64_t>(first.size());
    x[0] = make<double>(Values{Dims(n), first}), x[1] = make<double>(Values{Dims(n), second});
    auto const gradients = [&](double adjoint, bool graph) {
      Variables v{Variable<double>(x[0]), Variable<double>(x[1])};
      v.resize(static_cast<std::size_t>(op.arity));
      Variable<double> const y = on_tape(op.name).record(v);
      std::vector<Values> result;
      if (!graph) backward(y, full<double>({n}, adjoint));
      for (auto const& k : v)
        result.push_back(values_of(graph ? grad(sum(y * adjoint), k, {.create_graph = true}).value() : k.grad()));
      return result;
    };
    auto const tape = gradients(1, false), graph = gradients(1, true);
    auto const nothing = gradients(0, false), nothing_graph = gradients(0, true);
    for (int varies = 0; varies <= op.arity; ++varies) {
      std::vector<Tensor<Dual<double>>> duals;
      for (int k = 0; k < op.arity; ++k) duals.push_back(make_dual(x[static_cast<std::size_t>(k)], full<double>({n}, k == varies ? 1.0 : 0.0)));
      Values const tangent = values_of(tangents(op.of_tensors(duals)));
      for (std::size_t i = 0; i < first.size(); ++i) {
        INFO(std::string(op.name) << " of " << first[i] << ", " << second[i] << ", argument " << varies << " varies");
        auto const same = [](double a, double b) { return a == b || (math::isnan(a) && math::isnan(b)) || std::abs(a - b) <= 1e-14 * std::max(1., std::abs(b)); };
        auto const k = static_cast<std::size_t>(varies);
        double const want = varies == op.arity ? 0 : tape[k].data[i];
        if (!same(tangent.data[i], want)) CHECK(tangent.data[i] == want);
        if (varies == op.arity) continue;
        if (!same(graph[k].data[i], want)) CHECK(graph[k].data[i] == want);
        if (!math::isfinite(first[i]) || !math::isfinite(second[i])) continue;
        CHECK_UNARY(nothing[k].data[i] == 0);
        CHECK_UNARY(nothing_graph[k].data[i] == 0);
      }
    }
  }
}

TEST_CASE("nested duals give the second derivative of the tape") {
  for (DualEntry const& op : table()) {
    Variables variables;
    std::vector<Dual<Dual<double>>> numbers;
    for (int k = 0; k < op.arity; ++k) {
      double const at = op.low + (op.high - op.low) * (k == 0 ? 0.61 : 0.83);
      variables.push_back(Variable<double>(Tensor<double>(at).reshape({1})));
      numbers.push_back({Dual<double>(at, 1), Dual<double>(1, 0)});  // x + e1 + e2
    }
    Dual<Dual<double>> const got = op.of_numbers(numbers);
    Variable<double> const y = sum(on_tape(op.name).record(variables));
    double first = 0, second = 0;
    Variable<double> slope(0.0, false);
    for (auto const& v : variables) {
      Variable<double> const g = grad(y, v, {.create_graph = true});
      slope = Variable<double>(slope + sum(g));
      first += list(g.value())[0];
    }
    if (slope.requires_grad())
      for (auto const& v : variables) second += list(grad(slope, v, {.retain_graph = true}).value())[0];
    CHECK_MESSAGE(got.value.value == doctest::Approx(y.item()).epsilon(1e-12), std::string(op.name));
    CHECK_MESSAGE(got.value.tangent == doctest::Approx(first).epsilon(1e-10), std::string(op.name));
    CHECK_MESSAGE(got.tangent.value == doctest::Approx(first).epsilon(1e-10), std::string(op.name));
    CHECK_MESSAGE(got.tangent.tangent == doctest::Approx(second).epsilon(1e-9), std::string(op.name));
  }
}

TEST_CASE("the branch that was not taken, and what does not vary, give no NaN") {
  auto const f = [](auto const& x) { return where(x > 0, sqrt(x), 0 * x); };
  Variable<double> const x(tensor({-1., 0., 4.}));
  Variable<double> const y = sum(f(x)), slope = grad(y, x, {.create_graph = true, .retain_graph = true});
  backward(y);
  CHECK(list(x.grad()) == std::vector<double>{0, 0, 0.25});
  CHECK(list(slope.value()) == std::vector<double>{0, 0, 0.25});
  CHECK(list(grad(sum(slope), x).value()) == std::vector<double>{0, 0, -1.0 / 32});
  Variable<double> const z(tensor({-1., 0., 4.}));
  backward(Variable<double>(sum(sqrt(relu(z)))));  // PyTorch's: relu lets no infinity through either
  CHECK(list(z.grad()) == std::vector<double>{0, 0, 0.25});
  CHECK(f(Dual<double>(0, 1)).tangent == 0);
  CHECK(math::isinf(sqrt(Dual<double>(0, 1)).tangent));
  CHECK(sqrt(Dual<double>(0, 0)).tangent == 0);
  CHECK(pow(Dual<double>(-5, 1), Dual<double>(3, 0)).tangent == 75);
  Tensor<Dual<double>> const squares = pow(make_dual(tensor({-2., 0., 3.}), ones<double>({3})), 2.0);
  CHECK(list(tangents(squares)) == std::vector<double>{-4, 0, 6});
  // Through two levels.
  Dual<Dual<double>> const twice(Dual<double>(0, 1), Dual<double>(1, 0)), constant(Dual<double>(0, 0), Dual<double>(0, 0));
  CHECK(f(twice).tangent.tangent == 0);
  CHECK(sqrt(constant).tangent.tangent == 0);
  CHECK(pow(twice, 2.0).tangent.tangent == 2);
}

TEST_CASE("the slope of a power varies with an exponent that is 0") {
  Variables const v{Variable<double>(2.0), Variable<double>(0.0)};
  for (std::size_t k : {0, 1}) {
    Variable<double> const slope = grad(on_tape("pow").record(v), v[k], {.create_graph = true});
    CHECK(grad(slope, v[1 - k]).value().item() == 0.5);
  }
  Dual<Dual<double>> const x{Dual<double>(2, 1), Dual<double>(0, 0)}, y{Dual<double>(0, 0), Dual<double>(1, 0)};
  for (DualEntry const& op : table())
    if (std::string(op.name) == "pow") CHECK(op.of_numbers({x, y}).tangent.tangent == 0.5);
}

TEST_CASE("tensors of duals: broadcasting, reductions, layouts, copies") {
  Tensor<double> const x = tensor({{1., 2., 3.}, {4., 5., 6.}}), dx = tensor({{1., 0., 0.}, {0., 1., 0.}});
  Tensor<Dual<double>> const d = make_dual(x, dx);
  Tensor<double> const row = tensor({2., 3., 4.});
  Tensor<Dual<double>> const y = d * row + 1.0;
  CHECK(list(values(y)) == std::vector<double>{3, 7, 13, 9, 16, 25});
  CHECK(list(tangents(y)) == std::vector<double>{2, 0, 0, 0, 3, 0});
  Tensor<Dual<double>> const total = sum(d * d), columns = sum(d * d, {0});
  CHECK(total.item().value == 91);
  CHECK(total.item().tangent == 2 + 10);
  CHECK(list(tangents(columns)) == std::vector<double>{2, 10, 0});
  Tensor<Dual<double>> const turned = sin(d.t());
  CHECK(turned.shape() == Dims(3, 2));
  CHECK(turned(1, 1).item().tangent == doctest::Approx(std::cos(5.0)));
  Tensor<Dual<double>> copy = d;
  copy(0, 0) = Dual<double>(9, 9);
  CHECK(d(0, 0).item().value == 1);
  CHECK(copy(0, 0).item().tangent == 9);
  CHECK(copy(1, 1).item().tangent == 1);
  Tensor<bool> const larger = d > 3.0;
  CHECK(larger(1, 0).item());
  CHECK_FALSE(larger(0, 2).item());
  Tensor<Dual<double>> const scaled = d * Dual<double>(2, 1);
  CHECK(scaled(1, 1).item().tangent == 2 + 5);
}
