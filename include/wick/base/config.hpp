// SPDX-License-Identifier: MIT
// Version, instruction-set tag and compiler hints. Every other header starts here.
#pragma once

#include <cstddef>
#include <cstdint>

#define WICK_VERSION_MAJOR 0
#define WICK_VERSION_MINOR 1
#define WICK_VERSION_PATCH 0

#if __cplusplus < 202002L
#error "Wick needs C++20: compile with -std=c++20 (CMake: target_link_libraries(... wick::wick) sets it)."
#endif

#if !defined(__cpp_exceptions)
#error "Wick reports errors by exceptions: compile without -fno-exceptions."
#endif

#if defined(__NVCC__) && !defined(__CUDACC_RELAXED_CONSTEXPR__)
#error "Wick needs nvcc's --expt-relaxed-constexpr (CMake: target_link_libraries(... wick::wick) sets it)."
#endif

// Formulas and kernels live in `wick::inline WICK_ISA`: object files compiled for different
// instruction sets give their kernels different names, so a linker can never replace one by the other.
// The name stands in every line of a compiler's message, so it is short. v1 to v4 are the levels of x86-64 (v3m lacks FMA, v4f
// has no more of AVX-512 than its base); p: OpenMP's threads; c, cl, cn, cln: nvcc, with cuBLASLt, cuDNN, both; t: Thrust on
// the processor; b: a CBLAS.
#define WICK_JOIN_(a, b, c, d) _##a##b##c##d
#define WICK_JOIN(a, b, c, d) WICK_JOIN_(a, b, c, d)

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define WICK_ISA_NAME v4
#elif defined(__AVX512F__)
#define WICK_ISA_NAME v4f
#elif defined(__AVX2__) && defined(__FMA__)
#define WICK_ISA_NAME v3
#elif defined(__AVX2__)
#define WICK_ISA_NAME v3m
#elif defined(__AVX__)
#define WICK_ISA_NAME avx
#elif defined(__SSE4_2__)
#define WICK_ISA_NAME v2
#elif defined(__SSE4_1__)
#define WICK_ISA_NAME sse41
#elif defined(__SSSE3__)
#define WICK_ISA_NAME ssse3
#elif defined(__SSE3__)
#define WICK_ISA_NAME sse3
#elif defined(__SSE2__)
#define WICK_ISA_NAME v1
#elif defined(__ARM_FEATURE_SVE)
#define WICK_ISA_NAME sve
#elif defined(__ARM_NEON)
#define WICK_ISA_NAME neon
#else
#define WICK_ISA_NAME any
#endif

#if defined(_OPENMP)
#define WICK_ISA_THREADS p
#else
#define WICK_ISA_THREADS
#endif

#if defined(__CUDACC__) && defined(WICK_USE_CUBLASLT) && defined(WICK_USE_CUDNN)
#define WICK_ISA_CUDA cln
#elif defined(__CUDACC__) && defined(WICK_USE_CUBLASLT)
#define WICK_ISA_CUDA cl
#elif defined(__CUDACC__) && defined(WICK_USE_CUDNN)
#define WICK_ISA_CUDA cn
#elif defined(__CUDACC__)
#define WICK_ISA_CUDA c
#elif defined(WICK_USE_THRUST)
#define WICK_ISA_CUDA t
#else
#define WICK_ISA_CUDA
#endif

#if defined(WICK_USE_CBLAS)
#define WICK_ISA_BLAS b
#else
#define WICK_ISA_BLAS
#endif

#define WICK_ISA WICK_JOIN(WICK_ISA_NAME, WICK_ISA_THREADS, WICK_ISA_CUDA, WICK_ISA_BLAS)

// Where nothing is optimized (-O0), g++ optimizes these functions all the same: what is called for each register of a loop,
// and the kernels themselves, into which all that is forced to be inlined goes. (clang has no such attribute.)
#if defined(__GNUC__) && !defined(__clang__) && !defined(__OPTIMIZE__) && !defined(__CUDACC__)
#define WICK_OPTIMIZED __attribute__((optimize("O1")))
#else
#define WICK_OPTIMIZED
#endif

// Functions of an operation run on the host and on the device. For nvcc they are constexpr ones, which it lets run on both
// sides (--expt-relaxed-constexpr): it does not take a `__host__ __device__` function of a register of numbers.
#if defined(__CUDACC__)
#define WICK_FN constexpr
// nvcc hands pragmas of g++ on to g++, and warns that it does not know them itself.
#pragma nv_diag_suppress 1675
#else
#define WICK_FN inline WICK_OPTIMIZED
#endif

// Formulas are many small functions; the loop is fast only when all of them disappear.
#if defined(__GNUC__) || defined(__clang__)
#define WICK_INLINE inline __attribute__((always_inline))
#define WICK_NOINLINE __attribute__((noinline))
#define WICK_LAMBDA_INLINE __attribute__((always_inline))
// Functions that are seldom called and often instantiated: compiled for size, which is quick.
#define WICK_COLD __attribute__((cold, noinline))
// The loop of a formula.
#define WICK_KERNEL __attribute__((flatten)) WICK_OPTIMIZED
#else
#define WICK_INLINE inline
#define WICK_NOINLINE
#define WICK_LAMBDA_INLINE
#define WICK_COLD
#define WICK_KERNEL
#endif

// A function that runs on the host and on the device, and has to disappear.
#define WICK_FN_INLINE WICK_FN WICK_LAMBDA_INLINE

// Before a loop in a kernel. Over dimensions: nvcc would write it out for all that a tensor can have, which costs more to
// compile and to fetch than it saves. Over neighbours: what they index is to be in registers.
#if defined(__CUDACC__)
#define WICK_ROLLED _Pragma("unroll 1")
#define WICK_UNROLLED _Pragma("unroll")
#else
#define WICK_ROLLED
#define WICK_UNROLLED
#endif

// The compilers' own vectors (`vector_size`); nvcc does not take their shuffles.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define WICK_VECTORS 1
#else
#define WICK_VECTORS 0
#endif

// Access to single elements through a View: checked or not. It is a template argument of the access, so that files of both
// kinds link into one program.
#if !defined(WICK_CHECK_BOUNDS) && defined(NDEBUG)
#define WICK_CHECK_BOUNDS 0
#elif !defined(WICK_CHECK_BOUNDS)
#define WICK_CHECK_BOUNDS 1
#endif

// Code between these two lines keeps the order of its operations, infinities and NaN, also where a program is compiled with
// -ffast-math: its error in ULP and the promise of the same bits are of this library, not of its user's flags. (For g++ the
// options of a file are those of each function in it, templates included; g++ does not inline across different ones, but where
// it is forced to.)
#if defined(__clang__) && !defined(__CUDACC__)
#define WICK_PRECISE_BEGIN _Pragma("float_control(push)") _Pragma("float_control(precise, on)")
#define WICK_PRECISE_END _Pragma("float_control(pop)")
#elif defined(__FAST_MATH__) && defined(__GNUC__) && !defined(__CUDACC__)
#define WICK_PRECISE_BEGIN _Pragma("GCC push_options") _Pragma("GCC optimize(\"no-fast-math\")")
#define WICK_PRECISE_END _Pragma("GCC pop_options")
#else
#define WICK_PRECISE_BEGIN
#define WICK_PRECISE_END
#endif

namespace wick {

/// Largest number of dimensions of a tensor.
inline constexpr int max_rank = 8;

/// Alignment, in bytes, of every block of memory that Wick allocates.
inline constexpr std::size_t alignment = 64;

}  // namespace wick

namespace wick::inline WICK_ISA {

/// Default template argument of members of the shared vocabulary that compute: it puts the instruction set into their
/// names too.
struct IsaTag {};

}  // namespace wick::inline WICK_ISA
