// SPDX-License-Identifier: MIT
// Numbers beside tensors of integers: compared as numbers, refused where they do not fit.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

using namespace wick;

namespace {

template <class T>
using L = std::numeric_limits<T>;

template <class F>
std::vector<bool> truths(F const& f) {
  Tensor<bool> const values = f;
  std::vector<bool> out;
  for (std::int64_t i = 0; i < values.numel(); ++i) out.push_back(values.view()[i]);
  return out;
}
using B = std::vector<bool>;

}  // namespace

TEST_CASE("integers are compared with numbers that their type cannot hold") {
  Tensor<std::uint8_t> const u = tensor<std::uint8_t>({0, 5, 255});
  CHECK(truths(u > -1) == B{true, true, true});
  CHECK(truths(-1 < u) == B{true, true, true});
  CHECK(truths(u < 256) == B{true, true, true});
  CHECK(truths(u == 261) == B{false, false, false});
  CHECK(truths(u != 261) == B{true, true, true});
  CHECK(truths(u <= -1) == B{false, false, false});
  CHECK(truths(u >= 5) == B{false, true, true});
  CHECK(truths(300 >= u) == B{true, true, true});
  CHECK(truths(u == 255u) == B{false, false, true});
  Tensor<std::int64_t> const l = tensor<std::int64_t>({L<std::int64_t>::min(), 0, L<std::int64_t>::max()});
  CHECK(truths(l < L<std::uint64_t>::max()) == B{true, true, true});
  CHECK(truths(l == std::uint64_t{1} << 63) == B{false, false, false});
  Tensor<std::uint64_t> const big = tensor<std::uint64_t>({0, L<std::uint64_t>::max()});
  CHECK(truths(big > -1) == B{true, true});
  CHECK(truths(big > l(Slice(0, 2))) == B{true, true});  // 0 > -2^63, 2^64 - 1 > 0
  CHECK(truths(big == tensor<std::int64_t>({0, -1})) == B{true, false});
  CHECK(truths(tensor<std::int8_t>({-1, 127}) < tensor<std::uint8_t>({255, 127})) == B{true, false});
  CHECK(truths(tensor({true, false}) == 1) == B{true, false});
  CHECK(truths(tensor({true, false}) < 2) == B{true, true});
}

TEST_CASE("integers are compared with floating numbers without rounding either") {
  double const inf = INFINITY, nan = NAN, two63 = 0x1p63;
  Tensor<std::int64_t> const l = tensor<std::int64_t>({L<std::int64_t>::min(), -3, 16777217, (1l << 53) + 1, L<std::int64_t>::max()});
  for (double const x : {-inf, -two63, -0x1.8p63, -3., -2.5, -3.5, 0.5, 16777216., 16777217., 16777217.5, 0x1p53, 0x1p53 + 2, two63, 2 * two63, inf, nan}) {
    CAPTURE(x);
    auto const expected = [&](auto const& relation) {
      B out;
      for (std::int64_t i = 0; i < 5; ++i) out.push_back(relation(static_cast<long double>(l.view()[i]), static_cast<long double>(x)));  // of 64 bits
      return out;
    };
    CHECK(truths(l < x) == expected(std::less<>()));
    CHECK(truths(l <= x) == expected(std::less_equal<>()));
    CHECK(truths(l > x) == expected(std::greater<>()));
    CHECK(truths(l >= x) == expected(std::greater_equal<>()));
    CHECK(truths(l == x) == expected(std::equal_to<>()));
    CHECK(truths(x != l) == expected(std::not_equal_to<>()));
    CHECK(truths(x < l) == expected(std::greater<>()));
    CHECK(truths(x >= l) == expected(std::less_equal<>()));
  }
  CHECK(truths(l == 16777216.f) == B{false, false, false, false, false});
  CHECK(truths(tensor<std::uint8_t>({0, 255}) < 254.5) == B{true, false});
  CHECK(truths(tensor<std::uint8_t>({0, 255}) >= -0.5f) == B{true, true});
  CHECK(truths(tensor<std::int32_t>({16777217, -1}) == 16777216.) == B{false, false});
  CHECK(truths(tensor<std::int64_t>({(1l << 53) + 1}) == tensor({0x1p53})) == B{false});
  CHECK(truths(tensor({true, false}) < tensor({0.5, 0.5})) == B{false, true});
}

TEST_CASE("the larger and the smaller one, a number or NaN beside a tensor") {
  Tensor<float> const one = tensor({-1.f}), x = tensor({NAN, 1.f, 3.f}), y = tensor({2.f, NAN, 2.f});
  CHECK(truths(fmax(one, 0.) == 0.) == B{true});
  CHECK(truths(fmin(0., one) == -1.) == B{true});
  CHECK(truths(fmax(x, y) == tensor({2.f, 1.f, 3.f})) == B{true, true, true});
  CHECK(truths(fmin(x, y) == tensor({2.f, 1.f, 2.f})) == B{true, true, true});
  CHECK(truths(fmax(tensor({1, 5}), 3) == tensor({3, 5})) == B{true, true});
  CHECK_THROWS_WITH_AS(fmax(x, ones<float>({2})), doctest::Contains("fmax: (3,) and (2,) do not broadcast"), Error);
  Variable<float> const v = x, w = y;
  backward(sum(fmax(v, w)));
  CHECK(truths(v.grad() == tensor({0.f, 1.f, 1.f})) == B{true, true, true});
  CHECK(truths(w.grad() == tensor({1.f, 0.f, 0.f})) == B{true, true, true});
}

TEST_CASE("isclose of integers is exact, and takes a number on either side") {
  auto const u = [](std::initializer_list<std::uint8_t> x) { return tensor<std::uint8_t>(x); };
  CHECK(truths(isclose(u({3, 5, 0}), u({5, 3, 255}), 0, 2)) == B{true, true, false});
  using I = std::int32_t;
  CHECK(truths(isclose(tensor<I>({L<I>::max(), L<I>::min(), L<I>::min(), -1}), tensor<I>({L<I>::min(), L<I>::max(), L<I>::min(), 1}), 0, 2)) ==
        B{false, false, true, true});
  using W = std::int64_t;
  CHECK(truths(isclose(tensor<W>({L<W>::max(), L<W>::max(), L<W>::min()}), tensor<W>({L<W>::max() - 1, L<W>::max(), L<W>::max()}), 0, 0)) ==
        B{false, true, false});
  Tensor<float> const x = tensor({1.f, 1.000005f, 2.f, INFINITY, NAN});
  CHECK(truths(isclose(x, 1.0)) == B{true, true, false, false, false});
  CHECK(truths(isclose(1, x)) == B{true, true, false, false, false});
  CHECK(truths(isclose(x, INFINITY)) == B{false, false, false, true, false});
  CHECK(truths(isclose(u({3, 5, 255}), 257, 0, 2)) == B{false, false, true});
}

TEST_CASE("every function of two arguments takes a number on either side") {
  Tensor<float> const x = tensor({0.5f, 2.f});
  auto const check = [&](auto const& f) {
    Tensor<float> const two = tensor({2.f, 2.f});
    CHECK(truths(f(x, 2.0) == f(x, two)) == B{true, true});
    CHECK(truths(f(2.0, x) == f(two, x)) == B{true, true});
  };
  check([](auto const& a, auto const& b) { return a + b; });
  check([](auto const& a, auto const& b) { return a - b; });
  check([](auto const& a, auto const& b) { return a * b; });
  check([](auto const& a, auto const& b) { return a / b; });
  check([](auto const& a, auto const& b) { return pow(a, b); });
  check([](auto const& a, auto const& b) { return atan2(a, b); });
  check([](auto const& a, auto const& b) { return maximum(a, b); });
  check([](auto const& a, auto const& b) { return minimum(a, b); });
  check([](auto const& a, auto const& b) { return where(b > 1, a, b); });
  check([](auto const& a, auto const& b) { return eq(a, b); });
  check([](auto const& a, auto const& b) { return ne(a, b); });
  check([](auto const& a, auto const& b) { return lt(a, b); });
  check([](auto const& a, auto const& b) { return le(a, b); });
  check([](auto const& a, auto const& b) { return gt(a, b); });
  check([](auto const& a, auto const& b) { return ge(a, b); });
  check([](auto const& a, auto const& b) { return logical_and(a, b); });
  check([](auto const& a, auto const& b) { return logical_or(a, b); });
  check([](auto const& a, auto const& b) { return isclose(a, b); });
}

TEST_CASE("a number that does not fit is refused, with a sentence") {
  Tensor<std::uint8_t> u = tensor<std::uint8_t>({1, 2});
  CHECK_THROWS_WITH_AS(Tensor<std::uint8_t>(u + 300),
                       "add: the number 300 does not fit into an element of type uint8; convert the tensor or the number first", Error);
  CHECK_THROWS_AS(Tensor<std::uint8_t>(u * -1), Error);
  CHECK_THROWS_AS(Tensor<std::uint8_t>(maximum(-1, u)), Error);
  CHECK_THROWS_WITH_AS(u = 256, doctest::Contains("the number 256 does not fit into an element of type uint8"),
                       Error);
  CHECK_THROWS_AS(u[0] = -1, Error);
  CHECK_THROWS_AS(u += 256, Error);
  CHECK_THROWS_AS(Tensor<std::int32_t>(1e10), Error);
  CHECK_THROWS_AS(Tensor<std::int8_t>(128), Error);
  CHECK_THROWS_AS(full<std::uint8_t>({2}, 300), Error);
  CHECK(full<std::uint8_t>({2}, 200.5)[1].item() == 200);
  CHECK_THROWS_AS(Tensor<std::int64_t>(0x1p63), Error);
  CHECK_THROWS_AS(Tensor<std::int32_t>(NAN), Error);
  CHECK(u[0].item() == 1);
  CHECK(Tensor<std::uint8_t>(u + 254)[0].item() == 255);
  CHECK(Tensor<std::int64_t>(-0x1p63).item() == L<std::int64_t>::min());
  CHECK(Tensor<std::int32_t>(2.9).item() == 2);
  CHECK(Tensor<std::int8_t>(-128.9).item() == -128);
  CHECK(Tensor<std::int64_t>(tensor({true, false}) + 300)[0].item() == 301);
}

TEST_CASE("an integer to a negative power") {
  Tensor<std::int32_t> const x = tensor({2, 1, -1, 0});
  CHECK_THROWS_WITH_AS(Tensor<std::int32_t>(pow(x, -1)),
                       "pow: integers to a negative power (-1) are no integers; convert the tensor to a floating-point type", Error);
  CHECK(Tensor<std::int32_t>(pow(x, 3))[0].item() == 8);
  CHECK(Tensor<float>(pow(x, -1.0))[0].item() == 0.5f);
}

TEST_CASE("complex tensors: numbers beside them, magnitudes, quotients") {
  using C = std::complex<float>;
  Tensor<C> const z = tensor<C>({C(3, 4), C(0, 2)});
  CHECK(Tensor<C>(z * 2)[0].item() == C(6, 8));
  CHECK(Tensor<C>(1 / z)[1].item() == C(0, -0.5f));
  CHECK(Tensor<C>(z * 2.5 + C(0, 1))[0].item() == C(7.5f, 11));
  CHECK(Tensor<C>(reciprocal(z))[1].item() == C(0, -0.5f));
  CHECK(Tensor<float>(abs(z))[0].item() == 5);
  CHECK(Tensor<C>(mean(z)).item() == C(1.5f, 3));
  CHECK(Tensor<C>(tensor({1.f, 2.f}) * std::complex<double>(0, 1))[1].item() == C(0, 2));
  CHECK(truths(z == C(0, 2)) == B{false, true});
}
