// SPDX-License-Identifier: MIT
// Convolution of the CPU backend and its gradients against the naive loops.
#include <doctest/doctest.h>

#include <vector>
#include <wick/backend/cpu/conv.hpp>
#include <wick/backend/reference.hpp>

using namespace wick;
using backend::Conv2dShape;

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

std::int64_t x_size(Conv2dShape const& s) { return s.batch * s.in_channels * s.height * s.width; }
std::int64_t w_size(Conv2dShape const& s) { return s.out_channels * s.filter(); }
std::int64_t y_size(Conv2dShape const& s) { return s.batch * s.out_channels * s.out_pixels(); }

// Strides, paddings wider than the kernel, dilations, groups, one pixel, one channel, rows longer and shorter than a
// SIMD vector, more channels than a stripe, more pixels than a block.
std::vector<Conv2dShape> const shapes = {
    {.batch = 2, .in_channels = 1, .height = 28, .width = 28, .out_channels = 5, .kernel_h = 3, .kernel_w = 3},
    {.batch = 3, .in_channels = 9, .height = 20, .width = 23, .out_channels = 17, .kernel_h = 3, .kernel_w = 3},
    {.batch = 1, .in_channels = 4, .height = 5, .width = 70, .out_channels = 8, .kernel_h = 1, .kernel_w = 1},
    {2, 3, 9, 11, 4, 3, 2, 2, 3, 1, 2, 1, 1, 1},
    {2, 4, 12, 10, 6, 3, 3, 1, 1, 2, 2, 2, 3, 2},
    {1, 6, 7, 8, 6, 3, 3, 2, 1, 1, 1, 1, 1, 6},
    {2, 2, 4, 4, 3, 2, 2, 3, 3, 5, 4, 1, 1, 1},
    {1, 3, 1, 40, 2, 1, 5, 1, 2, 0, 2, 1, 2, 1},
    {2, 3, 3, 3, 2, 3, 3, 1, 1, 0, 0, 1, 1, 1},
    {1, 50, 6, 40, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {1, 2, 6, 300, 3, 2, 3, 1, 1, 0, 1, 1, 1, 1},
    {0, 2, 6, 6, 3, 2, 2, 1, 1, 0, 0, 1, 1, 1},
    {2, 0, 6, 6, 3, 2, 2, 1, 1, 0, 0, 1, 1, 1},
    {2, 2, 6, 6, 0, 2, 2, 1, 1, 0, 0, 1, 1, 1},
    {2, 2, 2, 2, 3, 3, 3, 1, 1, 0, 0, 1, 1, 1},
};

template <class T>
void compare(Conv2dShape const& s, bool accumulate) {
  CAPTURE(s.in_channels);
  CAPTURE(s.height);
  CAPTURE(s.width);
  CAPTURE(s.pad_h);
  std::vector<T> const x = integers<T>(x_size(s), 1), w = integers<T>(w_size(s), 2), gy = integers<T>(y_size(s), 3);
  std::vector<T> y(gy.size(), T(7)), y_expected = y;
  backend::cpu::conv2d(s, x.data(), w.data(), y.data());
  backend::reference::conv2d(s, x.data(), w.data(), y_expected.data());
  CHECK(y == y_expected);
  std::vector<T> gx = integers<T>(x_size(s), 4), gx_expected = gx;
  backend::cpu::conv2d_input_gradient(s, gy.data(), w.data(), gx.data(), accumulate);
  backend::reference::conv2d_input_gradient(s, gy.data(), w.data(), gx_expected.data(), accumulate);
  CHECK(gx == gx_expected);
  std::vector<T> gw = integers<T>(w_size(s), 5), gw_expected = gw;
  backend::cpu::conv2d_weight_gradient(s, x.data(), gy.data(), gw.data(), accumulate);
  backend::reference::conv2d_weight_gradient(s, x.data(), gy.data(), gw_expected.data(), accumulate);
  CHECK(gw == gw_expected);
}

struct Touched {
  std::int64_t columns;
  std::vector<int> times;
  static void run(void* context, std::int64_t row, std::int64_t column, std::int64_t n, float* values) {
    auto& self = *static_cast<Touched*>(context);
    for (std::int64_t j = 0; j < n; ++j) {
      ++self.times[static_cast<std::size_t>(row * self.columns + column + j)];
      values[j] = values[j] * 2 + static_cast<float>(row);
    }
  }
};

}  // namespace

TEST_CASE("conv2d by hand: padding, stride and the order of rows") {
  std::vector<double> const x = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w = {1, 10, 100, 1000};
  std::vector<double> y(4);
  Conv2dShape s{.batch = 1, .in_channels = 1, .height = 3, .width = 3, .out_channels = 1, .kernel_h = 2, .kernel_w = 2};
  backend::cpu::conv2d(s, x.data(), w.data(), y.data());
  CHECK(y == std::vector<double>{5421, 6532, 8754, 9865});
  s.stride_h = s.stride_w = 2, s.pad_h = s.pad_w = 1;
  REQUIRE(s.out_height() == 2);
  backend::cpu::conv2d(s, x.data(), w.data(), y.data());
  CHECK(y == std::vector<double>{1000, 3200, 7040, 9865});
}

TEST_CASE("conv2d and its gradients agree with the naive loops") {
  for (bool accumulate : {false, true}) {
    for (Conv2dShape const& s : shapes) {
      compare<float>(s, accumulate);
      compare<double>(s, accumulate);
    }
    compare<std::int32_t>(shapes[4], accumulate);
  }
}

TEST_CASE("conv2d runs the epilogue exactly once on every element, after the last channel") {
  for (Conv2dShape const& s : shapes) {
    std::int64_t const rows = s.batch * s.out_channels;
    std::vector<float> const x = integers<float>(x_size(s), 1), w = integers<float>(w_size(s), 2);
    std::vector<float> y(static_cast<std::size_t>(y_size(s))), expected = y;
    Touched touched{s.out_pixels(), std::vector<int>(y.size())}, by_reference = touched;
    backend::cpu::conv2d(s, x.data(), w.data(), y.data(), {&Touched::run, &touched});
    backend::reference::conv2d(s, x.data(), w.data(), expected.data(), {&Touched::run, &by_reference});
    CHECK(touched.times == std::vector<int>(static_cast<std::size_t>(rows * s.out_pixels()), 1));
    CHECK(y == expected);
  }
}

TEST_CASE("conv2d and its gradients give the same bits for any number of threads, and allocate once") {
  int const before = num_threads();
  Conv2dShape const s{.batch = 7,
                      .in_channels = 9,
                      .height = 26,
                      .width = 26,
                      .out_channels = 20,
                      .kernel_h = 3,
                      .kernel_w = 3,
                      .pad_h = 1};
  std::vector<float> x = integers<float>(x_size(s), 1), w = integers<float>(w_size(s), 2);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += 0.37f / static_cast<float>(i % 101 + 1);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] += 0.61f / static_cast<float>(i % 103 + 1);
  std::vector<float> first_y, first_gx, first_gw;
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    std::vector<float> y(static_cast<std::size_t>(y_size(s))), gx(x.size()), gw(w.size());
    std::int64_t allocations = 0;
    for (int round = 0; round < 3; ++round) {
      backend::cpu::conv2d(s, x.data(), w.data(), y.data());
      backend::cpu::conv2d_input_gradient(s, y.data(), w.data(), gx.data(), false);
      backend::cpu::conv2d_weight_gradient(s, x.data(), y.data(), gw.data(), false);
      if (round == 1) allocations = pool_stats().system_allocations;
    }
    CHECK(pool_stats().system_allocations == allocations);
    if (first_y.empty()) first_y = y, first_gx = gx, first_gw = gw;
    CHECK(y == first_y);
    CHECK(gx == first_gx);
    CHECK(gw == first_gw);
  }
  set_num_threads(before);
}
