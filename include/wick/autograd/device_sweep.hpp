// SPDX-License-Identifier: MIT
// The backward pass of a statement on a device: one kernel for the gradients of operands that have an element for each
// position, and one for each operand that was broadcast, which sums up.
#pragma once

#include <wick/autograd/device_row_sweep.hpp>

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// One position of the sweep, for all targets in `mask`.
template <class K>
struct SweepElement {
  DeviceLoop<K::inputs> loop;
  DeviceTarget target[K::outputs];
  unsigned mask;

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
/// Neighbouring positions of a sweep over one line, 16 bytes of each gradient at once.
template <class K, class C>
struct SweepPack {
  static constexpr int V = 16 / static_cast<int>(sizeof(C)), N = K::inputs;
  SweepElement<K> all;

  static constexpr auto sizes = [] {
    std::array<int, static_cast<std::size_t>(N)> size{};
    for (int s = 0; s < N; ++s) {
      SlotType const& type = K::in_types[static_cast<std::size_t>(s)];
      size[static_cast<std::size_t>(s)] = type.number || type.computed ? 0 : static_cast<int>(type.element_size);
    }
    return size;
  }();
  constexpr void operator()(std::int64_t index) const {
    DeviceLoop<N> const& loop = all.loop;
    std::int64_t const first = index * V;
    if (loop.extent[0] - first < V) {
      for (std::int64_t i = first; i < loop.extent[0]; ++i) all(i);
      return;
    }
    PackFrame<N, V> frame{&loop, {}, {}, 0};
    frame.advance(0, first);
    unrolled<N>([&](auto s) constexpr { frame.template fetch<s, sizes[static_cast<std::size_t>(int{s})]>(); });
    C term[K::outputs][V] = {};
    unrolled<V>([&](auto k) constexpr {
      frame.k = k;
      K::step(frame, PackSink<V, C>{term, k});
    });
    struct alignas(16) Values {
      C value[V];
    };
    // A variable that stands twice has two targets in one place: the second adds to what the first has stored.
    unrolled<K::outputs>([&](auto o) constexpr {
      if (!(all.mask >> o & 1)) return;
      auto* const to = reinterpret_cast<Values*>(static_cast<C*>(all.target[o].data) + first);
      Values sum{};
      if (!all.target[o].fresh) sum = *to;
      unrolled<V>([&](auto k) constexpr { sum.value[k] = sum.value[k] + term[o][k]; });
      *to = sum;
    });
  }
  /// True when the loop is one line whose operands and targets may be read and written 16 bytes at once.
  static bool fits(Loop const& loop) {
    if (loop.rank != 1) return false;
    auto const aligned = [](SlotData const& slot) { return reinterpret_cast<std::uintptr_t>(slot.data) % 16 == 0; };
    for (int s = 0; s < loop.count; ++s) {
      SlotData const& slot = loop.slots[s];
      bool const target = s >= N;
      if (target ? slot.data && (slot.stride[0] != 1 || !aligned(slot))
                 : sizes[static_cast<std::size_t>(s)] > static_cast<int>(sizeof(C)) || (slot.stride[0] != 0 && (slot.stride[0] != 1 || !aligned(slot))))
        return false;
    }
    return true;
  }
};

/// The adjoints of target `which`, summed over the positions that share one of its elements.
template <class K, class C>
struct SweepTerm {
  using Result = C;
  DeviceLoop<K::inputs> loop;
  DeviceTarget target;
  int which;
  TermWalk<K::inputs> walk;

  constexpr Result identity() const { return Result(0); }
  constexpr Result combine(Result const& a, Result const& b) const { return a + b; }
  constexpr auto start(std::int64_t result) const { return walk.start(loop, result); }
  constexpr Result at(PositionFrame<K::inputs> const& started, std::int64_t element) const {
    Result total = 0;
    K::step(walk.at(started, element), TotalSink<Result>{which, &total});
    return total;
  }
  constexpr void put(std::int64_t result, Result total) const { add_total(loop, target, walk.reduced, result, total); }
};

/// Runs the backward kernels of an elementwise formula or of a reduction of one; `loop` holds K's inputs, then its targets.
template <class K, class S, class F>
void run_sweep_kernels(Device device, F const& saved, Loop const& loop) {
  constexpr int inputs = K::inputs, outputs = K::outputs;
  using C = compute_t<typename K::T>;
  unsigned each = 0;
  SomeSlots<inputs + outputs> line(loop);
  for (int o = 0; o < outputs; ++o) {
    SlotData& slot = line.data[inputs + o];
    if (slot.data && !broadcast_mask(loop, slot)) {
      each |= 1u << o;
    } else {
      slot.data = nullptr;
      std::fill_n(slot.stride, max_rank, 0);
    }
  }
  if (each) {
    unsigned none = 0;
    join_dimensions(line.loop, none);
    SweepElement<K> element{device_loop<S, inputs>(line.loop), {}, each};
    for (int o = 0; o < outputs; ++o) set_target(element.target[o], line.loop, line.data[inputs + o]);
    bool packed = false;
    if constexpr (detail::gradients_in_lane<S, C>) {
      using Pack = SweepPack<K, C>;
      if (Pack::fits(line.loop)) {
        for_each_position(device, (line.loop.extent[0] + Pack::V - 1) / Pack::V, Pack{element});
        packed = true;
      }
    }
    if (!packed) for_each_position(device, line.loop.total(), element);
  }
  each_target(saved, [&]<class U>(int o, auto const&) {
    if (!loop.slots[inputs + o].data || each >> o & 1) return;
    SomeSlots<inputs + 1> here(loop);
    here.data[inputs] = loop.slots[inputs + o];
    sum_into<S, inputs>(device, here.loop, [&](auto const& terms, DeviceTarget const& target, unsigned mask) {
      return SweepTerm<K, compute_t<U>>{terms, target, o, TermWalk<inputs>(mask)};
    });
  });
}

}  // namespace backend::thrust_

namespace backend::device {

template <class K, class S, class F, class T, class Needed>
void sweep(tape::Propagation& pass, F const& saved, Dims const& shape, Needed const& needed, Tensor<T> const& seed,
           Layout const& seed_layout, Tensor<T> const& result, int row) {
  if constexpr (ElementTraits<T>::planes != 1) {
    fail("backward: compound numbers (duals) do not run on ", seed.device(), " yet");
  } else {
    core::current_statement = "backward";
    constexpr int inputs = K::inputs, outputs = K::outputs;
    detail::Slots<inputs + outputs> slots;
    slots.open(shape, inputs + outputs);
    SlotData* next = fill_slots(saved, shape, slots.data);
    next = detail::fill_leaf({seed.data(), &seed_layout}, sizeof(T), 1, shape, next);
    if constexpr (inputs > S::slots + 1) detail::fill_leaf({result.data(), &seed_layout}, sizeof(T), 1, shape, next);
    detail::note_operands(saved);
    core::note_use(seed.storage().block());
    core::note_use(result.storage().block());
    for (int s = 0; s < S::slots; ++s) {
      if (needed[static_cast<std::size_t>(s)]) continue;
      slots.data[s].data = seed.storage().elements();  // any memory that suits every type will do: what is read is not used
      std::fill_n(slots.data[s].stride, shape.size(), 0);
    }
    detail::WideGradients wide;
    thrust_::open_targets(pass, saved, shape, seed.device(), wide, slots.data + inputs);
    if (shape.numel() > 0) {
      if constexpr (requires { typename K::Folds; }) thrust_::run_row_sweep<K, S>(seed.device(), slots.loop, row);
      else thrust_::run_sweep_kernels<K, S>(seed.device(), saved, slots.loop);
    }
    wide.add_to_nodes(pass);
  }
}

}  // namespace backend::device
}  // namespace wick::inline WICK_ISA
