// SPDX-License-Identifier: MIT
// Matrices turned around in registers: y[j][i] = x[i][j], for elements of any type of 1, 2, 4 or 8 bytes.
#pragma once

#include <cstring>
#include <utility>

#include <wick/base/config.hpp>

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

  static WICK_INLINE void run(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride) {
    Row const a = load_rows(x, x_stride), b = load_rows(x + x_stride, x_stride);
    if constexpr (side == 2) {
      store(y, interleave<0>(a, b));
      store(y + y_stride, interleave<1>(a, b));
    } else {
      Row const c = load_rows(x + 2 * x_stride, x_stride), d = load_rows(x + 3 * x_stride, x_stride);
      Row const even = interleave<0>(a, c), odd = interleave<0>(b, d);
      store(y, interleave<0>(even, odd));
      store(y + y_stride, interleave<1>(even, odd));
      Row const more_even = interleave<1>(a, c), more_odd = interleave<1>(b, d);
      store(y + 2 * y_stride, interleave<0>(more_even, more_odd));
      store(y + 3 * y_stride, interleave<1>(more_even, more_odd));
    }
  }
};
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

/// y[j * y_stride + i] = x[i * x_stride + j] for i < rows, j < columns. x and y do not overlap.
template <class Word>
void transpose(Word const* x, std::int64_t x_stride, Word* y, std::int64_t y_stride, std::int64_t rows, std::int64_t columns) {
  if constexpr (sizeof(Word) >= 4) {
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
