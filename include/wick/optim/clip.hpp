// SPDX-License-Identifier: MIT
// Gradient clipping, by norm and by value (torch.nn.utils.clip_grad_norm_, clip_grad_value_).
#pragma once

#include <cmath>
#include <limits>

#include <wick/base/math.hpp>
#include <wick/optim/update.hpp>

namespace wick::inline WICK_ISA {
namespace optim {

/// What a step does to the gradients as it reads them; nothing without an entry. First each is held within `value`,
/// then all are scaled so that the norm of all of them together is at most `norm`.
struct Clip {
  static constexpr double unlimited = std::numeric_limits<double>::infinity();
  double norm = unlimited, value = unlimited;
};

namespace detail {

/// A parameter's gradient, made row-major first if it is not. Only for reading unless `write` is set: other tensors may
/// share the elements.
template <Lane T>
T* gradient_data(Variable<T> const& parameter, bool write = false) {
  Tensor<T>& gradient = parameter.mutable_grad();
  if (!gradient.is_contiguous()) gradient = gradient.contiguous();
  return write ? gradient.data() : const_cast<T*>(std::as_const(gradient).data());
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

/// The norm of the parts' second arrays, each element held within `limit` first. Units are added in a fixed order.
template <Lane T, int N>
double norm_of(Parts<T, N> const& parts, double norm_type, double limit = Clip::unlimited) {
  Scratch<double> const unit_norm(std::max<std::int64_t>(1, parts.units()));
  parts.each_unit([&](Arrays<T, N> const& arrays, std::int64_t number) {
    T const* const x = arrays.data[1];
    auto const held = [bound = static_cast<T>(limit)](auto v) { return simd::clamp(v, -bound, bound); };
    std::int64_t const n = arrays.count;
    double& norm = unit_norm[number];
    if (norm_type == 2) norm = fold<false>(x, n, [&](auto v) { v = held(v); return v * v; });
    else if (norm_type == 1) norm = fold<false>(x, n, [&](auto v) { return math::abs(held(v)); });
    else if (norm_type == Clip::unlimited) norm = fold<true>(x, n, [&](auto v) { return math::abs(held(v)); });
    else norm = fold<false>(x, n, [&](auto v) { return math::pow(math::abs(held(v)), static_cast<T>(norm_type)); });
  });
  double total = 0;
  for (std::int64_t i = 0; i < parts.units(); ++i) {
    if (norm_type == Clip::unlimited) total = total >= unit_norm[i] || total != total ? total : unit_norm[i];
    else total += unit_norm[i];
  }
  if (norm_type == Clip::unlimited || norm_type == 1) return total;
  return norm_type == 2 ? std::sqrt(total) : std::pow(total, 1 / norm_type);
}

/// What gradients of this norm are multiplied by (clip_grad_norm_ adds the same 1e-6).
inline double clip_factor(double norm, double max_norm) {
  double const factor = max_norm / (norm + 1e-6);
  return factor < 1 || factor != factor ? factor : 1;
}

template <Lane T>
Parts<T, 2> gradients(std::vector<Variable<T>> const& parameters, bool write) {
  Parts<T, 2> parts;
  for (auto const& parameter : parameters) {
    if (!parameter.has_grad()) continue;
    T* const data = gradient_data(parameter, write);
    core::note_use(parameter.grad().storage().block());
    parts.add({{data, data}, parameter.numel(), parameter.grad().device()});
  }
  return parts;
}

/// What clipping does to a gradient on a device, which stands twice: for writing, and as the optimizers' kernels read it.
struct TakeGradient {
  WICK_FN void operator()(auto& out, auto const& g) const { out = g; }
};
template <Lane T>
struct HoldGradient {
  T bound;
  WICK_FN void operator()(auto& out, auto const& g) const { out = simd::clamp(g, -bound, bound); }
};

}  // namespace detail

/// Options of clip_grad_norm.
struct ClipNormOptions {
  double norm_type = 2;  ///< p of the norm; infinity: the largest absolute value
  bool error_if_nonfinite = false;
};

/// The norm of all gradients together, as of one vector (torch.nn.utils.get_total_norm); one pass over them.
template <Lane T>
double grad_norm(std::vector<Variable<T>> const& parameters, double norm_type = 2) {
  if (!(norm_type > 0)) fail("grad_norm: norm_type is ", norm_type, ", expected a positive number");
  auto const parts = detail::gradients(parameters, false);
#if WICK_DEVICE_KERNELS
  if (parts.on_device()) return backend::thrust_::norm_on_device<T>(parts.device(), parts.parts(), norm_type, Clip::unlimited, 1).norm.item();
#else
  if (parts.on_device()) wick::detail::fail_without_kernels("grad_norm", parts.device());
#endif
  return detail::norm_of(parts, norm_type);
}

/// Scales the gradients so that their norm, as of one vector, is at most `max_norm`, and returns the norm that they had
/// (torch.nn.utils.clip_grad_norm_). Gradients that are small enough are not written. An optimizer's `step({.norm = 1})`
/// does the same without a pass of its own.
template <Lane T>
double clip_grad_norm(std::vector<Variable<T>> const& parameters, double max_norm, ClipNormOptions options = {}) {
  if (!(max_norm >= 0)) fail("clip_grad_norm: the norm's limit is ", max_norm, ", expected 0 or more");
  if (!(options.norm_type > 0)) fail("clip_grad_norm: norm_type is ", options.norm_type, ", expected a positive number");
#if WICK_DEVICE_KERNELS
  if (auto const parts = detail::gradients(parameters, false); parts.on_device()) {
    auto const found = backend::thrust_::norm_on_device<T>(parts.device(), parts.parts(), options.norm_type, Clip::unlimited, max_norm);
    double const before = core::capturing ? std::numeric_limits<double>::quiet_NaN() : found.norm.item();
    if (options.error_if_nonfinite && !core::capturing && !std::isfinite(before))
      fail("clip_grad_norm: the norm of the gradients is ", before, ", so they cannot be scaled");
    if (core::capturing || detail::clip_factor(before, max_norm) != 1)
      update_all(detail::gradients(parameters, true), detail::TakeGradient{}, Scaling<T>{found.factor.data(), std::numeric_limits<T>::infinity()});
    return before;
  }
#endif
  double const norm = grad_norm(parameters, options.norm_type);
  if (options.error_if_nonfinite && !std::isfinite(norm))
    fail("clip_grad_norm: the norm of the gradients is ", norm, ", so they cannot be scaled");
  double const factor = detail::clip_factor(norm, max_norm);
  if (factor != 1)
    detail::gradients(parameters, true).each_unit([&](Arrays<T, 2> const& arrays, std::int64_t) {
      update_registers(Arrays<T, 1>{{arrays.data[0]}, arrays.count, {}}, [&](auto& g) { g = g * static_cast<T>(factor); });
    });
  return norm;
}

/// Holds every element of the gradients between -limit and limit (torch.nn.utils.clip_grad_value_).
template <Lane T>
void clip_grad_value(std::vector<Variable<T>> const& parameters, double limit) {
  if (!(limit >= 0)) fail("clip_grad_value: the limit is ", limit, ", expected 0 or more");
  auto const bound = static_cast<T>(limit);
  auto const parts = detail::gradients(parameters, true);
  if (parts.on_device()) return update_all(parts, detail::HoldGradient<T>{bound});
  parts.each_unit([&](Arrays<T, 2> const& arrays, std::int64_t) {
    update_registers(Arrays<T, 1>{{arrays.data[0]}, arrays.count, {}}, [&](auto& g) { g = simd::clamp(g, -bound, bound); });
  });
}

}  // namespace optim
}  // namespace wick::inline WICK_ISA
