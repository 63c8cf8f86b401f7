// SPDX-License-Identifier: MIT
// Maximum and average pooling, planes spread over the threads.
#pragma once

#include <limits>
#include <wick/backend/contract.hpp>
#include <wick/backend/cpu/threads.hpp>

namespace wick::inline WICK_ISA {
namespace backend::cpu {

// A piece of work that is worth a thread, in window elements.
inline constexpr std::int64_t pool_grain = std::int64_t{1} << 15;

constexpr std::int64_t plane_grain(Pool2dShape const& s) {
  std::int64_t const work = s.height * s.width + s.out_height() * s.out_width() * s.kernel_h * s.kernel_w;
  return std::max<std::int64_t>(1, pool_grain / std::max<std::int64_t>(1, work));
}

/// The part of a window inside the plane along one dimension: first, first + step, ... below last.
struct Window {
  std::int64_t first, last;

  constexpr Window(std::int64_t out, std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                   std::int64_t dilation)
      : first(out * stride - pad), last(std::min(extent, first + (kernel - 1) * dilation + 1)) {
    if (first < 0) first += (-first + dilation - 1) / dilation * dilation;
  }
};

/// True when no window of `s` reads padding and each is made of neighbours.
constexpr bool all_inside(Pool2dShape const& s) {
  return s.pad_h == 0 && s.pad_w == 0 && s.dilation_h == 1 && s.dilation_w == 1 &&
         (s.out_height() - 1) * s.stride_h + s.kernel_h <= s.height &&
         (s.out_width() - 1) * s.stride_w + s.kernel_w <= s.width;
}

/// y = the largest element of each window, `argmax` (may be null) its index within the plane, see Pool2dShape. NaN is
/// larger than everything; of equal elements the first counts, of several NaN the last.
template <class T>
void max_pool2d(Pool2dShape const& s, T const* x, T* y, std::int32_t* argmax) {
  std::int64_t const in = s.height * s.width, out_height = s.out_height(), out_width = s.out_width();
  // Index and value advance together without branches: comparisons of data are not predictable.
  auto const take = [](T value, std::int32_t index, T& best, std::int32_t& at) {
    bool const larger = (value > best) | (value != value);
    best = larger ? value : best;
    at = larger ? index : at;
  };
  bool const two_by_two = s.kernel_h == 2 && s.kernel_w == 2 && all_inside(s);
  parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      T const* const from = x + plane * in;
      T* to = y + plane * out_height * out_width;
      std::int32_t* index = argmax ? argmax + plane * out_height * out_width : nullptr;
      for (std::int64_t oh = 0; oh < out_height; ++oh, to += out_width, index += index ? out_width : 0) {
        if (two_by_two) {
          auto const base = static_cast<std::int32_t>(oh * s.stride_h * s.width);
          auto const step = static_cast<std::int32_t>(s.stride_w), width = static_cast<std::int32_t>(s.width);
          auto const count = static_cast<std::int32_t>(out_width);
          for (std::int32_t ow = 0; ow < count; ++ow) {
            std::int32_t const corner = base + ow * step;
            T best = from[corner];
            std::int32_t at = corner;
            take(from[corner + 1], corner + 1, best, at);
            take(from[corner + width], corner + width, best, at);
            take(from[corner + width + 1], corner + width + 1, best, at);
            to[ow] = best;
            if (index) index[ow] = at;
          }
          continue;
        }
        Window const h(oh, s.height, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h);
        for (std::int64_t ow = 0; ow < out_width; ++ow) {
          Window const v(ow, s.width, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w);
          T best{};
          auto at = std::int32_t{-1};
          if (h.first < h.last && v.first < v.last) {
            at = static_cast<std::int32_t>(h.first * s.width + v.first);
            best = from[at];
          }
          for (std::int64_t ih = h.first; ih < h.last; ih += s.dilation_h)
            for (std::int64_t iw = v.first; iw < v.last; iw += s.dilation_w)
              take(from[ih * s.width + iw], static_cast<std::int32_t>(ih * s.width + iw), best, at);
          to[ow] = best;
          if (index) index[ow] = at;
        }
      }
    }
  });
}

/// gx = (or += when `accumulate`) the gradient of max_pool2d for the gradient gy of its output: each gy goes to where
/// the maximum was.
template <class T>
void max_pool2d_gradient(Pool2dShape const& s, T const* gy, std::int32_t const* argmax, T* gx, bool accumulate) {
  std::int64_t const in = s.height * s.width, out = s.out_height() * s.out_width();
  parallel_for(s.planes, plane_grain(s), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      T* const to = gx + plane * in;
      if (!accumulate) std::fill(to, to + in, T(0));
      for (std::int64_t i = plane * out; i < (plane + 1) * out; ++i)
        if (argmax[i] >= 0) to[argmax[i]] = static_cast<T>(to[argmax[i]] + gy[i]);
    }
  });
}

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
}  // namespace wick::inline WICK_ISA
