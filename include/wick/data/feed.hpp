// SPDX-License-Identifier: MIT
// Batches on their way to a device: through host memory that the device reads by itself, on a stream of their own, so that
// copies and kernels overlap.
#pragma once

#include <memory>
#include <vector>

#include <wick/data/dataset.hpp>

namespace wick::inline WICK_ISA {
namespace data {
namespace detail {

/// What `f` makes of each tensor of a batch.
template <class B, class F>
B each_tensor(B const& batch, F const& f) {
  if constexpr (is_tensor<B>) {
    return f(batch);
  } else if constexpr (Labelled<B>) {
    return {f(batch.image), f(batch.label)};
  } else if constexpr (TupleLike<B>) {
    return std::apply([&](auto const&... tensor) { return B(f(tensor)...); }, batch);
  } else {
    static_assert(is_tensor<B>, "DataLoader: batches that go to a device are a tensor, a tuple of tensors or a data::Batch");
  }
}

/// Sends batches to a device.
class Feed {
 public:
  /// Throws Error when this program lacks the device.
  explicit Feed(Device device) : device_(device), runtime_(core::device_runtime("DataLoader", device)), stream_(device) {
    for (Slot& slot : slots_) slot.mark = runtime_.make_mark(device.number());
  }
  Feed(Feed const&) = delete;
  Feed& operator=(Feed const&) = delete;
  ~Feed() {
    for (Slot& slot : slots_) {
      runtime_.free_mark(device_.number(), slot.mark);
      if (slot.memory) runtime_.free_host(slot.memory);
    }
  }

  /// A copy of the batch on the device; it is complete for who calls `arrive` before using it. The batch itself may change
  /// at once.
  template <class B>
  B send(B const& batch) {
    Slot& slot = slots_[next_];
    next_ = (next_ + 1) % ways;
    if (slot.used) runtime_.wait_mark(device_.number(), slot.mark);
    std::size_t wanted = 0;
    each_tensor(batch, [&](auto const& tensor) {
      wanted += room(tensor);
      return tensor;
    });
    if (wanted > slot.size) {
      if (slot.memory) runtime_.free_host(std::exchange(slot.memory, nullptr));
      slot.memory = static_cast<char*>(runtime_.allocate_host(wanted));
      slot.size = wanted;
    }
    StreamGuard const guard(stream_);
    core::current_statement = "DataLoader";
    char* place = slot.memory;
    B sent = each_tensor(batch, [&]<class T>(Tensor<T> const& tensor) {
      if (!(tensor.device() == Device())) return tensor.to(device_);
      Tensor<T> const dense = tensor.contiguous();
      Tensor<T> copy(Tensor<T>::uninitialized, dense.shape(), device_);
      auto const bytes = static_cast<std::size_t>(dense.numel()) * sizeof(T);
      if (bytes) {
        std::memcpy(place, dense.data(), bytes);
        runtime_.copy(const_cast<T*>(std::as_const(copy).data()), device_, place, Device(), bytes, stream_);
      }
      place += room(tensor);
      return copy;
    });
    runtime_.set_mark(device_.number(), slot.mark, stream_);
    slot.used = true;
    return sent;
  }
  /// The calling thread's stream goes on when everything that was sent is there.
  void arrive() const { runtime_.order(device_.number(), stream_, core::current_stream); }

 private:
  static constexpr int ways = 3;
  struct Slot {
    char* memory = nullptr;
    std::size_t size = 0;
    void* mark = nullptr;
    bool used = false;
  };
  template <class T>
  static std::size_t room(Tensor<T> const& tensor) {
    return (static_cast<std::size_t>(tensor.numel()) * sizeof(T) + alignment - 1) / alignment * alignment;
  }

  Device device_;
  core::DeviceRuntime const& runtime_;
  Stream stream_;
  Slot slots_[ways];
  int next_ = 0;
};

}  // namespace detail
}  // namespace data
}  // namespace wick::inline WICK_ISA
