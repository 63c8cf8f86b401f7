// SPDX-License-Identifier: MIT
// The sizes of the caches, asked of the system once.
#pragma once

#include <cstdint>

#include <wick/base/config.hpp>

#if defined(__linux__)
#include <unistd.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// Bytes of one core's data caches: the first level, the second.
struct Caches {
  std::int64_t first = 32 << 10, second = 512 << 10;  ///< what a system that does not tell gets

  static Caches const& here() {
    static Caches const found = [] {
      Caches c;
      auto const take = [](std::int64_t& to, std::int64_t bytes) {
        if (bytes > 0) to = bytes;
      };
#if defined(__linux__) && defined(_SC_LEVEL1_DCACHE_SIZE)
      take(c.first, ::sysconf(_SC_LEVEL1_DCACHE_SIZE));
      take(c.second, ::sysconf(_SC_LEVEL2_CACHE_SIZE));
#elif defined(__APPLE__)
      auto const ask = [&](char const* name, std::int64_t& to) {
        std::int64_t bytes = 0;
        std::size_t size = sizeof bytes;
        if (::sysctlbyname(name, &bytes, &size, nullptr, 0) == 0) take(to, bytes);
      };
      ask("hw.l1dcachesize", c.first);
      ask("hw.l2cachesize", c.second);
#endif
      return c;
    }();
    return found;
  }
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
