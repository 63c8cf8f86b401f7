// SPDX-License-Identifier: MIT
// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011) for a register full of blocks: each 64-bit lane computes one
// block, with a 32-bit word of it in its low half.
#pragma once

#include <cstring>

#include <wick/base/simd.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Blocks that `PhiloxBatch` computes side by side.
inline constexpr int philox_lanes = static_cast<int>(sizeof(simd::Words) / sizeof(std::uint64_t));

/// The numbers of the blocks `first`, `first + 1`, ... of the stream of `seed`, philox_lanes blocks of four: the same
/// as `philox4x32` gives.
WICK_INLINE void philox_batch(std::uint64_t seed, std::uint64_t first, std::uint32_t* out) {
  using simd::Words;
  Words block{};
  for (int i = 0; i < philox_lanes; ++i) block[i] = first + static_cast<std::uint64_t>(i);
  // Only the low half of each lane counts; what the shifts and products leave above it is never read.
  Words c0 = block, c1 = block >> 32, c2{}, c3{};
  auto k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    Words const a = simd::multiply_low(c0, 0xD2511F53), b = simd::multiply_low(c2, 0xCD9E8D57);
    c0 = (b >> 32) ^ c1 ^ k0, c1 = b;
    c2 = (a >> 32) ^ c3 ^ k1, c3 = a;
  }
  Words const halves[] = {(c0 & 0xFFFFFFFFu) | (c1 << 32), (c2 & 0xFFFFFFFFu) | (c3 << 32)};
  std::uint64_t lanes[2][philox_lanes];
  std::memcpy(lanes, halves, sizeof lanes);
  for (int i = 0; i < philox_lanes; ++i) {
    std::memcpy(out + 4 * i, &lanes[0][i], 8);
    std::memcpy(out + 4 * i + 2, &lanes[1][i], 8);
  }
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
