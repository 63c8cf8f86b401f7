// SPDX-License-Identifier: MIT
// The kernels of operations on devices, a thread for each element of the result: each thread sums in one order, so that
// results have the same bits every run.
#pragma once

#include <wick/backend/contract.hpp>
#include <wick/backend/thrust/policy.hpp>
#include <wick/base/half.hpp>
#include <wick/base/math.hpp>

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

/// A finished element of column, or output channel, `column`.
template <class T>
constexpr compute_t<T> finished(KnownEpilogue<T> const& epilogue, compute_t<T> value, std::int64_t column) {
  if (epilogue.bias) value = static_cast<compute_t<T>>(value + epilogue.bias[column]);
  return epilogue.relu ? math::maximum(value, compute_t<T>(0)) : value;
}
/// The same for elements that lie finished but for this: (rows, columns, inner), rows that are row_stride apart.
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

/// c = a b for one element of c.
template <class T>
struct GemmElement {
  MatrixBatch batch;
  Matrix<T const> a, b;
  T* c;
  std::int64_t row_stride;
  bool accumulate;
  KnownEpilogue<T> epilogue;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const column = index % b.columns, row = index / b.columns % a.rows, entry = index / b.columns / a.rows;
    T const *from_a = a.data + row * a.row_stride, *from_b = b.data + column * b.column_stride;
    std::int64_t rest = entry;
    for (int d = batch.dims - 1; d >= 0; rest /= batch.extent[d], --d) {
      from_a += rest % batch.extent[d] * batch.a_stride[d];
      from_b += rest % batch.extent[d] * batch.b_stride[d];
    }
    compute_t<T> sum = 0;
    for (std::int64_t k = 0; k < a.columns; ++k) sum += from_a[k * a.column_stride] * from_b[k * b.row_stride];
    T& to = c[entry * a.rows * row_stride + row * row_stride + column];
    to = static_cast<T>(finished<T>(epilogue, accumulate ? to + sum : sum, column));
  }
};

/// Where a convolution's output pixel (oh, ow) sees kernel element (kh, kw) in the input; false outside of it.
constexpr bool seen(Conv2dShape const& s, std::int64_t oh, std::int64_t ow, std::int64_t kh, std::int64_t kw, std::int64_t& at) {
  std::int64_t const ih = oh * s.stride_h - s.pad_h + kh * s.dilation_h, iw = ow * s.stride_w - s.pad_w + kw * s.dilation_w;
  at = ih * s.width + iw;
  return ih >= 0 && ih < s.height && iw >= 0 && iw < s.width;
}

template <class T>
struct ConvElement {
  Conv2dShape s;
  T const *x, *w;
  T* y;
  KnownEpilogue<T> epilogue;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const width = s.out_width(), height = s.out_height();
    std::int64_t const ow = index % width, oh = index / width % height, oc = index / width / height % s.out_channels;
    std::int64_t const n = index / width / height / s.out_channels, first = oc / s.group_out() * s.group_in();
    compute_t<T> sum = 0;
    for (std::int64_t c = 0; c < s.group_in(); ++c)
      for (std::int64_t kh = 0; kh < s.kernel_h; ++kh)
        for (std::int64_t kw = 0; kw < s.kernel_w; ++kw) {
          std::int64_t at = 0;
          if (!seen(s, oh, ow, kh, kw, at)) continue;
          sum += x[(n * s.in_channels + first + c) * s.height * s.width + at] * w[((oc * s.group_in() + c) * s.kernel_h + kh) * s.kernel_w + kw];
        }
    y[index] = static_cast<T>(finished<T>(epilogue, sum, oc));
  }
};
template <class T>
struct ConvInputGradientElement {
  Conv2dShape s;
  T const *gy, *w;
  T* gx;
  bool accumulate;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const iw = index % s.width, ih = index / s.width % s.height, ic = index / s.width / s.height % s.in_channels;
    std::int64_t const n = index / s.width / s.height / s.in_channels, group = ic / s.group_in(), c = ic % s.group_in();
    compute_t<T> sum = 0;
    for (std::int64_t o = group * s.group_out(); o < (group + 1) * s.group_out(); ++o)
      for (std::int64_t kh = 0; kh < s.kernel_h; ++kh) {
        std::int64_t const row = ih + s.pad_h - kh * s.dilation_h;
        if (row < 0 || row % s.stride_h || row / s.stride_h >= s.out_height()) continue;
        for (std::int64_t kw = 0; kw < s.kernel_w; ++kw) {
          std::int64_t const column = iw + s.pad_w - kw * s.dilation_w;
          if (column < 0 || column % s.stride_w || column / s.stride_w >= s.out_width()) continue;
          sum += gy[((n * s.out_channels + o) * s.out_height() + row / s.stride_h) * s.out_width() + column / s.stride_w] *
                 w[((o * s.group_in() + c) * s.kernel_h + kh) * s.kernel_w + kw];
        }
      }
    gx[index] = static_cast<T>(accumulate ? gx[index] + sum : sum);
  }
};
template <class T>
struct ConvWeightGradientElement {
  Conv2dShape s;
  T const *x, *gy;
  T* gw;
  bool accumulate;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const kw = index % s.kernel_w, kh = index / s.kernel_w % s.kernel_h, c = index / s.kernel_w / s.kernel_h % s.group_in();
    std::int64_t const o = index / s.filter(), channel = o / s.group_out() * s.group_in() + c;
    compute_t<T> sum = 0;
    for (std::int64_t n = 0; n < s.batch; ++n)
      for (std::int64_t oh = 0; oh < s.out_height(); ++oh)
        for (std::int64_t ow = 0; ow < s.out_width(); ++ow) {
          std::int64_t at = 0;
          if (!seen(s, oh, ow, kh, kw, at)) continue;
          sum += x[(n * s.in_channels + channel) * s.height * s.width + at] * gy[((n * s.out_channels + o) * s.out_height() + oh) * s.out_width() + ow];
        }
    gw[index] = static_cast<T>(accumulate ? gw[index] + sum : sum);
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

template <class T>
struct GatherRowsElement {
  RowsShape s;
  T const* x;
  std::int64_t const* index;
  T* y;

  constexpr void operator()(std::int64_t i) const {
    std::int64_t const inner = i % s.inner, k = i / s.inner % s.count, o = i / s.inner / s.count;
    y[i] = x[(o * s.extent + index[k]) * s.inner + inner];
  }
};
/// One element of the target looks for its terms, in their order: no two threads write the same element.
template <class T>
struct ScatterRowsElement {
  RowsShape s;
  T const* g;
  std::int64_t const* index;
  T* x;

  constexpr void operator()(std::int64_t i) const {
    std::int64_t const inner = i % s.inner, row = i / s.inner % s.extent, o = i / s.inner / s.extent;
    compute_t<T> sum = 0;
    for (std::int64_t k = 0; k < s.count; ++k)
      if (index[k] == row) sum += g[(o * s.count + k) * s.inner + inner];
    x[i] = static_cast<T>(sum);
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

  constexpr void operator()(std::int64_t i) const { y[i] = x[gathered(s, i, index[i])]; }
};
/// The terms of one line along the axis, added in their order.
template <class T>
struct ScatterLine {
  GatherShape s;
  T const* g;
  std::int64_t const* index;
  compute_t<T>* x;

  constexpr void operator()(std::int64_t line) const {
    std::int64_t inner = 1;
    for (int d = s.axis + 1; d < s.rank; ++d) inner *= s.extent[d];
    std::int64_t const first = line / inner * inner * s.extent[s.axis] + line % inner;
    for (std::int64_t k = 0; k < s.extent[s.axis]; ++k) {
      std::int64_t const i = first + k * inner;
      x[gathered(s, i, index[i])] += g[i];
    }
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
