// SPDX-License-Identifier: MIT
// Softmax and layer norm of 4096 rows of 1024 floats, written as formulas, into an existing tensor; backward too.
#include <benchmark/benchmark.h>

#include <wick/wick.hpp>

namespace {

using wick::Tensor;
using wick::Variable;

Tensor<float> rows() {
  wick::manual_seed(1);
  return wick::randn<float>({4096, 1024});
}

auto softmax_formula(auto const& x) {
  auto e = exp(x - max(x, {-1}, {.keepdim = true}));
  return e / sum(e, {-1}, {.keepdim = true});
}
auto layer_norm_formula(auto const& x, auto const& weight, auto const& bias) {
  auto centred = x - mean(x, {-1}, {.keepdim = true});
  return centred / sqrt(mean(square(centred), {-1}, {.keepdim = true}) + 1e-5) * weight + bias;
}

void softmax(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  auto const x = rows();
  Tensor<float> y = softmax_formula(x);
  for (auto _ : state) {
    y = softmax_formula(x);
    benchmark::ClobberMemory();
  }
}

void layer_norm(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  auto const x = rows();
  Tensor<float> const weight = wick::randn<float>({1024}), bias = wick::randn<float>({1024});
  Tensor<float> y = layer_norm_formula(x, weight, bias);
  for (auto _ : state) {
    y = layer_norm_formula(x, weight, bias);
    benchmark::ClobberMemory();
  }
}

void softmax_backward(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  Variable<float> const x = rows();
  auto const seed = rows();
  for (auto _ : state) {
    x.zero_grad();
    Variable<float> const y = softmax_formula(x);
    backward(y, seed);
    benchmark::ClobberMemory();
  }
}

void layer_norm_backward(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(0)));
  Variable<float> const x = rows();
  Variable<float> const weight = wick::randn<float>({1024}), bias = wick::randn<float>({1024});
  auto const seed = rows();
  for (auto _ : state) {
    x.zero_grad(), weight.zero_grad(), bias.zero_grad();
    Variable<float> const y = layer_norm_formula(x, weight, bias);
    backward(y, seed);
    benchmark::ClobberMemory();
  }
}

}  // namespace

#define WICK_BENCH(name) BENCHMARK(name)->ArgName("threads")->Unit(benchmark::kMillisecond)->UseRealTime()
WICK_BENCH(softmax)->Arg(1)->Arg(2);
WICK_BENCH(layer_norm)->Arg(1)->Arg(2);
WICK_BENCH(softmax_backward)->Arg(1)->Arg(2);
WICK_BENCH(layer_norm_backward)->Arg(1)->Arg(2);

BENCHMARK_MAIN();
