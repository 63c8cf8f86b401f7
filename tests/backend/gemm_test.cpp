// SPDX-License-Identifier: MIT
// Matrix multiplication of the CPU backend against the naive one.
#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <vector>
#include <wick/backend/cpu/gemm.hpp>
#include <wick/backend/reference.hpp>

using namespace wick;
using backend::Epilogue;
using backend::Matrix;

namespace {

struct Threads {
  int before = num_threads();
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
};

// Small integers: every sum is exact, so any order gives the same number.
template <class T>
std::vector<T> integers(std::int64_t count, unsigned seed) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<T>(static_cast<int>(seed >> 24) % 9 - 4);
  }
  return values;
}

std::vector<float> fractions(std::int64_t count, unsigned seed) {
  std::vector<float> values = integers<float>(count, seed);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.37f / static_cast<float>(i % 101 + 1);
  return values;
}

// A matrix over `data`, whose memory holds rows (or, transposed, columns) with a gap of three elements between them.
template <class T>
Matrix<T> layout(std::vector<T>& data, std::int64_t rows, std::int64_t columns, bool transposed) {
  if (transposed) return {data.data(), rows, columns, 1, rows + 3};
  return {data.data(), rows, columns, columns + 3, 1};
}

template <class T>
void compare(std::int64_t m, std::int64_t n, std::int64_t k, bool a_transposed, bool b_transposed, bool accumulate) {
  std::vector<T> a = integers<T>((m + 3) * (k + 3), 1), b = integers<T>((k + 3) * (n + 3), 2);
  std::vector<T> c = integers<T>(m * (n + 2), 3), expected = c;
  Matrix<T> const ma = layout(a, m, k, a_transposed), mb = layout(b, k, n, b_transposed);
  backend::cpu::gemm(ma, mb, Matrix<T>{c.data(), m, n, n + 2, 1}, accumulate);
  backend::reference::gemm(ma, mb, Matrix<T>{expected.data(), m, n, n + 2, 1}, accumulate);
  CHECK_MESSAGE(c == expected, m, " x ", n, " x ", k, a_transposed ? " at" : " a", b_transposed ? " bt" : " b");
}

template <class T>
void compare_around_tiles() {
  using Tile = backend::cpu::Tile<T>;
  std::int64_t const r = Tile::rows, l = Tile::lanes, w = Tile::columns, d = backend::cpu::GemmBlock<T>::depth;
  for (std::int64_t m : {std::int64_t{1}, std::int64_t{2}, r - 1, r, r + 1, 2 * r + 1})
    for (std::int64_t n : {std::int64_t{1}, std::int64_t{2}, l + 1, w - l, w - 1, w, w + 1})
      for (std::int64_t k : {std::int64_t{0}, std::int64_t{1}, std::int64_t{5}, d + 1})
        for (int layouts = 0; layouts < 4; ++layouts) compare<T>(m, n, k, layouts & 1, layouts & 2, (m + n + k) % 2);
}

// Products too large for the path without packing.
template <class T>
void compare_packed() {
  using Tile = backend::cpu::Tile<T>;
  std::int64_t const r = Tile::rows, l = Tile::lanes, w = Tile::columns, d = backend::cpu::GemmBlock<T>::depth;
  std::int64_t const direct = backend::cpu::GemmBlock<T>::direct_columns;
  int layouts = 0;
  for (std::int64_t m : {4 * r - 1, 4 * r, 4 * r + 1})
    for (std::int64_t n : {4 * w + 1, direct, direct + 1, direct + w - l, direct + w})
      for (std::int64_t k : {d - 1, 2 * d + 1}) ++layouts, compare<T>(m, n, k, layouts & 1, layouts & 2, layouts & 4);
}

struct Touched {
  std::int64_t columns;
  std::vector<int> times;
  static void run(void* context, std::int64_t row, std::int64_t column, std::int64_t n, float* values) {
    auto& self = *static_cast<Touched*>(context);
    for (std::int64_t j = 0; j < n; ++j) {
      ++self.times[static_cast<std::size_t>(row * self.columns + column + j)];
      values[j] = values[j] * 2 + static_cast<float>(row + column + j);
    }
  }
};

}  // namespace

TEST_CASE("gemm agrees with the naive loops around every edge of the tile, in all four layouts") {
  compare_around_tiles<float>();
  compare_around_tiles<double>();
  compare_around_tiles<std::int32_t>();
  compare_around_tiles<std::int64_t>();
}

TEST_CASE("gemm agrees where both operands are packed") {
  compare_packed<float>();
  compare_packed<double>();
}

TEST_CASE("gemm agrees across cache blocks and for small and middle sizes") {
  std::int64_t const j = backend::cpu::GemmBlock<float>::columns, d = backend::cpu::GemmBlock<float>::depth;
  for (std::int64_t n : {j - 1, j, j + 1}) compare<float>(9, n, 2 * d + 1, false, true, true);
  for (std::int64_t n : {3, 4, 8, 15, 16, 17, 33, 64}) {
    compare<float>(n, n, n, false, false, false);
    compare<double>(n, n, n, true, false, true);
    compare<float>(n, n, n, false, true, false);
  }
}

TEST_CASE("gemm takes negative and zero strides") {
  std::int64_t const m = 21, n = 67, k = 30;
  std::vector<float> a = integers<float>(m * k, 1), b = integers<float>(k * n, 2), c(m * n), expected(m * n);
  std::vector<Matrix<float>> const as = {{a.data() + m * k - 1, m, k, -k, -1},
                                         {a.data() + k - 1, m, k, k, -1},
                                         {a.data(), m, k, 0, 1},
                                         {a.data(), m, k, 1, 0},
                                         {a.data(), m, k, 0, 0},
                                         {a.data() + m - 1, m, k, -1, m}};
  std::vector<Matrix<float>> const bs = {{b.data() + k * n - 1, k, n, -n, -1},
                                         {b.data() + n - 1, k, n, n, -1},
                                         {b.data(), k, n, 0, 1},
                                         {b.data(), k, n, 1, 0},
                                         {b.data(), k, n, 0, 0},
                                         {b.data() + k - 1, k, n, -1, k}};
  for (auto const& ma : as) {
    for (auto const& mb : bs) {
      // The last row of c first: its own stride may be negative too. One row and one column take other paths.
      for (std::int64_t rows : {m, std::int64_t{1}}) {
        for (std::int64_t columns : {n, std::int64_t{1}}) {
          Matrix<float> pa = ma, pb = mb;
          pa.rows = rows, pb.columns = columns;
          std::fill(c.begin(), c.end(), 0.f), std::fill(expected.begin(), expected.end(), 0.f);
          backend::cpu::gemm(pa, pb, Matrix<float>{c.data() + (m - 1) * n, rows, columns, -n, 1}, false);
          backend::reference::gemm(pa, pb, Matrix<float>{expected.data() + (m - 1) * n, rows, columns, -n, 1}, false);
          CHECK(c == expected);
        }
      }
    }
  }
}

TEST_CASE("gemm with empty extents: nothing to do, or a sum of nothing") {
  compare<float>(0, 5, 3, false, false, false);
  compare<float>(5, 0, 3, false, false, false);
  compare<float>(20, 100, 0, false, false, false);
  compare<float>(20, 100, 0, false, false, true);
  compare<float>(1, 100, 0, false, false, false);
  compare<float>(100, 1, 0, false, false, true);
}

TEST_CASE("gemm of a depth that is packed in several parts") {
  std::int64_t const m = 2, n = 2000, k = 1030;
  std::vector<float> a = integers<float>(m * k, 1), b = integers<float>(n, 2), c(m * n), expected(m * n);
  Matrix<float> const ma{a.data(), m, k, k, 1}, mb{b.data(), k, n, 0, 1};
  Touched touched{n, std::vector<int>(m * n)};
  backend::cpu::gemm(ma, mb, Matrix<float>{c.data(), m, n, n, 1}, false, {&Touched::run, &touched});
  for (std::int64_t i = 0; i < m; ++i) {
    float sum = 0;
    for (std::int64_t q = 0; q < k; ++q) sum += a[i * k + q];
    for (std::int64_t j = 0; j < n; ++j) expected[i * n + j] = sum * b[j] * 2 + static_cast<float>(i + j);
  }
  CHECK(c == expected);
  CHECK(touched.times == std::vector<int>(m * n, 1));
}

TEST_CASE("gemm runs the epilogue exactly once on every element, after the last product") {
  for (int count : {1, 3}) {
    Threads const threads(count);
    for (auto [m, n, k] : {std::array<std::int64_t, 3>{1, 300, 400},
                           {300, 1, 400},
                           {5, 7, 3},
                           {100, 530, 300},
                           {9, 49, 0},
                           {17, 33, 16},
                           {8, 32, 8}}) {
      std::vector<float> a = integers<float>(m * k, 1), b = integers<float>(k * n, 2), c(m * n, 1), expected(m * n, 1);
      Matrix<float> const ma{a.data(), m, k, k, 1}, mb{b.data(), k, n, n, 1};
      Touched touched{n, std::vector<int>(m * n)}, by_reference = touched;
      backend::cpu::gemm(ma, mb, Matrix<float>{c.data(), m, n, n, 1}, true, {&Touched::run, &touched});
      backend::reference::gemm(ma, mb, Matrix<float>{expected.data(), m, n, n, 1}, true,
                               {&Touched::run, &by_reference});
      CHECK(touched.times == std::vector<int>(m * n, 1));
      CHECK(c == expected);
    }
  }
}

TEST_CASE("gemm lets NaN and infinity through, and only to where they belong") {
  float const inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (auto [m, n, k] : {std::array<std::int64_t, 3>{9, 50, 20}, {5, 5, 5}, {1, 50, 20}, {50, 1, 20}}) {
    std::vector<float> a(m * k, 1.f), b(k * n, 1.f), c(m * n);
    a[(m - 1) * k] = nan;          // row m - 1
    b[(k - 1) * n + n - 1] = inf;  // column n - 1
    backend::cpu::gemm(Matrix<float>{a.data(), m, k, k, 1}, Matrix<float>{b.data(), k, n, n, 1},
                       Matrix<float>{c.data(), m, n, n, 1}, false);
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        float const value = c[i * n + j];
        if (i == m - 1)
          CHECK(value != value);
        else
          CHECK(value == (j == n - 1 ? inf : static_cast<float>(k)));
      }
    }
  }
}

TEST_CASE("gemm of denormal and of huge numbers") {
  for (float scale : {std::numeric_limits<float>::denorm_min(), 0x1p100f})
    for (auto [m, n, k] : {std::array<std::int64_t, 3>{9, 50, 20}, {5, 5, 5}, {1, 50, 20}, {50, 1, 20}, {70, 90, 300}}) {
      std::vector<float> a = integers<float>(m * k, 1), b = integers<float>(k * n, 2), c(m * n), expected = c;
      for (float& value : a) value *= scale;
      Matrix<float const> const ma{a.data(), m, k, k, 1}, mb{b.data(), k, n, n, 1};
      backend::cpu::gemm(ma, mb, Matrix<float>{c.data(), m, n, n, 1}, false);
      backend::reference::gemm(ma, mb, Matrix<float>{expected.data(), m, n, n, 1}, false);
      CHECK(c == expected);
    }
}

TEST_CASE("gemm gives the same bits for any number of threads") {
  for (auto [m, n, k] :
       {std::array<std::int64_t, 3>{150, 170, 600}, {33, 1000, 300}, {1000, 1, 1000}, {1, 900, 1000}, {64, 64, 64}, {8, 500, 700}, {150, 90, 3000}}) {
    std::vector<float> a = fractions(m * k, 1), b = fractions(k * n, 2), first;
    for (int count : {1, 2, 3, 8}) {
      Threads const threads(count);
      std::vector<float> c(m * n);
      backend::cpu::gemm(Matrix<float>{a.data(), m, k, k, 1}, Matrix<float>{b.data(), k, n, n, 1},
                         Matrix<float>{c.data(), m, n, n, 1}, false);
      if (first.empty()) first = c;
      CHECK(c == first);
    }
  }
}

TEST_CASE("gemm inside a caller's own threads, and without asking the system for memory a second time") {
  std::int64_t const n = 200;
  std::vector<float> a = integers<float>(n * n, 1), b = integers<float>(n * n, 2), expected(n * n);
  std::vector<std::vector<float>> c(4, std::vector<float>(n * n));
  Matrix<float> const ma{a.data(), n, n, n, 1}, mb{b.data(), n, n, n, 1};
  backend::reference::gemm(ma, mb, Matrix<float>{expected.data(), n, n, n, 1}, false);
  Threads const threads(2);
#if defined(_OPENMP)
#pragma omp parallel for num_threads(2)
#endif
  for (int i = 0; i < 4; ++i) backend::cpu::gemm(ma, mb, Matrix<float>{c[i].data(), n, n, n, 1}, false);
  for (auto const& result : c) CHECK(result == expected);

  backend::cpu::gemm(ma, mb, Matrix<float>{c[0].data(), n, n, n, 1}, false);
  std::int64_t const before = pool_stats().system_allocations;
  for (int i = 0; i < 3; ++i) backend::cpu::gemm(ma, mb, Matrix<float>{c[0].data(), n, n, n, 1}, false);
  CHECK(pool_stats().system_allocations == before);
}
