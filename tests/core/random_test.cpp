// SPDX-License-Identifier: MIT
// Random numbers: the generator's published test vectors, the distributions, and that streams repeat.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

// Kolmogorov and Smirnov's distance between a sample and a distribution function.
template <class T, class Cdf>
double distance_from(Tensor<T> const& sample, Cdf cdf) {
  std::vector<double> sorted(sample.data(), sample.data() + sample.numel());
  std::sort(sorted.begin(), sorted.end());
  auto const n = static_cast<double>(sorted.size());
  double worst = 0, i = 0;
  for (double x : sorted) {
    worst = std::max({worst, std::fabs(cdf(x) - i / n), std::fabs((i + 1) / n - cdf(x))});
    ++i;
  }
  return worst;
}
template <class T>
double moment(Tensor<T> const& x, double about, int power) {
  double total = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) total += std::pow(static_cast<double>(x.data()[i]) - about, power);
  return total / static_cast<double>(x.numel());
}
double neighbours_correlation(Tensor<double> const& x, std::int64_t lag) {
  double const centre = moment(x, 0, 1), spread = moment(x, centre, 2);
  double total = 0;
  for (std::int64_t i = 0; i + lag < x.numel(); ++i) total += (x.data()[i] - centre) * (x.data()[i + lag] - centre);
  return total / static_cast<double>(x.numel() - lag) / spread;
}

// The vectors of Random123's kat_vectors file.
using Counter = std::array<std::uint32_t, 4>;
constexpr std::uint32_t ones32 = 0xffffffff;
static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32({ones32, ones32, ones32, ones32}, {ones32, ones32}) ==
              Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

constexpr std::int64_t many = 200000;
// The distance that a true sample of this size exceeds once in ten thousand.
double const allowed = 2.23 / std::sqrt(static_cast<double>(many));

}  // namespace

TEST_CASE_TEMPLATE("uniform numbers", T, float, double) {
  manual_seed(7);
  Tensor<T> const x = rand<T>({many});
  CHECK(*std::min_element(x.data(), x.data() + many) >= 0);
  CHECK(*std::max_element(x.data(), x.data() + many) < 1);
  CHECK(distance_from(x, [](double v) { return v; }) < allowed);
  CHECK(moment(x, 0, 1) == doctest::Approx(0.5).epsilon(0.005));
  CHECK(moment(x, 0.5, 2) == doctest::Approx(1. / 12).epsilon(0.01));
}

TEST_CASE_TEMPLATE("numbers of 16 bits", T, float16, bfloat16) {
  manual_seed(9);
  Tensor<T> const x = rand<T>({many}), y = randn<T>({many});
  CHECK(*std::min_element(x.data(), x.data() + many) >= 0);
  CHECK(*std::max_element(x.data(), x.data() + many) < 1);  // 1 itself is never drawn, however coarse the numbers
  double const step = std::numeric_limits<T>::epsilon();
  CHECK(moment(x, 0, 1) == doctest::Approx(0.5 - step / 4).epsilon(0.005));
  CHECK(moment(x, 0.5 - step / 4, 2) == doctest::Approx(1. / 12).epsilon(0.01));
  CHECK(std::fabs(moment(y, 0, 1)) < 0.01);
  CHECK(moment(y, 0, 2) == doctest::Approx(1).epsilon(0.02));
}

TEST_CASE_TEMPLATE("normal numbers", T, float, double) {
  manual_seed(8);
  Tensor<T> const x = randn<T>({many / 4, 4});
  CHECK(distance_from(x, [](double v) { return 0.5 * std::erfc(-v / std::sqrt(2.)); }) < allowed);
  CHECK(std::fabs(moment(x, 0, 1)) < 0.01);
  CHECK(moment(x, 0, 2) == doctest::Approx(1).epsilon(0.02));
  CHECK(std::fabs(moment(x, 0, 3)) < 0.05);
  CHECK(moment(x, 0, 4) == doctest::Approx(3).epsilon(0.03));
}

TEST_CASE("neighbours have nothing to do with each other") {
  manual_seed(9);
  Tensor<double> const x = rand<double>({many}), y = randn<double>({many});
  for (std::int64_t lag : {1, 2, 3, 4, 8}) {
    CHECK(std::fabs(neighbours_correlation(x, lag)) < 0.01);
    CHECK(std::fabs(neighbours_correlation(y, lag)) < 0.01);
  }
}

TEST_CASE("double uses more bits than float has") {
  manual_seed(10);
  Tensor<double> const x = rand<double>({1000});
  int fine = 0;
  for (std::int64_t i = 0; i < 1000; ++i) fine += x.data()[i] * 0x1p32 != std::floor(x.data()[i] * 0x1p32);
  CHECK(fine > 990);
}

TEST_CASE("the same seed gives the same numbers, another seed others") {
  auto const draw = [](std::uint64_t seed) {
    manual_seed(seed);
    return std::pair(Tensor<float>(rand<float>({7})), Tensor<float>(randn<float>({5})));
  };
  auto const a = draw(1), b = draw(1), c = draw(2);
  CHECK(Tensor<bool>(all(a.first == b.first)).item());
  CHECK(Tensor<bool>(all(a.second == b.second)).item());
  CHECK_FALSE(Tensor<bool>(any(a.first == c.first)).item());
  Tensor<float> const next = rand<float>({7});
  CHECK_FALSE(Tensor<bool>(any(next == c.first)).item());
}

TEST_CASE("a long draw starts like a short one") {
  Generator a(3), b(3);
  float few[5], lots[50];
  a.normal(few, 5);
  b.normal(lots, 50);
  for (int i = 0; i < 5; ++i) CHECK(few[i] == lots[i]);
  CHECK(a.position() == 2);
  CHECK(b.position() == 13);
  a.seek(0);
  float again[5];
  a.normal(again, 5);
  CHECK(std::equal(few, few + 5, again));
}

TEST_CASE("threads have their own generators") {
  manual_seed(4);
  Tensor<float> const here = rand<float>({3});
  std::uint64_t const position = default_generator().position();
  std::thread([] {
    manual_seed(5);
    rand<float>({100});
  }).join();
  CHECK(default_generator().position() == position);
  CHECK(default_generator().seed() == 4);
  Tensor<float> other;
  std::thread([&] {
    manual_seed(4);
    other = rand<float>({3});
  }).join();
  CHECK(Tensor<bool>(all(here == other)).item());
}
