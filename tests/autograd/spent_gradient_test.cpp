// SPDX-License-Identifier: MIT
// A gradient that nobody needs any more lends its memory to the gradient that is made from it. What is computed stays
// the same: each case runs with retain_grad(), which keeps that gradient, and without.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>
#include <wick/wick.hpp>

using namespace wick;

namespace {

std::vector<float> list(Tensor<float> const& x) {
  Tensor<float> const dense = x.contiguous();
  return {dense.data(), dense.data() + dense.numel()};
}

template <class F>
void check(F const& formula, bool takes_over = true) {
  int const before = num_threads();
  for (int const threads : {1, 2, 3}) {
    set_num_threads(threads);
    manual_seed(5);
    Variable<float> const x = randn<float>({70, 900}), w = randn<float>({70, 900}), b = randn<float>({900});
    Tensor<float> const weights = randn<float>({70, 900});
    std::vector<std::vector<float>> results[2];
    for (int const keep : {1, 0}) {
      for (auto const* v : {&x, &w, &b}) v->zero_grad();
      Variable<float> const start = x * 2.0f;  // x itself may be a leaf with a gradient of its own
      Variable<float> const y = formula(start, w, b);
      if (keep) y.retain_grad();
      Variable<float> const loss = sum(y * weights);
      backward(loss, {.retain_graph = true});
      for (auto const* v : {&x, &w, &b})
        if (v->has_grad()) results[keep].push_back(list(v->grad()));
      if (keep) CHECK(list(y.grad()) == list(weights));
      backward(loss);
      for (auto const* v : {&x, &w, &b})
        if (v->has_grad()) results[keep].push_back(list(v->grad()));
    }
    CHECK(results[0] == results[1]);
    // With a kept gradient one block more is alive.
    auto const requests = [&](bool keep) {
      for (auto const* v : {&x, &w, &b}) v->zero_grad();
      Variable<float> const start = x * 2.0f, y = formula(start, w, b);
      if (keep) y.retain_grad();
      Variable<float> const loss = sum(y * weights);
      auto const first = pool_stats().requests;
      backward(loss);
      return pool_stats().requests - first;
    };
    if (takes_over && threads == 1) CHECK(requests(false) < requests(true));
  }
  set_num_threads(before);
}

}  // namespace

TEST_CASE("the gradient of relu(x + b) is written where the gradient of its result lay") {
  check([](auto const& x, auto const&, auto const& b) { return relu(x + b); });
}
TEST_CASE("two operands: one gradient takes the memory over") {
  check([](auto const& x, auto const& w, auto const&) { return x * w; });
  check([](auto const& x, auto const& w, auto const& b) { return tanh(x * w) + b * x; });
}
TEST_CASE("a variable that stands twice") {
  check([](auto const& x, auto const&, auto const&) { return tanh(x) * x; });
}
TEST_CASE("operands that lie in another order") {
  Tensor<float> const turned = transpose(rand<float>({900, 70}), 0, 1);
  check([&](auto const& x, auto const&, auto const&) { return x * turned; });
}
TEST_CASE("formulas that run as rows, and broadcast operands alone, make gradients of their own") {
  check([](auto const& x, auto const&, auto const&) { return softmax(x, 1); }, false);
  check([](auto const& x, auto const&, auto const& b) { return sum(x, 1, {.keepdim = true}) * b; }, false);
}
TEST_CASE("a gradient that the caller gave stays as it is") {
  Variable<float> const x = randn<float>({70, 900});
  Variable<float> const y = exp(x);
  Tensor<float> const seed = rand<float>({70, 900}), before = seed.clone();
  backward(y, seed);
  CHECK(list(seed) == list(before));
}

TEST_CASE("a gradient that somebody holds stays as it is when a pass adds to it") {
  for (std::int64_t n : {5, 100, 700, 3000, 70001}) {
    CAPTURE(n);
    Variable<float> const x = randn<float>({n}), one = randn<float>({1}), rows = randn<float>({3, n});
    auto const pass = [&] { backward(sum(x * x * one + x + rows * x)); };
    pass();
    Tensor<float> const of_x = x.grad(), of_one = one.grad(), of_rows = rows.grad();
    Tensor<float> const before = of_x.clone(), one_before = of_one.clone(), rows_before = of_rows.clone();
    pass();
    CHECK(materialize(all(of_x == before)).item());
    CHECK(materialize(all(of_one == one_before)).item());
    CHECK(materialize(all(of_rows == rows_before)).item());
    CHECK(materialize(all(abs(x.grad() - 2 * before) <= 1e-5f * (1 + abs(before)))).item());
    CHECK(materialize(all(abs(one.grad() - 2 * one_before) <= 1e-5f * (1 + abs(one_before)))).item());
    CHECK(materialize(all(rows.grad() == 2 * rows_before)).item());
  }
}

TEST_CASE("through an infinite slope an adjoint of 0 passes 0, and one that is no number stays") {
  for (std::int64_t n : {5, 37, 1500}) {
    Variable<float> const x = zeros<float>({n});
    Tensor<float> seed = zeros<float>({n});
    seed(0) = 2, seed(1) = std::numeric_limits<float>::quiet_NaN();
    backward(Variable<float>(sqrt(x)), seed);
    std::vector<float> const slopes = list(x.grad());
    CHECK(slopes[0] == std::numeric_limits<float>::infinity());
    CHECK(std::isnan(slopes[1]));
    CHECK(std::count(slopes.begin() + 2, slopes.end(), 0.0f) == n - 2);
  }
}
