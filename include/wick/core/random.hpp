// SPDX-License-Identifier: MIT
// Counter-based random numbers: element i of a stream is a function of (seed, position), so any thread can compute it.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include <wick/base/half.hpp>
#include <wick/core/allocator.hpp>

WICK_PRECISE_BEGIN
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
  static constexpr float unit(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }
  /// Number `k` of a block.
  static constexpr std::uint32_t word(std::array<std::uint32_t, 4> const& block, int k) {
    std::uint32_t const low = k & 1 ? block[1] : block[0], high = k & 1 ? block[3] : block[2];
    return k & 2 ? high : low;
  }
  /// Uniform on [0, 1): element `at` of those that `uniform` makes, `block` being the block of number at / 4.
  template <class T>
  static constexpr T uniform_value(std::array<std::uint32_t, 4> const& block, std::int64_t at) {
    int const k = static_cast<int>(at % 4);
    std::uint32_t const bits = word(block, k);
    if constexpr (sizeof(T) == 8) {
      // 53 bits: the second word comes from the block's neighbour lane
      std::uint32_t const low = word(block, (k + 1) % 4) * 0x9E3779B1u ^ static_cast<std::uint32_t>(at);
      return static_cast<T>(static_cast<double>(std::uint64_t{bits} << 21 | low >> 11) * 0x1p-53);
    } else if constexpr (Half<T>) {
      // Only as many bits as T has: rounding more of them could give 1.
      constexpr int digits = std::numeric_limits<T>::digits;
      return static_cast<T>(static_cast<float>(bits >> (32 - digits)) / (1 << digits));
    } else {
      return static_cast<T>(unit(bits));
    }
  }
  /// Two normal numbers, mean 0, deviation 1, from two random words (Box and Muller, Ann. Math. Statist. 29, 1958). `Functions`
  /// has the log, sqrt, cos and sin that are used.
  template <class Functions, class Isa = IsaTag>
  static constexpr std::array<double, 2> normal_pair(std::uint32_t first, std::uint32_t second) {
    double const radius = Functions::sqrt(-2 * Functions::log((first + 1.0) * 0x1p-32)), angle = second * (0x1p-32 * 6.283185307179586);
    return {radius * Functions::cos(angle), radius * Functions::sin(angle)};
  }

  /// Fills with numbers uniform on [0, 1).
  template <class T, class Isa = IsaTag>
  void uniform(T* out, std::int64_t count) {
    std::uint64_t const first = reserve(static_cast<std::uint64_t>(count + 3) / 4);
    for (std::int64_t i = 0; i < count; i += 4) {
      auto const words = block(seed_, first + static_cast<std::uint64_t>(i / 4));
      for (std::int64_t k = 0; k < 4 && i + k < count; ++k) out[i + k] = uniform_value<T>(words, i + k);
    }
  }
  /// Fills with normal numbers, mean 0, deviation 1.
  template <class T, class Isa = IsaTag>
  void normal(T* out, std::int64_t count) {
    std::uint64_t const first = reserve(static_cast<std::uint64_t>(count + 3) / 4);
    for (std::int64_t i = 0; i < count; i += 4) {
      auto const words = block(seed_, first + static_cast<std::uint64_t>(i / 4));
      for (std::int64_t k = 0; k < 4 && i + k < count; k += 2) {
        auto const pair = normal_pair<StandardFunctions>(words[static_cast<std::size_t>(k)], words[static_cast<std::size_t>(k + 1)]);
        out[i + k] = static_cast<T>(pair[0]);
        if (i + k + 1 < count) out[i + k + 1] = static_cast<T>(pair[1]);
      }
    }
  }

 private:
  struct StandardFunctions {
    static double sqrt(double x) { return std::sqrt(x); }
    static double log(double x) { return std::log(x); }
    static double cos(double x) { return std::cos(x); }
    static double sin(double x) { return std::sin(x); }
  };
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
WICK_PRECISE_END
