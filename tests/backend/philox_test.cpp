// SPDX-License-Identifier: MIT
// Philox a register at a time against Philox a block at a time, which random_test compares with the authors' vectors.
#include <doctest/doctest.h>

#include <vector>
#include <wick/wick.hpp>

using namespace wick;

TEST_CASE("a register of blocks holds the blocks") {
  for (std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xFFFFFFFD}, std::uint64_t{0x123456789ABCDEF}}) {
    std::uint64_t const seed = 0xFEDCBA9876543210;
    std::uint32_t numbers[4 * philox_lanes];
    philox_batch(seed, first, numbers);
    for (int block = 0; block < philox_lanes; ++block) {
      auto const expected = Generator::block(seed, first + static_cast<std::uint64_t>(block));
      for (std::size_t word = 0; word < 4; ++word) CHECK(numbers[4 * static_cast<std::size_t>(block) + word] == expected[word]);
    }
  }
}

TEST_CASE("a dropout mask is the same wherever it is cut") {
  DropoutMask<float> const mask{Layout(Dims(4096)), 0.25, {{7, 3}}};
  std::vector<float> whole(2000), part(2000);
  DropoutMask<float>::fetch(&mask, 5, 1, 2000, whole.data());
  int zeros = 0;
  for (float x : whole) {
    CHECK((x == 0 || x == 1 / 0.75f));
    zeros += x == 0;
  }
  CHECK(std::abs(zeros - 500) < 100);
  for (std::int64_t offset : {0, 1, 3, 64, 997})
    for (std::int64_t n : {1, 7, 64, 300, 1000}) {
      DropoutMask<float>::fetch(&mask, 5 + offset, 1, n, part.data());
      CHECK(std::equal(part.begin(), part.begin() + n, whole.begin() + offset));
      DropoutMask<float>::fetch(&mask, 5 + offset, 2, n / 2, part.data());
      bool same = true;
      for (std::int64_t i = 0; i < n / 2; ++i) same &= part[static_cast<std::size_t>(i)] == whole[static_cast<std::size_t>(offset + 2 * i)];
      CHECK(same);
    }
}
