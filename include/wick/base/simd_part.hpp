// SPDX-License-Identifier: MIT
// The first few lanes of a register: what is left of a row when whole registers have been taken.
#pragma once

#include <cstring>

#include <wick/base/simd.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace simd {

/// Reads and writes the first `count` elements of a register's worth (0 to `lanes<T>`), and touches no memory beyond.
template <Lane T>
class Part {
#if defined(__AVX512F__)
  static constexpr bool masked = sizeof(Batch<T>) == 64;
  using Bits = __mmask16;
#elif defined(__AVX2__)
  static constexpr bool masked = sizeof(Batch<T>) == 32;
  using Bits = __m256i;
#else
  static constexpr bool masked = false;
  using Bits = char;
#endif

 public:
  explicit WICK_INLINE Part(std::int64_t count) : count_(count) {
#if defined(__AVX512F__)
    mask_ = static_cast<__mmask16>((1u << count) - 1);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
      mask_ = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    else mask_ = _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
#endif
  }

  /// The elements from p on; zero in the other lanes.
  WICK_INLINE Batch<T> load(T const* p) const {
    if constexpr (masked) {
#if defined(__AVX512F__)
      if constexpr (sizeof(T) == 4) return same_bits<Batch<T>>(_mm512_maskz_loadu_epi32(mask_, p));
      else return same_bits<Batch<T>>(_mm512_maskz_loadu_epi64(static_cast<__mmask8>(mask_), p));
#elif defined(__AVX2__)
      if constexpr (sizeof(T) == 4) return same_bits<Batch<T>>(_mm256_maskload_epi32(reinterpret_cast<int const*>(p), mask_));
      else return same_bits<Batch<T>>(_mm256_maskload_epi64(reinterpret_cast<long long const*>(p), mask_));
#endif
    } else {
      T all[lanes<T>] = {};
      std::memcpy(all, p, static_cast<std::size_t>(count_) * sizeof(T));
      return simd::load(all);
    }
  }
  WICK_INLINE void store(T* p, Batch<T> const& x) const {
    if constexpr (masked) {
#if defined(__AVX512F__)
      if constexpr (sizeof(T) == 4) _mm512_mask_storeu_epi32(p, mask_, same_bits<__m512i>(x));
      else _mm512_mask_storeu_epi64(p, static_cast<__mmask8>(mask_), same_bits<__m512i>(x));
#elif defined(__AVX2__)
      if constexpr (sizeof(T) == 4) _mm256_maskstore_epi32(reinterpret_cast<int*>(p), mask_, same_bits<__m256i>(x));
      else _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), mask_, same_bits<__m256i>(x));
#endif
    } else {
      T all[lanes<T>];
      simd::store(all, x);
      std::memcpy(p, all, static_cast<std::size_t>(count_) * sizeof(T));
    }
  }

 private:
  template <class To, class From>
  static WICK_INLINE To same_bits(From const& from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(static_cast<void*>(&to), &from, sizeof to);
    return to;
  }
  std::int64_t count_;
  Bits mask_{};
};

}  // namespace simd

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
