// SPDX-License-Identifier: MIT
// The backward pass of a statement on a device: one kernel for the gradients of operands that have an element for each
// position, and one for each operand that was broadcast, with a thread for each of its elements.
#pragma once

#include <wick/autograd/propagate.hpp>
#include <wick/backend/thrust/loop.hpp>

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Where the gradient of one operand goes.
struct DeviceTarget {
  void* data = nullptr;  ///< null: nobody wants it
  std::int64_t stride[max_rank];
  bool fresh = false;    ///< its old contents do not count
};

/// Adds adjoints to the targets in `mask`, each of which has an element of its own at every position.
template <int N>
struct PositionSink {
  DeviceTarget const* target;
  std::int64_t const* offset;
  unsigned mask;

  template <class T, int O>
  constexpr void add(auto const& adjoint) const {
    if (!(mask >> O & 1)) return;
    T& to = static_cast<T*>(target[O].data)[offset[O]];
    to = target[O].fresh ? static_cast<T>(adjoint) : static_cast<T>(to + static_cast<T>(adjoint));
  }
  template <class T, int O>
  constexpr void add_nothing(int) const {
    if ((mask >> O & 1) && target[O].fresh) static_cast<T*>(target[O].data)[offset[O]] = T(0);
  }
};
/// Sums up the adjoints of target `which`.
template <class T>
struct TotalSink {
  int which;
  T* total;

  template <class U, int O>
  constexpr void add(auto const& adjoint) const {
    if (O == which) *total = static_cast<T>(*total + static_cast<T>(adjoint));
  }
  template <class U, int O>
  constexpr void add_nothing(int) const {}
};

/// One position of the sweep, for all targets in `mask`.
template <class K>
struct SweepElement {
  DeviceLoop<K::inputs> loop;
  DeviceTarget target[K::outputs];
  unsigned mask;

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<K::inputs> frame{&loop, {}};
    frame.seek(index, ~0u);
    std::int64_t offset[K::outputs] = {};
    for (int d = loop.rank - 1; d >= 0; --d) {
      std::int64_t const at = index % loop.extent[d];
      index /= loop.extent[d];
      for (int o = 0; o < K::outputs; ++o) offset[o] += at * target[o].stride[d];
    }
    K::step(frame, PositionSink<K::outputs>{target, offset, mask});
  }
};
/// One element of a target that was broadcast along `summed`: the sum over these dimensions.
template <class K, class T>
struct SweepTotal {
  DeviceLoop<K::inputs> loop;
  DeviceTarget target;
  int which;
  unsigned summed;
  std::int64_t terms;

  constexpr void operator()(std::int64_t index) const {
    PositionFrame<K::inputs> start{&loop, {}};
    start.seek(index, ~summed);
    std::int64_t offset = 0;
    for (int d = loop.rank - 1; d >= 0; --d) {
      if (summed >> d & 1) continue;
      offset += index % loop.extent[d] * target.stride[d];
      index /= loop.extent[d];
    }
    T total = 0;
    for (std::int64_t i = 0; i < terms; ++i) {
      PositionFrame<K::inputs> frame = start;
      frame.seek(i, summed);
      K::step(frame, TotalSink<T>{which, &total});
    }
    T& to = static_cast<T*>(target.data)[offset];
    to = target.fresh ? total : static_cast<T>(to + total);
  }
};

}  // namespace backend::thrust_

namespace backend::device {

template <class K, class S, class F, class T, class Needed>
void sweep(tape::Propagation& pass, F const& saved, Dims const& shape, Needed const& needed, Tensor<T> const& seed,
           Layout const& seed_layout, Tensor<T> const& result) {
  using namespace thrust_;
  if constexpr (ElementTraits<T>::planes != 1 || !requires { K::outputs; K::result_slot; }) {
    fail("backward: this statement does not run on ", seed.device(), " yet");
  } else {
    Device const device = seed.device();
    detail::Slots<K::inputs> slots;
    slots.open(shape, K::inputs);
    SlotData* next = fill_slots(saved, shape, slots.data);
    next = detail::fill_leaf({seed.data(), &seed_layout}, sizeof(T), 1, shape, next);
    if constexpr (K::inputs > S::slots + 1) detail::fill_leaf({result.data(), &seed_layout}, sizeof(T), 1, shape, next);
    SweepElement<K> element{device_loop<S, K::inputs>(slots.loop), {}, 0};
    for (int s = 0; s < S::slots; ++s) {
      if (needed[static_cast<std::size_t>(s)]) continue;
      element.loop.slot[s].data = seed.data();  // any memory of the device will do: what is read is not used
      std::fill_n(element.loop.slot[s].stride, shape.size(), 0);
    }

    detail::WideGradients wide;
    unsigned broadcast[K::outputs] = {};
    int o = 0;
    visit_leaves(saved, [&]<class Kept>(Kept const& leaf) {
      if constexpr (detail::is_saved<Kept>) {
        using U = value_t<Kept>;
        if constexpr (!std::is_integral_v<U>) {
          auto* const node = leaf.edge.get();
          DeviceTarget& target = element.target[o++];
          if (!pass.wants(node)) return;
          if constexpr (Half<U>) {
            auto& sum = wide.open(pass, *node, device);
            target.data = const_cast<float*>(std::as_const(sum).data());
            target.fresh = true;
          } else {
            pass.reach(*node);
            target.fresh = !node->has_gradient;
            if (target.fresh) node->gradient = Tensor<U>(Tensor<U>::uninitialized, node->shape, device);
            else node->gradient.own();
            node->has_gradient = true;
            target.data = const_cast<U*>(std::as_const(node->gradient).data());
          }
          Layout const layout = [&] {
            if constexpr (Half<U>) return Layout(node->shape);
            else return node->gradient.layout();
          }();
          SlotData strides;
          detail::broadcast_strides(strides, layout, shape);
          for (int d = 0; d < shape.size(); ++d) {
            target.stride[d] = strides.stride[d];
            if (strides.stride[d] == 0 && shape[d] > 1) broadcast[o - 1] |= 1u << d;
          }
          if (broadcast[o - 1] == 0) element.mask |= 1u << (o - 1);
        }
      }
    });
    if (element.mask) for_each_position(device, shape.numel(), element);
    o = 0;
    visit_leaves(saved, [&]<class Kept>(Kept const&) {
      if constexpr (detail::is_saved<Kept>) {
        using U = value_t<Kept>;
        if constexpr (!std::is_integral_v<U>) {
          int const which = o++;
          DeviceTarget const& target = element.target[which];
          if (!target.data || element.mask >> which & 1) return;
          std::int64_t results = 1, terms = 1;
          for (int d = 0; d < shape.size(); ++d) (broadcast[which] >> d & 1 ? terms : results) *= shape[d];
          for_each_position(device, results, SweepTotal<K, compute_t<U>>{element.loop, target, which, broadcast[which], terms});
        }
      }
    });
    wide.add_to_nodes(pass);
  }
}

}  // namespace backend::device
}  // namespace wick::inline WICK_ISA
