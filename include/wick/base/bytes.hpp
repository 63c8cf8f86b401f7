// SPDX-License-Identifier: MIT
// Moves of a few bytes, such as what is left of a row after its last full register.
#pragma once

#include <cstring>

#include <wick/base/simd.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Copies half to 2 * `half` bytes as two blocks of that size that may overlap: no loop, and no call.
template <std::int64_t half>
WICK_INLINE void copy_ends(void* to, void const* from, std::int64_t bytes) {
  char first[std::size_t{half}], last[std::size_t{half}];
  std::memcpy(first, from, half);
  std::memcpy(last, static_cast<char const*>(from) + bytes - half, half);
  std::memcpy(to, first, half);
  std::memcpy(static_cast<char*>(to) + bytes - half, last, half);
}

/// Copies `bytes` bytes: whole elements of a register's lanes, fewer than a register holds.
inline void copy_tail(void* to, void const* from, std::int64_t bytes) {
  if (bytes >= 32) copy_ends<32>(to, from, bytes);
  else if (bytes >= 16) copy_ends<16>(to, from, bytes);
  else if (bytes >= 8) copy_ends<8>(to, from, bytes);
  else if (bytes >= 4) copy_ends<4>(to, from, bytes);
  else if (bytes >= 2) std::memcpy(to, from, 2);
}

/// A register's worth of memory with what is left of a slot, then zeros.
inline void load_tail(char (&to)[64], void const* from, std::int64_t bytes) {
#if defined(__AVX512BW__)
  auto const words = static_cast<__mmask32>((1u << (bytes / 2)) - 1);
  _mm512_store_si512(to, _mm512_maskz_loadu_epi16(words, from));
#else
  std::memset(to, 0, sizeof to);
  copy_tail(to, from, bytes);
#endif
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
