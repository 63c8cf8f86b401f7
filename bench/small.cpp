// SPDX-License-Identifier: MIT
// What a statement costs when there is almost nothing to compute: 8 floats, with and without a tape. Counters say what
// a round asks of the memory pool (`requests`) and of the operating system (`allocations`) after the first round.
#include <benchmark/benchmark.h>

#include <wick/wick.hpp>

namespace {

using wick::Tensor;
using wick::Variable;

/// What the rounds of a benchmark ask of the allocator, from construction on.
class PoolCounters {
 public:
  explicit PoolCounters(benchmark::State& state) : state_(state), before_(wick::pool_stats()) {}
  ~PoolCounters() {
    auto const now = wick::pool_stats();
    using benchmark::Counter;
    state_.counters["requests"] =
        Counter(static_cast<double>(now.requests - before_.requests), Counter::kAvgIterations);
    state_.counters["allocations"] = static_cast<double>(now.system_allocations - before_.system_allocations);
  }

 private:
  benchmark::State& state_;
  wick::PoolStats before_;
};

struct Operands {
  Tensor<float> x = wick::randn<float>({8}), w = wick::randn<float>({8}), b = wick::randn<float>({8});
  Tensor<float> y = wick::zeros<float>({8});
};

void multiply_add(benchmark::State& state) {
  Operands o;
  o.y = o.x * o.w + o.b;
  PoolCounters const counters(state);
  for (auto _ : state) {
    o.y = o.x * o.w + o.b;
    benchmark::ClobberMemory();
  }
}

void tanh_multiply_add(benchmark::State& state) {
  Operands o;
  o.y = tanh(o.x * o.w + o.b);
  PoolCounters const counters(state);
  for (auto _ : state) {
    o.y = tanh(o.x * o.w + o.b);
    benchmark::ClobberMemory();
  }
}

void chain(benchmark::State& state) {
  Operands o;
  o.y = tanh(o.x * o.w + o.b) * sigmoid(o.x) + exp(o.w * o.b);
  PoolCounters const counters(state);
  for (auto _ : state) {
    o.y = tanh(o.x * o.w + o.b) * sigmoid(o.x) + exp(o.w * o.b);
    benchmark::ClobberMemory();
  }
}

// A whole round: forget the gradients, record, walk back.
void backward_round(benchmark::State& state) {
  Variable<float> const x = wick::randn<float>({8}), w = wick::randn<float>({8});
  auto const round = [&] {
    x.zero_grad(), w.zero_grad();
    backward(sum(tanh(x * w + w)));
  };
  round();
  PoolCounters const counters(state);
  for (auto _ : state) {
    round();
    benchmark::ClobberMemory();
  }
}

// The same, adding to gradients that are there.
void backward_round_accumulating(benchmark::State& state) {
  Variable<float> const x = wick::randn<float>({8}), w = wick::randn<float>({8});
  backward(sum(tanh(x * w + w)));
  PoolCounters const counters(state);
  for (auto _ : state) {
    backward(sum(tanh(x * w + w)));
    benchmark::ClobberMemory();
  }
}

}  // namespace

BENCHMARK(multiply_add);
BENCHMARK(tanh_multiply_add);
BENCHMARK(chain);
BENCHMARK(backward_round);
BENCHMARK(backward_round_accumulating);

BENCHMARK_MAIN();
