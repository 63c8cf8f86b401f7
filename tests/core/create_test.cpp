// SPDX-License-Identifier: MIT
// Tensors from lists, constants and ranges.
#include <doctest/doctest.h>

#include <limits>
#include <vector>
#include <wick/tensor.hpp>

#include "../reading.hpp"

using namespace wick;

using testing::elements;

TEST_CASE("nested lists") {
  CHECK(tensor({1.f, 2.f, 3.f}).shape() == Dims(3));
  CHECK(elements(tensor({{1., 2.}, {3., 4.}, {5., 6.}})) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(tensor({{1., 2.}, {3., 4.}, {5., 6.}}).shape() == Dims(3, 2));
  CHECK(tensor<int>({{{1}, {2}}, {{3}, {4}}, {{5}, {6}}}).shape() == Dims(3, 2, 1));
  CHECK(tensor<int>({{{{1, 2}}, {{3, 4}}}}).shape() == Dims(1, 2, 1, 2));
  CHECK(elements(tensor<std::int64_t>({1, 2})) == std::vector<std::int64_t>{1, 2});
  CHECK(tensor({true, false}).dtype() == Dtype::bool_);
  CHECK(tensor(2.5).dim() == 0);
  CHECK(tensor<float>({}).shape() == Dims(0));
  CHECK_THROWS_WITH_AS(tensor({{1., 2.}, {3.}}),
                       "tensor: the nested lists differ in length: dimension 1 has 2 and 1 elements", Error);
}

TEST_CASE("constants") {
  CHECK(elements(zeros<float>({2, 2})) == std::vector<float>{0, 0, 0, 0});
  CHECK(elements(ones<int>({3})) == std::vector<int>{1, 1, 1});
  CHECK(elements(full<float>({2}, 7.f)) == std::vector<float>{7, 7});
  CHECK(full<float>({}, 7.f).dim() == 0);
  CHECK(full<bool>({0, 2}, true).numel() == 0);
  CHECK(empty<double>({2, 3}).shape() == Dims(2, 3));
  Tensor<double> const x = tensor({{1., 2.}}).t();
  CHECK(zeros_like(x).shape() == Dims(2, 1));
  CHECK(elements(ones_like(x)) == std::vector<double>{1, 1});
  CHECK(elements(eye<double>(3)) == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK(eye<float>(0).numel() == 0);
  CHECK_THROWS_WITH_AS(zeros<float>({2, -1}), "an extent must not be negative, but dimension 1 of (2, -1) is", Error);
}

TEST_CASE("ranges") {
  CHECK(elements(arange<double>(0, 10, 2)) == std::vector<double>{0, 2, 4, 6, 8});
  CHECK(elements(arange<int>(3)) == std::vector<int>{0, 1, 2});
  CHECK(elements(arange<int>(5, 0, -2)) == std::vector<int>{5, 3, 1});
  CHECK(elements(arange<float>(0, 1, 0.25f)) == std::vector<float>{0, 0.25f, 0.5f, 0.75f});
  CHECK(arange<float>(0, 1, 0.3f).numel() == 4);
  CHECK(arange<int>(2, 2).numel() == 0);
  CHECK(elements(arange<std::int64_t>(std::int64_t{1} << 60, (std::int64_t{1} << 60) + 3)).back() ==
        (std::int64_t{1} << 60) + 2);
  CHECK_THROWS_WITH_AS(arange<int>(0, 5, -1), "arange: from 0 to 5 there is no way in steps of -1", Error);
  CHECK_THROWS_WITH_AS(arange<int>(0, 5, 0), "arange: from 0 to 5 there is no way in steps of 0", Error);
  CHECK(elements(linspace<double>(0, 1, 5)) == std::vector<double>{0, 0.25, 0.5, 0.75, 1});
  CHECK(elements(linspace<float>(-1, 1, 3)) == std::vector<float>{-1, 0, 1});
  CHECK(elements(linspace<double>(3, 9, 1)) == std::vector<double>{3});
  CHECK(linspace<double>(3, 9, 0).numel() == 0);
  Tensor<double> const fine = linspace<double>(0, 0.1, 7);
  CHECK(fine(6).item() == 0.1);
  CHECK_THROWS_WITH_AS(arange<float>(0, 1e30f), "arange: from 0 to 1e+30 in steps of 1 are too many numbers", Error);
  CHECK_THROWS_AS(arange<double>(0, std::numeric_limits<double>::infinity()), Error);
  std::int64_t const most = std::numeric_limits<std::int64_t>::max();
  CHECK_THROWS_AS(arange<std::int64_t>(-most, most), Error);
  std::int64_t const step = std::int64_t{1} << 62;  // 3 * step is beyond 64 bits
  CHECK(elements(arange<std::int64_t>(-most - 1, most, step)) == std::vector<std::int64_t>{-most - 1, -step, 0, step});
  // Whole numbers are rounded towards 0, as in PyTorch.
  CHECK(elements(linspace<std::int64_t>(0, 10, 4)) == std::vector<std::int64_t>{0, 3, 6, 10});
  CHECK(elements(linspace<std::int64_t>(0, -10, 4)) == std::vector<std::int64_t>{0, -3, -6, -10});
  CHECK(elements(linspace<std::uint8_t>(10, 0, 5)) == std::vector<std::uint8_t>{10, 7, 5, 2, 0});
  CHECK(elements(linspace<std::int64_t>(-most, most, 3)) == std::vector<std::int64_t>{-most, 0, most});
}

TEST_CASE("random tensors have the shape asked for") {
  CHECK(rand<double>({2, 3}).shape() == Dims(2, 3));
  CHECK(randn<float>({0}).numel() == 0);
  CHECK(randn<float>({}).dim() == 0);
}
