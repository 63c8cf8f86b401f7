// SPDX-License-Identifier: MIT
// Gradients on a device beside those on the host: maps, broadcasts, reductions, rows, gradients of gradients.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

using namespace wick;

namespace {

Device const there(WICK_TEST_DEVICE);

// The gradients of the sum of f, in tensors on the device and on the host.
template <class T, class F, class... X>
void check_gradients(double tolerance, F const& f, X const&... values) {
  auto here = std::tuple(Variable<T>(values)...);
  auto far = std::tuple(Variable<T>(values.to(there))...);
  for (int round = 0; round < 2; ++round) {  // the second one adds
    Variable<T> const y = std::apply([&](auto const&... x) { return sum(f(x...)); }, here);
    Variable<T> const z = std::apply([&](auto const&... x) { return sum(f(x...)); }, far);
    CHECK(z.value().device() == there);
    CHECK(std::abs(static_cast<double>(y.item()) - static_cast<double>(z.item())) <= tolerance * (1 + std::abs(static_cast<double>(y.item()))));
    backward(y);
    backward(z);
    auto const check = [&](Variable<T> const& a, Variable<T> const& b) {
      CHECK(b.grad().device() == there);
      Tensor<double> const want = cast<double>(a.grad()), got = cast<double>(b.grad().to("cpu"));
      CHECK(max(abs(want - got)).item() <= tolerance * (1 + max(abs(want)).item()));
    };
    [&]<std::size_t... K>(std::index_sequence<K...>) { (check(std::get<K>(here), std::get<K>(far)), ...); }(std::index_sequence_for<X...>{});
  }
}

}  // namespace

TEST_CASE_TEMPLATE("gradients on a device are those of the host", T, float, double, bfloat16) {
  double const tolerance = std::is_same_v<T, double> ? 1e-12 : std::is_same_v<T, float> ? 1e-5 : 0.03;
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
