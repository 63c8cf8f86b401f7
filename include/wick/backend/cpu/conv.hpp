// SPDX-License-Identifier: MIT
// Convolution and its gradients: which algorithm suits which shape.
#pragma once

#include <wick/backend/cpu/conv_depthwise.hpp>
#include <wick/backend/cpu/conv_input_gradient.hpp>
#include <wick/backend/cpu/conv_weight_gradient.hpp>
#include <wick/backend/cpu/conv_weight_sums.hpp>
#include <wick/backend/cpu/conv_winograd.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// True when the sum over channels is too short for a matrix product: one input channel, few outputs of each.
inline bool is_depthwise(Conv2dShape const& s) {
  constexpr std::int64_t few = 4;
  return s.group_in() == 1 && s.group_out() <= few && s.kernel_h * s.kernel_w > 1;
}

/// y = x * w, see Conv2dShape: x: (N, C, H, W), w: (OC, C / groups, KH, KW), y: (N, OC, OH, OW). The epilogue's row is
/// n * out_channels + oc, its column the pixel oh * out_width() + ow. Same bits for any number of threads.
template <class T>
void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<std::type_identity_t<T>> epilogue = {}) {
  if (s.batch <= 0 || s.out_channels <= 0 || s.out_pixels() <= 0) return;
  if (is_depthwise(s)) return Depthwise<T>(s).forward(x, w, y, epilogue);
  Filters<T> const filters(s, w);
  if (!conv_winograd<T>(s, x, filters, y, false, epilogue)) conv_product<T>(s, x, filters, y, false, epilogue);
}

/// gx = (or += when `accumulate`) the gradient of conv2d by its input, for the gradient gy of its output. Same bits for
/// any number of threads.
template <class T>
void conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
  if (s.batch <= 0 || s.in_channels <= 0) return;
  if (s.group_out() <= 0 || s.out_pixels() <= 0) {
    if (!accumulate) std::fill(gx, gx + s.batch * s.in_channels * s.height * s.width, T(0));
    return;
  }
  std::int64_t const reach_h = s.dilation_h * (s.kernel_h - 1), reach_w = s.dilation_w * (s.kernel_w - 1);
  bool const plain = s.stride_h == 1 && s.stride_w == 1 && s.pad_h <= reach_h && s.pad_w <= reach_w;
  bool const depthwise = is_depthwise(s);
  if (plain && (depthwise || s.group_in() >= Tile<T>::rows / 2)) {
    // The adjoint of a convolution of stride 1 is one, too: over the gradient of the output, padded to the full
    // overlap.
    Conv2dShape back = s;
    std::swap(back.in_channels, back.out_channels);
    back.height = s.out_height(), back.width = s.out_width();
    back.pad_h = reach_h - s.pad_h, back.pad_w = reach_w - s.pad_w;
    if (depthwise) return Depthwise<T>(back).backward(gy, w, gx, accumulate, s.group_out());
    Filters<T> const adjoint = Filters<T>(s, w).adjoint();
    if (conv_winograd<T>(back, gy, adjoint, gx, accumulate, {})) return;
    // Few pixels do not pay for turning the filters around.
    constexpr std::int64_t few = 2 * Tile<T>::columns;
    if (adjoint.regular() || s.batch * s.out_pixels() > few) return conv_product<T>(back, gy, adjoint, gx, accumulate, {});
  }
  if (depthwise) return Depthwise<T>(s).scatter(gy, w, gx, accumulate);
  ConvScatter<T>{s, gy, w, gx, accumulate}.run();
}

/// gw = (or += when `accumulate`) the gradient of conv2d by its weight, for the gradient gy of its output. Same bits
/// for any number of threads: the sum over images and pixels is cut into parts that depend on the shape only.
template <class T>
void conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
  std::int64_t const size = s.out_channels * s.filter();
  if (size <= 0) return;
  if (s.batch <= 0 || s.out_pixels() <= 0) {
    if (!accumulate) std::fill(gw, gw + size, T(0));
    return;
  }
  if (is_depthwise(s)) return Depthwise<T>(s).weight_gradient(x, gy, gw, accumulate);
  if (ConvWeightSums<T>::suits(s)) return ConvWeightSums<T>(s, x, gy).run(gw, accumulate);
  ConvWeightGradient<T>{s, x, gy}.run(gw, accumulate);
}

}  // namespace backend::cpu

namespace backend {
template <ComputedAsIs T>
void run(Cpu, Conv2d<T> const& call) {
  cpu::conv2d<T>(call.shape, call.x, call.w, call.y, call.epilogue);
}
template <ComputedAsIs T>
void run(Cpu, Conv2dInputGradient<T> const& call) {
  cpu::conv2d_input_gradient<T>(call.shape, call.gy, call.w, call.gx, false);
}
template <ComputedAsIs T>
void run(Cpu, Conv2dWeightGradient<T> const& call) {
  cpu::conv2d_weight_gradient<T>(call.shape, call.x, call.gy, call.gw, false);
}
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
