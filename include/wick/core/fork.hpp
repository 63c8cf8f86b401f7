// SPDX-License-Identifier: MIT
// What keeps a child process alive that is forked while other threads compute: those threads are gone in it, so a mutex
// that one of them held would stay locked for ever. Every mutex of the library is held by the thread that forks.
#pragma once

#include <pthread.h>

#include <atomic>
#include <wick/base/config.hpp>

// State that all shared libraries of a process have in common.
#if defined(__GNUC__) || defined(__clang__)
#define WICK_SHARED __attribute__((visibility("default")))
#else
#define WICK_SHARED
#endif

WICK_PRECISE_BEGIN
namespace wick::core {

/// A mutex that needs no destructor: what is in static storage may be used by anything that ends later.
class Mutex {
 public:
  void lock() { pthread_mutex_lock(&handle_); }
  void unlock() { pthread_mutex_unlock(&handle_); }

 private:
  pthread_mutex_t handle_ = PTHREAD_MUTEX_INITIALIZER;
};

/// What a part of the library does around `fork`, on the thread that forks.
struct ForkHandlers {
  void (*before)();               ///< locks what its threads share
  void (*after)(bool in_child);   ///< unlocks it, in the parent and in the child
};
/// Who holds a mutex may lock those of later parts, not of earlier ones.
enum class ForkPart { team, tape, device, pool };

struct ForkTable {
  std::atomic<bool> registered;
  std::atomic<ForkHandlers const*> parts[4];
  ForkHandlers const* called[4];  ///< between `before` and `after`
};
WICK_SHARED inline constinit ForkTable fork_table{};

inline void before_fork() {
  for (int i = 0; i < 4; ++i)
    if (auto const* const part = fork_table.called[i] = fork_table.parts[i].load(std::memory_order_acquire)) part->before();
}
inline void after_fork(bool in_child) {
  for (int i = 3; i >= 0; --i)
    if (auto const* const part = fork_table.called[i]) part->after(in_child);
}

/// Registers a part, for the first shared library that does so. Returns true, so that it initialises something static: when
/// main begins, no thread can be in the middle of it.
inline bool at_fork(ForkPart part, ForkHandlers const* handlers) {
  ForkHandlers const* none = nullptr;
  fork_table.parts[static_cast<int>(part)].compare_exchange_strong(none, handlers, std::memory_order_acq_rel);
  if (!fork_table.registered.exchange(true))
    pthread_atfork(&before_fork, [] { after_fork(false); }, [] { after_fork(true); });
  return true;
}

}  // namespace wick::core
WICK_PRECISE_END
