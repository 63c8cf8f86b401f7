// SPDX-License-Identifier: MIT
// Positions of extreme elements. They are whole numbers: no gradient flows, and a formula is computed first.
#pragma once

#include <wick/calls/lines.hpp>
#include <wick/expr/kernel_call.hpp>
#include <wick/ops/reduce.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <bool smallest, class D>
Tensor<std::int64_t> arg_extreme(char const* name, Tensor<D> const& input, int axis, bool keepdim) {
  auto const x = order_of(input).contiguous();
  using T = value_t<decltype(x)>;
  Dims const shape = x.shape();
  std::int64_t const n = shape.empty() ? 1 : shape[axis];
  if (n == 0) fail(name, ": dimension ", axis, " of shape ", shape, " is empty, and has no ", smallest ? "smallest" : "largest", " element");
  Dims result;
  for (int d = 0; d < shape.size(); ++d) {
    if (d != axis) result.push_back(shape[d]);
    else if (keepdim) result.push_back(1);
  }
  Tensor<std::int64_t> y(Tensor<std::int64_t>::uninitialized, result, x.device());
  run_call(name, x.device(), backend::ArgExtreme<smallest, T>{backend::lines_along(shape, axis), x.data(), fresh(y)}, x);
  return y;
}

template <Formula X>
auto flat_value(X const& x) {
  return Tensor<value_t<decltype(operand(x))>>(operand(x)).reshape(Dims(-1));
}

}  // namespace detail

/// Position of the largest element along an axis, the first of equal ones; a NaN counts as largest (torch.argmax).
template <Formula X>
Tensor<std::int64_t> argmax(X const& x, std::int64_t axis, ReduceOptions options = {}) {
  Tensor<value_t<decltype(operand(x))>> const value(operand(x));
  return detail::arg_extreme<false>("argmax", value, normalize_axis("argmax", axis, value.dim()), options.keepdim);
}
/// Position of the largest of all elements in row-major order.
template <Formula X>
Tensor<std::int64_t> argmax(X const& x) { return argmax(detail::flat_value(x), 0); }
/// Position of the smallest element along an axis, the first of equal ones (torch.argmin).
template <Formula X>
Tensor<std::int64_t> argmin(X const& x, std::int64_t axis, ReduceOptions options = {}) {
  Tensor<value_t<decltype(operand(x))>> const value(operand(x));
  return detail::arg_extreme<true>("argmin", value, normalize_axis("argmin", axis, value.dim()), options.keepdim);
}
/// The same over all elements, counted in row-major order.
template <Formula X>
Tensor<std::int64_t> argmin(X const& x) { return argmin(detail::flat_value(x), 0); }

/// The results of `auto [values, indices] = max(x, 1)` (torch.max with a dimension), and of min: the formula itself, and
/// argmax along the dimension. Throws Error for more dimensions than one.
template <std::size_t I, class Op, class Arg>
  requires(std::is_same_v<Op, Max> || std::is_same_v<Op, Min>)
auto get(Reduce<Op, Arg> const& reduction) {
  if constexpr (I == 0) {
    return reduction;
  } else {
    Dims const dims = reduction.arg.shape();
    if (!dims.empty() && !std::has_single_bit(reduction.mask))
      fail(Op::name, ": positions are found along one dimension, but several of shape ", dims, " are named");
    int const axis = dims.empty() ? 0 : std::countr_zero(reduction.mask);
    if constexpr (std::is_same_v<Op, Max>) return argmax(reduction.arg, axis, {reduction.keepdim});
    else return argmin(reduction.arg, axis, {reduction.keepdim});
  }
}

}  // namespace wick::inline WICK_ISA

template <class Op, class Arg>
  requires(std::is_same_v<Op, wick::Max> || std::is_same_v<Op, wick::Min>)
struct std::tuple_size<wick::Reduce<Op, Arg>> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I, class Op, class Arg>
  requires(std::is_same_v<Op, wick::Max> || std::is_same_v<Op, wick::Min>)
struct std::tuple_element<I, wick::Reduce<Op, Arg>> {
  using type = decltype(get<I>(std::declval<wick::Reduce<Op, Arg> const&>()));
};
WICK_PRECISE_END
