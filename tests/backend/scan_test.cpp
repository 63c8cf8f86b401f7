// SPDX-License-Identifier: MIT
// The scans' kernels beside the naive ones: around the width of registers, of columns that go together, of chunks; NaN and
// infinities; and with several threads.
#include <wick/backend/cpu/calls.hpp>
#include <wick/backend/reference.hpp>
#include <wick/ops/scan.hpp>

#include "../promises/bits.hpp"

using namespace wick;
using backend::LinesShape;
using backend::Scan;

namespace {

template <class T>
std::vector<T> numbers(LinesShape const& s, int spread) {
  std::vector<T> x(static_cast<std::size_t>(s.lines() * s.n));
  std::uint32_t state = 7;
  for (T& value : x) {
    state = state * 1664525u + 1013904223u;
    if constexpr (std::is_integral_v<T>) value = static_cast<T>(state >> 29);
    else value = static_cast<T>(static_cast<double>(static_cast<std::int32_t>(state >> 8) - (1 << 23)) / (1 << 23) * spread);
  }
  return x;
}
// What the naive kernels compute in: a long sum of floats would not know its own digits.
template <class T>
using Exact = std::conditional_t<std::is_same_v<T, float>, double, T>;

template <class T>
std::vector<Exact<T>> exact(std::vector<T> const& x) { return {x.begin(), x.end()}; }
template <class T>
bool close(std::vector<T> const& got, std::vector<Exact<T>> const& want, double tolerance) {
  for (std::size_t i = 0; i < want.size(); ++i) {
    auto const a = static_cast<double>(want[i]), b = static_cast<double>(got[i]);
    if (!(a == b || (a != a && b != b) || std::abs(a - b) <= tolerance * std::max(1.0, std::abs(a)))) return false;
  }
  return true;
}
template <Scan kind, class T>
void check_scan(LinesShape const& s, std::vector<T> const& x, bool reverse, double tolerance) {
  std::vector<T> got(x.size());
  std::vector<Exact<T>> want(x.size());
  run(backend::Cpu{}, backend::ScanLines<kind, T>{s, reverse, x.data(), got.data()});
  backend::reference::scan<kind>(s, reverse, exact(x).data(), want.data());
  CAPTURE(s.outer); CAPTURE(s.n); CAPTURE(s.inner); CAPTURE(reverse);
  CHECK(close(got, want, tolerance));
}
template <class T>
void check(LinesShape const& s) {
  double const unit = std::is_same_v<T, float> ? 2e-7 : 1e-15, steps = static_cast<double>(s.n) + 10;
  std::vector<T> const x = numbers<T>(s, 2);
  for (bool reverse : {false, true}) {
    check_scan<Scan::sum>(s, x, reverse, std::sqrt(steps) * unit);
    check_scan<Scan::prod>(s, x, reverse, steps * unit);
    if constexpr (!std::is_integral_v<T>) {
      check_scan<Scan::logsumexp>(s, x, reverse, std::sqrt(steps) * unit);
      std::vector<T> const c = numbers<T>(s, 1);
      std::vector<T> got(x.size());
      std::vector<Exact<T>> want(x.size());
      run(backend::Cpu{}, backend::Recurrence<T>{s, reverse, c.data(), x.data(), got.data()});
      backend::reference::recurrence(s, reverse, exact(c).data(), exact(x).data(), want.data());
      CHECK(close(got, want, 10 * unit));
    }
  }
}
template <bool smallest, class T>
void check_extreme(LinesShape const& s, std::vector<T> const& x) {
  std::vector<T> got(x.size()), want(x.size());
  std::vector<std::int64_t> place(x.size()), wanted(x.size());
  run(backend::Cpu{}, backend::ScanExtreme<smallest, T>{s, x.data(), got.data(), place.data()});
  backend::reference::scan_extreme<smallest>(s, x.data(), want.data(), wanted.data());
  CAPTURE(s.outer); CAPTURE(s.n); CAPTURE(s.inner); CAPTURE(smallest);
  CHECK(close(got, exact(want), 0));
  CHECK(place == wanted);
}

constexpr LinesShape shapes[] = {{1, 1, 1},    {3, 2, 1},  {2, 7, 1},   {1, 8, 1},    {2, 9, 1},    {5, 16, 1},   {3, 17, 1},  {1, 33, 1},  {1, 127, 1},
                                 {2, 1000, 1}, {3, 5, 2},  {2, 9, 15},  {1, 20, 16},  {2, 6, 127},  {1, 6, 128},  {2, 5, 129}, {1, 3, 300}, {100, 3, 1},
                                 {2, 0, 3},    {2, 3, 0},  {0, 3, 1},   {7, 300, 40}, {1, 32768, 1}, {2, 32769, 1}, {1, 140000, 1}};

}  // namespace

TEST_CASE_TEMPLATE("scans beside the naive ones", T, float, double, std::int64_t) {
  for (LinesShape const& s : shapes) check<T>(s);
}

TEST_CASE_TEMPLATE("extremes so far beside the naive ones", T, float, double, std::int32_t) {
  for (LinesShape const& s : shapes) {
    for (int kind = 0; kind < 4; ++kind) {
      std::vector<T> x = numbers<T>(s, 2);
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (kind == 1) x[i] = static_cast<T>(i / 3);            // each better than the one before, or equal
        if (kind == 2) x[i] = static_cast<T>(i / 40 * (i % 2));
        if (kind == 3 && !std::is_integral_v<T> && i % 50 == 33) x[i] = std::numeric_limits<T>::quiet_NaN();
      }
      check_extreme<false>(s, x);
      check_extreme<true>(s, x);
    }
  }
}

TEST_CASE_TEMPLATE("NaN and infinities pass down the line", T, float, double) {
  T const inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (LinesShape const& s : {LinesShape{1, 40, 1}, LinesShape{1, 40, 20}, LinesShape{2, 11, 1}}) {
    for (T special : {inf, -inf, nan}) {
      std::vector<T> x = numbers<T>(s, 2);
      for (std::size_t i = x.size() / 3; i < x.size(); i += 13) x[i] = special;
      x[0] = special;
      for (bool reverse : {false, true}) {
        check_scan<Scan::sum>(s, x, reverse, 1e-5);
        check_scan<Scan::prod>(s, x, reverse, 1e-5);
      }
      if (special == special) check_scan<Scan::logsumexp>(s, x, false, 1e-5);
    }
  }
  T const x[] = {1, nan, 2};
  T y[3];
  run(backend::Cpu{}, backend::ScanLines<Scan::logsumexp, T>{{1, 3, 1}, false, x, y});
  CHECK((y[0] == 1 && y[1] != y[1] && y[2] != y[2]));
  run(backend::Cpu{}, backend::ScanLines<Scan::logsumexp, T>{{1, 3, 1}, true, x, y});
  CHECK((y[0] != y[0] && y[1] != y[1] && y[2] == 2));
}

TEST_CASE("products within a float's range are right where parts of them are not") {
  std::vector<float> x(64, 1.f);
  x[0] = 1e-30f;
  for (std::size_t i = 1; i < 8; ++i) x[i] = 1e9f;
  for (std::size_t i = 8; i < 12; ++i) x[i] = 1e-9f;
  check_scan<Scan::prod>({1, 64, 1}, x, false, 1e-5);
  check_scan<Scan::prod>({1, 8, 8}, x, false, 1e-5);
}

TEST_CASE("scans have the same bits for any number of threads") {
  Tensor<float> const line = bits::noise({1000003}, 1), some = bits::noise({3, 200000}, 2), rows = bits::noise({700, 333}, 3);
  auto const places = [](auto const& picked) { return Tensor<float>(cast<float>(picked.indices)); };
  bits::check("a long line", [&]() -> bits::Results { return {cumsum(line, 0), cumprod(1 + line * 1e-4f, 0), logcumsumexp(line, 0)}; });
  bits::check("few lines", [&]() -> bits::Results { return {cumsum(some, 1), cumprod(some + 1.4f, 1), logcumsumexp(some, 1)}; });
  bits::check("many lines", [&]() -> bits::Results { return {cumsum(rows, 1), cumsum(rows, 0), logcumsumexp(rows, 0), places(cummax(rows, 0)), places(cummin(rows, 1))}; });
}
