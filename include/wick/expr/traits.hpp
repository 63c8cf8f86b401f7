// SPDX-License-Identifier: MIT
// Walking a formula with its data: its leaves as slots of a loop, its costly parts replaced by their values.
#pragma once

#include <wick/expr/plan.hpp>
#include <wick/expr/reduce.hpp>
#include <wick/expr/structure.hpp>

WICK_PRECISE_BEGIN
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
  static_assert(sizeof(x.value) == sizeof(compute_t<base_t<T>>) * ElementTraits<T>::planes);
  return {&x.value, nullptr, 1};  // the parts of a compound number lie one after another
}
/// A lazy value as a leaf of a formula that runs inside its kernel: the kernel supplies the elements, unless they are
/// known already.
template <LazyNode X>
LeafData leaf_data(X const& x) {
  auto const& state = x.state();
  if (state.computed) return {state.value.data(), &state.value.layout()};
  return {nullptr, &state.layout};
}
/// The device that holds a leaf's elements.
template <class X>
Device device_of_leaf(X const& x) {
  if constexpr (LazyNode<X>) return x.state().device;
  else if constexpr (requires { x.device(); }) return x.device();
  else if constexpr (requires { x.value().device(); }) return x.value().device();
  else if constexpr (requires { x.value.device(); }) return x.value.device();
  else return {};  // somebody else's memory, which is the host's
}
namespace detail {
template <class E>
inline const Layout fixed_layout{dims_of<E>()};
}
template <class T, class E>
LeafData leaf_data(Tensor<T, E, Inline> const& x) {
  return {x.data(), &detail::fixed_layout<E>};
}

template <class T, std::int64_t Count>
LeafData leaf_data(FixedSlice<T, Count> const& x) {
  return {x.data(), &x.layout()};
}

namespace detail {
// Formulas of which a region is the same formula of the leaves' regions: maps over elements that lie in memory.
template <class X>
inline constexpr bool has_regions = is_scalar<X> || is_fixed<X>;
template <class T, class E>
inline constexpr bool has_regions<Tensor<T, E, Heap>> = true;
template <class T, class E>
inline constexpr bool has_regions<View<T, E>> = true;
template <class Op, class... Args>
inline constexpr bool has_regions<Map<Op, Args...>> = (has_regions<Args> && ...);

// A leaf of a formula of shape `whole` read at what is selected of that shape.
template <class F>
auto region_of(F const& f, [[maybe_unused]] Dims const& whole, core::Selection const& selection) {
  if constexpr (is_map<F>) {
    return f.args.visit([&]<class... Args>(Args const&... args) {
      auto const make = [&] { return Pack<decltype(region_of(args, whole, selection))...>{region_of(args, whole, selection)...}; };
      return Map<typename F::op, decltype(region_of(args, whole, selection))...>(InPlace{}, selection.shape, make);
    });
  } else if constexpr (is_scalar<F>) {
    return f;
  } else if constexpr (is_fixed<F>) {
    return region_of(Tensor<value_t<F>>(f), whole, selection);
  } else {
    core::Region const region = selection.of(broadcast_to(f.layout(), whole));
    if constexpr (requires { f.share(region); }) return f.share(region);
    else return View<std::remove_reference_t<decltype(*f.data())>>(f.data() + region.offset, region.layout);
  }
}
}  // namespace detail

/// What a subscript selects of an elementwise formula over tensors and views: nothing else of it is computed.
template <class F>
  requires(detail::has_regions<F>)
auto select(IsaTag, F const& f, core::Selection const& selection) {
  return detail::region_of(f, f.shape(), selection);
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

namespace detail {
// Not inlined: every formula fills its slots, and this is the same for all of them.
WICK_NOINLINE inline SlotData* fill_leaf(LeafData const& leaf, std::size_t element_size, int planes, Dims const& shape, SlotData* next) {
  int const rank = shape.size(), known = leaf.layout ? leaf.layout->rank() : 0;
  for (int p = 0; p < planes; ++p, ++next) {
    next->data = static_cast<char const*>(leaf.data) + p * leaf.plane_stride * static_cast<std::int64_t>(element_size);
    next->fresh = next->shared = false;
    std::int64_t* stride = next->stride;
    std::int64_t const* target = shape.begin();
#pragma GCC unroll 1
    for (int d = known; d < rank; ++d, ++target) *stride++ = 0;
#pragma GCC unroll 1
    for (int d = 0; d < known; ++d, ++target) *stride++ = leaf.layout->shape[d] == *target ? leaf.layout->strides[d] : 0;
  }
  return next;
}
}  // namespace detail

/// Fills slots from a formula's leaves, read as if they had shape `shape`; returns the next free slot.
template <class F>
SlotData* fill_slots(F const& f, Dims const& shape, SlotData* next) {
  visit_leaves(f, [&](auto const& leaf) {
    using Leaf = std::remove_cvref_t<decltype(leaf)>;
    using T = value_t<Leaf>;
    next = detail::fill_leaf(leaf_data(leaf), sizeof(base_t<T>), ElementTraits<T>::planes, shape, next);
  });
  return next;
}

/// Fills the output slots of a target.
template <class T>
SlotData* fill_target(base_t<T>* data, std::int64_t plane_stride, Layout const& layout, SlotData* next) {
  return detail::fill_leaf({data, &layout, plane_stride}, sizeof(base_t<T>), ElementTraits<T>::planes, layout.shape, next);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
