// SPDX-License-Identifier: MIT
// Arguments without a meaning are a sentence, whatever their size; extents of 0 and of 1 are none of these.
#include <doctest/doctest.h>

#include <limits>
#include <wick/wick.hpp>

using namespace wick;

TEST_CASE("a kernel without elements, a dilation of means") {
  Tensor<float> const x = ones<float>({1, 4, 5, 5});
  CHECK_THROWS_WITH_AS(conv2d(x, zeros<float>({4, 4, 0, 0})), "conv2d: the weight (4, 4, 0, 0) has a kernel without elements",
                       Error);
  CHECK_THROWS_WITH_AS(avg_pool2d(x, 2, {.dilation = 2}), "avg_pool2d: a dilation of 2 x 2: only max pooling has one", Error);
}

TEST_CASE("numbers too large for a window, and results too large for memory") {
  Tensor<float> const x = ones<float>({1, 1, 5, 5}), w = ones<float>({1, 1, 3, 3});
  std::int64_t const huge = std::int64_t{1} << 62, most = std::numeric_limits<std::int64_t>::max();
  CHECK_THROWS_WITH_AS(conv2d(x, w, {.padding = huge}),
                       "conv2d: a stride of 1 x 1, a padding of 4611686018427387904 x 4611686018427387904 or a dilation of 1 x 1 is too large", Error);
  for (std::int64_t n : {huge, most}) {
    CHECK_THROWS_AS(conv2d(x, w, {.padding = n}), Error);
    CHECK_THROWS_AS(conv2d(x, w, {.padding = n / 16}), Error);  // the plane would be too large
    CHECK_THROWS_AS(conv2d(x, w, {.dilation = n}), Error);
    CHECK_THROWS_AS(conv2d(x, w, {.stride = n}), Error);
    CHECK_THROWS_AS(max_pool2d(x, 2, {.dilation = n}), Error);
    CHECK_THROWS_AS(max_pool2d(x, 2, {.stride = n, .ceil_mode = true}), Error);
    CHECK_THROWS_AS(max_pool2d(x, {n, n}, {.padding = n}), Error);
    CHECK_THROWS_AS(avg_pool2d(x, n), Error);
  }
  CHECK(conv2d(x, w, {.stride = max_numel}).shape() == Dims(1, 1, 1, 1));
  CHECK_THROWS_WITH_AS(matmul(zeros<float>({1L << 31, 0}), zeros<float>({0, 1L << 31})),
                       "a tensor of shape (2147483648, 2147483648) has too many elements", Error);
}

TEST_CASE("positions of a number, and positions beyond all numbers") {
  Tensor<float> const number(3.f), line = ones<float>({4});
  Tensor<std::int64_t> const first(std::int64_t{0}), sixth(std::int64_t{5});
  CHECK(Tensor<float>(gather(number, 0, first)).item() == 3);
  CHECK_THROWS_WITH_AS(gather(number, 0, sixth), "gather: index 5 is out of range for dimension 0 of shape ()", Error);
  std::int64_t const largest = std::numeric_limits<std::int64_t>::max();
  CHECK_THROWS_WITH_AS(narrow(line, 0, largest, 1),
                       "narrow: 1 elements from 9223372036854775807 on are out of range for dimension 0 of shape (4,)", Error);
  CHECK_THROWS_AS(narrow(line, 0, 1, largest), Error);
}

TEST_CASE("linear: gradients of a single row, and of rows without elements") {
  Variable<double> const x = tensor({1., 2., 3.}), w = tensor({{1., 0., -1.}, {2., 1., 0.}});
  Variable<double> const y = linear(x, w);
  CHECK(y.shape() == Dims(2));
  backward(y, tensor({1., 10.}));
  CHECK(all(x.grad() == tensor({21., 10., -1.})).item());
  CHECK(all(w.grad() == tensor({{1., 2., 3.}, {10., 20., 30.}})).item());

  Variable<double> const nothing = zeros<double>({2, 0}), no_weights = zeros<double>({4, 0});
  backward(sum(linear(nothing, no_weights)));
  CHECK(nothing.grad().shape() == Dims(2, 0));
  CHECK(no_weights.grad().shape() == Dims(4, 0));
}
