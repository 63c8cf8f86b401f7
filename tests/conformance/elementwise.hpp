// SPDX-License-Identifier: MIT
// The elementwise part of the registry as a table of functions, one for each operation and element type.
#pragma once

#include <span>
#include <wick/ops/registry.hpp>

#include "operands.hpp"

WICK_PRECISE_BEGIN  // also with -ffast-math a test means what it says

namespace conformance {

/// One operation for arguments of one element type.
struct Elementwise {
  char const* name;
  int arity;
  double low, high;                                           ///< the operation's Domain
  bool cheap;                                                 ///< exact in SIMD: no transcendental function
  double ulp, absolute;                                       ///< how far SIMD may be from one element at a time
  Values (*compute)(std::span<Input const>);                  ///< by the engine, into a new tensor
  Values (*write)(std::span<Input const>, Placement const&);  ///< by the engine, through a View or a region; the whole block
  Values (*define)(std::span<Input const>);                   ///< element by element, as the operation is defined
};

/// What a block holds before something is written into it.
inline constexpr double untouched = 1;

template <class Op, class... T>
struct ElementwiseFunctions {
  using R = wick::result_t<Op, T...>;

  static auto formula(std::span<Input const> inputs, wick::Device where = {}) {
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      return wick::Map<Op, wick::Tensor<T>...>(make<T>(inputs[K], where)...);
    }
    (std::index_sequence_for<T...>{});
  }
  static Values compute(std::span<Input const> inputs) {
    wick::Tensor<R> const y = formula(inputs, tested_device());
    return values_of(y);
  }
  static Values write(std::span<Input const> inputs, Placement const& placement) {
    wick::Device const where = tested_device();
    wick::Tensor<R> block = wick::full<R>(Dims(placement.size), R(untouched)).to(where);
    if (where == wick::Device()) {
      wick::View<R> target(block.data() + placement.offset, placement.layout);
      target = formula(inputs);
    } else {
      wick::assign_region(wick::IsaTag{}, block, {placement.offset, placement.layout}, {}, formula(inputs, where));
    }
    return values_of(block);
  }
  static Values define(std::span<Input const> inputs) { return defined_values(formula(inputs)); }

  static Elementwise entry() {
    constexpr bool cheap = requires { typename Op::cheap; };
    return {Op::name, Op::arity, Op::domain::low, Op::domain::high, cheap, wick::ulp_of<Op>(cheap ? 0 : 1), wick::absolute_of<Op>(),
            &compute, &write, &define};
  }
};

/// True for operations that have no meaning for bool (PyTorch refuses most of them).
template <class Op>
inline constexpr bool needs_numbers = requires {
  requires std::is_same_v<typename Op::rule, wick::types::Same> || std::is_same_v<typename Op::rule, wick::types::Magnitude>;
};

/// All operations that take arguments of type T.
template <class T>
std::vector<Elementwise> elementwise_of() {
  std::vector<Elementwise> table;
  wick::ElementwiseOps::each([&]<class Op>(std::type_identity<Op>) {
    if constexpr (std::is_same_v<T, bool> && needs_numbers<Op>)
      return;
    else if constexpr (Op::arity == 1)
      table.push_back(ElementwiseFunctions<Op, T>::entry());
    else if constexpr (Op::arity == 2)
      table.push_back(ElementwiseFunctions<Op, T, T>::entry());
    else
      table.push_back(ElementwiseFunctions<Op, bool, T, T>::entry());
  });
  return table;
}

/// The tables, each made in its own file.
std::vector<Elementwise> const& elementwise_float();
std::vector<Elementwise> const& elementwise_double();
std::vector<Elementwise> const& elementwise_float16();
std::vector<Elementwise> const& elementwise_bfloat16();
std::vector<Elementwise> const& elementwise_int32();
std::vector<Elementwise> const& elementwise_int64();
std::vector<Elementwise> const& elementwise_bool();

/// Runs every operation of a table over layouts, broadcasts and sizes, against its definition.
void check_elementwise(std::vector<Elementwise> const& table, Dtype dtype);

}  // namespace conformance
WICK_PRECISE_END
