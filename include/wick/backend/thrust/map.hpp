// SPDX-License-Identifier: MIT
// Elementwise formulas on devices: a thread for 16 bytes of neighbours.
#pragma once

#include <wick/backend/thrust/pack.hpp>
#include <wick/backend/thrust/policy.hpp>
#include <wick/expr/materialize.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// out = S at one position, for compound numbers.
template <class S, class Result>
struct MapElement {
  static constexpr int planes = ElementTraits<Result>::planes, count = S::slot_count + planes;
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
    return static_cast<base_t<Result>*>(const_cast<void*>(loop.slot[S::slot_count + plane].data))[frame.offset[S::slot_count + plane]];
  }
};

/// out = S at V neighbouring positions along the innermost dimension.
template <class S, class Result>
struct MapPack {
  using Sizes = SlotSizes<S, S::slot_count + 1, Result>;
  static constexpr int count = S::slot_count + 1, V = Sizes::V;
  DeviceLoop<count> loop;
  std::int64_t along;  ///< packs along the innermost dimension

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<count> start{&loop, {}};
    int const inner = loop.rank - 1;
    if (inner > 0) {
      std::int64_t const line = loop.quotient(index, along);
      start.seek(line, (1u << inner) - 1);
      index -= line * along;
    }
    PackFrame<count, Sizes> frame;
    frame.template read<S::slot_count>(start, inner, index * V);
    Result value[V];
    WICK_UNROLLED for (int k = 0; k < V; ++k) {
      frame.k = k;
      value[k] = static_cast<Result>(evaluate<S, Result, 0>(frame));
    }
    frame.template write<S::slot_count>(value);
  }
};

/// target = f, both on `device`.
template <class T, class F>
void run_map(Device device, base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f) {
  using S = structure_t<F>;
  constexpr int count = S::slot_count + ElementTraits<T>::planes;
  if constexpr (detail::is_copy<F, T>) {
    LeafData const from = leaf_data(f);
    if (target.contiguous && from.layout->contiguous && from.layout->shape == target.shape)
      return core::copy_bytes(data, device, from.data, device, static_cast<std::size_t>(target.numel()) * sizeof(T));
  }
  detail::Slots<count> slot_data;
  detail::plain_loop<T>(slot_data, data, plane_stride, target, f);
  Loop const& loop = slot_data.loop;
  std::int64_t const total = loop.total();
  if (total == 0) return;
  if constexpr (count == S::slot_count + 1 && plain_slots<S>) {
    using Pack = MapPack<S, T>;
    auto const on_device = device_loop<S, count>(loop);
    std::int64_t const inner = on_device.extent[on_device.rank - 1], along = packs_of<Pack::V>(inner);
    for_each_position(device, total / inner * along, Pack{with_wide_slots<typename Pack::Sizes>(on_device, on_device.rank - 1), along});
  } else {
    for_each_position(device, total, MapElement<S, T>{device_loop<S, count>(loop)});
  }
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
