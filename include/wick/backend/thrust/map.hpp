// SPDX-License-Identifier: MIT
// Elementwise formulas on devices: a thread for each element, or for 16 bytes of neighbours.
#pragma once

#include <wick/backend/thrust/policy.hpp>
#include <wick/backend/thrust/position.hpp>
#include <wick/expr/materialize.hpp>

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Bytes of the elements of each slot of S, then of the result; 0 for numbers and generated elements.
template <class S, class Result>
inline constexpr auto element_sizes = [] {
  std::array<int, static_cast<std::size_t>(S::slots + 1)> size{};
  for (int s = 0; s < S::slots; ++s) {
    SlotType const& type = slot_types<S, void>[static_cast<std::size_t>(s)];
    size[static_cast<std::size_t>(s)] = type.number || type.computed ? 0 : static_cast<int>(type.element_size);
  }
  size[static_cast<std::size_t>(S::slots)] = static_cast<int>(sizeof(Result));
  return size;
}();
/// False when a formula's operands are compound numbers, which lie in planes.
template <class S>
inline constexpr bool plain_slots = true;
template <class T>
inline constexpr bool plain_slots<Leaf<T>> = ElementTraits<T>::planes == 1;
template <class T>
inline constexpr bool plain_slots<Number<T>> = ElementTraits<T>::planes == 1;
template <class Op, class... Args>
inline constexpr bool plain_slots<Apply<Op, Args...>> = (plain_slots<Args> && ...);

/// How many neighbours a thread takes: 16 bytes of the largest elements.
template <class S, class Result>
inline constexpr int pack_of = [] {
  int largest = 1;
  for (int size : element_sizes<S, Result>) largest = size > largest ? size : largest;
  return largest > 16 ? 1 : 16 / largest;
}();

/// out = S at one position.
template <class S, class Result>
struct MapElement {
  static constexpr int planes = ElementTraits<Result>::planes, count = S::slots + planes;
  DeviceLoop<count> loop;

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<count> frame{&loop, {}};
    frame.seek(index, ~0u);
    if constexpr (planes == 1)
      at<0>(frame) = static_cast<Result>(evaluate<S, Result, 0>(frame));
    else
      ElementTraits<Result>::scatter(evaluate<S, Result, 0>(frame), [&](int p, auto const& part) constexpr {
        unrolled<planes>([&](auto plane) constexpr {
          if (plane == p) at<plane>(frame) = part;
        });
      });
  }
  template <int plane>
  constexpr base_t<Result>& at(PositionFrame<count> const& frame) const {
    return static_cast<base_t<Result>*>(const_cast<void*>(loop.slot[S::slots + plane].data))[frame.offset[S::slots + plane]];
  }
};

/// out = S at `V` neighbouring positions.
template <class S, class Result>
struct MapPack {
  static constexpr int count = S::slots + 1, V = pack_of<S, Result>;
  DeviceLoop<count> loop;
  std::int64_t along;  ///< packs along the innermost dimension

  constexpr void operator()(std::int64_t index) const {
    PackFrame<count, V> frame{&loop, {}, {}, 0};
    int const inner = loop.rank - 1;
    std::int64_t at = index;
    if (inner > 0) {
      std::int64_t const row = loop.narrow ? static_cast<std::int64_t>(static_cast<std::uint32_t>(index) / static_cast<std::uint32_t>(along)) : index / along;
      at = index - row * along;
      loop.locate(row, (1u << inner) - 1, [&](int d, std::int64_t place) constexpr { frame.advance(d, place); });
    }
    frame.advance(inner, at * V);
    auto* const out = static_cast<Result*>(const_cast<void*>(loop.slot[S::slots].data)) + frame.offset[S::slots];
    std::int64_t const left = loop.extent[inner] - at * V;
    if (left < V) {  // the end of a single line
      PositionFrame<count> single{&loop, {}};
      single.advance(inner, at * V);
      for (std::int64_t k = 0; k < left; ++k) {
        out[k] = static_cast<Result>(evaluate<S, Result, 0>(single));
        single.advance(inner, 1);
      }
      return;
    }
    unrolled<S::slots>([&](auto s) constexpr { frame.template fetch<s, element_sizes<S, Result>[static_cast<std::size_t>(int{s})]>(); });
    struct alignas(V * sizeof(Result)) Values {
      Result value[V];
    } values;
    unrolled<V>([&](auto k) constexpr {
      frame.k = k;
      values.value[k] = static_cast<Result>(evaluate<S, Result, 0>(frame));
    });
    *reinterpret_cast<Values*>(out) = values;
  }
};

/// target = f, both on `device`.
template <class T, class F>
void run_map(Device device, base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f) {
  using S = structure_t<F>;
  constexpr int count = S::slots + ElementTraits<T>::planes;
  if constexpr (detail::is_copy<F, T>) {
    LeafData const from = leaf_data(f);
    if (target.contiguous && from.layout->contiguous && from.layout->shape == target.shape)
      return core::copy_bytes(data, device, from.data, device, static_cast<std::size_t>(target.numel()) * sizeof(T));
  }
  detail::Slots<count> slots;
  detail::plain_loop<T>(slots, data, plane_stride, target, f);
  Loop const& loop = slots.loop;
  std::int64_t const total = loop.total();
  if (total == 0) return;
  if constexpr (count == S::slots + 1 && plain_slots<S> && pack_of<S, T> > 1) {
    constexpr int V = pack_of<S, T>;
    if (packs<V>(loop, element_sizes<S, T>)) {
      std::int64_t const inner = loop.extent[loop.rank - 1], along = (inner + V - 1) / V;
      return for_each_position(device, total / inner * along, MapPack<S, T>{device_loop<S, S::slots + 1>(loop), along});
    }
  }
  for_each_position(device, total, MapElement<S, T>{device_loop<S, count>(loop)});
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
