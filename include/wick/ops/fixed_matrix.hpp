// SPDX-License-Identifier: MIT
// Matrices whose extents are known when compiling: products, determinants and inverses, unrolled, without heap.
#pragma once

#include <cstring>

#include <wick/base/simd.hpp>
#include <wick/expr/assign.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <std::int64_t N, class F>
WICK_INLINE constexpr void unrolled(F const& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) WICK_LAMBDA_INLINE {
    (f(std::integral_constant<std::int64_t, static_cast<std::int64_t>(I)>{}), ...);
  }(std::make_index_sequence<static_cast<std::size_t>(N)>{});
}
// Products of more terms than this are loops.
inline constexpr std::int64_t most_terms = 1024;
// Rows up to this long are as fast as g++'s own vectors of several rows; clang makes none.
#if defined(__clang__)
inline constexpr std::int64_t short_row = 2;
#else
inline constexpr std::int64_t short_row = 3;
#endif

#if WICK_VECTORS
/// W numbers that the compiler keeps in a register, or in a few.
template <class T, std::int64_t W>
struct FixedRow {
  typedef T Type __attribute__((vector_size(W * sizeof(T))));
  static WICK_INLINE Type load(T const* p) {
    Type row;
    std::memcpy(&row, p, sizeof row);
    return row;
  }
  static WICK_INLINE void store(T* p, Type const& row) { std::memcpy(p, &row, sizeof row); }
};

// Columns of c from First on, row by row: a row of the result is a sum of rows of b, each times one element of a. A row is
// cut into registers of W and then smaller ones. Of 16 bytes, the last one begins where it ends with the row, but stores
// only what is missing: stores that overlap would keep the compiler from holding the result in registers.
template <std::int64_t W, std::int64_t First, std::int64_t M, std::int64_t K, std::int64_t N, class T>
WICK_INLINE void multiply_rows(T const* a, T const* b, T* c) {
  if constexpr (First + W > N && W * sizeof(T) > 16) {
    multiply_rows<W / 2, First, M, K, N>(a, b, c);
  } else if constexpr (First < N) {
    using Row = FixedRow<T, W>;
    constexpr std::int64_t from = First + W <= N ? First : N - W;
    auto const row = [&](std::int64_t i) WICK_LAMBDA_INLINE {
      typename Row::Type sum = Row::load(b + from) * a[i * K];
      if constexpr (M * K * N <= most_terms) unrolled<K - 1>([&](auto k) WICK_LAMBDA_INLINE { sum += Row::load(b + (k + 1) * N + from) * a[i * K + k + 1]; });
      else for (std::int64_t k = 1; k < K; ++k) sum += Row::load(b + k * N + from) * a[i * K + k];
      if constexpr (from == First) {
        Row::store(c + i * N + First, sum);
      } else {
        for (std::int64_t j = First; j < N; ++j) c[i * N + j] = sum[j - from];
      }
    };
    if constexpr (M * K * N <= most_terms) unrolled<M>(row);
    else for (std::int64_t i = 0; i < M; ++i) row(i);
    multiply_rows<W, First + W, M, K, N>(a, b, c);
  }
}

// Column k of R rows of N numbers, each number repeated along its row.
template <std::int64_t N, std::int64_t k, class V, std::size_t... L>
WICK_INLINE auto spread_column(V const& rows, std::index_sequence<L...>) {
  return __builtin_shufflevector(rows, rows, static_cast<int>(static_cast<std::int64_t>(L) / N * N + k)...);
}
// A row of N numbers R times, by doubling: compilers know how to do that.
template <std::int64_t N, class V, std::size_t... L>
WICK_INLINE auto doubled(V const& row, std::index_sequence<L...>) {
  return __builtin_shufflevector(row, row, static_cast<int>(static_cast<std::int64_t>(L) % N)...);
}
template <std::int64_t R, std::int64_t N, class V>
WICK_INLINE auto repeat_row(V const& row) {
  if constexpr (R == 1) return row;
  else return repeat_row<R / 2, 2 * N>(doubled<N>(row, std::make_index_sequence<static_cast<std::size_t>(2 * N)>{}));
}

// Square matrices of which R rows fill a register: c's rows [i, i + R) are sums of rows of b, each repeated R times, times
// one element of each of a's rows, repeated along the row.
template <std::int64_t R, std::int64_t N, std::int64_t M, class T>
WICK_INLINE void multiply_row_groups(T const* a, T const* b, T* c) {
  using Group = FixedRow<T, R * N>;
  using Lanes = std::make_index_sequence<static_cast<std::size_t>(R * N)>;
  unrolled<M / R>([&](auto group) WICK_LAMBDA_INLINE {
    auto const rows = Group::load(a + group * R * N);
    typename Group::Type sum;
    unrolled<N>([&](auto k) WICK_LAMBDA_INLINE {
      auto const product = spread_column<N, k.value>(rows, Lanes{}) * repeat_row<R, N>(FixedRow<T, N>::load(b + k * N));
      if constexpr (k == 0) sum = product;
      else sum += product;
    });
    Group::store(c + group * R * N, sum);
  });
}

// A matrix times a vector: registers of W run along the rows.
template <std::int64_t W, std::int64_t M, std::int64_t K, class T>
WICK_INLINE void multiply_vector(T const* a, T const* v, T* c) {
  using Row = FixedRow<T, W>;
  auto const products = [&](std::int64_t i) WICK_LAMBDA_INLINE {
    auto sum = Row::load(a + i * K) * Row::load(v);
    unrolled<K / W - 1>([&](auto k) WICK_LAMBDA_INLINE { sum += Row::load(a + i * K + (k + 1) * W) * Row::load(v + (k + 1) * W); });
    return sum;
  };
  if constexpr (W == 4 && K % W == 0) {
    unrolled<M / W>([&](auto group) WICK_LAMBDA_INLINE {  // four rows give a register of sums
      auto const p = products(group * W), q = products(group * W + 1), r = products(group * W + 2), s = products(group * W + 3);
      auto const low = __builtin_shufflevector(p, q, 0, 4, 2, 6) + __builtin_shufflevector(p, q, 1, 5, 3, 7);
      auto const high = __builtin_shufflevector(r, s, 0, 4, 2, 6) + __builtin_shufflevector(r, s, 1, 5, 3, 7);
      Row::store(c + group * W, __builtin_shufflevector(low, high, 0, 1, 4, 5) + __builtin_shufflevector(low, high, 2, 3, 6, 7));
    });
  }
  constexpr std::int64_t done = W == 4 && K % W == 0 ? M / W * W : 0;
  unrolled<M - done>([&](auto row) WICK_LAMBDA_INLINE {
    std::int64_t const i = done + row;
    auto const sums = products(i);
    T sum = sums[0];
    unrolled<K % W>([&](auto k) WICK_LAMBDA_INLINE { sum += a[i * K + K / W * W + k] * v[K / W * W + k]; });
    unrolled<W - 1>([&](auto k) WICK_LAMBDA_INLINE { sum += sums[k.value + 1]; });
    c[i] = sum;
  });
}
#endif

/// c = a b, matrices of M x K and K x N elements, in row-major order.
template <std::int64_t M, std::int64_t K, std::int64_t N, class T>
WICK_INLINE constexpr void multiply_fixed(T const* a, T const* b, T* c) {
#if WICK_VECTORS
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && K > 0) {
    constexpr std::int64_t most = static_cast<std::int64_t>(sizeof(Batch<double>) / sizeof(T)), group = N > 0 && M > most / N ? most / N : M;
    if (!std::is_constant_evaluated()) {
      if constexpr (K == N && N > 1 && group > 1 && (group * N & (group * N - 1)) == 0 && group * N * sizeof(T) >= 16 && M % group == 0 && M * K * N <= most_terms)
        return multiply_row_groups<group, N, M>(a, b, c);
      else if constexpr (N > short_row && N * sizeof(T) > 16) return multiply_rows<most, 0, M, K, N>(a, b, c);
      else if constexpr (N == 1 && M > 1 && std::is_floating_point_v<T> && K % 4 == 0 && most >= 4 && M * K <= most_terms) return multiply_vector<4, M, K>(a, b, c);
      else if constexpr (N == 1 && M > 1 && std::is_same_v<T, double> && K > 1 && M * K <= most_terms) return multiply_vector<2, M, K>(a, b, c);
    }
  }
#endif
  if constexpr (M * K * N <= most_terms) {
    unrolled<M * N>([&](auto place) WICK_LAMBDA_INLINE {
      constexpr std::int64_t i = place / N, j = place % N;
      T sum{};
      unrolled<K>([&](auto k) WICK_LAMBDA_INLINE {
        if constexpr (k == 0) sum = static_cast<T>(a[i * K] * b[j]);
        else sum = static_cast<T>(sum + a[i * K + k] * b[k * N + j]);
      });
      c[place] = sum;
    });
  } else {
    for (std::int64_t i = 0; i < M; ++i)
      for (std::int64_t k = 0; k < K; ++k)
        for (std::int64_t j = 0; j < N; ++j) c[i * N + j] += a[i * K + k] * b[k * N + j];
  }
}

}  // namespace detail

/// Product of two Fixed matrices (torch.matmul), of a matrix and a vector, or of two vectors (which is a number).
template <class T, class A, class B>
WICK_INLINE constexpr auto matmul(Tensor<T, A, Inline> const& a, Tensor<T, B, Inline> const& b) {
  static_assert(A::rank >= 1 && A::rank <= 2 && B::rank >= 1 && B::rank <= 2, "Wick: matmul of Fixed tensors needs matrices or vectors");
  constexpr std::int64_t m = A::rank == 2 ? A::extents[0] : 1, k = A::extents[A::rank - 1], n = B::rank == 2 ? B::extents[1] : 1;
  static_assert(k == B::extents[0], "Wick: matmul of Fixed matrices needs as many columns on the left as rows on the right");
  auto c = [] {
    if constexpr (A::rank == 2 && B::rank == 2) return Fixed<T, m, n>();
    else if constexpr (A::rank == 2) return Fixed<T, m>();
    else if constexpr (B::rank == 2) return Fixed<T, n>();
    else return Fixed<T>();
  }();
  detail::multiply_fixed<m, k, n>(a.data(), b.data(), c.data());
  return c;
}
/// The same of formulas of Fixed tensors.
template <FixedFormula A, FixedFormula B>
  requires(!is_fixed<A> || !is_fixed<B>)
WICK_INLINE constexpr auto matmul(A const& a, B const& b) {
  return matmul(materialize(operand(a)), materialize(operand(b)));
}

/// The two dimensions of a Fixed matrix exchanged (torch.transpose). They must differ, unless the matrix is square: what
/// comes out is known when compiling.
template <class T, std::int64_t M, std::int64_t N>
WICK_INLINE constexpr Fixed<T, N, M> transpose(Fixed<T, M, N> const& a, std::int64_t first, std::int64_t second) {
  if (normalize_axis("transpose", first, 2) == normalize_axis("transpose", second, 2)) {
    if constexpr (M == N) return a;
    else fail("transpose: of a Fixed matrix of shape ", a.shape(), " two different dimensions are exchanged, not ", first, " and ", second);
  }
  return a.t();
}
template <FixedFormula A>
  requires(!is_fixed<A> && extents_t<decltype(operand(std::declval<A const&>()))>::rank == 2)
WICK_INLINE constexpr auto transpose(A const& a, std::int64_t first, std::int64_t second) {
  return transpose(materialize(operand(a)), first, second);
}

/// Determinant of a Fixed matrix up to 4x4 (torch.linalg.det).
template <class T, std::int64_t N, std::int64_t M>
WICK_INLINE constexpr T det(Fixed<T, N, M> const& a) {
  static_assert(N == M, "Wick: det needs a square matrix");
  static_assert(N >= 1 && N <= 4, "Wick: det of a Fixed matrix is written out up to 4x4");
  T const* m = a.data();
  if constexpr (N == 1) {
    return m[0];
  } else if constexpr (N == 2) {
    return m[0] * m[3] - m[1] * m[2];
  } else if constexpr (N == 3) {
    return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
  } else {
    // Laplace expansion by the first two rows: products of 2x2 minors.
    T const s0 = m[0] * m[5] - m[1] * m[4], s1 = m[0] * m[6] - m[2] * m[4], s2 = m[0] * m[7] - m[3] * m[4];
    T const s3 = m[1] * m[6] - m[2] * m[5], s4 = m[1] * m[7] - m[3] * m[5], s5 = m[2] * m[7] - m[3] * m[6];
    T const c5 = m[10] * m[15] - m[11] * m[14], c4 = m[9] * m[15] - m[11] * m[13], c3 = m[9] * m[14] - m[10] * m[13];
    T const c2 = m[8] * m[15] - m[11] * m[12], c1 = m[8] * m[14] - m[10] * m[12], c0 = m[8] * m[13] - m[9] * m[12];
    return s0 * c5 - s1 * c4 + s2 * c3 + s3 * c2 - s4 * c1 + s5 * c0;
  }
}

template <FixedFormula A>
  requires(!is_fixed<A>)
WICK_INLINE constexpr auto det(A const& a) {
  return det(materialize(operand(a)));
}

#if WICK_VECTORS
namespace detail {

// The inverse of [[A, B], [C, D]], each block a 2x2 matrix in a register, by the adjugates of the blocks:
// A' = |D| A - B (D# C), D' = |A| D - C (A# B), B' = |B| C - D (A# B)#, C' = |C| B - A (D# C)#, where # is the adjugate;
// the inverse is [[A'#, B'#], [C'#, D'#]] over |A||D| + |B||C| - trace((A# B)(D# C)).
template <class T>
WICK_INLINE void invert_4x4(T const* m, T* r) {
  using Row = FixedRow<T, 4>;
  using V = typename Row::Type;
  V const r0 = Row::load(m), r1 = Row::load(m + 4), r2 = Row::load(m + 8), r3 = Row::load(m + 12);
  V const a = __builtin_shufflevector(r0, r1, 0, 1, 4, 5), b = __builtin_shufflevector(r0, r1, 2, 3, 6, 7);
  V const c = __builtin_shufflevector(r2, r3, 0, 1, 4, 5), d = __builtin_shufflevector(r2, r3, 2, 3, 6, 7);
  auto const times = [](V const& x, V const& y) {
    return x * __builtin_shufflevector(y, y, 0, 3, 0, 3) + __builtin_shufflevector(x, x, 1, 0, 3, 2) * __builtin_shufflevector(y, y, 2, 1, 2, 1);
  };
  auto const adjugate_times = [](V const& x, V const& y) {
    return __builtin_shufflevector(x, x, 3, 3, 0, 0) * y - __builtin_shufflevector(x, x, 1, 1, 2, 2) * __builtin_shufflevector(y, y, 2, 3, 0, 1);
  };
  auto const times_adjugate = [](V const& x, V const& y) {
    return x * __builtin_shufflevector(y, y, 3, 0, 3, 0) - __builtin_shufflevector(x, x, 1, 0, 3, 2) * __builtin_shufflevector(y, y, 2, 1, 2, 1);
  };
  // The four determinants, in the order A, B, C, D.
  V const low = __builtin_shufflevector(r0, r2, 0, 2, 4, 6), low_other = __builtin_shufflevector(r1, r3, 1, 3, 5, 7);
  V const high = __builtin_shufflevector(r0, r2, 1, 3, 5, 7), high_other = __builtin_shufflevector(r1, r3, 0, 2, 4, 6);
  V const dets = low * low_other - high * high_other;
  V const dc = adjugate_times(d, c), ab = adjugate_times(a, b);
  V const trace = ab * __builtin_shufflevector(dc, dc, 0, 2, 1, 3);
  T const total = dets[0] * dets[3] + dets[1] * dets[2] - ((trace[0] + trace[2]) + (trace[1] + trace[3]));
  V const over = V{T(1), T(-1), T(-1), T(1)} / total;
  V const x = (__builtin_shufflevector(dets, dets, 3, 3, 3, 3) * a - times(b, dc)) * over;
  V const w = (__builtin_shufflevector(dets, dets, 0, 0, 0, 0) * d - times(c, ab)) * over;
  V const y = (__builtin_shufflevector(dets, dets, 1, 1, 1, 1) * c - times_adjugate(d, ab)) * over;
  V const z = (__builtin_shufflevector(dets, dets, 2, 2, 2, 2) * b - times_adjugate(a, dc)) * over;
  Row::store(r, __builtin_shufflevector(x, y, 3, 1, 7, 5));
  Row::store(r + 4, __builtin_shufflevector(x, y, 2, 0, 6, 4));
  Row::store(r + 8, __builtin_shufflevector(z, w, 3, 1, 7, 5));
  Row::store(r + 12, __builtin_shufflevector(z, w, 2, 0, 6, 4));
}

}  // namespace detail
#endif

/// Inverse of a Fixed matrix up to 4x4 (torch.linalg.inv): adjugate over determinant, so a singular matrix gives
/// infinities and NaN. Accurate for matrices of moderate condition, as element-level kernels have them.
template <class T, std::int64_t N, std::int64_t M>
constexpr Fixed<T, N, N> inverse(Fixed<T, N, M> const& a) {
  static_assert(N == M, "Wick: inverse needs a square matrix");
  static_assert(N >= 1 && N <= 4, "Wick: inverse of a Fixed matrix is written out up to 4x4");
  T const* m = a.data();
  Fixed<T, N, N> result;
  T* const r = result.data();
#if WICK_VECTORS
  if constexpr (N == 4 && std::is_floating_point_v<T> && 4 * sizeof(T) <= sizeof(Batch<double>))
    if (!std::is_constant_evaluated()) {
      detail::invert_4x4(m, r);
      return result;
    }
#endif
  if constexpr (N == 1) {
    r[0] = T(1) / m[0];
  } else if constexpr (N == 2) {
    T const f = T(1) / det(a);
    r[0] = m[3] * f, r[1] = -m[1] * f, r[2] = -m[2] * f, r[3] = m[0] * f;
  } else if constexpr (N == 3) {
    T const c0 = m[4] * m[8] - m[5] * m[7], c1 = m[5] * m[6] - m[3] * m[8], c2 = m[3] * m[7] - m[4] * m[6];
    T const f = T(1) / (m[0] * c0 + m[1] * c1 + m[2] * c2);
    r[0] = c0 * f, r[1] = (m[2] * m[7] - m[1] * m[8]) * f, r[2] = (m[1] * m[5] - m[2] * m[4]) * f;
    r[3] = c1 * f, r[4] = (m[0] * m[8] - m[2] * m[6]) * f, r[5] = (m[2] * m[3] - m[0] * m[5]) * f;
    r[6] = c2 * f, r[7] = (m[1] * m[6] - m[0] * m[7]) * f, r[8] = (m[0] * m[4] - m[1] * m[3]) * f;
  } else {
    T const s0 = m[0] * m[5] - m[1] * m[4], s1 = m[0] * m[6] - m[2] * m[4], s2 = m[0] * m[7] - m[3] * m[4];
    T const s3 = m[1] * m[6] - m[2] * m[5], s4 = m[1] * m[7] - m[3] * m[5], s5 = m[2] * m[7] - m[3] * m[6];
    T const c5 = m[10] * m[15] - m[11] * m[14], c4 = m[9] * m[15] - m[11] * m[13], c3 = m[9] * m[14] - m[10] * m[13];
    T const c2 = m[8] * m[15] - m[11] * m[12], c1 = m[8] * m[14] - m[10] * m[12], c0 = m[8] * m[13] - m[9] * m[12];
    T const f = T(1) / (s0 * c5 - s1 * c4 + s2 * c3 + s3 * c2 - s4 * c1 + s5 * c0);
    r[0] = (m[5] * c5 - m[6] * c4 + m[7] * c3) * f, r[1] = (m[2] * c4 - m[1] * c5 - m[3] * c3) * f;
    r[2] = (m[13] * s5 - m[14] * s4 + m[15] * s3) * f, r[3] = (m[10] * s4 - m[9] * s5 - m[11] * s3) * f;
    r[4] = (m[6] * c2 - m[4] * c5 - m[7] * c1) * f, r[5] = (m[0] * c5 - m[2] * c2 + m[3] * c1) * f;
    r[6] = (m[14] * s2 - m[12] * s5 - m[15] * s1) * f, r[7] = (m[8] * s5 - m[10] * s2 + m[11] * s1) * f;
    r[8] = (m[4] * c4 - m[5] * c2 + m[7] * c0) * f, r[9] = (m[1] * c2 - m[0] * c4 - m[3] * c0) * f;
    r[10] = (m[12] * s4 - m[13] * s2 + m[15] * s0) * f, r[11] = (m[9] * s2 - m[8] * s4 - m[11] * s0) * f;
    r[12] = (m[5] * c1 - m[4] * c3 - m[6] * c0) * f, r[13] = (m[0] * c3 - m[1] * c1 + m[2] * c0) * f;
    r[14] = (m[13] * s1 - m[12] * s3 - m[14] * s0) * f, r[15] = (m[8] * s3 - m[9] * s1 + m[10] * s0) * f;
  }
  return result;
}

template <FixedFormula A>
  requires(!is_fixed<A>)
constexpr auto inverse(A const& a) {
  return inverse(materialize(operand(a)));
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
