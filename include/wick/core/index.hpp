// SPDX-License-Identifier: MIT
// Basic indexing, NumPy style: integers, slices with a step, Ellipsis, newaxis.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>

#include <wick/core/shape.hpp>

namespace wick {

/// `start:stop:step` along one dimension, as in Python; parts left out take the whole dimension.
struct Slice {
  std::optional<std::int64_t> start{}, stop{};
  std::int64_t step = 1;
  constexpr Slice() = default;
  constexpr Slice(std::optional<std::int64_t> from, std::optional<std::int64_t> to = {}, std::int64_t by = 1)
      : start(from), stop(to), step(by) {}
};

struct EllipsisType {};
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

/// Applies a subscript to a layout. Throws Error for too many entries, an integer out of range, a zero step.
inline Region subscript(Layout const& layout, std::initializer_list<Index> entries) {
  int consumed = 0, ellipses = 0;
  for (Index const& entry : entries) {
    consumed += entry.kind == Index::Kind::integer || entry.kind == Index::Kind::slice;
    ellipses += entry.kind == Index::Kind::ellipsis;
  }
  if (ellipses > 1) fail("index: at most one Ellipsis may stand in a subscript");
  if (consumed > layout.rank())
    fail("index: ", consumed, " indices for a tensor of shape ", layout.shape);

  Region region;
  Dims shape;
  Strides strides;
  int axis = 0;
  auto keep = [&](std::int64_t extent, std::int64_t stride) {
    shape.push_back(extent);
    strides.push_back(stride);
  };
  for (Index const& entry : entries) {
    if (entry.kind == Index::Kind::new_axis) {
      keep(1, 0);
    } else if (entry.kind == Index::Kind::ellipsis) {
      for (int whole = layout.rank() - consumed; whole > 0; --whole, ++axis)
        keep(layout.shape[axis], layout.strides[axis]);
    } else if (entry.kind == Index::Kind::integer) {
      std::int64_t const extent = layout.shape[axis];
      if (entry.position < -extent || entry.position >= extent)
        fail("index: ", entry.position, " is out of range for dimension ", axis, " of a tensor of shape ",
             layout.shape);
      region.offset += (entry.position < 0 ? entry.position + extent : entry.position) * layout.strides[axis];
      ++axis;
    } else {
      // A longer step than the dimension takes one element, whatever its length.
      std::int64_t const extent = layout.shape[axis], step = std::clamp(entry.slice.step, -extent - 1, extent + 1);
      if (entry.slice.step == 0) fail("index: the step of a slice of dimension ", axis, " must not be 0");
      std::int64_t const low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
      std::int64_t const start = entry.slice.start ? clamp_bound(*entry.slice.start, extent, low, high) : step > 0 ? low : high;
      std::int64_t const stop = entry.slice.stop ? clamp_bound(*entry.slice.stop, extent, low, high) : step > 0 ? high : low;
      std::int64_t const span = step > 0 ? stop - start : start - stop, stride = step > 0 ? step : -step;
      std::int64_t const count = span > 0 ? (span - 1) / stride + 1 : 0;
      if (count > 0) region.offset += start * layout.strides[axis];
      keep(count, layout.strides[axis] * step);
      ++axis;
    }
  }
  for (; axis < layout.rank(); ++axis) keep(layout.shape[axis], layout.strides[axis]);
  region.layout = Layout(shape, strides);
  return region;
}

}  // namespace core
}  // namespace wick
