// SPDX-License-Identifier: MIT
// The one place that decides how many threads a kernel uses.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>

#include <wick/base/config.hpp>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace wick {

namespace core {
// 0: whatever OpenMP says (OMP_NUM_THREADS or the number of cores).
inline std::atomic<int> thread_limit{0};
}  // namespace core

/// Sets how many threads a kernel may use (at least 1). A kernel started inside a caller's own OpenMP region uses one.
inline void set_num_threads(int count) { core::thread_limit.store(std::max(1, count), std::memory_order_relaxed); }

}  // namespace wick

namespace wick::inline WICK_ISA {

/// How many threads a kernel started now would use at most.
inline int num_threads() {
#if defined(_OPENMP)
  if (omp_in_parallel()) return 1;
  int const limit = core::thread_limit.load(std::memory_order_relaxed);
  return limit > 0 ? limit : omp_get_max_threads();
#else
  return 1;
#endif
}

/// Calls `body(begin, end)` for pieces that cover `[0, count)`, on several threads when there are at least two
/// `grain`s of work. Which indices share a piece depends on the thread count: `body` must give the same result for any
/// cut. An exception of `body` reaches the caller.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body const& body) {
  if (count <= 0) return;
  std::int64_t const pieces = std::min<std::int64_t>(num_threads(), grain > 0 ? count / grain : count);
  if (pieces <= 1) return body(std::int64_t{0}, count);
#if defined(_OPENMP)
  std::exception_ptr error;
#pragma omp parallel for num_threads(static_cast<int>(pieces)) schedule(static)
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    try {
      body(count * piece / pieces, count * (piece + 1) / pieces);
    } catch (...) {
#pragma omp critical(wick_parallel_for)
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
#endif
}

}  // namespace wick::inline WICK_ISA
