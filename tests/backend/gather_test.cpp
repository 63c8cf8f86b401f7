// SPDX-License-Identifier: MIT
// gather and index_select with their gradients, against plain loops and finite differences.
#include <doctest/doctest.h>

#include <cstring>
#include <wick/wick.hpp>

using namespace wick;

namespace {

Tensor<std::int64_t> positions(Dims const& shape, std::int64_t extent, unsigned seed) {
  Tensor<std::int64_t> index = empty<std::int64_t>(shape);
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    index.data()[i] = static_cast<std::int64_t>(seed >> 8) % extent;
  }
  return index;
}

template <class T>
Tensor<T> counted(Dims const& shape) {
  Tensor<T> x = empty<T>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<T>(i % 101);
  return x;
}

template <class T>
void check_rows(Dims const& shape, std::int64_t count) {
  Tensor<T> const x = counted<T>(shape);
  for (int axis = 0; axis < x.dim(); ++axis) {
    Tensor<std::int64_t> const index = positions({count}, shape[axis], 3);
    Tensor<T> const y = index_select(x, axis, index);
    std::int64_t inner = 1, outer = 1;
    for (int d = 0; d < axis; ++d) outer *= shape[d];
    for (int d = axis + 1; d < x.dim(); ++d) inner *= shape[d];
    bool equal = y.numel() == outer * count * inner;
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t k = 0; k < count; ++k)
        for (std::int64_t j = 0; j < inner; ++j)
          equal &= std::as_const(y).data()[(o * count + k) * inner + j] == x.data()[(o * shape[axis] + index.data()[k]) * inner + j];
    CHECK(equal);
  }
}

}  // namespace

TEST_CASE("index_select takes rows of any length, along any dimension") {
  for (std::int64_t inner : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 127, 129, 600}) {
    check_rows<float>({9, inner}, 20);
    check_rows<double>({5, inner, 2}, 3);
    check_rows<bool>({9, inner}, 20);
    check_rows<std::int16_t>({9, inner}, 1);
  }
  check_rows<float>({9, 4}, 0);
  check_rows<float>({3000, 5}, 4000);
  Tensor<float> const x = counted<float>({6, 8});
  CHECK(Tensor<float>(index_select(x.t(), 0, positions({5}, 8, 1))).shape() == Dims(5, 6));
}

TEST_CASE("gather takes elements along any dimension") {
  for (Dims const& shape : {Dims(5, 6, 7), Dims(1, 40, 3), Dims(200, 300, 1)}) {
    Tensor<float> const x = counted<float>(shape);
    for (int axis = 0; axis < 3; ++axis) {
      Dims wanted = shape;
      wanted[axis] = 9;
      Tensor<std::int64_t> const index = positions(wanted, shape[axis], 5);
      Tensor<float> const y = gather(x, axis, index);
      bool equal = y.shape() == wanted;
      for (std::int64_t a = 0, at = 0; a < wanted[0]; ++a)
        for (std::int64_t b = 0; b < wanted[1]; ++b)
          for (std::int64_t c = 0; c < wanted[2]; ++c, ++at) {
            std::int64_t from[] = {a, b, c};
            from[axis] = index.data()[at];
            equal &= std::as_const(y).data()[at] == x.data()[(from[0] * shape[1] + from[1]) * shape[2] + from[2]];
          }
      CHECK(equal);
    }
  }
}

template <class T>
void check_lines(std::int64_t extent, std::int64_t count) {
  Tensor<T> const x = counted<T>({5, extent});
  Tensor<std::int64_t> const index = positions({5, count}, extent, 7);
  Tensor<T> const y = gather(x, 1, index);
  bool equal = true;
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t k = 0; k < count; ++k) equal &= y.data()[i * count + k] == x.data()[i * extent + index.data()[i * count + k]];
  CHECK(equal);
}

TEST_CASE("gather takes elements of lines that fit in registers, and of lines that do not") {
  for (std::int64_t extent : {1, 2, 15, 16, 17, 32, 33, 48, 63, 64, 65, 200})
    for (std::int64_t count : {1, 15, 31, 32, 33, 64, 100, 300}) {
      CAPTURE(extent);
      CAPTURE(count);
      check_lines<float>(extent, count);
      check_lines<double>(extent, count);
      check_lines<std::int32_t>(extent, count);
      check_lines<bool>(extent, count);
    }
}

TEST_CASE("a large result of gather is written past the caches with the same values") {
  // More than stream_bytes, with lines that are no multiple of a line of the cache; threads begin anywhere within one.
  int const before = num_threads();
  std::int64_t const n = 100003, m = 67;
  Tensor<float> const x = counted<float>({n, m});
  Tensor<std::int64_t> const last = positions({n, m}, m, 5), first = positions({n, m}, n, 6);
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Tensor<float> const y = gather(x, 1, last), z = gather(x, 0, first);
    bool same = true;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < m; ++j) {
        std::int64_t const at = i * m + j;
        same = same && y.data()[at] == x.data()[i * m + last.data()[at]] && z.data()[at] == x.data()[first.data()[at] * m + j];
      }
    CHECK(same);
  }
  set_num_threads(before);
}

TEST_CASE("gradients of gather and index_select add up where a position is taken twice") {
  auto const inputs = [] {
    manual_seed(5);
    return std::vector<Variable<double>>{Variable<double>(randn<double>({4, 5, 3}))};
  };
  for (int axis = 0; axis < 3; ++axis) {
    Dims wanted(4, 5, 3);
    wanted[axis] = 7;
    Dims const shape(4, 5, 3);
    auto const rows = positions({8}, shape[axis], 7), picks = positions(wanted, shape[axis], 9);
    CHECK(gradcheck([&](auto const& x) { return square(index_select(x[0], axis, rows)); }, inputs()));
    CHECK(gradcheck([&](auto const& x) { return square(gather(x[0], axis, picks)); }, inputs()));
  }
}

TEST_CASE("gradients of gather and index_select have the same bits for any number of threads") {
  int const before = num_threads();
  manual_seed(1);
  Tensor<float> const table = randn<float>({500, 40}), g = randn<float>({20000, 40});
  auto const rows = positions({20000}, 500, 1), picks = positions({500, 300}, 40, 2);
  Tensor<float> const picked = randn<float>({500, 300});
  auto const gradient = [&](auto const& function, Tensor<float> const& seed) {
    Variable<float> const x = table;
    Variable<float> const y = function(x);
    backward(y, seed);
    return x.grad().clone();
  };
  auto const by_rows = [&](auto const& x) { return index_select(x, 0, rows); };
  auto const by_picks = [&](auto const& x) { return gather(x, 1, picks); };
  set_num_threads(1);
  Tensor<float> const one = gradient(by_rows, g), other = gradient(by_picks, picked);
  for (int threads : {2, 3, 8}) {
    set_num_threads(threads);
    CHECK(std::memcmp(one.data(), gradient(by_rows, g).data(), static_cast<std::size_t>(one.numel()) * 4) == 0);
    CHECK(std::memcmp(other.data(), gradient(by_picks, picked).data(), static_cast<std::size_t>(other.numel()) * 4) == 0);
  }
  set_num_threads(before);
}

TEST_CASE("positions that are not there are named") {
  Tensor<float> const x = counted<float>({4, 5});
  auto const at = [](std::int64_t i) {
    Tensor<std::int64_t> index = zeros<std::int64_t>({3});
    index.data()[1] = i;
    return index;
  };
  CHECK_THROWS_WITH_AS(index_select(x, 1, at(5)), "index_select: index 5 is out of range for dimension 1 of shape (4, 5)", Error);
  CHECK_THROWS_WITH_AS(index_select(x, 0, at(-1)), "index_select: index -1 is out of range for dimension 0 of shape (4, 5)", Error);
  CHECK_THROWS_AS(index_select(x, 0, at(std::numeric_limits<std::int64_t>::min())), Error);
  CHECK_THROWS_AS(index_select(x, 0, at(std::numeric_limits<std::int64_t>::max())), Error);
  CHECK_THROWS_AS(index_select(x, 0, zeros<std::int64_t>({2, 2})), Error);
}
