// SPDX-License-Identifier: MIT
// Matrix multiplication of elements of 16 bits: they become floats when they are packed, the sums are sums of floats, and
// each element of the result is rounded once.
#pragma once

#include <wick/backend/cpu/gemm.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// Takes the finished rows of a kernel for float and rounds them into a target of 16-bit elements, or adds them to it.
template <Half T>
struct RoundedRows {
  T* target;
  std::int64_t row_stride;
  bool accumulate;
  Epilogue<T> next;

  Epilogue<float> epilogue() { return {&run, this}; }

 private:
  static void run(void* context, std::int64_t row, std::int64_t column, std::int64_t n, float* values) {
    auto const& self = *static_cast<RoundedRows*>(context);
    T* const to = self.target + row * self.row_stride + column;
    if (self.accumulate)
      for (std::int64_t i = 0; i < n; ++i) values[i] += to[i];
    simd::narrow(values, n, to);
    self.next(row, column, n, to);
  }
};

/// y = a x in float. `done(begin, end)` is called for every finished part of y.
template <Half T, class Done>
void half_matrix_vector(Matrix<T const> const& a, T const* x, std::int64_t x_stride, float* y, Done const& done) {
  Scratch<float> const vector(a.columns);
  widen_strided(x, x_stride, a.columns, vector.data());
  constexpr std::int64_t part = 256;
  bool const by_columns = a.row_stride == 1 && a.column_stride != 1;
  std::int64_t const block = by_columns ? part : 1;
  std::int64_t const grain = std::max<std::int64_t>(1, gemm_grain / (block * std::max<std::int64_t>(1, a.columns)));
  parallel_for(ceil_div(a.rows, block), grain, [&](std::int64_t first, std::int64_t last) {
    std::int64_t const begin = first * block, end = std::min(a.rows, last * block);
    alignas(alignment) float wide[part];
    for (std::int64_t i = begin; i < end; i += block) {
      T const* const from = a.data + i * a.row_stride;
      if (by_columns) {
        std::int64_t const rows = std::min(part, end - i);
        alignas(alignment) float sum[part] = {};
        std::fill(wide, wide + part, 0.0f);
        for (std::int64_t k = 0; k < a.columns; ++k) {
          simd::widen(from + k * a.column_stride, rows, wide);
          for (std::int64_t r = 0; r < part; ++r) sum[r] += wide[r] * vector[k];
        }
        std::copy(sum, sum + rows, y + i);
      } else {
        float sum = 0;
        for (std::int64_t k = 0; k < a.columns; k += part) {
          std::int64_t const n = std::min(part, a.columns - k);
          widen_strided(from + k * a.column_stride, a.column_stride, n, wide);
          sum += dot(n, wide, 1, vector.data() + k);
        }
        y[i] = sum;
      }
    }
    done(begin, end);
  });
}

/// As gemm, for elements of 16 bits.
template <Half T>
void gemm_half(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate, Epilogue<T> const& epilogue) {
  if (c.rows <= 0 || c.columns <= 0) return;
  Scratch<float> const sums(c.rows * c.columns);
  RoundedRows<T> rounded{c.data, c.row_stride, accumulate, epilogue};
  Epilogue<float> const finish = rounded.epilogue();
  if (c.columns == 1) {
    return half_matrix_vector(a, b.data, b.row_stride, sums.data(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) finish(i, 0, 1, sums.data() + i);
    });
  }
  if (c.rows == 1) {
    return half_matrix_vector(b.transposed(), a.data, a.column_stride, sums.data(), [&](std::int64_t begin, std::int64_t end) {
      finish(0, begin, end - begin, sums.data() + begin);
    });
  }
  gemm_packed<float>(a, b, Matrix<float>{sums.data(), c.rows, c.columns, c.columns, 1}, false, finish);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
