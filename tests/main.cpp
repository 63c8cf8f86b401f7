// SPDX-License-Identifier: MIT
// The main function of all tests: doctest's own. Every other file of the program holds test cases only.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cerrno>
#include <cstdlib>
#include <new>

#include "failing_new.hpp"

// Every allocation of the program can be made to fail, those of the pool and of the C library too.
#if WICK_FAILING_NEW && defined(__GLIBC__) && !defined(WICK_ADDRESS_SANITIZER)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) noexcept {
  if (testing::may_allocate()) return __libc_malloc(bytes);
  errno = ENOMEM;
  return nullptr;
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  if (testing::may_allocate_block()) return __libc_memalign(alignment, bytes);
  errno = ENOMEM;
  return nullptr;
}
}
#elif WICK_FAILING_NEW
void* operator new(std::size_t bytes) {
  if (void* const memory = testing::may_allocate() ? std::malloc(bytes) : nullptr) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif
