// SPDX-License-Identifier: MIT
// Winograd's convolution against the naive loops in double: its error, its edges, the switch, NaN.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>
#include <wick/backend/cpu/conv.hpp>
#include <wick/backend/reference.hpp>

using namespace wick;
using backend::Conv2dShape;
using backend::cpu::Filters;
using backend::cpu::Winograd;

namespace {

std::vector<float> normal(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = distribution(generator);
  return values;
}
std::vector<double> wide(std::vector<float> const& x) { return {x.begin(), x.end()}; }

/// The root mean square and the largest of the differences, in units of the root mean square of `exact`.
struct Difference {
  double mean = 0, largest = 0;
  Difference(std::vector<float> const& found, std::vector<double> const& exact) {
    double squares = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      double const e = std::abs(static_cast<double>(found[i]) - exact[i]);
      mean += e * e, squares += exact[i] * exact[i];
      largest = std::max(largest, e);
    }
    mean = std::sqrt(mean / squares), largest /= std::sqrt(squares / static_cast<double>(exact.size()));
  }
};

struct Operands {
  Conv2dShape s;
  std::vector<float> x, w, gy;
  explicit Operands(Conv2dShape const& shape)
      : s(shape),
        x(normal(s.batch * s.in_channels * s.height * s.width, 1)),
        w(normal(s.out_channels * s.filter(), 2)),
        gy(normal(s.batch * s.out_channels * s.out_pixels(), 3)) {}
  bool used() { return Winograd<float>{s, x.data(), Filters<float>(s, w.data()), gy.data(), false, {}}.wins(); }
};

// Whole tiles and parts of tiles, paddings, wide and small images, few tiles and many, groups, odd channel counts.
std::vector<Conv2dShape> const shapes = {
    {1, 16, 16, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1}, {2, 17, 13, 11, 35, 3, 3, 1, 1, 0, 2, 1, 1, 1},
    {3, 32, 26, 26, 20, 3, 3, 1, 1, 0, 0, 1, 1, 1}, {1, 40, 9, 160, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {2, 48, 10, 12, 64, 3, 3, 1, 1, 1, 1, 1, 1, 2}, {20, 16, 7, 9, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1},
};

}  // namespace

TEST_CASE("Winograd's convolution and its input gradient are as exact as documented") {
  for (Conv2dShape const& s : shapes) {
    CAPTURE(s.in_channels);
    CAPTURE(s.width);
    Operands o(s);
    REQUIRE(o.used());
    std::vector<double> const x = wide(o.x), w = wide(o.w), gy = wide(o.gy);
    std::vector<double> exact(o.gy.size()), exact_gx(o.x.size());
    backend::reference::conv2d(s, x.data(), w.data(), exact.data());
    backend::reference::conv2d_input_gradient(s, gy.data(), w.data(), exact_gx.data(), false);
    std::vector<float> y(o.gy.size()), gx(o.x.size(), 7);
    backend::cpu::conv2d(s, o.x.data(), o.w.data(), y.data());
    backend::cpu::conv2d_input_gradient(s, o.gy.data(), o.w.data(), gx.data(), false);
    CHECK(Difference(y, exact).mean < 1e-6);
    CHECK(Difference(y, exact).largest < 1.5e-5);
    CHECK(Difference(gx, exact_gx).mean < 1e-6);
    CHECK(Difference(gx, exact_gx).largest < 1.5e-5);

    std::vector<float> added = o.x;
    backend::cpu::conv2d_input_gradient(s, o.gy.data(), o.w.data(), added.data(), true);
    for (std::size_t i = 0; i < gx.size(); ++i) gx[i] += o.x[i];
    CHECK(Difference(added, wide(gx)).largest < 1e-6);
  }
}

TEST_CASE("Winograd's convolution runs the epilogue once on every element") {
  struct Count {
    std::int64_t columns;
    std::vector<int> times;
    static void run(void* context, std::int64_t row, std::int64_t column, std::int64_t n, float* values) {
      auto& self = *static_cast<Count*>(context);
      for (std::int64_t j = 0; j < n; ++j) {
        ++self.times[static_cast<std::size_t>(row * self.columns + column + j)];
        values[j] += static_cast<float>(row);
      }
    }
  };
  for (Conv2dShape const& s : shapes) {
    Operands o(s);
    std::vector<float> plain(o.gy.size()), y = plain;
    Count count{s.out_pixels(), std::vector<int>(y.size())};
    backend::cpu::conv2d(s, o.x.data(), o.w.data(), plain.data());
    backend::cpu::conv2d(s, o.x.data(), o.w.data(), y.data(), {&Count::run, &count});
    CHECK(count.times == std::vector<int>(y.size(), 1));
    for (std::size_t i = 0; i < y.size(); ++i)
      plain[i] += static_cast<float>(i / static_cast<std::size_t>(s.out_pixels()));
    CHECK(y == plain);
  }
}

TEST_CASE("set_winograd(false) gives the direct sum") {
  Operands o(shapes[1]);
  for (float& value : o.x) value = std::round(value);
  for (float& value : o.w) value = std::round(value);
  std::vector<float> y(o.gy.size()), exact = y;
  backend::reference::conv2d(o.s, o.x.data(), o.w.data(), exact.data());
  CHECK(winograd_allowed());
  set_winograd(false);
  backend::cpu::conv2d(o.s, o.x.data(), o.w.data(), y.data());
  set_winograd(true);
  CHECK(y == exact);
  backend::cpu::conv2d(o.s, o.x.data(), o.w.data(), y.data());
  CHECK(y != exact);
}

TEST_CASE("NaN and infinity reach every element that the direct sum would make NaN or infinite") {
  Operands o({2, 16, 16, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1});
  REQUIRE(o.used());
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = o.x, y(o.gy.size()), direct = y;
    x[5 * 256 + 6 * 16 + 9] = bad;
    backend::cpu::conv2d(o.s, x.data(), o.w.data(), y.data());
    backend::reference::conv2d(o.s, x.data(), o.w.data(), direct.data());
    std::int64_t spread = 0, lost = 0, far = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      bool const reached = !std::isfinite(y[i]), wanted = !std::isfinite(direct[i]);
      lost += wanted && !reached, spread += reached && !wanted;
      // Not beyond the tiles around it, nor into the other image.
      std::size_t const row = i % 256 / 16, column = i % 16;
      far += reached && (i >= 16 * 256 || row < 4 || row > 7 || column < 4 || column > 11);
    }
    CHECK(lost == 0);
    CHECK(far == 0);
    CHECK(spread > 0);
  }
}
