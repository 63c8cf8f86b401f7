// SPDX-License-Identifier: MIT
// Numbers of 16 bits, many at a time: read as floats, and rounded back.
#pragma once

#include <cstring>

#include <wick/base/half.hpp>
#include <wick/base/simd.hpp>

namespace wick::inline WICK_ISA {
namespace simd {

#if defined(__GNUC__) && !defined(__CUDACC__)
namespace detail {
// As many as a register has floats, in the compiler's own vectors.
typedef std::uint16_t Narrow __attribute__((vector_size(sizeof(Batch<float>) / 2)));
typedef std::uint32_t Wide __attribute__((vector_size(sizeof(Batch<float>))));
typedef float WideFloat __attribute__((vector_size(sizeof(Batch<float>))));

template <Half T>
struct HalfVector {
  static WICK_INLINE void widen(T const* from, float* to) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float16>) {
      __m256i narrow;
      std::memcpy(&narrow, from, sizeof narrow);
      return _mm512_storeu_ps(to, _mm512_cvtph_ps(narrow));
    }
#elif defined(__F16C__)
    if constexpr (std::is_same_v<T, float16>) {
      __m128i narrow;
      std::memcpy(&narrow, from, sizeof narrow);
      return _mm256_storeu_ps(to, _mm256_cvtph_ps(narrow));
    }
#endif
    Narrow narrow;
    std::memcpy(&narrow, from, sizeof narrow);
    Wide wide = __builtin_convertvector(narrow, Wide);
    if constexpr (std::is_same_v<T, float16>) wide = half::widen_float16<WideFloat>(wide);
    else wide = half::widen_bfloat16(wide);
    std::memcpy(to, &wide, sizeof wide);
  }
  static WICK_INLINE void narrow(float const* from, T* to) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float16>) {
      __m256i const narrow = _mm512_cvtps_ph(_mm512_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT);
      std::memcpy(to, &narrow, sizeof narrow);
      return;
    }
#elif defined(__F16C__)
    if constexpr (std::is_same_v<T, float16>) {
      __m128i const narrow = _mm256_cvtps_ph(_mm256_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT);
      std::memcpy(to, &narrow, sizeof narrow);
      return;
    }
#endif
    Wide wide;
    std::memcpy(&wide, from, sizeof wide);
    if constexpr (std::is_same_v<T, float16>) wide = half::narrow_float16<WideFloat>(wide);
    else wide = half::narrow_bfloat16(wide);
    Narrow const narrow = __builtin_convertvector(wide, Narrow);
    std::memcpy(to, &narrow, sizeof narrow);
  }
};
}  // namespace detail
#endif

/// to[i] = from[i] for i < n.
template <Half T>
void widen(T const* from, std::int64_t n, float* to) {
  std::int64_t i = 0;
#if defined(__GNUC__) && !defined(__CUDACC__)
  using V = detail::HalfVector<T>;
  for (; i + lanes<float> <= n; i += lanes<float>) V::widen(from + i, to + i);
#endif
  for (; i < n; ++i) to[i] = from[i];
}
/// to[i] = from[i], rounded to the nearest, for i < n.
template <Half T>
void narrow(float const* from, std::int64_t n, T* to) {
  std::int64_t i = 0;
#if defined(__GNUC__) && !defined(__CUDACC__)
  using V = detail::HalfVector<T>;
  for (; i + lanes<float> <= n; i += lanes<float>) V::narrow(from + i, to + i);
#endif
  for (; i < n; ++i) to[i] = T(from[i]);
}

/// The nearest number of type T, in the type it is computed in.
template <Half T>
WICK_FN float round_to(float x) {
  return T(x);
}
template <Half T>
WICK_INLINE Batch<float> round_to(Batch<float> const& x) {
  alignas(64) float wide[lanes<float>];
  T few[lanes<float>];
  store(wide, x);
  narrow(wide, lanes<float>, few);
  widen(few, lanes<float>, wide);
  return load(wide);
}

}  // namespace simd
}  // namespace wick::inline WICK_ISA
