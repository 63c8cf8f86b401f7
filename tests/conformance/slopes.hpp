// SPDX-License-Identifier: MIT
// The differentiable elementwise operations as functions of variables, and what is checked of each.
#pragma once

#include <vector>
#include <wick/autograd/gradcheck.hpp>
#include <wick/ops/registry.hpp>
#include <wick/tensor.hpp>

namespace conformance {

using Variables = std::vector<wick::Variable<double>>;

/// One operation, recorded in one statement.
struct Differentiable {
  char const* name;
  int arity;                                                  ///< variables that it takes
  double low, high;                                           ///< the operation's Domain
  wick::Variable<double> (*record)(Variables const&);         ///< on its own
  wick::Variable<double> (*record_inside)(Variables const&);  ///< inside a longer formula, its arguments formulas too
};

/// Alternately true and false, with the shape that these variables broadcast to.
inline wick::Tensor<bool> condition_for(Variables const& x) {
  wick::Tensor<bool> c = wick::empty<bool>(wick::broadcast("where", x[0].shape(), x[1].shape()));
  for (std::int64_t i = 0; i < c.numel(); ++i) c.data()[i] = i % 3 != 1;
  return c;
}

template <class Op>
Differentiable differentiable_entry() {
  auto const record = [](Variables const& x) -> wick::Variable<double> {
    if constexpr (Op::arity == 1)
      return wick::map<Op>(x[0]);
    else if constexpr (Op::arity == 2)
      return wick::map<Op>(x[0], x[1]);
    else
      return wick::map<Op>(condition_for(x), x[0], x[1]);
  };
  auto const record_inside = [](Variables const& x) -> wick::Variable<double> {
    wick::Tensor<double> const one(1.0);
    if constexpr (Op::arity == 1)
      return x[0] * wick::map<Op>(x[0] * one) - x[0];
    else if constexpr (Op::arity == 2)
      return x[0] * wick::map<Op>(x[0] * one, one * x[1]) - x[1];
    else
      return x[0] * wick::map<Op>(condition_for(x), x[0] * one, x[1]) - x[1];
  };
  return {Op::name, Op::arity == 1 ? 1 : 2, Op::domain::low, Op::domain::high, record, record_inside};
}

/// Operations of the registry with number `from` and on, up to `to`: a part of the table for each file.
template <int from, int to>
std::vector<Differentiable> differentiable_of() {
  std::vector<Differentiable> table;
  auto const add = [&]<int I, class Op>(std::integral_constant<int, I>, std::type_identity<Op>) {
    if constexpr (I >= from && I < to && wick::differentiable<Op>) table.push_back(differentiable_entry<Op>());
  };
  [&]<class... Op>(std::type_identity<wick::OpList<Op...>>) {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (add(std::integral_constant<int, I>{}, std::type_identity<Op>{}), ...);
    }
    (std::make_integer_sequence<int, sizeof...(Op)>{});
  }(std::type_identity<wick::ElementwiseOps>{});
  return table;
}

/// Where one part of the table ends and the next one begins.
inline constexpr int slopes_first = 24, slopes_second = 34, slopes_third = 44;
std::vector<Differentiable> const& slopes_1();
std::vector<Differentiable> const& slopes_2();
std::vector<Differentiable> const& slopes_3();
std::vector<Differentiable> const& slopes_4();

/// Gradients against finite differences, to the second order, for all forms of arguments.
void check_slopes(std::vector<Differentiable> const& table);

}  // namespace conformance
