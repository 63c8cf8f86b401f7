// SPDX-License-Identifier: MIT
// A block of threads that work together through shared memory. A kernel is written once, as a sequence of steps that all
// threads take before the next begins; on the processor each step is a loop over the threads.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
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

/// How the `threads` threads of a block (a power of two) are dealt out to groups of 2^shift: neighbours share a group, or
/// (`across`) stand in neighbouring groups.
template <int threads>
struct Groups {
  static constexpr int all = std::countr_zero(static_cast<unsigned>(threads));
  int shift;
  bool across;

  constexpr int width() const { return 1 << shift; }
  constexpr int count() const { return threads >> shift; }
  constexpr int group(int thread) const { return across ? thread & (count() - 1) : thread >> shift; }
  constexpr int member(int thread) const { return across ? thread >> (all - shift) : thread & (width() - 1); }
  /// Where a member's value stands among those of all threads.
  constexpr int place(int group, int member) const { return group << shift | member; }

  /// Joins the values of each group in pairs, join(to, from) by their places, into that of its first member: a fixed tree.
  template <class Block, class Join>
  constexpr void join(Block const& block, Join const& join) const {
    for (int half = shift - 1; half >= 0; --half)
      block.each([&](int t) constexpr {
        int const group = t & (count() - 1), member = t >> (all - shift);
        if (member < 1 << half) join(place(group, member), place(group, member + (1 << half)));
      });
  }
};

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
