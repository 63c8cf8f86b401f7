// SPDX-License-Identifier: MIT
// Runs a computation with several thread counts and compares every bit of its results.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <vector>
#include <wick/tensor.hpp>

namespace bits {

using namespace wick;

using Results = std::vector<Tensor<float>>;

inline std::uint64_t hash(Results const& results) {
  std::uint64_t h = 1469598103934665603u;
  for (Tensor<float> const& x : results) {
    Tensor<float> const dense = x.contiguous();
    for (std::int64_t i = 0; i < dense.numel(); ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, dense.data() + i, 4);
      h = (h ^ bits) * 1099511628211u;
    }
  }
  return h;
}

/// Numbers in [-0.4, 0.6), the same on every run.
inline Tensor<float> noise(Dims const& shape, int seed) {
  Tensor<float> x = empty<float>(shape);
  std::uint32_t state = static_cast<std::uint32_t>(seed);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    state = state * 1664525u + 1013904223u;
    x.data()[i] = static_cast<float>(state >> 8) / static_cast<float>(1 << 24) - 0.4f;
  }
  return x;
}

/// Checks that `work` gives the same bits with 1, 2, 3 and 8 threads.
inline void check(char const* name, std::function<Results()> const& work) {
  int const before = num_threads();
  set_num_threads(1);
  std::uint64_t const one = hash(work());
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    CHECK_MESSAGE(hash(work()) == one, std::string(name) << " with " << threads << " threads");
  }
  set_num_threads(before);
}

}  // namespace bits
