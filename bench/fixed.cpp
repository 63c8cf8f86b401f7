// SPDX-License-Identifier: MIT
// Small matrices whose extents are known when compiling, beside Eigen's: products 2x2 to 8x8, inverses 3x3 and 4x4, formulas,
// reductions and chains of products of these. Each benchmark works through 64 pairs that stay in the first-level cache; the
// time is that of all 64. Last, a batch of 100,000 products on the heap.
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

/// What is written of 3 x 3 and 4 x 4 matrices a and b, a vector v, and their results c, w and s; `Statement` holds the same for
/// Wick and for Eigen.
template <class M, class V, class T, int N, class Statement>
void stated(benchmark::State& state, Statement const& statement) {
  auto const a = matrices<M, T, N>(1), b = matrices<M, T, N>(2);
  std::array<M, count> c = a;
  std::array<V, count> v, w;
  for (V& x : v)
    for (int i = 0; i < N; ++i) x(i) = T(i + 1);
  std::array<T, count> s;
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) statement(a[i], b[i], v[i], c[i], w[i], s[i]);
    benchmark::DoNotOptimize(c.data());
    benchmark::DoNotOptimize(w.data());
    benchmark::DoNotOptimize(s.data());
    benchmark::ClobberMemory();
  }
}

#define STATEMENT(...) [](auto& a, auto& b, auto& v, auto& c, auto& w, auto& s) { (void)a, (void)b, (void)v, (void)c, (void)w, (void)s, __VA_ARGS__; }

template <class T, int N, class Ours, class Theirs>
void add_statement(std::string const& name, Ours const& ours, [[maybe_unused]] Theirs const& theirs) {
  std::string const rest = name + "/n:" + std::to_string(N) + "/threads:1";
  benchmark::RegisterBenchmark(rest.c_str(), stated<wick::Fixed<T, N, N>, wick::Fixed<T, N>, T, N, Ours>, ours)->UseRealTime();
#if defined(WICK_BENCH_HAS_EIGEN)
  benchmark::RegisterBenchmark(("eigen_" + rest).c_str(), stated<EigenMatrix<T, N>, Eigen::Matrix<T, N, 1>, T, N, Theirs>, theirs)->UseRealTime();
#endif
}

template <int N>
void add_statements() {
  add_statement<double, N>("sum_of_two_double", STATEMENT(c = a + b), STATEMENT(c = a + b));
  add_statement<double, N>("formula_double", STATEMENT(c = a + 2 * b - a * b), STATEMENT(c = a + 2 * b - a.cwiseProduct(b)));
  add_statement<double, N>("update_double", STATEMENT(c += a), STATEMENT(c += a));
  add_statement<double, N>("norm_double", STATEMENT(s = norm(a).item()), STATEMENT(s = a.norm()));
  add_statement<double, N>("sum_of_squares_double", STATEMENT(s = sum(v * v).item()), STATEMENT(s = v.squaredNorm()));
  add_statement<double, N>("transpose_double", STATEMENT(c = a.t()), STATEMENT(c = a.transpose()));
  add_statement<double, N>("matrix_vector_double", STATEMENT(w = matmul(a, v)), STATEMENT(w.noalias() = a * v));
  add_statement<double, N>("congruence_double", STATEMENT(c = matmul(matmul(a, b), a.t()) / det(a)),
                           STATEMENT(c = a * b * a.transpose() / a.determinant()));
}

/// Products of matrices that lie one after another in memory.
template <class T, int N>
void batch(benchmark::State& state) {
  std::int64_t const many = 100000;
  auto const a = wick::rand<T>({many, N, N}), b = wick::rand<T>({many, N, N});
  wick::Tensor<T> c;
  for (auto _ : state) {
    c = matmul(a, b);
    benchmark::DoNotOptimize(std::as_const(c).data());
  }
}
#if defined(WICK_BENCH_HAS_EIGEN)
template <class T, int N>
void eigen_batch(benchmark::State& state) {
  std::int64_t const many = 100000;
  auto const a = wick::rand<T>({many, N, N}), b = wick::rand<T>({many, N, N});
  auto c = wick::zeros<T>({many, N, N});
  auto const* const x = reinterpret_cast<EigenMatrix<T, N> const*>(a.data());
  auto const* const y = reinterpret_cast<EigenMatrix<T, N> const*>(b.data());
  auto* const z = reinterpret_cast<EigenMatrix<T, N>*>(c.data());
  for (auto _ : state) {
    for (std::int64_t i = 0; i < many; ++i) z[i].noalias() = x[i] * y[i];
    benchmark::ClobberMemory();
  }
}
#endif
template <class T, int N>
void add_batch(std::string const& type) {
  std::string const rest = "batch_" + type + "/n:" + std::to_string(N) + "/threads:1";
  benchmark::RegisterBenchmark(rest.c_str(), batch<T, N>)->UseRealTime();
#if defined(WICK_BENCH_HAS_EIGEN)
  benchmark::RegisterBenchmark(("eigen_" + rest).c_str(), eigen_batch<T, N>)->UseRealTime();
#endif
}

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
  add_statements<3>(), add_statements<4>();
  add_batch<double, 2>("double"), add_batch<double, 3>("double"), add_batch<double, 4>("double"), add_batch<float, 3>("float");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
