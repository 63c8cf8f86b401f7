// SPDX-License-Identifier: MIT
// Reductions whose rows are short, whose lines are short or long: every way to walk a loop, at shapes that cross its
// edges by one, against plain loops in double, and with any number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

template <class T>
Tensor<T> whole_numbers(Dims const& shape, unsigned seed = 12345) {
  Tensor<T> x = empty<T>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    x.data()[i] = static_cast<T>(static_cast<int>(seed >> 28) % 7 - 3);
  }
  return x;
}

// Results of `fold` over the dimensions in `mask`, in row-major order.
template <class T, class F>
std::vector<double> by_loops(Tensor<T> const& x, unsigned mask, double first, F const& fold) {
  Dims const shape = x.shape();
  std::int64_t results = 1;
  for (int d = 0; d < shape.size(); ++d) results *= mask >> d & 1 ? 1 : shape[d];
  std::vector<double> y(static_cast<std::size_t>(results), first);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    std::int64_t rest = i, offset = 0, at = 0, scale = 1;
    for (int d = shape.size() - 1; d >= 0; --d) {
      std::int64_t const p = rest % shape[d];
      rest /= shape[d];
      offset += p * x.strides()[d];
      if (!(mask >> d & 1)) at += p * scale, scale *= shape[d];
    }
    double& total = y[static_cast<std::size_t>(at)];
    total = fold(total, static_cast<double>(x.data()[offset]));
  }
  return y;
}

template <class Y>
bool equals(Y const& result, std::vector<double> const& expected) {
  auto const y = Tensor<value_t<Y>>(result);
  bool same = y.numel() == static_cast<std::int64_t>(expected.size());
  for (std::size_t i = 0; same && i < expected.size(); ++i) {
    double const found = static_cast<double>(y.data()[i]);
    same = found == expected[i] || (found != found && expected[i] != expected[i]);
  }
  return same;
}

template <class T>
void check(Tensor<T> const& x) {
  for (unsigned mask = 1; mask < 1u << x.dim(); ++mask) {
    Axes axes;
    for (int d = 0; d < x.dim(); ++d)
      if (mask >> d & 1) axes.push_back(d);
    CAPTURE(mask);
    CAPTURE(x.shape()[0]);
    CAPTURE(x.shape()[x.dim() - 1]);
    CHECK(equals(sum(x, axes), by_loops(x, mask, 0, [](double a, double b) { return a + b; })));
    if (x.numel() == 0) continue;
    double const low = -std::numeric_limits<double>::infinity();
    CHECK(equals(amax(x, axes), by_loops(x, mask, low, [](double a, double b) { return a > b || a != a ? a : b; })));
    // An operand that repeats along the reduced dimensions, and one that is a number.
    Tensor<T> const highest = amax(x, axes, {.keepdim = true}), difference = x - highest;
    CHECK(equals(sum(square(x - highest) * T(2), axes),
                 by_loops(difference, mask, 0, [](double a, double b) { return a + 2 * b * b; })));
    Tensor<bool> const truth = x > T(2);
    CHECK(equals(any(truth, axes), by_loops(truth, mask, 0, [](double a, double b) { return a + b > 0 ? 1. : 0.; })));
    CHECK(equals(all(truth, axes), by_loops(truth, mask, 1, [](double a, double b) { return a * b; })));
    // The same of formulas, which are never written down.
    CHECK(equals(any(x > T(2), axes), by_loops(truth, mask, 0, [](double a, double b) { return a + b > 0 ? 1. : 0.; })));
    CHECK(equals(all(x <= highest, axes), by_loops(x, mask, 1, [](double a, double b) { return b == b ? a : 0.; })));
  }
}

}  // namespace

TEST_CASE("every way to walk a reduction agrees with plain loops") {
  for (std::int64_t n : {1, 2, 3, 10, 15, 16, 17, 64, 95, 97}) {
    for (std::int64_t m : {1, 4, 15, 17, 40, 257}) {
      check(whole_numbers<float>({3, m, n}));
      check(whole_numbers<float>({m, 5, n}).permute({2, 0, 1}));
    }
    check(whole_numbers<float>({1000, n}));
    check(whole_numbers<double>({300, n}));
    check(whole_numbers<std::int32_t>({100, n, 3}));
  }
  check(whole_numbers<float>({9, 2100}));
  check(whole_numbers<float>({17, 4099}));
  check(whole_numbers<float>({6, 65549}));  // rows that are cut into streams
  check(whole_numbers<double>({5, 32771}));
  check(whole_numbers<float>({70, 30, 50}));
  check(whole_numbers<float>({0, 5}));
  check(whole_numbers<float>({5, 0, 3}));
}

TEST_CASE("reductions of backward, repeated and skipping layouts") {
  for (std::int64_t n : {5, 16, 33, 100}) {
    Tensor<float> const x = whole_numbers<float>({40, n, 6});
    Layout turned = x.layout();
    for (int d = 0; d < 3; ++d) turned.strides[d] *= -1;
    check(x.share({x.numel() - 1, Layout(turned.shape, turned.strides)}));
    check(Tensor<float>(x(Slice(), Slice(0, n, 2), Slice(1, 6))));
    Tensor<float> const row = whole_numbers<float>({1, n, 1});
    check(row.share({0, broadcast_to(row.layout(), Dims(30, n, 20))}));
  }
}

TEST_CASE("NaN and infinities pass through every way to walk") {
  float const inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (float special : {inf, -inf, nan})
    for (std::int64_t n : {10, 33, 120, 5000})
      for (std::int64_t at : {0, 7, 9}) {
        Tensor<float> x = whole_numbers<float>({20, n, 10});
        x.data()[(3 * n + n / 2) * 10 + at] = special;
        check(x);
      }
}

TEST_CASE("large reductions have the same bits for any number of threads") {
  int const before = num_threads();
  for (Dims const& shape : {Dims(300, 300, 10), Dims(90000, 7), Dims(40, 9000), Dims(200000, 3), Dims(6, 100, 300), Dims(64, 100, 100), Dims(7, 131101), Dims(2003, 203)}) {
    Tensor<float> x = whole_numbers<float>(shape);
    for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] *= 0.1f + 1.f / static_cast<float>(i % 37 + 3);
    for (unsigned mask = 1; mask < 1u << x.dim(); ++mask) {
      Axes axes;
      for (int d = 0; d < x.dim(); ++d)
        if (mask >> d & 1) axes.push_back(d);
      set_num_threads(1);
      Tensor<float> const one = sum(x, axes), spread = var(x, axes), turned = sum(x * x, axes);
      for (int threads : {2, 3, 8}) {
        set_num_threads(threads);
        Tensor<float> const y = sum(x, axes), z = var(x, axes), w = sum(x * x, axes);
        CHECK(std::memcmp(one.data(), y.data(), static_cast<std::size_t>(one.numel()) * 4) == 0);
        CHECK(std::memcmp(spread.data(), z.data(), static_cast<std::size_t>(one.numel()) * 4) == 0);
        CHECK(std::memcmp(turned.data(), w.data(), static_cast<std::size_t>(turned.numel()) * 4) == 0);
      }
    }
  }
  set_num_threads(before);
}
