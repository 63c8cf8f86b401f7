// SPDX-License-Identifier: MIT
// The transforms of Winograd's convolution F(4x4, 3x3): 6 x 6 inputs, 36 products, 4 x 4 outputs (Lavin and Gray, Fast
// algorithms for convolutional neural networks, 2016), a register of channels at a time.
#pragma once

#include <wick/backend/cpu/gemm_tile.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// The points at which the polynomials are multiplied: 0, a, -a, b, -b and infinity. With a and b near 1 on both sides
/// the powers stay small: the largest error is a fifth of that of the usual 1 and 2.
template <class T>
struct WinogradPoints {
  static constexpr T a = T(0.625), b = T(1.5), a2 = a * a, b2 = b * b;
};

/// A tile's extent in the input, its products, and its extent in the output.
inline constexpr std::int64_t winograd_in = 6, winograd_products = 36, winograd_out = 4;

namespace winograd {

/// t = B^T d, where d(i) gives the i-th of 6 inputs.
template <class T, class Get, class Put>
WICK_INLINE void transform_input(Get const& d, Put const& put) {
  using V = TileVector<T>;
  using P = WinogradPoints<T>;
  auto const splat = [](T x) WICK_LAMBDA_INLINE { return V::splat(x); };
  auto const d0 = d(0), d1 = d(1), d2 = d(2), d3 = d(3), d4 = d(4), d5 = d(5);
  auto const even_a = V::fma(splat(-P::b2), d2, d4), odd_a = splat(P::a) * V::fma(splat(-P::b2), d1, d3);
  auto const even_b = V::fma(splat(-P::a2), d2, d4), odd_b = splat(P::b) * V::fma(splat(-P::a2), d1, d3);
  put(0, V::fma(splat(P::a2 * P::b2), d0, V::fma(splat(-(P::a2 + P::b2)), d2, d4)));
  put(1, even_a + odd_a), put(2, even_a - odd_a), put(3, even_b + odd_b), put(4, even_b - odd_b);
  put(5, V::fma(splat(P::a2 * P::b2), d1, V::fma(splat(-(P::a2 + P::b2)), d3, d5)));
}

/// t = G g, where g(i) gives the i-th of 3 filter elements.
template <class T, class Get, class Put>
WICK_INLINE void transform_filter(Get const& g, Put const& put) {
  using V = TileVector<T>;
  using P = WinogradPoints<T>;
  auto const splat = [](T x) WICK_LAMBDA_INLINE { return V::splat(x); };
  constexpr T at_0 = 1 / (P::a2 * P::b2), at_a = 1 / (2 * P::a2 * (P::a2 - P::b2)),
              at_b = 1 / (2 * P::b2 * (P::b2 - P::a2));
  auto const g0 = g(0), g1 = g(1), g2 = g(2);
  auto const even_a = splat(at_a) * V::fma(splat(P::a2), g2, g0), odd_a = splat(at_a * P::a) * g1;
  auto const even_b = splat(at_b) * V::fma(splat(P::b2), g2, g0), odd_b = splat(at_b * P::b) * g1;
  put(0, splat(at_0) * g0), put(1, even_a + odd_a), put(2, even_a - odd_a);
  put(3, even_b + odd_b), put(4, even_b - odd_b), put(5, g2);
}

/// y = A^T m, where m(i) gives the i-th of 6 products.
template <class T, class Get, class Put>
WICK_INLINE void transform_output(Get const& m, Put const& put) {
  using V = TileVector<T>;
  using P = WinogradPoints<T>;
  auto const splat = [](T x) WICK_LAMBDA_INLINE { return V::splat(x); };
  auto const m1 = m(1), m2 = m(2), m3 = m(3), m4 = m(4);
  auto const even_a = m1 + m2, odd_a = m1 - m2, even_b = m3 + m4, odd_b = m3 - m4;
  put(0, m(0) + (even_a + even_b));
  put(1, V::fma(splat(P::a), odd_a, splat(P::b) * odd_b));
  put(2, V::fma(splat(P::a2), even_a, splat(P::b2) * even_b));
  put(3, m(5) + V::fma(splat(P::a2 * P::a), odd_a, splat(P::b2 * P::b) * odd_b));
}

/// Both dimensions of `transform`: from(row, column) gives an input, to(row, column, value) takes a result; `In` x `In`
/// inputs make `Out` x `Out` results.
template <int In, int Out, class T, class Transform, class From, class To>
WICK_INLINE void both_dimensions(Transform const& transform, From const& from, To const& to) {
  typename TileVector<T>::Type half[std::size_t{Out}][std::size_t{In}];
  WICK_UNROLL for (int j = 0; j < In; ++j)
      transform([&](int i) WICK_LAMBDA_INLINE { return from(i, j); },
                [&](int i, auto const& value) WICK_LAMBDA_INLINE { half[i][j] = value; });
  WICK_UNROLL for (int i = 0; i < Out; ++i)
      transform([&](int j) WICK_LAMBDA_INLINE { return half[i][j]; },
                [&](int j, auto const& value) WICK_LAMBDA_INLINE { to(i, j, value); });
}

/// From 6 x 6 inputs, registers of channels `row` and `column` apart, to 36 registers `stride` apart.
template <class T>
WICK_NOINLINE void input(T const* d, std::int64_t row, std::int64_t column, T* out, std::int64_t stride) {
  using V = TileVector<T>;
  both_dimensions<6, 6, T>([](auto const& get, auto const& put) WICK_LAMBDA_INLINE { transform_input<T>(get, put); },
                           [&](int i, int j) WICK_LAMBDA_INLINE { return V::load(d + i * row + j * column); },
                           [&](int i, int j, auto const& value)
                               WICK_LAMBDA_INLINE { V::store(out + (i * 6 + j) * stride, value); });
}

/// From 3 x 3 filter elements, `tap` apart (negative: in reversed order), to 36 registers `stride` apart.
template <class T>
WICK_NOINLINE void filter(T const* g, std::int64_t tap, T* out, std::int64_t stride) {
  using V = TileVector<T>;
  both_dimensions<3, 6, T>([](auto const& get, auto const& put) WICK_LAMBDA_INLINE { transform_filter<T>(get, put); },
                           [&](int i, int j) WICK_LAMBDA_INLINE { return V::load(g + (i * 3 + j) * tap); },
                           [&](int i, int j, auto const& value)
                               WICK_LAMBDA_INLINE { V::store(out + (i * 6 + j) * stride, value); });
}

/// From 36 products `stride` apart to 4 x 4 outputs, registers of channels `row` and `column` apart. What is not finite
/// makes NaN of `zero`.
template <class T>
WICK_NOINLINE void output(T const* m, std::int64_t stride, T* y, std::int64_t row, std::int64_t column,
                          typename TileVector<T>::Type& zero) {
  using V = TileVector<T>;
  typename V::Type sums[4];
  both_dimensions<6, 4, T>([](auto const& get, auto const& put) WICK_LAMBDA_INLINE { transform_output<T>(get, put); },
                           [&](int i, int j) WICK_LAMBDA_INLINE { return V::load(m + (i * 6 + j) * stride); },
                           [&](int i, int j, auto const& value)
                               WICK_LAMBDA_INLINE {
                                 V::store(y + i * row + j * column, value);
                                 sums[i] = j == 0 ? value : sums[i] + value;
                               });
  zero = V::fma(sums[0] + sums[1] + (sums[2] + sums[3]), V::splat(T(0)), zero);
}

}  // namespace winograd

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
