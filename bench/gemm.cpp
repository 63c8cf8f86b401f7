// SPDX-License-Identifier: MIT
// Matrix multiplication beside a CBLAS, in float and double: squares, tall and flat shapes, all four transpositions, a
// bias and relu in the tile store beside a pass of their own. Rates are in flop/s, with
// a vector in bytes/s.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>
#include <wick/wick.hpp>

#if defined(WICK_BENCH_HAS_CBLAS)
#include <cblas.h>
// OpenBLAS's own; a library without it keeps the number of threads that it was started with.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));
#endif

namespace {

using benchmark::Counter;
using wick::backend::Matrix;

template <class T>
struct Operands {
  std::int64_t m, n, k;
  std::vector<T> a, b, c;
  explicit Operands(benchmark::State const& state)
      : m(state.range(0)),
        n(state.range(1)),
        k(state.range(2)),
        a(static_cast<std::size_t>(m * k), T(0.5)),
        b(static_cast<std::size_t>(k * n), T(0.25)),
        c(static_cast<std::size_t>(m * n)) {}
  Matrix<T> left() { return {a.data(), m, k, k, 1}; }
  Matrix<T> right() { return {b.data(), k, n, n, 1}; }
  Matrix<T> result() { return {c.data(), m, n, n, 1}; }
};

// A product with a vector reads the matrix once for little arithmetic: its rate is that of memory.
template <class T>
void report(benchmark::State& state) {
  auto const m = state.range(0), n = state.range(1), k = state.range(2);
  bool const vector = m == 1 || n == 1;
  double const work = vector ? static_cast<double>(sizeof(T)) * static_cast<double>(m * k + k * n + m * n)
                             : 2. * static_cast<double>(m * n * k);
  state.counters[vector ? "bytes/s" : "flop/s"] = Counter(work, Counter::kIsIterationInvariantRate);
}

template <class T>
void gemm(benchmark::State& state, bool transpose_a, bool transpose_b) {
  Operands<T> o(state);
  wick::set_num_threads(static_cast<int>(state.range(3)));
  Matrix<T> a = o.left(), b = o.right();
  if (transpose_a) a = {o.a.data(), o.m, o.k, 1, o.m};
  if (transpose_b) b = {o.b.data(), o.k, o.n, 1, o.k};
  for (auto _ : state) {
    wick::backend::cpu::gemm<T>(a, b, o.result(), false);
    benchmark::ClobberMemory();
  }
  report<T>(state);
}

// The whole statement on tensors: relu(matmul(a, b) + bias).
template <class T>
void bias_relu(benchmark::State& state) {
  wick::set_num_threads(static_cast<int>(state.range(3)));
  auto const a = wick::randn<T>({state.range(0), state.range(2)}), b = wick::randn<T>({state.range(2), state.range(1)});
  auto const bias = wick::randn<T>({state.range(1)});
  wick::Tensor<T> c;
  for (auto _ : state) {
    c = relu(matmul(a, b) + bias);
    benchmark::ClobberMemory();
  }
  report<T>(state);
}

#if defined(WICK_BENCH_HAS_CBLAS)
void cblas(std::int64_t m, std::int64_t n, std::int64_t k, bool ta, bool tb, float const* a, float const* b, float* c) {
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, static_cast<int>(m),
              static_cast<int>(n), static_cast<int>(k), 1.f, a, static_cast<int>(ta ? m : k), b,
              static_cast<int>(tb ? k : n), 0.f, c, static_cast<int>(n));
}
void cblas(std::int64_t m, std::int64_t n, std::int64_t k, bool ta, bool tb, double const* a, double const* b,
           double* c) {
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, static_cast<int>(m),
              static_cast<int>(n), static_cast<int>(k), 1., a, static_cast<int>(ta ? m : k), b,
              static_cast<int>(tb ? k : n), 0., c, static_cast<int>(n));
}
template <class T>
void cblas_gemm(benchmark::State& state, bool transpose_a, bool transpose_b) {
  Operands<T> o(state);
  if (openblas_set_num_threads) openblas_set_num_threads(static_cast<int>(state.range(3)));
  for (auto _ : state) {
    cblas(o.m, o.n, o.k, transpose_a, transpose_b, o.a.data(), o.b.data(), o.c.data());
    benchmark::ClobberMemory();
  }
  report<T>(state);
}
// The library's product and a pass for the bias and relu.
template <class T>
void cblas_bias_relu(benchmark::State& state) {
  Operands<T> o(state);
  wick::set_num_threads(static_cast<int>(state.range(3)));
  if (openblas_set_num_threads) openblas_set_num_threads(static_cast<int>(state.range(3)));
  wick::View<T> c(o.c.data(), {o.m, o.n}, {o.n, 1});
  auto const bias = wick::randn<T>({o.n});
  for (auto _ : state) {
    cblas(o.m, o.n, o.k, false, false, o.a.data(), o.b.data(), o.c.data());
    c = relu(c + bias);
    benchmark::ClobberMemory();
  }
  report<T>(state);
}
#endif

void register_all() {
  std::vector<std::vector<std::int64_t>> const shapes = {
      {16, 16, 16},       {32, 32, 32},       {64, 64, 64},       {128, 128, 128},   {256, 256, 256},  {512, 512, 512},
      {1024, 1024, 1024}, {2048, 2048, 2048}, {4096, 4096, 64}, {64, 64, 4096}, {128, 128, 9216}};
  auto const add = [](std::string const& name, std::vector<std::int64_t> shape, auto body) {
    for (std::int64_t threads : {1, 2}) {
      auto arguments = shape;
      arguments.push_back(threads);
      benchmark::RegisterBenchmark(name.c_str(), body)->ArgNames({"m", "n", "k", "threads"})->Args(arguments)->UseRealTime();
    }
  };
  auto const both = [&]<class T>(std::string const& type, T) {
    for (auto const& shape : shapes) {
      add("gemm_" + type, shape, [](benchmark::State& s) { gemm<T>(s, false, false); });
#if defined(WICK_BENCH_HAS_CBLAS)
      add("cblas_gemm_" + type, shape, [](benchmark::State& s) { cblas_gemm<T>(s, false, false); });
#endif
    }
    for (auto const& shape : {std::vector<std::int64_t>{48, 48, 48}, {300, 300, 300}, {128, 128, 9216}, {1000, 1000, 1000}}) {
      for (int kind = 1; kind < 4; ++kind) {
        bool const ta = kind & 1, tb = kind & 2;
        std::string const name = std::string("gemm_") + (ta ? "t" : "n") + (tb ? "t_" : "n_") + type;
        add(name, shape, [=](benchmark::State& s) { gemm<T>(s, ta, tb); });
#if defined(WICK_BENCH_HAS_CBLAS)
        add("cblas_" + name, shape, [=](benchmark::State& s) { cblas_gemm<T>(s, ta, tb); });
#endif
      }
    }
    for (auto const& shape : {std::vector<std::int64_t>{1, 1024, 1024}, {1024, 1, 1024}, {128, 10, 128}, {4096, 8, 512}}) {
      add("gemm_" + type, shape, [](benchmark::State& s) { gemm<T>(s, false, false); });
#if defined(WICK_BENCH_HAS_CBLAS)
      add("cblas_gemm_" + type, shape, [](benchmark::State& s) { cblas_gemm<T>(s, false, false); });
#endif
    }
    for (std::int64_t n : {64, 256, 1024}) {
      add("bias_relu_" + type, {n, n, n}, [](benchmark::State& s) { bias_relu<T>(s); });
#if defined(WICK_BENCH_HAS_CBLAS)
      add("cblas_bias_relu_" + type, {n, n, n}, [](benchmark::State& s) { cblas_bias_relu<T>(s); });
#endif
    }
  };
  both("float", 0.f);
  both("double", 0.);
}

}  // namespace

int main(int argc, char** argv) {
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
