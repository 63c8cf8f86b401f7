// SPDX-License-Identifier: MIT
// The network of the main job on one batch in memory: a training step of 128 images, and inference of 1 and of 128.
#include <benchmark/benchmark.h>

#include "network.hpp"

namespace {

using namespace wick;

// Of one image: 2 flops for each multiply-add. Backward computes as much for the weights and as much for the inputs,
// but nobody needs the gradient of the images.
constexpr double conv1_flops = 2. * 26 * 26 * 32 * 9;
constexpr double forward_flops = conv1_flops + 2. * 24 * 24 * 64 * 32 * 9 + 2. * (9216 * 128 + 128 * 10);
constexpr double training_flops = 3 * forward_flops - conv1_flops;

void rate(benchmark::State& state, double flops) {
  state.counters["flop/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

void training_step(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  manual_seed(1);
  Cnn model;
  optim::AdamW optimizer(parameters(model), {.lr = 1e-3});
  Tensor<float> const image = randn<float>({128, 1, 28, 28});
  Tensor<std::int64_t> label = zeros<std::int64_t>({128});
  for (std::int64_t i = 0; i < 128; ++i) label.data()[i] = i % 10;
  auto const step = [&] {
    optimizer.zero_grad();
    Variable<float> loss = nll_loss(model(image), label);
    backward(loss);
    optimizer.step();
  };
  for (int i = 0; i < 3; ++i) step();
  auto const before = pool_stats();
  for (auto _ : state) step();
  state.counters["allocations"] = static_cast<double>(pool_stats().system_allocations - before.system_allocations);
  rate(state, 128 * training_flops);
}

void inference(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(1)));
  manual_seed(1);
  Cnn model;
  eval(model);
  Tensor<float> const image = randn<float>({state.range(0), 1, 28, 28});
  Tensor<float> scores = model(image);
  for (auto _ : state) {
    scores = model(image);
    benchmark::DoNotOptimize(std::as_const(scores).data());
  }
  rate(state, static_cast<double>(state.range(0)) * forward_flops);
}

}  // namespace

BENCHMARK(training_step)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(inference)->ArgNames({"", "threads"})->ArgsProduct({{1, 128}, {1, 2}})->Unit(benchmark::kMicrosecond)->UseRealTime();

BENCHMARK_MAIN();
