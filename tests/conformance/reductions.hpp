// SPDX-License-Identifier: MIT
// The reductions of the registry as a table of functions.
#pragma once

#include <wick/ops/registry.hpp>

#include "operands.hpp"

WICK_PRECISE_BEGIN  // also with -ffast-math a test means what it says

namespace conformance {

/// One reduction of elements of one type.
struct ReductionEntry {
  char const* name;
  bool needs_elements;
  Values (*compute)(Input const&, wick::Axes const&, bool keepdim);  ///< by the engine; no axes: all, to one number
  Values (*define)(Input const&, wick::Axes const&, bool keepdim);   ///< element by element, in double for floats
  Values (*of_formula)(Input const&, wick::Axes const&);             ///< of x * 2 + x, in one loop
  Values (*by_hand)(Input const&, wick::Axes const&);                ///< the same of a tensor that holds x * 2 + x
};

template <class Op, class T>
struct ReductionFunctions {
  using R = typename Op::template result<T>;
  // The definition is computed in a wider type: the engine's order of additions is its own.
  using Wide = std::conditional_t<std::is_same_v<T, float> || wick::Half<T>, double, T>;

  static Values compute(Input const& input, wick::Axes const& axes, bool keepdim) {
    wick::Tensor<T> const x = make<T>(input, tested_device());
    wick::Tensor<R> const y = axes.empty() ? wick::Tensor<R>(wick::reduce<Op>(x))
                                           : wick::Tensor<R>(wick::reduce<Op>(x, axes, {.keepdim = keepdim}));
    return values_of(y);
  }
  static Values define(Input const& input, wick::Axes const& axes, bool keepdim) {
    wick::Tensor<Wide> const x = make<Wide>(input);
    Values v = axes.empty() ? defined_values(wick::reduce<Op>(x))
                            : defined_values(wick::reduce<Op>(x, axes, {.keepdim = keepdim}));
    return as_result(v);
  }
  // The product is exact: whether it is rounded before the sum is added is the compiler's choice, and the device's.
  static Values of_formula(Input const& input, wick::Axes const& axes) {
    wick::Tensor<T> const x = make<T>(input, tested_device());
    wick::Tensor<R> const y = wick::reduce<Op>(x * T(2) + x, axes);
    return values_of(y);
  }
  static Values by_hand(Input const& input, wick::Axes const& axes) {
    using C = wick::compute_t<T>;  // a formula's elements are not rounded to 16 bits before they are reduced
    wick::Tensor<C> const x = make<C>(input), terms = x * C(2) + x;
    wick::Tensor<typename Op::template result<C>> const y = wick::reduce<Op>(terms, axes);
    return as_result(values_of(y));
  }
  static Values as_result(Values v) {
    v.dtype = wick::dtype_of<R>();
    if (wick::Half<R>)
      for (double& x : v.data) x = rounded(x, v.dtype);
    return v;
  }
  static ReductionEntry entry() {
    constexpr bool needs_elements = requires { typename Op::needs_elements; };
    if constexpr (std::is_same_v<T, bool>) return {Op::name, needs_elements, &compute, &define, nullptr, nullptr};
    else return {Op::name, needs_elements, &compute, &define, &of_formula, &by_hand};
  }
};

template <class T>
std::vector<ReductionEntry> reductions_of() {
  std::vector<ReductionEntry> table;
  wick::Reductions::each(
      [&]<class Op>(std::type_identity<Op>) { table.push_back(ReductionFunctions<Op, T>::entry()); });
  return table;
}

std::vector<ReductionEntry> const& reductions_float();
std::vector<ReductionEntry> const& reductions_double();
std::vector<ReductionEntry> const& reductions_float16();
std::vector<ReductionEntry> const& reductions_int32();
std::vector<ReductionEntry> const& reductions_int64();
std::vector<ReductionEntry> const& reductions_bool();

/// Runs every reduction of a table over layouts, axes and sizes, against its definition.
void check_reductions(std::vector<ReductionEntry> const& table, Dtype dtype);

}  // namespace conformance
WICK_PRECISE_END
