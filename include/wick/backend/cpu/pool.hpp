// SPDX-License-Identifier: MIT
// Maximum and average pooling, planes spread over the threads.
#pragma once

#include <wick/backend/cpu/pool_rows.hpp>
#include <wick/backend/cpu/threads.hpp>
#include <wick/base/math.hpp>
#include <wick/calls/pool.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// A piece of work that is worth a thread, in window elements.
inline constexpr std::int64_t pool_grain = std::int64_t{1} << 15;

constexpr std::int64_t plane_grain(Pool2dShape const& s) {
  std::int64_t const work = s.height * s.width + s.out_height() * s.out_width() * s.kernel_h * s.kernel_w;
  return std::max<std::int64_t>(1, pool_grain / std::max<std::int64_t>(1, work));
}

/// True for windows of 2 x 2 side by side, all of them inside the plane: the usual halving of a picture.
constexpr bool halves(Pool2dShape const& s) {
  return s.kernel_h == 2 && s.kernel_w == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_h == 0 && s.pad_w == 0 &&
         s.dilation_h == 1 && s.dilation_w == 1 && 2 * s.out_height() <= s.height && 2 * s.out_width() <= s.width;
}

/// Buffers for halving some rows of a plane at a time. A row is walked a register at a time and may run over into the
/// next one, which is written later: short rows need no code of their own.
template <Lane T>
class Halving {
 public:
  explicit Halving(Pool2dShape const& s)
      : shape_(s), width_(s.out_width()), most_(std::max<std::int64_t>(1, std::min(s.out_height(), 512 / std::max<std::int64_t>(1, width_)))),
        room_(most_ * width_ + lanes<T>), memory_(6 * room_) {}

  /// y = the largest of each window; `chosen` may be null.
  template <class Index>
  void forward(T const* plane, T* y, Index* chosen) const {
    T *const even = memory_.data(), *const odd = even + 2 * room_, *const best = odd + 2 * room_, *const which = best + room_;
    each_rows([&](std::int64_t first, std::int64_t rows) {
      each_run(first, rows, [&](std::int64_t from, std::int64_t to, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) even[to + i] = plane[from + 2 * i], odd[to + i] = plane[from + 2 * i + 1];
      });
      for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < width_; i += lanes<T>) {
          T const *const left = even + 2 * row * width_ + i, *const right = odd + 2 * row * width_ + i;
          Batch<T> largest = simd::load(left), at(T(0));
          auto const take = [&](T const* other, T index) {
            Batch<T> const x = simd::load(other);
            auto const larger = simd::either(x > largest, math::isnan(x));  // not x != x: see simd::to_mask
            largest = simd::select<Batch<T>>(larger, x, largest), at = simd::select<Batch<T>>(larger, Batch<T>(index), at);
          };
          take(right, 1), take(left + width_, 2), take(right + width_, 3);
          simd::store(best + row * width_ + i, largest);
          simd::store(which + row * width_ + i, at);
        }
      std::int64_t const at = first * width_, n = rows * width_;
      std::copy_n(best, n, y + at);
      if (chosen)
        for (std::int64_t i = 0; i < n; ++i) chosen[at + i] = static_cast<Index>(static_cast<std::int32_t>(which[i]));
    });
  }

  /// The gradient: every element of the plane is written.
  template <class Index>
  void backward(T const* gy, Index const* chosen, T* plane) const {
    T *const even = memory_.data(), *const odd = even + 2 * room_, *const which = odd + 2 * room_;
    each_rows([&](std::int64_t first, std::int64_t rows) {
      std::int64_t const at = first * width_;
      for (std::int64_t i = 0; i < rows * width_; ++i) which[i] = static_cast<T>(static_cast<std::int32_t>(chosen[at + i]));
      std::copy_n(gy + at, rows * width_, which + room_);
      for (std::int64_t row = 0; row < rows; ++row)
        for (int half = 0; half < 2; ++half)
          for (std::int64_t i = 0; i < width_; i += lanes<T>) {
            Batch<T> const k = simd::load(which + row * width_ + i), g = simd::load(which + room_ + row * width_ + i), zero(T(0));
            T const left = static_cast<T>(2 * half);
            simd::store(even + (2 * row + half) * width_ + i, simd::select<Batch<T>>(k == Batch<T>(left), g, zero));
            simd::store(odd + (2 * row + half) * width_ + i, simd::select<Batch<T>>(k == Batch<T>(left + 1), g, zero));
          }
      each_run(first, rows, [&](std::int64_t to, std::int64_t from, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) plane[to + 2 * i] = even[from + i], plane[to + 2 * i + 1] = odd[from + i];
      });
    });
    // What no window covers: a last column or row.
    if (2 * width_ < shape_.width)
      for (std::int64_t row = 0; row < 2 * shape_.out_height(); ++row)
        std::fill(plane + row * shape_.width + 2 * width_, plane + (row + 1) * shape_.width, T(0));
    std::fill(plane + 2 * shape_.out_height() * shape_.width, plane + shape_.height * shape_.width, T(0));
  }

 private:
  template <class Body>
  void each_rows(Body const& body) const {
    for (std::int64_t first = 0; first < shape_.out_height(); first += most_)
      body(first, std::min(most_, shape_.out_height() - first));
  }
  // Calls body(offset in the plane, offset in a buffer, pairs) for runs of pairs of neighbours.
  template <class Body>
  void each_run(std::int64_t first, std::int64_t rows, Body const& body) const {
    if (shape_.width == 2 * width_) return body(2 * first * shape_.width, 0, 2 * rows * width_);
    for (std::int64_t row = 0; row < 2 * rows; ++row) body((2 * first + row) * shape_.width, row * width_, width_);
  }

  Pool2dShape const& shape_;
  std::int64_t width_, most_, room_;  // room for a group of output rows
  Scratch<T> memory_;
};

/// y = the largest element of each window, `chosen` (may be null) which one it was: row * kernel_w + column; all ones for
/// a window without any element. See Pool2dShape. NaN is larger than everything; of equal elements the first counts, of
/// several NaN the last. The epilogue's row is the plane, its column the pixel oh * out_width() + ow.
template <class T, class Index>
void max_pool2d(Pool2dShape const& s, T const* x, T* y, Index* chosen, Epilogue<std::type_identity_t<T>> epilogue = {}) {
  std::int64_t const in = s.height * s.width, out_height = s.out_height(), out_width = s.out_width();
  if constexpr (Lane<T>)
    if (halves(s))
      return parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
        Halving<T> const halving(s);
        for (std::int64_t plane = begin, out = begin * out_height * out_width; plane < end; ++plane, out += out_height * out_width) {
          halving.forward(x + plane * in, y + out, chosen ? chosen + out : nullptr);
          epilogue(plane, 0, out_height * out_width, y + out);
        }
      });
  if constexpr (Lane<T>)
    if (PoolRows<T>::fits(s))
      return parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
        PoolRows<T> const rows(s);
        std::int64_t const out = out_height * out_width;
        auto const each = [&](auto const& run) {
          for (std::int64_t plane = begin; plane < end; ++plane) {
            run(plane);
            epilogue(plane, 0, out, y + plane * out);
          }
        };
        if (chosen) {
          MaxPoolPlaces<T> const places(rows);
          each([&](std::int64_t plane) { places.run(x + plane * in, y + plane * out, chosen + plane * out); });
        } else {
          each([&](std::int64_t plane) { max_pool_plane(rows, x + plane * in, y + plane * out); });
        }
      });
  parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
    std::int64_t out = begin * out_height * out_width;
    for (std::int64_t plane = begin; plane < end; ++plane) {
      T const* const from = x + plane * in;
      for (std::int64_t oh = 0; oh < out_height; ++oh)
        for (std::int64_t ow = 0; ow < out_width; ++ow, ++out) {
          std::int64_t const top = oh * s.stride_h - s.pad_h, left = ow * s.stride_w - s.pad_w;
          T best = math::least<T>();
          std::int64_t at = -1;
          // Place and value advance together without branches: comparisons of data are not predictable.
          for (std::int64_t kh = 0, ih = top; kh < s.kernel_h; ++kh, ih += s.dilation_h) {
            if (ih < 0 || ih >= s.height) continue;
            for (std::int64_t kw = 0, iw = left; kw < s.kernel_w; ++kw, iw += s.dilation_w) {
              if (iw < 0 || iw >= s.width) continue;
              T const value = from[ih * s.width + iw];
              bool const larger = (at < 0) | (value > best) | (value != value);
              best = larger ? value : best;
              at = larger ? kh * s.kernel_w + kw : at;
            }
          }
          y[out] = best;
          if (chosen) chosen[out] = static_cast<Index>(at);
        }
      epilogue(plane, 0, out_height * out_width, y + (out - out_height * out_width));
    }
  });
}

/// gx = (or += when `accumulate`) the gradient of max_pool2d for the gradient gy of its output: each gy goes to where
/// the maximum was.
template <class T, class Index>
void max_pool2d_gradient(Pool2dShape const& s, T const* gy, Index const* chosen, T* gx, bool accumulate) {
  std::int64_t const in = s.height * s.width, out_height = s.out_height(), out_width = s.out_width();
  if constexpr (Lane<T>)
    if (halves(s) && !accumulate)
      return parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
        Halving<T> const halving(s);
        for (std::int64_t plane = begin, out = begin * out_height * out_width; plane < end; ++plane, out += out_height * out_width)
          halving.backward(gy + out, chosen + out, gx + plane * in);
      });
  parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
    std::int64_t out = begin * out_height * out_width;
    for (std::int64_t plane = begin; plane < end; ++plane) {
      T* const to = gx + plane * in;
      if (!accumulate) std::fill(to, to + in, T(0));
      for (std::int64_t oh = 0; oh < out_height; ++oh)
        for (std::int64_t ow = 0; ow < out_width; ++ow, ++out) {
          if (chosen[out] == static_cast<Index>(-1)) continue;
          T& element = to[s.element(oh, ow, static_cast<std::uint32_t>(chosen[out]))];
          element = static_cast<T>(element + gy[out]);
        }
    }
  });
}

/// True when means can be computed a row at a time. The dilation is max pooling's: means have none.
template <class T>
bool means_fit(Pool2dShape const& s) { return s.dilation_h == 1 && s.dilation_w == 1 && PoolRows<T>::fits(s); }

/// Calls visit(pixel, rows, columns, divisor) for every window of average pooling: `pixel` is the output's index,
/// `rows` and `columns` the part inside the plane.
template <class Visit>
WICK_INLINE void for_each_mean(Pool2dShape const& s, Visit const& visit) {
  std::int64_t const out_height = s.out_height(), out_width = s.out_width();
  for (std::int64_t oh = 0; oh < out_height; ++oh) {
    Window const h(oh, s.height, s.kernel_h, s.stride_h, s.pad_h, 1);
    std::int64_t const top = oh * s.stride_h - s.pad_h;
    std::int64_t const tall = std::min(top + s.kernel_h, s.height + s.pad_h) - top;
    for (std::int64_t ow = 0; ow < out_width; ++ow) {
      Window const v(ow, s.width, s.kernel_w, s.stride_w, s.pad_w, 1);
      std::int64_t const left = ow * s.stride_w - s.pad_w;
      std::int64_t const wide = std::min(left + s.kernel_w, s.width + s.pad_w) - left;
      std::int64_t const inside =
          std::max<std::int64_t>(0, h.last - h.first) * std::max<std::int64_t>(0, v.last - v.first);
      visit(oh * out_width + ow, h, v, s.count_include_pad ? tall * wide : inside);
    }
  }
}

/// y = the mean of each window, see Pool2dShape; a window without any element gives 0.
template <class T>
void avg_pool2d(Pool2dShape const& s, T const* x, T* y) {
  std::int64_t const in = s.height * s.width, out = s.out_height() * s.out_width();
  if constexpr (Lane<T>) {
    if (means_fit<T>(s))
      return parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
        PoolRows<T> const rows(s);
        PoolDivisors<T> const divisors(rows);
        for (std::int64_t p = begin; p < end; ++p) avg_pool_plane(rows, divisors, x + p * in, y + p * out);
      });
  }
  parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      for_each_mean(s, [&](std::int64_t pixel, Window const& h, Window const& v, std::int64_t divisor) {
        T sum{};
        for (std::int64_t ih = h.first; ih < h.last; ++ih)
          for (std::int64_t iw = v.first; iw < v.last; ++iw)
            sum = static_cast<T>(sum + x[plane * in + ih * s.width + iw]);
        y[plane * out + pixel] = divisor > 0 ? static_cast<T>(sum / static_cast<T>(divisor)) : T(0);
      });
    }
  });
}

/// gx = (or += when `accumulate`) the gradient of avg_pool2d for the gradient gy of its output.
template <class T>
void avg_pool2d_gradient(Pool2dShape const& s, T const* gy, T* gx, bool accumulate) {
  std::int64_t const in = s.height * s.width, out = s.out_height() * s.out_width();
  if constexpr (Lane<T>) {
    if (means_fit<T>(s))
      return parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
        PoolRows<T> const rows(s);
        PoolDivisors<T> const divisors(rows);
        if (!accumulate) std::fill(gx + begin * in, gx + end * in, T(0));
        for (std::int64_t p = begin; p < end; ++p) avg_pool_gradient_plane(rows, divisors, gy + p * out, gx + p * in);
      });
  }
  parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      T* const to = gx + plane * in;
      if (!accumulate) std::fill(to, to + in, T(0));
      for_each_mean(s, [&](std::int64_t pixel, Window const& h, Window const& v, std::int64_t divisor) {
        if (divisor <= 0) return;
        T const share = static_cast<T>(gy[plane * out + pixel] / static_cast<T>(divisor));
        for (std::int64_t ih = h.first; ih < h.last; ++ih)
          for (std::int64_t iw = v.first; iw < v.last; ++iw) {
            T& element = to[ih * s.width + iw];
            element = static_cast<T>(element + share);
          }
      });
    }
  });
}

}  // namespace backend::cpu

namespace backend {
template <ComputedAsIs T>
void run(Cpu, MaxPool2d<T> const& call) {
  call.chosen.visit([&](auto* chosen) { cpu::max_pool2d(call.shape, call.x, call.y, chosen, call.epilogue); });
}
template <ComputedAsIs T>
void run(Cpu, MaxPool2dGradient<T> const& call) {
  call.chosen.visit([&](auto const* chosen) { cpu::max_pool2d_gradient(call.shape, call.gy, chosen, call.gx, false); });
}
template <ComputedAsIs T>
void run(Cpu, AvgPool2d<T> const& call) {
  cpu::avg_pool2d<T>(call.shape, call.x, call.y);
}
template <ComputedAsIs T>
void run(Cpu, AvgPool2dGradient<T> const& call) {
  cpu::avg_pool2d_gradient<T>(call.shape, call.gy, call.gx, false);
}
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
