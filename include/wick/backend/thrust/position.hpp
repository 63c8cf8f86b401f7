// SPDX-License-Identifier: MIT
// What a thread of a device gets: the slots of a formula as plain pointers, strides and numbers, and the position it is to
// compute. Trivially copyable, so that it travels to a kernel by value.
#pragma once

#include <wick/expr/evaluate.hpp>
#include <wick/expr/kernels.hpp>
#include <wick/expr/plan.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Calls f(std::integral_constant<int, k>) for 0 <= k < n: a loop whose arrays a GPU keeps in registers.
template <int n, class F>
constexpr void unrolled(F const& f) {
  [&]<int... K>(std::integer_sequence<int, K...>) constexpr { (f(std::integral_constant<int, K>{}), ...); }(std::make_integer_sequence<int, n>{});
}

/// A slot's elements, or the number itself, or what elements are computed from.
struct DeviceSlot {
  void const* data;
  std::int64_t stride[max_rank];
  bool wide = false;  ///< neighbours may be read and written 16 bytes at once: see pack.hpp
  alignas(16) char number[32];
};

/// A loop nest with `N` slots.
template <int N>
struct DeviceLoop {
  int rank;
  bool narrow;  ///< positions are counted in 32 bits: a GPU divides such numbers several times faster
  std::int64_t extent[max_rank];
  DeviceSlot slot[N > 0 ? N : 1];

  std::int64_t total() const {
    std::int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= extent[d];
    return n;
  }
  /// index / divisor, for positions of this loop.
  constexpr std::int64_t quotient(std::int64_t index, std::int64_t divisor) const {
    if (narrow) return static_cast<std::int64_t>(static_cast<std::uint32_t>(index) / static_cast<std::uint32_t>(divisor));
    return index / divisor;
  }
  /// Calls move(d, place) for the dimensions in `mask` with the place along each that position `index` has, counted in
  /// row-major order over these dimensions.
  template <class Move>
  constexpr void locate(std::int64_t index, unsigned mask, Move const& move) const {
    if (narrow) locate_in<std::uint32_t>(static_cast<std::uint32_t>(index), mask, move);
    else locate_in<std::int64_t>(index, mask, move);
  }

 private:
  template <class Index, class Move>
  constexpr void locate_in(Index index, unsigned mask, Move const& move) const {
    WICK_ROLLED for (int d = rank - 1; d >= 0; --d) {
      if (!(mask >> d & 1)) continue;
      if (!(mask & ((1u << d) - 1))) return move(d, static_cast<std::int64_t>(index));  // the outermost: nothing to divide
      auto const here = static_cast<Index>(extent[d]), next = static_cast<Index>(index / here);
      move(d, static_cast<std::int64_t>(index - next * here));
      index = next;
    }
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
    using Base = base_t<T>;
    if constexpr (ElementTraits<T>::planes == 1)
      return static_cast<T const*>(loop->slot[I].data)[offset[I]];
    else
      return ElementTraits<T>::template gather<Base>(
          [&]<int P>(std::integral_constant<int, P>) constexpr { return static_cast<Base const*>(loop->slot[I + P].data)[offset[I + P]]; });
  }
  template <class T, int I>
  constexpr compute_t<T> number() const {
    using Base = base_t<T>;
    if constexpr (ElementTraits<T>::planes == 1)
      return *reinterpret_cast<compute_t<T> const*>(loop->slot[I].number);
    else
      return ElementTraits<T>::template gather<Base>(
          [&]<int P>(std::integral_constant<int, P>) constexpr { return *reinterpret_cast<Base const*>(loop->slot[I + P].number); });
  }
  template <class G, int I>
  constexpr auto generated() const {
    return static_cast<compute_t<typename G::value_type>>(G::element(*reinterpret_cast<typename G::Source const*>(loop->slot[I].number), offset[I]));
  }

  /// Moves to position `index` of the dimensions in `mask`, counted in row-major order; along the others it stays.
  constexpr void seek(std::int64_t index, unsigned mask) {
    loop->locate(index, mask, [this](int d, std::int64_t at) constexpr { advance(d, at); });
  }
  /// Moves `steps` along one dimension.
  constexpr void advance(int dimension, std::int64_t steps) {
    unrolled<N>([&](auto s) constexpr { offset[s] += steps * loop->slot[s].stride[dimension]; });
  }
};

/// The loop over a formula's slots (of which the first S::slot_count are described by S) as a device takes it. Numbers are copied.
template <class S, int N>
DeviceLoop<N> device_loop(Loop const& loop) {
  DeviceLoop<N> result;
  result.rank = std::max(loop.rank, 1);  // a single position lies along a dimension, too
  if (loop.rank == 0) result.extent[0] = 1;
  for (int d = 0; d < loop.rank; ++d) result.extent[d] = loop.extent[d];
  result.narrow = loop.total() < (std::int64_t{1} << 31);
  for (int s = 0; s < N; ++s) {
    DeviceSlot& to = result.slot[s];
    to.data = loop.slot_data[s].data;
    if (loop.rank == 0) to.stride[0] = 0;
    for (int d = 0; d < loop.rank; ++d) to.stride[d] = loop.slot_data[s].stride[d];
    if (s >= S::slot_count) continue;
    SlotType const& type = slot_types<S, void>[static_cast<std::size_t>(s)];
    if (type.describe) type.describe(to.data, to.number);
    else if (type.number) std::memcpy(to.number, to.data, static_cast<std::size_t>(type.element_size));
  }
  return result;
}

/// Drops dimensions of extent 1 from a loop and joins neighbours that lie together in all slots and of which both or none
/// stand in `mask`, which is changed accordingly.
inline void join_dimensions(Loop& loop, unsigned& mask) {
  auto const drop = [&](int axis) {
    detail::drop_dimension(loop, axis);
    unsigned const low = mask & ((1u << axis) - 1);
    mask = low | (mask >> (axis + 1) << axis);
  };
  for (int d = loop.rank - 1; d >= 0; --d)
    if (loop.extent[d] == 1) drop(d);
  for (int d = loop.rank - 2; d >= 0; --d) {
    bool joins = (mask >> d & 1) == (mask >> (d + 1) & 1);
    for (int s = 0; s < loop.count && joins; ++s)
      joins = loop.slot_data[s].stride[d] == loop.slot_data[s].stride[d + 1] * loop.extent[d + 1];
    if (!joins) continue;
    loop.extent[d + 1] *= loop.extent[d];
    drop(d);
  }
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
