// SPDX-License-Identifier: MIT
// The pool every element block comes from: aligned, recycled, counted, and given back to the system.
//
// Small blocks are kept by the thread that frees them; what is too much for it goes to the process's shelves in batches,
// where any thread finds it. Large blocks always lie on the shelves. What lies there is about as much as the program has
// had in use lately; the rest goes back to the system, what was not needed for longest first.
#pragma once

#include <cstdlib>
#include <mutex>
#include <new>

#include <wick/base/error.hpp>
#include <wick/core/shape.hpp>
#include <wick/core/shelves.hpp>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif
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

WICK_PRECISE_BEGIN
namespace wick {

/// What the pool did so far, and what it holds. `system_allocations` stands still in a steady state.
struct PoolStats {
  std::int64_t system_allocations = 0;  ///< blocks asked from the operating system, all threads
  std::int64_t system_bytes = 0;        ///< their size in bytes
  std::int64_t requests = 0;            ///< blocks handed out on the calling thread
  std::int64_t held_bytes = 0;          ///< what the pool has from the system now
  std::int64_t idle_bytes = 0;          ///< of this, what the pool or the calling thread keeps for later
};

namespace pool {

// Threads keep blocks of up to 64 KB: of each class one batch that they take from and add to, and a full one.
inline constexpr std::uint32_t thread_classes = class_of(std::size_t{64} << 10) + 1;
constexpr std::int32_t batch_of(std::uint32_t size_class) {
  return static_cast<std::int32_t>(std::min<std::size_t>(512, (std::size_t{128} << 10) / bytes_of(size_class)));
}

inline constexpr core::ForkHandlers fork_handlers{[] { shelves.mutex.lock(); }, [](bool) { shelves.mutex.unlock(); }};
WICK_SHARED inline bool const survives_fork = core::at_fork(core::ForkPart::pool, &fork_handlers);

/// What a thread keeps. Zero before its first block comes back, and after its end: then there is room for none.
struct Cache {
  struct List {
    Block* head;
    Block* full;        ///< a batch
    std::int32_t room;  ///< for so many more blocks
  } lists[thread_classes];
  std::int64_t requests;
  bool registered, ended;
};
WICK_SHARED inline constinit thread_local Cache cache{};

inline void* system_allocate(std::size_t bytes) {
#if defined(MAP_ANONYMOUS) && !defined(WICK_ASAN)
  // Not from malloc, which keeps large blocks that were freed and cuts them.
  if (bytes >= mapped_bytes) {
    void* const all = ::mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) return nullptr;
    char* const begin = static_cast<char*>(all);
    std::size_t const before = -reinterpret_cast<std::uintptr_t>(all) % huge_page;
    if (before) ::munmap(begin, before);
    ::munmap(begin + before + bytes, huge_page - before);
#if defined(MADV_HUGEPAGE)
    ::madvise(begin + before, bytes, MADV_HUGEPAGE);
#endif
    return begin + before;
  }
#endif
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

inline void system_free(Block* block) {
  std::size_t const bytes = bytes_of(block->size_class);
#if defined(WICK_ASAN)
  __asan_unpoison_memory_region(block, bytes);
#elif defined(MAP_ANONYMOUS)
  if (bytes >= mapped_bytes) {
    ::munmap(block, bytes);
    return;
  }
#endif
  std::free(block);
}

/// Gives batches that were taken off the shelves to the system: not under the mutex, for it takes a while.
WICK_COLD inline void give_back(Block* batches) {
  while (batches) {
    Block* block = std::exchange(batches, batches->next_batch);
    while (block) system_free(std::exchange(block, block->next));
  }
}

inline void put_on_shelf(Block* batch, std::int64_t count) {
  Block* surplus;
  {
    std::scoped_lock const lock(shelves.mutex);
    shelves.put(batch, count);
    surplus = shelves.surplus();
  }
  if (surplus) give_back(surplus);
}

inline std::int64_t length_of(Cache::List const& list, std::uint32_t size_class) { return batch_of(size_class) - list.room; }

/// Puts all that the calling thread keeps on the shelves.
inline void empty_cache() {
  if (!cache.registered || cache.ended) return;
  for (std::uint32_t c = 0; c < thread_classes; ++c) {
    auto& list = cache.lists[c];
    if (list.head) put_on_shelf(list.head, length_of(list, c));
    if (list.full) put_on_shelf(list.full, batch_of(c));
    list = {nullptr, nullptr, batch_of(c)};
  }
}

/// A thread's memory for what pieces of shared loops need while they run, used as a stack (wick/core/scratch.hpp).
struct Room {
  Block* block;
  std::int64_t bytes, top;  ///< its size, and how much of it is taken
};
WICK_SHARED inline constinit thread_local Room own_room{};              // of a thread that shares loops; the team has its helpers'
WICK_SHARED inline constinit std::atomic<std::int64_t> bytes_of_rooms{0};  // of all threads
WICK_SHARED inline constinit std::atomic<std::int64_t> wanted_room{0};     // as much as a piece has needed at a time
WICK_SHARED inline constinit std::atomic<void (*)()> empty_helpers_rooms{nullptr};

inline void empty_room(Room& room);

struct CacheEnd {
  ~CacheEnd() {
    empty_room(own_room);
    empty_cache();
    for (auto& list : cache.lists) list.room = 0;
    cache.ended = true;
  }
};

WICK_NOINLINE inline void register_cache() {
  cache.registered = true;
  for (std::uint32_t c = 0; c < thread_classes; ++c) cache.lists[c].room = batch_of(c);
  static thread_local CacheEnd const end;
  (void)end;
}

/// Gives back to the system all memory that no tensor uses, but for what other threads keep of small blocks (a few MB at
/// most for each), and returns how many bytes that was. An allocation that would fail does so first.
WICK_COLD inline std::int64_t release() {
  if (auto const empty = empty_helpers_rooms.load(std::memory_order_acquire)) empty();
  empty_room(own_room);
  wanted_room.store(0, std::memory_order_relaxed);
  empty_cache();
  Block* unused;
  std::int64_t bytes;
  {
    std::scoped_lock const lock(shelves.mutex);
    bytes = shelves.idle();
    unused = shelves.everything();
  }
  give_back(unused);
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
  return bytes;
}

/// Requests that threads have served themselves let time pass, too, as if each had been for 4 KB.
WICK_COLD inline void note_requests(std::int64_t requests) {
  Block* surplus;
  {
    std::scoped_lock const lock(shelves.mutex);
    shelves.hand_out(requests * 4096);
    surplus = shelves.surplus();
  }
  give_back(surplus);
}

inline Block* pop(Cache::List& list) {
  Block* const block = list.head;
  if (block) {
    list.head = block->next;
    ++list.room;
  }
  return block;
}

WICK_COLD inline Block* allocate_from_system(std::uint32_t size_class) {
  std::size_t const bytes = bytes_of(size_class);
  auto const attempt = [&] { return bytes <= (std::size_t{1} << 46) ? system_allocate(bytes) : nullptr; };
  void* memory = attempt();
  if (!memory) release(), memory = attempt();
  if (!memory) fail("allocate: no memory for a block of ", bytes, " bytes");
  shelves.system_allocations.fetch_add(1, std::memory_order_relaxed);
  shelves.system_bytes.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  {
    std::scoped_lock const lock(shelves.mutex);
    shelves.add(size_class);
  }
  Block* const block = ::new (memory) Block{};
  block->size_class = size_class;
  return block;
}

WICK_NOINLINE inline Block* allocate_slow(std::uint32_t size_class) {
  bool const kept = size_class < thread_classes;
  if (kept && !cache.registered) register_cache();
  if (kept && cache.lists[size_class].full) {
    auto& list = cache.lists[size_class];
    list.head = std::exchange(list.full, nullptr);
    list.room = 0;
    return pop(list);
  }
  Block* batch;
  {
    std::scoped_lock const lock(shelves.mutex);
    batch = shelves.take(size_class);
    // A thread that has ended keeps nothing.
    if (batch && batch->count > 1 && cache.ended) shelves.put(batch->next, batch->count - 1);
  }
  if (!batch) return allocate_from_system(size_class);
  if (kept && !cache.ended) {
    auto& list = cache.lists[size_class];
    list.head = batch->next;
    list.room = batch_of(size_class) - static_cast<std::int32_t>(batch->count - 1);
  }
  return batch;
}

/// A block for `bytes` bytes of elements, with one reference. Throws Error when the system has no memory.
WICK_NOINLINE inline Block* allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 47)) fail("allocate: no memory for a block of ", bytes, " bytes");
  std::uint32_t const size_class = class_of(bytes + sizeof(Block));
  constexpr std::int64_t often = 1 << 16;
  if (++cache.requests % often == 0) [[unlikely]] note_requests(often);
  Block* block = size_class < thread_classes ? pop(cache.lists[size_class]) : nullptr;
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

WICK_NOINLINE inline void recycle_slow(Block* block) {
  std::uint32_t const size_class = block->size_class;
  if (!cache.registered) register_cache();
  block->next = nullptr;
  if (size_class >= thread_classes || cache.ended) return put_on_shelf(block, 1);
  auto& list = cache.lists[size_class];
  if (list.room == 0) {
    if (list.full) put_on_shelf(list.full, batch_of(size_class));
    list = {nullptr, list.head, batch_of(size_class)};
  }
  block->next = list.head;
  list.head = block;
  --list.room;
}

/// Takes a block back; nobody may refer to it any more.
WICK_NOINLINE inline void recycle(Block* block) {
  if (block->destroy) block->destroy(block->elements(), block->count);
  block->device_elements = nullptr;
  std::uint32_t const size_class = block->size_class;
#if defined(WICK_ASAN)
  __asan_poison_memory_region(block->elements(), bytes_of(size_class) - sizeof(Block));
#endif
  if (size_class >= thread_classes) return recycle_slow(block);
  auto& list = cache.lists[size_class];
  if (list.room == 0) [[unlikely]] return recycle_slow(block);
  block->next = list.head;
  list.head = block;
  --list.room;
}

inline void empty_room(Room& room) {
  if (!room.block || room.top > 0) return;
  bytes_of_rooms.fetch_sub(static_cast<std::int64_t>(bytes_of(room.block->size_class)), std::memory_order_relaxed);
  recycle(std::exchange(room, {}).block);
}

}  // namespace pool

/// Counters of the pool, for tests and for curious users.
inline PoolStats pool_stats() {
  std::int64_t kept = 0;
  if (pool::cache.registered && !pool::cache.ended)
    for (std::uint32_t c = 0; c < pool::thread_classes; ++c) {
      auto const& list = pool::cache.lists[c];
      std::int64_t const blocks = pool::length_of(list, c) + (list.full ? pool::batch_of(c) : 0);
      kept += blocks * static_cast<std::int64_t>(pool::bytes_of(c));
    }
  std::scoped_lock const lock(pool::shelves.mutex);
  return {pool::shelves.system_allocations.load(), pool::shelves.system_bytes.load(), pool::cache.requests,
          pool::shelves.held(), pool::shelves.idle() + kept + pool::bytes_of_rooms.load(std::memory_order_relaxed)};
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

}  // namespace wick
WICK_PRECISE_END
