// SPDX-License-Identifier: MIT
// Two-dimensional convolution and its gradients.
#pragma once

#include <wick/calls/call.hpp>
#include <wick/calls/epilogue.hpp>
#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// True when the extents of an input padded by `pad` and of a dilated window are far from what 64 bits hold.
constexpr bool window_in_range(std::int64_t kernel, std::int64_t stride, std::int64_t pad, std::int64_t dilation) {
  return kernel <= max_numel && stride <= max_numel && pad <= max_numel && dilation <= max_numel / kernel;
}

/// A two-dimensional convolution (cross-correlation, as torch.nn.functional.conv2d):
/// x: (batch, in_channels, height, width), w: (out_channels, in_channels / groups, kernel_h, kernel_w),
/// y: (batch, out_channels, out_height(), out_width()), all contiguous. `groups` divides both channel counts.
struct Conv2dShape {
  std::int64_t batch, in_channels, height, width, out_channels, kernel_h, kernel_w;
  std::int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1, groups = 1;

  static constexpr std::int64_t extent(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                                       std::int64_t dilation) {
    std::int64_t const room = in + 2 * pad - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
  }
  /// Rows of an output plane; 0 when the kernel does not fit.
  constexpr std::int64_t out_height() const { return extent(height, kernel_h, stride_h, pad_h, dilation_h); }
  /// Columns of an output plane; 0 when the kernel does not fit.
  constexpr std::int64_t out_width() const { return extent(width, kernel_w, stride_w, pad_w, dilation_w); }
  /// Elements of an output plane.
  constexpr std::int64_t out_pixels() const { return out_height() * out_width(); }
  /// Input channels that one output channel sees.
  constexpr std::int64_t group_in() const { return in_channels / groups; }
  /// Output channels of one group.
  constexpr std::int64_t group_out() const { return out_channels / groups; }
  /// Elements of one output channel's filter.
  constexpr std::int64_t filter() const { return group_in() * kernel_h * kernel_w; }
  /// Elements of the input, of all filters, of the output.
  constexpr std::int64_t inputs() const { return batch * in_channels * height * width; }
  constexpr std::int64_t filters() const { return out_channels * filter(); }
  constexpr std::int64_t outputs() const { return batch * out_channels * out_pixels(); }
};

/// y = x * w. The epilogue's row is n * out_channels + oc, its column the pixel oh * out_width() + ow.
template <class T>
struct Conv2d {
  using element = T;
  static constexpr char const* name = "conv2d";
  Conv2dShape shape;
  T const *x, *w;
  T* y;
  Epilogue<T> epilogue = {};

  /// The same call on arrays that `other` gives for these: on elements of another type.
  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return Conv2d<U>{shape, other.reads(x, shape.inputs()), other.reads(w, shape.filters()),
                     other.writes_rows(y, shape.outputs(), shape.out_pixels(), epilogue), other.epilogue()};
  }
};
/// gx = the gradient of conv2d by its input, for the gradient gy of its output.
template <class T>
struct Conv2dInputGradient {
  using element = T;
  static constexpr char const* name = "conv2d_input_gradient";
  Conv2dShape shape;
  T const *gy, *w;
  T* gx;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return Conv2dInputGradient<U>{shape, other.reads(gy, shape.outputs()), other.reads(w, shape.filters()), other.writes(gx, shape.inputs())};
  }
};
/// gw = the gradient of conv2d by its weight, for the gradient gy of its output.
template <class T>
struct Conv2dWeightGradient {
  using element = T;
  static constexpr char const* name = "conv2d_weight_gradient";
  Conv2dShape shape;
  T const *x, *gy;
  T* gw;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return Conv2dWeightGradient<U>{shape, other.reads(x, shape.inputs()), other.reads(gy, shape.outputs()), other.writes(gw, shape.filters())};
  }
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
