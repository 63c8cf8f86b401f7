// SPDX-License-Identifier: MIT
// Formulas on devices: maps with a thread for each element, reductions with a thread for each result, or for each part of
// one where results are few.
#pragma once

#include <wick/backend/thrust/policy.hpp>
#include <wick/backend/thrust/position.hpp>
#include <wick/expr/materialize.hpp>

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// out = S at one position.
template <class S, class Result>
struct MapElement {
  static constexpr int count = S::slots + 1;
  DeviceLoop<count> loop;

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<count> frame{&loop, {}};
    frame.seek(index, ~0u);
    auto* const out = static_cast<Result*>(const_cast<void*>(loop.slot[S::slots].data)) + frame.offset[S::slots];
    *out = static_cast<Result>(evaluate<S, Result, 0>(frame));
  }
};

/// The elements of one result, or of one of its parts, combined one after another. Results lie in row-major order.
template <class Op, class S, class Result>
struct ReduceElement {
  static constexpr int count = S::slots;
  DeviceLoop<count> loop;
  unsigned reduced;         ///< dimensions of the loop that are combined
  std::int64_t elements;    ///< how many each result has
  std::int64_t parts, length;
  Result* out;

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<count> frame{&loop, {}};
    frame.seek(index / parts, ~reduced);
    std::int64_t const begin = index % parts * length;
    std::int64_t const end = begin + length < elements ? begin + length : elements;
    Result total = Op::template identity<Result>();
    for (std::int64_t i = begin; i < end; ++i) {
      PositionFrame<count> here = frame;
      here.seek(i, reduced);
      total = static_cast<Result>(Op::combine(total, static_cast<Result>(Op::lift(evaluate<S, Result, 0>(here)))));
    }
    out[index] = total;
  }
};
/// The parts of each result joined in pairs, neighbours first: a fixed tree.
template <class Op, class Result>
struct JoinParts {
  Result* values;
  std::int64_t parts;

  constexpr void operator()(std::int64_t index) const {
    Result* const mine = values + index * parts;
    for (std::int64_t step = 1; step < parts; step *= 2)
      for (std::int64_t i = 0; i + step < parts; i += 2 * step) mine[i] = static_cast<Result>(Op::combine(mine[i], mine[i + step]));
  }
};
/// The result of a finished reduction, rounded and put in its place.
template <class Op, class Result, class Element>
struct FinishResult {
  Result const* values;
  std::int64_t parts, elements;
  Element* out;

  constexpr void operator()(std::int64_t index) const {
    Result total = values[index * parts];
    if constexpr (requires { Op::finish(total, elements); }) total = static_cast<Result>(Op::finish(total, elements));
    out[index] = static_cast<Element>(total);
  }
};

// Elements that one thread combines, where a result has so many that several share it.
inline constexpr std::int64_t part_elements = 4096, most_parts = 1024;

template <class T, class F>
void run_map(Device device, T* data, Layout const& target, F const& f) {
  using S = structure_t<F>;
  detail::Slots<S::slots + 1> slots;
  detail::plain_loop<T>(slots, data, 0, target, f);
  MapElement<S, T> const element{device_loop<S, S::slots + 1>(slots.loop)};
  for_each_position(device, slots.loop.total(), element);
}

/// A reduction of a plain formula into row-major memory.
template <class T, class R>
void run_reduce(Device device, T* data, R const& r) {
  using S = structure_t<typename R::argument_type>;
  using Op = typename R::op;
  using Result = compute_t<T>;
  detail::Slots<S::slots> slots;
  Dims const shape = r.arg.shape();
  slots.open(shape, S::slots);
  fill_slots(r.arg, shape, slots.data);
  std::int64_t const results = r.shape().numel(), elements = r.count();
  std::int64_t const parts = results == 0 ? 1 : std::clamp<std::int64_t>(elements / part_elements, 1, most_parts);
  std::int64_t const length = (elements + parts - 1) / parts;
  Tensor<Result> const scratch(Tensor<Result>::uninitialized, Dims(results * parts), device);
  auto* const values = const_cast<Result*>(scratch.data());
  for_each_position(device, results * parts,
                    ReduceElement<Op, S, Result>{device_loop<S, S::slots>(slots.loop), r.mask, elements, parts, length, values});
  if (parts > 1) for_each_position(device, results, JoinParts<Op, Result>{values, parts});
  for_each_position(device, results, FinishResult<Op, Result, T>{values, parts, elements, data});
}

}  // namespace backend::thrust_

namespace backend::device {

template <class T, class F>
void compute(Device device, base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f) {
  if constexpr (ElementTraits<T>::planes != 1) {
    fail(detail::operation_name<F>(), ": compound numbers (duals) do not run on ", device, " yet");
  } else if constexpr (is_plain<F>) {
    thrust_::run_map<T>(device, data, target, f);
  } else if constexpr (is_reduce<F>) {
    if constexpr (is_plain<typename F::argument_type>) {
      if (target.contiguous && f.shape() == target.shape) return thrust_::run_reduce<T>(device, data, f);
      thrust_::run_map<T>(device, data, target, materialize(f));
    } else {
      auto arg = detail::lowered<false>(f.arg);
      using R = Reduce<typename F::op, decltype(arg), typename F::extents_type>;
      compute<T>(device, data, plane_stride, target, R(std::move(arg), f.mask, f.keepdim));
    }
  } else {
    compute<T>(device, data, plane_stride, target, detail::lowered<false>(f));
  }
}

}  // namespace backend::device
}  // namespace wick::inline WICK_ISA
