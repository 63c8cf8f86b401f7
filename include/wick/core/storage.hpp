// SPDX-License-Identifier: MIT
// A counted handle on a block of elements, and how an element type is spread over planes.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <wick/core/device_pool.hpp>
#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// How elements of type T lie in memory: `planes` arrays of `Base`, one after another. A number type made of several
/// numbers (Dual) specialises this, so that each part is contiguous and SIMD stays SIMD.
template <class T>
struct ElementTraits {
  using Base = T;
  static constexpr int planes = 1;
  static constexpr T load(Base const* p, std::int64_t) { return *p; }
  static constexpr void store(Base* p, std::int64_t, T const& value) { *p = value; }
};

template <class T>
using base_t = typename ElementTraits<T>::Base;

/// A shared handle on a block; the block goes back to the pool with its last handle.
class Storage {
 public:
  Storage() = default;
  /// Room for `count` elements of type T: uninitialised when T is trivial, default-constructed otherwise.
  template <class T>
  static Storage make(std::int64_t count, Device device = {}) {
    using Base = base_t<T>;
    Storage result;
    constexpr std::int64_t planes = ElementTraits<T>::planes;
    std::size_t const bytes = checked_bytes(count, planes * static_cast<std::int64_t>(sizeof(Base)));
    [[maybe_unused]] std::int64_t const total = count * planes;
    if (device == Device()) [[likely]] {
      result.block_ = pool::allocate(bytes);
    } else {
      if constexpr (!std::is_trivially_copyable_v<Base>)
        fail("tensor: elements of this type cannot be on ", device, ": they are more than bytes");
      result.block_ = core::allocate_on(device, bytes);
    }
    result.block_->plane_stride = count;
    if (device != Device()) return result;
    if constexpr (!std::is_trivially_default_constructible_v<Base> || !std::is_trivially_destructible_v<Base>) {
      auto* const first = static_cast<Base*>(result.block_->elements());
      std::uninitialized_default_construct_n(first, total);
      if constexpr (!std::is_trivially_destructible_v<Base>) {
        result.block_->count = total;
        result.block_->destroy = [](void* p, std::int64_t n) { std::destroy_n(static_cast<Base*>(p), n); };
      }
    }
    return result;
  }
  Storage(Storage const& other) : block_(other.block_) {
    if (block_) retain(block_->references);
  }
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Storage& operator=(Storage other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Storage() {
    if (block_ && release(block_->references)) pool::recycle(block_);
  }

  explicit operator bool() const { return block_ != nullptr; }
  void* elements() const { return block_->elements(); }
  Block const* block() const { return block_; }
  Device device() const { return block_ ? block_->device : Device(); }
  std::int64_t plane_stride() const { return block_ ? block_->plane_stride : 0; }
  /// How many handles share the block.
  std::uint32_t use_count() const { return block_ ? block_->references.load(std::memory_order_acquire) : 0; }

 private:
  Block* block_ = nullptr;
};

}  // namespace wick
WICK_PRECISE_END
