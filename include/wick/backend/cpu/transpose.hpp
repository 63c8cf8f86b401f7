// SPDX-License-Identifier: MIT
// Matrices turned around in registers: y[j][i] = x[i][j], for elements of any type of 1, 2, 4 or 8 bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include <wick/base/simd.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// Copies one element of any type of this size.
template <class Word>
WICK_INLINE void move_word(Word* to, Word const* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  std::memcpy(to, &word, sizeof word);
}

namespace detail {

#if WICK_VECTORS
// The compilers' own vectors: what they shuffle is not arithmetic, and the same for all element types.
template <class Word, int N>
struct WordsOf {
  typedef Word Type __attribute__((vector_size(N * sizeof(Word))));
};

/// A block of rows: `parts` registers of 16 bytes side by side, each a small square of `side` columns.
template <class Word, int parts>
struct TransposeBlock {
  static constexpr int side = static_cast<int>(16 / sizeof(Word)), rows = side * parts, columns = side;
  using Part = typename WordsOf<Word, side>::Type;
  using Row = typename WordsOf<Word, rows>::Type;

  static WICK_INLINE Part load(Word const* x) {
    Part part;
    std::memcpy(&part, x, sizeof part);
    return part;
  }
  // Row i of each square: rows i, i + side, ... of the block.
  static WICK_INLINE Row load_rows(Word const* x, std::int64_t stride) {
    if constexpr (parts == 1) {
      return load(x);
    } else {
      using Narrower = TransposeBlock<Word, parts / 2>;
      return [&]<int... K>(std::integer_sequence<int, K...>) WICK_LAMBDA_INLINE {
        return __builtin_shufflevector(Narrower::load_rows(x, stride), Narrower::load_rows(x + Narrower::rows * stride, stride), K...);
      }(std::make_integer_sequence<int, rows>{});
    }
  }
  // a0 b0 a1 b1 ... of the first (or of the second) halves of each 16 bytes.
  template <int half>
  static WICK_INLINE Row interleave(Row const& a, Row const& b) {
    return [&]<int... K>(std::integer_sequence<int, K...>) WICK_LAMBDA_INLINE {
      return __builtin_shufflevector(a, b, (K / side * side + half * side / 2 + K % side / 2 + K % 2 * rows)...);
    }(std::make_integer_sequence<int, rows>{});
  }
  static WICK_INLINE void store(Word* y, Row const& row) { std::memcpy(y, &row, sizeof row); }

  /// Each small square turned around: register i holds its column i.
  static WICK_INLINE void turn(Row (&row)[std::size_t{side}]) {
    if constexpr (side == 2) {
      Row const a = row[0], b = row[1];
      row[0] = interleave<0>(a, b), row[1] = interleave<1>(a, b);
    } else {
      Row const even = interleave<0>(row[0], row[2]), odd = interleave<0>(row[1], row[3]);
      Row const more_even = interleave<1>(row[0], row[2]), more_odd = interleave<1>(row[1], row[3]);
      row[0] = interleave<0>(even, odd), row[1] = interleave<1>(even, odd);
      row[2] = interleave<0>(more_even, more_odd), row[3] = interleave<1>(more_even, more_odd);
    }
  }
  static WICK_INLINE void run(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride) {
    Row row[std::size_t{side}];
    for (int i = 0; i < side; ++i) row[i] = load_rows(x + i * x_stride, x_stride);
    turn(row);
    for (int i = 0; i < side; ++i) store(y + i * y_stride, row[i]);
  }
};

#if defined(__AVX512F__)
/// As many whole registers as one has elements; rows and columns beyond the last one are masked out.
template <class Word>
struct TransposeSquare {
  using Block = TransposeBlock<Word, 4>;
  using Row = typename Block::Row;
  static constexpr int side = Block::rows, small = Block::side;
  using Mask = std::conditional_t<side == 16, __mmask16, __mmask8>;

  static Mask first(std::int64_t count) { return static_cast<Mask>(count < side ? (1u << count) - 1 : ~0u); }
  static WICK_INLINE Row load(Word const* x, Mask mask) {
    if constexpr (side == 16) return reinterpret_cast<Row>(_mm512_maskz_loadu_epi32(mask, x));
    else return reinterpret_cast<Row>(_mm512_maskz_loadu_epi64(mask, x));
  }
  template <bool whole>
  static WICK_INLINE void store(Word* y, Mask mask, Row const& row) {
    if constexpr (whole) Block::store(y, row);
    else if constexpr (side == 16) _mm512_mask_storeu_epi32(y, mask, reinterpret_cast<__m512i>(row));
    else _mm512_mask_storeu_epi64(y, mask, reinterpret_cast<__m512i>(row));
  }
  // Four parts of 16 bytes: two of a, then two of b.
  template <int p0, int p1>
  static WICK_INLINE Row parts(Row const& a, Row const& b) {
    constexpr int part[] = {p0, p1, p0 + 4, p1 + 4};
    return [&]<int... K>(std::integer_sequence<int, K...>) WICK_LAMBDA_INLINE {
      return __builtin_shufflevector(a, b, (part[K / small] * small + K % small)...);
    }(std::make_integer_sequence<int, side>{});
  }

  /// `whole`: no row is missing.
  template <bool whole>
  static WICK_NOINLINE void run(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride, std::int64_t rows, std::int64_t columns) {
    Mask const across = first(columns), along = first(rows);
    // A quarter: so many rows of x, small squares side by side.
    auto const quarter = [&](int q, Row(&row)[std::size_t{small}]) WICK_LAMBDA_INLINE {
      [&]<int... K>(std::integer_sequence<int, K...>) WICK_LAMBDA_INLINE {
        auto const next = [&](int r) WICK_LAMBDA_INLINE {
          bool const inside = whole || r < rows;
          return load(x + (inside ? r * x_stride : 0), inside ? across : Mask{0});
        };
        ((row[K] = next(q * small + K)), ...);
      }(std::make_integer_sequence<int, small>{});
      Block::turn(row);
    };
    Row q0[std::size_t{small}], q1[std::size_t{small}], q2[std::size_t{small}], q3[std::size_t{small}];
    quarter(0, q0), quarter(1, q1), quarter(2, q2), quarter(3, q3);
    auto const put = [&](int j, Row const& column) WICK_LAMBDA_INLINE {
      if (j < columns) store<whole>(y + j * y_stride, along, column);
    };
    auto const columns_of = [&](int i) WICK_LAMBDA_INLINE {
      Row const a = parts<0, 1>(q0[i], q1[i]), b = parts<0, 1>(q2[i], q3[i]), c = parts<2, 3>(q0[i], q1[i]), d = parts<2, 3>(q2[i], q3[i]);
      put(i, parts<0, 2>(a, b)), put(small + i, parts<1, 3>(a, b));
      put(2 * small + i, parts<0, 2>(c, d)), put(3 * small + i, parts<1, 3>(c, d));
    };
    [&]<int... I>(std::integer_sequence<int, I...>) WICK_LAMBDA_INLINE { (columns_of(I), ...); }(std::make_integer_sequence<int, small>{});
  }
};

template <class Word>
void transpose_squares(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride, std::int64_t rows, std::int64_t columns) {
  using Square = TransposeSquare<Word>;
  constexpr std::int64_t side = Square::side;
  for (std::int64_t i = 0; i < rows; i += side)
    for (std::int64_t j = 0; j < columns; j += side) {
      Word const* const from = x + i * x_stride + j;
      Word* const to = y + j * y_stride + i;
      std::int64_t const high = std::min(side, rows - i), wide = std::min(side, columns - j);
      if (high == side) Square::template run<true>(from, x_stride, to, y_stride, high, wide);
      else Square::template run<false>(from, x_stride, to, y_stride, high, wide);
    }
}
#endif
#else
template <class Word, int parts>
struct TransposeBlock {
  static constexpr int side = static_cast<int>(16 / sizeof(Word)), rows = side * parts, columns = side;
  static void run(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride) {
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) y[j * y_stride + i] = x[i * x_stride + j];
  }
};
#endif

template <class Block, class Word>
void transpose_blocks(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride, std::int64_t rows,
                      std::int64_t columns) {
  constexpr std::int64_t ahead = 16, line = static_cast<std::int64_t>(64 / sizeof(Word));
  for (std::int64_t i = 0; i < rows; i += Block::rows) {
    // The last blocks lie over the ones before: the same elements are written twice.
    std::int64_t const row = i + Block::rows <= rows ? i : rows - Block::rows;
    if (row + ahead + Block::rows <= rows)
      for (std::int64_t k = 0; k < Block::rows; ++k)
        for (std::int64_t j = 0; j < columns; j += line) __builtin_prefetch(x + (row + ahead + k) * x_stride + j);
    std::int64_t j = 0;
    for (; j + Block::columns <= columns; j += Block::columns)
      Block::run(x + row * x_stride + j, x_stride, y + j * y_stride + row, y_stride);
    if (j < columns) {
      j = columns - Block::columns;
      Block::run(x + row * x_stride + j, x_stride, y + j * y_stride + row, y_stride);
    }
  }
}

}  // namespace detail

// Fewer elements are moved one by one. Longer matrices may lie beyond L1: theirs are asked for ahead, in blocks.
inline constexpr std::int64_t few_words = 32, long_rows = 128;

/// y[j * y_stride + i] = x[i * x_stride + j] for i < rows, j < columns. x and y do not overlap.
template <class Word>
void transpose(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride, std::int64_t rows, std::int64_t columns) {
  if constexpr (sizeof(Word) >= 4) {
#if defined(__AVX512F__) && WICK_VECTORS
    bool const thin = std::min(rows, columns) <= detail::TransposeSquare<Word>::side && std::max(rows, columns) <= long_rows;
    if (thin && rows * columns >= few_words)
      return detail::transpose_squares(x, x_stride, y, y_stride, rows, columns);
#endif
#if defined(__AVX__)
    using Wide = detail::TransposeBlock<Word, 2>;
    if (rows >= Wide::rows && columns >= Wide::columns)
      return detail::transpose_blocks<Wide>(x, x_stride, y, y_stride, rows, columns);
#endif
    using Block = detail::TransposeBlock<Word, 1>;
    if (rows >= Block::rows && columns >= Block::columns)
      return detail::transpose_blocks<Block>(x, x_stride, y, y_stride, rows, columns);
  }
  if (rows <= columns) {
    for (std::int64_t j = 0; j < columns; ++j)
      for (std::int64_t i = 0; i < rows; ++i) move_word(y + j * y_stride + i, x + i * x_stride + j);
  } else {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) move_word(y + j * y_stride + i, x + i * x_stride + j);
  }
}

/// The same for elements of `size` bytes at element offsets of x and y.
inline void turn(int size, void const* x, std::int64_t x_offset, std::int64_t x_stride, void* y, std::int64_t y_offset,
                 std::int64_t y_stride, std::int64_t rows, std::int64_t columns) {
  auto const as = [&]<class Word>(Word) {
    transpose(static_cast<Word const*>(x) + x_offset, x_stride, static_cast<Word*>(y) + y_offset, y_stride, rows, columns);
  };
  switch (size) {
    case 1: return as(std::uint8_t{});
    case 2: return as(std::uint16_t{});
    case 4: return as(std::uint32_t{});
    default: return as(std::uint64_t{});
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
