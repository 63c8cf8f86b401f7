// SPDX-License-Identifier: MIT
// The kernels of operations on devices, a thread for each element of the result: each thread sums in one order, so that
// results have the same bits every run.
#pragma once

#include <wick/backend/thrust/product.hpp>
#include <wick/base/half.hpp>
#include <wick/base/math.hpp>
#include <wick/calls/gather.hpp>
#include <wick/calls/gemm.hpp>
#include <wick/calls/lines.hpp>
#include <wick/calls/pool.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

template <class T>
struct FillElement {
  T* to;
  T value;
  constexpr void operator()(std::int64_t i) const { to[i] = value; }
};
template <class T>
struct RoundElement {
  compute_t<T> const* from;
  T* to;
  constexpr void operator()(std::int64_t i) const { to[i] = static_cast<T>(from[i]); }
};

/// A known epilogue over elements that lie finished but for it: (rows, columns, inner), rows that are row_stride apart.
template <class T>
struct FinishElement {
  KnownEpilogue<T> epilogue;
  std::int64_t columns, inner, row_stride;
  T* values;
  constexpr void operator()(std::int64_t i) const {
    std::int64_t const row = i / inner / columns;
    T& to = values[row * row_stride + i - row * columns * inner];
    to = static_cast<T>(finished<T>(epilogue, to, i / inner % columns));
  }
};
/// A batch of matrices (whose strides are a's) as rows that lie one after another.
template <class T>
struct PackElement {
  MatrixBatch batch;
  Matrix<T const> from;
  T* to;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const column = index % from.columns, row = index / from.columns % from.rows;
    std::int64_t rest = index / from.columns / from.rows, at = row * from.row_stride + column * from.column_stride;
    for (int d = batch.dims - 1; d >= 0; rest /= batch.extent[d], --d) at += rest % batch.extent[d] * batch.a_stride[d];
    to[index] = from.data[at];
  }
};

template <class T, class Index>
struct MaxPoolElement {
  Pool2dShape s;
  T const* x;
  T* y;
  Index* chosen;  ///< null: nobody asks

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const width = s.out_width(), height = s.out_height(), ow = index % width, oh = index / width % height;
    T const* const plane = x + index / width / height * s.height * s.width;
    compute_t<T> best = math::least<compute_t<T>>();
    std::int64_t at = -1;
    for (std::int64_t kh = 0; kh < s.kernel_h; ++kh)
      for (std::int64_t kw = 0; kw < s.kernel_w; ++kw) {
        std::int64_t const ih = oh * s.stride_h - s.pad_h + kh * s.dilation_h, iw = ow * s.stride_w - s.pad_w + kw * s.dilation_w;
        if (ih < 0 || ih >= s.height || iw < 0 || iw >= s.width) continue;
        compute_t<T> const value = plane[ih * s.width + iw];
        if (at < 0 || value > best || value != value) best = value, at = kh * s.kernel_w + kw;
      }
    y[index] = static_cast<T>(best);
    if (chosen) chosen[index] = static_cast<Index>(at);
  }
};
/// Calls visit(oh, ow, k) for the windows that input element (ih, iw) is in, k being its place there.
template <class Visit>
constexpr void each_window(Pool2dShape const& s, std::int64_t ih, std::int64_t iw, Visit const& visit) {
  for (std::int64_t kh = 0; kh < s.kernel_h; ++kh) {
    std::int64_t const row = ih + s.pad_h - kh * s.dilation_h;
    if (row < 0 || row % s.stride_h || row / s.stride_h >= s.out_height()) continue;
    for (std::int64_t kw = 0; kw < s.kernel_w; ++kw) {
      std::int64_t const column = iw + s.pad_w - kw * s.dilation_w;
      if (column < 0 || column % s.stride_w || column / s.stride_w >= s.out_width()) continue;
      visit(row / s.stride_h, column / s.stride_w, kh * s.kernel_w + kw);
    }
  }
}
/// How many elements the mean of window (oh, ow) is taken over.
constexpr std::int64_t window_size(Pool2dShape const& s, std::int64_t oh, std::int64_t ow) {
  std::int64_t const top = oh * s.stride_h - s.pad_h, left = ow * s.stride_w - s.pad_w;
  std::int64_t const low_h = s.count_include_pad ? -s.pad_h : 0, low_w = s.count_include_pad ? -s.pad_w : 0;
  std::int64_t const high_h = s.height + (s.count_include_pad ? s.pad_h : 0), high_w = s.width + (s.count_include_pad ? s.pad_w : 0);
  auto const within = [](std::int64_t begin, std::int64_t end, std::int64_t low, std::int64_t high) constexpr {
    return (end < high ? end : high) - (begin > low ? begin : low);
  };
  return within(top, top + s.kernel_h, low_h, high_h) * within(left, left + s.kernel_w, low_w, high_w);
}
template <class T>
struct AvgPoolElement {
  Pool2dShape s;
  T const* x;
  T* y;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const width = s.out_width(), height = s.out_height(), ow = index % width, oh = index / width % height;
    T const* const plane = x + index / width / height * s.height * s.width;
    compute_t<T> sum = 0;
    for (std::int64_t ih = oh * s.stride_h - s.pad_h; ih < oh * s.stride_h - s.pad_h + s.kernel_h; ++ih)
      for (std::int64_t iw = ow * s.stride_w - s.pad_w; iw < ow * s.stride_w - s.pad_w + s.kernel_w; ++iw)
        if (ih >= 0 && ih < s.height && iw >= 0 && iw < s.width) sum += plane[ih * s.width + iw];
    y[index] = static_cast<T>(sum / static_cast<compute_t<T>>(window_size(s, oh, ow)));
  }
};
/// What window (oh, ow), whose output lies at `at`, gives to its element k: of max pooling ...
template <class T, class Index>
struct MaxPoolTerm {
  T const* gy;
  Index const* chosen;
  constexpr compute_t<T> operator()(Pool2dShape const&, std::int64_t at, std::int64_t, std::int64_t, std::int64_t k) const {
    return chosen[at] == static_cast<Index>(k) ? compute_t<T>(gy[at]) : compute_t<T>(0);
  }
};
/// ... and of average pooling.
template <class T>
struct AvgPoolTerm {
  T const* gy;
  constexpr compute_t<T> operator()(Pool2dShape const& s, std::int64_t at, std::int64_t oh, std::int64_t ow, std::int64_t) const {
    return gy[at] / static_cast<compute_t<T>>(window_size(s, oh, ow));
  }
};
template <class T, class Term>
struct PoolGradientElement {
  Pool2dShape s;
  Term term;
  T* gx;
  bool accumulate;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const iw = index % s.width, ih = index / s.width % s.height, plane = index / s.width / s.height;
    std::int64_t const width = s.out_width(), first = plane * s.out_height() * width;
    compute_t<T> sum = 0;
    each_window(s, ih, iw, [&](std::int64_t oh, std::int64_t ow, std::int64_t k) constexpr { sum += term(s, first + oh * width + ow, oh, ow, k); });
    gx[index] = static_cast<T>(accumulate ? gx[index] + sum : sum);
  }
};

/// Looks at the indices of a kernel: those out of range are reported, and nothing is read or written for them.
struct IndexCheck {
  core::DeviceFault* fault;
  char const* operation;

  static IndexCheck on(Device device) { return {core::runtime_of(device).fault(device.number()), core::current_statement}; }
  constexpr bool inside(std::int64_t index, std::int64_t extent) const {
    if (index >= 0 && index < extent) return true;
    fault->operation = operation, fault->index = index, fault->extent = extent;
    fault->found = 1;
    return false;
  }
};

template <class T>
struct GatherRowsElement {
  RowsShape s;
  T const* x;
  std::int64_t const* index;
  T* y;
  IndexCheck check;

  constexpr void operator()(std::int64_t i) const {
    std::int64_t const inner = i % s.inner, k = i / s.inner % s.count, o = i / s.inner / s.count;
    y[i] = check.inside(index[k], s.extent) ? x[(o * s.extent + index[k]) * s.inner + inner] : T(0);
  }
};
/// Where element i of the index points to in the source.
constexpr std::int64_t gathered(GatherShape const& s, std::int64_t i, std::int64_t picked) {
  std::int64_t at = 0;
  for (int d = s.rank - 1; d >= 0; i /= s.extent[d], --d) at += (d == s.axis ? picked : i % s.extent[d]) * s.stride[d];
  return at;
}
template <class T>
struct GatherElement {
  GatherShape s;
  T const* x;
  std::int64_t const* index;
  T* y;
  IndexCheck check;

  constexpr void operator()(std::int64_t i) const { y[i] = check.inside(index[i], s.limit) ? x[gathered(s, i, index[i])] : T(0); }
};
/// The terms of one line along the axis, added in their order.
template <class T>
struct ScatterLine {
  GatherShape s;
  T const* g;
  std::int64_t const* index;
  compute_t<T>* x;
  IndexCheck check;

  constexpr void operator()(std::int64_t line) const {
    std::int64_t inner = 1;
    for (int d = s.axis + 1; d < s.rank; ++d) inner *= s.extent[d];
    std::int64_t const first = line / inner * inner * s.extent[s.axis] + line % inner;
    for (std::int64_t k = 0; k < s.extent[s.axis]; ++k) {
      std::int64_t const i = first + k * inner;
      if (check.inside(index[i], s.limit)) x[gathered(s, i, index[i])] += g[i];
    }
  }
};

struct OneHotElement {
  std::int64_t classes;
  std::int64_t const* labels;
  std::int64_t* y;
  IndexCheck check;

  constexpr void operator()(std::int64_t i) const {
    for (std::int64_t c = 0; c < classes; ++c) y[i * classes + c] = c == labels[i];
    check.inside(labels[i], classes);
  }
};

/// The position of the largest (or smallest) element of one line.
template <bool smallest, class T>
struct ArgExtremeElement {
  std::int64_t n, inner;
  T const* x;
  std::int64_t* y;

  constexpr void operator()(std::int64_t index) const {
    T const* const line = x + index / inner * n * inner + index % inner;
    std::int64_t at = 0;
    compute_t<T> best = line[0];
    for (std::int64_t i = 1; i < n && best == best; ++i) {
      compute_t<T> const value = line[i * inner];
      if (value != value || (smallest ? value < best : value > best)) best = value, at = i;
    }
    y[index] = at;
  }
};

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
