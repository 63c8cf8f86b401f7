// SPDX-License-Identifier: MIT
// Duals through kernels: the tangent of every kernel against a difference quotient, and duals of duals.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>
#include <wick/wick.hpp>

using namespace wick;

namespace {

using D = Dual<double>;

Tensor<double> numbers(Dims const& shape, double from = 0.3) {
  Tensor<double> x = empty<double>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = from + 0.37 * static_cast<double>((i * 7 + 3) % 11) - 0.05 * static_cast<double>(i % 5);
  return x;
}

/// A function of one tensor, on numbers and on duals.
struct Case {
  std::string name;
  Dims shape;
  Tensor<double> (*numbers)(Tensor<double> const&);
  Tensor<D> (*duals)(Tensor<D> const&);
};

template <class F>
Case make(char const* name, Dims const& shape, F) {
  return {name, shape, [](Tensor<double> const& x) { return Tensor<double>(F{}(x)); }, [](Tensor<D> const& x) { return Tensor<D>(F{}(x)); }};
}

template <class T>
Tensor<T> constant(Dims const& shape) {
  if constexpr (std::is_same_v<T, double>) return numbers(shape, -0.4);
  else return make_dual(numbers(shape, -0.4), Tensor<double>(zeros<double>(shape)));
}
template <class X>
using element = value_t<X>;

std::vector<Case> cases() {
  Tensor<std::int64_t> static const index = tensor({std::int64_t{2}, std::int64_t{0}, std::int64_t{2}});
  return {
      make("matmul", {3, 4}, [](auto const& x) { return matmul(x, transpose(x, 0, 1)); }),
      make("batched matmul", {2, 3, 4}, [](auto const& x) { return matmul(x, constant<element<decltype(x)>>({4, 2})); }),
      make("linear with bias and relu", {3, 4}, [](auto const& x) { return relu(linear(x, x) + 0.1); }),
      make("conv2d", {2, 2, 5, 6}, [](auto const& x) { return conv2d(x, constant<element<decltype(x)>>({4, 1, 3, 2}), {.padding = {1, 0}, .groups = 2}); }),
      make("conv2d by its filter", {4, 2, 3, 3}, [](auto const& x) { return conv2d(constant<element<decltype(x)>>({1, 2, 5, 5}), x); }),
      make("max_pool2d", {2, 5, 6}, [](auto const& x) { return max_pool2d(x, 2); }),
      make("avg_pool2d", {2, 5, 6}, [](auto const& x) { return avg_pool2d(x, {2, 3}); }),
      make("index_select", {4, 3}, [](auto const& x) { return index_select(x, 0, index); }),
      make("gather", {3, 4}, [](auto const& x) { return gather(x, 1, index.reshape({3, 1})); }),
      make("cumsum", {3, 4}, [](auto const& x) { return cumsum(x, 1); }),
      make("cumprod", {4, 3}, [](auto const& x) { return cumprod(x, 0); }),
      make("logcumsumexp", {3, 4}, [](auto const& x) { return logcumsumexp(x, 1); }),
      make("cummax", {3, 4}, [](auto const& x) { return cummax(x, 1).values; }),
      make("sort", {3, 4}, [](auto const& x) { return sort(x, 1, {.descending = true}).values; }),
      make("topk", {3, 4}, [](auto const& x) { return topk(x, 2).values; }),
      make("median", {3, 5}, [](auto const& x) { return median(x, 1).values; }),
      make("diff", {3, 5}, [](auto const& x) { return diff(x, 2); }),
      make("pad", {3, 4}, [](auto const& x) { return pad(x, {1, 2}, {.value = 3}); }),
      make("reflecting pad", {3, 4}, [](auto const& x) { return pad(x, {1, 2}, {.mode = "reflect"}); }),
      make("cat", {3, 4}, [](auto const& x) { return cat(1, x, x * x); }),
      make("reshape", {3, 4}, [](auto const& x) { return reshape(exp(x), {6, 2}); }),
      make("permute and slice", {3, 4}, [](auto const& x) { return (x * x).t()(Slice(1, 3), 0); }),
  };
}

bool close(Tensor<double> const& a, Tensor<double> const& b, double tolerance) {
  REQUIRE(a.shape() == b.shape());
  return all(isclose(a, b, tolerance, tolerance)).item();
}

Tensor<double> difference_quotient(Case const& c, Tensor<double> const& x, Tensor<double> const& step) {
  double const h = 1e-6;
  return Tensor<double>((c.numbers(Tensor<double>(x + h * step)) - c.numbers(Tensor<double>(x - h * step))) / (2 * h));
}

}  // namespace

TEST_CASE("the tangent of every kernel is the difference quotient") {
  for (Case const& c : cases()) {
    CAPTURE(c.name);
    Tensor<double> const x = numbers(c.shape), step = numbers(c.shape, -1.1);
    Tensor<D> const y = c.duals(make_dual(x, step));
    CHECK(close(values(y), c.numbers(x), 1e-14));
    CHECK(close(tangents(y), difference_quotient(c, x, step), 1e-6));
  }
}

TEST_CASE("duals of duals go through kernels level by level") {
  // f(x) = sum of the elements of x x^T: its second derivative along s is 2 sum of the elements of s s^T.
  Tensor<double> const x = numbers({3, 4}), s = numbers({3, 4}, -1.1), none = zeros<double>({3, 4});
  Tensor<Dual<D>> const in = make_dual(make_dual(x, s), make_dual(s, none));
  Tensor<Dual<D>> const y = matmul(in, transpose(in, 0, 1));
  Tensor<double> const want = 2 * matmul(s, transpose(s, 0, 1));
  CHECK(close(tangents(tangents(y)), want, 1e-13));
}

TEST_CASE("an operand that does not vary meets no infinity of the other one") {
  Tensor<double> const x = tensor({std::numeric_limits<double>::infinity(), 1.0}).reshape({1, 2}), step = tensor({0.0, 1.0}).reshape({1, 2});
  Tensor<double> const w = tensor({2.0, 3.0}).reshape({2, 1});
  Tensor<D> const y = matmul(make_dual(x, step), make_dual(w, Tensor<double>(zeros<double>({2, 1}))));
  CHECK(tangents(y).item() == 3.0);
}
