// SPDX-License-Identifier: MIT
// Gradients on a device beside those on the host: maps, broadcasts, reductions, rows, gradients of gradients.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

using namespace wick;

namespace {

Device const there(WICK_TEST_DEVICE);

// Numbers on the device beside those on the host; duals are compared part by part.
template <class T>
void check_close(double tolerance, Tensor<T> const& here, Tensor<T> const& far) {
  CHECK(far.device() == there);
  if constexpr (ElementTraits<T>::planes > 1) {
    check_close(tolerance, values(here), values(far));
    check_close(tolerance, tangents(here), tangents(far));
  } else {
    Tensor<double> const want = cast<double>(here), got = cast<double>(far.to("cpu"));
    CHECK(max(abs(want - got)).item() <= tolerance * (1 + max(abs(want)).item()));
  }
}

// The gradients of the sum of f, in tensors on the device and on the host.
template <class T, class F, class... X>
void check_gradients(double tolerance, F const& f, X const&... values) {
  auto here = std::tuple(Variable<T>(values)...);
  auto far = std::tuple(Variable<T>(values.to(there))...);
  for (int round = 0; round < 2; ++round) {  // the second one adds
    Variable<T> const y = std::apply([&](auto const&... x) { return sum(f(x...)); }, here);
    Variable<T> const z = std::apply([&](auto const&... x) { return sum(f(x...)); }, far);
    check_close(tolerance, y.value(), z.value());
    backward(y);
    backward(z);
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (check_close(tolerance, std::get<K>(here).grad(), std::get<K>(far).grad()), ...);
    }(std::index_sequence_for<X...>{});
  }
}

}  // namespace

TEST_CASE_TEMPLATE("gradients on a device are those of the host", T, double, bfloat16) {
  double const tolerance = std::is_same_v<T, double> ? 1e-12 : 0.03;
  Tensor<T> const x = cast<T>(randn<float>({9, 17})), w = cast<T>(randn<float>({17})), c = cast<T>(randn<float>({9, 1}));
  check_gradients<T>(tolerance, [](auto const& a, auto const& b, auto const& d) { return tanh(a * b + d) * sigmoid(a) + exp(b) / 3; }, x, w, c);
  check_gradients<T>(tolerance, [](auto const& a) { return a * a + where(a > 0, a, 0.5 * a); }, x);
  check_gradients<T>(tolerance, [](auto const& a, auto const& b) { return sum(a * b, {0}); }, x, w);
  check_gradients<T>(tolerance, [](auto const& a) { return mean(a * a, {1}) * 3; }, x);
  check_gradients<T>(tolerance, [](auto const& a) { return max(a, {1}); }, x);
  check_gradients<T>(tolerance, [](auto const& a, auto const& b) { return softmax(a * 2, 1) * b; }, x, w);
  check_gradients<T>(tolerance, [](auto const& a) { return layer_norm(a) * a; }, x);
}

TEST_CASE("operands of which one needs no gradient, and one stands twice") {
  Tensor<double> const x = randn<double>({5, 6});
  Variable<double> const a(x.to(there)), b(x.to(there), false);
  backward(Variable<double>(sum(a * a * b + a)));
  Tensor<double> const want = 2 * x * x + 1;
  CHECK(max(abs(a.grad().to("cpu") - want)).item() < 1e-12);
  CHECK_FALSE(b.has_grad());
}

TEST_CASE("an adjoint of 0 stays 0 through an infinite slope, and so does a norm's at 0") {
  Variable<double> const x(zeros<double>({2, 3}).to(there));
  backward(Variable<double>(sum(where(x > 0, sqrt(x), 0 * x))));
  backward(Variable<double>(sum(norm(x, {1}))));
  CHECK(max(abs(x.grad().to("cpu"))).item() == 0);
}

TEST_CASE("an operand of a formula without elements has the gradient zero") {
  {
    std::vector<Tensor<float>> used;  // memory that is not zero
    for (int i = 0; i < 20; ++i) used.push_back(Tensor<float>(full({9}, 7.0f)).to(there));
  }
  Variable<float> const x(ones<float>({3, 1}).to(there)), w(ones<float>({4}).to(there)), rows(ones<float>({0, 4}).to(there));
  backward(Variable<float>(sum(x * zeros<float>({3, 0}).to(there))));
  backward(Variable<float>(softmax(rows + w, 1) * w), zeros<float>({0, 4}).to(there));
  CHECK(all(x.grad().to("cpu") == 0).item());
  CHECK(all(w.grad().to("cpu") == 0).item());
}

TEST_CASE("gradients of gradients on a device") {
  Tensor<double> const x = randn<double>({7});
  Variable<double> const v(x.to(there));
  Variable<double> const slope = grad(sum(v * v * v), v, {.create_graph = true});
  Tensor<double> const bend = grad(sum(slope), v).value();
  CHECK(bend.device() == there);
  CHECK(max(abs(bend.to("cpu") - 6 * x)).item() < 1e-12);
}

TEST_CASE_TEMPLATE("what is broadcast to no elements has gradient 0", T, float, float16) {
  Tensor<T> const none = ones<T>({0, 5}).to(there), old = full({5}, T(3)).to(there);
  auto const check = [&](auto const& f) {
    Variable<T> const row(ones<T>({5}).to(there)), number(Tensor<T>(T(2)).to(there));
    { Tensor<T> const room = old * 1, more = old * 1; }  // memory with something in it
    Variable<T> const y = f(Variable<T>(none), row, number);
    backward(y, Tensor<T>(Tensor<T>::uninitialized, y.shape(), there));
    CHECK(all(row.grad().to("cpu") == 0).item());
    CHECK(number.grad().to("cpu").data()[0] == 0);
  };
  check([](auto const& x, auto const& w, auto const& c) { return x * w + c; });
  check([](auto const& x, auto const& w, auto const& c) { return softmax(x * w, 1) * c; });
}

TEST_CASE("gradients of formulas of duals on a device are those of the host") {
  auto const some = [](auto const&... n) { return make_dual(randn<double>({n...}), randn<double>({n...})); };
  Tensor<Dual<double>> const x = some(9, 17), w = some(17), c = some(9, 1);
  auto const check = [](auto const& f, auto const&... operands) { check_gradients<Dual<double>>(1e-11, f, operands...); };
  check([](auto const& a, auto const& b, auto const& d) { return tanh(a * b + d) * sigmoid(a) + exp(b) / 3; }, x, w, c);
  check([](auto const& a, auto const& b) { return where(a > 0, a * b, relu(b) * 2); }, x, w);
  check([](auto const& a, auto const& b) { return softmax(a * b, 1) * a; }, x, w);
  Tensor<float> const v = randn<float>({9, 17}), one = randn<float>({17});
  check_gradients<Dual<float>>(1e-4, [](auto const& a, auto const& b) { return a / (b * b + 1); }, make_dual(v, v), make_dual(one, one));
}

TEST_CASE("the tangents of a gradient are the second derivative along those of the operands") {
  Tensor<double> const x = randn<double>({30, 5}), dx = randn<double>({30, 5}), w = randn<double>({5}), dw = randn<double>({5});
  Variable<Dual<double>> const a(make_dual(x, dx).to(there)), b(make_dual(w, dw).to(there));
  auto const close = [](auto const& want, Tensor<double> const& got) { return max(abs(Tensor<double>(want) - got.to("cpu"))).item() < 1e-11; };
  for (double round : {1, 2}) {
    backward(Variable<Dual<double>>(mean(a * a * a * b)));
    double const k = round / 150;
    CHECK(close(k * 3 * x * x * w, values(a.grad())));
    CHECK(close(k * (6 * x * dx * w + 3 * x * x * dw), tangents(a.grad())));
    CHECK(close(k * sum(x * x * x, {0}), values(b.grad())));
    CHECK(close(k * sum(3 * x * x * dx, {0}), tangents(b.grad())));
  }
  Tensor<Dual<Dual<double>>> const twice = make_dual(make_dual(x, dx), make_dual(dx, zeros<double>({30, 5})));
  Variable<Dual<Dual<double>>> const v(twice.to(there)), number(Tensor<Dual<Dual<double>>>(Dual<Dual<double>>(2.0)).to(there));
  backward(Variable<Dual<Dual<double>>>(sum(v * v * v * number)));
  CHECK(close(12 * x * dx, values(tangents(v.grad()))));
  CHECK(close(12 * dx * dx, tangents(tangents(v.grad()))));
  CHECK(close(sum(6 * x * dx * dx), tangents(tangents(number.grad()))));
}

TEST_CASE("a formula with more than 32 planes of gradients") {
  Tensor<double> const x = randn<double>({5});
  Variable<Dual<double>> const a(make_dual(x, x).to(there)), b(make_dual(x, x).to(there));
  backward(Variable<Dual<double>>(sum(a * a * a * a * a * a * a * a * (b + b + b + b + b + b + b + b) * b)));
  Tensor<double> const want = 16 * pow(x, 9);
  CHECK(max(abs(values(b.grad()).to("cpu") - want)).item() < 1e-10 * max(abs(want)).item());
  CHECK(max(abs(tangents(b.grad()).to("cpu") - 9 * want)).item() < 1e-9 * max(abs(want)).item());
}

TEST_CASE("duals that a formula only looks at have the gradient zero") {
  for (Device const& device : {Device(), there}) {
    Tensor<double> const x = randn<double>({4, 5});
    Variable<Dual<double>> const a(make_dual(x, x).to(device)), b(make_dual(tensor({0.5}), tensor({1.})).to(device));
    Variable<double> const p(ones<double>({4, 5}).to(device)), q(ones<double>({5}).to(device));
    backward(Variable<double>(sum(where(a > b, p * 2, q))));
    CHECK(all(p.grad().to("cpu") == where(x > 0.5, 2.0, 0.0)).item());
    CHECK(all(q.grad().to("cpu") == sum(where(x > 0.5, 0.0, 1.0), {0})).item());
    CHECK(all(values(a.grad()).to("cpu") == 0).item());
    CHECK(all(tangents(b.grad()).to("cpu") == 0).item());
  }
}

TEST_CASE("the largest dual is the one with the largest value, below 0 too") {
  for (Device const& device : {Device(), there}) {
    Variable<Dual<double>> const x(make_dual(tensor({-3., -1., -2.}), tensor({1., 2., 3.})).to(device));
    Variable<Dual<double>> const y = max(x);
    CHECK(values(y.value()).to("cpu").item() == -1);
    CHECK(tangents(y.value()).to("cpu").item() == 2);
    backward(y);
    CHECK(all(values(x.grad()).to("cpu") == tensor({0., 1., 0.})).item());
    CHECK(all(tangents(x.grad()).to("cpu") == 0).item());
  }
}
