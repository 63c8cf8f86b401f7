// SPDX-License-Identifier: MIT
// `u(in, in) = formula` of a variable: recorded, in place where nothing flows, with gradients of both orders.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

using namespace wick;

namespace {

Slice const in(1, -1), low({}, -2), high(2, {});

std::vector<double> list(Tensor<double> const& x) {
  Tensor<double> const dense = x.contiguous();
  return {dense.data(), dense.data() + dense.numel()};
}

}  // namespace

TEST_CASE("a region gets a formula, a number, a row, and is added to") {
  Variable<double> const a = tensor({{1., 2., 3.}, {4., 5., 6.}}), row = tensor({10., 20.});
  Variable<double> u = a * 2;
  Variable<double> const before = u;
  u(0, Slice(0, 2)) = row * row;
  u(Slice(), 2) = 7;
  u(1, Slice(1, 2)) += row(Slice(0, 1));
  CHECK(list(u.value()) == std::vector<double>{100, 400, 7, 8, 20, 7});
  CHECK(list(before.value()) == std::vector<double>{2, 4, 6, 8, 10, 12});
  u[1] = row(0) * 3;  // one number for the whole row
  CHECK(list(u.value()) == std::vector<double>{100, 400, 7, 30, 30, 30});
  backward(sum(u * tensor({{1., 2., 3.}, {4., 5., 6.}})));
  CHECK(list(a.grad()) == std::vector<double>{0, 0, 0, 0, 0, 0});
  CHECK(list(row.grad()) == std::vector<double>{20 + 3 * 15, 2 * 40});
}

TEST_CASE("steps of the heat equation, by finite differences") {
  manual_seed(6);
  Variable<double> const start = randn<double>({5, 6}), k = tensor(0.2);
  auto const run = [&](auto const& v) {
    Variable<double> u = v[0] * 1;
    for (int step = 0; step < 3; ++step)
      u(in, in) = u(in, in) + v[1] * (u(low, in) + u(high, in) + u(in, low) + u(in, high) - 4 * u(in, in));
    u(0, Slice()) = u(1, Slice()) * u(-1, Slice());
    return u;
  };
  gradcheck(run, {start, k}, {.rtol = 1e-5, .atol = 1e-7});
  // The second order: the gradient of a gradient's square sum, against a finite difference.
  auto const slope = [&](Variable<double> const& x) { return grad(sum(square(run(std::vector{x, k}))), x, {.create_graph = true}); };
  Tensor<double> const second = grad(sum(square(slope(start))), start).value();
  for (int i : {0, 8, 29}) {
    auto const at = [&](double h) {
      Tensor<double> x = start.value().clone();
      x.data()[i] += h;
      return sum(square(slope(Variable<double>(x)).value())).item();
    };
    CHECK(second.data()[i] == doctest::Approx((at(1e-6) - at(-1e-6)) / 2e-6).epsilon(1e-4));
  }
}

TEST_CASE("what is refused, and what is written in place") {
  Variable<double> w = ones<double>({3});
  CHECK_THROWS_WITH_AS(w(0) = 2, "index: a region of a leaf variable that requires a gradient is assigned to only under NoGrad; assign to a "
                                 "result, such as u * 1", Error);
  Variable<double> const other = w;
  {
    NoGrad const off;
    w(0) = 2;
    w(Slice(1, 3)) = w(Slice(0, 2)) * 3;
  }
  CHECK(list(other.value()) == std::vector<double>{2, 6, 3});
  Variable<double> data(zeros<double>({2, 2}), false);
  Tensor<double> const old = data.value();
  data(0, 1) = 5;
  CHECK_FALSE(data.requires_grad());
  CHECK(list(data.value()) == std::vector<double>{0, 5, 0, 0});
  CHECK(list(old) == std::vector<double>{0, 0, 0, 0});
  data[1] = w(Slice(0, 2));  // from here on a gradient flows
  CHECK(data.requires_grad());
  backward(sum(data * data));
  CHECK(list(w.grad()) == std::vector<double>{4, 12, 0});
  Variable<double> y = w * 1;
  CHECK_THROWS_WITH_AS(y(Slice(0, 2)) = ones<double>({3}), "assign: a value of shape (3,) does not broadcast to the target of shape (2,)", Error);
  CHECK(list(y.value()) == std::vector<double>{2, 6, 3});
}
