// SPDX-License-Identifier: MIT
// Formulas on devices: maps, reductions and rows, each in one kernel.
#pragma once

#include <wick/backend/thrust/fold.hpp>
#include <wick/backend/thrust/map.hpp>
#include <wick/backend/thrust/row.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// The terms and results of a reduction. Results lie in row-major order.
template <class Op, class S, class Compute, class Element>
struct ReduceTerm {
  using Result = Compute;
  using Frame = std::conditional_t<plain_slots<S>, PackFrame<S::slot_count, SlotSizes<S, S::slot_count, char>>, SingleFrame<S::slot_count>>;
  DeviceLoop<S::slot_count> loop;
  TermWalk<S::slot_count, Frame::V> walk;
  std::int64_t elements;
  base_t<Element>* out;
  std::int64_t plane_stride;

  constexpr Result identity() const { return Op::template identity<Result>(); }
  constexpr Result combine(Result const& a, Result const& b) const { return static_cast<Result>(Op::combine(a, b)); }
  constexpr auto start(std::int64_t result) const { return walk.start(loop, result); }
  constexpr void read(Frame& frame, PositionFrame<S::slot_count> const& started, std::int64_t pack) const {
    walk.template read<S::slot_count>(frame, started, pack);
  }
  constexpr Result at(Frame const& frame) const { return static_cast<Result>(Op::lift(evaluate<S, Result, 0>(frame))); }
  constexpr void put(std::int64_t result, Result total) const {
    if constexpr (requires { Op::finish(total, elements); }) total = static_cast<Result>(Op::finish(total, elements));
    ElementTraits<Element>::store(out + result, plane_stride, static_cast<Element>(total));
  }
};

/// A reduction of a plain formula into row-major memory.
template <class T, class R>
void run_reduce(Device device, base_t<T>* data, std::int64_t plane_stride, R const& r) {
  using S = structure_t<typename R::argument_type>;
  using Term = ReduceTerm<typename R::op, S, compute_t<T>, T>;
  detail::Slots<S::slot_count> slot_data;
  slot_data.open(r.arg.shape(), S::slot_count);
  fill_slots(r.arg, r.arg.shape(), slot_data.data);
  unsigned mask = r.mask;
  if (slot_data.loop.total() > 0) join_dimensions(slot_data.loop, mask);
  bool const across = results_are_neighbours(slot_data.loop, mask);
  auto loop = device_loop<S, S::slot_count>(slot_data.loop);
  if constexpr (plain_slots<S>) loop = with_wide_slots<SlotSizes<S, S::slot_count, char>>(loop, std::bit_width(mask) - 1);
  Term const term{loop, {loop, mask}, r.count(), data, plane_stride};
  run_fold(device, term, r.shape().numel(), term.walk.packs, across);
}

}  // namespace backend::thrust_

namespace backend::device {

template <class T, class F>
void compute(Device device, base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f) {
  if constexpr (is_plain<F>) {
    detail::note_operands(f);
    thrust_::run_map<T>(device, data, plane_stride, target, f);
  } else if constexpr (is_reduce<F>) {
    if constexpr (is_plain<typename F::argument_type>) {
      detail::note_operands(f);
      if (target.contiguous && f.shape() == target.shape) return thrust_::run_reduce<T>(device, data, plane_stride, f);
      thrust_::run_map<T>(device, data, plane_stride, target, materialize(f));
    } else {
      auto arg = detail::lowered<false>(f.arg);
      using R = Reduce<typename F::op, decltype(arg), typename F::extents_type>;
      compute<T>(device, data, plane_stride, target, R(std::move(arg), f.mask, f.keepdim));
    }
  } else if constexpr (detail::has_lazy<F>) {
    compute<T>(device, data, plane_stride, target, detail::lowered<true>(f));
  } else {
    detail::note_operands(f);
    if constexpr (ElementTraits<T>::planes == 1)
      if (thrust_::run_row<T>(device, data, target, f)) return;
    compute<T>(device, data, plane_stride, target, detail::lowered<false>(f));
  }
}

}  // namespace backend::device
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
