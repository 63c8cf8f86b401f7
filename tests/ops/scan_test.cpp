// SPDX-License-Identifier: MIT
// cumsum, cumprod, logcumsumexp, cummax, cummin and diff: PyTorch's values and gradients, gradients of gradients, types,
// errors.
#include "ordering.hpp"

using namespace wick;
using ordering::each_case;

TEST_CASE_TEMPLATE("scans have PyTorch's values and gradients", T, double, float) {
  double const tolerance = std::is_same_v<T, double> ? 1e-12 : 2e-5;
  each_case("cumsum", [&](auto const& c, auto axis) { ordering::check_values<T>(c, tolerance, [&](auto const& x) { return cumsum(x, axis); }); });
  each_case("cumprod", [&](auto const& c, auto axis) { ordering::check_values<T>(c, tolerance, [&](auto const& x) { return cumprod(x, axis); }); });
  each_case("logcumsumexp", [&](auto const& c, auto axis) {
    ordering::check_values<T>(c, tolerance, [&](auto const& x) { return logcumsumexp(x, axis); });
  });
  each_case("diff", [&](auto const& c, auto axis) {
    ordering::check_values<T>(c, tolerance, [&](auto const& x) { return diff(x, std::stoll(c.text("n")), axis); });
  });
}

TEST_CASE("the extremes so far are PyTorch's, and their places") {
  each_case("cummax", [&](auto const& c, auto axis) { ordering::check_picked<double>(c, [&](auto const& x) { return cummax(x, axis); }); });
  each_case("cummin", [&](auto const& c, auto axis) { ordering::check_picked<double>(c, [&](auto const& x) { return cummin(x, axis); }); });
}

TEST_CASE("gradients of gradients of scans") {
  Tensor<double> x = randn<double>({2, 5, 3});
  x(0, 2, 1) = 0, x(0, 4, 1) = 0, x(1, 0, 2) = 0;
  for (int axis : {0, 1, 2}) {
    CAPTURE(axis);
    CHECK(ordering::second_order([&](auto const& v) { return cumsum(v, axis); }, x));
    CHECK(ordering::second_order([&](auto const& v) { return cumprod(v, axis); }, x));
    CHECK(ordering::second_order([&](auto const& v) { return logcumsumexp(v, axis); }, x));
    CHECK(ordering::second_order([&](auto const& v) { return cummax(v * v, axis).values; }, x));
    CHECK(ordering::second_order([&](auto const& v) { return diff(v * v, 2, axis); }, x));
  }
  // The recurrence of these gradients, differentiated once more.
  auto const third = [](auto const& v) { return grad(sum(sin(cumprod(v, 0))), v, {.create_graph = true}); };
  CHECK(ordering::second_order(third, tensor({0.5, 0.0, 1.5, 2.0})));
}

TEST_CASE("-inf before anything else has no gradient, and does not disturb what follows") {
  double const low = -std::numeric_limits<double>::infinity();
  Variable<double> const x(tensor({low, low, 1.0, 2.0}));
  Variable<double> const slope = grad(sum(narrow(logcumsumexp(x, 0), 0, 2, 2)), x, {.create_graph = true});
  CHECK(ordering::close(slope.value(), {{4}, {0, 0, 1 + 1 / (1 + std::exp(1.0)), 1 / (1 + std::exp(-1.0))}}, 1e-12));
  Tensor<double> const bend = grad(sum(slope * slope), x).value();
  CHECK(all(isfinite(bend)).item());
  CHECK(ordering::second_order([](auto const& v) { return narrow(logcumsumexp(v, 0), 0, 2, 2); }, x.value()));
}

TEST_CASE("types of scans: whole numbers and truth values count in int64") {
  CHECK(ordering::close(Tensor<std::int64_t>(cumsum(tensor({true, false, true}), 0)), {{3}, {1, 1, 2}}, 0));
  CHECK(ordering::close(Tensor<std::int64_t>(cumsum(tensor<std::int8_t>({100, 100, 100}), 0)), {{3}, {100, 200, 300}}, 0));
  CHECK(ordering::close(Tensor<std::int64_t>(cumprod(tensor<std::int32_t>({70000, 70000, 2}), -1)), {{3}, {70000, 4.9e9, 9.8e9}}, 0));
  Tensor<float> const log = logcumsumexp(tensor({1, 2}), 0);
  CHECK(log(1).item() == doctest::Approx(2.3132617));
  auto const most = cummax(tensor({false, true, false}), 0);
  CHECK(ordering::close(most.values, {{3}, {0, 1, 1}}, 0));
  CHECK(ordering::close(most.indices, {{3}, {0, 1, 1}}, 0));
  CHECK(ordering::close(Tensor<bool>(diff(tensor({true, false, false}))), {{2}, {1, 0}}, 0));
  // A half's sum is rounded where it is shown, and nowhere else.
  Tensor<float16> const half = cumsum(tensor<float16>({float16(2048), float16(1), float16(1), float16(60000), float16(60000)}), 0);
  CHECK(ordering::close(half, {{5}, {2048, 2048, 2050, 62048, INFINITY}}, 0));
  Variable<bfloat16> const v(tensor<bfloat16>({bfloat16(1), bfloat16(2), bfloat16(3)}));
  backward(Variable<bfloat16>(cumprod(v, 0)), tensor<bfloat16>({bfloat16(1), bfloat16(1), bfloat16(1)}));
  CHECK(ordering::close(v.grad(), {{3}, {9, 4, 2}}, 0));
}

TEST_CASE("the sum of a long line keeps the digits of its elements") {
  std::int64_t const n = 300000;
  Tensor<float> const x = rand<float>({n}) + 1.f;
  Tensor<float> const y = cumsum(x, 0);
  double sum = 0, worst = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    sum += static_cast<double>(x.data()[i]);
    worst = std::max(worst, std::abs(static_cast<double>(std::as_const(y).data()[i]) - sum) / sum);
  }
  CHECK(worst <= 6e-8);  // one rounding
}

TEST_CASE("shapes without elements, formulas, and arguments without a meaning") {
  CHECK(Tensor<float>(cumsum(zeros<float>({2, 0, 3}), 1)).shape() == Dims(2, 0, 3));
  CHECK(Tensor<float>(cumprod(zeros<float>({2, 4, 0}), 1)).shape() == Dims(2, 4, 0));
  CHECK(cummax(zeros<float>({0}), 0).indices.shape() == Dims(0));
  CHECK(Tensor<float>(diff(ones<float>({3, 1}))).shape() == Dims(3, 0));
  Tensor<float> const x = arange<float>(0, 12).reshape({3, 4});
  Tensor<float> const y = cumsum(x.t() * 2, 0) + 1;
  CHECK(ordering::close(y(Slice(), 1), {{4}, {9, 19, 31, 45}}, 0));
  CHECK_THROWS_WITH_AS(cumsum(x, 2), "cumsum: dimension 2 is out of range for a tensor of 2 dimensions (-2 to 1)", Error);
  CHECK_THROWS_WITH_AS(cummin(x, -3), "cummin: dimension -3 is out of range for a tensor of 2 dimensions (-2 to 1)", Error);
  CHECK_THROWS_WITH_AS(diff(Tensor<float>(1.f)), "diff: a number has no neighbours; diff wants at least one dimension", Error);
  CHECK_THROWS_WITH_AS(diff(x, -1), "diff: differences of order -1: the order starts at 0", Error);
}
