// SPDX-License-Identifier: MIT
// Max and average pooling over the last two dimensions.
#pragma once

#include <wick/calls/pool.hpp>
#include <wick/core/create.hpp>
#include <wick/ops/gather.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Options of pooling; a stride of 0 means the kernel's size. Only max pooling has a dilation.
struct PoolOptions {
  core::FieldsByName by_name = core::FieldsByName();
  IntPair stride{0, 0}, padding{0, 0}, dilation{1, 1};
  bool ceil_mode = false, count_include_pad = true;
};

namespace detail {

using backend::Pool2dShape;

template <class G>
auto avg_pool2d_gradient(G const& g, Pool2dShape const& s, Dims const& from);
template <class X>
auto avg_pool2d_forward(X const& x, Pool2dShape const& s, Dims const& to);
/// Which element of each window was the largest: bytes, where the window has room in them.
struct Chosen {
  Tensor<std::uint8_t> narrow;
  Tensor<std::int32_t> wide;

  static Chosen room(Pool2dShape const& s, Dims const& shape, Device device) {
    if (s.narrow()) return {Tensor<std::uint8_t>(Tensor<std::uint8_t>::uninitialized, shape, device), {}};
    return {{}, Tensor<std::int32_t>(Tensor<std::int32_t>::uninitialized, shape, device)};
  }
  /// Where it lies; all copies of a Chosen share what is written there.
  backend::ChosenElements elements() const {
    core::note_use(narrow.storage().block()), core::note_use(wide.storage().block());
    return {const_cast<std::uint8_t*>(narrow.data()), const_cast<std::int32_t*>(wide.data())};
  }
};

template <class G>
auto max_pool2d_gradient(G const& g, Chosen const& chosen, Pool2dShape const& s, Dims const& from);
template <class X>
auto max_pool2d_pick(X const& x, Chosen const& chosen, Pool2dShape const& s, Dims const& to);

struct MaxPool2dOp {
  static constexpr char const* name = "max_pool2d";
  static constexpr bool needs_inputs = false;
  static constexpr int column_dims = 2;
  Pool2dShape s;
  Dims from;
  Chosen chosen;  // empty when no derivative is wanted; the tape entry's copy shares it
  template <class T>
  auto call(T* y, Dims const&, backend::Epilogue<T> const& epilogue, Tensor<T> const& x) const {
    return backend::MaxPool2d<T>{s, x.data(), y, chosen.elements(), epilogue};
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(max_pool2d_gradient(g, chosen, s, from)); }
  auto tangent(auto const& y, auto const&, auto const& dx) const { return max_pool2d_pick(std::get<0>(dx), chosen, s, y.shape()); }
};
struct MaxPool2dGradientOp {
  static constexpr char const* name = "max_pool2d_gradient";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims to;
  Chosen chosen;
  template <class T>
  auto call(T* gx, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& g) const {
    return backend::MaxPool2dGradient<T>{s, g.data(), chosen.elements(), gx};
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(max_pool2d_pick(gg, chosen, s, to)); }
};
template <class T>
struct PickElement {
  Pool2dShape s;
  T const* x;
  backend::ChosenElements chosen;
  T* y;
  constexpr void operator()(std::int64_t i) const {
    std::int64_t const width = s.out_width(), height = s.out_height();
    T const* const plane = x + i / width / height * s.height * s.width;
    std::int64_t const which = chosen[i];
    y[i] = which < 0 ? T(0) : plane[s.element(i / width % height, i % width, static_cast<std::uint32_t>(which))];
  }
};
// The elements that max pooling chose: its gradient's gradient.
struct MaxPool2dPickOp {
  static constexpr char const* name = "max_pool2d_pick";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims from;
  Chosen chosen;
  template <class T>
  auto call(T* y, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    return backend::ForEach<PickElement<T>>{s.outputs(), {s, x.data(), chosen.elements(), y}};
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(max_pool2d_gradient(g, chosen, s, from)); }
};

struct AvgPool2dOp {
  static constexpr char const* name = "avg_pool2d";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims from;
  template <class T>
  auto call(T* y, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    return backend::AvgPool2d<T>{s, x.data(), y};
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(avg_pool2d_gradient(g, s, from)); }
};
struct AvgPool2dGradientOp {
  static constexpr char const* name = "avg_pool2d_gradient";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  Pool2dShape s;
  Dims to;
  template <class T>
  auto call(T* gx, Dims const&, backend::Epilogue<T> const&, Tensor<T> const& g) const {
    return backend::AvgPool2dGradient<T>{s, g.data(), gx};
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(avg_pool2d_forward(gg, s, to)); }
};

template <class G>
auto max_pool2d_gradient(G const& g, Chosen const& chosen, Pool2dShape const& s, Dims const& from) {
  return kernel<value_t<G>>(MaxPool2dGradientOp{s, g.shape(), chosen}, from, g);
}
template <class X>
auto max_pool2d_pick(X const& x, Chosen const& chosen, Pool2dShape const& s, Dims const& to) {
  return kernel<value_t<X>>(MaxPool2dPickOp{s, x.shape(), chosen}, to, x);
}
template <class G>
auto avg_pool2d_gradient(G const& g, Pool2dShape const& s, Dims const& from) {
  return kernel<value_t<G>>(AvgPool2dGradientOp{s, g.shape()}, from, g);
}
template <class X>
auto avg_pool2d_forward(X const& x, Pool2dShape const& s, Dims const& to) {
  return kernel<value_t<X>>(AvgPool2dOp{s, x.shape()}, to, x);
}

/// The windows of a pooling, of planes that are not known yet. Throws Error for sizes without a meaning.
inline Pool2dShape pool_windows(char const* operation, IntPair kernel, PoolOptions const& options, bool dilates) {
  if (!dilates && (options.dilation.first != 1 || options.dilation.second != 1))
    fail(operation, ": a dilation of ", options.dilation.first, " x ", options.dilation.second, ": only max pooling has one");
  Pool2dShape s{};
  s.kernel_h = kernel.first, s.kernel_w = kernel.second;
  s.stride_h = options.stride.first ? options.stride.first : kernel.first;
  s.stride_w = options.stride.second ? options.stride.second : kernel.second;
  s.pad_h = options.padding.first, s.pad_w = options.padding.second;
  s.dilation_h = options.dilation.first, s.dilation_w = options.dilation.second;
  s.ceil_mode = options.ceil_mode, s.count_include_pad = options.count_include_pad;
  if (s.kernel_h < 1 || s.kernel_w < 1 || s.stride_h < 1 || s.stride_w < 1 || s.dilation_h < 1 || s.dilation_w < 1)
    fail(operation, ": kernel, stride and dilation start at 1");
  if (s.pad_h < 0 || s.pad_w < 0 || s.pad_h > s.kernel_h / 2 || s.pad_w > s.kernel_w / 2)
    fail(operation, ": the padding is between 0 and half of the kernel");
  if (!backend::window_in_range(s.kernel_h, s.stride_h, s.pad_h, s.dilation_h) || !backend::window_in_range(s.kernel_w, s.stride_w, s.pad_w, s.dilation_w))
    fail(operation, ": a window of ", s.kernel_h, " x ", s.kernel_w, " with stride ", s.stride_h, " x ", s.stride_w, " and dilation ", s.dilation_h, " x ",
         s.dilation_w, " is too large");
  return s;
}
inline Pool2dShape pool_shape(char const* operation, Dims const& shape, IntPair kernel, PoolOptions const& options, bool dilates) {
  if (shape.size() < 3) fail(operation, ": a tensor of shape ", shape, " has less than the 3 dimensions (C, H, W)");
  int const rank = shape.size();
  Pool2dShape s = pool_windows(operation, kernel, options, dilates);
  s.planes = 1;
  for (int d = 0; d < rank - 2; ++d) s.planes *= shape[d];
  s.height = shape[rank - 2], s.width = shape[rank - 1];
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
auto max_pool2d(X const& x, IntPair kernel_size, PoolOptions const& options = {}) {
  auto const& in = operand(x);
  auto const s = detail::pool_shape("max_pool2d", in.shape(), kernel_size, options, true);
  Dims const shape = detail::pooled(in.shape(), s);
  using T = value_t<decltype(in)>;
  bool const derived = ElementTraits<T>::planes > 1 || is_active(in);
  return kernel<T>(detail::MaxPool2dOp{s, in.shape(), derived ? detail::Chosen::room(s, shape, detail::device_of(in)) : detail::Chosen()}, shape, in);
}
/// The same with PyTorch's positions.
template <Formula X>
auto max_pool2d(X const& x, IntPair kernel_size, IntPair stride, IntPair padding = 0, IntPair dilation = 1) {
  return max_pool2d(x, kernel_size, PoolOptions{.stride = stride, .padding = padding, .dilation = dilation});
}
/// Mean of each window (torch.nn.functional.avg_pool2d). x: (..., H, W) -> (..., OH, OW).
template <Formula X>
auto avg_pool2d(X const& x, IntPair kernel_size, PoolOptions const& options = {}) {
  auto const& in = operand(x);
  auto const s = detail::pool_shape("avg_pool2d", in.shape(), kernel_size, options, false);
  return detail::avg_pool2d_forward(in, s, detail::pooled(in.shape(), s));
}
/// The same with PyTorch's positions.
template <Formula X>
auto avg_pool2d(X const& x, IntPair kernel_size, IntPair stride, IntPair padding = 0) {
  return avg_pool2d(x, kernel_size, PoolOptions{.stride = stride, .padding = padding});
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
