// SPDX-License-Identifier: MIT
// Walking a formula with its data: its leaves as slots of a loop, its costly parts replaced by their values.
#pragma once

#include <wick/expr/plan.hpp>
#include <wick/expr/reduce.hpp>
#include <wick/expr/structure.hpp>

namespace wick::inline WICK_ISA {

template <class X>
inline constexpr bool is_map = false;
template <class Op, class... Args>
inline constexpr bool is_map<Map<Op, Args...>> = true;
template <class X>
inline constexpr bool is_reduce = false;
template <class Op, class Arg, class E>
inline constexpr bool is_reduce<Reduce<Op, Arg, E>> = true;
/// Kernel nodes (matmul, conv) and other lazy values.
template <class X>
concept LazyNode = requires { typename X::is_lazy; };

namespace detail {
template <class X>
inline constexpr bool has_reduce = is_reduce<X>;
template <class Op, class... Args>
inline constexpr bool has_reduce<Map<Op, Args...>> = (has_reduce<Args> || ...);
template <class X>
inline constexpr bool has_lazy = LazyNode<X>;
template <class Op, class... Args>
inline constexpr bool has_lazy<Map<Op, Args...>> = (has_lazy<Args> || ...);
template <class Op, class Arg, class E>
inline constexpr bool has_lazy<Reduce<Op, Arg, E>> = has_lazy<Arg>;
}  // namespace detail

/// True when a formula is only maps over leaves: one loop computes it.
template <class F>
inline constexpr bool is_plain = !detail::has_reduce<F> && !detail::has_lazy<F>;

/// Where a leaf's elements are. Overloaded for each kind of leaf.
struct LeafData {
  void const* data;
  Layout const* layout;  ///< null: a number
  std::int64_t plane_stride = 0;
  Block const* block = nullptr;  ///< the block that owns the elements, if the leaf shares one
};
template <class T, class E>
LeafData leaf_data(Tensor<T, E, Heap> const& x) {
  return {x.data(), &x.layout(), x.plane_stride(), x.storage().block()};
}
template <class T, class E>
LeafData leaf_data(View<T, E> const& x) {
  return {x.data(), &x.layout()};
}
template <class T>
LeafData leaf_data(Scalar<T> const& x) {
  return {&x.value, nullptr};
}
/// A lazy value as a leaf of a formula that runs inside its kernel: the kernel supplies the elements, unless they are
/// known already.
template <LazyNode X>
LeafData leaf_data(X const& x) {
  auto const& state = x.state();
  if (state.computed) return {state.value.data(), &state.value.layout()};
  return {nullptr, &state.layout};
}
namespace detail {
template <class E>
inline const Layout fixed_layout{dims_of<E>()};
}
template <class T, class E>
LeafData leaf_data(Tensor<T, E, Inline> const& x) {
  return {x.data(), &detail::fixed_layout<E>};
}

/// Calls visit(leaf) for every leaf of a formula, in slot order.
template <class F, class Visitor>
WICK_INLINE void visit_leaves(F const& f, Visitor&& visit) {
  if constexpr (is_map<F>)
    f.args.visit([&](auto const&... args) { (visit_leaves(args, visit), ...); });
  else if constexpr (is_reduce<F>)
    visit_leaves(f.arg, visit);
  else
    visit(f);
}

/// Fills slots from a formula's leaves, read as if they had shape `shape`; returns the next free slot.
template <class F>
SlotData* fill_slots(F const& f, Dims const& shape, SlotData* next) {
  visit_leaves(f, [&](auto const& leaf) {
    using Base = base_t<value_t<decltype(leaf)>>;
    LeafData const data = leaf_data(leaf);
    constexpr int planes = is_scalar<std::remove_cvref_t<decltype(leaf)>> ? 1 : ElementTraits<value_t<decltype(leaf)>>::planes;
    for (int p = 0; p < planes; ++p, ++next) {
      next->data = static_cast<Base const*>(data.data) + p * data.plane_stride;
      int const rank = shape.size(), offset = data.layout ? rank - data.layout->rank() : rank;
      for (int d = 0; d < rank; ++d) {
        bool const repeats = d < offset || (data.layout->shape[d - offset] == 1 && shape[d] != 1);
        next->stride[d] = repeats ? 0 : data.layout->strides[d - offset];
      }
    }
  });
  return next;
}

/// Fills the output slots of a target.
template <class T>
SlotData* fill_target(base_t<T>* data, std::int64_t plane_stride, Layout const& layout, SlotData* next) {
  for (int p = 0; p < ElementTraits<T>::planes; ++p, ++next) {
    next->data = data + p * plane_stride;
    for (int d = 0; d < layout.rank(); ++d) next->stride[d] = layout.strides[d];
  }
  return next;
}

}  // namespace wick::inline WICK_ISA
