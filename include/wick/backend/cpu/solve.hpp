// SPDX-License-Identifier: MIT
// Triangular systems by blocks of rows: what is known already leaves a block by one product, the rest is substitution.
#pragma once

#include <algorithm>

#include <wick/backend/cpu/gemm.hpp>
#include <wick/calls/solve.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

inline constexpr std::int64_t rows_of_substitution = 48;

/// x = the solution for rows [first, last) of one matrix, whose right-hand sides stand in x.
template <class T>
void substitute(TriangularShape const& s, T const* a, std::int64_t first, std::int64_t last, T* x) {
  for (std::int64_t step = 0; step < last - first; ++step) {
    std::int64_t const i = s.upper ? last - 1 - step : first + step;
    T* const row = x + i * s.columns;
    std::int64_t const begin = s.upper ? i + 1 : first, end = s.upper ? last : i;
    for (std::int64_t k = begin; k < end; ++k) {
      T const factor = a[i * s.n + k];
      T const* const known = x + k * s.columns;
      for (std::int64_t j = 0; j < s.columns; ++j) row[j] = static_cast<T>(row[j] - factor * known[j]);
    }
    if (s.unitriangular) continue;
    T const pivot = a[i * s.n + i];
    for (std::int64_t j = 0; j < s.columns; ++j) row[j] = static_cast<T>(row[j] / pivot);
  }
}

template <class T>
void solve_one_triangular(TriangularShape const& s, T const* a, T const* b, T* x) {
  std::copy_n(b, s.n * s.columns, x);
  std::int64_t const blocks = ceil_div(s.n, rows_of_substitution);
  Scratch<T> negated(blocks > 1 ? rows_of_substitution * s.n : 0);
  for (std::int64_t step = 0; step < blocks; ++step) {
    std::int64_t const block = s.upper ? blocks - 1 - step : step;
    std::int64_t const first = block * rows_of_substitution, last = std::min(s.n, first + rows_of_substitution);
    std::int64_t const begin = s.upper ? last : 0, known = s.upper ? s.n - last : first;
    if (known > 0) {
      for (std::int64_t i = first; i < last; ++i)
        std::transform(a + i * s.n + begin, a + i * s.n + begin + known, negated.data() + (i - first) * known, [](T v) { return static_cast<T>(-v); });
      gemm<T>({negated.data(), last - first, known, known, 1}, {x + begin * s.columns, known, s.columns, s.columns, 1},
              Matrix<T>{x + first * s.columns, last - first, s.columns, s.columns, 1}, true);
    }
    substitute(s, a, first, last, x);
  }
}

template <class T>
void solve_triangular(TriangularShape const& s, T const* a, T const* b, T* x) {
  std::int64_t const work = std::max<std::int64_t>(1, s.n * s.n * s.columns);
  parallel_for(s.batch, std::max<std::int64_t>(1, gemm_grain / work), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      solve_one_triangular(s, a + i * s.n * s.n, b + i * s.n * s.columns, x + i * s.n * s.columns);
  });
}

}  // namespace backend::cpu

namespace backend {
template <ComputedAsIs T>
void run(Cpu, SolveTriangular<T> const& call) {
  cpu::solve_triangular<T>(call.shape, call.a, call.b, call.x);
}
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
