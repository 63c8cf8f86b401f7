// SPDX-License-Identifier: MIT
// Max and average pooling over the last two dimensions.
#pragma once

#include <memory>

#include <wick/core/create.hpp>
#include <wick/expr/kernel_contract.hpp>
#include <wick/ops/gather.hpp>

namespace wick::inline WICK_ISA {

/// Options of pooling; a stride of 0 means the kernel's size.
struct PoolOptions {
  IntPair stride{0, 0}, padding{0, 0}, dilation{1, 1};
  bool ceil_mode = false, count_include_pad = true;
};

namespace detail {

using backend::Pool2dShape;

template <class G>
auto avg_pool2d_gradient(G const& g, Pool2dShape const& s, Dims const& from);
template <class X>
auto avg_pool2d_forward(X const& x, Pool2dShape const& s, Dims const& to);
template <class G>
auto max_pool2d_gradient(G const& g, Tensor<std::int32_t> const& argmax, Pool2dShape const& s, Dims const& from);
template <class X>
auto max_pool2d_pick(X const& x, Tensor<std::int32_t> const& argmax, Pool2dShape const& s, Dims const& to);

struct MaxPool2dOp {
  static constexpr char const* name = "max_pool2d";
  static constexpr bool needs_inputs = false, saves_state = true;
  Pool2dShape s;
  Dims from;
  bool save = false;
  std::shared_ptr<Tensor<std::int32_t>> argmax = std::make_shared<Tensor<std::int32_t>>();
  template <class T>
  void compute(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    std::int32_t* indices = nullptr;
    if (save) {
      *argmax = Tensor<std::int32_t>(Tensor<std::int32_t>::uninitialized, shape);
      indices = argmax->data();
    }
    backend::Kernels<T>::max_pool2d(s, x.contiguous().data(), y, indices);
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(max_pool2d_gradient(g, *argmax, s, from)); }
};
struct MaxPool2dGradientOp {
  static constexpr char const* name = "max_pool2d_gradient";
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims to;
  Tensor<std::int32_t> argmax;
  template <class T>
  void compute(T* gx, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& g) const {
    backend::Kernels<T>::max_pool2d_gradient(s, g.contiguous().data(), argmax.data(), gx, false);
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(max_pool2d_pick(gg, argmax, s, to)); }
};
// The elements that max pooling chose: its gradient's gradient.
struct MaxPool2dPickOp {
  static constexpr char const* name = "max_pool2d_pick";
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims from;
  Tensor<std::int32_t> argmax;
  template <class T>
  void compute(T* y, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& input) const {
    Tensor<T> const x = input.contiguous();
    std::int64_t const in = s.height * s.width, out = s.out_height() * s.out_width();
    for (std::int64_t p = 0; p < s.planes; ++p)
      for (std::int64_t i = 0; i < out; ++i) y[p * out + i] = x.data()[p * in + argmax.data()[p * out + i]];
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(max_pool2d_gradient(g, argmax, s, from)); }
};

struct AvgPool2dOp {
  static constexpr char const* name = "avg_pool2d";
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims from;
  template <class T>
  void compute(T* y, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    backend::Kernels<T>::avg_pool2d(s, x.contiguous().data(), y);
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(avg_pool2d_gradient(g, s, from)); }
};
struct AvgPool2dGradientOp {
  static constexpr char const* name = "avg_pool2d_gradient";
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims to;
  template <class T>
  void compute(T* gx, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& g) const {
    backend::Kernels<T>::avg_pool2d_gradient(s, g.contiguous().data(), gx, false);
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(avg_pool2d_forward(gg, s, to)); }
};

template <class G>
auto max_pool2d_gradient(G const& g, Tensor<std::int32_t> const& argmax, Pool2dShape const& s, Dims const& from) {
  return kernel<value_t<G>>(MaxPool2dGradientOp{s, g.shape(), argmax}, from, g);
}
template <class X>
auto max_pool2d_pick(X const& x, Tensor<std::int32_t> const& argmax, Pool2dShape const& s, Dims const& to) {
  return kernel<value_t<X>>(MaxPool2dPickOp{s, x.shape(), argmax}, to, x);
}
template <class G>
auto avg_pool2d_gradient(G const& g, Pool2dShape const& s, Dims const& from) {
  return kernel<value_t<G>>(AvgPool2dGradientOp{s, g.shape()}, from, g);
}
template <class X>
auto avg_pool2d_forward(X const& x, Pool2dShape const& s, Dims const& to) {
  return kernel<value_t<X>>(AvgPool2dOp{s, x.shape()}, to, x);
}

inline Pool2dShape pool_shape(char const* operation, Dims const& shape, IntPair kernel, PoolOptions const& options) {
  if (shape.size() < 3) fail(operation, ": a tensor of shape ", shape, " has less than the 3 dimensions (C, H, W)");
  int const rank = shape.size();
  Pool2dShape s{};
  s.planes = 1;
  for (int d = 0; d < rank - 2; ++d) s.planes *= shape[d];
  s.height = shape[rank - 2], s.width = shape[rank - 1];
  s.kernel_h = kernel.first, s.kernel_w = kernel.second;
  s.stride_h = options.stride.first ? options.stride.first : kernel.first;
  s.stride_w = options.stride.second ? options.stride.second : kernel.second;
  s.pad_h = options.padding.first, s.pad_w = options.padding.second;
  s.dilation_h = options.dilation.first, s.dilation_w = options.dilation.second;
  s.ceil_mode = options.ceil_mode, s.count_include_pad = options.count_include_pad;
  if (s.kernel_h < 1 || s.kernel_w < 1 || s.stride_h < 1 || s.stride_w < 1 || s.dilation_h < 1 || s.dilation_w < 1)
    fail(operation, ": kernel, stride and dilation start at 1");
  if (s.pad_h < 0 || s.pad_w < 0 || 2 * s.pad_h > s.kernel_h || 2 * s.pad_w > s.kernel_w)
    fail(operation, ": the padding is between 0 and half of the kernel");
  if (s.out_height() < 1 || s.out_width() < 1)
    fail(operation, ": a window of ", s.kernel_h, " x ", s.kernel_w, " does not fit into a plane of shape ", shape);
  return s;
}
inline Dims pooled(Dims shape, Pool2dShape const& s) {
  shape[shape.size() - 2] = s.out_height(), shape[shape.size() - 1] = s.out_width();
  return shape;
}

}  // namespace detail

/// Largest element of each window (torch.nn.functional.max_pool2d). x: (..., H, W) -> (..., OH, OW).
template <Formula X>
auto max_pool2d(X const& x, IntPair kernel_size, PoolOptions options = {}) {
  auto const& in = operand(x);
  auto const s = detail::pool_shape("max_pool2d", in.shape(), kernel_size, options);
  bool const save = is_active(in);
  return kernel<value_t<decltype(in)>>(detail::MaxPool2dOp{s, in.shape(), save}, detail::pooled(in.shape(), s), in);
}
/// Mean of each window (torch.nn.functional.avg_pool2d). x: (..., H, W) -> (..., OH, OW).
template <Formula X>
auto avg_pool2d(X const& x, IntPair kernel_size, PoolOptions options = {}) {
  auto const& in = operand(x);
  auto const s = detail::pool_shape("avg_pool2d", in.shape(), kernel_size, options);
  return detail::avg_pool2d_forward(in, s, detail::pooled(in.shape(), s));
}

}  // namespace wick::inline WICK_ISA
