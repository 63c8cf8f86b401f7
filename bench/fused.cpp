// SPDX-License-Identifier: MIT
// One long statement over 4M floats, forward and backward, beside Eigen's array expression; a short one beside a copy
// of as many bytes. Every tensor is warm: what is written was written before.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>
#include <wick/wick.hpp>

#if defined(WICK_BENCH_HAS_EIGEN)
#include <Eigen/Core>
#endif

namespace {

using benchmark::Counter;
using wick::Tensor;
using wick::Variable;

constexpr std::int64_t n = std::int64_t{1} << 22;

Tensor<float> operand(std::uint64_t seed) {
  wick::manual_seed(seed);
  return wick::randn<float>({n});
}

auto chain(auto const& x, auto const& w, auto const& b) { return tanh(x * w + b) * sigmoid(x) + exp(w * b); }

void rate(benchmark::State& state, int streams) {
  double const bytes = 4. * static_cast<double>(n) * streams;
  state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate);
}

void chain_forward(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  auto const x = operand(1), w = operand(2), b = operand(3);
  Tensor<float> y = chain(x, w, b);
  for (auto _ : state) {
    y = chain(x, w, b);
    benchmark::ClobberMemory();
  }
  rate(state, 4);
}

// The gradients of x, w and b; they start from nothing in every round, as after zero_grad().
void chain_backward(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  Variable<float> const x = operand(1), w = operand(2), b = operand(3);
  for (auto _ : state) {
    x.zero_grad(), w.zero_grad(), b.zero_grad();
    backward(sum(chain(x, w, b)));
    benchmark::ClobberMemory();
  }
}

// The same with the result kept in memory and the gradient of what follows read from memory.
void chain_backward_seeded(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  Variable<float> const x = operand(1), w = operand(2), b = operand(3);
  auto const seed = operand(4);
  for (auto _ : state) {
    x.zero_grad(), w.zero_grad(), b.zero_grad();
    Variable<float> const y = chain(x, w, b);
    backward(y, seed);
    benchmark::ClobberMemory();
  }
}

void multiply_add(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  auto const x = operand(1), w = operand(2), b = operand(3);
  Tensor<float> y = x * w + b;
  for (auto _ : state) {
    y = x * w + b;
    benchmark::ClobberMemory();
  }
  rate(state, 4);
}

// As many bytes as x * w + b reads and writes: two tensors read, two written.
void copy(benchmark::State& state) {
  auto const threads = static_cast<int>(state.range(0));
  wick::set_num_threads(threads);
  auto const from = wick::randn<float>({2 * n});
  auto to = wick::zeros<float>({2 * n});
  float* const target = to.data();
  for (auto _ : state) {
    wick::parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t const low = 2 * n / threads * begin, high = 2 * n / threads * end;
      std::memcpy(target + low, from.data() + low, static_cast<std::size_t>(high - low) * sizeof(float));
    });
    benchmark::ClobberMemory();
  }
  rate(state, 4);
}

#if defined(WICK_BENCH_HAS_EIGEN)
using Array = Eigen::Map<Eigen::Array<float, Eigen::Dynamic, 1>, Eigen::Aligned64>;

void eigen_chain_forward(benchmark::State& state) {
  auto tx = operand(1), tw = operand(2), tb = operand(3), ty = operand(4);
  Array x(tx.data(), n), w(tw.data(), n), b(tb.data(), n), y(ty.data(), n);
  for (auto _ : state) {
    y = (x * w + b).tanh() * x.logistic() + (w * b).exp();
    benchmark::ClobberMemory();
  }
  rate(state, 4);
}
void eigen_multiply_add(benchmark::State& state) {
  auto tx = operand(1), tw = operand(2), tb = operand(3), ty = operand(4);
  Array x(tx.data(), n), w(tw.data(), n), b(tb.data(), n), y(ty.data(), n);
  for (auto _ : state) {
    y = x * w + b;
    benchmark::ClobberMemory();
  }
  rate(state, 4);
}
#endif

}  // namespace

#define WICK_BENCH(name) BENCHMARK(name)->ArgName("threads")->Unit(benchmark::kMillisecond)->UseRealTime()
WICK_BENCH(chain_forward)->Arg(1)->Arg(2);
WICK_BENCH(chain_backward)->Arg(1)->Arg(2);
WICK_BENCH(chain_backward_seeded)->Arg(1)->Arg(2);
WICK_BENCH(multiply_add)->Arg(1)->Arg(2);
WICK_BENCH(copy)->Arg(1)->Arg(2);
#if defined(WICK_BENCH_HAS_EIGEN)
WICK_BENCH(eigen_chain_forward)->Arg(1);
WICK_BENCH(eigen_multiply_add)->Arg(1);
#endif

BENCHMARK_MAIN();
