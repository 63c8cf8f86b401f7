// SPDX-License-Identifier: MIT
// The register tile of matrix multiplication: a few rows times a few SIMD vectors of C, kept in registers over the
// whole depth of two packed panels.
#pragma once

#include <cstdint>
#include <cstring>
#include <wick/base/simd.hpp>

// -O2 does not unroll these loops by itself, and an array indexed by a loop variable is not kept in registers.
#if defined(__clang__)
#define WICK_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define WICK_UNROLL _Pragma("GCC unroll 16")
#else
#define WICK_UNROLL
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// What a register tile is made of: SIMD batches where the element type has them, else plain numbers.
template <class T>
struct TileVector {
  using Type = T;
  static constexpr std::int64_t lanes = 1;
  static Type load(T const* p) { return *p; }
  static void store(T* p, Type const& v) { *p = v; }
  static Type splat(T const& v) { return v; }
  static void keep(Type&) {}
  static Type fma(Type const& a, Type const& b, Type const& c) { return static_cast<T>(a * b + c); }
  static Type add(Type const& a, Type const& b) { return static_cast<T>(a + b); }
  static T sum(Type const& v) { return v; }
};
template <Lane T>
struct TileVector<T> {
  using Type = Batch<T>;
  static constexpr std::int64_t lanes = wick::lanes<T>;
  static WICK_INLINE Type load(T const* p) { return simd::load(p); }
  static WICK_INLINE void store(T* p, Type v) { simd::store(p, v); }
  static WICK_INLINE Type splat(T v) { return simd::splat<T>(v); }
  static WICK_INLINE void keep(Type& v) { simd::keep<T>(v); }
  static WICK_INLINE Type fma(Type a, Type b, Type c) { return simd::fma(a, b, c); }
  static WICK_INLINE Type add(Type a, Type b) { return a + b; }
  static WICK_INLINE T sum(Type v) { return simd::reduce_add(v); }
};

#if WICK_VECTORS
/// Integers in the compiler's own vectors. Unsigned ones, which wrap around.
template <class T>
  requires(std::is_integral_v<T> && sizeof(T) >= 4)
struct TileVector<T> {
  static constexpr std::int64_t lanes = sizeof(Batch<float>) / sizeof(T);
  using Element = std::make_unsigned_t<T>;
  typedef Element Type __attribute__((vector_size(sizeof(Batch<float>))));
  static WICK_INLINE Type load(T const* p) {
    Type v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static WICK_INLINE void store(T* p, Type v) { std::memcpy(p, &v, sizeof v); }
  static WICK_INLINE Type splat(T v) { return Type{} + static_cast<Element>(v); }
  static void keep(Type&) {}
  static WICK_INLINE Type fma(Type a, Type b, Type c) { return a * b + c; }
  static WICK_INLINE Type add(Type a, Type b) { return a + b; }
  static WICK_INLINE T sum(Type v) {
    Element total = 0;
    for (std::int64_t i = 0; i < lanes; ++i) total += v[i];
    return static_cast<T>(total);
  }
};
#endif

/// Extents of the register tile and of the cache blocks around it.
template <class T>
struct Tile {
  using Vector = TileVector<T>;
  static constexpr std::int64_t lanes = Vector::lanes;
#if defined(__AVX512F__) || defined(__ARM_NEON)
  // 32 registers: 24 for the tile, 3 for a row of B, the rest for elements of A under way.
  static constexpr std::int64_t rows = 8, vectors = 3;
#elif defined(__FMA__)
  // 16 registers: 12 for the tile, 3 for a row of B, 1 for an element of A.
  static constexpr std::int64_t rows = 4, vectors = 3;
#else
  // 16 registers, and the product needs one of its own.
  static constexpr std::int64_t rows = 4, vectors = 2;
#endif
  static constexpr std::int64_t columns = vectors * lanes;
};

/// Vectors that cover `width` columns of a panel.
template <class T>
constexpr std::int64_t tile_vectors(std::int64_t width) {
  return (width + Tile<T>::lanes - 1) / Tile<T>::lanes;
}

/// Copies n contiguous elements: for so few that calling std::memcpy would cost more than the copy.
template <class T>
WICK_INLINE void copy_short(T const* from, std::int64_t n, T* to) {
  using V = TileVector<T>;
  constexpr std::int64_t quad = 4;
  std::int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) V::store(to + i, V::load(from + i));
  if constexpr (V::lanes > quad) {
    for (; i + quad <= n; i += quad) std::memcpy(to + i, from + i, quad * sizeof(T));
  }
  if constexpr (V::lanes > 1) {
    for (; i < n; ++i) to[i] = from[i];
  }
}

/// Asks for a line that is going to be written.
WICK_INLINE void prefetch_target([[maybe_unused]] void const* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 1);
#endif
}

/// Asks for a line that is going to be read, though not at once: into the second-level cache.
WICK_INLINE void prefetch_source([[maybe_unused]] void const* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p, 0, 2);
#endif
}

/// A stripe of A as pack_stripe leaves it: [depth][Tile::rows].
template <class T>
struct PackedStripe {
  T const* data;

  PackedStripe from_depth(std::int64_t k) const { return {data + k * Tile<T>::rows}; }
  WICK_INLINE T const& operator()(std::int64_t i, std::int64_t k) const { return data[k * Tile<T>::rows + i]; }
};

/// A stripe of A where it lies: worth while when few columns of B would share the packed copy.
template <class T>
struct DirectStripe {
  T const* row[Tile<T>::rows];
  std::int64_t stride;

  /// `count` rows from `data` on; the last one stands for the missing ones, whose results nobody reads.
  DirectStripe(T const* data, std::int64_t count, std::int64_t row_stride, std::int64_t depth_stride)
      : stride(depth_stride) {
    WICK_UNROLL for (std::int64_t i = 0; i < Tile<T>::rows; ++i) {
      row[i] = data;
      if (i + 1 < count) data += row_stride;
    }
  }
  WICK_INLINE T const& operator()(std::int64_t i, std::int64_t k) const { return row[i][k * stride]; }
};

/// c = a b, or c += a b, for the first `rows` rows and `width` columns of a register tile. `a` gives element (i, k) of
/// the stripe, b is packed [depth][Vectors * lanes].
template <std::int64_t Vectors, class T, class Stripe>
WICK_NOINLINE void tile_multiply(std::int64_t depth, Stripe const& stripe, T const* b, T* c, std::int64_t c_stride,
                                 std::int64_t rows, std::int64_t width, bool add) {
  using V = typename Tile<T>::Vector;
  constexpr std::int64_t full_rows = Tile<T>::rows, lanes = Tile<T>::lanes, full_width = Vectors * lanes;
  Stripe const a = stripe;
  typename V::Type sum[std::size_t{full_rows}][std::size_t{Vectors}];
  WICK_UNROLL for (std::int64_t i = 0; i < full_rows; ++i) {
    WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) sum[i][v] = V::splat(T(0));
  }
  // The target is wanted in the end, and its rows lie too far apart for the hardware to guess them.
  for (std::int64_t i = 0; i < rows; ++i) {
    WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) prefetch_target(c + i * c_stride + v * lanes);
  }
  for (std::int64_t k = 0; k < depth; ++k, b += full_width) {
    typename V::Type row[std::size_t{Vectors}];
    WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) row[v] = V::load(b + v * lanes), V::keep(row[v]);
    WICK_UNROLL for (std::int64_t i = 0; i < full_rows; ++i) {
      auto const element = V::splat(a(i, k));
      WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) sum[i][v] = V::fma(element, row[v], sum[i][v]);
    }
  }
  if (rows == full_rows && width == full_width) {
    WICK_UNROLL for (std::int64_t i = 0; i < full_rows; ++i) {
      T* const to = c + i * c_stride;
      if (add) {
        WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v)
            V::store(to + v * lanes, V::add(V::load(to + v * lanes), sum[i][v]));
      } else {
        WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) V::store(to + v * lanes, sum[i][v]);
      }
    }
    return;
  }
  alignas(alignment) T edge[std::size_t{full_rows}][std::size_t{full_width}];
  WICK_UNROLL for (std::int64_t i = 0; i < full_rows; ++i) {
    WICK_UNROLL for (std::int64_t v = 0; v < Vectors; ++v) V::store(edge[i] + v * lanes, sum[i][v]);
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    T* const to = c + i * c_stride;
    if (add)
      for (std::int64_t j = 0; j < width; ++j) to[j] = static_cast<T>(to[j] + edge[i][j]);
    else
      copy_short(edge[i], width, to);
  }
}

/// One stripe of A (at most Tile::rows rows) times the panels of packed b, into `rows` rows and `columns` columns of c.
/// The stripe begins with the wanted depth; `b` points at the first panel, whose row `b_depth` is the one to begin
/// with; `b_stride` is the distance between panels.
template <class T, class Stripe>
void stripe_multiply(std::int64_t depth, Stripe const& a, T const* b, std::int64_t b_stride, std::int64_t b_depth, T* c,
                     std::int64_t c_stride, std::int64_t rows, std::int64_t columns, bool add) {
  constexpr std::int64_t full = Tile<T>::columns;
  for (std::int64_t j = 0; j < columns; j += full, b += b_stride) {
    std::int64_t const width = columns - j < full ? columns - j : full;
    std::int64_t const vectors = tile_vectors<T>(width);
    T const* const panel = b + b_depth * vectors * Tile<T>::lanes;
    if constexpr (Tile<T>::vectors >= 3) {
      if (vectors == 3) {
        tile_multiply<3>(depth, a, panel, c + j, c_stride, rows, width, add);
        continue;
      }
    }
    if (vectors == 2)
      tile_multiply<2>(depth, a, panel, c + j, c_stride, rows, width, add);
    else
      tile_multiply<1>(depth, a, panel, c + j, c_stride, rows, width, add);
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
