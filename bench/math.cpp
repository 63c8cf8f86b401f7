// SPDX-License-Identifier: MIT
// Every function of `math::` over a million numbers, in blocks that stay in the second-level cache, beside Eigen,
// SLEEF, xsimd and the C library. On one thread: threads share nothing here.
#include <benchmark/benchmark.h>

#include <random>

#include "math_routines.hpp"

namespace {

constexpr std::int64_t total = std::int64_t{1} << 20;
constexpr std::int64_t block_bytes = 128 * 1024;

// Where the function is neither constant nor undefined.
struct Interval {
  double low, high;
};
Interval interval(std::string const& function) {
  if (function.starts_with("exp")) return {-15, 15};
  if (function == "log1p") return {-0.9, 10};
  if (function.starts_with("log")) return {0.01, 100};
  if (function == "pow") return {0.1, 10};
  if (function == "asin" || function == "acos" || function == "atanh") return {-1, 1};
  if (function == "acosh") return {1, 50};
  if (function == "tanh" || function.starts_with("erf") || function == "gelu") return {-4, 4};
  return {-10, 10};
}

template <class T>
void run(benchmark::State& state, routines::Entry<T> const& entry) {
  wick::set_num_threads(1);
  auto const n = block_bytes / static_cast<std::int64_t>(sizeof(T));
  auto x = wick::zeros<T>({n}), y = wick::zeros<T>({n}), out = wick::zeros<T>({n});
  auto const [low, high] = interval(entry.function);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(low, high), exponent(-5, 5);
  T *const px = x.data(), *const py = y.data(), *const pout = out.data();
  for (std::int64_t i = 0; i < n; ++i)
    px[i] = static_cast<T>(uniform(random)), py[i] = static_cast<T>(exponent(random));
  for (auto _ : state) {
    for (std::int64_t done = 0; done < total; done += n) {
      entry.run(px, py, pout, n);
      benchmark::ClobberMemory();
    }
  }
  state.counters["ns"] = benchmark::Counter(
      static_cast<double>(total) * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <class T>
void register_all(char const* type) {
  for (auto const& entry : routines::all<T>()) {
    auto const name = entry.peer + entry.function + "_" + type + "/threads:1";
    benchmark::RegisterBenchmark(name.c_str(), [entry](benchmark::State& state) { run<T>(state, entry); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) {
  register_all<float>("float");
  register_all<double>("double");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
