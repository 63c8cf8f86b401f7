// SPDX-License-Identifier: MIT
// Matrix multiplication and convolution beside a CBLAS; the argument `threads` is 1 and 2, rates are in flop/s.
#include <benchmark/benchmark.h>

#include <vector>
#include <wick/backend/cpu/conv.hpp>

#if defined(WICK_BENCH_HAS_CBLAS)
#include <cblas.h>
// OpenBLAS's own; a library without it keeps the number of threads that it was started with.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));
#endif

namespace {

using benchmark::Counter;
using wick::backend::Conv2dShape;
using wick::backend::Matrix;

struct Operands {
  std::int64_t m, n, k;
  std::vector<float> a, b, c;
  explicit Operands(benchmark::State const& state)
      : m(state.range(0)),
        n(state.range(1)),
        k(state.range(2)),
        a(static_cast<std::size_t>(m * k), 0.5f),
        b(static_cast<std::size_t>(k * n), 0.25f),
        c(static_cast<std::size_t>(m * n)) {}
  void report(benchmark::State& state) const {
    state.counters["flop/s"] = Counter(2. * static_cast<double>(m * n * k), Counter::kIsIterationInvariantRate);
  }
};

// b is read as its transpose lies in memory, as a Linear layer's weight does.
void gemm(benchmark::State& state) {
  Operands o(state);
  wick::set_num_threads(static_cast<int>(state.range(3)));
  for (auto _ : state) {
    wick::backend::cpu::gemm(Matrix<float>{o.a.data(), o.m, o.k, o.k, 1}, Matrix<float>{o.b.data(), o.k, o.n, 1, o.k},
                             Matrix<float>{o.c.data(), o.m, o.n, o.n, 1}, false);
    benchmark::DoNotOptimize(o.c.data());
  }
  o.report(state);
}

#if defined(WICK_BENCH_HAS_CBLAS)
void cblas_gemm(benchmark::State& state) {
  Operands o(state);
  if (openblas_set_num_threads) openblas_set_num_threads(static_cast<int>(state.range(3)));
  auto const m = static_cast<int>(o.m), n = static_cast<int>(o.n), k = static_cast<int>(o.k);
  for (auto _ : state) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.f, o.a.data(), k, o.b.data(), k, 0.f, o.c.data(),
                n);
    benchmark::DoNotOptimize(o.c.data());
  }
  o.report(state);
}
#endif

// The two convolutions of the Fashion-MNIST example, batch 128; `pass` is forward, input gradient, weight gradient.
void conv2d(benchmark::State& state) {
  Conv2dShape const s =
      state.range(0) == 1 ? Conv2dShape{128, 1, 28, 28, 32, 3, 3} : Conv2dShape{128, 32, 26, 26, 64, 3, 3};
  wick::set_num_threads(static_cast<int>(state.range(2)));
  std::vector<float> x(static_cast<std::size_t>(s.batch * s.in_channels * s.height * s.width), 0.5f);
  std::vector<float> w(static_cast<std::size_t>(s.out_channels * s.filter()), 0.25f);
  std::vector<float> y(static_cast<std::size_t>(s.batch * s.out_channels * s.out_pixels()), 0.125f);
  for (auto _ : state) {
    if (state.range(1) == 0) wick::backend::cpu::conv2d(s, x.data(), w.data(), y.data());
    if (state.range(1) == 1) wick::backend::cpu::conv2d_input_gradient(s, y.data(), w.data(), x.data(), false);
    if (state.range(1) == 2) wick::backend::cpu::conv2d_weight_gradient(s, x.data(), y.data(), w.data(), false);
    benchmark::ClobberMemory();
  }
  double const flops = 2. * static_cast<double>(s.batch * s.out_channels * s.out_pixels() * s.filter());
  state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "n", "k", "threads"})->UseRealTime();
  for (std::int64_t threads : {1, 2}) {
    for (std::int64_t n : {8, 16, 32, 64, 128, 256, 512, 1024}) bench->Args({n, n, n, threads});
    bench->Args({128, 128, 9216, threads})->Args({128, 10, 128, threads})->Args({1, 1024, 1024, threads});
  }
}

}  // namespace

BENCHMARK(gemm)->Apply(sizes);
#if defined(WICK_BENCH_HAS_CBLAS)
BENCHMARK(cblas_gemm)->Apply(sizes);
#endif
BENCHMARK(conv2d)->ArgNames({"layer", "pass", "threads"})->ArgsProduct({{1, 2}, {0, 1, 2}, {1, 2}})->UseRealTime();

BENCHMARK_MAIN();
