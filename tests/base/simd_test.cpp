// SPDX-License-Identifier: MIT
// Every helper of base/simd.hpp against plain arithmetic, lane by lane.
#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <vector>
#include <wick/base/simd_exponent.hpp>

WICK_PRECISE_BEGIN  // also with -ffast-math a test means what it says

using namespace wick;

namespace {

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

// Distinct values in the lanes, some of them awkward.
template <class T>
std::vector<T> values(int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::uniform_real_distribution<T> uniform(-10, 10);
  std::vector<T> result(lanes<T>);
  for (T& x : result) x = uniform(random);
  return result;
}

template <class T>
std::vector<T> lanes_of(Batch<T> x) {
  std::vector<T> result(lanes<T>);
  simd::store(result.data(), x);
  return result;
}

template <class T>
bool same(T a, T b) {
  return simd::bits(a) == simd::bits(b);
}

}  // namespace

TEST_CASE("types: batches, masks and numbers are told apart") {
  static_assert(is_batch_v<Batch<float>> && !is_batch_v<Mask<float>> && !is_batch_v<float>);
  static_assert(is_mask_v<Mask<double> const&> && !is_mask_v<Batch<double>> && !is_mask_v<bool>);
  static_assert(std::is_same_v<lane_of_t<Batch<double>>, double> && std::is_same_v<lane_of_t<Mask<float>>, float>);
  static_assert(std::is_same_v<lane_of_t<int>, int> && Lane<float> && !Lane<int>);
  static_assert(std::is_trivially_copyable_v<Batch<float>>);
  CHECK(lanes<float> == 2 * lanes<double>);
}

TEST_CASE_TEMPLATE("load and store at any address, splat", T, float, double) {
  constexpr int n = lanes<T>;
  std::vector<T> from(2 * n + 1), to(2 * n + 1, T(-1));
  for (int i = 0; i < 2 * n + 1; ++i) from[i] = T(i);
  for (int offset = 0; offset <= n; ++offset) {
    simd::store(to.data() + offset, simd::load(from.data() + offset));
    for (int i = 0; i < n; ++i) CHECK(to[offset + i] == T(offset + i));
  }
  for (T x : lanes_of<T>(simd::splat<T>(T(2.5)))) CHECK(x == T(2.5));
}

TEST_CASE_TEMPLATE("bits: integer arithmetic on the representation", T, float, double) {
  using W = simd::Word<T>;
  constexpr int width = 8 * sizeof(T);
  auto a = values<T>(1), b = values<T>(2);
  a[0] = T(-0.0), b[0] = not_a_number<T>, a[lanes<T> - 1] = -infinity<T>;
  auto const x = simd::bits(simd::load(a.data())), y = simd::bits(simd::load(b.data()));
  auto const sum = lanes_of<T>(simd::from_bits<Batch<T>>(x + y)),
             difference = lanes_of<T>(simd::from_bits<Batch<T>>(x - y));
  auto const conjunction = lanes_of<T>(simd::from_bits<Batch<T>>(x & y));
  auto const either = lanes_of<T>(simd::from_bits<Batch<T>>(x | y)),
             one = lanes_of<T>(simd::from_bits<Batch<T>>(x ^ y));
  for (int i = 0; i < lanes<T>; ++i) {
    W const p = simd::bits(a[i]), q = simd::bits(b[i]);
    CHECK(simd::bits(sum[i]) == W(p + q));
    CHECK(simd::bits(difference[i]) == W(p - q));
    CHECK(simd::bits(conjunction[i]) == W(p & q));
    CHECK(simd::bits(either[i]) == W(p | q));
    CHECK(simd::bits(one[i]) == W(p ^ q));
  }
  for (int shift : {1, simd::fraction_bits<T> - 1, simd::fraction_bits<T>, width - 2, width - 1}) {
    auto const left = lanes_of<T>(simd::from_bits<Batch<T>>(x << shift));
    auto const right = lanes_of<T>(simd::from_bits<Batch<T>>(x >> shift));
    for (int i = 0; i < lanes<T>; ++i) {
      CHECK(simd::bits(left[i]) == W(simd::bits(a[i]) << shift));
      CHECK(simd::bits(right[i]) == W(simd::bits(a[i]) >> shift));
    }
  }
}

TEST_CASE_TEMPLATE("masks: comparison, logic, select, any, all, conversion", T, float, double) {
  auto a = values<T>(3), b = values<T>(4);
  a[1] = b[1] = T(1), a[0] = not_a_number<T>;
  auto const x = simd::load(a.data()), y = simd::load(b.data());
  auto const check = [&](Mask<T> mask, auto predicate) {
    auto const chosen = lanes_of<T>(simd::select<Batch<T>>(mask, x, y)), number = lanes_of<T>(simd::from_mask<T>(mask));
    bool any = false, all = true;
    for (int i = 0; i < lanes<T>; ++i) {
      bool const expected = predicate(a[i], b[i]);
      CHECK(same(chosen[i], expected ? a[i] : b[i]));
      CHECK(number[i] == T(expected));
      any = any || expected, all = all && expected;
    }
    CHECK(simd::any(mask) == any);
    CHECK(simd::all(mask) == all);
  };
  check(x < y, [](T p, T q) { return p < q; });
  check(x <= y, [](T p, T q) { return p <= q; });
  check(x > y, [](T p, T q) { return p > q; });
  check(x >= y, [](T p, T q) { return p >= q; });
  check(x == y, [](T p, T q) { return p == q; });
  check(simd::negate(x == y), [](T p, T q) { return p != q; });
  check((x < y) & (y > T(0)), [](T p, T q) { return p < q && q > 0; });
  check((x < y) | (y > T(0)), [](T p, T q) { return p < q || q > 0; });
  check(simd::exclusive_or(y > x, y > T(0)), [](T p, T q) { return (q > p) != (q > 0); });
  check(simd::to_mask<T>(x), [](T p, T) { return p != 0; });
  check(x == x, [](T p, T) { return p == p; });
  check(Mask<T>(true), [](T, T) { return true; });
  check(Mask<T>(false), [](T, T) { return false; });
  CHECK(!simd::all(simd::to_mask<T>(simd::splat<T>(T(-0.0)))));
  for (int lane = 0; lane < lanes<T>; ++lane) {  // a single lane is enough for any, and spoils all
    std::vector<T> only(lanes<T>, T(0));
    only[lane] = T(1);
    CHECK(simd::any(simd::to_mask<T>(simd::load(only.data()))));
    CHECK(!simd::all(simd::negate(simd::to_mask<T>(simd::load(only.data())))));
  }
}

TEST_CASE_TEMPLATE("fma, sqrt, clamp, polynomial", T, float, double) {
  auto a = values<T>(5), b = values<T>(6), c = values<T>(7);
  auto const x = simd::load(a.data()), y = simd::load(b.data()), z = simd::load(c.data());
  auto const sum = lanes_of<T>(simd::fma<Batch<T>>(x, y, z)), root = lanes_of<T>(simd::sqrt<Batch<T>>(x * x + T(2)));
  auto const four = lanes_of<T>(simd::polynomial<Batch<T>>(x, 1, 2, 3, 4));
  auto const five = lanes_of<T>(simd::polynomial<Batch<T>>(x, 1, 2, 3, 4, 5)),
             six = lanes_of<T>(simd::polynomial<Batch<T>>(x, 1, 2, 3, 4, 5, 6));
  constexpr T eps = std::numeric_limits<T>::epsilon();
  for (int i = 0; i < lanes<T>; ++i) {
    long double const p = a[i], exact = p * b[i] + c[i];
    CHECK(std::abs(sum[i] - exact) <= (simd::fused ? eps * std::abs(exact) : 200 * eps));
    CHECK(same(sum[i], simd::fma<T>(a[i], b[i], c[i])));
    CHECK(std::abs(root[i] - std::sqrt(p * p + 2)) <= eps * root[i] * 2);
    CHECK(std::abs(four[i] - (((p + 2) * p + 3) * p + 4)) <= 4000 * eps);
    CHECK(std::abs(five[i] - ((((p + 2) * p + 3) * p + 4) * p + 5)) <= 40000 * eps);
    CHECK(std::abs(six[i] - (((((p + 2) * p + 3) * p + 4) * p + 5) * p + 6)) <= 400000 * eps);
    CHECK(same(six[i], simd::polynomial<T>(a[i], 1, 2, 3, 4, 5, 6)));
  }
  for (int lane = 0; lane < lanes<T>; ++lane) {
    for (T value : {not_a_number<T>, infinity<T>, -infinity<T>, T(-0.0), T(0.25), T(3)}) {
      auto v = std::vector<T>(lanes<T>, T(0.5));
      v[lane] = value;
      T const held = lanes_of<T>(simd::clamp<Batch<T>>(simd::load(v.data()), T(-1), T(1)))[lane];
      T const below = lanes_of<T>(simd::at_most<Batch<T>>(simd::load(v.data()), T(1)))[lane];
      if (value != value) {
        CHECK(held != held);
        CHECK(below != below);
      } else {
        CHECK(held == std::min(std::max(value, T(-1)), T(1)));
        CHECK(below == std::min(value, T(1)));
      }
      CHECK(same(held, simd::clamp<T>(value, T(-1), T(1))));
      CHECK(same(below, simd::at_most<T>(value, T(1))));
    }
  }
}

TEST_CASE_TEMPLATE("scale: every exponent, subnormal numbers included", T, float, double) {
  using Limits = std::numeric_limits<T>;
  constexpr T q = T(0.375);
  int const low = Limits::min_exponent - Limits::digits - 2;
  for (int n = low; n <= Limits::max_exponent; ++n) {
    T const shifted = simd::round_magic<T> + T(n), expected = std::ldexp(T(1) + q, n);
    CHECK(same(simd::scale<T>(q, shifted), expected));
    CHECK(same(lanes_of<T>(simd::scale<Batch<T>>(q, shifted))[lanes<T> - 1], expected));
    if (n >= Limits::min_exponent && n < Limits::max_exponent) {
      CHECK(lanes_of<T>(simd::power_of_two<Batch<T>>(shifted))[0] == std::ldexp(T(1), n));
      CHECK(simd::power_of_two<T>(shifted, -1) == std::ldexp(T(1), n - 1));
    }
  }
  T const nan = simd::scale<T>(not_a_number<T>, simd::round_magic<T>);
  CHECK(nan != nan);
}

TEST_CASE_TEMPLATE("each_lane and the reductions", T, float, double) {
  auto a = values<T>(8), b = values<T>(9);
  auto const x = simd::load(a.data()), y = simd::load(b.data());
  auto const one = lanes_of<T>(simd::each_lane([](T p) { return p + 1; }, x));
  auto const two = lanes_of<T>(simd::each_lane([](T p, T q) { return p * q; }, x, y));
  long double sum = 0, product = 1;
  T largest = a[0], smallest = a[0];
  for (int i = 0; i < lanes<T>; ++i) {
    CHECK(one[i] == a[i] + 1);
    CHECK(two[i] == a[i] * b[i]);
    sum += a[i], product *= a[i];
    largest = std::max(largest, a[i]), smallest = std::min(smallest, a[i]);
  }
  constexpr T eps = std::numeric_limits<T>::epsilon();
  CHECK(std::abs(simd::reduce_add<T>(x) - sum) <= 100 * eps);
  CHECK(std::abs(simd::reduce_mul<T>(x) - product) <= 16 * eps * std::abs(product));
  CHECK(simd::reduce_max<T>(x) == largest);
  CHECK(simd::reduce_min<T>(x) == smallest);
  for (int lane = 0; lane < lanes<T>; ++lane) {
    auto v = a;
    v[lane] = not_a_number<T>;
    T const high = simd::reduce_max<T>(simd::load(v.data())), low = simd::reduce_min<T>(simd::load(v.data()));
    CHECK(high != high);
    CHECK(low != low);
    v[lane] = infinity<T>;
    CHECK(simd::reduce_max<T>(simd::load(v.data())) == infinity<T>);
    v[lane] = -infinity<T>;
    CHECK(simd::reduce_min<T>(simd::load(v.data())) == -infinity<T>);
  }
}
