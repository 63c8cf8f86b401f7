// SPDX-License-Identifier: MIT
// Reduce: a reduction over some dimensions of a formula, computed in the same loop as the formula.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

/// Which dimensions a reduction takes, as bits; an empty list takes all of them.
constexpr unsigned axes_mask(char const* operation, Axes const& axes, int rank) {
  if (axes.empty()) return (1u << rank) - 1;
  unsigned mask = 0;
  for (std::int64_t axis : axes) {
    unsigned const bit = 1u << normalize_axis(operation, axis, rank);
    if (mask & bit) fail(operation, ": dimension ", axis, " stands twice in the list of dimensions");
    mask |= bit;
  }
  return rank == 0 ? 0 : mask;
}

constexpr Dims reduced_dims(Dims const& shape, unsigned mask, bool keepdim) {
  Dims result;
  for (int i = 0; i < shape.size(); ++i) {
    if (!(mask >> i & 1)) result.push_back(shape[i]);
    else if (keepdim) result.push_back(1);
  }
  return result;
}

}  // namespace detail

/// Base of reductions: a name; `combine` is associative, `lift` prepares an element, `finish` the result. `slope(x, y)`
/// is the result's slope in element x, up to `seed_scale(count)`; with `by_ties` it is shared among equal elements,
/// with `by_zeros` it is the product of the other elements, also where x is 0.
template <Name N>
struct Reduction {
  static constexpr char const* name = N.text;
  template <class X> static WICK_INLINE constexpr X lift(X const& x) { return x; }
  static constexpr double seed_scale(std::int64_t) { return 1; }
};

template <class Op, class Arg, class E>
struct Reduce;
template <class Op, class Arg, class E>
inline constexpr bool is_recordable<Reduce<Op, Arg, E>> = is_recordable<Arg>;

/// `Op` over the dimensions in `mask` of a formula. `E` is Shape<> when all of them are reduced without keepdim.
template <class Op, class Arg, class E = Dynamic>
struct Reduce : Methods<Reduce<Op, Arg, E>> {
  using is_operand = void;
  using op = Op;
  using argument_type = Arg;
  using value_type = typename Op::template result<value_t<Arg>>;
  using extents_type = E;

  constexpr Reduce(Arg argument, unsigned reduced, bool keep)
    requires(!is_fixed_formula<Arg>)
      : arg(static_cast<Arg&&>(argument)), mask(reduced), keepdim(keep) {}
  /// Of a Fixed formula: see `copied`.
  WICK_LAMBDA_INLINE constexpr Reduce(Arg const& argument, unsigned reduced, bool keep)
    requires(is_fixed_formula<Arg>)
      : arg(copied(argument)), mask(reduced), keepdim(keep) {}

  WICK_LAMBDA_INLINE constexpr Reduce leafwise() const
    requires(is_fixed_formula<Arg>)
  { return Reduce(arg, mask, keepdim); }

  constexpr Dims shape() const {
    if constexpr (is_dynamic<E>) return detail::reduced_dims(arg.shape(), mask, keepdim);
    else return {};
  }
  int dim() const { return shape().size(); }
  std::int64_t numel() const { return shape().numel(); }
  std::int64_t size(std::int64_t axis) const { return shape()[normalize_axis("size", axis, dim())]; }
  static constexpr Dtype dtype() { return dtype_of<value_type>(); }
  /// The only element, computed now.
  constexpr value_type item() const { return materialize(*this).item(); }
  template <std::same_as<value_type> N>
  explicit(is_recordable<Reduce>) constexpr operator N() const {
    return item();
  }
  using Methods<Reduce>::operator=;
  /// How many elements go into one result.
  constexpr std::int64_t count() const {
    std::int64_t n = 1;
    decltype(auto) dims = arg.shape();
    for (int i = 0; i < dims.size(); ++i)
      if (mask >> i & 1) n *= dims[i];
    return n;
  }

  Arg arg;
  unsigned mask;
  bool keepdim;
};

template <class Op, class Arg>
inline constexpr bool is_fixed_formula<Reduce<Op, Arg, Shape<>>> = is_fixed_formula<Arg>;

namespace detail {
// The reduction without asking whether it has a value; where it has none, nobody may read it.
template <class Op, class X>
constexpr auto make_reduce(X&& x, Axes const& axes, ReduceOptions options, char const* name = Op::name) {
  using Arg = std::remove_cvref_t<decltype(operand(std::forward<X>(x)))>;
  unsigned const mask = axes_mask(name, axes, x.shape().size());
  return Reduce<Op, Arg>(operand(std::forward<X>(x)), mask, options.keepdim);
}
}  // namespace detail

/// The formula `Op` over `axes` of x. `name` is the function's in errors.
template <class Op, FormulaOrNumber X>
constexpr auto reduce(X&& x, Axes const& axes, ReduceOptions options = {}, char const* name = Op::name) {
  if constexpr (requires { typename Op::needs_elements; }) {
    decltype(auto) dims = x.shape();
    unsigned const mask = detail::axes_mask(name, axes, dims.size());
    for (int i = 0; i < dims.size(); ++i)
      if ((mask >> i & 1) && dims[i] == 0)
        fail(name, ": dimension ", i, " of shape ", dims, " is empty, and this reduction has no value there");
  }
  return detail::make_reduce<Op>(std::forward<X>(x), axes, options, name);
}
/// The formula `Op` over all elements of x: a single number.
template <class Op, FormulaOrNumber X>
WICK_LAMBDA_INLINE constexpr auto reduce(X&& x, char const* name = Op::name) {
  using Arg = std::remove_cvref_t<decltype(operand(std::forward<X>(x)))>;
  if constexpr (requires { typename Op::needs_elements; })
    if (x.shape().numel() == 0) fail(name, ": a tensor of shape ", x.shape(), " has no elements, and this reduction has no value there");
  unsigned const all = (1u << x.shape().size()) - 1;
  return Reduce<Op, Arg, Shape<>>(operand(std::forward<X>(x)), all, false);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
