// SPDX-License-Identifier: MIT
// Elements and rows picked by position, and their transposes.
#pragma once

#include <limits>

#include <wick/calls/call.hpp>
#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// Rows picked by position: x: (outer, extent, inner), index: (count), y: (outer, count, inner), all contiguous.
struct RowsShape {
  std::int64_t outer, extent, inner, count;

  /// Elements of x, of y.
  constexpr std::int64_t sources() const { return outer * extent * inner; }
  constexpr std::int64_t picked() const { return outer * count * inner; }
};

/// Elements picked by position (torch.gather): the index's extents, and the strides of a contiguous source.
struct GatherShape {
  int rank, axis;
  std::int64_t extent[max_rank], stride[max_rank];
  std::int64_t limit = 0;  ///< the source's extent along `axis`

  /// Positions of the innermost dimension.
  constexpr std::int64_t line() const { return rank > 0 ? extent[rank - 1] : 1; }
  /// Lines along the innermost dimension that dimensions from `first` on have.
  constexpr std::int64_t lines(int first) const {
    std::int64_t n = 1;
    for (int d = first; d + 1 < rank; ++d) n *= extent[d];
    return n;
  }
  /// Elements of a line of the source along its innermost dimension, where more than one line makes that known.
  constexpr std::int64_t line_extent() const { return rank > 1 ? stride[rank - 2] : std::numeric_limits<std::int64_t>::max(); }
  /// Distance of neighbours along `axis`; 0 when it is the innermost dimension itself.
  constexpr std::int64_t scale() const { return axis + 1 < rank ? stride[axis] : 0; }
};

/// y[o][k] = x[o][index[k]], rows of `inner` elements.
template <class T>
struct GatherRows {
  static constexpr char const* name = "index_select";
  RowsShape shape;
  T const* x;
  std::int64_t const* index;
  T* y;
};
/// x = 0, then x[o][index[k]] += g[o][k] in the order of k.
template <class T>
struct ScatterAddRows {
  using element = T;
  static constexpr char const* name = "index_add";
  RowsShape shape;
  T const* g;
  std::int64_t const* index;
  T* x;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return ScatterAddRows<U>{shape, other.reads(g, shape.picked()), index, other.writes(x, shape.sources())};
  }
};
/// y[i] = the element of x's line that index[i] names.
template <class T>
struct Gather {
  static constexpr char const* name = "gather";
  GatherShape shape;
  T const* x;
  std::int64_t const* index;
  T* y;
};
/// x = 0 (`size` elements), then the element of x's line that index[i] names += g[i], in the order of i.
template <class T>
struct ScatterAdd {
  using element = T;
  static constexpr char const* name = "scatter_sum";
  GatherShape shape;
  T const* g;
  std::int64_t const* index;
  T* x;
  std::int64_t size;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return ScatterAdd<U>{shape, other.reads(g, shape.lines(0) * shape.line()), index, other.writes(x, size), size};
  }
};
/// *inside = every one of n indices is in [0, extent).
template <class Index>
struct CheckIndices {
  static constexpr char const* name = "check_indices";
  Index const* index;
  std::int64_t n, extent;
  bool* inside;
};
/// y[i] = 1 at labels[i] and 0 elsewhere, rows of `classes` elements.
struct OneHot {
  static constexpr char const* name = "one_hot";
  std::int64_t n, classes;
  std::int64_t const* labels;
  std::int64_t* y;
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
