// SPDX-License-Identifier: MIT
// What people type first: methods, numbers from tensors of one element, loops over rows, tensors from vectors.
#include <doctest/doctest.h>

#include <span>
#include <vector>

#include <wick/wick.hpp>

#include "../reading.hpp"
using namespace wick;

namespace {

using testing::elements;
using Floats = std::vector<float>;

char const* pick(Tensor<float> const&) { return "float"; }
char const* pick(Tensor<double> const&) { return "double"; }

}  // namespace

TEST_CASE("methods are the functions of their names") {
  Tensor<float> const x = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  CHECK(elements<float>(x.sum(0)) == Floats{5, 7, 9});
  CHECK(elements<float>(x.sum({0, 1}, {.keepdim = true})) == Floats{21});
  CHECK((x.argmax().item() == 5 && x.argmin(1)(1).item() == 0));
  CHECK((x.view({3, -1}).shape() == Dims(3, 2) && x.flatten().dim() == 1 && x.unsqueeze(0).squeeze().dim() == 2));
  // The type says which function it was.
  static_assert(std::is_same_v<decltype(x.sum()), decltype(sum(x))> && std::is_same_v<decltype(x.mean(0)), decltype(mean(x, 0))>);
  static_assert(std::is_same_v<decltype(x.prod()), decltype(prod(x))> && std::is_same_v<decltype(x.norm(0)), decltype(norm(x, 0))>);
  static_assert(std::is_same_v<decltype(x.max()), decltype(max(x))> && std::is_same_v<decltype(x.min(0)), decltype(min(x, 0))>);
  static_assert(std::is_same_v<decltype((x > 5).any()), decltype(any(x > 5))> && std::is_same_v<decltype((x > 5).all(0)), decltype(all(x > 5, 0))>);
  // Of formulas, views, parts and variables.
  auto const f = x * 2 + 1;
  CHECK(elements<float>(f.sum(1)) == Floats{15, 33});
  CHECK(elements<float>(f.view({3, 2})[0]) == Floats{3, 5});
  CHECK(elements<float>(f.t()) == Floats{3, 9, 5, 11, 7, 13});
  CHECK(elements<float>(f.reshape({3, 2}).transpose(0, 1)) == Floats{3, 7, 11, 5, 9, 13});
  Tensor<float> y = x;
  CHECK((y.view().sum().item() == 21 && y[1].sum().item() == 15));
  Variable<float> v = x;
  (v.t().reshape({6}) * tensor({1.f, 2.f, 3.f, 4.f, 5.f, 6.f})).sum().backward();
  CHECK(elements(v.grad()) == Floats{1, 3, 5, 2, 4, 6});
  v.zero_grad();
  Variable<float> z = v.sum();
  z.backward({.retain_graph = true});
  z.backward(tensor(2.f));
  CHECK(elements(v.grad()) == Floats(6, 3));
  auto const [values, indices] = x.max(1);
  CHECK((elements<float>(values) == Floats{3, 6} && elements(indices) == std::vector<std::int64_t>{2, 2}));
  auto const [least, where_least] = min(x, 0, {.keepdim = true});
  CHECK((least.shape() == Dims(1, 3) && where_least.shape() == Dims(1, 3) && where_least(0, 2).item() == 0));
  CHECK_THROWS_AS(get<1>(max(x, {0, 1})), Error);
}

TEST_CASE("regions of formulas") {
  Tensor<float> const a = arange<float>(24).reshape({2, 3, 4}), column = tensor({{10.f}, {20.f}, {30.f}}), row = tensor({1.f, 2.f, 3.f, 4.f});
  float memory[3] = {100, 200, 300};
  View<float const> const v(memory, {3, 1});
  auto const f = a * 2 + column - row + v + Fixed<float, 1, 4>(5, 6, 7, 8);
  Tensor<float> const all = f;
  CHECK(elements<float>(f(1, Slice(0, 3, 2), Slice({}, {}, -1))) == elements(all(1, Slice(0, 3, 2), Slice({}, {}, -1))));
  CHECK(elements<float>(f[-1]) == elements(all[-1]));
  CHECK(elements<float>(f(Ellipsis, newaxis, 2)) == elements(all(Ellipsis, newaxis, 2)));
  CHECK(f(Ellipsis, newaxis, 2).shape() == Dims(2, 3, 1));
  CHECK(f(1, 2, 3).item() == all(1, 2, 3).item());
  static_assert(!LazyNode<decltype(f(0))>);  // no more than the region is computed
  CHECK_THROWS_WITH_AS(f(2), "index: 2 is out of range for dimension 0 of a tensor of shape (2, 3, 4)", Error);
  // What is computed as a whole, and what a gradient flows through.
  CHECK(elements<float>((a - max(a, 0))(0, 2)) == Floats(4, -12));
  CHECK(elements<float>(sum(a, 0)(1)) == Floats{20, 22, 24, 26});
  Variable<float> w = tensor({{1.f, 2.f}, {3.f, 4.f}});
  (w * 2)(0, Slice()).sum().backward();
  CHECK(elements(w.grad()) == Floats{2, 2, 0, 0});
}

TEST_CASE("one element is a number of its own type") {
  Tensor<float> x = tensor({{1.f, 2.f}, {3.f, 4.f}});
  Tensor<float> const& c = x;
  float const a = sum(x), b = x(0, 1), d = c(1, 0), e = x.max(), f = 2 * x(1, 1) + 1;
  CHECK((a == 10 && b == 2 && d == 3 && e == 4 && f == 9));
  bool const any_large = any(x > 3);
  int count = 0;
  if (any_large && x(0, 0) > 0.5 && !(c(1, 1) < 4)) ++count;
  while (sum(x) < 20) x += 1, ++count;
  CHECK(count == 4);
  CHECK_THROWS_WITH_AS(static_cast<void>(static_cast<float>(x * 2)), "item: a tensor of shape (2, 2) is not a single number", Error);
  Variable<float> w = 3.f;
  CHECK(static_cast<float>(w) == 3);
  CHECK(static_cast<float>(w * 2) == 6);
  if (w > 2) ++count;
  CHECK(count == 5);
  // Nothing is converted by the way, and nothing silently through a variable.
  static_assert(std::is_convertible_v<Tensor<float>, float> && !std::is_convertible_v<Tensor<float>, double> && !std::is_convertible_v<Tensor<float>, int>);
  static_assert(!std::is_convertible_v<decltype(x + 1), bool> && std::is_convertible_v<decltype(x > 1), bool>);
  static_assert(!std::is_convertible_v<Variable<float>, float> && !std::is_convertible_v<decltype(w * 2), float>);
  // Elements of another type are another overload's.
  static_assert(!std::is_convertible_v<Tensor<float>, Tensor<double>> && !std::is_convertible_v<View<float>, Tensor<double>>);
  static_assert(!std::is_convertible_v<Part<float>, Tensor<double>> && !std::is_convertible_v<Variable<float>, Variable<double>>);
  CHECK(std::string(pick(x)) + pick(x.view()) + pick(x[0]) + pick(zeros<double>({1})) == "floatfloatfloatdouble");
}

TEST_CASE("loops over rows") {
  Tensor<float> x = tensor({{1.f, 2.f}, {3.f, 4.f}});
  Floats sums;
  for (auto row : x) {
    row = row * 100;  // a value: x stays
    sums.push_back(row.sum());
  }
  for (float element : x[1]) sums.push_back(element);
  CHECK(sums == Floats{300, 700, 3, 4});
  for (auto row : x.view()) row *= 10;
  CHECK(elements(x) == Floats{10, 20, 30, 40});
  Variable<float> w = x;
  for (auto row : w) row.sum().backward();
  CHECK(elements(w.grad()) == Floats{1, 1, 1, 1});
  CHECK_THROWS_WITH_AS(([] { for (auto row : tensor(1.f)) static_cast<void>(row); }()),
                       "begin: a tensor of no dimensions has no parts to walk over; item() gives its number", Error);
}

TEST_CASE("tensors from vectors, vectors of variables") {
  Floats const values{1, 2, 3, 4, 5, 6};
  CHECK(tensor(values).shape() == Dims(6));
  CHECK(elements(tensor(std::vector<std::vector<int>>{{1, 2}, {3, 4}})) == std::vector<int>{1, 2, 3, 4});
  CHECK(elements(tensor(std::vector<bool>{true, false})) == std::vector<bool>{true, false});
  CHECK_THROWS_AS(tensor(std::vector<std::vector<int>>{{1, 2}, {3}}), Error);
  CHECK(Tensor<float>(values, {2, 3})(1, 0).item() == 4);
  CHECK(Tensor<float>(std::span(values).first(2), {2, 1})(1, 0).item() == 2);
  CHECK_THROWS_WITH_AS((Tensor<float>(values, {4})), "tensor: 6 elements do not fill the shape (4,)", Error);

  std::vector<Variable<float>> parts;
  for (int i = 0; i < 5; ++i) parts.push_back(full<float>({2}, static_cast<float>(i)));
  Variable<float> const rows = stack(parts), line = cat(parts), columns = stack(parts, -1);
  CHECK((rows.shape() == Dims(5, 2) && line.shape() == Dims(10) && columns.shape() == Dims(2, 5)));
  for (int i = 0; i < 5; ++i) CHECK((rows.value()(i, 1).item() == i && line.value()(2 * i).item() == i && columns.value()(0, i).item() == i));
  rows.backward(arange<float>(10).reshape({5, 2}));
  columns.backward(arange<float>(10).reshape({2, 5}));
  for (int i = 0; i < 5; ++i) CHECK(elements(parts[static_cast<std::size_t>(i)].grad()) == Floats{3.f * static_cast<float>(i), 3.f * static_cast<float>(i) + 6});
  CHECK_THROWS_AS(cat(std::vector<Variable<float>>()), Error);
  CHECK_THROWS_AS(stack(std::vector<Variable<float>>{parts[0], Variable<float>(1.f)}), Error);
}

TEST_CASE("a choice between two numbers") {
  Tensor<bool> const mask = tensor({true, false});
  static_assert(std::is_same_v<decltype(where(mask, 1, 0))::value_type, int> && std::is_same_v<decltype(where(mask, 1L, 0))::value_type, std::int64_t>);
  static_assert(std::is_same_v<decltype(where(mask, 1., 0))::value_type, float>);
  Tensor<std::int64_t> const a = where(mask, 1, 0);
  Tensor<float> const b = where(mask, 1, 0);
  Tensor<double> c = zeros<double>({2});
  c(Slice()) = where(mask, 3, -3);
  CHECK((elements(a) == std::vector<std::int64_t>{1, 0} && elements(b) == Floats{1, 0} && elements(c) == std::vector<double>{3, -3}));
  CHECK(sum(where(mask, 1, 0)).dtype() == Dtype::int64);
}
