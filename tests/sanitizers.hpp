// SPDX-License-Identifier: MIT
// Which sanitizer a test is compiled with: g++ defines a macro, clang answers a question.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define WICK_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WICK_THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WICK_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WICK_ADDRESS_SANITIZER 1
#endif
#endif

// Whether a process may fork while its other threads allocate: the thread sanitizer allows the child no threads, and in the
// address sanitizer's own allocator the child may meet a mutex that one of those threads held.
#if defined(WICK_THREAD_SANITIZER) || defined(WICK_ADDRESS_SANITIZER)
#define WICK_FORKS_AMONG_THREADS 0
#else
#define WICK_FORKS_AMONG_THREADS 1
#endif
