// SPDX-License-Identifier: MIT
// A formula as a tape entry keeps it: variables become edges with the values they had, kernel nodes and inner
// reductions become entries of their own.
#pragma once

#include <wick/autograd/variable.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// A variable's value at the time of a statement, and the entry its gradient goes to.
template <class T>
struct Saved {
  using is_operand = void;
  using value_type = T;
  using extents_type = Dynamic;
  Tensor<T> value;
  tape::Edge<T> edge;  ///< empty: no gradient is wanted

  Dims const& shape() const { return value.shape(); }
};

}  // namespace wick

namespace wick::inline WICK_ISA {

template <class T>
LeafData leaf_data(Saved<T> const& x) {
  return {x.value.data(), &x.value.layout(), x.value.plane_stride()};
}

namespace detail {

template <class X>
inline constexpr bool is_saved = false;
template <class T>
inline constexpr bool is_saved<Saved<T>> = true;

template <class T>
Saved<T> saved_variable(Variable<T> const& x) {
  if (!x.requires_grad()) return {x.value(), {}};
  if (x.node()->untracked.load(std::memory_order_relaxed)) x.node()->untracked.store(false, std::memory_order_relaxed);
  return {x.value(), tape::Edge<T>(x.node())};
}

/// The kernel node's result as an edge, recorded if a gradient flows through it.
template <class T>
Saved<T> saved_lazy(Lazy<T, true> const& x, bool need_value) {
  auto& state = x.state();
  x.refresh();
  if (!x.active()) return {x.value(), {}};
  if (!state.entry) state.record();  // before its value: recording computes the operands, once for both
  if (need_value || !state.fuses()) x.value();
  auto* const node = static_cast<tape::Node<T>*>(state.entry);
  if (state.computed) return {state.value, tape::Edge<T>(node)};
  return {Tensor<T>(Storage(), nullptr, state.layout), tape::Edge<T>(node)};
}

/// A saved formula as no gradient flows into it: values instead of edges.
template <class F>
auto without_edges(F const& f) {
  if constexpr (is_saved<F>) {
    return f.value;
  } else if constexpr (is_map<F>) {
    return f.args.visit([&](auto const&... args) {
      using Values = Pack<decltype(without_edges(args))...>;
      return Map<typename F::op, decltype(without_edges(args))...>(InPlace{}, f.shape(), [&] { return Values{without_edges(args)...}; });
    });
  } else if constexpr (is_reduce<F>) {
    auto arg = without_edges(f.arg);
    return Reduce<typename F::op, decltype(arg), typename F::extents_type>(std::move(arg), f.mask, f.keepdim);
  } else {
    return f;
  }
}

/// The formula with every leaf as the tape keeps it. With `keep_rows` reductions stay where they are; else they are
/// recorded on their own. Kernel nodes are computed unless `need_lazy` is false.
template <bool keep_rows, class F>
auto save(F const& f, bool need_lazy = true) {
  if constexpr (!is_recordable<F>) {
    if constexpr (is_plain<F>) return f;
    else return lowered<keep_rows>(f);
  } else if constexpr (LazyNode<F>) {
    return saved_lazy(f, need_lazy);
  } else if constexpr (is_map<F>) {
    return f.args.visit([&](auto const&... args) {
      using Kept = Pack<decltype(save<keep_rows>(args, need_lazy))...>;
      using Saving = Map<typename F::op, decltype(save<keep_rows>(args, need_lazy))...>;
      return Saving(InPlace{}, f.shape(), [&] { return Kept{save<keep_rows>(args, need_lazy)...}; });
    });
  } else if constexpr (is_reduce<F>) {
    if constexpr (requires { typename F::op::is_constant; }) {
      auto arg = without_edges(save<keep_rows>(f.arg));
      Reduce<typename F::op, decltype(arg), typename F::extents_type> const constant(std::move(arg), f.mask, f.keepdim);
      if constexpr (keep_rows) return constant;
      else return materialize(constant);
    } else if constexpr (keep_rows) {
      auto arg = save<true>(f.arg, need_lazy);
      return Reduce<typename F::op, decltype(arg), typename F::extents_type>(std::move(arg), f.mask, f.keepdim);
    } else {
      return saved_variable(Variable<value_t<F>>(f));
    }
  } else {
    return saved_variable(f);
  }
}

}  // namespace detail
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
