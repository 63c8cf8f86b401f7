// SPDX-License-Identifier: MIT
// The sorting kernel beside std::sort: lines that are counted, sorted by digits, and shared among threads; parts of
// the sorted line; keys of all sizes.
#include <doctest/doctest.h>

#include <wick/backend/reference.hpp>
#include <wick/wick.hpp>

using namespace wick;
using backend::LinesShape;

namespace {

enum class Kind { any, few, falling, equal, special, wide };

template <class T>
std::vector<T> numbers(std::int64_t n, Kind kind) {
  std::vector<T> x(static_cast<std::size_t>(n));
  std::uint64_t state = 11;
  for (std::size_t i = 0; i < x.size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    auto const draw = static_cast<std::int32_t>(state >> 33) - (1 << 30);
    if (kind == Kind::any) x[i] = static_cast<T>(std::is_integral_v<T> ? draw >> 8 : draw) / static_cast<T>(std::is_integral_v<T> ? 1 : 1 << 28);
    if (kind == Kind::few || kind == Kind::special) x[i] = static_cast<T>(draw % 20);
    if (kind == Kind::falling) x[i] = static_cast<T>(n - static_cast<std::int64_t>(i) / 2);
    if (kind == Kind::equal) x[i] = T(5);
    if (kind == Kind::wide) x[i] = static_cast<T>(static_cast<std::int64_t>(state));
    if constexpr (!std::is_integral_v<T>)
      if (kind == Kind::special && i % 5 == 0) {
        T const inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
        T const some[] = {nan, -inf, inf, T(-0.0), T(0.0), -nan, std::numeric_limits<T>::denorm_min()};
        x[i] = some[i / 5 % 7];
      }
  }
  return x;
}

template <class T>
bool same(T a, T b) {
  if constexpr (std::is_integral_v<T>) return a == b;
  else return (a != a && b != b) || (a == b && std::signbit(a) == std::signbit(b));
}

template <class T>
void check(LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, Kind kind) {
  std::vector<T> const x = numbers<T>(s.lines() * s.n, kind);
  std::size_t const size = static_cast<std::size_t>(s.lines() * count);
  std::vector<T> got(size), want(size);
  std::vector<std::int64_t> place(size), wanted(size);
  run(backend::Cpu{}, backend::Sort<T>{s, first, count, descending, x.data(), got.data(), place.data()});
  backend::reference::sort(s, first, count, descending, x.data(), want.data(), wanted.data());
  CAPTURE(s.outer); CAPTURE(s.n); CAPTURE(s.inner); CAPTURE(first); CAPTURE(count); CAPTURE(descending); CAPTURE(static_cast<int>(kind));
  CHECK(place == wanted);
  CHECK(std::equal(got.begin(), got.end(), want.begin(), same<T>));
}

constexpr Kind kinds[] = {Kind::any, Kind::few, Kind::falling, Kind::equal, Kind::special, Kind::wide};

}  // namespace

TEST_CASE_TEMPLATE("sorted lines beside std::sort", T, float, double, std::int64_t, std::uint32_t) {
  for (Kind kind : kinds)
    for (bool descending : {false, true}) {
      for (std::int64_t n : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 64, 95, 96, 97, 159, 160, 161, 257, 3000}) {
        check<T>({1, n, 1}, 0, n, descending, kind);
        if (n < 300) check<T>({3, n, 1}, 0, n, descending, kind), check<T>({2, n, 19}, 0, n, descending, kind);
      }
      check<T>({40, 5, 3}, 0, 5, descending, kind);
    }
  check<T>({2, 0, 3}, 0, 0, false, Kind::any);
  check<T>({0, 3, 1}, 0, 3, false, Kind::any);
}

TEST_CASE_TEMPLATE("some places of the sorted lines", T, float, double, std::int32_t) {
  for (Kind kind : kinds)
    for (bool descending : {false, true})
      for (std::int64_t n : {5, 150, 161, 500, 5000})
        for (auto [first, count] : {std::pair<std::int64_t, std::int64_t>{0, 1}, {0, 5}, {n / 2, 1}, {n - 1, 1}, {n / 3, n / 4}, {0, n - 1}, {n / 2, 0}}) {
          check<T>({1, n, 1}, first, count, descending, kind);
          if (n < 200) check<T>({2, n, 3}, first, count, descending, kind);
        }
}

TEST_CASE_TEMPLATE("a long line is shared among threads", T, float, double, std::int64_t) {
  int const before = num_threads();
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    for (Kind kind : {Kind::any, Kind::few, Kind::special}) {
      check<T>({1, 70001, 1}, 0, 70001, false, kind);
      check<T>({1, 70001, 1}, 35000, 1, true, kind);
    }
    check<T>({1, 65536, 2}, 0, 65536, true, Kind::any);
    check<T>({9, 1000, 1}, 0, 1000, false, Kind::any);
  }
  set_num_threads(before);
}

TEST_CASE("unique with several threads") {
  std::vector<std::int32_t> const numbers_here = numbers<std::int32_t>(100000, Kind::few);
  Tensor<std::int32_t> x(Tensor<std::int32_t>::uninitialized, Dims(100000));
  std::copy(numbers_here.begin(), numbers_here.end(), x.data());
  int const before = num_threads();
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    auto const u = unique(x, {.return_inverse = true, .return_counts = true});
    CHECK(u.values.numel() == 39);
    CHECK(all(index_select(u.values, 0, u.inverse) == x).item());
    CHECK(sum(u.counts).item() == 100000);
  }
  set_num_threads(before);
}

TEST_CASE("sorting again asks the system for no memory") {
  int const before = num_threads();
  set_num_threads(1);
  Tensor<float> const x = randn<float>({50000});
  std::int64_t asked = 0;
  for (int i = 0; i < 6; ++i) {
    auto const sorted = sort(x), some = topk(x, 10);
    Tensor<float> const sums = cumsum(sorted.values, 0);
    auto const different = unique(sums);
    if (i == 2) asked = pool_stats().system_allocations;
  }
  CHECK(pool_stats().system_allocations == asked);
  set_num_threads(before);
}
