// SPDX-License-Identifier: MIT
// From shapes and strides to a loop nest: order the dimensions, join those that are contiguous together, name the plan.
#pragma once

#include <wick/expr/program.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

inline std::int64_t magnitude(std::int64_t stride) { return stride < 0 ? -stride : stride; }

// True when dimension a should lie outside dimension b: the written target decides, then whoever reads further.
inline bool outside(Loop const& loop, int a, int b) {
  for (int s = loop.count - 1; s >= 0; --s) {
    std::int64_t const sa = magnitude(loop.slot_data[s].stride[a]), sb = magnitude(loop.slot_data[s].stride[b]);
    if (sa == sb || sa == 0 || sb == 0) continue;
    return sa > sb;
  }
  return a < b;
}

inline void swap_dimensions(Loop& loop, int a, int b) {
  std::swap(loop.extent[a], loop.extent[b]);
  for (int s = 0; s < loop.count; ++s) std::swap(loop.slot_data[s].stride[a], loop.slot_data[s].stride[b]);
}

inline void drop_dimension(Loop& loop, int axis) {
  for (int d = axis; d + 1 < loop.rank; ++d) {
    loop.extent[d] = loop.extent[d + 1];
    for (int s = 0; s < loop.count; ++s) loop.slot_data[s].stride[d] = loop.slot_data[s].stride[d + 1];
  }
  --loop.rank;
}

}  // namespace detail

/// Orders and joins the dimensions of a loop; the last `keep_inner` of them stay as they are.
inline void simplify(Loop& loop, int keep_inner = 0) {
  for (int d = loop.rank - 1 - keep_inner; d >= 0; --d)
    if (loop.extent[d] == 1) detail::drop_dimension(loop, d);
  int const movable = loop.rank - keep_inner;
  for (int i = 1; i < movable; ++i)
    for (int d = i; d > 0 && detail::outside(loop, d, d - 1); --d) detail::swap_dimensions(loop, d, d - 1);
  for (int d = movable - 2; d >= 0; --d) {
    bool joins = true;
    for (int s = 0; s < loop.count && joins; ++s)
      joins = loop.slot_data[s].stride[d] == loop.slot_data[s].stride[d + 1] * loop.extent[d + 1];
    if (!joins) continue;
    loop.extent[d + 1] *= loop.extent[d];
    detail::drop_dimension(loop, d);
  }
  if (loop.rank == 0) {
    loop.rank = 1;
    loop.extent[0] = 1;
    for (int s = 0; s < loop.count; ++s) loop.slot_data[s].stride[0] = 0;
  }
}

/// The plan that fits the innermost strides.
inline Plan name_plan(Loop const& loop, Program const& program) {
  if (loop.total() == 0) return Plan::none;
  if (program.whole_rows) return Plan::row;
  int const inner = loop.rank - 1;
  bool broadcast = false;
  for (int s = 0; s < loop.count; ++s) {
    bool const input = s < program.inputs;
    if (input && program.in_types[s].number) continue;
    SlotData const& slot = loop.slot_data[s];
    if (!input && program.out_types[s - program.inputs].accumulates) return Plan::reduce;
    if (loop.extent[inner] != 1 && slot.stride[inner] != 1 && slot.stride[inner] != 0) return Plan::strided;
    for (int d = 0; d < loop.rank; ++d) broadcast |= slot.stride[d] == 0 && loop.extent[d] != 1;
  }
  if (broadcast) return Plan::inner_broadcast;
  return loop.rank > 1 ? Plan::lines : Plan::contiguous;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
