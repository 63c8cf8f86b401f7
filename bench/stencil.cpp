// SPDX-License-Identifier: MIT
// The heat equation written with slices: a step beside a loop of one's own, in two buffers and in one, and the gradient
// through steps of a variable beside the steps.
#include <benchmark/benchmark.h>

#include <cstring>
#include <utility>
#include <vector>
#include <wick/wick.hpp>

namespace {

using wick::Slice;
using wick::Tensor;
using wick::Variable;

Slice const in(1, -1), low({}, -2), high(2, {});

auto step(auto const& u) { return u(in, in) + 0.1 * (u(low, in) + u(high, in) + u(in, low) + u(in, high) - 4 * u(in, in)); }

void two_buffers(benchmark::State& state) {
  wick::set_num_threads(1);
  Tensor<double> const u = wick::randn<double>({state.range(0), state.range(0)});
  Tensor<double> v = u.clone();
  for (auto _ : state) {
    v(in, in) = step(u);
    benchmark::ClobberMemory();
  }
}
void loop_two_buffers(benchmark::State& state) {
  std::int64_t const n = state.range(0);
  Tensor<double> const from = wick::randn<double>({n, n});
  Tensor<double> to = from.clone();
  double const* const u = from.data();
  double* const v = to.data();
  for (auto _ : state) {
    for (std::int64_t i = 1; i < n - 1; ++i)
      for (std::int64_t j = i * n + 1; j < i * n + n - 1; ++j) v[j] = u[j] + 0.1 * (u[j - n] + u[j + n] + u[j - 1] + u[j + 1] - 4 * u[j]);
    benchmark::ClobberMemory();
  }
}

void one_buffer(benchmark::State& state) {
  wick::set_num_threads(1);
  Tensor<double> u = wick::randn<double>({state.range(0), state.range(0)});
  for (auto _ : state) {
    u(in, in) = step(u);
    benchmark::ClobberMemory();
  }
}
void loop_one_buffer(benchmark::State& state) {
  std::int64_t const n = state.range(0);
  Tensor<double> grid = wick::randn<double>({n, n});
  double* const u = grid.data();
  std::vector<double> rows(static_cast<std::size_t>(2 * n));
  auto const bytes = static_cast<std::size_t>(n) * sizeof(double);
  for (auto _ : state) {
    double *before = rows.data(), *here = before + n;
    std::memcpy(before, u, bytes);
    for (std::int64_t i = 1; i < n - 1; ++i) {
      std::memcpy(here, u + i * n, bytes);
      double* __restrict const to = u + i * n;
      double const* const after = to + n;
      for (std::int64_t j = 1; j < n - 1; ++j) to[j] = here[j] + 0.1 * (before[j] + after[j] + here[j - 1] + here[j + 1] - 4 * here[j]);
      std::swap(before, here);
    }
    benchmark::ClobberMemory();
  }
}

Variable<double> steps(Variable<double> u) {
  for (int i = 0; i < 4; ++i) u = step(std::as_const(u));
  return u;
}
void steps_forward(benchmark::State& state) {
  wick::set_num_threads(1);
  Variable<double> const u = wick::randn<double>({state.range(0), state.range(0)});
  for (auto _ : state) {
    Variable<double> const end = steps(u);
    benchmark::ClobberMemory();
  }
}
void steps_round(benchmark::State& state) {
  wick::set_num_threads(1);
  Variable<double> const u = wick::randn<double>({state.range(0), state.range(0)});
  Tensor<double> const seed = wick::randn<double>({state.range(0) - 8, state.range(0) - 8});
  for (auto _ : state) {
    u.zero_grad();
    backward(steps(u), seed);
    benchmark::ClobberMemory();
  }
}

}  // namespace

#define WICK_BENCH(name) BENCHMARK(name)->ArgName("n")
WICK_BENCH(two_buffers)->Arg(32)->Arg(200)->Arg(2000);
WICK_BENCH(loop_two_buffers)->Arg(32)->Arg(200)->Arg(2000);
WICK_BENCH(one_buffer)->Arg(32)->Arg(200)->Arg(2000);
WICK_BENCH(loop_one_buffer)->Arg(32)->Arg(200)->Arg(2000);
WICK_BENCH(steps_forward)->Arg(256);
WICK_BENCH(steps_round)->Arg(256);

BENCHMARK_MAIN();
