// SPDX-License-Identifier: MIT
// Scans, sorting and extremes along lines of elements.
#pragma once

#include <wick/calls/call.hpp>
#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// Lines of `n` elements: the middle dimension of contiguous elements (outer, n, inner).
struct LinesShape {
  std::int64_t outer, n, inner;

  /// How many lines there are.
  constexpr std::int64_t lines() const { return outer * inner; }
  /// Elements of all lines.
  constexpr std::int64_t elements() const { return lines() * n; }
  /// Where the first element of a line lies.
  constexpr std::int64_t start(std::int64_t line) const { return line / inner * n * inner + line % inner; }
};

/// The lines of contiguous elements along an axis; a number is a line of one.
inline LinesShape lines_along(Dims const& shape, int axis) {
  LinesShape s{1, shape.empty() ? 1 : shape[axis], 1};
  for (int d = 0; d < axis; ++d) s.outer *= shape[d];
  for (int d = axis + 1; d < shape.size(); ++d) s.inner *= shape[d];
  return s;
}

/// What a scan joins its elements by.
enum class Scan : std::uint8_t { sum, prod, logsumexp };
/// y = the elements of each line joined up to each one; `reverse`: from the end.
template <Scan kind, class T>
struct ScanLines {
  using element = T;
  static constexpr char const* name = kind == Scan::sum ? "cumsum" : kind == Scan::prod ? "cumprod" : "logcumsumexp";
  LinesShape shape;
  bool reverse;
  T const* x;
  T* y;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return ScanLines<kind, U>{shape, reverse, other.reads(x, shape.elements()), other.writes(y, shape.elements())};
  }
};
/// y = the largest (smallest) element up to each one, index = where it is: the last of equal ones, and of several NaN.
template <bool smallest, class T>
struct ScanExtreme {
  using element = T;
  static constexpr char const* name = smallest ? "cummin" : "cummax";
  LinesShape shape;
  T const* x;
  T* y;
  std::int64_t* index;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return ScanExtreme<smallest, U>{shape, other.reads(x, shape.elements()), other.writes(y, shape.elements()), index};
  }
};
/// y[i] = x[i] + c[i] y[i - 1] along each line; reversed, y[i] = x[i] + c[i + 1] y[i + 1].
template <class T>
struct Recurrence {
  using element = T;
  static constexpr char const* name = "recurrence";
  LinesShape shape;
  bool reverse;
  T const *c, *x;
  T* y;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return Recurrence<U>{shape, reverse, other.reads(c, shape.elements()), other.reads(x, shape.elements()), other.writes(y, shape.elements())};
  }
};
/// y = the elements of each line that stand at `first`, ... first + count - 1 when it is sorted, index = where they were.
/// Equal elements keep their order; NaN is larger than everything.
template <class T>
struct Sort {
  static constexpr char const* name = "sort";
  LinesShape shape;
  std::int64_t first, count;
  bool descending;
  T const* x;
  T* y;
  std::int64_t* index;
};
/// y = the position of the largest (smallest) element of each line: the first of equal ones; NaN counts as the extreme.
template <bool smallest, class T>
struct ArgExtreme {
  static constexpr char const* name = smallest ? "argmin" : "argmax";
  LinesShape shape;
  T const* x;
  std::int64_t* y;
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
