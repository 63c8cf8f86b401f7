// SPDX-License-Identifier: MIT
// Pooling of the CPU backend and its gradients against the naive loops and PyTorch's corner cases.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>
#include <wick/backend/cpu/pool.hpp>
#include <wick/backend/reference.hpp>

using namespace wick;
using backend::Pool2dShape;

namespace {

template <class T>
std::vector<T> integers(std::int64_t count, unsigned seed) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<T>(static_cast<int>(seed >> 24) % 7 - 3);
  }
  return values;
}

std::vector<Pool2dShape> const shapes = {
    {.planes = 5, .height = 24, .width = 24, .kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2},
    {.planes = 2,
     .height = 7,
     .width = 9,
     .kernel_h = 2,
     .kernel_w = 2,
     .stride_h = 2,
     .stride_w = 2,
     .ceil_mode = true},
    {3, 9, 8, 3, 2, 2, 1, 1, 1, 1, 1, false, true},
    {3, 9, 8, 3, 2, 2, 1, 1, 1, 1, 1, false, false},
    {2, 10, 12, 3, 3, 2, 2, 1, 1, 2, 3, true, true},
    {2, 5, 6, 3, 4, 3, 3, 1, 2, 1, 1, true, false},
    {1, 40, 3, 2, 2, 1, 1, 0, 0, 1, 1, false, true},
    // Windows of wide steps, which may begin above the one before, and which may hold no element at all.
    {2, 9, 11, 3, 3, 1, 1, 1, 1, 2, 2, false, true},
    {1, 12, 40, 3, 2, 1, 2, 1, 1, 4, 3, false, true},
    {1, 4, 4, 2, 2, 1, 1, 1, 1, 5, 5, false, true},
    {0, 4, 4, 2, 2, 2, 2, 0, 0, 1, 1, false, true},
    {2, 1, 1, 2, 2, 2, 2, 0, 0, 1, 1, false, true},
};

std::int64_t in_size(Pool2dShape const& s) { return s.planes * s.height * s.width; }
std::int64_t out_size(Pool2dShape const& s) { return s.planes * s.out_height() * s.out_width(); }

}  // namespace

TEST_CASE("the extents of pooling are PyTorch's") {
  auto const extent = [](std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad, bool ceil) {
    return Pool2dShape{1, in, in, kernel, kernel, stride, stride, pad, pad, 1, 1, ceil, true}.out_height();
  };
  CHECK(extent(5, 2, 2, 0, false) == 2);
  CHECK(extent(5, 2, 2, 0, true) == 3);
  CHECK(extent(4, 3, 2, 1, false) == 2);
  CHECK(extent(4, 3, 2, 1, true) == 3);
  CHECK(extent(2, 2, 3, 1, true) == 1);  // the second window would begin in the right padding
  CHECK(extent(1, 2, 2, 0, false) == 0);
}

namespace {

template <class Index>
void check_max_pooling(Pool2dShape const& s) {
  std::vector<float> const x = integers<float>(in_size(s), 1), gy = integers<float>(out_size(s), 2);
  std::vector<float> y(gy.size()), expected(gy.size());
  std::vector<Index> at(gy.size()), at_expected(gy.size());
  backend::cpu::max_pool2d(s, x.data(), y.data(), at.data());
  backend::reference::max_pool2d(s, x.data(), expected.data(), at_expected.data());
  CHECK(y == expected);
  CHECK(at == at_expected);
  std::fill(y.begin(), y.end(), 9.f);
  backend::cpu::max_pool2d(s, x.data(), y.data(), static_cast<Index*>(nullptr));
  CHECK(y == expected);
  std::vector<int> seen(gy.size());
  auto const count = [&](std::int64_t plane, std::int64_t column, std::int64_t n, float* values) {
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t const pixel = plane * s.out_height() * s.out_width() + column + i;
      if (values[i] == expected[static_cast<std::size_t>(pixel)]) ++seen[static_cast<std::size_t>(pixel)];
    }
  };
  backend::Epilogue<float> const epilogue{[](void* context, std::int64_t plane, std::int64_t column, std::int64_t n, float* values) {
                                            (*static_cast<decltype(count)*>(context))(plane, column, n, values);
                                          }, const_cast<void*>(static_cast<void const*>(&count))};
  backend::cpu::max_pool2d(s, x.data(), y.data(), at.data(), epilogue);
  CHECK(std::count(seen.begin(), seen.end(), 1) == static_cast<std::ptrdiff_t>(seen.size()));
  for (bool accumulate : {false, true}) {
    std::vector<float> gx = integers<float>(in_size(s), 3), gx_expected = gx;
    backend::cpu::max_pool2d_gradient(s, gy.data(), at.data(), gx.data(), accumulate);
    backend::reference::max_pool2d_gradient(s, gy.data(), at.data(), gx_expected.data(), accumulate);
    CHECK(gx == gx_expected);
  }
}

}  // namespace

TEST_CASE("max pooling agrees with the naive loops, with the first of equal elements") {
  for (Pool2dShape const& s : shapes) {
    check_max_pooling<std::uint8_t>(s);
    check_max_pooling<std::int32_t>(s);
  }
  for (std::int64_t height : {2, 3, 6, 25})
    for (std::int64_t width : {2, 3, 5, 8, 31, 32, 66, 600, 1100}) {
      CAPTURE(width);
      check_max_pooling<std::uint8_t>({.planes = 3, .height = height, .width = width, .kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2});
    }
  CHECK(Pool2dShape{1, 20, 20, 15, 17, 1, 1}.narrow());
  CHECK(!Pool2dShape{1, 20, 20, 16, 16, 1, 1}.narrow());
}

TEST_CASE("the largest element of none is minus infinity, as in PyTorch") {
  Pool2dShape const s{1, 4, 4, 2, 2, 1, 1, 1, 1, 5, 5, false, true};  // positions -1 and 4 of 4 x 4
  REQUIRE(out_size(s) == 1);
  std::vector<float> const x(16, 1.f);
  float y = 0;
  backend::cpu::max_pool2d(s, x.data(), &y, static_cast<std::int32_t*>(nullptr));
  CHECK(y == -std::numeric_limits<float>::infinity());
}

TEST_CASE("average pooling agrees with the naive loops") {
  for (Pool2dShape s : shapes) {
    s.dilation_h = s.dilation_w = 1;
    std::vector<double> const x = integers<double>(in_size(s), 1), gy = integers<double>(out_size(s), 2);
    std::vector<double> y(gy.size(), 9.0), expected(gy.size());
    backend::cpu::avg_pool2d(s, x.data(), y.data());
    backend::reference::avg_pool2d(s, x.data(), expected.data());
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::abs(y[i] - expected[i]) < 1e-12);
    for (bool accumulate : {false, true}) {
      std::vector<double> gx = integers<double>(in_size(s), 3), gx_expected = gx;
      backend::cpu::avg_pool2d_gradient(s, gy.data(), gx.data(), accumulate);
      backend::reference::avg_pool2d_gradient(s, gy.data(), gx_expected.data(), accumulate);
      for (std::size_t i = 0; i < gx.size(); ++i) CHECK(std::abs(gx[i] - gx_expected[i]) < 1e-12);
    }
  }
}

TEST_CASE("pooling of every window, at planes that cross the edges of registers") {
  float const nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (std::int64_t width : {3, 8, 15, 16, 17, 33})
    for (std::int64_t kernel : {1, 2, 3, 5})
      for (std::int64_t stride : {1, 2, 3, 5})
        for (std::int64_t pad = 0; pad <= kernel / 2; ++pad)
          for (bool ceil : {false, true})
            for (std::int64_t dilation : {1, 2}) {
              Pool2dShape s{2, 7, width, 2, kernel, 2, stride, pad > 0, pad, 1, dilation, ceil, pad % 2 == 0};
              if (s.out_height() < 1 || s.out_width() < 1) continue;
              std::vector<float> x = integers<float>(in_size(s), static_cast<unsigned>(width + kernel));
              for (std::size_t i = 0; i < x.size(); i += 23) x[i] = i % 3 == 0 ? nan : i % 3 == 1 ? inf : -inf;
              std::vector<float> y(static_cast<std::size_t>(out_size(s))), expected(y.size());
              std::vector<std::int32_t> at(y.size()), at_expected(y.size());
              auto const same = [&] {
                bool equal = true;
                for (std::size_t i = 0; i < y.size(); ++i) equal &= y[i] == expected[i] || (y[i] != y[i] && expected[i] != expected[i]);
                return equal;
              };
              backend::reference::max_pool2d(s, x.data(), expected.data(), at_expected.data());
              backend::cpu::max_pool2d(s, x.data(), y.data(), static_cast<std::int32_t*>(nullptr));
              CHECK(same());
              backend::cpu::max_pool2d(s, x.data(), y.data(), at.data());
              CHECK(same());
              CHECK(at == at_expected);
              s.dilation_w = 1;
              if (s.out_width() < 1) continue;
              x = integers<float>(in_size(s), 9);
              y.assign(static_cast<std::size_t>(out_size(s)), 0), expected = y;
              backend::reference::avg_pool2d(s, x.data(), expected.data());
              backend::cpu::avg_pool2d(s, x.data(), y.data());
              bool close = true;
              for (std::size_t i = 0; i < y.size(); ++i) close &= std::abs(y[i] - expected[i]) < 1e-5f;
              CHECK(close);
              std::vector<float> const gy = integers<float>(out_size(s), 5);
              std::vector<float> gx = integers<float>(in_size(s), 3), gx_expected = gx;
              backend::cpu::avg_pool2d_gradient(s, gy.data(), gx.data(), true);
              backend::reference::avg_pool2d_gradient(s, gy.data(), gx_expected.data(), true);
              for (std::size_t i = 0; i < gx.size(); ++i) close &= std::abs(gx[i] - gx_expected[i]) < 1e-5f;
              CHECK(close);
            }
}

TEST_CASE("the divisor of average pooling counts padding, but not what lies beyond it") {
  std::vector<double> const x = {1, 2, 3, 4, 5};
  std::vector<double> y(3);
  backend::cpu::avg_pool2d(Pool2dShape{1, 1, 5, 1, 2, 1, 2, 0, 0, 1, 1, true, true}, x.data(), y.data());
  CHECK(y == std::vector<double>{1.5, 3.5, 5});
  backend::cpu::avg_pool2d(Pool2dShape{1, 1, 5, 1, 2, 1, 2, 0, 1, 1, 1, false, true}, x.data(), y.data());
  CHECK(y == std::vector<double>{0.5, 2.5, 4.5});
  backend::cpu::avg_pool2d(Pool2dShape{1, 1, 5, 1, 2, 1, 2, 0, 1, 1, 1, false, false}, x.data(), y.data());
  CHECK(y == std::vector<double>{1, 2.5, 4.5});
}

TEST_CASE("max pooling: NaN wins, and minus infinity is an element like others") {
  float const nan = std::numeric_limits<float>::quiet_NaN(), low = -std::numeric_limits<float>::infinity();
  for (std::int64_t kernel_h : {1, 2}) {  // the general path and the one for 2x2
    std::vector<float> const x = {nan, 7, 1, nan, low, low, 1, 7, 1, 2, low, low};
    std::vector<float> y(3);
    std::vector<std::int32_t> at(3);
    std::int64_t const width = kernel_h == 1 ? 12 : 6;
    Pool2dShape const s{1, 12 / width, width, kernel_h, 4 / kernel_h, 1, 4 / kernel_h};
    backend::cpu::max_pool2d(s, x.data(), y.data(), at.data());
    if (kernel_h == 1) {
      CHECK(std::isnan(y[0]));
      CHECK(at[0] == 3);
      CHECK(y[1] == 7);
      CHECK(y[2] == 2);
    } else {
      CHECK(std::isnan(y[0]));
      CHECK(at[0] == 0);
      CHECK(std::isnan(y[1]));
      CHECK(at[1] == 1);
      CHECK(y[2] == low);
      CHECK(at[2] == 0);
    }
  }
}

TEST_CASE("pooling gives the same bits for any number of threads") {
  int const before = num_threads();
  Pool2dShape const s{64, 24, 24, 3, 3, 2, 2, 1, 1};
  std::vector<float> x = integers<float>(in_size(s), 1);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += 0.37f / static_cast<float>(i % 101 + 1);
  std::vector<float> first;
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    std::vector<float> y(static_cast<std::size_t>(out_size(s))), gx(x.size());
    backend::cpu::avg_pool2d(s, x.data(), y.data());
    backend::cpu::avg_pool2d_gradient(s, y.data(), gx.data(), false);
    y.insert(y.end(), gx.begin(), gx.end());
    if (first.empty()) first = y;
    CHECK(y == first);
  }
  set_num_threads(before);
}
