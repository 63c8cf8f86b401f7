// SPDX-License-Identifier: MIT
// Running a formula into memory: plain maps, reductions and rows each in one loop; what stands inside and needs a loop
// of its own is computed first.
#pragma once

#include <wick/expr/device.hpp>
#include <wick/expr/element.hpp>
#include <wick/expr/row.hpp>
#include <wick/expr/traits.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <class X>
struct RowStructureOf : StructureOf<X> {};
template <class Op, class... Args>
struct RowStructureOf<Map<Op, Args...>> {
  using type = Apply<Op, typename RowStructureOf<Args>::type...>;
};
template <class Op, class Arg, class E>
struct RowStructureOf<Reduce<Op, Arg, E>> {
  using type = Fold<Op, typename RowStructureOf<Arg>::type>;
};

template <int N>
struct Slots {
  SlotData data[std::size_t{N > 0 ? N : 1}];
  Loop loop;
  void open(Dims const& shape, int count) {
    loop.slot_data = data;
    loop.count = count;
    loop.rank = shape.size();
    for (int d = 0; d < shape.size(); ++d) loop.extent[d] = shape[d];
  }
};

// True when every leaf lies in memory exactly like a row-major tensor of this shape, or is a number.
template <class F>
bool all_contiguous(F const& f, Dims const& shape) {
  bool result = true;
  visit_leaves(f, [&](auto const& leaf) {
    if constexpr (!is_scalar<std::remove_cvref_t<decltype(leaf)>>) {
      Layout const& layout = *leaf_data(leaf).layout;
      result &= layout.contiguous && layout.shape == shape;
    }
  });
  return result;
}

// Where the elements of such a formula are.
template <class F>
LineSlot* fill_line(F const& f, LineSlot* next) {
  visit_leaves(f, [&](auto const& leaf) {
    using Leaf = std::remove_cvref_t<decltype(leaf)>;
    LeafData const found = leaf_data(leaf);
    for (int p = 0; p < ElementTraits<value_t<Leaf>>::planes; ++p)
      *next++ = {static_cast<base_t<value_t<Leaf>> const*>(found.data) + p * found.plane_stride, !is_scalar<Leaf>};
  });
  return next;
}

// The loop of a plain formula into a target of this layout (whose shape the formula broadcasts to).
template <class T, class F, int N>
void plain_loop(Slots<N>& slot_data, base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f) {
  slot_data.open(target.shape, N);
  fill_target<T>(data, plane_stride, target, fill_slots(f, target.shape, slot_data.data));
  simplify(slot_data.loop);
}

// Elements that may be copied as words.
template <class T>
inline constexpr bool is_word = ElementTraits<T>::planes == 1 && std::is_trivially_copyable_v<T> && std::has_single_bit(sizeof(T)) && sizeof(T) <= 8;
// Formulas that are elements as they lie in memory: assigning them is a copy.
template <class F, class T>
inline constexpr bool is_copy = !is_map<F> && !is_scalar<F> && std::is_same_v<value_t<F>, T> && is_word<T> && !requires { typename F::is_generated; };

// Copies elements of a layout that broadcasts to the target's shape.
WICK_NOINLINE inline void copy_layout(LeafData const& from, int element_size, void* data, Layout const& target) {
  Slots<2> slot_data;
  slot_data.open(target.shape, 2);
  fill_leaf({data, &target}, static_cast<std::size_t>(element_size), 1, target.shape,
            fill_leaf(from, static_cast<std::size_t>(element_size), 1, target.shape, slot_data.data));
  simplify(slot_data.loop);
  backend::cpu::launch_copy(slot_data.loop, element_size);
}

// `overlaps`: operands may lie in the target, other than element upon element.
template <class T, class F>
WICK_NOINLINE void run_loop(base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f, [[maybe_unused]] bool overlaps = false) {
  using S = structure_t<F>;
  Slots<S::slot_count + ElementTraits<T>::planes> slot_data;
  plain_loop<T>(slot_data, data, plane_stride, target, f);
  if constexpr (is_word<T>)
    if (overlaps) return backend::cpu::launch_overlapping(program_of<MapKernel<S, T>>, slot_data.loop);
  backend::cpu::launch(program_of<MapKernel<S, T>>, slot_data.loop);
}

template <class T, class F>
void run_plain(base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f) {
  if constexpr (is_copy<F, T>) {
    copy_layout(leaf_data(f), sizeof(T), data, target);
  } else {
    using S = structure_t<F>;
    constexpr Program const& program = program_of<MapKernel<S, T>>;
    constexpr int planes = ElementTraits<T>::planes;
    if constexpr (program.direct) {
      if (target.contiguous && all_contiguous(f, target.shape)) {
        void const* in[S::slot_count > 0 ? S::slot_count : 1];
        void* out[std::size_t{planes}];
        void const** next = in;
        visit_leaves(f, [&](auto const& leaf) {
          using Leaf = std::remove_cvref_t<decltype(leaf)>;
          LeafData const found = leaf_data(leaf);
          for (int p = 0; p < ElementTraits<value_t<Leaf>>::planes; ++p)
            *next++ = static_cast<base_t<value_t<Leaf>> const*>(found.data) + p * found.plane_stride;
        });
        for (int p = 0; p < planes; ++p) out[p] = data + p * plane_stride;
        return backend::cpu::launch_dense(program, in, out, target.numel());
      }
    }
    run_loop<T>(data, plane_stride, target, f);
  }
}

// Joins the reductions of a formula into one row axis: -2 while none was seen, -1 once one does not fit.
template <class F>
void find_row_axis(F const& f, Dims const& shape, int& axis) {
  if constexpr (is_map<F>) {
    f.args.visit([&](auto const&... args) { (find_row_axis(args, shape, axis), ...); });
  } else if constexpr (is_reduce<F>) {
    decltype(auto) dims = f.arg.shape();
    int const lead = shape.size() - dims.size();
    bool const one_kept = f.keepdim && lead >= 0 && std::has_single_bit(f.mask);
    int const here = one_kept ? std::countr_zero(f.mask) + lead : -1;
    bool const fits = one_kept && (axis == -2 || axis == here) && dims[here - lead] == shape[here];
    axis = fits ? here : -1;
    if (fits) find_row_axis(f.arg, shape, axis);
  }
}

// The axis of a row formula of this shape, or -1 when the formula is none.
template <class F>
int row_axis(F const& f, Dims const& shape) {
  int axis = -2;
  find_row_axis(f, shape, axis);
  return axis < 0 ? -1 : axis;
}

// True when parts of a row formula that are equal by type are equal by data too, so that one evaluation serves all.
template <class S>
bool same_parts_same_data(SlotData const* slot_data, int rank) {
  bool same = true;
  auto const compare = [&](auto parts) {
    using List = decltype(parts);
    int at[List::size > 0 ? List::size : 1];
    std::fill_n(at, List::size, -1);
    Occurrences<List, S, 0>::visit([&](int id, int slot) {
      if (at[id] < 0) {
        at[id] = slot;
        return;
      }
      int const n = List::slot_count[id];
      for (int s = 0; s < n; ++s) {
        SlotData const &a = slot_data[at[id] + s], &b = slot_data[slot + s];
        SlotType const& type = slot_types<S, lane_t<S>>[static_cast<std::size_t>(slot + s)];
        if (type.number) {
          same &= std::memcmp(a.data, b.data, static_cast<std::size_t>(type.element_size)) == 0;
        } else {
          same &= a.data == b.data;
          for (int d = 0; d < rank; ++d) same &= a.stride[d] == b.stride[d];
        }
      }
    });
  };
  compare(typename RowStages<S>::Folds{});
  compare(typename RowStages<S>::Kept{});
  return same;
}

// Moves `axis` of a loop to the innermost place, where it stays, and simplifies the others.
inline void rows_of(Loop& loop, int axis) {
  for (int d = axis; d + 1 < loop.rank; ++d) swap_dimensions(loop, d, d + 1);
  simplify(loop, 1);
}

/// Tries to run a formula with reductions as a row formula; false when it is none.
template <class T, class F>
bool run_row(base_t<T>* data, Layout const& target, F const& f) {
  using S = typename RowStructureOf<F>::type;
  if constexpr (!Lane<compute_t<T>> || !Lane<lane_t<S, T>>) {
    return false;
  } else {
    int const axis = f.shape() == target.shape ? row_axis(f, target.shape) : -1;
    if (axis < 0) return false;
    Slots<S::slot_count + 1> slot_data;
    slot_data.open(target.shape, S::slot_count + 1);
    fill_target<T>(data, 0, target, fill_slots(f, target.shape, slot_data.data));
    if (!same_parts_same_data<S>(slot_data.data, target.rank())) return false;
    rows_of(slot_data.loop, axis);
    backend::cpu::launch(program_of<RowKernel<S, T>>, slot_data.loop);
    return true;
  }
}

}  // namespace detail

template <class F>
auto materialize(F const& f);

namespace detail {

/// The formula with reductions and lazy values replaced by their results; `keep_reduce` leaves reductions in place.
template <bool keep_reduce, class F>
auto lowered(F const& f) {
  if constexpr (LazyNode<F>) {
    return f.value();
  } else if constexpr (is_reduce<F> && !keep_reduce) {
    return materialize(f);
  } else if constexpr (is_reduce<F> && has_lazy<F>) {
    auto arg = lowered<keep_reduce>(f.arg);
    return Reduce<typename F::op, decltype(arg), typename F::extents_type>(std::move(arg), f.mask, f.keepdim);
  } else if constexpr (is_map<F> && (keep_reduce ? has_lazy<F> : !is_plain<F>)) {
    return f.args.visit([](auto const&... args) {
      return Map<typename F::op, decltype(lowered<keep_reduce>(args))...>(lowered<keep_reduce>(args)...);
    });
  } else {
    return f;
  }
}

template <class Op, class T>
void finish_reduction(base_t<T>* data, std::int64_t plane_stride, std::int64_t n, std::int64_t count) {
  using E = ElementTraits<T>;
  if constexpr (requires { Op::finish(T{}, count); })
    for (std::int64_t i = 0; i < n; ++i)
      E::store(data + i, plane_stride, static_cast<T>(Op::finish(E::load(data + i, plane_stride), count)));
}

/// Runs a reduction of a plain formula into row-major memory of elements in which it is computed.
template <class R, class T>
void run_reduce(base_t<T>* data, std::int64_t plane_stride, R const& r) {
  using S = structure_t<typename R::argument_type>;
  using K = ReduceKernel<typename R::op, S, T>;
  decltype(auto) shape = r.arg.shape();
  Dims const results = reduced_dims(shape, r.mask, true);
  if constexpr (ElementTraits<T>::planes > 1 && !requires { typename R::op::planewise; }) {
    // max, min and prod of compound numbers: not plane by plane, and too rare for a kernel of their own
    Dims const kept = r.shape();
    Dims at = kept;
    std::fill(at.begin(), at.end(), 0);
    for (std::int64_t i = 0; i < results.numel(); ++i) {
      ElementTraits<T>::store(data + i, plane_stride, static_cast<T>(element(r, at)));
      for (int d = at.size() - 1; d >= 0 && ++at[d] == kept[d]; --d) at[d] = 0;
    }
    return;
  }
  constexpr int count = S::slot_count + ElementTraits<T>::planes;
  if constexpr (ElementTraits<T>::planes == 1 && count <= few_slots) {
    std::int64_t const n = shape.numel();
    if (results.numel() == 1 && backend::cpu::is_short_line(program_of<K>, n) && all_contiguous(r.arg, shape)) {
      LineSlot line[std::size_t{count}];
      *fill_line(r.arg, line) = {data, false, true};
      backend::cpu::run_line(program_of<K>, line, n);
      return finish_reduction<typename R::op, T>(data, plane_stride, 1, n);
    }
  }
  Slots<count> slot_data;
  slot_data.open(shape, count);
  Layout layout{results};
  for (int d = 0; d < shape.size(); ++d)
    if (r.mask >> d & 1) layout.strides[d] = 0;
  SlotData* const target = fill_slots(r.arg, shape, slot_data.data);
  fill_target<T>(data, plane_stride, layout, target);
  for (int p = 0; p < ElementTraits<T>::planes; ++p) target[p].fresh = true;
  simplify(slot_data.loop);
  backend::cpu::launch(program_of<K>, slot_data.loop);
  finish_reduction<typename R::op, T>(data, plane_stride, results.numel(), r.count());
}

}  // namespace detail

namespace detail {
// A formula with reductions that is no row formula: each reduction first, then the rest. The loops are as fast as ever,
// only what drives them is compiled for size, because most formulas with reductions never come here.
template <class T, class F>
WICK_COLD void run_in_steps(base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f) {
  run_plain<T>(data, plane_stride, target, lowered<false>(f));
}
}  // namespace detail

/// Computes any formula into memory of the given layout, to whose shape it broadcasts, on `device`.
template <class T, class F>
void compute_into(base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f, Device device = {}) {
  if (core::devices_in_use()) [[unlikely]] {
    detail::device_of_assignment(f, device);
#if WICK_DEVICE_KERNELS
    if (device != Device()) return backend::device::compute<T>(device, data, plane_stride, target, f);
#else
    if (device != Device()) detail::fail_without_kernels(detail::operation_name<F>(), device);
#endif
  }
  if constexpr (is_plain<F>) {
    detail::run_plain<T>(data, plane_stride, target, f);
  } else if constexpr (is_reduce<F>) {
    if constexpr (is_plain<typename F::argument_type>) {
      if constexpr (Half<value_t<F>>) {
        Tensor<compute_t<T>> wide(Tensor<compute_t<T>>::uninitialized, f.shape());
        detail::run_reduce<F, compute_t<T>>(const_cast<compute_t<T>*>(std::as_const(wide).data()), 0, f);
        return detail::run_plain<T>(data, plane_stride, target, wide);
      } else {
        if (target.contiguous && f.shape() == target.shape) return detail::run_reduce<F, T>(data, plane_stride, f);
      }
      detail::run_plain<T>(data, plane_stride, target, materialize(f));
    } else {
      auto arg = detail::lowered<false>(f.arg);
      using R = Reduce<typename F::op, decltype(arg), typename F::extents_type>;
      compute_into<T>(data, plane_stride, target, R(std::move(arg), f.mask, f.keepdim));
    }
  } else if constexpr (detail::has_lazy<F>) {
    compute_into<T>(data, plane_stride, target, detail::lowered<true>(f));
  } else {
    if (!detail::run_row<T>(data, target, f)) detail::run_in_steps<T>(data, plane_stride, target, f);
  }
}

/// The value of a formula as a new tensor.
template <class F>
auto materialize(F const& f) {
  using T = value_t<F>;
  if constexpr (LazyNode<F>) {
    return f.value();
  } else {
    Device const device = detail::device_of(f);
    Tensor<T> result(Tensor<T>::uninitialized, f.shape(), device);
    compute_into<T>(const_cast<base_t<T>*>(std::as_const(result).data()), result.plane_stride(), result.layout(), f, device);
    return result;
  }
}

/// The plan that assigning this formula to a new tensor follows.
template <Formula X>
Plan plan_of(X const& x) {
  auto const& f = operand(x);
  using F = std::remove_cvref_t<decltype(f)>;
  using T = value_t<F>;
  if constexpr (LazyNode<F>) {
    return Plan::kernel;
  } else if constexpr (is_reduce<F>) {
    return f.arg.numel() == 0 ? Plan::none : Plan::reduce;
  } else if constexpr (detail::has_lazy<F>) {
    return Plan::kernel;
  } else if constexpr (!is_plain<F>) {
    Dims const shape = f.shape();
    return detail::row_axis(f, shape) >= 0 ? Plan::row : plan_of(detail::lowered<false>(f));
  } else {
    using S = structure_t<F>;
    detail::Slots<S::slot_count + ElementTraits<T>::planes> slot_data;
    detail::plain_loop<T>(slot_data, nullptr, 0, Layout(f.shape()), f);
    return name_plan(slot_data.loop, program_of<MapKernel<S, T>>);
  }
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
