// SPDX-License-Identifier: MIT
// Subscripts, for reading and for writing, against a slow model of Python's slices.
#include <doctest/doctest.h>

#include <random>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

using Bound = std::optional<std::int64_t>;

// What range(extent)[start:stop:step] gives, by the words of Python's manual.
std::vector<std::int64_t> python_slice(std::int64_t extent, Bound start, Bound stop, std::int64_t step) {
  auto const bound = [&](Bound given, std::int64_t otherwise) {
    if (!given) return otherwise;
    std::int64_t const b = *given < 0 ? *given + extent : *given;
    if (step > 0) return std::clamp<std::int64_t>(b, 0, extent);
    return std::clamp<std::int64_t>(b, -1, extent - 1);
  };
  std::vector<std::int64_t> picked;
  std::int64_t const first = bound(start, step > 0 ? 0 : extent - 1), last = bound(stop, step > 0 ? extent : -1);
  for (std::int64_t i = first; step > 0 ? i < last : i > last; i += step) picked.push_back(i);
  return picked;
}

std::vector<std::int64_t> values(Tensor<std::int64_t> const& x) {
  Tensor<std::int64_t> const dense = x.contiguous();
  return {dense.data(), dense.data() + dense.numel()};
}

Tensor<std::int64_t> numbered(Dims const& shape) { return arange<std::int64_t>(shape.numel()).reshape(shape); }

}  // namespace

TEST_CASE("slices with every start, stop and step") {
  for (std::int64_t extent : {0, 1, 2, 5}) {
    Tensor<std::int64_t> const x = numbered({extent});
    std::vector<Bound> bounds{std::nullopt};
    for (std::int64_t b = -extent - 2; b <= extent + 2; ++b) bounds.push_back(b);
    for (Bound start : bounds)
      for (Bound stop : bounds)
        for (std::int64_t step : {-7, -3, -2, -1, 1, 2, 3, 7}) {
          auto const expected = python_slice(extent, start, stop, step);
          Tensor<std::int64_t> const part = x(Slice(start, stop, step));
          REQUIRE(values(part) == expected);
          Tensor<std::int64_t> written = x;
          written(Slice(start, stop, step)) = -1;
          std::vector<std::int64_t> model = values(x);
          for (std::int64_t i : expected) model[static_cast<std::size_t>(i)] = -1;
          REQUIRE(values(written) == model);
        }
  }
}

TEST_CASE("steps of any size") {
  Tensor<std::int64_t> const x = numbered({4, 4});
  std::int64_t const huge = std::numeric_limits<std::int64_t>::max();
  CHECK(values(x(Slice({}, {}, huge), 1)) == std::vector<std::int64_t>{1});
  CHECK(values(x(Slice({}, {}, -huge - 1), 1)) == std::vector<std::int64_t>{13});
  CHECK(values(x(0, Slice(-huge - 1, huge))) == std::vector<std::int64_t>{0, 1, 2, 3});
}

TEST_CASE("integers, Ellipsis and newaxis") {
  Tensor<std::int64_t> const x = numbered({2, 3, 4});
  CHECK(x(1, 2, 3).item() == 23);
  CHECK(x(-1, -1, -1).item() == 23);
  CHECK(x(1).shape() == Dims(3, 4));
  CHECK(values(x(1, 2)) == std::vector<std::int64_t>{20, 21, 22, 23});
  CHECK(values(x(Ellipsis, 0)) == std::vector<std::int64_t>{0, 4, 8, 12, 16, 20});
  CHECK(values(x(1, Ellipsis, Slice(3, 0, -2))) == std::vector<std::int64_t>{15, 13, 19, 17, 23, 21});
  CHECK(x(Ellipsis).shape() == Dims(2, 3, 4));
  CHECK(x(1, 2, 3, Ellipsis).dim() == 0);
  CHECK(x(newaxis, 1, Slice(), newaxis, 2).shape() == Dims(1, 3, 1));
  CHECK(x(newaxis, Ellipsis, newaxis).shape() == Dims(1, 2, 3, 4, 1));
  CHECK(values(x(newaxis, 1, Slice(), newaxis, 2)) == std::vector<std::int64_t>{14, 18, 22});
  CHECK(x(Slice(1), Slice(0, 2)).shape() == Dims(1, 2, 4));
  CHECK(x[1][2][3].item() == 23);
  CHECK(x[Slice(1, 2)].shape() == Dims(1, 3, 4));
  CHECK(values(x(Slice({}, {}, -1), 0, 0)) == std::vector<std::int64_t>{12, 0});
}

TEST_CASE("subscripts of subscripts") {
  Tensor<std::int64_t> const x = numbered({6, 6});
  Tensor<std::int64_t> const part = x(Slice(5, {}, -2), Slice(1, 5));
  CHECK(values(part) == std::vector<std::int64_t>{31, 32, 33, 34, 19, 20, 21, 22, 7, 8, 9, 10});
  CHECK(values(part(Slice({}, {}, -1), Slice(3, 0, -2))) == std::vector<std::int64_t>{10, 8, 22, 20, 34, 32});
  CHECK(values(part.t()[3]) == std::vector<std::int64_t>{34, 22, 10});
}

TEST_CASE("subscripts that do not fit say so") {
  Tensor<float> x = zeros<float>({2, 3});
  CHECK_THROWS_WITH_AS(x(2), "index: 2 is out of range for dimension 0 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(x(0, -4), "index: -4 is out of range for dimension 1 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(x(0, 0, 0), "index: 3 indices for a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(x(Ellipsis, Ellipsis), "index: at most one Ellipsis may stand in a subscript", Error);
  CHECK_THROWS_WITH_AS(x(0, Slice(0, 1, 0)), "index: the step of a slice of dimension 1 must not be 0", Error);
  CHECK_THROWS_WITH_AS(x(2) = 1, "index: 2 is out of range for dimension 0 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(tensor(1.f)(0), "index: 1 indices for a tensor of shape ()", Error);
  CHECK_THROWS_WITH_AS(zeros<float>({0})(0), "index: 0 is out of range for dimension 0 of a tensor of shape (0,)",
                       Error);
  Tensor<float> const deep = zeros<float>({1, 1, 1, 1, 1, 1, 1, 1});
  CHECK_THROWS_WITH_AS(deep(newaxis), "a tensor has at most 8 dimensions", Error);
  CHECK_THROWS_WITH_AS(x(0, Slice()) = zeros<float>({2}),
                       "assign: a value of shape (2,) does not broadcast to the target of shape (3,)", Error);
  CHECK_THROWS_WITH_AS(x[0] = zeros<float>({1, 3}),
                       "assign: a value of shape (1, 3) does not broadcast to the target of shape (3,)", Error);
}

TEST_CASE("what is written") {
  Tensor<float> z = zeros<float>({4, 4});
  z(Slice(1, 3), Slice()) = 5;
  z[0] = z[1] + 1;
  z(Ellipsis, -1) = tensor({1.f, 2.f, 3.f, 4.f});
  z(3, Slice(0, 3)) += 7;
  z(Slice({}, {}, -1), 0) *= tensor({1.f, 2.f, 3.f, 4.f});
  float const expected[] = {24, 6, 6, 1, 15, 5, 5, 2, 10, 5, 5, 3, 7, 7, 7, 4};
  for (int i = 0; i < 16; ++i) CHECK(std::as_const(z).data()[i] == expected[i]);
  z(1, newaxis, Slice()) = tensor({{1.f, 2.f, 3.f, 4.f}});
  CHECK(z(1, 3).item() == 4);
  z(Slice(2, 2)) = 100;  // nothing
  CHECK(z(2, 0).item() == 10);
  Tensor<bool> mask = full<bool>({3}, false);
  mask[1] = true;
  CHECK(mask(1).item());
  Tensor<float> const before = z;
  CHECK_THROWS_AS(z[0] = zeros<float>({3}), Error);
  for (int i = 0; i < 16; ++i) REQUIRE(std::as_const(z).data()[i] == before.data()[i]);
}

TEST_CASE("a part is read as a tensor") {
  Tensor<float> z = tensor({{1.f, 2.f}, {3.f, 4.f}});
  auto const part = z[1];
  CHECK(part.shape() == Dims(2));
  CHECK(part.dim() == 1);
  CHECK(part.size(0) == 2);
  CHECK(part.numel() == 2);
  CHECK(part[0].item() == 3);
  CHECK(part(1).item() == 4);
  CHECK(sum(z[0]).shape() == Dims());
  CHECK(Tensor<float>(sum(z[0])).item() == 3);
  CHECK(Tensor<float>(z[0] * z[1]).numel() == 2);
  CHECK(Tensor<float>(-z[0])[1].item() == -2);
  z[0] = z[1];
  CHECK(z(0, 1).item() == 4);
}
