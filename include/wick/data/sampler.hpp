// SPDX-License-Identifier: MIT
// In which order the samples of a data set are read: a function of the seed and the epoch alone.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>
#include <wick/base/error.hpp>
#include <wick/core/random.hpp>

namespace wick::inline WICK_ISA {
namespace data {

/// The data set's own order, 0 to size - 1.
class SequentialSampler {
 public:
  /// Throws `Error` for a negative size.
  explicit SequentialSampler(std::int64_t size) : size_(size) {
    if (size < 0) fail("sampler: size is ", size, ", expected at least 0");
  }

  std::int64_t size() const { return size_; }
  /// The order of any epoch.
  std::vector<std::int64_t> order(std::int64_t = 0) const {
    std::vector<std::int64_t> indices(static_cast<std::size_t>(size_));
    std::iota(indices.begin(), indices.end(), std::int64_t{0});
    return indices;
  }

 private:
  std::int64_t size_;
};

/// A random permutation of 0 to size - 1 for each epoch. Counter-based: no state, so the order of epoch 7 needs no
/// epoch before it.
class RandomSampler {
 public:
  /// Throws `Error` for a negative size.
  explicit RandomSampler(std::int64_t size, std::uint64_t seed = 0) : size_(SequentialSampler(size).size()), seed_(seed) {}

  /// The order of `epoch` (Fisher and Yates's shuffle). The draw below n is a 64-bit number modulo n: its bias is under
  /// n / 2^64.
  std::vector<std::int64_t> order(std::int64_t epoch) const {
    std::vector<std::int64_t> indices = SequentialSampler(size_).order();
    for (std::int64_t last = size_ - 1; last > 0; last -= 2) {
      auto const [first, second] = draw(static_cast<std::uint64_t>(last), static_cast<std::uint64_t>(epoch));
      swap_below(indices, last, first);
      if (last > 1) swap_below(indices, last - 1, second);
    }
    return indices;
  }

 private:
  std::pair<std::uint64_t, std::uint64_t> draw(std::uint64_t counter, std::uint64_t epoch) const {
    // The constant keeps shuffles apart from the random tensors of the same seed.
    std::uint64_t const key = seed_ ^ 0x73687566666c6573u;
    auto const word = [](std::uint64_t value, int part) { return static_cast<std::uint32_t>(value >> (32 * part)); };
    auto const bits =
        philox4x32({word(counter, 0), word(counter, 1), word(epoch, 0), word(epoch, 1)}, {word(key, 0), word(key, 1)});
    return {std::uint64_t{bits[1]} << 32 | bits[0], std::uint64_t{bits[3]} << 32 | bits[2]};
  }
  static void swap_below(std::vector<std::int64_t>& indices, std::int64_t last, std::uint64_t random) {
    auto const i = static_cast<std::size_t>(last);
    std::swap(indices[i], indices[static_cast<std::size_t>(random % (i + 1))]);
  }

  std::int64_t size_;
  std::uint64_t seed_;
};

}  // namespace data
}  // namespace wick::inline WICK_ISA
