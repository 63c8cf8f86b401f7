// SPDX-License-Identifier: MIT
// The one place that decides how many threads a kernel uses.
#pragma once

#include <algorithm>
#include <atomic>

#include <wick/backend/cpu/team.hpp>
#include <wick/base/error.hpp>
#include <wick/calls/call.hpp>

#if defined(_OPENMP)
#include <omp.h>
#endif

WICK_PRECISE_BEGIN
namespace wick {

namespace core {
// 0: whatever OpenMP says (OMP_NUM_THREADS or the number of cores).
inline std::atomic<int> thread_limit{0};
}  // namespace core

/// Sets how many threads a kernel may use; throws Error for fewer than 1. A kernel started inside a caller's own OpenMP region, or while
/// another thread's kernel has the helpers, uses one. Without this, OpenMP's number counts (OMP_NUM_THREADS,
/// omp_set_num_threads); in a program compiled without OpenMP it is one.
inline void set_num_threads(int count) {
  if (count < 1) fail("set_num_threads: ", count, " threads, expected at least 1");
  core::thread_limit.store(count, std::memory_order_relaxed);
}

}  // namespace wick

namespace wick::inline WICK_ISA {

/// How many threads a kernel started now would use at most.
inline int num_threads() {
#if defined(_OPENMP)
  if (core::Team::inside() || omp_in_parallel()) return 1;
  int const limit = core::thread_limit.load(std::memory_order_relaxed);
  return limit > 0 ? limit : omp_get_max_threads();
#else
  return core::Team::inside() ? 1 : std::max(1, core::thread_limit.load(std::memory_order_relaxed));
#endif
}

namespace detail {

#if defined(_OPENMP) && defined(CPU_SET)
// Helpers go where OMP_PROC_BIND and OMP_PLACES want OpenMP's own threads; else they inherit the caller's processors,
// which would be a single one where OpenMP has bound the caller.
inline void place_helper(int thread, pthread_attr_t& attributes) {
  int const places = omp_get_num_places(), first = omp_get_place_num();
  auto const bind = omp_get_proc_bind();
  if (bind == omp_proc_bind_false || places < 1 || first < 0) return;
  int const step = bind == omp_proc_bind_spread ? std::max(1, places / omp_get_max_threads()) : bind == omp_proc_bind_master ? 0 : 1;
  int const place = (first + thread * step) % places;
  int ids[CPU_SETSIZE];
  int const count = omp_get_place_num_procs(place);
  if (count < 1 || count > CPU_SETSIZE) return;
  omp_get_place_proc_ids(place, ids);
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (int i = 0; i < count; ++i) CPU_SET(static_cast<std::size_t>(ids[i]), &mask);
  pthread_attr_setaffinity_np(&attributes, sizeof mask, &mask);
}
#else
inline constexpr void (*place_helper)(int, pthread_attr_t&) = nullptr;
#endif

/// A loop over [0, count), cut into pieces.
template <class Body>
struct ParallelLoop {
  Body const& body;
  std::int64_t count, pieces;
  static void run(void const* loop, std::int64_t piece) {
    auto const& [body, count, pieces] = *static_cast<ParallelLoop const*>(loop);
    body(count * piece / pieces, count * (piece + 1) / pieces);
  }
};

}  // namespace detail

/// Calls `body(begin, end)` for pieces that cover `[0, count)`, on several threads when there are at least two
/// `grain`s of work. Which indices share a piece depends on the thread count: `body` must give the same result for any
/// cut. An exception of `body` reaches the caller. What a piece starts itself stays on its thread. `worth` is how many
/// grains an index is worth, where that is more than one.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body const& body, std::int64_t worth = 1) {
  if (count <= 0) return;
  std::int64_t const grains = grain > 0 ? count / grain : count;
  int const threads = grains < 2 ? 1 : static_cast<int>(std::min<std::int64_t>({num_threads(), grains, core::Team::most_threads}));
  if (threads > 1 && core::Team::get().pays(grains * worth)) {
    // Several pieces for each thread: who is held up leaves some of its own to the others.
    std::int64_t const pieces = std::min(std::int64_t{4} * threads, grains);
    detail::ParallelLoop<Body> const loop{body, count, pieces};
    if (core::Team::get().run(threads, pieces, {&loop.run, &loop, detail::place_helper})) return;
  }
  if (threads > 1) pool::prepare(pool::own_room);
  pool::InRoom const in_room(threads > 1 ? &pool::own_room : nullptr);
  body(std::int64_t{0}, count);
}

/// Calls f(i) for 0 <= i < count, in any order, on several threads when there are many.
template <class F>
void for_each_element(std::int64_t count, F const& f) {
  parallel_for(count, 8192, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

namespace backend {
template <class F>
void run(Cpu, ForEach<F> const& call) {
  for_each_element(call.n, call.f);
}
}  // namespace backend

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
