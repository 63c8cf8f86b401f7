// SPDX-License-Identifier: MIT
// Convolution of the CPU backend and its gradients against the naive loops.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
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

template <class T>
std::vector<T> fractions(std::int64_t count, unsigned seed) {
  std::vector<T> values = integers<T>(count, seed);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += T(0.37) / static_cast<T>(i % 101 + 1);
  return values;
}

bool same_bits(std::vector<float> const& a, std::vector<float> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
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
    // Small images share panels and blocks of pixels; 1 x 1 with stride; filters in several stripes.
    {9, 5, 7, 7, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {11, 40, 7, 7, 70, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {5, 20, 9, 13, 30, 1, 1, 2, 2, 0, 0, 1, 1, 1},
    {3, 12, 14, 15, 26, 3, 3, 2, 2, 1, 1, 1, 1, 1},
    {2, 3, 34, 35, 10, 7, 7, 2, 2, 3, 3, 1, 1, 1},
    {4, 12, 8, 9, 18, 3, 2, 1, 2, 1, 0, 1, 1, 3},
    {2, 400, 3, 5, 9, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {3, 1, 20, 21, 12, 3, 3, 1, 1, 0, 0, 1, 1, 1},
    {1, 24, 5, 5, 600, 1, 1, 1, 1, 1, 2, 1, 1, 1},
    {2, 9, 12, 40, 11, 3, 3, 3, 2, 2, 1, 1, 2, 1},
    // One image of few pixels, which leave one to four columns behind whole panels.
    {1, 20, 7, 7, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {1, 40, 7, 7, 70, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {1, 300, 5, 10, 17, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {1, 30, 14, 14, 20, 3, 3, 2, 2, 1, 1, 1, 1, 1},
    {1, 24, 14, 14, 16, 3, 3, 1, 1, 1, 1, 1, 1, 2},
    {1, 9, 17, 3, 40, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    // Filters of few elements, whose gradient is summed along the pixels: outputs, elements and pixels that fill their
    // tiles and registers, or miss that by one; rows longer than a block, several blocks, strides, dilations, groups.
    {3, 2, 18, 17, 6, 2, 2, 1, 1, 0, 0, 1, 1, 1},
    {3, 2, 18, 18, 7, 2, 2, 1, 1, 0, 0, 1, 1, 1},
    {2, 9, 11, 13, 5, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 10, 11, 13, 5, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 17, 12, 11, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 19, 12, 11, 4, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 2, 15, 15, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {2, 1, 8, 19, 8, 2, 2, 1, 1, 0, 0, 1, 1, 1},
    {2, 1, 8, 20, 8, 2, 2, 1, 1, 0, 0, 1, 1, 1},
    {1, 2, 33, 40, 8, 3, 3, 2, 1, 3, 4, 1, 2, 1},
    {2, 4, 16, 17, 10, 3, 3, 1, 1, 1, 1, 1, 1, 2},
    {1, 1, 5, 900, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {20, 1, 70, 40, 9, 3, 3, 1, 1, 0, 0, 1, 1, 1},
    // The weight's gradient by blocks of channels: as many as a register, one more and one less, few with long rows of
    // the kernel, dilated ones; filters beside fewer pixels than there are of them, and one more.
    {2, 15, 9, 11, 10, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {2, 16, 9, 11, 10, 3, 3, 1, 1, 1, 0, 1, 1, 1},
    {2, 33, 9, 11, 10, 3, 3, 2, 2, 1, 2, 1, 1, 1},
    {2, 6, 12, 13, 10, 5, 3, 1, 2, 3, 2, 1, 1, 1},
    {2, 20, 12, 13, 10, 5, 5, 1, 1, 2, 2, 1, 2, 1},
    {1, 17, 8, 6, 25, 3, 3, 1, 1, 0, 0, 1, 1, 1},
    {1, 17, 8, 6, 24, 3, 3, 1, 1, 0, 0, 1, 1, 1},
    // Strides with padding that keeps the extent, whose input is split into phases: odd widths, several images and part of
    // one in a block, rows longer than a block, padding wider than the kernel, dilations, strides of one axis.
    {2, 5, 13, 31, 9, 3, 3, 3, 3, 1, 1, 1, 1, 1},
    {13, 6, 5, 17, 20, 3, 3, 2, 2, 1, 1, 1, 1, 1},
    {1, 3, 20, 250, 9, 5, 5, 2, 2, 4, 6, 1, 1, 1},
    {2, 3, 21, 22, 9, 3, 3, 1, 2, 1, 2, 1, 2, 1},
    {1, 2, 6, 700, 9, 3, 3, 2, 2, 1, 1, 1, 1, 1},
    {2, 6, 5, 3, 12, 3, 3, 2, 2, 1, 1, 1, 1, 2},
    // Depthwise: rows of one register and of several, strides, dilations, two and three outputs of each channel.
    {2, 5, 20, 37, 5, 3, 3, 1, 1, 1, 1, 1, 1, 5},
    {2, 4, 17, 70, 8, 5, 3, 1, 1, 2, 0, 1, 1, 4},
    {1, 3, 15, 16, 9, 3, 3, 2, 2, 1, 1, 1, 1, 3},
    {2, 3, 19, 45, 3, 4, 3, 3, 2, 2, 4, 1, 3, 3},
    {2, 3, 9, 9, 3, 3, 3, 1, 1, 4, 5, 2, 1, 3},
    {1, 2, 200, 130, 2, 7, 7, 1, 1, 3, 3, 1, 1, 2},
    {0, 3, 9, 9, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3},
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

// The three passes with numbers that went through `change`, beside the naive loops: equal, or NaN in both.
template <class Change>
void compare_changed(Conv2dShape const& s, Change const& change) {
  CAPTURE(s.in_channels);
  CAPTURE(s.height);
  CAPTURE(s.groups);
  std::vector<float> x = integers<float>(x_size(s), 1), w = integers<float>(w_size(s), 2), gy = integers<float>(y_size(s), 3);
  change(x), change(gy);
  auto const differences = [](std::vector<float> const& a, std::vector<float> const& b) {
    int count = 0;
    for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i] && (a[i] == a[i] || b[i] == b[i]);
    return count;
  };
  std::vector<float> y(gy.size()), y_expected = y, gx(x.size()), gx_expected = gx, gw(w.size()), gw_expected = gw;
  backend::cpu::conv2d(s, x.data(), w.data(), y.data());
  backend::reference::conv2d(s, x.data(), w.data(), y_expected.data());
  CHECK(differences(y, y_expected) == 0);
  backend::cpu::conv2d_input_gradient(s, gy.data(), w.data(), gx.data(), false);
  backend::reference::conv2d_input_gradient(s, gy.data(), w.data(), gx_expected.data(), false);
  CHECK(differences(gx, gx_expected) == 0);
  // Padding is made of zeros, which an infinite gradient of an output would turn into NaN or not, as one likes.
  std::vector<float> const plain = integers<float>(y_size(s), 4);
  backend::cpu::conv2d_weight_gradient(s, x.data(), plain.data(), gw.data(), false);
  backend::reference::conv2d_weight_gradient(s, x.data(), plain.data(), gw_expected.data(), false);
  CHECK(differences(gw, gw_expected) == 0);
  if (s.pad_h > 0 || s.pad_w > 0) return;
  std::vector<float> const plain_x = integers<float>(x_size(s), 4);
  backend::cpu::conv2d_weight_gradient(s, plain_x.data(), gy.data(), gw.data(), false);
  backend::reference::conv2d_weight_gradient(s, plain_x.data(), gy.data(), gw_expected.data(), false);
  CHECK(differences(gw, gw_expected) == 0);
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

// Sums of small whole numbers are exact, but not the fractions of Winograd's transforms.
struct DirectSums {
  DirectSums() { set_winograd(false); }
  ~DirectSums() { set_winograd(true); }
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
  DirectSums const direct;
  for (bool accumulate : {false, true}) {
    for (Conv2dShape const& s : shapes) {
      compare<float>(s, accumulate);
      compare<double>(s, accumulate);
      if (s.groups > 1 || s.dilation_h > 1) compare<std::int32_t>(s, accumulate);
    }
  }
}

TEST_CASE("the gradient of a large weight, summed a few blocks of pixels at a time") {
  for (Conv2dShape const& s : std::vector<Conv2dShape>{{3, 1000, 14, 14, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                                       {2, 70, 14, 14, 130, 3, 3, 1, 1, 1, 1, 1, 1, 1}})
    for (bool accumulate : {false, true}) {
      std::vector<float> const x = integers<float>(x_size(s), 1), gy = integers<float>(y_size(s), 3);
      std::vector<float> gw = integers<float>(w_size(s), 5), expected = gw;
      backend::cpu::conv2d_weight_gradient(s, x.data(), gy.data(), gw.data(), accumulate);
      backend::reference::conv2d_weight_gradient(s, x.data(), gy.data(), expected.data(), accumulate);
      CHECK(gw == expected);
    }
}

TEST_CASE("conv2d and its gradients let NaN and infinity through, and only to where they belong") {
  DirectSums const direct;
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (Conv2dShape const& s : shapes)
      compare_changed(s, [&](std::vector<float>& values) {
        for (std::size_t i = 5; i < values.size(); i += 97) values[i] = bad;
      });
}

TEST_CASE("conv2d and its gradients: denormal and huge numbers") {
  DirectSums const direct;
  for (float scale : {std::numeric_limits<float>::denorm_min(), 0x1p100f})
    for (Conv2dShape const& s : shapes)
      compare_changed(s, [&](std::vector<float>& values) {
        for (float& value : values) value *= scale;
      });
}

TEST_CASE("conv2d runs the epilogue exactly once on every element, after the last channel") {
  DirectSums const direct;
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
  // Many pixels and few, many channels and few, few elements of a filter, Winograd's tiles (many and few), strides, depthwise with and without.
  for (Conv2dShape const& s : std::vector<Conv2dShape>{{7, 9, 26, 26, 20, 3, 3, 1, 1, 1, 0, 1, 1, 1},
                                                       {2, 300, 7, 7, 70, 1, 1, 1, 1, 0, 0, 1, 1, 1},
                                                       {3, 40, 28, 28, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                                       {1, 64, 12, 12, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                                       {3, 24, 15, 15, 64, 3, 3, 2, 2, 1, 1, 1, 1, 1},
                                                       {1, 200, 7, 7, 200, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                                       {1, 200, 14, 14, 90, 3, 3, 2, 2, 1, 1, 1, 1, 1},
                                                       {2, 96, 14, 14, 100, 3, 3, 2, 2, 1, 1, 1, 1, 2},
                                                       {3, 8, 33, 47, 16, 3, 3, 1, 1, 1, 1, 1, 1, 8},
                                                       {5, 1, 45, 31, 20, 3, 3, 1, 1, 0, 0, 1, 1, 1},
                                                       {40, 2, 20, 21, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                                       {2, 70, 14, 14, 130, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                                       {3, 8, 33, 47, 8, 3, 3, 2, 2, 1, 1, 1, 1, 8}}) {
    CAPTURE(s.in_channels);
    CAPTURE(s.groups);
    std::vector<float> const x = fractions<float>(x_size(s), 1), w = fractions<float>(w_size(s), 2);
    std::vector<float> first_y, first_gx, first_gw;
    for (int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      std::vector<float> y(static_cast<std::size_t>(y_size(s))), gx(x.size()), gw(w.size());
      // How many blocks the threads hold at once may vary a little, so the plateau may take some rounds.
      int quiet = 0;
      for (int round = 0; round < 12 && quiet < 2; ++round) {
        std::int64_t const allocations = pool_stats().system_allocations;
        backend::cpu::conv2d(s, x.data(), w.data(), y.data());
        backend::cpu::conv2d_input_gradient(s, y.data(), w.data(), gx.data(), false);
        backend::cpu::conv2d_weight_gradient(s, x.data(), y.data(), gw.data(), false);
        quiet = pool_stats().system_allocations == allocations ? quiet + 1 : 0;
      }
      CHECK(quiet == 2);
      if (first_y.empty()) first_y = y, first_gx = gx, first_gw = gw;
      CHECK(same_bits(y, first_y));
      CHECK(same_bits(gx, first_gx));
      CHECK(same_bits(gw, first_gw));
    }
  }
  set_num_threads(before);
}
