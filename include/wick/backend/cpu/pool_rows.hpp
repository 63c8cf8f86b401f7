// SPDX-License-Identifier: MIT
// Pooling a row of windows at a time, in registers. A window is taken apart into its rows and its columns: largest
// elements and sums can be found along one and then along the other.
#pragma once

#include <algorithm>
#include <limits>

#include <wick/backend/cpu/copy.hpp>
#include <wick/base/math.hpp>
#include <wick/calls/pool.hpp>
#include <wick/core/storage.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// The part of a window inside the plane along one dimension: first, first + step, ... below last.
struct Window {
  std::int64_t first, last;

  constexpr Window(std::int64_t out, std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                   std::int64_t dilation)
      : first(out * stride - pad), last(std::min(extent, first + (kernel - 1) * dilation + 1)) {
    if (first < 0) first += (-first + dilation - 1) / dilation * dilation;
  }
};

/// How a row of the plane, with its padding, is laid out so that each column of the windows is one run: what is `stride`
/// apart lies side by side.
template <Lane T>
class PoolRows {
 public:
  static constexpr std::int64_t width = lanes<T>;

  /// True when every window has an element inside of the plane, and its elements can be counted in T.
  static bool fits(Pool2dShape const& s) {
    for (std::int64_t oh = 0; oh < s.out_height(); ++oh) {
      Window const h(oh, s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h);
      if (h.first >= h.last) return false;
    }
    for (std::int64_t ow = 0; ow < s.out_width(); ++ow) {
      Window const v(ow, s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w);
      if (v.first >= v.last) return false;
    }
    return s.kernel_h * s.kernel_w < std::int64_t{1} << std::numeric_limits<T>::digits;
  }

  explicit PoolRows(Pool2dShape const& shape)
      : s(shape), out(s.out_width()), rounded((out + width - 1) / width * width),
        reach(std::max(s.pad_w + s.width, (out - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1)),
        run((reach + s.stride_w - 1) / s.stride_w + 2 * width), memory_(reach + 2 * width + run * s.stride_w + rounded) {
    row_ = memory_.data(), runs_ = row_ + reach + 2 * width, result = runs_ + run * s.stride_w;
    std::fill_n(runs_, run * s.stride_w, T(0));
  }
  PoolRows(PoolRows const&) = delete;
  PoolRows& operator=(PoolRows const&) = delete;

  /// Where to write a row of the plane, as many elements as whole registers take.
  T* row() const { return row_ + s.pad_w; }
  /// Fills the padding of that row, and lays it out.
  void lay_out(T padding) const {
    std::fill_n(row_, s.pad_w, padding);
    std::fill(row_ + s.pad_w + s.width, row_ + reach + width, padding);
    if (s.stride_w == 1) return;
    for (std::int64_t r = 0; r < s.stride_w; ++r)
      copy_line(runs_ + r * run, 1, row_ + r, s.stride_w, (reach - r + s.stride_w - 1) / s.stride_w);
  }
  /// Column c of all windows of the row, one after another.
  T const* column(std::int64_t c) const {
    std::int64_t const at = c * s.dilation_w;
    return s.stride_w == 1 ? row_ + at : runs_ + at % s.stride_w * run + at / s.stride_w;
  }

  /// row() = the rows of the windows of output row oh, combined.
  template <class Combine>
  Window combine_rows(T const* plane, std::int64_t oh, Combine const& combine) const {
    Window const h(oh, s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h);
    T* const to = row();
    auto const columns = [&](std::int64_t i) WICK_LAMBDA_INLINE {
      Batch<T> total = simd::load(plane + h.first * s.width + i);
      for (std::int64_t ih = h.first + s.dilation_h; ih < h.last; ih += s.dilation_h)
        total = combine(total, simd::load(plane + ih * s.width + i));
      simd::store(to + i, total);
    };
    std::int64_t i = 0;
    for (; i + width <= s.width; i += width) columns(i);
    if (i < s.width && s.width >= width) {
      columns(s.width - width);
    } else {
      for (; i < s.width; ++i) {
        T total = plane[h.first * s.width + i];
        for (std::int64_t ih = h.first + s.dilation_h; ih < h.last; ih += s.dilation_h) total = combine(total, plane[ih * s.width + i]);
        to[i] = total;
      }
    }
    return h;
  }
  /// The columns of the windows combined, at output columns i ...
  template <class Combine>
  WICK_INLINE Batch<T> combine_columns(std::int64_t i, Combine const& combine) const {
    Batch<T> total = simd::load(column(0) + i);
    for (std::int64_t c = 1; c < s.kernel_w; ++c) total = combine(total, simd::load(column(c) + i));
    return total;
  }

  Pool2dShape const s;
  std::int64_t const out, rounded, reach, run;

 private:
  Scratch<T> memory_;
  T *row_, *runs_;

 public:
  T* result;  ///< room for a row of results, in whole registers
};

/// y = the largest elements of the windows of a plane.
template <Lane T>
void max_pool_plane(PoolRows<T> const& rows, T const* x, T* y) {
  auto const larger = [](auto const& a, auto const& b) WICK_LAMBDA_INLINE { return math::maximum(a, b); };
  for (std::int64_t oh = 0; oh < rows.s.out_height(); ++oh) {
    rows.combine_rows(x, oh, larger);
    rows.lay_out(-std::numeric_limits<T>::infinity());
    for (std::int64_t i = 0; i < rows.rounded; i += rows.width) simd::store(rows.result + i, rows.combine_columns(i, larger));
    copy_row(reinterpret_cast<char*>(y + oh * rows.out), reinterpret_cast<char const*>(rows.result), rows.out * static_cast<std::int64_t>(sizeof(T)));
  }
}

/// The same, and which element of its window each is, row * kernel_w + column: the first of equal ones, the last of NaN.
template <Lane T>
class MaxPoolPlaces {
 public:
  explicit MaxPoolPlaces(PoolRows<T> const& rows)
      : rows_(rows), kept_((rows.s.kernel_h - 1) * rows.s.dilation_h + 1), memory_((2 * kept_ + 2) * rows.rounded) {
    inside_ = memory_.data() + 2 * kept_ * rows.rounded, at_ = inside_ + rows.rounded;
    Pool2dShape const& s = rows.s;
    for (std::int64_t i = 0; i < rows.rounded; ++i) {
      Window const window(i, s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w);
      inside_[i] = static_cast<T>((window.first - (i * s.stride_w - s.pad_w)) / s.dilation_w);
    }
  }

  template <class Index>
  void run(T const* x, T* y, Index* chosen) const {
    Pool2dShape const& s = rows_.s;
    std::int64_t ready = 0;
    for (std::int64_t oh = 0; oh < s.out_height(); ++oh) {
      Window const h(oh, s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h);
      // Dilation may make a window begin above the one before: what counts is where it would begin without an edge.
      ready = std::max({ready, std::int64_t{0}, oh * s.stride_h - s.pad_h});
      for (; ready < h.last; ++ready) along_row(x, ready);
      for (std::int64_t i = 0; i < rows_.rounded; i += rows_.width) {
        Batch<T> const row(static_cast<T>(s.kernel_w));
        Batch<T> start(static_cast<T>((h.first - (oh * s.stride_h - s.pad_h)) / s.dilation_h * s.kernel_w));
        Batch<T> best = simd::load(value(h.first) + i), at = simd::load(place(h.first) + i) + start;
        for (std::int64_t ih = h.first + s.dilation_h; ih < h.last; ih += s.dilation_h) {
          start = start + row;
          take(simd::load(value(ih) + i), simd::load(place(ih) + i) + start, best, at);
        }
        simd::store(rows_.result + i, best);
        simd::store(at_ + i, at);
      }
      copy_row(reinterpret_cast<char*>(y + oh * rows_.out), reinterpret_cast<char const*>(rows_.result), rows_.out * static_cast<std::int64_t>(sizeof(T)));
      for (std::int64_t i = 0; i < rows_.out; ++i) chosen[oh * rows_.out + i] = static_cast<Index>(static_cast<std::int32_t>(at_[i]));
    }
  }

 private:
  static WICK_INLINE void take(Batch<T> const& next, Batch<T> const& where, Batch<T>& best, Batch<T>& at) {
    Mask<T> const larger = (next > best) | math::isnan(next);
    best = simd::select<Batch<T>>(larger, next, best);
    at = simd::select<Batch<T>>(larger, where, at);
  }
  T* value(std::int64_t row) const { return memory_.data() + 2 * (row % kept_) * rows_.rounded; }
  T* place(std::int64_t row) const { return value(row) + rows_.rounded; }
  // The largest elements of this row of the windows that it is in, and their columns in these.
  void along_row(T const* x, std::int64_t row) const {
    Pool2dShape const& s = rows_.s;
    T const lowest = -std::numeric_limits<T>::infinity();
    copy_row(reinterpret_cast<char*>(rows_.row()), reinterpret_cast<char const*>(x + row * s.width), s.width * static_cast<std::int64_t>(sizeof(T)));
    rows_.lay_out(lowest);
    for (std::int64_t i = 0; i < rows_.rounded; i += rows_.width) {
      Batch<T> best(lowest), at = simd::load(inside_ + i), where(T(0));
      for (std::int64_t c = 0; c < s.kernel_w; ++c) {
        take(simd::load(rows_.column(c) + i), where, best, at);
        where = where + Batch<T>(T(1));
      }
      simd::store(value(row) + i, best);
      simd::store(place(row) + i, at);
    }
  }

  PoolRows<T> const& rows_;
  std::int64_t kept_;
  Scratch<T> memory_;
  T *inside_, *at_;
};

/// What sums of windows are divided by: the product of one number for the row and one for the column.
template <Lane T>
class PoolDivisors {
 public:
  explicit PoolDivisors(PoolRows<T> const& rows) : s_(rows.s), memory_(rows.rounded) {
    std::fill_n(memory_.data(), rows.rounded, T(1));
    for (std::int64_t i = 0; i < rows.out; ++i)
      memory_[i] = static_cast<T>(along(i, s_.width, s_.kernel_w, s_.stride_w, s_.pad_w));
  }
  T row(std::int64_t oh) const { return static_cast<T>(along(oh, s_.height, s_.kernel_h, s_.stride_h, s_.pad_h)); }
  T const* columns() const { return memory_.data(); }

 private:
  std::int64_t along(std::int64_t at, std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t pad) const {
    Window const inside(at, extent, kernel, stride, pad, 1);
    std::int64_t const start = at * stride - pad;
    return s_.count_include_pad ? std::min(start + kernel, extent + pad) - start : inside.last - inside.first;
  }
  Pool2dShape const s_;
  Scratch<T> memory_;
};

/// y = the means of the windows of a plane.
template <Lane T>
void avg_pool_plane(PoolRows<T> const& rows, PoolDivisors<T> const& divisors, T const* x, T* y) {
  auto const add = [](auto const& a, auto const& b) WICK_LAMBDA_INLINE { return a + b; };
  for (std::int64_t oh = 0; oh < rows.s.out_height(); ++oh) {
    rows.combine_rows(x, oh, add);
    rows.lay_out(T(0));
    Batch<T> const tall(divisors.row(oh));
    for (std::int64_t i = 0; i < rows.rounded; i += rows.width)
      simd::store(rows.result + i, rows.combine_columns(i, add) / (simd::load(divisors.columns() + i) * tall));
    copy_row(reinterpret_cast<char*>(y + oh * rows.out), reinterpret_cast<char const*>(rows.result), rows.out * static_cast<std::int64_t>(sizeof(T)));
  }
}

/// gx += the gradient of the means for the gradient gy of a plane: a row's shares are spread along the row, then added to
/// the rows of the window.
template <Lane T>
void avg_pool_gradient_plane(PoolRows<T> const& rows, PoolDivisors<T> const& divisors, T const* gy, T* gx) {
  Pool2dShape const& s = rows.s;
  T* const spread = rows.row() - s.pad_w;
  for (std::int64_t oh = 0; oh < s.out_height(); ++oh) {
    copy_row(reinterpret_cast<char*>(rows.result), reinterpret_cast<char const*>(gy + oh * rows.out), rows.out * static_cast<std::int64_t>(sizeof(T)));
    std::fill(rows.result + rows.out, rows.result + rows.rounded, T(0));
    Batch<T> const tall(divisors.row(oh));
    for (std::int64_t i = 0; i < rows.rounded; i += rows.width)
      simd::store(rows.result + i, simd::load(rows.result + i) / (simd::load(divisors.columns() + i) * tall));
    std::fill_n(spread, rows.reach + rows.width, T(0));
    for (std::int64_t c = 0; c < s.kernel_w; ++c) {
      if (s.stride_w == 1)
        for (std::int64_t i = 0; i < rows.rounded; i += rows.width)
          simd::store(spread + c + i, simd::load(spread + c + i) + simd::load(rows.result + i));
      else if (s.stride_w == 2)  // a stride that the compiler knows
        for (std::int64_t i = 0; i < rows.out; ++i) spread[2 * i + c] += rows.result[i];
      else
        for (std::int64_t i = 0; i < rows.out; ++i) spread[s.stride_w * i + c] += rows.result[i];
    }
    Window const h(oh, s.height, s.kernel_h, s.stride_h, s.pad_h, 1);
    T const* const from = spread + s.pad_w;
    for (std::int64_t ih = h.first; ih < h.last; ++ih) {
      T* const to = gx + ih * s.width;
      std::int64_t i = 0;
      for (; i + rows.width <= s.width; i += rows.width) simd::store(to + i, simd::load(to + i) + simd::load(from + i));
      for (; i < s.width; ++i) to[i] += from[i];
    }
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
