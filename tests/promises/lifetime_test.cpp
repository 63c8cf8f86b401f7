// SPDX-License-Identifier: MIT
// `auto` names a formula, and a formula owns what it refers to: it may be returned, stored, moved and evaluated long
// after the tensors and temporaries it was written with are gone. Meant for the address sanitizer.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

Tensor<float> counted(Dims const& shape) {
  return Tensor<float>(arange<float>(static_cast<float>(shape.numel()))).reshape(shape);
}

// Overwrites what the pool would hand out next, so that a dangling operand is seen without a sanitizer too.
template <class F>
Tensor<float> value_of(F const& formula) {
  std::vector<Tensor<float>> noise;
  for (int i = 0; i < 20; ++i) noise.push_back(full<float>({6}, -1000)), noise.push_back(full<float>({2, 3}, -1000));
  return formula;
}
template <class F>
void check(F const& formula, std::vector<float> const& expected) {
  Tensor<float> const value = value_of(formula);
  REQUIRE(value.numel() == static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(value.data()[i] == doctest::Approx(expected[i]));
}

auto over_locals() {
  Tensor<float> const a = counted({6}), b = counted({6});
  float const c = 3;
  return a * c + b;
}
auto over_argument(Tensor<float> v) {
  float c = 3;
  return exp(v) * c;
}
auto over_temporaries() { return (counted({6}) + counted({6})) * (full<float>({6}, 2) + 1); }
auto over_parts() {
  Tensor<float> z = counted({4, 6});
  auto const part = z[1];
  auto formula = part + z(2) - z(Slice(0, 1), Slice());
  z[1] = 100;
  return formula;
}
auto over_views_of_values() { return counted({3, 2}).t() + counted({6}).reshape({2, 3})(Slice({}, {}, -1)); }
auto over_reductions() {
  Tensor<float> const x = counted({2, 3});
  auto const centred = x - mean(x, {1}, {.keepdim = true});
  return centred * sum(x);
}
auto over_fixed() {
  Fixed<float, 2> const f(1.f, 2.f);
  return f * 2 + Fixed<float, 2>(10.f, 20.f);
}
auto over_known() {
  Tensor<float, Shape<2, Dyn>> const x = counted({2, 3});
  return x + x * 2;
}
template <class F>
auto deeper(F formula) {
  auto const half = formula * 0.5f;
  return half + 1;
}

}  // namespace

TEST_CASE("formulas outlive the function that made them") {
  check(over_locals(), {0, 4, 8, 12, 16, 20});
  auto const kept = over_locals();
  check(kept, {0, 4, 8, 12, 16, 20});
  check(kept, {0, 4, 8, 12, 16, 20});
  check(over_argument(zeros<float>({2})), {3, 3});
  check(over_temporaries(), {0, 6, 12, 18, 24, 30});
  check(over_parts(), {18, 19, 20, 21, 22, 23});
  check(over_views_of_values(), {3, 6, 9, 1, 4, 7});
  check(over_reductions(), {-15, 0, 15, -15, 0, 15});
  check(over_fixed(), {12, 24});
  check(over_known(), {0, 3, 6, 9, 12, 15});
  check(deeper(deeper(over_locals())), {1.5, 2.5, 3.5, 4.5, 5.5, 6.5});
}

TEST_CASE("row formulas and reductions are kept like any other") {
  auto const rows = [] {
    Tensor<float> const x = zeros<float>({2, 4});
    return softmax(tanh(x) * 2, 1);
  }();
  check(rows, {0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25});
  auto const total = [] { return sum(counted({6}) * counted({6}), {0}, {.keepdim = true}); }();
  check(total, {55});
  check(total * 2 + total, {165});
  auto const normal = [] {
    auto const x = counted({1, 3});
    return layer_norm(x, ones<float>({3}), full<float>({3}, 1), {.eps = 0});
  }();
  check(normal, {1 - 1.2247449f, 1, 1 + 1.2247449f});
}

TEST_CASE("formulas are copied, moved and stored") {
  using F = decltype(over_locals());
  std::vector<F> many;
  for (int i = 0; i < 10; ++i) many.push_back(over_locals());
  F moved = std::move(many.front());
  many.clear();
  check(moved, {0, 4, 8, 12, 16, 20});
  auto const on_heap = std::make_unique<F>(moved);
  auto const later = [formula = std::move(moved)] { return value_of(formula); };
  check(later(), {0, 4, 8, 12, 16, 20});
  check(*on_heap, {0, 4, 8, 12, 16, 20});
  std::function<Tensor<float>()> erased = later;
  check(erased(), {0, 4, 8, 12, 16, 20});
  auto [first, second] = std::pair(over_locals(), over_parts());
  check(first + second, {18, 23, 28, 33, 38, 43});
}

TEST_CASE("operands may go or change while the formula stays") {
  auto x = std::make_unique<Tensor<float>>(counted({3}));
  auto const formula = *x * 2 + (*x)(Slice({}, {}, -1));
  *x += 100;
  x->data()[0] = -5;
  check(formula, {2, 3, 4});
  x.reset();
  check(formula, {2, 3, 4});
  Tensor<float> y = counted({3});
  auto const scaled = y * 10;
  y = scaled;
  check(scaled, {0, 10, 20});
  y = std::move(y) + 1;
  check(y, {1, 11, 21});
  check(scaled, {0, 10, 20});
  Tensor<float> z = counted({3});
  auto const of_moved = std::move(z) + 1;
  check(of_moved, {1, 2, 3});
  z = of_moved;
  check(z, {1, 2, 3});
}

TEST_CASE("loops that feed themselves") {
  Tensor<float> h = zeros<float>({2, 3});
  for (int i = 0; i < 50; ++i) {
    auto const step = h * 0.5f + counted({2, 3});
    auto const centred = step - mean(step, {1}, {.keepdim = true});
    h = centred;
  }
  check(h, {-2, 0, 2, -2, 0, 2});
}

TEST_CASE("scalars are kept by value") {
  auto const make = [] {
    double local = 2;
    int const count = 3;
    return maximum(counted({3}) * local, count) + where(counted({3}) > 1, local, static_cast<double>(count));
  };
  check(make(), {6, 6, 6});
}
