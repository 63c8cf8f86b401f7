// SPDX-License-Identifier: MIT
// Gradient clipping, by norm and by value (torch.nn.utils.clip_grad_norm_, clip_grad_value_).
#pragma once

#include <cmath>
#include <limits>

#include <wick/base/math.hpp>
#include <wick/nn/module.hpp>
#include <wick/optim/update.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace optim {

/// What a step does to the gradients as it reads them; nothing without an entry. First each is held within `value`,
/// then all are scaled so that the norm of all of them together is at most `norm`.
struct Clip {
  static constexpr double unlimited = std::numeric_limits<double>::infinity();
  double norm = unlimited, value = unlimited;
};

namespace detail {

/// Calls f(variable) for the parameters that a step computes in T.
template <Lane T, class F>
void each_computed_in(nn::Parameters const& parameters, F const& f) {
  auto const all = [&](auto const& variables) {
    for (auto const& variable : variables) f(variable);
  };
  if constexpr (std::is_same_v<T, double>) all(parameters.of<double>());
  else all(parameters.of<float>()), all(parameters.of<float16>()), all(parameters.of<bfloat16>());
}

/// The sum, or when `largest` the largest, of term(x) over n elements.
template <bool largest, Lane T, class Term>
double fold(T const* x, std::int64_t n, Term const& term) {
  constexpr std::int64_t width = lanes<T>;
  auto const join = [](Batch<T> const& a, Batch<T> const& b) {
    if constexpr (largest) return math::maximum(a, b);
    else return a + b;
  };
  Batch<T> total[4] = {Batch<T>(T(0)), Batch<T>(T(0)), Batch<T>(T(0)), Batch<T>(T(0))};
  std::int64_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width)
    for (int k = 0; k < 4; ++k) total[k] = join(total[k], term(simd::load(x + i + k * width)));
  for (int k = 0; i < n; i += width, ++k) {
    T rest[lanes<T>] = {};
    std::copy_n(x + i, std::min(width, n - i), rest);
    total[k] = join(total[k], term(simd::load(rest)));
  }
  Batch<T> const all = join(join(total[0], total[1]), join(total[2], total[3]));
  if constexpr (largest) return static_cast<double>(simd::reduce_max(all));
  else return static_cast<double>(simd::reduce_add(all));
}

/// The norm of the parts' second arrays, each element held within `limit` first: the 2-norm, or when `any_type` that of
/// `type`. Units are added in a fixed order.
template <bool any_type, Lane T>
double norm_of(Parts<T> const& parts, double type, double limit) {
  Scratch<double> const unit_norm(std::max<std::int64_t>(1, parts.units()));
  parts.each_unit([&](Arrays const& arrays, std::int64_t number) {
    T const* const x = static_cast<T const*>(arrays.data[1]);
    auto const held = [bound = static_cast<T>(limit)](auto v) { return simd::clamp(v, -bound, bound); };
    std::int64_t const n = arrays.count;
    double& norm = unit_norm[number];
    auto const square = [&](auto v) { v = held(v); return v * v; };
    if constexpr (any_type) {
      if (type == 2) norm = fold<false>(x, n, square);
      else if (type == 1) norm = fold<false>(x, n, [&](auto v) { return math::abs(held(v)); });
      else if (type == Clip::unlimited) norm = fold<true>(x, n, [&](auto v) { return math::abs(held(v)); });
      else norm = fold<false>(x, n, [&](auto v) { return math::pow(math::abs(held(v)), static_cast<T>(type)); });
    } else {
      norm = fold<false>(x, n, square);
    }
  }, false);
  double total = 0;
  for (std::int64_t i = 0; i < parts.units(); ++i) {
    if (type == Clip::unlimited) total = total >= unit_norm[i] || total != total ? total : unit_norm[i];
    else total += unit_norm[i];
  }
  if (type == Clip::unlimited || type == 1) return total;
  return type == 2 ? std::sqrt(total) : std::pow(total, 1 / type);
}
template <bool any_type, Lane T>
double norm_anywhere(char const* operation, Parts<T> const& parts, double type, double limit) {
  if (parts.empty()) return 0;
  if (!parts.on_device()) return norm_of<any_type>(parts, type, limit);
#if WICK_DEVICE_KERNELS
  if (core::capturing) fail("capture: ", operation, " takes the norm of gradients of float32 and float64 together, which the host does; record parameters of one type");
  return backend::thrust_::norm_on_device<T>(parts.device(), parts.parts(), type, limit, 1).norm.item();
#else
  wick::detail::fail_without_kernels(operation, parts.device());
#endif
}
/// The norm of two vectors together from the norm of each.
inline double join_norms(double a, double b, double type) {
  if (a == 0 || b == 0) return a == 0 ? b : a;
  if (type == Clip::unlimited) return a >= b || a != a ? a : b;
  if (type == 2) return std::hypot(a, b);
  return std::pow(std::pow(a, type) + std::pow(b, type), 1 / type);
}

/// What gradients of this norm are multiplied by (clip_grad_norm_ adds the same 1e-6).
inline double clip_factor(double norm, double max_norm) {
  double const factor = max_norm / (norm + 1e-6);
  return factor < 1 || factor != factor ? factor : 1;
}

template <Lane T>
Parts<T> gradients(nn::Parameters const& parameters, bool write) {
  Parts<T> parts;
  each_computed_in<T>(parameters, [&]<class V>(Variable<V> const& parameter) {
    if (!parameter.has_grad()) return;
    V* const data = parameters.gradient_data(parameter, write);
    parts.add({{data, data}, parameter.numel(), parameter.grad().device(), dtype_of<V>()});
  });
  return parts;
}

/// How gradients of element type T are read: held within bounds, then scaled. A factor on a device stands in `scaling`.
template <Lane T>
struct Reading {
  T bound = std::numeric_limits<T>::infinity(), factor = T(1);
  WICK_FN_INLINE auto operator()(auto const& g) const { return simd::clamp(g, -bound, bound) * factor; }
};
template <Lane T>
struct Limit {
  Reading<T> read{};
  Scaling<T> scaling{};
  Tensor<T> factor{};  ///< what `scaling` points to

  void reset(double value) { read = {static_cast<T>(value), T(1)}, scaling = {}; }
};

#if WICK_DEVICE_KERNELS
template <Lane T>
double limit_on_device(Parts<T> const& parts, Limit<T>& limit, double type, double value, double most) {
  auto const found = backend::thrust_::norm_on_device<T>(parts.device(), parts.parts(), type, value, most);
  limit.factor = found.factor;
  limit.scaling = {std::as_const(limit.factor).data(), static_cast<T>(value)};
  return core::capturing ? std::numeric_limits<double>::quiet_NaN() : found.norm.item();
}
#endif

/// Sets the factors that bring the norm of all gradients, each held within `value` first, to at most `most`. Returns the norm
/// before, NaN while work of a device is recorded.
template <bool any_type>
double limit_norm(char const* operation, Parts<float> const& floats, Parts<double> const& doubles, Limit<float>& of_floats,
                  Limit<double>& of_doubles, double type, double value, double most) {
#if WICK_DEVICE_KERNELS
  if (floats.on_device() && doubles.empty()) return limit_on_device(floats, of_floats, type, value, most);
  if (doubles.on_device() && floats.empty()) return limit_on_device(doubles, of_doubles, type, value, most);
#endif
  double const norm = join_norms(norm_anywhere<any_type>(operation, floats, type, value),
                                 norm_anywhere<any_type>(operation, doubles, type, value), type);
  double const factor = clip_factor(norm, most);
  of_floats.read.factor = static_cast<float>(factor), of_doubles.read.factor = factor;
  return norm;
}

/// What clipping does to a gradient, which stands twice in its arrays: for writing, and as the optimizers' kernels read it.
template <Lane T>
struct ScaleGradient {
  T factor;
  WICK_FN_INLINE void operator()(auto& out, auto const& g) const { out = g * factor; }
};
template <Lane T>
struct HoldGradient {
  T bound;
  WICK_FN_INLINE void operator()(auto& out, auto const& g) const { out = simd::clamp(g, -bound, bound); }
};
template <Lane T>
void scale_gradients(nn::Parameters const& parameters, Limit<T> const& limit) {
  update_all<2>(gradients<T>(parameters, true), ScaleGradient<T>{limit.read.factor}, limit.scaling);
}
template <Lane T>
void hold_gradients(nn::Parameters const& parameters, double limit) {
  update_all<2>(gradients<T>(parameters, true), HoldGradient<T>{static_cast<T>(limit)});
}

}  // namespace detail

/// Options of clip_grad_norm.
struct ClipNormOptions {
  double norm_type = 2;  ///< p of the norm; infinity: the largest absolute value
  bool error_if_nonfinite = false;
};

/// The norm of all gradients together, as of one vector (torch.nn.utils.get_total_norm); one pass over them.
template <class Isa = IsaTag>
double grad_norm(nn::Parameters const& parameters, double norm_type = 2) {
  if (!(norm_type > 0)) fail("grad_norm: norm_type is ", norm_type, ", expected a positive number");
  return detail::join_norms(detail::norm_anywhere<true>("grad_norm", detail::gradients<float>(parameters, false), norm_type, Clip::unlimited),
                            detail::norm_anywhere<true>("grad_norm", detail::gradients<double>(parameters, false), norm_type, Clip::unlimited), norm_type);
}
/// Scales the gradients so that their norm, as of one vector, is at most `max_norm`, and returns the norm that they had
/// (torch.nn.utils.clip_grad_norm_). Gradients that are small enough are not written. An optimizer's `step({.norm = 1})`
/// does the same without a pass of its own.
template <class Isa = IsaTag>
double clip_grad_norm(nn::Parameters const& parameters, double max_norm, ClipNormOptions options = {}) {
  if (!(max_norm >= 0)) fail("clip_grad_norm: the norm's limit is ", max_norm, ", expected 0 or more");
  if (!(options.norm_type > 0)) fail("clip_grad_norm: norm_type is ", options.norm_type, ", expected a positive number");
  detail::Limit<float> floats;
  detail::Limit<double> doubles;
  double const norm = detail::limit_norm<true>("clip_grad_norm", detail::gradients<float>(parameters, false), detail::gradients<double>(parameters, false),
                                               floats, doubles, options.norm_type, Clip::unlimited, max_norm);
  if (options.error_if_nonfinite && !core::capturing && !classify::isfinite(norm))
    fail("clip_grad_norm: the norm of the gradients is ", norm, ", so they cannot be scaled");
  if (detail::clip_factor(norm, max_norm) != 1) detail::scale_gradients(parameters, floats), detail::scale_gradients(parameters, doubles);
  return norm;
}
/// Holds every element of the gradients between -limit and limit (torch.nn.utils.clip_grad_value_).
template <class Isa = IsaTag>
void clip_grad_value(nn::Parameters const& parameters, double limit) {
  if (!(limit >= 0)) fail("clip_grad_value: the limit is ", limit, ", expected 0 or more");
  detail::hold_gradients<float>(parameters, limit), detail::hold_gradients<double>(parameters, limit);
}
/// The same for all parameters of a module.
template <Module M>
double grad_norm(M& module, double norm_type = 2) { return grad_norm(parameters(module), norm_type); }
template <Module M>
double clip_grad_norm(M& module, double max_norm, ClipNormOptions options = {}) { return clip_grad_norm(parameters(module), max_norm, options); }
template <Module M>
void clip_grad_value(M& module, double limit) { clip_grad_value(parameters(module), limit); }

}  // namespace optim

namespace nn::utils {
using optim::clip_grad_norm, optim::clip_grad_value;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
