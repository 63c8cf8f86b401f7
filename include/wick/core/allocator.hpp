// SPDX-License-Identifier: MIT
// The pool every element block comes from: aligned, recycled per thread, counted.
#pragma once

#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>

#include <wick/base/error.hpp>
#include <wick/core/device.hpp>
#include <wick/core/shape.hpp>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WICK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WICK_ASAN 1
#endif
#endif
#if defined(WICK_ASAN)
#include <sanitizer/asan_interface.h>
#endif

// State that all shared libraries of a process have in common.
#if defined(__GNUC__) || defined(__clang__)
#define WICK_SHARED __attribute__((visibility("default")))
#else
#define WICK_SHARED
#endif

namespace wick {

/// What the pool did so far. `system_allocations` stands still in a steady state.
struct PoolStats {
  std::int64_t system_allocations = 0;  ///< blocks asked from the operating system, all threads
  std::int64_t system_bytes = 0;        ///< their size in bytes
  std::int64_t requests = 0;            ///< blocks handed out on the calling thread
};

/// A reference-counted run of elements; in host memory the elements follow this header.
struct alignas(alignment) Block {
  std::atomic<std::uint32_t> references;
  std::uint32_t size_class;
  std::int64_t plane_stride;  ///< distance between the planes of a compound element (Dual), in base elements
  std::int64_t count;         ///< elements that `destroy` has to end
  void (*destroy)(void* elements, std::int64_t count);  ///< null for trivial element types
  Block* next;                ///< in a free list
  void* device_elements;      ///< null in host memory
  Device device;

  void* elements() { return device_elements ? device_elements : this + 1; }
};

namespace pool {

// Size classes: four steps per power of two, from 128 bytes.
inline constexpr int classes = 4 * 56;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;
inline constexpr std::size_t cached_bytes_per_class = std::size_t{256} << 20;
inline constexpr int cached_blocks_small = 4096;

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

struct FreeList {
  Block* head;
  std::uint32_t length;
};

// Blocks whose thread has ended, or that one thread keeps freeing and another keeps asking for. Never destroyed:
// tensors in static storage may outlive any other object.
struct Central {
  std::mutex mutex;
  FreeList lists[classes]{};
  std::atomic<std::int64_t> system_allocations{0}, system_bytes{0};
};
WICK_SHARED inline Central& central() {
  static Central& shared = *new Central;
  return shared;
}

struct Cache {
  FreeList lists[classes];
  std::int64_t requests;
  bool registered, ended;
};
WICK_SHARED inline constinit thread_local Cache cache{};

inline void hand_over(FreeList& from, std::uint32_t size_class) {
  std::scoped_lock const lock(central().mutex);
  FreeList& to = central().lists[size_class];
  while (Block* block = from.head) {
    from.head = block->next;
    block->next = to.head;
    to.head = block;
    ++to.length;
  }
  from.length = 0;
}

struct CacheEnd {
  ~CacheEnd() {
    cache.ended = true;
    for (std::uint32_t c = 0; c < classes; ++c)
      if (cache.lists[c].head) hand_over(cache.lists[c], c);
  }
};

inline Block* pop(FreeList& list) {
  Block* const block = list.head;
  if (block) {
    list.head = block->next;
    --list.length;
  }
  return block;
}

// Hands the thread's blocks over when the thread ends.
WICK_NOINLINE inline void register_cache() {
  cache.registered = true;
  static thread_local CacheEnd const end;
  (void)end;
}

WICK_NOINLINE inline Block* allocate_slow(std::uint32_t size_class) {
  if (!cache.registered) register_cache();
  {
    std::scoped_lock const lock(central().mutex);
    if (Block* block = pop(central().lists[size_class])) return block;
  }
  std::size_t const bytes = bytes_of(size_class);
  bool const large = bytes >= 2 * huge_page;
  std::size_t const unit = large ? huge_page : alignment;
  void* memory = bytes <= (std::size_t{1} << 46) ? std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit) : nullptr;
  if (!memory) fail("allocate: no memory for a block of ", bytes, " bytes");
#if defined(MADV_HUGEPAGE)
  if (large) ::madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  central().system_allocations.fetch_add(1, std::memory_order_relaxed);
  central().system_bytes.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  Block* const block = ::new (memory) Block{};
  block->size_class = size_class;
  return block;
}

/// A block for `bytes` bytes of elements, with one reference. Throws Error when the system has no memory.
WICK_NOINLINE inline Block* allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 47)) fail("allocate: no memory for a block of ", bytes, " bytes");
  std::uint32_t const size_class = class_of(bytes + sizeof(Block));
  ++cache.requests;
  Block* block = pop(cache.lists[size_class]);
  if (!block) block = allocate_slow(size_class);
#if defined(WICK_ASAN)
  __asan_unpoison_memory_region(block->elements(), bytes_of(size_class) - sizeof(Block));
  __asan_poison_memory_region(static_cast<char*>(block->elements()) + bytes,
                              bytes_of(size_class) - sizeof(Block) - bytes);
#endif
  block->references.store(1, std::memory_order_relaxed);
  block->plane_stride = 0;
  block->destroy = nullptr;
  block->device_elements = nullptr;
  block->device = {};
  return block;
}

/// Takes a block back; nobody may refer to it any more.
WICK_NOINLINE inline void recycle(Block* block) {
  if (block->destroy) block->destroy(block->elements(), block->count);
  block->device_elements = nullptr;
  std::uint32_t const size_class = block->size_class;
  std::size_t const bytes = bytes_of(size_class);
#if defined(WICK_ASAN)
  __asan_poison_memory_region(block->elements(), bytes - sizeof(Block));
#endif
  if (!cache.registered) [[unlikely]] register_cache();
  FreeList& list = cache.lists[size_class];
  block->next = list.head;
  list.head = block;
  ++list.length;
  bool const full = list.length > cached_blocks_small || list.length * bytes > cached_bytes_per_class;
  if (full || cache.ended) [[unlikely]]
    hand_over(list, size_class);
}

}  // namespace pool

/// Counters of the pool, for tests and for curious users.
inline PoolStats pool_stats() {
  return {pool::central().system_allocations.load(), pool::central().system_bytes.load(), pool::cache.requests};
}

/// True while the process has never started a second thread: then counting needs no locked instruction.
inline bool single_threaded() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded;
#else
  return false;
#endif
}

/// Adds one to a reference count.
inline void retain(std::atomic<std::uint32_t>& count) {
  if (single_threaded())
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  else
    count.fetch_add(1, std::memory_order_relaxed);
}

/// Takes one off a reference count; true when it was the last one.
inline bool release(std::atomic<std::uint32_t>& count) {
  if (count.load(std::memory_order_acquire) == 1) return true;
  if (single_threaded()) {
    count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return false;
  }
  return count.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

/// `count` uninitialised elements of scratch memory from the pool, given back at the end of the scope.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t count) : block_(pool::allocate(checked_bytes(count, sizeof(T)))) {}
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  ~Scratch() { pool::recycle(block_); }
  T* data() const { return static_cast<T*>(block_->elements()); }
  T& operator[](std::int64_t i) const { return data()[i]; }

 private:
  Block* block_;
};

}  // namespace wick
