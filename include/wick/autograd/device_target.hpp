// SPDX-License-Identifier: MIT
// Where a backward pass on a device puts gradients.
#pragma once

#include <wick/autograd/propagate.hpp>
#include <wick/backend/thrust/element_kernels.hpp>
#include <wick/backend/thrust/loop.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Where the gradient of one operand goes, or a plane of it.
struct DeviceTarget {
  void* data = nullptr;  ///< null: nobody wants it
  std::int64_t stride[max_rank];
  bool fresh = false;    ///< its old contents do not count
  bool wide = false;     ///< neighbours may be read and written 16 bytes at once

  /// Adds the terms of a frame's positions to the elements that they belong to; `offset` is that of place 0.
  template <int V, class T>
  constexpr void add(auto const& frame, std::int64_t offset, T (&term)[V]) const {
    T* const to = static_cast<T*>(data) + offset;
    std::int64_t const step = stride[frame.axis];
    if (!fresh) {
      alignas(16) T old[V];
      if (wide && frame.valid == V) {
        copy_chunk<static_cast<int>(sizeof(T)), V>(old, to + frame.first);
      } else {
        WICK_UNROLLED for (int e = 0; e < V; ++e) old[e] = to[(frame.first + (e < frame.valid ? e : frame.valid - 1)) * step];
      }
      WICK_UNROLLED for (int e = 0; e < V; ++e) term[e] = old[e] + term[e];
    }
    frame.store(to, frame.first, step, wide, term);
  }
};

/// Adds a term to the element at `offset` of a gradient; one of compound numbers has a target for each plane.
template <class T>
constexpr void add_term(DeviceTarget const* target, std::int64_t offset, T const& term) {
  if constexpr (ElementTraits<T>::planes == 1) {
    T& to = static_cast<T*>(target->data)[offset];
    to = target->fresh ? term : static_cast<T>(to + term);
  } else {
    ElementTraits<T>::scatter(term, [&](int plane, auto const& part) constexpr { add_term(target + plane, offset, part); });
  }
}

/// A bit for each of N targets.
template <int N>
using TargetMask = std::conditional_t<(N > 32), std::uint64_t, std::uint32_t>;

/// Adds adjoints to the targets in `mask`, each of which has an element of its own at every position.
template <int N>
struct PositionSink {
  using takes_compound = void;
  DeviceTarget const* target;
  std::int64_t const* offset;
  TargetMask<N> mask;

  template <class T, int O>
  constexpr void add(auto const& adjoint) const {
    if (mask >> O & 1) add_term(target + O, offset[O], static_cast<T>(adjoint));
  }
  template <class T, int O>
  constexpr void add_nothing(int plane) const {
    int const o = O + plane;
    if ((mask >> o & 1) && target[o].fresh) static_cast<T*>(target[o].data)[offset[o]] = T(0);
  }
};
/// Sums up the adjoints of target `which`.
template <class T>
struct TotalSink {
  using takes_compound = void;
  int which;
  T* total;

  template <class U, int O>
  constexpr void add(auto const& adjoint) const {
    if constexpr (std::is_same_v<U, T>)
      if (O == which) *total = static_cast<T>(*total + static_cast<T>(adjoint));
  }
  template <class U, int O>
  constexpr void add_nothing(int) const {}
  template <class F>
  constexpr void gather(auto const&) const {}
};

/// The dimensions of a loop along which a slot stays in place.
inline unsigned broadcast_mask(Loop const& loop, SlotData const& slot) {
  unsigned mask = 0;
  for (int d = 0; d < loop.rank; ++d)
    if (slot.stride[d] == 0 && loop.extent[d] > 1) mask |= 1u << d;
  return mask;
}

/// Calls visit<U>(o, leaf) for the operands that can have a gradient, U being their element type, o their first target.
template <class F, class Visit>
void each_target(F const& saved, Visit const& visit) {
  int o = 0;
  visit_leaves(saved, [&]<class Kept>(Kept const& leaf) {
    if constexpr (detail::is_saved<Kept>) {
      using U = value_t<Kept>;
      if constexpr (!std::is_integral_v<U>) {
        visit.template operator()<U>(o, leaf);
        o += ElementTraits<U>::planes;
      }
    }
  });
}

/// Opens the gradients that a backward pass adds to, as slots of a loop over `shape`; those that nobody wants have no data.
/// Where the loop has no positions, nothing will be added: gradients of operands that were broadcast are 0.
template <class F>
void open_targets(tape::Propagation& pass, F const& saved, Dims const& shape, Device device, detail::WideGradients& wide, SlotData* slot_data) {
  each_target(saved, [&]<class U>(int o, auto const& leaf) {
    constexpr int planes = ElementTraits<U>::planes;
    for (int p = o; p < o + planes; ++p) {
      slot_data[p].data = nullptr;
      std::fill_n(slot_data[p].stride, max_rank, 0);
    }
    auto* const node = leaf.edge.get();
    if (!pass.wants(node)) return;
    auto const open = [&](auto const& gradient, bool fresh) {
      core::note_use(gradient.storage().block());
      using C = compute_t<U>;
      detail::fill_leaf({gradient.data(), &gradient.layout(), gradient.plane_stride()}, sizeof(base_t<C>), planes, shape, slot_data + o);
      for (int p = o; p < o + planes; ++p) slot_data[p].fresh = fresh;
      // No position will write to it.
      if (fresh && shape.numel() == 0)
        compute_into<C>(const_cast<base_t<C>*>(gradient.data()), gradient.plane_stride(), gradient.layout(), Scalar<C>{C(0)}, device);
    };
    if constexpr (Half<U>) {
      open(std::as_const(wide.open(pass, *node, device)), true);
    } else {
      pass.reach(*node);
      bool const fresh = !node->has_gradient;
      if (fresh) node->gradient = Tensor<U>(Tensor<U>::uninitialized, node->shape, device);
      else node->gradient.own();
      node->has_gradient = true;
      open(std::as_const(node->gradient), fresh);
    }
  });
}

inline void set_target(DeviceTarget& target, Loop const& loop, SlotData const& slot) {
  target.data = const_cast<void*>(slot.data);
  target.fresh = slot.fresh;
  if (loop.rank == 0) target.stride[0] = 0;
  for (int d = 0; d < loop.rank; ++d) target.stride[d] = slot.stride[d];
}
/// A target that knows whether its elements of `bytes` may be read and written V at a time along `axis`.
template <int V, int N>
DeviceTarget wide_target(DeviceTarget target, DeviceLoop<N> const& loop, int axis, std::size_t bytes) {
  target.wide = target.data && is_wide<V>(loop, target.data, target.stride, axis, static_cast<int>(bytes));
  return target;
}

/// Adds a total to the element of a target that belongs to result `index`.
template <class T, int N>
constexpr void add_total(DeviceLoop<N> const& loop, DeviceTarget const* target, unsigned summed, std::int64_t index, T const& total) {
  std::int64_t offset = 0;
  loop.locate(index, ~summed, [&](int d, std::int64_t at) constexpr { offset += at * target->stride[d]; });
  add_term(target, offset, total);
}

/// A loop over some of another's slots.
template <int N>
struct SomeSlots : detail::Slots<N> {
  explicit SomeSlots(Loop const& from) {
    this->open(Dims(), N);
    this->loop.rank = from.rank;
    std::copy_n(from.extent, from.rank, this->loop.extent);
    std::copy_n(from.slot_data, std::min(N, from.count), this->data);
  }
};

/// Runs a fold of adjoints into the slots of `loop` from number N on (one, or the planes of a compound number), the others
/// being what they are computed from, of these Sizes (void: compound numbers stand among them); makes the fold's terms by
/// make(device loop, mask of what is summed).
template <class S, int N, class Sizes, class Make>
void sum_into(Device device, Loop& loop, Make const& make) {
  SlotData const& slot = loop.slot_data[N];
  unsigned summed = broadcast_mask(loop, slot);
  join_dimensions(loop, summed);
  std::int64_t results = 1;
  for (int d = 0; d < loop.rank; ++d)
    if (!(summed >> d & 1)) results *= loop.extent[d];
  auto on_device = device_loop<S, N>(loop);
  if constexpr (!std::is_void_v<Sizes>) on_device = with_wide_slots<Sizes>(on_device, std::bit_width(summed) - 1);
  auto term = make(on_device, summed);
  for (SlotData const* plane = &slot; DeviceTarget& target : term.target) set_target(target, loop, *plane++);
  run_fold(device, term, results, term.walk.packs, results_are_neighbours(loop, summed));
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
