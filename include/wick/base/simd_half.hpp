// SPDX-License-Identifier: MIT
// Numbers of 16 bits, many at a time: read as floats, and rounded back.
#pragma once

#include <cstring>

#include <wick/base/half.hpp>
#include <wick/base/simd.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace simd {

#if WICK_VECTORS
namespace detail {
// As many as a register has floats, in the compiler's own vectors.
typedef std::uint16_t Narrow __attribute__((vector_size(sizeof(Batch<float>) / 2)));
typedef std::uint32_t Wide __attribute__((vector_size(sizeof(Batch<float>))));
typedef float WideFloat __attribute__((vector_size(sizeof(Batch<float>))));
}  // namespace detail
#endif

/// Reads `lanes<float>` elements of 16 bits from any address, as floats.
template <Half T>
WICK_INLINE Batch<float> load(T const* p) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float16>) return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)));
  else
#elif defined(__F16C__)
  if constexpr (std::is_same_v<T, float16>) return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<__m128i const*>(p)));
  else
#endif
  {
#if WICK_VECTORS
    detail::Narrow narrow;
    std::memcpy(&narrow, p, sizeof narrow);
    auto const wide = __builtin_convertvector(narrow, detail::Wide);
    if constexpr (std::is_same_v<T, float16>) return std::bit_cast<Batch<float>>(half::widen_float16<detail::WideFloat>(wide));
    else return std::bit_cast<Batch<float>>(half::widen_bfloat16(wide));
#else
    alignas(64) float wide[lanes<float>];
    for (int i = 0; i < lanes<float>; ++i) wide[i] = p[i];
    return simd::load(wide);
#endif
  }
}
/// Writes them, rounded to the nearest.
template <Half T>
WICK_INLINE void store(T* p, Batch<float> const& x) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float16>)
    return _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  if constexpr (std::is_same_v<T, float16>)
    return _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
#endif
#if WICK_VECTORS
  auto wide = std::bit_cast<detail::Wide>(x);
  if constexpr (std::is_same_v<T, float16>) wide = half::narrow_float16<detail::WideFloat>(wide);
  else wide = half::narrow_bfloat16(wide);
  auto const narrow = __builtin_convertvector(wide, detail::Narrow);
  std::memcpy(p, &narrow, sizeof narrow);
#else
  alignas(64) float wide[lanes<float>];
  simd::store(wide, x);
  for (int i = 0; i < lanes<float>; ++i) p[i] = T(wide[i]);
#endif
}

/// to[i] = from[i] for i < n.
template <Half T>
void widen(T const* from, std::int64_t n, float* to) {
  std::int64_t i = 0;
  for (; i + lanes<float> <= n; i += lanes<float>) simd::store(to + i, simd::load(from + i));  // not xsimd::store, which wants alignment
  for (; i < n; ++i) to[i] = from[i];
}
/// to[i] = from[i], rounded to the nearest, for i < n.
template <Half T>
void narrow(float const* from, std::int64_t n, T* to) {
  std::int64_t i = 0;
  for (; i + lanes<float> <= n; i += lanes<float>) simd::store(to + i, simd::load(from + i));  // not xsimd::store, which wants alignment
  for (; i < n; ++i) to[i] = T(from[i]);
}

/// The nearest number of type T, in the type it is computed in.
template <Half T>
WICK_FN float round_to(float x) {
  return T(x);
}
template <Half T>
WICK_INLINE Batch<float> round_to(Batch<float> const& x) {
  T few[lanes<float>];
  simd::store(few, x);
  return simd::load(few);
}

}  // namespace simd
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
