// SPDX-License-Identifier: MIT
// The functions of math:: against the C library in higher precision: the error bounds of docs/math_error.md, the
// special values, and the batch against the plain number in every lane.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <limits>
#include <random>
#include <string>
#include <vector>
#include <wick/base/math.hpp>

#include "ulp.hpp"

WICK_PRECISE_BEGIN  // also with -ffast-math a test means what it says

using namespace wick;

namespace {

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

struct Worst {
  double batch = 0, scalar = 0, between = 0, at = 0;
};

template <class T, class F, class Exact>
Worst worst_error(F f, Exact exact) {
  Worst worst;
  auto const& x = ulp::samples<T>();
  T out[lanes<T>];
  for (std::size_t i = 0; i < x.size(); i += lanes<T>) {
    simd::store(out, f(simd::load(x.data() + i)));
    for (int j = 0; j < lanes<T>; ++j) {
      T const at = x[i + j], scalar = f(at);
      ulp::Wide<T> const reference = exact(static_cast<ulp::Wide<T>>(at));
      double const error = ulp::error<T>(out[j], reference);
      if (error > worst.batch) worst.batch = error, worst.at = at;
      worst.scalar = std::max(worst.scalar, ulp::error<T>(scalar, reference));
      worst.between = std::max(worst.between, ulp::error<T>(out[j], static_cast<ulp::Wide<T>>(scalar)));
    }
  }
  return worst;
}

// Set WICK_MATH_TABLE to print the rows of docs/math_error.md.
template <class F, class Exact>
void check(std::string const& name, double bound, F f, Exact exact) {
  Worst const single = worst_error<float>(f, exact), twice = worst_error<double>(f, exact);
  if (std::getenv("WICK_MATH_TABLE") != nullptr) {
    std::cout << "| " << name << std::fixed << std::setprecision(2) << " | " << single.batch << " | " << twice.batch
              << " |\n";
  }
  INFO(name, ": largest float error at ", single.at, ", largest double error at ", twice.at);
  CHECK(single.batch <= bound);
  CHECK(single.scalar <= bound);
  CHECK(twice.batch <= bound);
  CHECK(twice.scalar <= bound);
  CHECK(single.between <= std::max(2.0, 1.5 * bound));
  CHECK(twice.between <= std::max(2.0, 1.5 * bound));
}

#define WICK_CHECK_UNARY(name, bound) \
  check(                              \
      #name, bound, [](auto x) { return math::name(x); }, [](auto x) { return std::name(x); })

}  // namespace

TEST_CASE("exponentials stay within their error") {
  WICK_CHECK_UNARY(exp, 1.1);
  WICK_CHECK_UNARY(exp2, 1.5);
  WICK_CHECK_UNARY(expm1, 1.7);
  check(
      "sigmoid", 2, [](auto x) { return math::sigmoid(x); }, [](auto x) { return ulp::sigmoid(x); });
  check(
      "softplus", 2, [](auto x) { return math::softplus(x); }, [](auto x) { return ulp::softplus(x); });
}

TEST_CASE("logarithms stay within their error") {
  WICK_CHECK_UNARY(log, 1);
  WICK_CHECK_UNARY(log2, 2);
  WICK_CHECK_UNARY(log10, 2);
  WICK_CHECK_UNARY(log1p, 1.1);
}

TEST_CASE("trigonometric functions stay within their error") {
  // Without a fused multiply-add the reduction costs a little more.
  WICK_CHECK_UNARY(sin, simd::fused ? 2 : 2.2);
  WICK_CHECK_UNARY(cos, 2);
  WICK_CHECK_UNARY(tan, simd::fused ? 2 : 2.5);
  WICK_CHECK_UNARY(asin, 1.3);
  WICK_CHECK_UNARY(acos, 1.3);
  WICK_CHECK_UNARY(atan, 2);
}

TEST_CASE("hyperbolic and error functions stay within their error") {
  WICK_CHECK_UNARY(tanh, simd::fused ? 2 : 2.2);
  WICK_CHECK_UNARY(sinh, 1.7);
  WICK_CHECK_UNARY(cosh, 1.6);
  WICK_CHECK_UNARY(asinh, 1.2);
  WICK_CHECK_UNARY(acosh, 1.2);
  WICK_CHECK_UNARY(atanh, 2);
  WICK_CHECK_UNARY(erf, 1.5);
  WICK_CHECK_UNARY(erfc, 4);
  check(
      "gelu", 4, [](auto x) { return math::gelu(x); }, [](auto x) { return ulp::gelu(x); });
}

TEST_CASE("roots and rounding") {
  WICK_CHECK_UNARY(sqrt, 0.5);
  WICK_CHECK_UNARY(cbrt, simd::fused ? 1 : 1.5);
  check(
      "rsqrt", 1.5, [](auto x) { return math::rsqrt(x); }, [](auto x) { return 1 / std::sqrt(x); });
  WICK_CHECK_UNARY(floor, 0);
  WICK_CHECK_UNARY(ceil, 0);
  WICK_CHECK_UNARY(trunc, 0);
  check(
      "round", 0, [](auto x) { return math::round(x); }, [](auto x) { return std::nearbyint(x); });
  check(
      "abs", 0, [](auto x) { return math::abs(x); }, [](auto x) { return std::fabs(x); });
  check(
      "negate", 0, [](auto x) { return math::negate(x); }, [](auto x) { return -x; });
  check(
      "sign", 0, [](auto x) { return math::sign(x); },
      [](auto x) { return x > 0   ? decltype(x)(1)
                          : x < 0 ? decltype(x)(-1)
                                  : x; });
}

namespace {

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  return {T(0),
          T(-0.0),
          T(1),
          T(-1),
          T(0.5),
          T(-0.5),
          T(2),
          T(-2),
          T(3),
          T(-3),
          T(2.5),
          T(-2.5),
          infinity<T>,
          -infinity<T>,
          not_a_number<T>,
          T(1e30),
          T(-1e30),
          Limits::denorm_min(),
          -Limits::denorm_min(),
          Limits::min(),
          Limits::max(),
          Limits::lowest(),
          1 + Limits::epsilon(),
          1 - Limits::epsilon() / 2,
          T(8388609),
          T(16777217),
          T(9007199254740991)};
}

// f on all pairs of special values and on random ones, in the batch and as numbers.
template <class T, class F, class Exact, class Draw>
void check_binary(std::string const& name, double bound, F f, Exact exact, Draw draw, int count) {
  std::vector<T> a, b;
  for (T x : special_values<T>()) {
    for (T y : special_values<T>()) a.push_back(x), b.push_back(y);
  }
  std::mt19937_64 random(5);
  while (static_cast<int>(a.size()) < count || a.size() % lanes<T> != 0) {
    auto const [x, y] = draw(random);
    a.push_back(x), b.push_back(y);
  }
  Worst worst;
  double other = 0;
  T out[lanes<T>];
  for (std::size_t i = 0; i < a.size(); i += lanes<T>) {
    simd::store(out, f(simd::load(a.data() + i), simd::load(b.data() + i)));
    for (int j = 0; j < lanes<T>; ++j) {
      T const x = a[i + j], y = b[i + j];
      auto const reference =
          static_cast<ulp::Wide<T>>(exact(static_cast<ulp::Wide<T>>(x), static_cast<ulp::Wide<T>>(y)));
      double const error = ulp::error<T>(out[j], reference);
      if (error > worst.batch) worst.batch = error, worst.at = x, other = y;
      worst.scalar = std::max(worst.scalar, ulp::error<T>(f(x, y), reference));
    }
  }
  if (std::getenv("WICK_MATH_TABLE") != nullptr) {
    std::cout << "| " << name << (sizeof(T) == 4 ? " (float)" : " (double)") << " | " << worst.batch << " |\n";
  }
  INFO(name, ": largest error at ", worst.at, ", ", other);
  CHECK(worst.batch <= bound);
  CHECK(worst.scalar <= bound);
}

template <class T>
auto uniform_pair(double range) {
  return [range](std::mt19937_64& random) {
    std::uniform_real_distribution<double> uniform(-range, range);
    return std::pair<T, T>(static_cast<T>(uniform(random)), static_cast<T>(uniform(random)));
  };
}

}  // namespace

TEST_CASE_TEMPLATE("pow: error and the special values of C", T, float, double) {
  int turn = 0;
  auto const draw = [&turn](std::mt19937_64& random) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    double const limit = sizeof(T) == 4 ? 88 : 709;
    double const log = uniform(random) * (turn % 3 == 0 ? limit : turn % 3 == 1 ? 3 : 0.01);
    double base = std::exp(log), exponent = uniform(random) * 1.05 * limit / std::max(std::abs(log), 1e-6);
    if (++turn % 7 == 0) base = -base, exponent = std::nearbyint(exponent);
    return std::pair<T, T>(static_cast<T>(base), static_cast<T>(exponent));
  };
  auto const exact = [](auto x, auto y) { return std::pow(static_cast<long double>(x), static_cast<long double>(y)); };
  check_binary<T>(
      "pow", simd::fused ? 2 : 2.2, [](auto x, auto y) { return math::pow(x, y); }, exact, draw, 200000);
}

TEST_CASE_TEMPLATE("functions of two numbers", T, float, double) {
  auto const draw = uniform_pair<T>(10);
  auto const nan = [](auto x, auto y) { return x != x || y != y; };
  check_binary<T>(
      "atan2", 2, [](auto y, auto x) { return math::atan2(y, x); }, [](auto y, auto x) { return std::atan2(y, x); },
      draw, 20000);
  check_binary<T>(
      "hypot", 1.2, [](auto x, auto y) { return math::hypot(x, y); },
      [](auto x, auto y) { return std::hypot(static_cast<long double>(x), static_cast<long double>(y)); }, draw, 20000);
  check_binary<T>(
      "fmod", 0, [](auto x, auto y) { return math::fmod(x, y); }, [](auto x, auto y) { return std::fmod(x, y); }, draw,
      20000);
  check_binary<T>(
      "copysign", 0, [](auto x, auto y) { return math::copysign(x, y); },
      [](auto x, auto y) { return std::copysign(x, y); }, draw, 20000);
  // The wide type tells equal zeros apart no better than C does: leave their order to the next test.
  check_binary<T>(
      "maximum", 0, [](auto x, auto y) { return math::maximum(x, y) + lane_of_t<decltype(x)>(0); },
      [nan](auto x, auto y) { return nan(x, y) ? x + y : (x > y ? x : y) + 0; }, draw, 20000);
  check_binary<T>(
      "minimum", 0, [](auto x, auto y) { return math::minimum(x, y) + lane_of_t<decltype(x)>(0); },
      [nan](auto x, auto y) { return nan(x, y) ? x + y : (x < y ? x : y) + 0; }, draw, 20000);
}

TEST_CASE_TEMPLATE("remainder has the sign of the divisor", T, float, double) {
  T const cases[][3] = {{5, 3, 2},           {-5, 3, 1},           {5, -3, -1},         {-5, -3, -2}, {6, 3, 0},
                        {T(0.5), 2, T(0.5)}, {T(-0.5), 2, T(1.5)}, {7, infinity<T>, 7}, {-6, 3, 0}};
  for (auto const& [a, b, expected] : cases) {
    CAPTURE(a);
    CAPTURE(b);
    CHECK(math::remainder(a, b) == expected);
    T out[lanes<T>];
    simd::store(out, math::remainder(simd::splat<T>(a), simd::splat<T>(b)));
    for (T x : out) CHECK(x == expected);
  }
  CHECK(math::isnan(math::remainder(T(1), T(0))));
  CHECK(math::remainder(-5, 3) == 1);
  CHECK(math::remainder(5, -3) == -1);
  CHECK(math::remainder(5u, 3u) == 2u);
}

TEST_CASE_TEMPLATE("classification and comparison, in every lane", T, float, double) {
  for (int lane = 0; lane < lanes<T>; ++lane) {
    for (T value : special_values<T>()) {
      T x[lanes<T>], out[lanes<T>];
      std::fill(x, x + lanes<T>, T(1));
      x[lane] = value;
      auto const expect = [&](Mask<T> mask, bool in_lane, bool elsewhere) {
        simd::store(out, simd::from_mask<T>(mask));
        for (int i = 0; i < lanes<T>; ++i) CHECK(out[i] == T(i == lane ? in_lane : elsewhere));
      };
      auto const v = simd::load<T>(x);
      expect(math::isnan(v), ulp::is_nan(value), false);
      expect(math::is_nan(v), ulp::is_nan(value), false);
      expect(math::isinf(v), ulp::is_infinite(value), false);
      expect(math::isfinite(v), ulp::is_finite(value), true);
      expect(math::not_equal(v, 1), value != T(1), false);
      CHECK(math::isnan(value) == ulp::is_nan(value));
      CHECK(math::isinf(value) == ulp::is_infinite(value));
      CHECK(math::isfinite(value) == ulp::is_finite(value));
      CHECK(math::not_equal(value, 1) == (value != T(1)));
    }
  }
}

TEST_CASE_TEMPLATE("a special value in one lane leaves the others alone", T, float, double) {
  auto const check_lanes = [](auto f) {
    T const usual = f(T(0.75));
    for (T value : special_values<T>()) {
      T const alone = f(value);
      for (int lane = 0; lane < lanes<T>; ++lane) {
        T x[lanes<T>], out[lanes<T>];
        std::fill(x, x + lanes<T>, T(0.75));
        x[lane] = value;
        simd::store(out, f(simd::load<T>(x)));
        for (int i = 0; i < lanes<T>; ++i) CHECK(ulp::error<T>(out[i], i == lane ? alone : usual) <= 2);
      }
    }
  };
  check_lanes([](auto x) { return math::exp(x); });
  check_lanes([](auto x) { return math::exp2(x); });
  check_lanes([](auto x) { return math::expm1(x); });
  check_lanes([](auto x) { return math::sigmoid(x); });
  check_lanes([](auto x) { return math::log(x); });
  check_lanes([](auto x) { return math::log2(x); });
  check_lanes([](auto x) { return math::log10(x); });
  check_lanes([](auto x) { return math::log1p(x); });
  check_lanes([](auto x) { return math::sin(x); });
  check_lanes([](auto x) { return math::cos(x); });
  check_lanes([](auto x) { return math::tanh(x); });
  check_lanes([](auto x) { return math::sinh(x); });
  check_lanes([](auto x) { return math::cosh(x); });
  check_lanes([](auto x) { return math::erf(x); });
  check_lanes([](auto x) { return math::erfc(x); });
  check_lanes([](auto x) { return math::gelu(x); });
  check_lanes([](auto x) { return math::softplus(x); });
  check_lanes([](auto x) { return math::tan(x); });
  check_lanes([](auto x) { return math::asin(x); });
  check_lanes([](auto x) { return math::acos(x); });
  check_lanes([](auto x) { return math::atan(x); });
  check_lanes([](auto x) { return math::asinh(x); });
  check_lanes([](auto x) { return math::acosh(x); });
  check_lanes([](auto x) { return math::atanh(x); });
  check_lanes([](auto x) { return math::cbrt(x); });
  check_lanes([](auto x) { return math::hypot(x, T(2.5)); });
  check_lanes([](auto x) { return math::atan2(T(-2), x); });
  check_lanes([](auto x) { return math::pow(x, T(2.5)); });
  check_lanes([](auto x) { return math::pow(T(-2), x); });
  check_lanes([](auto x) { return math::round(x); });
  check_lanes([](auto x) { return math::sign(x); });
}

TEST_CASE("where, fma and literals of another type") {
  auto const x = simd::splat<float>(2);
  static_assert(std::is_same_v<decltype(math::where(x > 1, x, 0)), Batch<float>>);
  static_assert(std::is_same_v<decltype(math::where(x > 1, 1, 0.5)), Batch<float>>);
  static_assert(std::is_same_v<decltype(math::where(true, 1.f, 0.5)), float>);
  static_assert(std::is_same_v<decltype(math::where(true, 1, 0.5)), double>);
  static_assert(std::is_same_v<decltype(math::where(true, 1, 2)), int>);
  static_assert(std::is_same_v<decltype(math::maximum(x, 0)), Batch<float>>);
  static_assert(std::is_same_v<decltype(math::pow(2.0, x)), Batch<float>>);
  static_assert(std::is_same_v<decltype(math::fma(x, 2, 0.5)), Batch<float>>);
  CHECK(simd::reduce_max<float>(math::where(x > 1, x, 0)) == 2);
  CHECK(simd::reduce_max<float>(math::where(x > 3, x, 0.5)) == 0.5f);
  CHECK(math::where(false, 1, 2) == 2);
  CHECK(simd::reduce_add<float>(math::where(true, x, 0)) == 2 * lanes<float>);
  CHECK(math::fma(2.f, 3, 0.5) == 6.5f);
  CHECK(math::fma(2, 3, 4) == 10);
  CHECK(simd::reduce_min<float>(math::maximum(x, 3)) == 3);
  CHECK(math::maximum(-1, 2u) == std::max<unsigned>(static_cast<unsigned>(-1), 2u));
}

TEST_CASE("integers") {
  CHECK(math::abs(-3) == 3);
  CHECK(math::abs(3u) == 3u);
  CHECK(math::sign(-7) == -1);
  CHECK(math::sign(0L) == 0);
  CHECK(math::negate(5) == -5);
  CHECK(math::floor(5) == 5);
  CHECK(math::round(5) == 5);
  CHECK(math::fmod(-5, 3) == -2);
  CHECK(math::pow(3, 4) == 81);
  CHECK(math::pow(2, 0) == 1);
  CHECK(math::pow(2, -1) == 0);
  CHECK(math::pow(-1, -3) == -1);
  CHECK(math::pow(2u, 31u) == 2147483648u);
  CHECK(!math::isnan(1));
  CHECK(math::isfinite(1));
}

namespace user {

// A number that brings its functions, as a dual number or a formula does.
struct Number {
  double value;
};
Number exp(Number x) { return {std::exp(x.value) + 1000}; }
Number sigmoid(Number x) { return {x.value + 2000}; }
Number pow(Number x, int n) { return {x.value + n}; }
Number pow(double base, Number x) { return {base * x.value}; }
Number where(bool condition, Number a, int b) { return condition ? a : Number{static_cast<double>(b)}; }
bool isnan(Number x) { return x.value == 13; }

}  // namespace user

TEST_CASE("classes bring their own functions") {
  CHECK(math::exp(user::Number{0}).value == 1001);
  CHECK(math::sigmoid(user::Number{1}).value == 2001);
  CHECK(math::pow(user::Number{1}, 3).value == 4);
  CHECK(math::pow(2.0, user::Number{3}).value == 6);
  CHECK(math::where(false, user::Number{1}, 7).value == 7);
  CHECK(math::isnan(user::Number{13}));
}
