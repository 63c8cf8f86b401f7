// SPDX-License-Identifier: MIT
// Memory that a kernel needs while it runs.
//
// If each thread asked the pool for what its pieces of a shared loop need, a thread that wakes up late and computes its
// first piece of some kernel after many rounds would ask the system for memory in what had been a steady state. So each
// thread has a room. What a piece found no place for is remembered for all threads, and before the next loop the caller
// makes all rooms that large, whoever computed the piece.
#pragma once

#include <wick/core/allocator.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace pool {

inline constexpr std::int64_t room_for(std::int64_t bytes) {
  return static_cast<std::int64_t>(bytes_of(class_of(static_cast<std::size_t>(bytes) + sizeof(Block))) - sizeof(Block));
}
/// Pieces that need more than this take the rest from the pool.
inline constexpr std::int64_t largest_room = room_for(std::int64_t{3} << 20);

WICK_SHARED inline constinit thread_local Room* current_room = nullptr;  // of the piece that the thread is computing

WICK_COLD inline void enlarge(Room& own, std::int64_t bytes) {
  empty_room(own);
  if (!cache.registered) register_cache();
  if (cache.ended) return;
  try {
    own = {allocate(static_cast<std::size_t>(room_for(bytes))), room_for(bytes), 0};
  } catch (Error const&) {
    return;  // pieces ask the pool
  }
  bytes_of_rooms.fetch_add(static_cast<std::int64_t>(bytes_of(own.block->size_class)), std::memory_order_relaxed);
#if defined(WICK_ASAN)
  __asan_poison_memory_region(own.block->elements(), static_cast<std::size_t>(own.bytes));
#endif
}
/// Makes a room that is not in use as large as pieces have needed so far.
inline void prepare(Room& own) {
  std::int64_t const wanted = wanted_room.load(std::memory_order_relaxed);
  if (wanted > own.bytes && own.top == 0) [[unlikely]] enlarge(own, wanted);
}

/// While it lives, the thread's scratch memory comes from a room.
class InRoom {
 public:
  /// Null: changes nothing.
  explicit InRoom(Room* own) : own_(own), before_(current_room), top_(own ? own->top : 0) {
    if (own) current_room = own;
  }
  ~InRoom() {
    if (own_) own_->top = top_, current_room = before_;
  }
  InRoom(InRoom const&) = delete;
  InRoom& operator=(InRoom const&) = delete;

 private:
  Room *own_, *before_;
  std::int64_t top_;
};

struct Taken {
  void* data;
  Block* block;             ///< null: a part of the room
  std::int64_t begin, end;  ///< in the room, or behind its end; 0 outside of pieces
};

inline Taken take_from_pool(std::size_t bytes) {
  Block* const block = allocate(bytes);
  return {block->elements(), block, 0, 0};
}
WICK_NOINLINE inline Taken take_from_room(Room& own, std::size_t bytes) {
  if (bytes >= static_cast<std::size_t>(largest_room - own.top)) return take_from_pool(bytes);
  constexpr auto unit = static_cast<std::int64_t>(alignment);
  std::int64_t const begin = own.top, end = begin + (static_cast<std::int64_t>(bytes) / unit + 1) * unit;
  Taken taken{nullptr, nullptr, begin, end};
  if (end <= own.bytes) {
    taken.data = static_cast<char*>(own.block->elements()) + begin;
#if defined(WICK_ASAN)
    __asan_unpoison_memory_region(taken.data, bytes);
#endif
  } else {
    taken.block = allocate(bytes), taken.data = taken.block->elements();
    std::int64_t wanted = wanted_room.load(std::memory_order_relaxed);
    while (wanted < end && !wanted_room.compare_exchange_weak(wanted, end, std::memory_order_relaxed)) {}
  }
  own.top = end;
  return taken;
}
inline Taken take(std::size_t bytes) { return current_room ? take_from_room(*current_room, bytes) : take_from_pool(bytes); }

WICK_NOINLINE inline void give_to_room(Room& own, Taken const& taken) {
  if (taken.block) recycle(taken.block);
#if defined(WICK_ASAN)
  else __asan_poison_memory_region(taken.data, static_cast<std::size_t>(taken.end - taken.begin));
#endif
  if (own.top == taken.end) own.top = taken.begin;  // else when the piece ends
}
inline void give(Taken const& taken) {
  if (taken.end == 0) recycle(taken.block);
  else give_to_room(*current_room, taken);
}

}  // namespace pool

/// `count` uninitialised elements of scratch memory, given back at the end of the scope.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t count) : taken_(pool::take(checked_bytes(count, sizeof(T)))) {}
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  ~Scratch() { pool::give(taken_); }
  T* data() const { return static_cast<T*>(taken_.data); }
  T& operator[](std::int64_t i) const { return data()[i]; }

 private:
  pool::Taken taken_;
};

}  // namespace wick
WICK_PRECISE_END
