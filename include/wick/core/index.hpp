// SPDX-License-Identifier: MIT
// Basic indexing, NumPy style: integers, slices with a step, Ellipsis, newaxis.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>

#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// `start:stop:step` along one dimension, as in Python; parts left out take the whole dimension.
struct Slice {
  std::optional<std::int64_t> start{}, stop{};
  std::int64_t step = 1;
  constexpr Slice() = default;
  constexpr Slice(std::optional<std::int64_t> from, std::optional<std::int64_t> to = {}, std::int64_t by = 1)
      : start(from), stop(to), step(by) {}
};

/// The type of `Ellipsis`.
struct EllipsisType {};
/// The type of `newaxis`.
struct NewAxisType {};
/// As many whole dimensions as are left.
inline constexpr EllipsisType Ellipsis{};
/// A new dimension of extent 1.
inline constexpr NewAxisType newaxis{};

/// One entry of a subscript.
class Index {
 public:
  enum class Kind : std::uint8_t { integer, slice, ellipsis, new_axis };
  template <std::integral I>
  constexpr Index(I value) : kind(Kind::integer), position(static_cast<std::int64_t>(value)) {}
  constexpr Index(Slice const& range) : kind(Kind::slice), slice(range) {}
  constexpr Index(EllipsisType) : kind(Kind::ellipsis) {}
  constexpr Index(NewAxisType) : kind(Kind::new_axis) {}
  template <class X>
    requires(requires { typename X::is_operand; } || requires { typename X::is_part; })
  Index(X const&) : kind(Kind::integer) {
    static_assert(sizeof(X) == 0,
                  "Wick: a tensor cannot stand in a subscript yet. Instead of x(mask): where(mask, x, other), or x = where(mask, value, x) to write; instead "
                  "of x(positions): index_select(x, 0, positions) or gather; instead of a tensor of one element: its item()");
  }

  Kind kind;
  std::int64_t position = 0;
  Slice slice{};
};

namespace core {

/// A sub-region: where it starts (in elements from the first one) and how it lies.
struct Region {
  std::int64_t offset = 0;
  Layout layout;
};

constexpr std::int64_t clamp_bound(std::int64_t bound, std::int64_t extent, std::int64_t low, std::int64_t high) {
  if (bound < 0) bound += extent;
  return bound < low ? low : bound > high ? high : bound;
}

/// What a subscript selects, whatever the strides: for each dimension of the result the dimension it walks along, or -1
/// for a new one, and in which steps; and where the selection starts in each dimension of the source.
struct Selection {
  Dims shape;
  IntList axis;
  Strides step;
  Dims start;

  constexpr void keep(int along, std::int64_t extent, std::int64_t steps) {
    shape.push_back(extent), axis.push_back(along), step.push_back(steps);
  }
  constexpr Region of(Layout const& layout) const {
    Region region;
    Strides strides;
    for (int d = 0; d < shape.size(); ++d) {
      int const along = static_cast<int>(axis[d]);
      strides.push_back(along < 0 ? 0 : layout.strides[along] * step[d]);
    }
    for (int d = 0; d < start.size(); ++d) region.offset += start[d] * layout.strides[d];
    region.layout = Layout(shape, strides);
    return region;
  }
};

/// Dimensions that a subscript's entries name. Throws Error for more than `from` has, and for a second Ellipsis.
WICK_COLD constexpr int named_dimensions(Dims const& from, std::initializer_list<Index> entries) {
  int named = 0, ellipses = 0;
  for (Index const& entry : entries) {
    named += entry.kind == Index::Kind::integer || entry.kind == Index::Kind::slice;
    ellipses += entry.kind == Index::Kind::ellipsis;
  }
  if (ellipses > 1) fail("index: at most one Ellipsis may stand in a subscript");
  if (named > from.size()) fail("index: ", named, " indices for a tensor of shape ", from);
  return named;
}

/// Walks through a subscript: start(d, position) says where dimension d of the source is entered, if not at 0, keep(d, extent,
/// step) that it is a dimension of the result (d = -1: a new one). Throws Error for too many entries, an integer out of range,
/// a zero step.
template <class Start, class Keep>
constexpr void walk_subscript(Dims const& from, std::initializer_list<Index> entries, Start const& start, Keep const& keep) {
  int axis = 0;
  for (Index const& entry : entries) {
    if (entry.kind > Index::Kind::slice) {
      if (entry.kind == Index::Kind::new_axis) keep(-1, 1, 0);
      else
        for (int whole = from.size() - named_dimensions(from, entries); whole > 0; --whole, ++axis) keep(axis, from[axis], 1);
      continue;
    }
    if (axis >= from.size()) [[unlikely]]
      named_dimensions(from, entries);  // says that they are too many
    std::int64_t const extent = from[axis];
    if (entry.kind == Index::Kind::integer) {
      if (entry.position < -extent || entry.position >= extent)
        fail("index: ", entry.position, " is out of range for dimension ", axis, " of a tensor of shape ", from);
      start(axis++, entry.position < 0 ? entry.position + extent : entry.position);
    } else if (entry.slice.step == 1) {
      std::int64_t const begin = entry.slice.start ? clamp_bound(*entry.slice.start, extent, 0, extent) : 0;
      std::int64_t const end = entry.slice.stop ? clamp_bound(*entry.slice.stop, extent, 0, extent) : extent;
      if (end > begin) start(axis, begin);
      keep(axis++, end > begin ? end - begin : 0, 1);
    } else {
      // A longer step than the dimension takes one element, whatever its length.
      std::int64_t const step = std::clamp(entry.slice.step, -extent - 1, extent + 1);
      if (step == 0) fail("index: the step of a slice of dimension ", axis, " must not be 0");
      std::int64_t const low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
      std::int64_t const begin = entry.slice.start ? clamp_bound(*entry.slice.start, extent, low, high) : step > 0 ? low : high;
      std::int64_t const end = entry.slice.stop ? clamp_bound(*entry.slice.stop, extent, low, high) : step > 0 ? high : low;
      std::int64_t const span = step > 0 ? end - begin : begin - end, stride = step > 0 ? step : -step;
      std::int64_t const count = span > 0 ? (span - 1) / stride + 1 : 0;
      if (count > 0) start(axis, begin);
      keep(axis++, count, step);
    }
  }
  for (; axis < from.size(); ++axis) keep(axis, from[axis], 1);
}

/// What a subscript selects of a shape. Throws Error as above.
constexpr Selection select(Dims const& from, std::initializer_list<Index> entries) {
  Selection selection;
  for (int d = 0; d < from.size(); ++d) selection.start.push_back(0);
  walk_subscript(
      from, entries, [&](int axis, std::int64_t position) { selection.start[axis] = position; },
      [&](int axis, std::int64_t extent, std::int64_t step) { selection.keep(axis, extent, step); });
  return selection;
}

/// Dimensions in another order.
inline Layout permuted(Layout const& layout, Axes const& order) {
  int const rank = layout.rank();
  if (order.size() != rank) fail("permute: ", order.size(), " dimensions are named for a tensor of shape ", layout.shape);
  Dims dims;
  Strides steps;
  unsigned seen = 0;
  for (std::int64_t named : order) {
    int const axis = normalize_axis("permute", named, rank);
    if (seen & (1u << axis)) fail("permute: dimension ", axis, " stands twice");
    seen |= 1u << axis;
    dims.push_back(layout.shape[axis]), steps.push_back(layout.strides[axis]);
  }
  return {dims, steps};
}
/// The order of dimensions in which two of them are exchanged.
inline Axes exchanged(int rank, std::int64_t a, std::int64_t b) {
  Axes order;
  for (int d = 0; d < rank; ++d) order.push_back(d);
  int const first = normalize_axis("transpose", a, rank), second = normalize_axis("transpose", b, rank);
  if (rank > 0) std::swap(order[first], order[second]);
  return order;
}
/// The order of dimensions that t() makes: a matrix is turned, what has less dimensions stays.
inline Axes matrix_order(Dims const& shape) {
  if (shape.size() > 2) fail("t: a tensor of shape ", shape, " has more than 2 dimensions");
  return shape.size() == 2 ? Axes(1, 0) : exchanged(shape.size(), 0, 0);
}
/// The same elements under another shape of as many elements. Throws Error when no strides express it.
inline Layout reshaped(Layout const& layout, Dims const& target) {
  if (layout.contiguous || target.numel() == 0) return Layout(target);
  Strides steps;
  steps.resize(target.size());
  int to = target.size() - 1, from = layout.rank() - 1;
  while (to >= 0 && from >= 0) {
    // A run of dimensions that lie together like one, and the new dimensions that fill it.
    std::int64_t const step = layout.strides[from];
    std::int64_t run = layout.shape[from--], filled = 1;
    while (from >= 0 && (layout.shape[from] == 1 || layout.strides[from] == step * run)) run *= layout.shape[from--];
    while (to >= 0 && (filled < run || target[to] == 1)) {
      steps[to] = step * filled;
      filled *= target[to--];
    }
    if (filled != run)
      fail("reshape: elements of shape ", layout.shape, " that do not lie in row-major order cannot be seen as ", target, " without copying them");
  }
  while (to >= 0) steps[to--] = 1;
  return {target, steps};
}

/// Applies a subscript to a layout.
constexpr Region subscript(Layout const& layout, std::initializer_list<Index> entries) {
  Region region;
  walk_subscript(
      layout.shape, entries, [&](int axis, std::int64_t position) { region.offset += position * layout.strides[axis]; },
      [&](int axis, std::int64_t extent, std::int64_t step) {
        region.layout.shape.push_back(extent), region.layout.strides.push_back(axis < 0 ? 0 : step * layout.strides[axis]);
      });
  region.layout.contiguous = region.layout.row_major();
  return region;
}

}  // namespace core
}  // namespace wick
WICK_PRECISE_END
