// SPDX-License-Identifier: MIT
// Counter-based random numbers: element i of a stream is a function of (seed, position), so any thread can compute it.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include <wick/base/half.hpp>
#include <wick/core/allocator.hpp>

namespace wick {

/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    std::uint64_t const a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9, key[1] += 0xBB67AE85;
  }
  return counter;
}

/// A stream of random numbers: a seed and a position. Copying it copies the stream.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}

  std::uint64_t seed() const { return seed_; }
  std::uint64_t position() const { return position_; }
  /// Goes to a position, counted in blocks of four 32-bit numbers.
  void seek(std::uint64_t position) { position_ = position; }
  /// Sets `blocks` blocks of the stream aside and returns the position of the first.
  std::uint64_t reserve(std::uint64_t blocks) {
    std::uint64_t const first = position_;
    position_ += blocks;
    return first;
  }
  /// The four numbers of block `block` of the stream of `seed`.
  static constexpr std::array<std::uint32_t, 4> block(std::uint64_t seed, std::uint64_t block) {
    return philox4x32({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0},
                      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }
  /// Uniform on [0, 1), from 32 random bits.
  static float unit(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

  /// Fills with numbers uniform on [0, 1).
  template <class T>
  void uniform(T* out, std::int64_t count) {
    std::uint64_t const first = reserve(static_cast<std::uint64_t>(count + 3) / 4);
    for (std::int64_t i = 0; i < count; i += 4) {
      auto const bits = block(seed_, first + static_cast<std::uint64_t>(i / 4));
      for (std::int64_t k = 0; k < 4 && i + k < count; ++k) {
        if constexpr (sizeof(T) == 8) {
          // 53 bits: the second word comes from the block's neighbour lane
          auto const low = bits[static_cast<std::size_t>((k + 1) % 4)] * 0x9E3779B1u ^ static_cast<std::uint32_t>(i + k);
          out[i + k] = static_cast<T>((std::uint64_t{bits[static_cast<std::size_t>(k)]} << 21 | low >> 11) * 0x1p-53);
        } else if constexpr (Half<T>) {
          // Only as many bits as T has: rounding more of them could give 1.
          constexpr int digits = std::numeric_limits<T>::digits;
          out[i + k] = static_cast<T>(static_cast<float>(bits[static_cast<std::size_t>(k)] >> (32 - digits)) / (1 << digits));
        } else {
          out[i + k] = static_cast<T>(unit(bits[static_cast<std::size_t>(k)]));
        }
      }
    }
  }
  /// Fills with normal numbers, mean 0, deviation 1 (Box and Muller, Ann. Math. Statist. 29, 1958).
  template <class T>
  void normal(T* out, std::int64_t count) {
    std::uint64_t const first = reserve(static_cast<std::uint64_t>(count + 3) / 4);
    for (std::int64_t i = 0; i < count; i += 4) {
      auto const bits = block(seed_, first + static_cast<std::uint64_t>(i / 4));
      T values[4];
      for (int pair = 0; pair < 2; ++pair) {
        double const u = (bits[static_cast<std::size_t>(2 * pair)] + 1.0) * 0x1p-32;
        double const angle = bits[static_cast<std::size_t>(2 * pair + 1)] * (0x1p-32 * 6.283185307179586);
        double const radius = std::sqrt(-2 * std::log(u));
        values[2 * pair] = static_cast<T>(radius * std::cos(angle));
        values[2 * pair + 1] = static_cast<T>(radius * std::sin(angle));
      }
      for (std::int64_t k = 0; k < 4 && i + k < count; ++k) out[i + k] = values[k];
    }
  }

 private:
  std::uint64_t seed_;
  std::uint64_t position_ = 0;
};

/// The calling thread's generator, which rand, randn, initialisation and dropout draw from.
WICK_SHARED inline Generator& default_generator() {
  static thread_local Generator generator{0x5EED};
  return generator;
}
/// Starts the calling thread's generator anew with a seed (torch.manual_seed).
inline void manual_seed(std::uint64_t seed) { default_generator() = Generator(seed); }

}  // namespace wick
