// SPDX-License-Identifier: MIT
// Assignment: where the result goes (in place, a new block, somebody's view) and what may be read while it is written.
#pragma once

#include <wick/core/part.hpp>
#include <wick/expr/element.hpp>
#include <wick/expr/materialize.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

struct ByteRange {
  char const *low, *high;
};
inline ByteRange byte_range(void const* data, Layout const& layout, std::size_t element_size) {
  std::int64_t low = 0, high = 0;
  for (int d = 0; d < layout.rank(); ++d) {
    if (layout.shape[d] == 0) return {nullptr, nullptr};
    std::int64_t const reach = (layout.shape[d] - 1) * layout.strides[d];
    (reach < 0 ? low : high) += reach;
  }
  auto const* first = static_cast<char const*>(data);
  auto const size = static_cast<std::int64_t>(element_size);
  return {first + low * size, first + (high + 1) * size};
}

/// How the leaves of a formula share memory with a target.
struct Sharing {
  std::uint32_t handles = 0;  ///< leaves that hold the target's block
  bool hazard = false;        ///< an element may be overwritten before it is read
  bool overlap = false;       ///< some leaf holds elements of the target, be it in the same places
};

template <class F>
Sharing find_sharing(F const& f, void const* data, Layout const& layout, std::size_t size, Block const* block) {
  Sharing sharing;
  visit_leaves(f, [&](auto const& leaf) {
    using Leaf = std::remove_cvref_t<decltype(leaf)>;
    if constexpr (!is_scalar<Leaf> && !is_fixed<Leaf> && !LazyNode<Leaf> && !requires { typename Leaf::is_generated; }) {
      LeafData const found = leaf_data(leaf);
      bool const same_block = block && found.block == block;
      sharing.handles += same_block;
      if (found.block && !same_block && block) return;
      bool aligned = found.data == data && found.layout->shape == layout.shape;
      for (int d = 0; aligned && d < layout.rank(); ++d)
        aligned = found.layout->strides[d] == layout.strides[d] || layout.shape[d] == 1;
      if (aligned) {
        sharing.overlap = true;
        return;
      }
      ByteRange const a = byte_range(data, layout, size);
      ByteRange const b = byte_range(found.data, *found.layout, sizeof(base_t<value_t<Leaf>>));
      bool const overlap = a.low < b.high && b.low < a.high;
      sharing.overlap |= overlap, sharing.hazard |= overlap;
    }
  });
  return sharing;
}

template <class T, class F>
constexpr void check_element_type() {
  static_assert(std::is_same_v<T, value_t<F>>,
                "Wick: the formula has another element type than its target; convert it with .to<T>() or cast<T>(...)");
}

constexpr void check_fits(Dims const& from, Dims const& target) {
  bool fits = from.size() <= target.size();
  for (int i = 0; fits && i < from.size(); ++i) {
    std::int64_t const have = from[from.size() - 1 - i], want = target[target.size() - 1 - i];
    fits = have == want || have == 1;
  }
  if (!fits) fail("assign: a value of shape ", from, " does not broadcast to the target of shape ", target);
}

// Writes a formula through a layout that the caller may write and to whose shape it broadcasts. `hazard`: what is written
// could be read afterwards.
template <class T, class F>
void write_fitting(base_t<T>* data, std::int64_t plane_stride, Layout const& layout, Block const* block, F const& f, bool hazard) {
  Device const device = block ? block->device : Device();
  core::note_use(block);
  if constexpr (is_plain<F> && !is_copy<F, T> && is_word<T>)
    if (hazard && device == Device()) return run_loop<T>(data, plane_stride, layout, f, true);
  // A reduction reads everything before its last element is written: it never runs over its own operands.
  if (detail::has_reduce<F> || hazard) compute_into<T>(data, plane_stride, layout, materialize(f), device);
  else compute_into<T>(data, plane_stride, layout, f, device);
}

// The same where nothing is known yet.
template <class T, class F>
void write_through(base_t<T>* data, std::int64_t plane_stride, Layout const& layout, Block const* block, F const& f) {
  check_element_type<T, F>();
  check_fits(f.shape(), layout.shape);
  // What a lazy rearrangement shows are the elements of another tensor, maybe those that are to be written.
  if constexpr (has_lazy<F>) write_through<T>(data, plane_stride, layout, block, lowered<true>(f));
  else write_fitting<T>(data, plane_stride, layout, block, f, find_sharing(f, data, layout, sizeof(base_t<T>), block).hazard);
}

// A choice between two integers, `where(mask, 1, 0)`, takes the type of its target where that holds them.
template <class F, class T>
inline constexpr bool is_choice_for = false;
template <class Op, class C, class S, class T>
  requires(std::is_same_v<typename Op::rule, types::Select> && std::is_integral_v<S> && !std::is_same_v<S, T>)
inline constexpr bool is_choice_for<Map<Op, C, Scalar<S>, Scalar<S>>, T> = core::category<T>() == 2 || (std::is_integral_v<T> && sizeof(T) > sizeof(S));

template <class T, class Op, class C, class S>
constexpr auto choice_for(Map<Op, C, Scalar<S>, Scalar<S>> const& f) {
  using To = Scalar<T>;
  return f.args.visit([](C const& condition, Scalar<S> const& a, Scalar<S> const& b) {
    return Map<Op, C, To, To>(condition, To{static_cast<compute_t<T>>(a.value)}, To{static_cast<compute_t<T>>(b.value)});
  });
}

// What is assigned, as a formula: the same one where it is one.
template <class T, class X>
constexpr decltype(auto) formula_of(X&& x) {
  if constexpr (Arithmetic<std::remove_cvref_t<X>>)
    return Scalar<T>{number_as<T>("assignment", x)};
  else if constexpr (std::is_same_v<std::remove_cvref_t<X>, T>)
    return Scalar<T>{static_cast<compute_t<T>>(x)};
  else if constexpr (is_choice_for<std::remove_cvref_t<X>, T>)
    return choice_for<T>(x);
  else if constexpr (Operand<X>)
    return operand(std::forward<X>(x));
  else
    return operand_beside<T>(std::forward<X>(x));
}

// A named formula keeps its operands: only what an unnamed one holds may be written over.
template <class X>
inline constexpr bool is_unnamed = !std::is_lvalue_reference_v<X> && !std::is_const_v<X>;

}  // namespace detail

/// Computes a formula into an Inline tensor; usable in constant expressions.
template <class T, class E, class X>
WICK_INLINE constexpr void assign_fixed(Tensor<T, E, Inline>& target, X&& value) {
  if constexpr (Arithmetic<std::remove_cvref_t<X>>) {
    detail::compute_fixed<T, E>(target.data(), detail::formula_of<T>(value));
  } else {
    auto const& f = operand(value);
    using F = std::remove_cvref_t<decltype(f)>;
    static_assert(std::is_same_v<T, value_t<F>>,
                  "Wick: the formula has another element type than its target; convert it with cast<T>(...)");
    static_assert(!extents_known<extents_t<F>> ? extents_broadcast<E, extents_t<F>> : std::is_same_v<broadcast_extents_t<E, extents_t<F>>, E>,
                  "Wick: the extents of the formula and of the Fixed target differ");
    if constexpr (!extents_known<extents_t<F>>) detail::check_fits(f.shape(), target.shape());
    if constexpr (detail::has_lazy<F>) assign_fixed(target, detail::lowered<true>(f));
    else detail::compute_fixed<T, E>(target.data(), f);
  }
}

/// target = formula. What is no Fixed tensor may be a view of the target.
template <class T, class E, class X>
WICK_INLINE constexpr void update_fixed(Tensor<T, E, Inline>& target, X&& value) {
  if constexpr (FixedFormula<X> || Arithmetic<std::remove_cvref_t<X>>) {
    assign_fixed(target, std::forward<X>(value));
  } else {
    Tensor<T, E, Inline> result;
    assign_fixed(result, std::forward<X>(value));
    target = result;
  }
}

/// Computes a formula into a slice, whose shape it has or broadcasts to.
template <class T, std::int64_t Count, class X>
constexpr void assign_fixed(FixedSlice<T, Count>& target, X&& value) {
  auto const& f = detail::formula_of<T>(std::forward<X>(value));
  using F = std::remove_cvref_t<decltype(f)>;
  detail::check_element_type<T, F>();
  detail::check_fits(f.shape(), target.shape());
  if constexpr (detail::has_lazy<F>) {
    assign_fixed(target, detail::lowered<true>(f));
  } else {
    T elements[std::size_t{Count > 0 ? Count : 1}] = {};
    for (std::int64_t i = 0; i < target.numel(); ++i) elements[i] = static_cast<T>(detail::element(f, detail::coordinates(target.shape(), i)));
    for (std::int64_t i = 0; i < target.numel(); ++i) target.data()[i] = elements[i];
  }
}

/// Tells the variables of a formula that it is computed and not recorded. (Kernel nodes tell those below them.)
template <class F>
void note_evaluated(F const& f) {
  if constexpr (is_recordable<F>)
    visit_leaves(f, [](auto const& leaf) {
      if constexpr (requires { leaf.note_evaluated(); }) leaf.note_evaluated();
    });
}

template <class T, class F>
bool run_epilogue(base_t<T>* data, Layout const& target, F const& f);
template <class F>
void consume(F const& f);

/// x = formula. The result is written in place when only x and aligned leaves of the formula hold the elements; else
/// into a new block. x may stand in the formula in any way.
template <class T, class E, class X>
void assign(Tensor<T, E, Heap>& x, X&& value) {
  if constexpr (Arithmetic<std::remove_cvref_t<X>>) {
    x = Tensor<T, E>(value);
  } else if constexpr (detail::is_choice_for<std::remove_cvref_t<X>, T>) {
    assign(x, detail::choice_for<T>(value));
  } else {
    auto&& f = operand(std::forward<X>(value));
    using F = std::remove_cvref_t<decltype(f)>;
    detail::check_element_type<T, F>();
    static_assert(extents_broadcast<E, extents_t<F>>, "Wick: the extents of the formula and of its target, known when compiling, differ");
    // What an unnamed formula holds can never be asked for again.
    if constexpr (detail::has_lazy<F> && !std::is_lvalue_reference_v<X>) consume(f);
    if constexpr (LazyNode<F>) {
      x = Tensor<T, E>(f.value());
    } else {
      decltype(auto) shape = f.shape();
      if constexpr (is_recordable<F>)
        if (shape.numel() != 1) note_evaluated(f);  // a single number is looked at
      Device const device = detail::device_of(f);
      if (!is_reduce<F> && x.shape() == shape && x.storage() && x.is_contiguous() && x.device() == device) {
        detail::Sharing const sharing =
            detail::find_sharing(f, std::as_const(x).data(), x.layout(), sizeof(base_t<T>), x.storage().block());
        std::uint32_t const going = detail::is_unnamed<X> ? sharing.handles : 0;
        if (!sharing.hazard && x.storage().use_count() == 1 + going) {
          auto* const data = const_cast<base_t<T>*>(std::as_const(x).data());
          core::note_use(x.storage().block());
          // A kernel may write over old elements that the formula around it does not read.
          if constexpr (detail::has_lazy<F> && !std::is_lvalue_reference_v<X>)
            if (sharing.handles == 0 && !sharing.overlap && run_epilogue<T>(data, x.layout(), f)) return;
          return compute_into<T>(data, x.plane_stride(), x.layout(), f, device);
        }
      }
      Tensor<T, E> result(Tensor<T, E>::uninitialized, shape, device);
      auto* const data = const_cast<base_t<T>*>(std::as_const(result).data());
      // Only a formula that nobody can ask again may let its kernel node's value go unremembered.
      bool done = false;
      if constexpr (detail::has_lazy<F> && !std::is_lvalue_reference_v<X>)
        done = run_epilogue<T>(data, result.layout(), f);
      if (!done) compute_into<T>(data, result.plane_stride(), result.layout(), f, device);
      x = std::move(result);
    }
  }
}

/// Writes the elements of a view.
template <class T, class E, class X>
void assign(View<T, E> const& view, X&& value) {
  static_assert(!std::is_const_v<T>, "Wick: a View<T const> cannot be written");
  detail::write_through<T>(view.data(), 0, view.layout(), nullptr, detail::formula_of<T>(std::forward<X>(value)));
}

/// Writes a region of a tensor; other tensors that share its elements keep theirs. `dense` is the region once the tensor is
/// row-major, if it is not.
template <class T, class E, class X>
void assign_region(IsaTag, Tensor<T, E>& owner, core::Region const& region, core::Region const& dense, X&& value) {
  auto const& f = detail::formula_of<T>(std::forward<X>(value));
  using F = std::remove_cvref_t<decltype(f)>;
  detail::check_element_type<T, F>();
  detail::check_fits(f.shape(), region.layout.shape);
  auto const first = [&](core::Region const& r) { return const_cast<base_t<T>*>(std::as_const(owner).data()) + r.offset; };
  auto const sharing = detail::find_sharing(f, first(region), region.layout, sizeof(base_t<T>), owner.storage().block());
  bool const moves = owner.storage().use_count() > 1 + (detail::is_unnamed<X> ? sharing.handles : 0);
  core::Region const& place = moves && !owner.is_contiguous() ? dense : region;
  if (moves) owner = owner.clone();
  Block const* const block = owner.storage().block();
  if constexpr (detail::has_lazy<F>) detail::write_through<T>(first(place), owner.plane_stride(), place.layout, block, detail::lowered<true>(f));
  else detail::write_fitting<T>(first(place), owner.plane_stride(), place.layout, block, f, !moves && sharing.hazard);
}

/// Copies elements into a tensor that owns its block.
template <class T, class E>
void copy_elements(IsaTag, Tensor<T, E>& to, Tensor<T, E> const& from) {
  compute_into<T>(const_cast<base_t<T>*>(std::as_const(to).data()), to.plane_stride(), to.layout(), from, to.device());
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
