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
  CHECK(std::isnan(var(one).item()));
  CHECK(var(one, {}, {.correction = 0}).item() == 0);
  Tensor<float> const two = tensor({1.f, 3.f});
  CHECK(var(two).item() == 2);
  CHECK(std::isinf(var(two, {}, {.correction = 5}).item()));
  CHECK(std::isnan(var(Tensor<float>(zeros<float>({0}))).item()));
  CHECK(var(tensor({1, 2, 3, 4})).item() == doctest::Approx(5.0 / 3));  // whole numbers give float
  float const nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(var(tensor({1.f, nan, 2.f})).item()));
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
