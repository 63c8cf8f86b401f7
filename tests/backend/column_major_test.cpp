// SPDX-License-Identifier: MIT
// How libraries that count by columns are told of a row-major product: run by loops that follow the description, beside the
// naive product.
#include <doctest/doctest.h>

#include <array>
#include <vector>
#include <wick/backend/column_major.hpp>
#include <wick/backend/reference.hpp>

using namespace wick;
using backend::ColumnMajor;
using backend::Matrix;
using backend::MatrixBatch;

namespace {

std::vector<float> numbers(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i * 37 % 17) - 8);
  return values;
}

// As the BLAS defines it: D = op(A) op(B), element (i, j) of a stored matrix at j * leading + i.
void multiply(backend::ColumnMajorProduct const& p, float const* first, float const* second, float* result) {
  auto const element = [](ColumnMajor const& m, std::int64_t i, std::int64_t j) {
    if (m.transposed) std::swap(i, j);
    REQUIRE(i < m.rows);
    REQUIRE(j < m.columns);
    return j * m.leading + i;
  };
  for (ColumnMajor const& m : {p.first, p.second, p.result}) REQUIRE(m.leading >= std::max<std::int64_t>(m.rows, 1));
  REQUIRE(!p.result.transposed);
  for (std::int64_t n = 0; n < p.count; ++n)
    for (std::int64_t j = 0; j < p.columns; ++j)
      for (std::int64_t i = 0; i < p.rows; ++i) {
        float sum = 0;
        for (std::int64_t k = 0; k < p.depth; ++k)
          sum += first[n * p.first.batch_stride + element(p.first, i, k)] * second[n * p.second.batch_stride + element(p.second, k, j)];
        result[n * p.result.batch_stride + element(p.result, i, j)] = sum;
      }
}

// A matrix whose rows (or columns) are neighbours, `gap` elements between two of them.
Matrix<float const> matrix(std::vector<float> const& memory, std::int64_t rows, std::int64_t columns, bool by_columns, std::int64_t gap) {
  return by_columns ? Matrix<float const>{memory.data(), rows, columns, 1, rows + gap} : Matrix<float const>{memory.data(), rows, columns, columns + gap, 1};
}

}  // namespace

TEST_CASE("a product said by columns") {
  auto const memory = numbers(400);
  for (auto [m, k, n] : {std::array<std::int64_t, 3>{3, 5, 7}, {1, 4, 6}, {6, 4, 1}, {5, 1, 3}, {1, 1, 1}, {1, 6, 1}})
    for (bool a_by_columns : {false, true})
      for (bool b_by_columns : {false, true})
        for (std::int64_t gap : {0, 2}) {
          auto const a = matrix(memory, m, k, a_by_columns, gap), b = matrix(memory, k, n, b_by_columns, gap);
          std::vector<float> want(100, -1), got(100, -1);
          Matrix<float> const c{want.data(), m, n, n + gap, 1};
          auto const p = backend::product_by_columns(a, b, c);
          REQUIRE(p);
          backend::reference::gemm<float>(a, b, c, false);
          multiply(*p, b.data, a.data, got.data());
          CHECK(got == want);
        }
}

TEST_CASE("matrices that cannot be said by columns") {
  float memory[100] = {};
  Matrix<float const> const dense{memory, 4, 4, 4, 1};
  Matrix<float> const c{memory, 4, 4, 4, 1};
  CHECK(!backend::transpose_by_columns(Matrix<float const>{memory, 4, 4, 8, 2}));
  CHECK(!backend::transpose_by_columns(Matrix<float const>{memory, 4, 4, 0, 1}));   // one row for all
  CHECK(!backend::transpose_by_columns(Matrix<float const>{memory + 50, 4, 4, -4, 1}));
  CHECK(!backend::transpose_by_columns(Matrix<float const>{memory, 4, 4, 3, 1}));   // rows overlap
  CHECK(backend::transpose_by_columns(Matrix<float const>{memory, 4, 1, 8, 2}));    // a column of a larger matrix
  CHECK(backend::product_by_columns(dense, dense, c));
  CHECK(!backend::product_by_columns(Matrix<float const>{memory, 4, 4, 8, 2}, dense, c));
  CHECK(!backend::product_by_columns(dense, dense, Matrix<float>{memory, 4, 4, 1, 4}));
}

TEST_CASE("dimensions of a batch are joined where their strides allow it") {
  MatrixBatch batch{3, {2, 1, 5}, {50, 7, 10}, {0, 3, 0}};
  MatrixBatch const one = backend::joined(batch);
  CHECK(one.dims == 1);
  CHECK(one.extent[0] == 10);
  CHECK(one.a_stride[0] == 10);
  CHECK(one.b_stride[0] == 0);
  batch.b_stride[2] = 8;  // the second operand is one for both of the first dimension
  MatrixBatch const two = backend::joined(batch);
  CHECK(two.dims == 2);
  CHECK(two.count() == 10);
  CHECK(two.b_stride[0] == 0);
  CHECK(two.b_stride[1] == 8);
  CHECK(backend::joined(MatrixBatch{2, {1, 1}, {4, 4}, {4, 4}}).dims == 0);
}
