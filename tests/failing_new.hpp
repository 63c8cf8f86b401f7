// SPDX-License-Identifier: MIT
// Makes chosen allocations fail: what throws in the middle of an operation has to leave everything as it was.
// tests/main.cpp replaces the program's allocation functions, and counts.
#pragma once

#include <atomic>
#include <cstdint>

#include "sanitizers.hpp"

// The thread sanitizer has an operator new of its own. Under the address sanitizer operator new can fail, the pool's
// blocks, which come from aligned_alloc, cannot.
#if defined(WICK_THREAD_SANITIZER)
#define WICK_FAILING_NEW 0
#else
#define WICK_FAILING_NEW 1
#endif

namespace testing {

inline std::atomic<std::int64_t> allocations{0};               ///< asked for so far, by all threads
inline constinit thread_local std::int64_t until_failure = -1;  ///< allocations of this thread that succeed before one fails

/// Counts an allocation; false when it has to fail.
inline bool may_allocate() {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return until_failure < 0 || until_failure-- > 0;
}

inline constinit thread_local bool again = false;
/// The same for the pool, which gives back what it keeps when a block cannot be had, and tries once more: that fails, too.
inline bool may_allocate_block() {
  bool const may = !again && may_allocate();
  again = !may && !again;
  return may;
}

/// While it lives, allocation `number` of this thread, counted from 0, fails; those before and after it succeed.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::int64_t number) { until_failure = number; }
  ~FailingAllocation() { until_failure = -1, again = false; }
  FailingAllocation(FailingAllocation const&) = delete;
  FailingAllocation& operator=(FailingAllocation const&) = delete;
  /// Whether it has failed.
  bool met() const { return until_failure < 0; }
};

/// Calls `attempt()` with its first allocation failing, then with the second one, and so on until a call needs no more.
/// After each call that failed, `check(number)` is called, with memory again. Returns how many calls ended with an
/// exception. Nothing that allocates belongs into `attempt` but what is tested: no CHECK.
template <class Attempt, class Check>
std::int64_t fail_each_allocation(Attempt const& attempt, Check const& check) {
  std::int64_t failures = 0;
  for (std::int64_t number = 0;; ++number) {
    bool thrown = false, met = false;
    {
      FailingAllocation const failing(number);
      try {
        attempt();
      } catch (...) {
        thrown = true;
      }
      met = failing.met();
    }
    if (!met) return failures;
    if (thrown) ++failures, check(number);
  }
}

}  // namespace testing
