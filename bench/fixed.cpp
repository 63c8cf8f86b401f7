// SPDX-License-Identifier: MIT
// Small matrices whose extents are known when compiling, beside Eigen's: products 2x2 to 8x8, inverses 3x3 and 4x4.
// Each benchmark works through 64 pairs that stay in the first-level cache; the time is that of all 64.
#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <string>
#include <wick/wick.hpp>

#if defined(WICK_BENCH_HAS_EIGEN)
#include <Eigen/Dense>
#endif

namespace {

constexpr int count = 64;

void report_product(benchmark::State& state, int n) {
  using benchmark::Counter;
  state.counters["flop/s"] = Counter(2. * n * n * n * count, Counter::kIsIterationInvariantRate);
}

template <class M, class T, int N>
std::array<M, count> matrices(unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<T> numbers(-1, 1);
  std::array<M, count> all;
  for (M& m : all)
    for (int i = 0; i < N; ++i)
      for (int j = 0; j < N; ++j) m(i, j) = numbers(random) + (i == j ? T(3) : T(0));
  return all;
}

template <class T, int N>
void product(benchmark::State& state) {
  using M = wick::Fixed<T, N, N>;
  auto const a = matrices<M, T, N>(1), b = matrices<M, T, N>(2);
  std::array<M, count> c;
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) c[i] = matmul(a[i], b[i]);
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  report_product(state, N);
}

template <class T, int N>
void inverted(benchmark::State& state) {
  using M = wick::Fixed<T, N, N>;
  auto const a = matrices<M, T, N>(1);
  std::array<M, count> c;
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) c[i] = inverse(a[i]);
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
}

#if defined(WICK_BENCH_HAS_EIGEN)
template <class T, int N>
using EigenMatrix = Eigen::Matrix<T, N, N, Eigen::RowMajor>;

template <class T, int N>
void eigen_product(benchmark::State& state) {
  using M = EigenMatrix<T, N>;
  auto const a = matrices<M, T, N>(1), b = matrices<M, T, N>(2);
  std::array<M, count> c;
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) c[i].noalias() = a[i] * b[i];
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  report_product(state, N);
}

template <class T, int N>
void eigen_inverted(benchmark::State& state) {
  using M = EigenMatrix<T, N>;
  auto const a = matrices<M, T, N>(1);
  std::array<M, count> c;
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) c[i] = a[i].inverse();
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
}
#endif

template <class T, int N>
void add(std::string const& type) {
  std::string const size = "/n:" + std::to_string(N) + "/threads:1";
  benchmark::RegisterBenchmark(("product_" + type + size).c_str(), product<T, N>)->UseRealTime();
#if defined(WICK_BENCH_HAS_EIGEN)
  benchmark::RegisterBenchmark(("eigen_product_" + type + size).c_str(), eigen_product<T, N>)->UseRealTime();
#endif
  if constexpr (N == 3 || N == 4) {
    benchmark::RegisterBenchmark(("inverse_" + type + size).c_str(), inverted<T, N>)->UseRealTime();
#if defined(WICK_BENCH_HAS_EIGEN)
    benchmark::RegisterBenchmark(("eigen_inverse_" + type + size).c_str(), eigen_inverted<T, N>)->UseRealTime();
#endif
  }
}

template <class T>
void add_all(std::string const& type) {
  add<T, 2>(type), add<T, 3>(type), add<T, 4>(type), add<T, 5>(type), add<T, 6>(type), add<T, 7>(type), add<T, 8>(type);
}

}  // namespace

int main(int argc, char** argv) {
  add_all<float>("float");
  add_all<double>("double");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
