// SPDX-License-Identifier: MIT
// All kernels of the processor. A program may take those for float and double from a library (`WICK_PRECOMPILED_KERNELS`).
#pragma once

#include <wick/backend/cpu/argmax.hpp>
#include <wick/backend/cpu/conv.hpp>
#include <wick/backend/cpu/gather.hpp>
#include <wick/backend/cpu/gemm_batch.hpp>
#include <wick/backend/cpu/pool.hpp>
#include <wick/backend/cpu/scan.hpp>
#include <wick/backend/cpu/solve.hpp>
#include <wick/backend/cpu/sort.hpp>
#include <wick/backend/cpu/widen.hpp>

#if defined(WICK_PRECOMPILED_KERNELS) && defined(WICK_USE_CBLAS)
#error "WICK_PRECOMPILED_KERNELS and WICK_USE_CBLAS: the precompiled products do not call a CBLAS. Choose one of the two."
#endif

// What src/kernels.cpp instantiates, with `extern` before it everywhere else.
#define WICK_KERNELS_OF(extern, T)                                  \
  extern template void run(Cpu, Gemm<T> const&);                    \
  extern template void run(Cpu, Conv2d<T> const&);                  \
  extern template void run(Cpu, Conv2dInputGradient<T> const&);     \
  extern template void run(Cpu, Conv2dWeightGradient<T> const&);    \
  extern template void run(Cpu, MaxPool2d<T> const&);               \
  extern template void run(Cpu, MaxPool2dGradient<T> const&);       \
  extern template void run(Cpu, AvgPool2d<T> const&);               \
  extern template void run(Cpu, AvgPool2dGradient<T> const&);       \
  extern template void run(Cpu, GatherRows<T> const&);              \
  extern template void run(Cpu, ScatterAddRows<T> const&);          \
  extern template void run(Cpu, Gather<T> const&);                  \
  extern template void run(Cpu, ScatterAdd<T> const&);              \
  extern template void run(Cpu, ScanLines<Scan::sum, T> const&);    \
  extern template void run(Cpu, ScanLines<Scan::prod, T> const&);   \
  extern template void run(Cpu, ScanLines<Scan::logsumexp, T> const&); \
  extern template void run(Cpu, ScanExtreme<false, T> const&);      \
  extern template void run(Cpu, ScanExtreme<true, T> const&);       \
  extern template void run(Cpu, Recurrence<T> const&);              \
  extern template void run(Cpu, Sort<T> const&);                    \
  extern template void run(Cpu, SolveTriangular<T> const&);         \
  extern template void run(Cpu, ArgExtreme<false, T> const&);       \
  extern template void run(Cpu, ArgExtreme<true, T> const&)

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

#if defined(WICK_PRECOMPILED_KERNELS)
WICK_KERNELS_OF(extern, float);
WICK_KERNELS_OF(extern, double);
#endif

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
