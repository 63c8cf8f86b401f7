// SPDX-License-Identifier: MIT
// Only the threads: tensors keep their library in memory anyway, by destructors of thread-local objects.
#include <atomic>
#include <wick/backend/cpu/threads.hpp>

/// The sum of 0 ... n - 1, often enough that the threads which help are awake at the end.
extern "C" std::int64_t sum_to(std::int64_t n) {
  wick::set_num_threads(3);
  std::atomic<std::int64_t> total{0};
  for (int i = 0; i < 20; ++i) {
    total = 0;
    wick::parallel_for(n, 1000, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t part = 0;
      for (; begin < end; ++begin) part += begin;
      total += part;
    });
  }
  return total;
}
