// SPDX-License-Identifier: MIT
// The backward pass of a statement on a device: one kernel for the gradients of operands that have an element for each
// position, and one for each operand that was broadcast, which sums up.
#pragma once

#include <wick/autograd/device_row_sweep.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

template <class T>
inline constexpr bool plain_slots<Active<T>> = ElementTraits<T>::planes == 1;

/// One position of the sweep, for all targets in `mask`.
template <class K>
struct SweepElement {
  DeviceLoop<K::inputs> loop;
  DeviceTarget target[K::outputs];
  TargetMask<K::outputs> mask;

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<K::inputs> frame{&loop, {}};
    std::int64_t offset[K::outputs] = {};
    loop.locate(index, ~0u, [&](int d, std::int64_t at) constexpr {
      frame.advance(d, at);
      unrolled<K::outputs>([&](auto o) constexpr { offset[o] += at * target[o].stride[d]; });
    });
    K::step(frame, PositionSink<K::outputs>{target, offset, mask});
  }
};

/// Keeps what the positions of a pack give to each target, all of type C.
template <int V, class C>
struct PackSink {
  C (*term)[V];
  int k;

  template <class T, int O>
  constexpr void add(auto const& adjoint) const { term[O][k] = static_cast<C>(static_cast<T>(adjoint)); }
  template <class T, int O>
  constexpr void add_nothing(int) const {}
};
/// V neighbouring positions of a sweep along the innermost dimension, for targets that are all of type C.
template <class K, class S, class C>
struct SweepPack {
  static constexpr int N = K::inputs;
  using Sizes = SlotSizes<S, N, base_t<typename K::T>, C>;
  static constexpr int V = Sizes::V;
  DeviceLoop<N> loop;
  std::int64_t along;  ///< packs along the innermost dimension
  DeviceTarget target[K::outputs];
  TargetMask<K::outputs> mask;

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<N> start{&loop, {}};
    std::int64_t offset[K::outputs] = {};
    int const inner = loop.rank - 1;
    if (inner > 0) {
      std::int64_t const line = loop.quotient(index, along);
      loop.locate(line, (1u << inner) - 1, [&](int d, std::int64_t at) constexpr {
        start.advance(d, at);
        unrolled<K::outputs>([&](auto o) constexpr { offset[o] += at * target[o].stride[d]; });
      });
      index -= line * along;
    }
    PackFrame<N, Sizes> frame;
    frame.template read<N>(start, inner, index * V);
    C term[K::outputs][V] = {};
    WICK_UNROLLED for (int k = 0; k < V; ++k) {
      frame.k = k;
      K::step(frame, PackSink<V, C>{term, k});
    }
    // A variable that stands twice has two targets in one place: the second adds to what the first has stored.
    unrolled<K::outputs>([&](auto o) constexpr {
      if (mask >> o & 1) target[o].template add<V>(frame, offset[o], term[o]);
    });
  }
};

/// The adjoints of target `which`, summed over the positions that share one of its elements.
template <class K, class S, class C>
struct SweepTerm {
  static constexpr int N = K::inputs;
  using Result = C;
  static constexpr bool plain = plain_slots<S> && ElementTraits<typename K::T>::planes == 1;
  using Sizes = std::conditional_t<plain, SlotSizes<S, N, base_t<typename K::T>>, void>;
  using Frame = std::conditional_t<plain, PackFrame<N, Sizes>, SingleFrame<N>>;
  DeviceLoop<N> loop;
  DeviceTarget target[ElementTraits<C>::planes];
  int which;
  TermWalk<N, Frame::V> walk;

  constexpr Result identity() const { return Result(0); }
  constexpr Result combine(Result const& a, Result const& b) const { return a + b; }
  constexpr auto start(std::int64_t result) const { return walk.start(loop, result); }
  constexpr void read(Frame& frame, PositionFrame<N> const& started, std::int64_t pack) const { walk.template read<N>(frame, started, pack); }
  constexpr Result at(Frame const& frame) const {
    Result total = 0;
    K::step(frame, TotalSink<Result>{which, &total});
    return total;
  }
  constexpr void put(std::int64_t result, Result total) const { add_total(loop, target, walk.reduced, result, total); }
};

/// Runs the backward kernels of an elementwise formula or of a reduction of one; `loop` holds K's inputs, then its targets.
template <class K, class S, class F>
void run_sweep_kernels(Device device, F const& saved, Loop const& loop) {
  constexpr int inputs = K::inputs, outputs = K::outputs;
  using C = compute_t<typename K::T>;
  TargetMask<outputs> each = 0;
  SomeSlots<inputs + outputs> line(loop);
  for (int o = 0; o < outputs; ++o) {
    SlotData& slot = line.data[inputs + o];
    if (slot.data && !broadcast_mask(loop, slot)) {
      each |= TargetMask<outputs>{1} << o;
    } else {
      slot.data = nullptr;
      std::fill_n(slot.stride, max_rank, 0);
    }
  }
  if (each) {
    unsigned none = 0;
    join_dimensions(line.loop, none);
    auto const on_device = device_loop<S, inputs>(line.loop);
    int const inner = on_device.rank - 1;
    DeviceTarget target[outputs];
    for (int o = 0; o < outputs; ++o) set_target(target[o], line.loop, line.data[inputs + o]);
    if constexpr (plain_slots<S> && detail::gradients_in_lane<S, C>) {
      using Pack = SweepPack<K, S, C>;
      std::int64_t const along = packs_of<Pack::V>(on_device.extent[inner]);
      Pack pack{with_wide_slots<typename Pack::Sizes>(on_device, inner), along, {}, each};
      for (int o = 0; o < outputs; ++o) pack.target[o] = wide_target<Pack::V>(target[o], pack.loop, inner, sizeof(C));
      for_each_position(device, line.loop.total() / on_device.extent[inner] * along, pack);
    } else {
      SweepElement<K> element{on_device, {}, each};
      std::copy_n(target, outputs, element.target);
      for_each_position(device, line.loop.total(), element);
    }
  }
  each_target(saved, [&]<class U>(int o, auto const&) {
    if (!loop.slot_data[inputs + o].data || each >> o & 1) return;
    constexpr int planes = ElementTraits<U>::planes;
    SomeSlots<inputs + planes> here(loop);
    std::copy_n(loop.slot_data + inputs + o, planes, here.data + inputs);
    using Term = SweepTerm<K, S, compute_t<U>>;
    sum_into<S, inputs, typename Term::Sizes>(device, here.loop, [&](auto const& terms, unsigned mask) {
      return Term{terms, {}, o, {terms, mask}};
    });
  });
}

}  // namespace backend::thrust_

namespace backend::device {

template <class K, class S, class F, class T, class Needed>
void sweep(tape::Propagation& pass, F const& saved, Dims const& shape, Needed const& needed, Tensor<T> const& seed,
           Layout const& seed_layout, Tensor<T> const& result, int row) {
  core::current_statement = "backward";
  constexpr int inputs = K::inputs, outputs = K::outputs, planes = ElementTraits<T>::planes;
  detail::Slots<inputs + outputs> slot_data;
  slot_data.open(shape, inputs + outputs);
  SlotData* next = fill_slots(saved, shape, slot_data.data);
  next = detail::fill_leaf({seed.data(), &seed_layout, seed.plane_stride()}, sizeof(base_t<T>), planes, shape, next);
  if constexpr (inputs > S::slot_count + planes)
    detail::fill_leaf({result.data(), &seed_layout, result.plane_stride()}, sizeof(base_t<T>), planes, shape, next);
  detail::note_operands(saved);
  core::note_use(seed.storage().block());
  core::note_use(result.storage().block());
  for (int s = 0; s < S::slot_count; ++s) {
    if (needed[static_cast<std::size_t>(s)]) continue;
    slot_data.data[s].data = seed.storage().elements();  // any memory that suits every type will do: what is read is not used
    std::fill_n(slot_data.data[s].stride, shape.size(), 0);
  }
  detail::WideGradients wide;
  thrust_::open_targets(pass, saved, shape, seed.device(), wide, slot_data.data + inputs);
  if (shape.numel() > 0) {
    if constexpr (requires { typename K::Folds; }) thrust_::run_row_sweep<K, S>(seed.device(), slot_data.loop, row);
    else thrust_::run_sweep_kernels<K, S>(seed.device(), saved, slot_data.loop);
  }
  wide.add_to_nodes(pass);
}

}  // namespace backend::device
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
