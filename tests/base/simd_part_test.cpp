// SPDX-License-Identifier: MIT
// The first lanes of a register: nothing beyond them is read or written.
#include <doctest/doctest.h>

#include <vector>
#include <wick/base/simd_part.hpp>

using namespace wick;

TEST_CASE_TEMPLATE("a part of a register reads zeros beyond its elements and writes nothing there", T, float, double) {
  constexpr int n = lanes<T>;
  for (int count = 0; count <= n; ++count) {
    simd::Part<T> const part(count);
    // Exactly as much memory as there are elements: the address sanitizer watches the end.
    std::vector<T> from(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) from[static_cast<std::size_t>(i)] = static_cast<T>(i + 1);
    T all[n];
    simd::store(all, part.load(from.data()));
    for (int i = 0; i < n; ++i) CHECK(all[i] == (i < count ? static_cast<T>(i + 1) : T(0)));
    std::vector<T> to(n, T(-1));
    part.store(to.data(), simd::splat<T>(T(7)));
    for (int i = 0; i < n; ++i) CHECK(to[static_cast<std::size_t>(i)] == (i < count ? T(7) : T(-1)));
  }
}
