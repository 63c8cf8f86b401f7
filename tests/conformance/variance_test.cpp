// SPDX-License-Identifier: MIT
// Variance and standard deviation against plain loops in double, PyTorch's corner cases, and finite differences.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>
#include <wick/wick.hpp>

using namespace wick;

namespace {

double variance_of(std::vector<double> const& values, double correction) {
  double mean = 0, squares = 0;
  for (double v : values) mean += v / static_cast<double>(values.size());
  for (double v : values) squares += (v - mean) * (v - mean);
  return squares / std::max(0.0, static_cast<double>(values.size()) - correction);
}

}  // namespace

TEST_CASE("var and stddev over every set of dimensions") {
  manual_seed(1);
  Tensor<double> const x = randn<double>({6, 5, 7});
  for (double correction : {0.0, 1.0, 2.5})
    for (unsigned mask = 1; mask < 8; ++mask) {
      Axes axes;
      for (int d = 0; d < 3; ++d)
        if (mask >> d & 1) axes.push_back(d);
      Tensor<double> const y = var(x, axes, {.correction = correction}), root = stddev(x, axes, {.correction = correction});
      std::vector<std::vector<double>> groups(static_cast<std::size_t>(y.numel()));
      for (std::int64_t i = 0; i < x.numel(); ++i) {
        std::int64_t const at[] = {i / 35, i / 7 % 5, i % 7};
        std::int64_t group = 0;
        for (int d = 0; d < 3; ++d)
          if (!(mask >> d & 1)) group = group * x.shape()[d] + at[d];
        groups[static_cast<std::size_t>(group)].push_back(x.data()[i]);
      }
      for (std::size_t k = 0; k < groups.size(); ++k) {
        double const expected = variance_of(groups[k], correction);
        CHECK(std::abs(y.data()[k] - expected) < 1e-12);
        CHECK(std::abs(root.data()[k] - std::sqrt(expected)) < 1e-12);
      }
      Tensor<double> const kept = var(x, axes, {.correction = correction, .keepdim = true});
      for (int d = 0; d < 3; ++d) CHECK(kept.shape()[d] == (mask >> d & 1 ? 1 : x.shape()[d]));
      for (std::int64_t k = 0; k < y.numel(); ++k) CHECK(kept.data()[k] == y.data()[k]);
    }
}

TEST_CASE("large numbers do not cancel") {
  Tensor<float> x = empty<float>({3, 1000});
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = 1e6f + static_cast<float>(i % 4);
  Tensor<float> const y = var(x, 1);
  for (std::int64_t i = 0; i < 3; ++i) CHECK(std::abs(y.data()[i] - 1.2512513f) < 1e-5f);
}

TEST_CASE("variances of few elements, and of none, are PyTorch's") {
  Tensor<float> const one = tensor({3.f});
  CHECK(math::isnan(var(one).item()));
  CHECK(var(one, {}, {.correction = 0}).item() == 0);
  Tensor<float> const two = tensor({1.f, 3.f});
  CHECK(var(two).item() == 2);
  CHECK(math::isinf(var(two, {}, {.correction = 5}).item()));
  CHECK(math::isnan(var(Tensor<float>(zeros<float>({0}))).item()));
  CHECK(var(tensor({1, 2, 3, 4})).item() == doctest::Approx(5.0 / 3));  // whole numbers give float
  float const nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(math::isnan(var(tensor({1.f, nan, 2.f})).item()));
}

TEST_CASE("gradients of var and stddev") {
  auto const inputs = [] {
    manual_seed(3);
    return std::vector<Variable<double>>{Variable<double>(randn<double>({4, 3, 5}))};
  };
  for (Axes const& axes : {Axes(0), Axes(1), Axes(2), Axes(0, 2), Axes()}) {
    CHECK(gradcheck([&](auto const& x) { return var(x[0], axes); }, inputs()));
    CHECK(gradcheck([&](auto const& x) { return stddev(x[0] * 2, axes, {.correction = 0, .keepdim = true}); }, inputs()));
  }
  CHECK(gradcheck([&](auto const& x) { return square(x[0]) / var(x[0], {2}, {.keepdim = true}); }, inputs()));
}

TEST_CASE("deviations, norms and distances of 0 have the gradient 0, to the second order") {
  Tensor<double> const equal = full<double>({2, 3}, 1.5), none = zeros<double>({2, 3});
  using V = Variable<double>;
  struct Case {
    char const* name;
    Tensor<double> at;
    V (*f)(V const&);
  };
  for (Case const& c : {Case{"stddev of rows", equal, [](V const& x) -> V { return stddev(x, 1); }},
                        Case{"sqrt(var)", equal, [](V const& x) -> V { return sqrt(var(x, {1}, {.correction = 0})); }},
                        Case{"rows over stddev", equal, [](V const& x) -> V { return (x - 1.5) / (stddev(x, {1}, {.keepdim = true}) + 1); }},
                        Case{"rows beside their norm", none, [](V const& x) -> V { return x * x + norm(x, {1}, {.keepdim = true}); }},
                        Case{"distance", equal, [](V const& x) -> V { return norm(x - 1.5, {1}); }},
                        Case{"sqrt(sum of squares)", equal, [](V const& x) -> V { return sqrt(sum(square(x - 1.5), {0})); }},
                        Case{"log of a deviation", equal, [](V const& x) -> V { return log(stddev(x, 1)) + sqrt(norm(x - 1.5)); }}}) {
    INFO(std::string(c.name));
    V const x(c.at);
    backward(sum(c.f(x)));
    V const y(c.at);
    V const slope = grad(sum(c.f(y)), y, {.create_graph = true});
    bool const rows = std::string(c.name) == "rows over stddev";  // there the numerator has the slope 1
    CHECK(max(abs(x.grad() - (rows ? 1.0 : 0.0))).item() == 0);
    CHECK(max(abs(slope.value() - (rows ? 1.0 : 0.0))).item() == 0);
    if (!slope.requires_grad()) continue;
    CHECK(all(isfinite(grad(sum(slope), y).value())).item());
  }
  Tensor<Dual<double>> const d = make_dual(equal, Tensor<double>(tensor({{1., 2., 4.}, {0., 0., 1.}}))), n = make_dual(none, equal);
  CHECK(all(tangents(Tensor<Dual<double>>(stddev(d, 1))) == 0).item());
  CHECK(all(tangents(Tensor<Dual<double>>(norm(n, {1}))) == 0).item());
  CHECK(norm(n).item().tangent == 0);
  // Three largest elements share their tangents, as the tape's gradient is shared.
  Tensor<Dual<double>> const t = make_dual(tensor({1., 7., 7., 3., 7.}), tensor({9., 1., 2., 9., 6.}));
  CHECK(max(t).item().value == 7);
  CHECK(max(t).item().tangent == 3);
  CHECK(min(-t).item().tangent == -3);
}
