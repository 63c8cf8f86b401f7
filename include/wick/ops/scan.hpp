// SPDX-License-Identifier: MIT
// Prefixes along an axis: cumsum, cumprod, logcumsumexp, cummax, cummin; and differences of neighbours.
#pragma once

#include <algorithm>
#include <limits>

#include <wick/calls/lines.hpp>
#include <wick/expr/kernel_call.hpp>
#include <wick/ops/cast.hpp>
#include <wick/ops/gather.hpp>
#include <wick/ops/reduce.hpp>
#include <wick/ops/select.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Elements chosen along an axis, and where they stood there. `values` is a formula where a gradient may flow into it, else
/// a tensor.
template <class Values>
struct Picked {
  Values values;
  Tensor<std::int64_t> indices;
};

namespace detail {

template <class X>
auto cumsum_along(X const& x, int axis, bool reverse);
template <class C, class X>
auto recurrence_along(C const& c, X const& x, int axis, bool reverse);
template <class X>
auto shifted(X const& x, int axis, std::int64_t by, double fill);

// `length` elements of an axis from `begin` on.
inline core::Selection range_of(Dims const& shape, int axis, std::int64_t begin, std::int64_t length) {
  core::Selection selection;
  for (int k = 0; k < shape.size(); ++k) {
    selection.start.push_back(k == axis ? begin : 0);
    selection.keep(k, k == axis ? length : shape[k], 1);
  }
  return selection;
}

struct CumsumOp {
  static constexpr char const* name = "cumsum";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  int axis;
  bool reverse;
  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    return backend::ScanLines<backend::Scan::sum, T>{backend::lines_along(shape, axis), reverse, x.data(), y};
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(cumsum_along(g, axis, !reverse)); }
};

// y[k] = x[0] ... x[k]. What comes after k passes its gradient down the line as a recurrence, without a division: elements
// may be 0.
struct CumprodOp {
  static constexpr char const* name = "cumprod";
  static constexpr bool needs_result = true;
  int axis;
  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    return backend::ScanLines<backend::Scan::prod, T>{backend::lines_along(shape, axis), false, x.data(), y};
  }
  auto adjoint(auto const& g, auto const& y, auto const& x) const {
    return std::tuple(shifted(y, axis, 1, 1.0) * recurrence_along(x, g, axis, true));
  }
  auto tangent(auto const& y, auto const& x, auto const& dx) const {
    return recurrence_along(std::get<0>(x), shifted(y, axis, 1, 1.0) * std::get<0>(dx), axis, false);
  }
};

// y[k] = log(exp(x[0]) + ... + exp(x[k])). y never falls, so that no factor of the recurrence is above 1.
struct LogcumsumexpOp {
  static constexpr char const* name = "logcumsumexp";
  static constexpr bool needs_result = true;
  int axis;
  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& x) const {
    return backend::ScanLines<backend::Scan::logsumexp, T>{backend::lines_along(shape, axis), false, x.data(), y};
  }
  static constexpr double low = -std::numeric_limits<double>::infinity();  // the value while there is nothing to sum
  auto factors(auto const& y) const { return exp(where(y == low, 0.0, shifted(y, axis, 1, low) - y)); }
  auto weights(auto const& y, auto const& x) const { return exp(where(y == low, low, x - y)); }
  auto adjoint(auto const& g, auto const& y, auto const& x) const { return std::tuple(weights(y, x) * recurrence_along(factors(y), g, axis, true)); }
  auto tangent(auto const& y, auto const& x, auto const& dx) const {
    return recurrence_along(factors(y), weights(y, std::get<0>(x)) * std::get<0>(dx), axis, false);
  }
};

// y[i] = x[i] + c[i] y[i - 1]; reversed, y[i] = x[i] + c[i + 1] y[i + 1]. c[i] stands between i - 1 and i, c[0] for nothing.
struct RecurrenceOp {
  static constexpr char const* name = "recurrence";
  static constexpr bool needs_result = true;
  int axis;
  bool reverse;
  template <class T>
  auto call(T* y, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& c, Tensor<T> const& x) const {
    return backend::Recurrence<T>{backend::lines_along(shape, axis), reverse, c.data(), x.data(), y};
  }
  auto adjoint(auto const& g, auto const& y, auto const& c, auto const&) const {
    auto const gx = recurrence_along(c, g, axis, !reverse);
    return std::tuple(shifted(gx, axis, reverse ? 1 : 0, 0.0) * shifted(y, axis, reverse ? 0 : 1, 0.0), gx);
  }
  auto tangent(auto const& y, auto const& inputs, auto const& steps) const {
    auto const by_c = shifted(std::get<0>(steps) * shifted(y, axis, reverse ? 0 : 1, 0.0), axis, reverse ? -1 : 0, 0.0);
    return recurrence_along(std::get<0>(inputs), std::get<1>(steps) + by_c, axis, reverse);
  }
};

// Elements moved along an axis by some places (negative: towards its start), `fill` where none comes from.
struct ShiftOp {
  static constexpr char const* name = "shift";
  static constexpr bool needs_inputs = false;
  int axis;
  std::int64_t by;
  double fill;
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& x) const {
    Layout const whole{shape};
    std::int64_t const n = shape.empty() ? 1 : shape[axis], gap = std::min(n, by < 0 ? -by : by), rest = n - gap;
    auto const put = [&](std::int64_t begin, std::int64_t length, auto const& what) {
      core::Region const region = range_of(shape, axis, begin, length).of(whole);
      compute_into<T>(y + region.offset, 0, region.layout, what, x.device());
    };
    put(by > 0 ? 0 : rest, gap, Scalar<T>{static_cast<compute_t<T>>(fill)});
    if (rest > 0) put(by > 0 ? gap : 0, rest, x.share(range_of(shape, axis, by > 0 ? 0 : gap, rest).of(x.layout())));
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(shifted(g, axis, -by, 0.0)); }
  auto tangent(auto const&, auto const&, auto const& dx) const { return shifted(std::get<0>(dx), axis, by, 0.0); }
};

struct DiffOp {
  static constexpr char const* name = "diff";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  int axis;
  Dims from;

  core::Selection without_first(std::int64_t length) const { return range_of(from, axis, std::min(from[axis], std::int64_t{1}), length); }
  core::Selection without_last(std::int64_t length) const { return range_of(from, axis, 0, length); }
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& x) const {
    Tensor<T> const next = x.share(without_first(shape[axis]).of(x.layout())), here = x.share(without_last(shape[axis]).of(x.layout()));
    if constexpr (std::is_same_v<T, bool>) compute_into<T>(y, 0, Layout{shape}, next != here, x.device());
    else compute_into<T>(y, 0, Layout{shape}, next - here, x.device());
  }
  auto adjoint(auto const& g, auto const&, auto const&) const {
    std::int64_t const length = g.shape()[axis];
    return std::tuple(place_formula(g, without_first(length), from) - place_formula(g, without_last(length), from));
  }
};

template <class X>
auto cumsum_along(X const& x, int axis, bool reverse) {
  return kernel<value_t<X>>(CumsumOp{axis, reverse}, x.shape(), x);
}
template <class C, class X>
auto recurrence_along(C const& c, X const& x, int axis, bool reverse) {
  return kernel<value_t<X>>(RecurrenceOp{axis, reverse}, x.shape(), c, x);
}
template <class X>
auto shifted(X const& x, int axis, std::int64_t by, double fill) {
  return kernel<value_t<X>>(ShiftOp{axis, by, fill}, x.shape(), x);
}
template <class X>
auto differences(X const& x, int axis) {
  Dims const from = x.shape();
  Dims shape = from;
  shape[axis] = std::max<std::int64_t>(0, from[axis] - 1);
  return kernel<value_t<X>>(DiffOp{axis, from}, shape, x);
}

// A formula of elements of type T.
template <class T, class X>
auto in_type(X const& x) {
  if constexpr (std::is_same_v<value_t<X>, T>) return x;
  else return cast<T>(x);
}

/// Values at positions that are known: the tensor of them, or where a derivative is asked for, their formula. `whole`: the value of x.
template <class X, class D, class T>
auto picked(X const& x, Tensor<D> const& whole, Tensor<T>&& values, Tensor<std::int64_t> const& indices, int axis) {
  if constexpr (is_recordable<X> && !std::is_integral_v<D>) return Picked<decltype(gather_along(x, indices, axis))>{gather_along(x, indices, axis), indices};
  else if constexpr (!std::is_same_v<D, T>) return Picked<Tensor<D>>{Tensor<D>(gather_along(whole, indices, axis)), indices};
  else return Picked<Tensor<T>>{std::move(values), indices};
}

template <bool smallest, class X>
auto extreme_so_far(char const* name, X const& x, std::int64_t axis) {
  using T = value_t<X>;
  Dims const shape = x.shape();
  int const d = normalize_axis(name, axis, shape.size());
  Tensor<T> const whole(x);
  auto const in = order_of(whole).contiguous();
  auto values = like(in, shape);
  Tensor<std::int64_t> const indices(Tensor<std::int64_t>::uninitialized, shape, in.device());
  using Order = value_t<decltype(in)>;
  run_call(name, in.device(), backend::ScanExtreme<smallest, Order>{backend::lines_along(shape, d), in.data(), fresh(values), fresh(indices)}, in);
  return picked(x, whole, std::move(values), indices, d);
}

}  // namespace detail

/// Sums of the elements up to each one, along an axis (torch.cumsum); integers sum to int64. A float's sum is kept in double.
template <Formula X>
auto cumsum(X const& x, std::int64_t axis) {
  auto const& f = operand(x);
  return detail::cumsum_along(detail::in_type<sum_t<value_t<decltype(f)>>>(f), normalize_axis("cumsum", axis, f.shape().size()), false);
}
/// Products of the elements up to each one, along an axis (torch.cumprod); integers multiply to int64.
template <Formula X>
auto cumprod(X const& x, std::int64_t axis) {
  auto const& f = operand(x);
  using T = sum_t<value_t<decltype(f)>>;
  return kernel<T>(detail::CumprodOp{normalize_axis("cumprod", axis, f.shape().size())}, f.shape(), detail::in_type<T>(f));
}
/// log(exp(x[0]) + ... + exp(x[k])) for each k along an axis, also where the exponentials overflow (torch.logcumsumexp);
/// integers give float32. Where nothing but -inf came yet, the value is -inf and its gradient 0.
template <Formula X>
auto logcumsumexp(X const& x, std::int64_t axis) {
  auto const& f = operand(x);
  using T = floating_t<value_t<decltype(f)>>;
  return kernel<T>(detail::LogcumsumexpOp{normalize_axis("logcumsumexp", axis, f.shape().size())}, f.shape(), detail::in_type<T>(f));
}
/// The largest element up to each one along an axis, and its place: the last of equal ones; from the first NaN on all are
/// NaN (torch.cummax). The gradient goes to the element that was chosen.
template <Formula X>
auto cummax(X const& x, std::int64_t axis) { return detail::extreme_so_far<false>("cummax", operand(x), axis); }
/// The smallest element up to each one, likewise (torch.cummin).
template <Formula X>
auto cummin(X const& x, std::int64_t axis) { return detail::extreme_so_far<true>("cummin", operand(x), axis); }

/// What each element has more than the one before it along an axis, n times over: one element less each time (torch.diff).
/// Truth values: whether they differ.
template <Formula X>
auto diff(X const& x, std::int64_t n = 1, std::int64_t axis = -1) {
  auto const& f = operand(x);
  Dims const shape = f.shape();
  if (shape.empty()) fail("diff: a number has no neighbours; diff wants at least one dimension");
  if (n < 0) fail("diff: differences of order ", n, ": the order starts at 0");
  int const d = normalize_axis("diff", axis, shape.size());
  auto y = kernel<value_t<decltype(f)>>(detail::ReshapeOp{shape, shape}, shape, f);
  for (std::int64_t i = 0; i < n && y.shape()[d] > 0; ++i) y = detail::differences(y, d);
  return y;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
