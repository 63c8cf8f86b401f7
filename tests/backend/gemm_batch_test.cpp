// SPDX-License-Identifier: MIT
// Batches of products: each against the naive loops, operands shared along some dimensions, epilogues once per element.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>
#include <wick/backend/cpu/calls.hpp>
#include <wick/backend/reference.hpp>

using namespace wick;
using backend::Matrix;
using backend::MatrixBatch;

namespace {

std::vector<float> numbers(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i * 37 % 17) - 8);
  return values;
}

struct Doubled {
  std::int64_t columns;
  std::vector<int> times;
  static void run(void* context, std::int64_t row, std::int64_t column, std::int64_t n, float* values) {
    auto& self = *static_cast<Doubled*>(context);
    for (std::int64_t j = 0; j < n; ++j) {
      ++self.times[static_cast<std::size_t>(row * self.columns + column + j)];
      values[j] *= 2;
    }
  }
};

void check(std::int64_t m, std::int64_t n, std::int64_t k, bool share_b) {
  // (2, 5) products; a differs along both dimensions, b along the second one only, or is the same for all.
  MatrixBatch batch;
  batch.dims = 2;
  batch.extent[0] = 2, batch.extent[1] = 5;
  batch.a_stride[0] = 5 * m * k, batch.a_stride[1] = m * k;
  batch.b_stride[0] = 0, batch.b_stride[1] = share_b ? 0 : k * n;
  auto const a = numbers(10 * m * k), b = numbers(5 * k * n);
  std::vector<float> expected(static_cast<std::size_t>(10 * m * n));
  for (std::int64_t i = 0; i < 10; ++i)
    backend::reference::gemm(Matrix<float const>{a.data() + i * m * k, m, k, k, 1},
                             Matrix<float const>{b.data() + (share_b ? 0 : i % 5 * k * n), k, n, n, 1},
                             Matrix<float>{expected.data() + i * m * n, m, n, n, 1}, false);
  for (float& value : expected) value *= 2;
  int const before = num_threads();
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    std::vector<float> c(expected.size() + 16, -1);  // nothing is written behind the last product
    Doubled doubled{n, std::vector<int>(expected.size())};
    run(backend::Cpu{}, backend::Gemm<float>{{a.data(), m, k, k, 1}, {b.data(), k, n, n, 1}, {c.data(), m, n, n, 1}, {&Doubled::run, &doubled}, batch});
    CHECK(std::vector<float>(c.end() - 16, c.end()) == std::vector<float>(16, -1));
    c.resize(expected.size());
    CHECK(c == expected);
    CHECK(doubled.times == std::vector<int>(c.size(), 1));
  }
  set_num_threads(before);
}

}  // namespace

TEST_CASE("a batch of small, of middle and of large products") {
  for (bool share_b : {false, true}) {
    check(3, 4, 5, share_b);
    check(33, 47, 29, share_b);
    check(150, 130, 140, share_b);
    check(1, 60, 20, share_b);
    check(60, 1, 20, share_b);
    check(4, 3, 0, share_b);
    for (std::int64_t n = 2; n <= 9; ++n) check(n, n, n, share_b);
  }
}

TEST_CASE("many small products have the bits of one after another, and of any number of threads") {
  int const before = num_threads();
  for (std::int64_t n : {2, 3, 4, 7}) {
    std::int64_t const count = 20000, size = n * n;
    std::vector<double> a(static_cast<std::size_t>(count * size)), b(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = 1. / static_cast<double>(i % 97 + 1), b[i] = std::sin(static_cast<double>(i));
    MatrixBatch batch;
    batch.dims = 1, batch.extent[0] = count, batch.a_stride[0] = size, batch.b_stride[0] = size;
    std::vector<double> one(a.size());
    for (std::int64_t i = 0; i < count; ++i)
      run(backend::Cpu{}, backend::Gemm<double>{{a.data() + i * size, n, n, n, 1}, {b.data() + i * size, n, n, n, 1}, {one.data() + i * size, n, n, n, 1}});
    for (int threads : {1, 2, 8}) {
      set_num_threads(threads);
      std::vector<double> c(a.size());
      run(backend::Cpu{}, backend::Gemm<double>{{a.data(), n, n, n, 1}, {b.data(), n, n, n, 1}, {c.data(), n, n, n, 1}, {}, batch});
      CHECK(c == one);
      run(backend::Cpu{}, backend::Gemm<double>{{a.data(), count * n, n, n, 1}, {b.data(), n, n, n, 1}, {c.data(), count * n, n, n, 1}});
      std::vector<double> last(static_cast<std::size_t>(size));
      run(backend::Cpu{}, backend::Gemm<double>{{a.data() + (count - 1) * size, n, n, n, 1}, {b.data(), n, n, n, 1}, {last.data(), n, n, n, 1}});
      CHECK(std::vector<double>(c.end() - size, c.end()) == last);
    }
  }
  set_num_threads(before);
}
