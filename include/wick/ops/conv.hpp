// SPDX-License-Identifier: MIT
// Two-dimensional convolution and its two gradients, each a kernel node: so gradients of gradients work too.
#pragma once

#include <wick/calls/conv.hpp>
#include <wick/ops/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Options of `conv2d`: height, width. Taken by reference, as all options of more than two words: g++ 12.2 passes a known
/// struct like {1, 1, 0, 0} wrongly by value under AVX-512 (GCC bug 108599).
struct Conv2dOptions {
  IntPair stride{1, 1}, padding{0, 0}, dilation{1, 1};
  std::int64_t groups = 1;
};

namespace detail {

using backend::Conv2dShape;

/// Throws Error unless a kernel of this size can be moved over an image in such a way.
inline void check_conv2d(char const* operation, IntPair kernel, Conv2dOptions const& o) {
  auto const [stride_h, stride_w] = o.stride;
  auto const [pad_h, pad_w] = o.padding;
  auto const [dilation_h, dilation_w] = o.dilation;
  if (stride_h < 1 || stride_w < 1 || dilation_h < 1 || dilation_w < 1 || pad_h < 0 || pad_w < 0)
    fail(operation, ": stride and dilation start at 1, padding at 0");
  if (!backend::window_in_range(kernel.first, stride_h, pad_h, dilation_h) || !backend::window_in_range(kernel.second, stride_w, pad_w, dilation_w))
    fail(operation, ": a stride of ", stride_h, " x ", stride_w, ", a padding of ", pad_h, " x ", pad_w, " or a dilation of ", dilation_h, " x ", dilation_w,
         " is too large");
}

template <class X, class G>
auto conv2d_weight_gradient(X const& x, G const& g, Conv2dShape const& s);
template <class G, class W>
auto conv2d_input_gradient(G const& g, W const& w, Conv2dShape const& s);
template <class X, class W>
auto conv2d_forward(X const& x, W const& w, Conv2dShape const& s);

struct Conv2dOp {
  static constexpr char const* name = "conv2d";
  using multilinear = void;
  static constexpr int column_dims = 2, bias_dim = 3;
  Conv2dShape s;
  template <class T>
  auto call(T* y, Dims const&, backend::Epilogue<T> const& epilogue, Tensor<T> const& x, Tensor<T> const& w) const {
    return backend::Conv2d<T>{s, x.data(), w.data(), y, epilogue};
  }
  auto adjoint(auto const& g, auto const&, auto const& x, auto const& w) const {
    return std::tuple(conv2d_input_gradient(g, w, s), conv2d_weight_gradient(x, g, s));
  }
};
// g: gradient of the output, w: filters; gives the gradient of the input.
struct Conv2dInputGradientOp {
  static constexpr char const* name = "conv2d_input_gradient";
  using multilinear = void;
  Conv2dShape s;
  template <class T>
  auto call(T* gx, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& g, Tensor<T> const& w) const {
    return backend::Conv2dInputGradient<T>{s, g.data(), w.data(), gx};
  }
  auto adjoint(auto const& gg, auto const&, auto const& g, auto const& w) const {
    return std::tuple(conv2d_forward(gg, w, s), conv2d_weight_gradient(gg, g, s));
  }
};
// x: input, g: gradient of the output; gives the gradient of the filters.
struct Conv2dWeightGradientOp {
  static constexpr char const* name = "conv2d_weight_gradient";
  using multilinear = void;
  Conv2dShape s;
  template <class T>
  auto call(T* gw, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& x, Tensor<T> const& g) const {
    return backend::Conv2dWeightGradient<T>{s, x.data(), g.data(), gw};
  }
  auto adjoint(auto const& gg, auto const&, auto const& x, auto const& g) const {
    return std::tuple(conv2d_input_gradient(g, gg, s), conv2d_forward(x, gg, s));
  }
};

/// Shape of images; without a batch where the other side of the convolution, of shape `other`, has none.
inline Dims images(Dims const& other, std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  return other.size() == 3 ? Dims(channels, height, width) : Dims(batch, channels, height, width);
}
template <class X, class G>
auto conv2d_weight_gradient(X const& x, G const& g, Conv2dShape const& s) {
  return kernel<value_t<X>>(Conv2dWeightGradientOp{s}, Dims(s.out_channels, s.group_in(), s.kernel_h, s.kernel_w), x, g);
}
template <class G, class W>
auto conv2d_input_gradient(G const& g, W const& w, Conv2dShape const& s) {
  return kernel<value_t<G>>(Conv2dInputGradientOp{s}, images(g.shape(), s.batch, s.in_channels, s.height, s.width), g, w);
}
template <class X, class W>
auto conv2d_forward(X const& x, W const& w, Conv2dShape const& s) {
  return kernel<value_t<X>>(Conv2dOp{s}, images(x.shape(), s.batch, s.out_channels, s.out_height(), s.out_width()), x, w);
}

}  // namespace detail

/// Convolution (cross-correlation, torch.nn.functional.conv2d). x: (N, C, H, W) or (C, H, W), w: (O, C / groups, KH, KW) ->
/// (N, O, OH, OW) or (O, OH, OW). A bias, an activation and other elementwise formulas over the result run inside the kernel.
template <Formula X, Formula W>
auto conv2d(X const& x, W const& w, Conv2dOptions const& options = {}) {
  auto const& in = operand(x);
  auto const& filters = operand(w);
  Dims const sx = in.shape(), sw = filters.shape();
  int const lead = sx.size() - 3;
  if ((lead != 0 && lead != 1) || sw.size() != 4)
    fail("conv2d: the input ", sx, " and the weight ", sw, " do not fit: the input is (N, C, H, W) or (C, H, W), the weight (O, C / groups, KH, KW)");
  detail::Conv2dShape s{lead ? sx[0] : 1, sx[lead], sx[lead + 1], sx[lead + 2], sw[0], sw[2], sw[3], options.stride.first, options.stride.second,
                        options.padding.first, options.padding.second, options.dilation.first, options.dilation.second,
                        options.groups};
  if (s.kernel_h < 1 || s.kernel_w < 1) fail("conv2d: the weight ", sw, " has a kernel without elements");
  if (s.groups < 1 || s.in_channels % s.groups || s.out_channels % s.groups)
    fail("conv2d: ", s.groups, " groups do not divide ", s.in_channels, " input and ", s.out_channels, " output channels");
  if (sw[1] != s.group_in())
    fail("conv2d: ", sx, " and ", sw, " do not fit: dimension ", lead, " of the input is ", sx[lead], ", dimension 1 of the weight is ",
         sw[1], " with ", s.groups, " groups");
  detail::check_conv2d("conv2d", {s.kernel_h, s.kernel_w}, options);
  if (s.out_height() < 1 || s.out_width() < 1)
    fail("conv2d: a kernel of ", s.kernel_h, " x ", s.kernel_w, " does not fit into the input ", sx, " with this padding");
  return detail::conv2d_forward(in, filters, s);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
