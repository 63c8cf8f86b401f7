// SPDX-License-Identifier: MIT
// What it costs to share work among threads: `parallel` runs two halves of so many microseconds of arithmetic by
// parallel_for, `openmp_parallel` by OpenMP, `alone` on one thread. `pause` lies between two rounds: with 200
// microseconds of it, OpenMP's threads still spin, ours sleep.
#include <benchmark/benchmark.h>

#include <chrono>
#include <wick/backend/cpu/threads.hpp>

namespace {

using Clock = std::chrono::steady_clock;

void compute(std::int64_t steps) {
  float x = 1;
  for (std::int64_t i = 0; i < steps; ++i) x = x * 1.0000001f + 1e-9f;
  benchmark::DoNotOptimize(x);
}

std::int64_t steps_per_microsecond() {
  static std::int64_t const steps = [] {
    auto const start = Clock::now();
    compute(20'000'000);
    return static_cast<std::int64_t>(20e6 / std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }();
  return steps;
}

void rest(std::int64_t microseconds) {
  for (auto const end = Clock::now() + std::chrono::microseconds(microseconds); Clock::now() < end;) {
  }
}

template <class Round>
void measure(benchmark::State& state, Round const& round) {
  std::int64_t const units = 16, steps = state.range(0) * steps_per_microsecond() / units;
  std::int64_t const pause = state.range(1);
  for (auto _ : state) {
    auto const start = Clock::now();
    round(units, steps);
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
    if (pause > 0) rest(pause);
  }
}

void parallel(benchmark::State& state) {
  wick::set_num_threads(2);
  measure(state, [](std::int64_t units, std::int64_t steps) {
    wick::parallel_for(units, 1, [&](std::int64_t begin, std::int64_t end) { compute((end - begin) * steps); });
  });
}

void openmp_parallel(benchmark::State& state) {
  measure(state, [](std::int64_t units, std::int64_t steps) {
#pragma omp parallel for num_threads(2) schedule(static)
    for (std::int64_t half = 0; half < 2; ++half) compute(units / 2 * steps);
  });
}

void alone(benchmark::State& state) {
  measure(state, [](std::int64_t units, std::int64_t steps) { compute(units * steps); });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"microseconds", "pause"})->ArgsProduct({{0, 5, 10, 20, 50, 100, 200, 1000}, {0, 200}});
  b->Iterations(300)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

}  // namespace

BENCHMARK(alone)->Apply(sizes);
BENCHMARK(parallel)->Apply(sizes);
BENCHMARK(openmp_parallel)->Apply(sizes);

BENCHMARK_MAIN();
