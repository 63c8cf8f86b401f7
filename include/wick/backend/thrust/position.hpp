// SPDX-License-Identifier: MIT
// What a thread of a device gets: the slots of a formula as plain pointers, strides and numbers, and the position it is to
// compute. Trivially copyable, so that it travels to a kernel by value.
#pragma once

#include <wick/expr/evaluate.hpp>
#include <wick/expr/kernels.hpp>

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// A slot's elements, or the number itself, or what elements are computed from.
struct DeviceSlot {
  void const* data;
  std::int64_t stride[max_rank];
  alignas(16) char number[32];
};

/// A loop nest with `N` slots.
template <int N>
struct DeviceLoop {
  int rank;
  std::int64_t extent[max_rank];
  DeviceSlot slot[N > 0 ? N : 1];

  std::int64_t total() const {
    std::int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= extent[d];
    return n;
  }
};

/// Reads the slots at one position of a loop.
template <int N>
struct PositionFrame {
  using lane = void;
  DeviceLoop<N> const* loop;
  std::int64_t offset[N > 0 ? N : 1];

  template <class T, int I>
  constexpr compute_t<T> load() const {
    static_assert(ElementTraits<T>::planes == 1, "Wick: compound numbers (duals) do not run on devices yet");
    return static_cast<T const*>(loop->slot[I].data)[offset[I]];
  }
  template <class T, int I>
  constexpr compute_t<T> number() const {
    static_assert(ElementTraits<T>::planes == 1, "Wick: compound numbers (duals) do not run on devices yet");
    return *reinterpret_cast<compute_t<T> const*>(loop->slot[I].number);
  }

  template <class G, int I>
  constexpr auto generated() const {
    return static_cast<compute_t<typename G::value_type>>(G::element(*reinterpret_cast<typename G::Source const*>(loop->slot[I].number), offset[I]));
  }

  /// Moves to position `index` of the dimensions in `mask`, counted in row-major order; along the others it stays.
  constexpr void seek(std::int64_t index, unsigned mask) {
    for (int d = loop->rank - 1; d >= 0; --d) {
      if (!(mask >> d & 1)) continue;
      std::int64_t const extent = loop->extent[d], at = index % extent;
      index /= extent;
      for (int s = 0; s < N; ++s) offset[s] += at * loop->slot[s].stride[d];
    }
  }
};

/// The loop over a formula's slots (of which `inputs` are read) as a device takes it. `data` are the slots as the host
/// knows them; numbers are copied.
template <class S, int N>
DeviceLoop<N> device_loop(Loop const& loop) {
  DeviceLoop<N> result;
  result.rank = loop.rank;
  for (int d = 0; d < loop.rank; ++d) result.extent[d] = loop.extent[d];
  for (int s = 0; s < N; ++s) {
    DeviceSlot& to = result.slot[s];
    to.data = loop.slots[s].data;
    for (int d = 0; d < loop.rank; ++d) to.stride[d] = loop.slots[s].stride[d];
    if (s >= S::slots) continue;
    SlotType const& type = slot_types<S, void>[static_cast<std::size_t>(s)];
    if (type.describe) type.describe(to.data, to.number);
    else if (type.number) std::memcpy(to.number, to.data, static_cast<std::size_t>(type.element_size));
  }
  return result;
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
