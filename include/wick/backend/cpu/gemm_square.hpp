// SPDX-License-Identifier: MIT
// Many products of small square matrices, one after another: a row is a register, or the beginning of one.
#pragma once

#include <algorithm>

#include <wick/backend/cpu/gemm_tile.hpp>
#include <wick/calls/gemm.hpp>
#include <wick/ops/fixed_matrix.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// `count` products of matrices that follow one another in memory at these distances.
template <class T>
struct SquareProducts {
  T const* a;
  std::int64_t a_next;
  T const* b;
  std::int64_t b_next;
  T* c;
  std::int64_t count, n;
};

#if WICK_VECTORS
/// Products of `n` x `n` by `n` x `n` matrices, n = N or, where that is 0, at most 8. A row is read with what follows it, and
/// what is written spills into the next one, which is written later; only the last products are computed in a place with room
/// behind it. (Masked rows are slow where memory is not in the cache.)
template <std::int64_t N, class T>
WICK_NOINLINE void square_products(SquareProducts<T> p) {
  constexpr std::int64_t width = N == 0 ? 8 : N <= 2 ? 2 : 4, most = N == 0 ? 8 : N;
  using Row = wick::detail::FixedRow<T, width>;
  std::int64_t const n = N == 0 ? p.n : N, size = n * n, spill = width - n;
  typename Row::Type b[std::size_t{most}];
  auto const load = [&](T const* from) WICK_LAMBDA_INLINE {
    if constexpr (N > 0) {
      WICK_UNROLL for (std::int64_t k = 0; k < N; ++k) b[k] = Row::load(from + k * N);
    }
  };
  auto const multiply = [&](T const* a, [[maybe_unused]] T const* from, T* c) WICK_LAMBDA_INLINE {
    if constexpr (N > 0) {
      WICK_UNROLL for (std::int64_t i = 0; i < N; ++i) {
        typename Row::Type sum = b[0] * a[i * N];
        WICK_UNROLL for (std::int64_t k = 1; k < N; ++k) sum += b[k] * a[i * N + k];
        Row::store(c + i * N, sum);
      }
    } else {
      for (std::int64_t i = 0; i < n; ++i) {
        typename Row::Type sum = Row::load(from) * a[i * n];
        for (std::int64_t k = 1; k < n; ++k) sum += Row::load(from + k * n) * a[i * n + k];
        Row::store(c + i * n, sum);
      }
    }
  };
  T room[std::size_t{most * most + width}], result[std::size_t{most * most + width}];
  auto const copied = [&] {
    std::copy_n(p.b, size, room);
    load(room);
    return room;
  };
  std::fill(room + size, room + size + width, T(0));
  T const* const shared = copied();
  std::int64_t const last = spill ? std::min(p.count, 1 + (spill + size - 1) / size) : 0;
  std::int64_t const whole = p.b_next == 0 || p.b_next == size ? p.count - last : 0;
  for (std::int64_t i = 0; i < whole; ++i, p.a += p.a_next, p.b += p.b_next, p.c += size) {
    if (p.b_next != 0) load(p.b);
    multiply(p.a, p.b_next != 0 ? p.b : shared, p.c);
  }
  for (std::int64_t i = whole; i < p.count; ++i, p.a += p.a_next, p.b += p.b_next, p.c += size) {
    multiply(p.a, copied(), result);
    std::copy_n(result, size, p.c);
  }
}
#endif

/// Those for matrices of this size, if there are any: dense ones of at most 8 rows.
template <class T>
auto find_square_products([[maybe_unused]] Matrix<T const> const& a, [[maybe_unused]] Matrix<T const> const& b) -> void (*)(SquareProducts<T>) {
#if WICK_VECTORS
  if constexpr (Lane<T>) {
    auto const dense = [&](Matrix<T const> const& m) { return m.columns == a.rows && m.row_stride == a.rows && m.column_stride == 1; };
    if (dense(a) && dense(b)) {
      switch (a.rows) {
        case 2: return &square_products<2, T>;
        case 3: return &square_products<3, T>;
        case 4: return &square_products<4, T>;
        case 5:
        case 6:
        case 7:
        case 8: return &square_products<0, T>;
        default: break;
      }
    }
  }
#endif
  return nullptr;
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
