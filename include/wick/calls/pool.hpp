// SPDX-License-Identifier: MIT
// Two-dimensional pooling and its gradients.
#pragma once

#include <wick/calls/conv.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// Two-dimensional pooling over `planes` (= batch * channels) independent planes, as torch.nn.functional.max_pool2d and
/// avg_pool2d: x: (planes, height, width), y: (planes, out_height(), out_width()), contiguous. Dilation is max
/// pooling's, count_include_pad average pooling's.
struct Pool2dShape {
  std::int64_t planes, height, width, kernel_h, kernel_w, stride_h, stride_w;
  std::int64_t pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  bool ceil_mode = false, count_include_pad = true;

  constexpr std::int64_t extent(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                                std::int64_t dilation) const {
    std::int64_t const room = in + 2 * pad - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
    if (room < 0) return 0;
    std::int64_t const out = room / stride + 1;
    // The last window must begin inside the plane or its left padding.
    return ceil_mode && (out - 1) * stride >= in + pad ? out - 1 : out;
  }
  /// Rows of an output plane; 0 when the window does not fit.
  constexpr std::int64_t out_height() const { return extent(height, kernel_h, stride_h, pad_h, dilation_h); }
  /// Columns of an output plane; 0 when the window does not fit.
  constexpr std::int64_t out_width() const { return extent(width, kernel_w, stride_w, pad_w, dilation_w); }
  /// Elements of the input, of the output.
  constexpr std::int64_t inputs() const { return planes * height * width; }
  constexpr std::int64_t outputs() const { return planes * out_height() * out_width(); }
  /// Where in its plane element `k` (row * kernel_w + column) of the window of output (oh, ow) lies.
  constexpr std::int64_t element(std::int64_t oh, std::int64_t ow, std::uint32_t k) const {
    auto const across = static_cast<std::uint32_t>(kernel_w);
    std::int64_t const row = oh * stride_h - pad_h + k / across * dilation_h;
    return row * width + ow * stride_w - pad_w + k % across * dilation_w;
  }
  /// What stands for an element of a window: a byte, where that is enough.
  constexpr bool narrow() const { return kernel_h * kernel_w < 256; }
};

/// Which element of each window was chosen: row * kernel_w + column, all ones for a window without any. In bytes where the window
/// has room in them (`Pool2dShape::narrow`), and nowhere when nobody wants to know.
struct ChosenElements {
  std::uint8_t* narrow = nullptr;
  std::int32_t* wide = nullptr;

  /// Calls f with the array that is there; with a null pointer to bytes when none is.
  template <class F>
  void visit(F const& f) const {
    if (wide) f(wide);
    else f(narrow);
  }
  /// The choice of a window; -1 for one without any element.
  constexpr std::int64_t operator[](std::int64_t window) const {
    if (wide) return wide[window];
    return narrow[window] == 0xff ? -1 : narrow[window];
  }
};

/// y = the largest element of each window. NaN is larger than everything; of equal elements the first counts, of several NaN the
/// last.
template <class T>
struct MaxPool2d {
  using element = T;
  static constexpr char const* name = "max_pool2d";
  Pool2dShape shape;
  T const* x;
  T* y;
  ChosenElements chosen = {};
  Epilogue<T> epilogue = {};

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return MaxPool2d<U>{shape, other.reads(x, shape.inputs()), other.writes_rows(y, shape.outputs(), shape.out_height() * shape.out_width(), epilogue),
                        chosen, other.epilogue()};
  }
};
/// gx = gy, put where the maximum of each window was.
template <class T>
struct MaxPool2dGradient {
  using element = T;
  static constexpr char const* name = "max_pool2d_gradient";
  Pool2dShape shape;
  T const* gy;
  ChosenElements chosen;
  T* gx;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return MaxPool2dGradient<U>{shape, other.reads(gy, shape.outputs()), chosen, other.writes(gx, shape.inputs())};
  }
};
/// y = the mean of each window.
template <class T>
struct AvgPool2d {
  using element = T;
  static constexpr char const* name = "avg_pool2d";
  Pool2dShape shape;
  T const* x;
  T* y;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return AvgPool2d<U>{shape, other.reads(x, shape.inputs()), other.writes(y, shape.outputs())};
  }
};
/// gx = the gradient of avg_pool2d for the gradient gy of its output.
template <class T>
struct AvgPool2dGradient {
  using element = T;
  static constexpr char const* name = "avg_pool2d_gradient";
  Pool2dShape shape;
  T const* gy;
  T* gx;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return AvgPool2dGradient<U>{shape, other.reads(gy, shape.outputs()), other.writes(gx, shape.inputs())};
  }
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
