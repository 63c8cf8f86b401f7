// SPDX-License-Identifier: MIT
// What a training loop does around its network: an optimizer's step over 10 million parameters in 200 tensors beside a
// copy of memory, and the loader alone over the 10,000 test images of Fashion-MNIST.
#include <benchmark/benchmark.h>

#include <cstring>
#include <optional>
#include <vector>
#include <wick/wick.hpp>

namespace {

using namespace wick;
using benchmark::Counter;

constexpr std::int64_t tensors = 200, rows = 250, columns = 200;

struct Parameters {
  std::vector<Variable<float>> list;
  Parameters() {
    manual_seed(1);
    for (std::int64_t i = 0; i < tensors; ++i) list.emplace_back(randn<float>({rows, columns}));
    fill();
  }
  void fill() const {
    for (auto const& p : list) backward(p, randn<float>({rows, columns}) * 1e-3f);
  }
};

/// Bytes that a step has to read and write: `streams` arrays as long as the parameters.
void rate(benchmark::State& state, int streams) {
  state.counters["bytes/s"] = Counter(4. * tensors * rows * columns * streams, Counter::kIsIterationInvariantRate);
}

void adamw(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  Parameters const parameters;
  optim::AdamW optimizer(parameters.list);
  for (auto _ : state) optimizer.step();
  rate(state, 7);
}

void sgd_momentum(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  Parameters const parameters;
  optim::SGD optimizer(parameters.list, {.lr = 1e-3, .momentum = 0.9});
  for (auto _ : state) optimizer.step();
  rate(state, 5);
}

// The norm of all gradients, then the step that reads them scaled.
void clip_adamw(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  Parameters const parameters;
  optim::AdamW optimizer(parameters.list);
  for (auto _ : state) benchmark::DoNotOptimize(optimizer.step({.norm = 1}));
  rate(state, 8);
}

// memcpy of as many bytes as the parameters and their state have.
void copy(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  Tensor<float> const from = randn<float>({4, tensors * rows * columns});
  Tensor<float> to = from + 1;
  constexpr std::int64_t piece = 16384;
  float* const target = to.data();
  for (auto _ : state) {
    parallel_for(from.numel() / piece, 4, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(target + begin * piece, from.data() + begin * piece, sizeof(float) * static_cast<std::size_t>((end - begin) * piece));
    });
    benchmark::ClobberMemory();
  }
  rate(state, 8);
}

void loader(benchmark::State& state) {
  static std::optional<data::FashionMNIST> images;
  if (!images) images.emplace("/usr/share/datasets/fashion-mnist", data::FashionMNISTOptions{.train = false, .transform = data::Normalize(0.286f, 0.353f)});
  data::DataLoader batches(*images, {.batch_size = 128, .shuffle = true, .workers = static_cast<int>(state.range(0))});
  auto const before = pool_stats();
  for (auto _ : state)
    for (auto [image, label] : batches) benchmark::DoNotOptimize(std::as_const(image).data());
  // Of each pixel a byte is read, a float written.
  state.counters["bytes/s"] = Counter(5. * 28 * 28 * static_cast<double>(images->size()), Counter::kIsIterationInvariantRate);
  state.counters["images/s"] = Counter(static_cast<double>(images->size()), Counter::kIsIterationInvariantRate);
  state.counters["allocations"] = static_cast<double>(pool_stats().system_allocations - before.system_allocations);
}

}  // namespace

#define WICK_BENCH(name) BENCHMARK(name)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime()
WICK_BENCH(adamw);
WICK_BENCH(sgd_momentum);
WICK_BENCH(clip_adamw);
WICK_BENCH(copy);
BENCHMARK(loader)->ArgNames({"", "threads"})->ArgsProduct({{0, 2}, {1, 2}})->Unit(benchmark::kMillisecond)->UseRealTime();

BENCHMARK_MAIN();
