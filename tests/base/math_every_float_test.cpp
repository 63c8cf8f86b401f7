// SPDX-License-Identifier: MIT
// The functions of math:: at every float, on all cores: hours of work, and so only when it is asked for with
// WICK_MATH_EXHAUSTIVE=1 (or =16: every 16th float). WICK_MATH_FUNCTIONS="exp sin" names some of them. Prints a table.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <wick/base/math.hpp>

#include "ulp.hpp"

namespace {

constexpr std::uint64_t block = 1 << 14;

struct Function {
  std::string name;
  double bound;
  void (*ours)(float const* x, float* y);
  void (*exact)(float const* x, double* y);
};

template <auto F>
void in_batches(float const* x, float* y) {
  for (std::uint64_t i = 0; i < block; i += wick::lanes<float>) wick::simd::store(y + i, F(wick::simd::load(x + i)));
}
template <auto F>
void one_by_one(float const* x, double* y) {
  for (std::uint64_t i = 0; i < block; ++i) y[i] = F(static_cast<double>(x[i]));
}

#define WICK_FUNCTION(name, limit, space)                                                                           \
  {                                                                                                                 \
#name, limit,                                                                                                   \
        in_batches < [](auto x) { return wick::math::name(x); }>,                                                   \
                                                              one_by_one < [](double x) { return space::name(x); }> \
  }

// Without a fused multiply-add a few reductions cost a little more.
constexpr double bound = wick::simd::fused ? 2 : 2.5;

Function const functions[] = {
    WICK_FUNCTION(exp, 1.1, std),    WICK_FUNCTION(exp2, 1.5, std),  WICK_FUNCTION(expm1, 1.7, std),
    WICK_FUNCTION(log, 1, std),      WICK_FUNCTION(log2, 2, std),    WICK_FUNCTION(log10, bound, std),
    WICK_FUNCTION(log1p, 1.1, std),  WICK_FUNCTION(sin, bound, std), WICK_FUNCTION(cos, bound, std),
    WICK_FUNCTION(tan, bound, std),  WICK_FUNCTION(asin, 1.3, std),  WICK_FUNCTION(acos, 1.3, std),
    WICK_FUNCTION(atan, 2, std),     WICK_FUNCTION(sinh, 1.7, std),  WICK_FUNCTION(cosh, 1.6, std),
    WICK_FUNCTION(tanh, bound, std), WICK_FUNCTION(asinh, 1.2, std), WICK_FUNCTION(acosh, 1.2, std),
    WICK_FUNCTION(atanh, 2, std),    WICK_FUNCTION(erf, 1.5, std),   WICK_FUNCTION(erfc, 4, std),
    WICK_FUNCTION(cbrt, 1, std),     WICK_FUNCTION(gelu, 4, ulp),    WICK_FUNCTION(sigmoid, 2, ulp),
    WICK_FUNCTION(softplus, 2, ulp),
};

struct Worst {
  double error = 0, at = 0;
};

Worst measure(Function const& function, std::uint64_t stride) {
  Worst worst;
  std::mutex mutex;
  std::atomic<std::uint64_t> next = 0;
  std::uint64_t const count = (std::uint64_t{1} << 32) / stride;
  auto const work = [&] {
    std::vector<float> x(block), y(block);
    std::vector<double> exact(block);
    Worst mine;
    for (std::uint64_t begin; (begin = next.fetch_add(block)) < count;) {
      for (std::uint64_t i = 0; i < block; ++i) {
        x[i] = wick::simd::from_bits<float>(static_cast<std::uint32_t>((begin + i) * stride));
      }
      function.ours(x.data(), y.data());
      function.exact(x.data(), exact.data());
      for (std::uint64_t i = 0; i < block; ++i) {
        double const error = ulp::error<float>(y[i], exact[i]);
        if (error > mine.error) mine = {error, static_cast<double>(x[i])};
      }
    }
    std::lock_guard const lock(mutex);
    if (mine.error > worst.error) worst = mine;
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  return worst;
}

}  // namespace

TEST_CASE("every float") {
  char const* const wanted = std::getenv("WICK_MATH_EXHAUSTIVE");
  if (wanted == nullptr) return;
  std::uint64_t const stride = std::max<std::uint64_t>(1, std::strtoull(wanted, nullptr, 10));
  char const* const names = std::getenv("WICK_MATH_FUNCTIONS");
  for (auto const& function : functions) {
    if (names != nullptr && (" " + std::string(names) + " ").find(" " + function.name + " ") == std::string::npos)
      continue;
    auto const [error, at] = measure(function, stride);
    std::cout << "| `" << function.name << "` | " << std::fixed << std::setprecision(3) << error << " | at "
              << std::defaultfloat << std::setprecision(9) << at << " |" << std::endl;
    INFO(function.name, " at ", at);
    CHECK(error <= function.bound);
  }
}
