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
