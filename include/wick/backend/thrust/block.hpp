// SPDX-License-Identifier: MIT
// A block of threads that work together through shared memory. A kernel is written once, as a sequence of steps that all
// threads take before the next begins; on the processor each step is a loop over the threads.
#pragma once

#include <cstdint>
#include <type_traits>

#include <wick/base/config.hpp>

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// The threads of a block one after another, on the processor.
template <int N>
struct LoopBlock {
  static constexpr int threads = N;
  /// A variable that each thread has for itself, from step to step.
  template <class T>
  struct Local {
    T value[N];
    constexpr T& operator[](int thread) { return value[thread]; }
  };
  /// A step: f(thread) for all threads.
  template <class F>
  constexpr void each(F const& f) const {
    for (int t = 0; t < N; ++t) f(t);
  }
};

#if defined(__CUDACC__)
/// The threads of a block of a GPU.
template <int N>
struct GpuBlock {
  static constexpr int threads = N;
  template <class T>
  struct Local {
    T value;
    constexpr T& operator[](int) { return value; }
  };
  template <class F>
  constexpr void each(F const& f) const {
#if defined(__CUDA_ARCH__)
    f(static_cast<int>(threadIdx.x));
    if (!std::is_constant_evaluated()) __syncthreads();
#endif
  }
};
#endif

/// Joins `values` of groups of `width` (a power of two) neighbouring or interleaved threads in pairs: a fixed tree. Value
/// `k` of group `g` lies at place(g, k); the result at place(g, 0).
template <class Block, class Place, class Join>
constexpr void join_groups(Block const& block, int groups, int width, Place const& place, Join const& join) {
  for (int half = width / 2; half > 0; half /= 2)
    block.each([&](int t) constexpr {
      if (t < groups * half) join(place(t % groups, t / groups), place(t % groups, t / groups + half));
    });
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
