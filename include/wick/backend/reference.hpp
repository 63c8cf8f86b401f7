// SPDX-License-Identifier: MIT
// The naive backend: every kernel as its formula reads, one loop per index. It is the oracle of the tests.
#pragma once

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include <wick/base/math.hpp>
#include <wick/calls/gather.hpp>
#include <wick/calls/gemm.hpp>
#include <wick/calls/lines.hpp>
#include <wick/calls/pool.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::reference {

/// c = a b, or c += a b when `accumulate`: a: (m, k), b: (k, n), c: (m, n), any strides.
template <class T>
void gemm(Matrix<std::type_identity_t<T> const> a, Matrix<std::type_identity_t<T> const> b, Matrix<T> c,
          bool accumulate, Epilogue<std::type_identity_t<T>> epilogue = {}) {
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t j = 0; j < c.columns; ++j) {
      T& to = c.data[i * c.row_stride + j * c.column_stride];
      T sum = accumulate ? to : T(0);
      for (std::int64_t k = 0; k < a.columns; ++k) {
        sum = static_cast<T>(sum + a.data[i * a.row_stride + k * a.column_stride] *
                                       b.data[k * b.row_stride + j * b.column_stride]);
      }
      to = sum;
      epilogue(i, j, 1, &to);
    }
  }
}

/// Calls visit(x_index, w_index, y_index) for every product of the convolution `s`.
template <class Visit>
void for_each_product(Conv2dShape const& s, Visit const& visit) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t oc = 0; oc < s.out_channels; ++oc)
      for (std::int64_t oh = 0; oh < s.out_height(); ++oh)
        for (std::int64_t ow = 0; ow < s.out_width(); ++ow)
          for (std::int64_t c = 0; c < s.group_in(); ++c)
            for (std::int64_t kh = 0; kh < s.kernel_h; ++kh)
              for (std::int64_t kw = 0; kw < s.kernel_w; ++kw) {
                std::int64_t const ih = oh * s.stride_h - s.pad_h + kh * s.dilation_h;
                std::int64_t const iw = ow * s.stride_w - s.pad_w + kw * s.dilation_w;
                if (ih < 0 || ih >= s.height || iw < 0 || iw >= s.width) continue;
                std::int64_t const ic = oc / s.group_out() * s.group_in() + c;
                visit(((n * s.in_channels + ic) * s.height + ih) * s.width + iw,
                      ((oc * s.group_in() + c) * s.kernel_h + kh) * s.kernel_w + kw,
                      ((n * s.out_channels + oc) * s.out_height() + oh) * s.out_width() + ow);
              }
}

/// y = x * w, see Conv2dShape. The epilogue's row is n * out_channels + oc, its column the pixel oh * out_width() + ow.
template <class T>
void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<std::type_identity_t<T>> epilogue = {}) {
  std::int64_t const rows = s.batch * s.out_channels, pixels = s.out_pixels();
  std::fill(y, y + rows * pixels, T(0));
  for_each_product(s, [&](auto ix, auto iw, auto iy) { y[iy] = static_cast<T>(y[iy] + x[ix] * w[iw]); });
  for (std::int64_t row = 0; row < rows; ++row) epilogue(row, 0, pixels, y + row * pixels);
}

/// gx = (or += when `accumulate`) the gradient of conv2d by its input, for the gradient gy of its output.
template <class T>
void conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
  if (!accumulate) std::fill(gx, gx + s.batch * s.in_channels * s.height * s.width, T(0));
  for_each_product(s, [&](auto ix, auto iw, auto iy) { gx[ix] = static_cast<T>(gx[ix] + gy[iy] * w[iw]); });
}

/// gw = (or += when `accumulate`) the gradient of conv2d by its weight, for the gradient gy of its output.
template <class T>
void conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
  if (!accumulate) std::fill(gw, gw + s.out_channels * s.filter(), T(0));
  for_each_product(s, [&](auto ix, auto iw, auto iy) { gw[iw] = static_cast<T>(gw[iw] + gy[iy] * x[ix]); });
}

/// y = the largest element of each window, `chosen` (may be null) which one it was: row * kernel_w + column; all ones for
/// a window without any element. NaN is larger than everything; of equal elements the first counts, of several NaN the
/// last.
template <class T, class Index>
void max_pool2d(Pool2dShape const& s, T const* x, T* y, Index* chosen) {
  std::int64_t out = 0;
  for (std::int64_t plane = 0; plane < s.planes; ++plane, x += s.height * s.width)
    for (std::int64_t oh = 0; oh < s.out_height(); ++oh)
      for (std::int64_t ow = 0; ow < s.out_width(); ++ow, ++out) {
        T best = math::least<T>();
        std::int64_t at = -1;
        for (std::int64_t kh = 0; kh < s.kernel_h; ++kh)
          for (std::int64_t kw = 0; kw < s.kernel_w; ++kw) {
            std::int64_t const ih = oh * s.stride_h - s.pad_h + kh * s.dilation_h;
            std::int64_t const iw = ow * s.stride_w - s.pad_w + kw * s.dilation_w;
            if (ih < 0 || ih >= s.height || iw < 0 || iw >= s.width) continue;
            T const value = x[ih * s.width + iw];
            if (at < 0 || value > best || value != value) best = value, at = kh * s.kernel_w + kw;
          }
        y[out] = best;
        if (chosen) chosen[out] = static_cast<Index>(at);
      }
}

/// gx = (or += when `accumulate`) gy, put where the maximum of each window was.
template <class T, class Index>
void max_pool2d_gradient(Pool2dShape const& s, T const* gy, Index const* chosen, T* gx, bool accumulate) {
  std::int64_t const in = s.height * s.width;
  if (!accumulate) std::fill(gx, gx + s.planes * in, T(0));
  std::int64_t out = 0;
  for (std::int64_t plane = 0; plane < s.planes; ++plane)
    for (std::int64_t oh = 0; oh < s.out_height(); ++oh)
      for (std::int64_t ow = 0; ow < s.out_width(); ++ow, ++out) {
        if (chosen[out] == static_cast<Index>(-1)) continue;
        std::int64_t const k = chosen[out], row = oh * s.stride_h - s.pad_h + k / s.kernel_w * s.dilation_h;
        T& to = gx[plane * in + row * s.width + ow * s.stride_w - s.pad_w + k % s.kernel_w * s.dilation_w];
        to = static_cast<T>(to + gy[out]);
      }
}

/// Calls visit(oh, ow, ih, iw, divisor) for every element of every window of average pooling.
template <class Visit>
void for_each_in_window(Pool2dShape const& s, Visit const& visit) {
  for (std::int64_t oh = 0; oh < s.out_height(); ++oh)
    for (std::int64_t ow = 0; ow < s.out_width(); ++ow) {
      std::int64_t inside = 0, padded = 0;
      for (std::int64_t pass = 0; pass < 2; ++pass)
        for (std::int64_t ih = oh * s.stride_h - s.pad_h; ih < oh * s.stride_h - s.pad_h + s.kernel_h; ++ih)
          for (std::int64_t iw = ow * s.stride_w - s.pad_w; iw < ow * s.stride_w - s.pad_w + s.kernel_w; ++iw) {
            bool const in = ih >= 0 && ih < s.height && iw >= 0 && iw < s.width;
            if (pass == 1 && in) visit(oh, ow, ih, iw, s.count_include_pad ? padded : inside);
            if (pass == 0) inside += in, padded += ih < s.height + s.pad_h && iw < s.width + s.pad_w;
          }
    }
}

/// y = the mean of each window.
template <class T>
void avg_pool2d(Pool2dShape const& s, T const* x, T* y) {
  std::int64_t const in = s.height * s.width, width = s.out_width(), out = s.out_height() * width;
  std::fill(y, y + s.planes * out, T(0));
  for (std::int64_t plane = 0; plane < s.planes; ++plane)
    for_each_in_window(s, [&](auto oh, auto ow, auto ih, auto iw, auto divisor) {
      T& to = y[plane * out + oh * width + ow];
      to = static_cast<T>(to + x[plane * in + ih * s.width + iw] / static_cast<T>(divisor));
    });
}

/// gx = (or += when `accumulate`) the gradient of avg_pool2d for the gradient gy of its output.
template <class T>
void avg_pool2d_gradient(Pool2dShape const& s, T const* gy, T* gx, bool accumulate) {
  std::int64_t const in = s.height * s.width, width = s.out_width(), out = s.out_height() * width;
  if (!accumulate) std::fill(gx, gx + s.planes * in, T(0));
  for (std::int64_t plane = 0; plane < s.planes; ++plane)
    for_each_in_window(s, [&](auto oh, auto ow, auto ih, auto iw, auto divisor) {
      T& to = gx[plane * in + ih * s.width + iw];
      to = static_cast<T>(to + gy[plane * out + oh * width + ow] / static_cast<T>(divisor));
    });
}

/// Calls visit(i, before) for the elements of each line in their order (reversed: from the end), `before` being the element
/// visited before, or -1.
template <class Visit>
void for_each_of_lines(LinesShape const& s, bool reverse, Visit const& visit) {
  for (std::int64_t line = 0; line < s.lines(); ++line)
    for (std::int64_t k = 0, before = -1; k < s.n; ++k) {
      std::int64_t const i = s.start(line) + (reverse ? s.n - 1 - k : k) * s.inner;
      visit(i, before);
      before = i;
    }
}

/// y = the sums, products, or logarithms of sums of exponentials of the elements of a line up to each one.
template <Scan kind, class T>
void scan(LinesShape const& s, bool reverse, T const* x, T* y) {
  for_each_of_lines(s, reverse, [&](auto i, auto before) {
    if (before < 0) y[i] = x[i];
    else if constexpr (kind == Scan::sum) y[i] = math::plus(y[before], x[i]);
    else if constexpr (kind == Scan::prod) y[i] = math::times(y[before], x[i]);
    else {
      T const high = std::max(x[i], y[before]), low = std::min(x[i], y[before]);
      y[i] = high == low ? high + std::log(T(2)) : high + std::log1p(std::exp(low - high));
    }
  });
}

/// y = the largest (smallest) element up to each one, index = where it is: the last of equal ones, and of several NaN.
template <bool smallest, class T>
void scan_extreme(LinesShape const& s, T const* x, T* y, std::int64_t* index) {
  for_each_of_lines(s, false, [&](auto i, auto before) {
    bool const better = before < 0 || x[i] != x[i] || (smallest ? x[i] <= y[before] : x[i] >= y[before]);
    y[i] = better ? x[i] : y[before];
    index[i] = better ? i / s.inner % s.n : index[before];
  });
}

/// y[i] = x[i] + c[i] y[i - 1] along each line; reversed, y[i] = x[i] + c[i + 1] y[i + 1].
template <class T>
void recurrence(LinesShape const& s, bool reverse, T const* c, T const* x, T* y) {
  for_each_of_lines(s, reverse, [&](auto i, auto before) {
    y[i] = before < 0 ? x[i] : static_cast<T>(x[i] + c[std::max(i, before)] * y[before]);
  });
}

/// y = the elements of each line that stand at `first`, ... first + count - 1 when it is sorted, index = where they were.
/// Equal elements keep their order; NaN is larger than everything.
template <class T>
void sort(LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, T const* x, T* y, std::int64_t* index) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(s.n));
  for (std::int64_t line = 0; line < s.lines() && count > 0; ++line) {
    T const* const from = x + s.start(line);
    std::iota(order.begin(), order.end(), std::int64_t{0});
    auto const before = [&](std::int64_t a, std::int64_t b) {
      T const low = from[(descending ? b : a) * s.inner], high = from[(descending ? a : b) * s.inner];
      return low < high || (high != high && low == low);
    };
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return before(a, b) || (!before(b, a) && a < b); });
    for (std::int64_t k = 0; k < count; ++k) {
      std::int64_t const to = (line / s.inner * count + k) * s.inner + line % s.inner, at = order[static_cast<std::size_t>(first + k)];
      y[to] = from[at * s.inner], index[to] = at;
    }
  }
}

}  // namespace backend::reference
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
