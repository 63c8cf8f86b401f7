// SPDX-License-Identifier: MIT
// Matrix multiplication: packed panels, cache blocks and threads around the register tile.
#pragma once

#include <optional>
#include <wick/backend/cpu/caches.hpp>
#include <wick/backend/cpu/gemm_pack.hpp>
#include <wick/backend/cpu/gemm_small.hpp>
#include <wick/backend/cpu/gemm_square.hpp>
#include <wick/backend/cpu/threads.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// A piece of work that is worth a thread, in multiplications.
inline constexpr std::int64_t gemm_grain = std::int64_t{1} << 18;

/// Cache blocks, in elements. The depth depends on nothing but the type: it decides the order of every sum, so that a
/// shape gives the same bits wherever it is computed with the same registers.
template <class T>
struct GemmBlock {
  // A stripe of A of this depth stays in the first-level cache while panels of B pass by ...
  static constexpr std::int64_t depth = 256;
  // ... and this many columns of B of that depth stay in a second-level cache of 1 MiB.
  static constexpr std::int64_t columns = 10 * Tile<T>::columns;
  // Up to so many columns, a stripe of A is not read often enough for a packed copy of it to pay.
  static constexpr std::int64_t direct_columns = 12 * Tile<T>::columns;
  // Buffers for whole operands take at most about this many elements.
  static constexpr std::int64_t packed = (std::int64_t{1} << 25) / static_cast<std::int64_t>(sizeof(T));

  /// Columns of B that fit into half of this machine's second-level cache.
  static std::int64_t resident_columns() {
    constexpr std::int64_t panel = depth * Tile<T>::columns * static_cast<std::int64_t>(sizeof(T));
    return std::clamp<std::int64_t>(Caches::here().second / 2 / panel, 2, 32) * Tile<T>::columns;
  }
  /// How many blocks of the depth `block` are packed at once: as many as the second-level cache holds of both operands.
  static std::int64_t resident_blocks(std::int64_t height, std::int64_t width, std::int64_t block) {
    std::int64_t const bytes = (height + width) * std::max<std::int64_t>(1, block) * static_cast<std::int64_t>(sizeof(T));
    return std::max<std::int64_t>(1, Caches::here().second / bytes);
  }
};

/// Depth of the blocks that a product of depth `depth` is cut into: as even as possible.
constexpr std::int64_t even_block(std::int64_t depth, std::int64_t most) {
  return depth <= most ? depth : ceil_div(depth, ceil_div(depth, most));
}

/// The sum of a[k * stride] * x[k] for k < n.
template <class T>
T dot(std::int64_t n, T const* a, std::int64_t stride, T const* x) {
  using V = TileVector<T>;
  constexpr std::int64_t lanes = V::lanes, step = 4 * lanes;
  T tail{};
  std::int64_t k = 0;
  if (stride == 1) {
    typename V::Type sum[4] = {V::splat(T(0)), V::splat(T(0)), V::splat(T(0)), V::splat(T(0))};
    for (; k + step <= n; k += step) {
      WICK_UNROLL for (std::int64_t v = 0; v < 4; ++v) sum[v] =
          V::fma(V::load(a + k + v * lanes), V::load(x + k + v * lanes), sum[v]);
    }
    for (; k + lanes <= n; k += lanes) sum[0] = V::fma(V::load(a + k), V::load(x + k), sum[0]);
    tail = V::sum(V::add(V::add(sum[0], sum[1]), V::add(sum[2], sum[3])));
  }
  for (; k < n; ++k) tail = static_cast<T>(tail + a[k * stride] * x[k]);
  return tail;
}

/// y[i] = (a x)[i] or y[i] += (a x)[i] for rows [begin, end) of a, whose columns are contiguous.
template <class T>
void columns_times_vector(Matrix<T const> a, T const* x, T* y, std::int64_t y_stride, std::int64_t begin,
                          std::int64_t end, bool add) {
  using V = TileVector<T>;
  constexpr std::int64_t lanes = V::lanes, vectors = 8, block = vectors * lanes;
  alignas(alignment) T result[std::size_t{block}];
  for (std::int64_t i = begin; i < end; i += block) {
    std::int64_t const rows = std::min(block, end - i);
    T const* from = a.data + i;
    if (rows == block) {
      typename V::Type sum[vectors];
      WICK_UNROLL for (std::int64_t v = 0; v < vectors; ++v) sum[v] = V::splat(T(0));
      for (std::int64_t k = 0; k < a.columns; ++k, from += a.column_stride) {
        auto const element = V::splat(x[k]);
        WICK_UNROLL for (std::int64_t v = 0; v < vectors; ++v) sum[v] =
            V::fma(element, V::load(from + v * lanes), sum[v]);
      }
      WICK_UNROLL for (std::int64_t v = 0; v < vectors; ++v) V::store(result + v * lanes, sum[v]);
    } else {
      std::fill(result, result + rows, T(0));
      for (std::int64_t k = 0; k < a.columns; ++k, from += a.column_stride)
        for (std::int64_t r = 0; r < rows; ++r) result[r] = static_cast<T>(result[r] + from[r] * x[k]);
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      T& to = y[(i + r) * y_stride];
      to = add ? static_cast<T>(to + result[r]) : result[r];
    }
  }
}

/// y = a x, or y += a x. `done(begin, end)` is called for every finished part of y.
template <class T, class Done>
void matrix_vector(Matrix<T const> a, T const* x, std::int64_t x_stride, T* y, std::int64_t y_stride, bool add,
                   Done const& done) {
  Scratch<T> packed(x_stride == 1 ? 0 : a.columns);
  if (x_stride != 1) {
    for (std::int64_t k = 0; k < a.columns; ++k) packed[k] = x[k * x_stride];
    x = packed.data();
  }
  // Rows side by side in memory are cut at multiples of a block, so that no row's sum depends on the number of threads;
  // others are summed one by one.
  bool const by_columns = a.row_stride == 1 && a.column_stride != 1;
  std::int64_t const block = by_columns ? 8 * TileVector<T>::lanes : 1;
  std::int64_t const grain = std::max<std::int64_t>(1, gemm_grain / (block * std::max<std::int64_t>(1, a.columns)));
  parallel_for(ceil_div(a.rows, block), grain, [&](std::int64_t first, std::int64_t last) {
    std::int64_t const begin = first * block, end = std::min(a.rows, last * block);
    if (by_columns) {
      columns_times_vector(a, x, y, y_stride, begin, end, add);
    } else {
      for (std::int64_t i = begin; i < end; ++i) {
        T const sum = dot(a.columns, a.data + i * a.row_stride, a.column_stride, x);
        T& to = y[i * y_stride];
        to = add ? static_cast<T>(to + sum) : sum;
      }
    }
    done(begin, end);
  });
}

/// Rows and columns of a matrix.
struct Piece {
  std::int64_t row, rows, column, columns;
};

/// gemm for few columns: A is read where it lies, B too unless its rows are scattered, with the copy on the stack when
/// it is small.
template <Lane T>
void gemm_direct(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate, Epilogue<T> const& epilogue) {
  constexpr std::int64_t rows = Tile<T>::rows, lanes = Tile<T>::lanes, few_stripes = 8;
  constexpr std::int64_t on_stack = 16384 / static_cast<std::int64_t>(sizeof(T));
  std::int64_t const width = ceil_div(c.columns, lanes) * lanes, stripes = ceil_div(c.rows, rows);
  // Rows far apart fall into the same places of the caches.
  bool const copied = b.column_stride != 1 || (b.row_stride > 2 * width && stripes > few_stripes);
  std::int64_t const block = even_block(a.columns, std::max(GemmBlock<T>::depth, GemmBlock<T>::depth * Tile<T>::columns / width));
  alignas(alignment) T stack[std::size_t{on_stack}];
  std::optional<Scratch<T>> pool;
  T* const copy = !copied || width * block <= on_stack ? stack : pool.emplace(width * block).data();
  // A piece of c of the products of depths k on, where part_b holds only these.
  auto const multiply = [&](Piece const& to, std::int64_t k, Matrix<T const> const& part_b) {
    Matrix<T const> const part_a{a.data + k * a.column_stride, a.rows, part_b.rows, a.row_stride, a.column_stride};
    Matrix<T const> const columns_b{part_b.data + to.column, part_b.rows, to.columns, part_b.row_stride, 1};
    Matrix<T> const part_c{c.data + to.column, c.rows, to.columns, c.row_stride, 1};
    gemm_small<T>(part_a, columns_b, part_c, to.row, to.row + to.rows, accumulate || k > 0);
    if (epilogue.run && k + part_b.rows >= a.columns)
      for (std::int64_t i = to.row; i < to.row + to.rows; ++i) epilogue(i, to.column, to.columns, part_c.data + i * c.row_stride);
  };
  auto const part = [&](std::int64_t k) {
    return Matrix<T const>{b.data + k * b.row_stride, std::min(block, a.columns - k), b.columns, b.row_stride, b.column_stride};
  };
  // Threads share the stripes of c, or its panels where these are more.
  auto const share = [&](std::int64_t depth, auto const& body) {
    std::int64_t const panels = ceil_div(c.columns, Tile<T>::columns), work = rows * c.columns * std::max<std::int64_t>(1, depth);
    if (stripes * work < 2 * gemm_grain) return body(Piece{0, c.rows, 0, c.columns});
    auto const cut = [](std::int64_t begin, std::int64_t end, std::int64_t unit, std::int64_t extent) {
      return std::pair(begin * unit, std::min(extent, end * unit) - begin * unit);
    };
    if (stripes >= panels)
      parallel_for(stripes, std::max<std::int64_t>(1, gemm_grain / work), [&](std::int64_t begin, std::int64_t end) {
        auto const [row, count] = cut(begin, end, rows, c.rows);
        body(Piece{row, count, 0, c.columns});
      });
    else
      parallel_for(panels, std::max<std::int64_t>(1, gemm_grain * panels / (work * stripes)), [&](std::int64_t begin, std::int64_t end) {
        auto const [column, count] = cut(begin, end, Tile<T>::columns, c.columns);
        body(Piece{0, c.rows, column, count});
      });
  };
  if (!copied) {
    share(a.columns, [&](Piece const& to) {
      std::int64_t k = 0;
      do multiply(to, k, part(k));
      while ((k += block) < a.columns);
    });
    return;
  }
  std::int64_t k = 0;
  do {
    Matrix<T const> here = part(k);
    pack_interleaved(here.data, b.columns, here.rows, b.column_stride, b.row_stride, width, copy);
    here = {copy, here.rows, b.columns, width, 1};
    share(here.rows, [&](Piece const& to) { multiply(to, k, here); });
  } while ((k += block) < a.columns);
}

/// gemm with packed copies of both operands. These may have another element type, which packing converts.
template <class T, class From>
void gemm_packed(Matrix<From const> const& a, Matrix<From const> const& b, Matrix<T> const& c, bool accumulate, Epilogue<T> const& epilogue) {
  constexpr std::int64_t rows = Tile<T>::rows, columns = Tile<T>::columns;
  std::int64_t const depth = a.columns;
  std::int64_t const stripes = ceil_div(c.rows, rows), panels = ceil_div(c.columns, columns);
  std::int64_t const block = even_block(depth, GemmBlock<T>::depth);
  std::int64_t const blocks_at_once = GemmBlock<T>::resident_blocks(c.rows, c.columns, block);
  std::int64_t const columns_at_once = GemmBlock<T>::resident_columns();
  std::int64_t const chunk = std::min(depth, blocks_at_once * block);
  Scratch<T> packed_a(stripes * rows * chunk), packed_b(panels * columns * chunk);

  std::int64_t k = 0;
  do {
    std::int64_t const chunk_depth = std::min(chunk, depth - k);
    Matrix<From const> const part_a{a.data + k * a.column_stride, a.rows, chunk_depth, a.row_stride, a.column_stride};
    Matrix<From const> const part_b{b.data + k * b.row_stride, chunk_depth, b.columns, b.row_stride, b.column_stride};
    std::int64_t const a_stride = rows * chunk_depth, b_stride = columns * chunk_depth;
    // One unit of packing is about a stripe; a panel belongs to whoever has its first unit.
    constexpr std::int64_t panel_units = std::max<std::int64_t>(1, columns / rows);
    std::int64_t const pack_grain = std::max<std::int64_t>(1, gemm_grain / (8 * std::max<std::int64_t>(1, a_stride)));
    parallel_for(stripes + panels * panel_units, pack_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t s = begin; s < std::min(end, stripes); ++s)
        pack_stripe(part_a, s * rows, packed_a.data() + s * a_stride);
      std::int64_t const first = ceil_div(std::max(begin - stripes, std::int64_t{0}), panel_units);
      for (std::int64_t p = first; p * panel_units < end - stripes; ++p)
        pack_panel(part_b, p * columns, packed_b.data() + p * b_stride);
    });

    bool const last_chunk = k + chunk_depth >= depth;
    auto const multiply = [&](std::int64_t stripe0, std::int64_t stripe1, std::int64_t column0, std::int64_t column1) {
      for (std::int64_t j = column0; j < column1; j += columns_at_once) {
        std::int64_t const width = std::min(columns_at_once, column1 - j);
        std::int64_t p = 0;
        do {
          std::int64_t const block_depth = std::min(block, chunk_depth - p);
          bool const last = last_chunk && p + block_depth >= chunk_depth;
          // The last panel of all is packed only as wide as it must be.
          T const* const panel = packed_b.data() + j / columns * b_stride;
          for (std::int64_t s = stripe0; s < stripe1; ++s) {
            std::int64_t const i = s * rows, height = std::min(rows, c.rows - i);
            T* const to = c.data + i * c.row_stride + j;
            stripe_multiply(block_depth, PackedStripe<T>{packed_a.data() + s * a_stride + p * rows}, panel, b_stride, p,
                            to, c.row_stride, height, width, accumulate || k + p > 0);
            if (last)
              for (std::int64_t r = 0; r < height; ++r) epilogue(i + r, j, width, to + r * c.row_stride);
          }
          p += block_depth;
        } while (p < chunk_depth);
      }
    };
    if (stripes >= panels) {
      std::int64_t const grain = gemm_grain / (rows * c.columns * std::max<std::int64_t>(1, chunk_depth));
      parallel_for(stripes, std::max<std::int64_t>(1, grain),
                   [&](std::int64_t begin, std::int64_t end) { multiply(begin, end, 0, c.columns); });
    } else {
      std::int64_t const grain = gemm_grain / (columns * c.rows * std::max<std::int64_t>(1, chunk_depth));
      parallel_for(panels, std::max<std::int64_t>(1, grain), [&](std::int64_t begin, std::int64_t end) {
        multiply(0, stripes, begin * columns, std::min(c.columns, end * columns));
      });
    }
    k += chunk_depth;
  } while (k < depth);
}

/// c = a b, or c += a b when `accumulate`: a: (m, k), b: (k, n), c: (m, n), any strides for a and b, column stride 1
/// for c, which must not overlap them. `epilogue` may be called from several threads at once. The result has the same
/// bits for any number of threads.
template <class T>
void gemm(Matrix<std::type_identity_t<T> const> const& a, Matrix<std::type_identity_t<T> const> const& b, Matrix<T> const& c,
          bool accumulate, Epilogue<std::type_identity_t<T>> const& epilogue = {}) {
  if (c.rows <= 0 || c.columns <= 0) return;
  if (c.columns == 1) {
    return matrix_vector(a, b.data, b.row_stride, c.data, c.row_stride, accumulate, [&](auto begin, auto end) {
      if (epilogue.run)
        for (std::int64_t i = begin; i < end; ++i) epilogue(i, 0, 1, c.data + i * c.row_stride);
    });
  }
  if (c.rows == 1) {
    return matrix_vector(b.transposed(), a.data, a.column_stride, c.data, std::int64_t{1}, accumulate,
                         [&](auto begin, auto end) { epilogue(0, begin, end - begin, c.data + begin); });
  }

  if constexpr (Lane<T>) {
    // Rows below one another are as many matrices of b's size.
    std::int64_t const depth = a.columns;
    if (!accumulate && c.columns == depth && c.row_stride == depth && c.rows % depth == 0)
      if (auto const square = find_square_products<T>({a.data, depth, depth, a.row_stride, a.column_stride}, b)) {
        auto const multiply = [&](std::int64_t begin, std::int64_t end) {
          square({a.data + begin * depth * depth, depth * depth, b.data, 0, c.data + begin * depth * depth, end - begin, depth});
          if (epilogue.run)
            for (std::int64_t i = begin * depth; i < end * depth; ++i) epilogue(i, 0, depth, c.data + i * depth);
        };
        std::int64_t const count = c.rows / depth, grain = gemm_grain / (depth * depth * depth);
        return count < 2 * grain ? multiply(0, count) : parallel_for(count, grain, multiply);
      }
    if (b.column_stride == 1 && c.rows * c.columns * a.columns <= gemm_grain) {
      gemm_small<T>(a, b, c, 0, c.rows, accumulate);
      if (epilogue.run)
        for (std::int64_t i = 0; i < c.rows; ++i) epilogue(i, 0, c.columns, c.data + i * c.row_stride);
      return;
    }
    if (c.columns <= GemmBlock<T>::direct_columns) return gemm_direct<T>(a, b, c, accumulate, epilogue);
  }
  gemm_packed<T, T>(a, b, c, accumulate, epilogue);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
