// SPDX-License-Identifier: MIT
// Layers: Linear, Conv2d, pooling, dropout, activations, Flatten. Names, shapes and defaults are PyTorch's.
#pragma once

#include <wick/nn/init.hpp>
#include <wick/nn/print.hpp>
#include <wick/ops/activation.hpp>
#include <wick/ops/conv.hpp>
#include <wick/ops/dropout.hpp>
#include <wick/ops/linear.hpp>
#include <wick/ops/normalize.hpp>
#include <wick/ops/pool.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace nn {

/// Options of Linear.
struct LinearOptions {
  bool bias = true;
};
/// y = x W^T + b (torch.nn.Linear). x: (..., in) -> (..., out), also one row (in); weight: (out, in), bias: (out).
template <class T = float>
struct Linear {
  Variable<T> weight, bias;
  bool has_bias;

  /// Throws Error for a negative number of features.
  Linear(std::int64_t in, std::int64_t out, LinearOptions options = {})
      : weight(init::kaiming_uniform<T>(weight_shape(in, out), in)),
        bias(options.bias ? init::bias<T>({out}, in) : zeros<T>({out}), options.bias),
        has_bias(options.bias) {}
  template <Formula X>
  auto operator()(X const& x) const {
    if (x.shape().empty() || x.shape()[x.shape().size() - 1] != weight.size(1))
      fail("Linear: an input of shape ", x.shape(), " does not fit a layer from ", weight.size(1), " to ", weight.size(0),
           " features: it needs shape (..., ", weight.size(1), ")");
    return linear(x, weight) + bias;
  }
  std::string extra_repr() const {
    return "in_features=" + std::to_string(weight.size(1)) + ", out_features=" + std::to_string(weight.size(0)) +
           ", bias=" + wick::detail::python_text(has_bias);
  }
  void visit(auto&& member) {
    member("weight", weight);
    if (has_bias) member("bias", bias);
  }

 private:
  static Dims weight_shape(std::int64_t in, std::int64_t out) {
    if (in < 0 || out < 0) fail("Linear: a layer from ", in, " to ", out, " features: neither number may be negative");
    return {out, in};
  }
};

/// Options of Conv2d, by name; sizes are height and width.
struct Conv2dLayerOptions {
  core::FieldsByName by_name = core::FieldsByName();
  IntPair stride{1, 1}, padding{0, 0}, dilation{1, 1};
  std::int64_t groups = 1;
  bool bias = true;
};
/// Convolution (torch.nn.Conv2d). x: (N, in, H, W) -> (N, out, OH, OW), also without N; weight: (out, in / groups, KH, KW),
/// bias: (out).
template <class T = float>
struct Conv2d {
  Variable<T> weight, bias;
  Conv2dOptions options;
  bool has_bias;

  /// Throws Error for sizes that conv2d refuses, and for channels that the groups do not divide.
  Conv2d(std::int64_t in, std::int64_t out, IntPair kernel, Conv2dLayerOptions const& o = {})
      : weight(first_weight(weight_shape(in, out, kernel, o))),
        bias(o.bias ? init::bias<T>({out}, fan_in(weight.shape())) : zeros<T>({out}), o.bias),
        options{o.stride, o.padding, o.dilation, o.groups},
        has_bias(o.bias) {}
  /// The same with PyTorch's positions.
  Conv2d(std::int64_t in, std::int64_t out, IntPair kernel, IntPair stride, IntPair padding = 0, IntPair dilation = 1,
         std::int64_t groups = 1)
      : Conv2d(in, out, kernel, {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups}) {}
  template <Formula X>
  auto operator()(X const& x) const {
    return conv2d(x, weight, options) + reshape(bias, {-1, 1, 1});
  }
  std::string extra_repr() const {
    auto const pair = wick::detail::python_pair;
    auto const is = [](IntPair x, std::int64_t value) { return x.first == value && x.second == value; };
    std::string text = std::to_string(weight.size(1) * options.groups) + ", " + std::to_string(weight.size(0)) + ", kernel_size=" +
                       pair({weight.size(2), weight.size(3)}) + ", stride=" + pair(options.stride);
    if (!is(options.padding, 0)) text += ", padding=" + pair(options.padding);
    if (!is(options.dilation, 1)) text += ", dilation=" + pair(options.dilation);
    if (options.groups != 1) text += ", groups=" + std::to_string(options.groups);
    return has_bias ? text : text + ", bias=False";
  }
  void visit(auto&& member) {
    member("weight", weight);
    if (has_bias) member("bias", bias);
  }

 private:
  static Dims weight_shape(std::int64_t in, std::int64_t out, IntPair kernel, Conv2dLayerOptions const& o) {
    std::int64_t const groups = o.groups;
    if (in < 0 || out < 0 || kernel.first < 1 || kernel.second < 1 || groups < 1 || in % groups != 0 || out % groups != 0)
      fail("Conv2d: ", in, " and ", out, " channels, a kernel of ", kernel.first, " x ", kernel.second, " and ", groups,
           " groups do not fit: no number of channels is negative, a kernel starts at 1 x 1, and the groups divide the channels");
    wick::detail::check_conv2d("Conv2d", kernel, {o.stride, o.padding, o.dilation, groups});
    return {out, in / groups, kernel.first, kernel.second};
  }
  static std::int64_t fan_in(Dims const& shape) { return shape[1] * shape[2] * shape[3]; }
  static Tensor<T> first_weight(Dims const& shape) { return init::kaiming_uniform<T>(shape, fan_in(shape)); }
};

/// Largest element of each window (torch.nn.MaxPool2d).
struct MaxPool2d {
  IntPair kernel;
  PoolOptions options{};
  /// Throws Error for sizes without a meaning.
  explicit MaxPool2d(IntPair size, PoolOptions const& o = {}) : kernel(size), options(o) { wick::detail::pool_windows("MaxPool2d", size, o, true); }
  MaxPool2d(IntPair size, IntPair stride, IntPair padding = 0, IntPair dilation = 1)
      : MaxPool2d(size, {.stride = stride, .padding = padding, .dilation = dilation}) {}
  auto operator()(Formula auto const& x) const { return max_pool2d(x, kernel, options); }
  std::string extra_repr() const {
    return wick::detail::pool_text(kernel, options.stride, options.padding) + ", dilation=" + wick::detail::python_size(options.dilation) +
           ", ceil_mode=" + wick::detail::python_text(options.ceil_mode);
  }
  void visit(auto&&) {}
};
/// Mean of each window (torch.nn.AvgPool2d).
struct AvgPool2d {
  IntPair kernel;
  PoolOptions options{};
  /// Throws Error for sizes without a meaning.
  explicit AvgPool2d(IntPair size, PoolOptions const& o = {}) : kernel(size), options(o) { wick::detail::pool_windows("AvgPool2d", size, o, false); }
  AvgPool2d(IntPair size, IntPair stride, IntPair padding = 0) : AvgPool2d(size, {.stride = stride, .padding = padding}) {}
  auto operator()(Formula auto const& x) const { return avg_pool2d(x, kernel, options); }
  std::string extra_repr() const { return wick::detail::pool_text(kernel, options.stride, options.padding); }
  void visit(auto&&) {}
};
/// Zeroes elements with probability p while training (torch.nn.Dropout).
struct Dropout {
  double p;
  bool training = true;
  /// Throws Error unless p is between 0 and 1.
  Dropout(double probability = 0.5) : p(probability) {
    if (!(p >= 0 && p <= 1)) fail("Dropout: the probability ", p, " is not between 0 and 1");
  }
  auto operator()(Formula auto const& x) const { return dropout(x, p, training); }
  std::string extra_repr() const { return "p=" + wick::detail::python_text(p) + ", inplace=False"; }
  void visit(auto&&) {}
};
/// Joins the dimensions from `start_dim` to `end_dim` (torch.nn.Flatten).
struct Flatten {
  std::int64_t start_dim = 1, end_dim = -1;
  auto operator()(Formula auto const& x) const { return flatten(x, start_dim, end_dim); }
  std::string extra_repr() const { return "start_dim=" + std::to_string(start_dim) + ", end_dim=" + std::to_string(end_dim); }
  void visit(auto&&) {}
};
/// log_softmax along a dimension (torch.nn.LogSoftmax).
struct LogSoftmax {
  std::int64_t dim = -1;
  auto operator()(Formula auto const& x) const { return log_softmax(x, dim); }
  std::string extra_repr() const { return "dim=" + std::to_string(dim); }
  void visit(auto&&) {}
};
/// softmax along a dimension (torch.nn.Softmax).
struct Softmax {
  std::int64_t dim = -1;
  auto operator()(Formula auto const& x) const { return softmax(x, dim); }
  std::string extra_repr() const { return "dim=" + std::to_string(dim); }
  void visit(auto&&) {}
};
/// max(x, 0), element by element (torch.nn.ReLU).
struct ReLU {
  auto operator()(Formula auto const& x) const { return relu(x); }
  void visit(auto&&) {}
};
/// tanh(x), element by element (torch.nn.Tanh).
struct Tanh {
  auto operator()(Formula auto const& x) const { return tanh(x); }
  void visit(auto&&) {}
};
/// 1 / (1 + exp(-x)), element by element (torch.nn.Sigmoid).
struct Sigmoid {
  auto operator()(Formula auto const& x) const { return sigmoid(x); }
  void visit(auto&&) {}
};
/// x times the normal distribution up to x, element by element (torch.nn.GELU).
struct GELU {
  auto operator()(Formula auto const& x) const { return gelu(x); }
  std::string extra_repr() const { return "approximate='none'"; }
  void visit(auto&&) {}
};
/// x sigmoid(x), element by element (torch.nn.SiLU).
struct SiLU {
  auto operator()(Formula auto const& x) const { return silu(x); }
  void visit(auto&&) {}
};
/// log(1 + exp(x)), element by element (torch.nn.Softplus).
struct Softplus {
  auto operator()(Formula auto const& x) const { return softplus(x); }
  std::string extra_repr() const { return "beta=1.0, threshold=20.0"; }
  void visit(auto&&) {}
};

/// Modules one after another (torch.nn.Sequential); members are named 0, 1, ... A part is anything callable. One whose
/// operator() is not const makes the Sequential callable only where it is not const itself.
template <class... M>
struct Sequential {
  std::tuple<M...> modules;
  explicit Sequential(M... parts) : modules(std::move(parts)...) {}

  auto operator()(Formula auto const& x) { return run<0>(*this, x); }
  auto operator()(Formula auto const& x) const { return run<0>(*this, x); }
  void visit(auto&& member) {
    std::apply([&](auto&... m) {
      int i = 0;
      (member(std::to_string(i++).c_str(), m), ...);
    }, modules);
  }

 private:
  template <std::size_t I>
  static auto run(auto& self, auto const& x) {
    auto& part = std::get<I>(self.modules);
    using Part = std::remove_reference_t<decltype(part)>;
    constexpr bool callable = std::is_invocable_v<Part&, decltype(x)>;
    static_assert(callable || !std::is_invocable_v<std::remove_const_t<Part>&, decltype(x)>,
                  "Wick: a const Sequential calls a part whose operator() is not const; write `auto operator()(auto const& x) const` there");
    static_assert(callable || std::is_invocable_v<std::remove_const_t<Part>&, decltype(x)>,
                  "Wick: a part of a Sequential cannot be called with what the part before it gives");
    if constexpr (!callable) return;
    else if constexpr (I + 1 == sizeof...(M)) return part(x);
    else return run<I + 1>(self, part(x));
  }
};

}  // namespace nn
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
