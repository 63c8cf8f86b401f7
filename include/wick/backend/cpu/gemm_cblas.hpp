// SPDX-License-Identifier: MIT
// Somebody else's matrix multiplication: with WICK_USE_CBLAS defined, products go to the CBLAS that the program is
// linked with, where it takes their layout.
#pragma once

#if defined(WICK_USE_CBLAS)

#if !__has_include(<cblas.h>)
#error "WICK_USE_CBLAS needs cblas.h of a CBLAS in the include path (Debian, Ubuntu: apt install libopenblas-dev)."
#endif
#include <cblas.h>
#include <climits>

#include <wick/backend/cpu/gemm.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// A matrix as CBLAS describes it; `fits` is false when neither its rows nor its columns are contiguous.
struct CblasLayout {
  bool fits = false;
  CBLAS_TRANSPOSE transpose = CblasNoTrans;
  int leading = 1;

  template <class T>
  explicit CblasLayout(Matrix<T> const& m) {
    auto const take = [&](std::int64_t step, std::int64_t distance, std::int64_t length, CBLAS_TRANSPOSE how) {
      if (fits || step != 1 || distance < length || distance > INT_MAX) return;
      fits = true, transpose = how, leading = static_cast<int>(distance);
    };
    if (m.rows > INT_MAX || m.columns > INT_MAX) return;
    take(m.column_stride, m.row_stride, m.columns, CblasNoTrans);
    take(m.row_stride, m.column_stride, m.rows, CblasTrans);
  }
};

/// As `gemm`, by the CBLAS where that is possible; the epilogue is a pass of its own then.
template <class T>
void gemm_cblas(Matrix<std::type_identity_t<T> const> a, Matrix<std::type_identity_t<T> const> b, Matrix<T> c,
                bool accumulate, Epilogue<std::type_identity_t<T>> epilogue = {}) {
  CblasLayout const la(a), lb(b), lc(c);
  bool const possible = la.fits && lb.fits && lc.fits && lc.transpose == CblasNoTrans && c.rows > 0 && c.columns > 0 && a.columns > 0;
  if (!possible) return gemm<T>(a, b, c, accumulate, epilogue);
  auto const m = static_cast<int>(c.rows), n = static_cast<int>(c.columns), k = static_cast<int>(a.columns);
  T const beta = accumulate ? T(1) : T(0);
  if constexpr (std::is_same_v<T, float>)
    cblas_sgemm(CblasRowMajor, la.transpose, lb.transpose, m, n, k, T(1), a.data, la.leading, b.data, lb.leading, beta,
                c.data, lc.leading);
  else
    cblas_dgemm(CblasRowMajor, la.transpose, lb.transpose, m, n, k, T(1), a.data, la.leading, b.data, lb.leading, beta,
                c.data, lc.leading);
  if (epilogue.run)
    parallel_for(c.rows, std::max<std::int64_t>(1, gemm_grain / c.columns), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) epilogue(i, 0, c.columns, c.data + i * c.row_stride);
    });
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END

#endif
