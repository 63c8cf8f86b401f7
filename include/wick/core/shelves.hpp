// SPDX-License-Identifier: MIT
// The blocks of host memory that nobody uses and no thread keeps: how many of them are worth keeping.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include <wick/core/device.hpp>
#include <wick/core/fork.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// A reference-counted run of elements; in host memory the elements follow this header.
struct alignas(alignment) Block {
  std::atomic<std::uint32_t> references;
  std::uint32_t size_class;
  std::int64_t plane_stride;  ///< distance between the planes of a compound element (Dual), in base elements
  std::int64_t count;         ///< elements that `destroy` has to end; on a shelf: blocks of a batch
  void (*destroy)(void* elements, std::int64_t count);  ///< null for trivial element types
  Block* next;                ///< in a list of free blocks
  Block* next_batch;          ///< on a shelf
  void* device_elements;      ///< null in host memory
  Device device;

  void* elements() { return device_elements ? device_elements : this + 1; }
};
static_assert(sizeof(Block) == alignment);

namespace pool {

// Size classes: four steps per power of two, from 128 bytes.
inline constexpr int classes = 4 * 56;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;
inline constexpr std::size_t mapped_bytes = 2 * huge_page;  ///< blocks of this size and more are mappings of their own

constexpr std::uint32_t class_of(std::size_t bytes) {
  if (bytes <= 128) return 0;
  int const log = static_cast<int>(std::bit_width(bytes - 1)) - 1;
  auto const quarter = static_cast<std::uint32_t>((bytes - 1) >> (log - 2)) & 3u;
  return static_cast<std::uint32_t>(log - 7) * 4 + quarter + 1;
}
constexpr std::size_t bytes_of(std::uint32_t size_class) {
  if (size_class == 0) return 128;
  std::uint32_t const step = size_class - 1;
  return (std::size_t{4} + step % 4 + 1) << (step / 4 + 5);
}

/// The blocks that no thread keeps. Never destroyed: tensors in static storage may outlive any other object.
///
/// They are bounded by the largest use lately, `peak`: of this period and of the one before. Sizes that take turns need
/// more than that; who asks for a block of a class that has just been given back shows it, and the bound grows by that
/// much (`extra`). It shrinks again by what lay here for a whole period. A period ends when all that may be kept has been
/// handed out some times over.
class Shelves {
 public:
  static constexpr std::int64_t always = std::int64_t{32} << 20;  ///< bytes that are kept in any case
  core::Mutex mutex;
  std::atomic<std::int64_t> system_allocations{0}, system_bytes{0};

  // The rest is for who holds the mutex.
  std::int64_t held() const { return held_; }
  std::int64_t idle() const { return idle_; }

  /// A batch, or null; its first block says how many it has.
  Block* take(std::uint32_t size_class) {
    Shelf& shelf = shelves_[size_class];
    Block* const batch = shelf.batches;
    if (!batch) return nullptr;
    remove_first(shelf);
    shelf.touched = ++clock_;
    hand_out(size_of(batch));
    return batch;
  }
  void put(Block* batch, std::int64_t count) {
    Shelf& shelf = shelves_[batch->size_class];
    batch->count = count;
    batch->next_batch = shelf.batches;
    shelf.batches = batch;
    shelf.blocks += count;
    shelf.touched = ++clock_;
    idle_ += size_of(batch);
  }
  /// Notes a block that comes from the system.
  void add(std::uint32_t size_class) {
    auto const bytes = static_cast<std::int64_t>(bytes_of(size_class));
    Shelf& shelf = shelves_[size_class];
    if (shelf.given_back > 0) --shelf.given_back, extra_ += bytes;
    held_ += bytes;
    hand_out(bytes);
  }
  /// Notes that so many bytes have been asked for.
  void hand_out(std::int64_t bytes) {
    peak_ = std::max(peak_, held_ - idle_);
    handed_out_ += bytes;
    if (handed_out_ > turnovers * bound()) begin_period();
  }
  /// Takes off what is more than the bound, those first that were touched longest ago.
  Block* surplus() { return idle_ > bound() ? take_off(bound()) : nullptr; }
  /// Takes off all, and forgets what has been.
  Block* everything() {
    Block* const all = take_off(0);
    begin_period();
    earlier_peak_ = extra_ = 0;
    return all;
  }

 private:
  static constexpr std::int64_t turnovers = 8;
  struct Shelf {
    Block* batches;
    std::uint64_t touched;
    std::int64_t blocks, fewest;  // now, and in this period
    std::int64_t given_back;      // in this period
  };
  static std::int64_t size_of(Block const* batch) {
    return batch->count * static_cast<std::int64_t>(bytes_of(batch->size_class));
  }
  std::int64_t bound() const { return std::max({peak_, earlier_peak_, always}) + extra_; }
  void remove_first(Shelf& shelf) {
    idle_ -= size_of(shelf.batches);
    shelf.blocks -= shelf.batches->count;
    shelf.fewest = std::min(shelf.fewest, shelf.blocks);
    shelf.batches = shelf.batches->next_batch;
  }
  WICK_COLD Block* take_off(std::int64_t keep) {
    Block* gone = nullptr;
    while (idle_ > keep) {
      Shelf* oldest = nullptr;
      for (Shelf& shelf : shelves_)
        if (shelf.batches && (!oldest || shelf.touched < oldest->touched)) oldest = &shelf;
      while (oldest->batches && idle_ > keep) {
        Block* const batch = oldest->batches;
        remove_first(*oldest);
        oldest->given_back += batch->count;
        held_ -= size_of(batch);
        batch->next_batch = std::exchange(gone, batch);
      }
    }
    return gone;
  }
  WICK_COLD void begin_period() {
    std::int64_t unneeded = 0;
    for (std::uint32_t c = 0; c < classes; ++c) {
      Shelf& shelf = shelves_[c];
      unneeded += shelf.fewest * static_cast<std::int64_t>(bytes_of(c));
      shelf.fewest = shelf.blocks;
      shelf.given_back = 0;
    }
    extra_ = std::max<std::int64_t>(0, extra_ - unneeded);
    earlier_peak_ = std::exchange(peak_, held_ - idle_);
    handed_out_ = 0;
  }

  Shelf shelves_[classes]{};
  std::uint64_t clock_ = 0;
  std::int64_t held_ = 0, idle_ = 0;  // bytes from the system, and those of them that lie here
  std::int64_t peak_ = 0, earlier_peak_ = 0, extra_ = 0;
  std::int64_t handed_out_ = 0;  // in this period
};
WICK_SHARED inline constinit Shelves shelves{};

}  // namespace pool
}  // namespace wick
WICK_PRECISE_END
