// SPDX-License-Identifier: MIT
// Extents: lists, reshape and permute, broadcasting, and what is known when compiling.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <wick/tensor.hpp>

using namespace wick;

namespace {
std::string text(Dims const& dims) {
  std::ostringstream out;
  out << dims;
  return out.str();
}
}  // namespace

TEST_CASE("shapes print as Python's tuples") {
  CHECK(text({}) == "()");
  CHECK(text({3}) == "(3,)");
  CHECK(text({2, 3}) == "(2, 3)");
}

TEST_CASE("layouts") {
  CHECK(Layout(Dims(2, 0, 3)).contiguous);
  CHECK(Layout(Dims(2, 3), Strides(3, 1)).contiguous);
  CHECK_FALSE(Layout(Dims(2, 3), Strides(1, 2)).contiguous);
  CHECK(Layout(Dims(1, 3), Strides(100, 1)).contiguous);
  CHECK(Layout(Dims(3, 1), Strides(1, -7)).contiguous);
  CHECK_FALSE(Layout(Dims(3), Strides(-1)).contiguous);
  CHECK(Layout(Dims(0), Strides(-1)).contiguous);
  CHECK_THROWS_WITH_AS(Layout(Dims(2, 3), Strides(1)), "a layout of 2 dimensions needs as many strides, but has 1",
                       Error);
  CHECK_THROWS_WITH_AS(Layout(Dims(2, -3)), "an extent must not be negative, but dimension 1 of (2, -3) is", Error);
  CHECK_THROWS_WITH_AS(Layout(Dims(-1), Strides(1)), "an extent must not be negative, but dimension 0 of (-1,) is",
                       Error);
  CHECK_THROWS_WITH_AS(zeros<float>({std::int64_t{1} << 40, std::int64_t{1} << 40}),
                       "a tensor of shape (1099511627776, 1099511627776) has too many elements", Error);
}

TEST_CASE("reshape") {
  Tensor<float> const x = arange<float>(12).reshape({3, 4});
  CHECK(x.reshape({2, 6}).shape() == Dims(2, 6));
  CHECK(x.reshape({-1}).shape() == Dims(12));
  CHECK(x.reshape({2, -1, 3}).shape() == Dims(2, 2, 3));
  CHECK(x.reshape({1, 12, 1}).data() == x.data());
  CHECK(x.t().reshape({12})(1).item() == 4);
  CHECK(x.t().reshape({12}).data() != x.data());
  CHECK(tensor(5.f).reshape({1, 1}).shape() == Dims(1, 1));
  CHECK(full<float>({1}, 2).reshape({}).dim() == 0);
  CHECK(zeros<float>({0, 3}).reshape({3, 0}).shape() == Dims(3, 0));
  CHECK(zeros<float>({0, 3}).reshape({-1, 5}).shape() == Dims(0, 5));
  CHECK_THROWS_WITH_AS(x.reshape({5}), "reshape: a tensor of shape (3, 4) has 12 elements, which do not fill (5,)",
                       Error);
  CHECK_THROWS_WITH_AS(x.reshape({5, -1}),
                       "reshape: a tensor of shape (3, 4) has 12 elements, which do not fill (5, -1)", Error);
  CHECK_THROWS_WITH_AS(x.reshape({-1, -1}), "reshape: (-1, -1) asks for a negative extent in dimension 1", Error);
  CHECK_THROWS_WITH_AS(x.reshape({-2, 6}), "reshape: (-2, 6) asks for a negative extent in dimension 0", Error);
  CHECK_THROWS_WITH_AS(zeros<float>({0, 3}).reshape({-1, 0}),
                       "reshape: a tensor of shape (0, 3) has 0 elements, which do not fill (-1, 0)", Error);
}

TEST_CASE("permute, transpose, t") {
  Tensor<float> const x = arange<float>(24).reshape({2, 3, 4});
  Tensor<float> const y = x.permute({2, 0, 1});
  CHECK(y.shape() == Dims(4, 2, 3));
  CHECK(y.data() == x.data());
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 2; ++j)
      for (int k = 0; k < 3; ++k) REQUIRE(y(i, j, k).item() == x(j, k, i).item());
  CHECK(x.permute({-1, 0, -2}).shape() == Dims(4, 2, 3));
  CHECK(x.transpose(0, -1).shape() == Dims(4, 3, 2));
  CHECK(x.transpose(1, 1).strides() == x.strides());
  CHECK(x[0].t().shape() == Dims(4, 3));
  CHECK(x[0][0].t().shape() == Dims(4));
  CHECK(tensor(1.f).t().dim() == 0);
  CHECK_THROWS_WITH_AS(x.t(), "t: a tensor of shape (2, 3, 4) has more than 2 dimensions", Error);
  CHECK_THROWS_WITH_AS(x.permute({0, 1}), "permute: 2 dimensions are named for a tensor of shape (2, 3, 4)", Error);
  CHECK_THROWS_WITH_AS(x.permute({0, 1, -2}), "permute: dimension 1 stands twice", Error);
  CHECK_THROWS_WITH_AS(x.permute({0, 1, 3}),
                       "permute: dimension 3 is out of range for a tensor of 3 dimensions (-3 to 2)", Error);
  CHECK_THROWS_WITH_AS(x.transpose(0, 3),
                       "transpose: dimension 3 is out of range for a tensor of 3 dimensions (-3 to 2)", Error);
}

TEST_CASE("broadcasting") {
  CHECK(broadcast("add", {2, 1, 3}, {4, 1}) == Dims(2, 4, 3));
  CHECK(broadcast("add", {}, {2, 3}) == Dims(2, 3));
  CHECK(broadcast("add", {0}, {1}) == Dims(0));
  CHECK(broadcast("add", {3, 1}, {1, 0}) == Dims(3, 0));
  CHECK_THROWS_WITH_AS(
      zeros<float>({2, 3}) + zeros<float>({4, 2, 5}),
      "add: (2, 3) and (4, 2, 5) do not broadcast: dimension 1 of the first is 3, dimension 2 of the second is 5",
      Error);
  CHECK_THROWS_WITH_AS(
      zeros<float>({0}) * zeros<float>({2}),
      "mul: (0,) and (2,) do not broadcast: dimension 0 of the first is 0, dimension 0 of the second is 2", Error);
  CHECK_THROWS_WITH_AS(
      lt(zeros<float>({2, 3}), zeros<float>({2})),
      "lt: (2, 3) and (2,) do not broadcast: dimension 1 of the first is 3, dimension 0 of the second is 2", Error);
  Tensor<float> const column = tensor({{1.f}, {2.f}}), row = tensor({10.f, 20.f, 30.f});
  Tensor<float> const table = column + row;
  CHECK(table.shape() == Dims(2, 3));
  CHECK(table(1, 2).item() == 32);
}

TEST_CASE("lists of at most eight") {
  Dims dims(1, 1, 1, 1, 1, 1, 1, 1);
  CHECK(dims.numel() == 1);
  CHECK_THROWS_WITH_AS(dims.push_back(1), "a tensor has at most 8 dimensions", Error);
}

// Extents known when compiling.
static_assert(Shape<2, Dyn, 3>::rank == 3);
static_assert(!Shape<2, Dyn, 3>::known);
static_assert(Shape<2, 3>::known && Shape<2, 3>::numel == 6);
static_assert(Shape<>::known && Shape<>::numel == 1);
static_assert(std::is_same_v<broadcast_extents_t<Shape<2, 1>, Shape<3>>, Shape<2, 3>>);
static_assert(std::is_same_v<broadcast_extents_t<Shape<2, Dyn>, Shape<2, 3>>, Shape<2, 3>>);
static_assert(std::is_same_v<broadcast_extents_t<Shape<Dyn>, Shape<1>>, Shape<Dyn>>);
static_assert(std::is_same_v<broadcast_extents_t<Shape<2>, Dynamic>, Dynamic>);
static_assert(!extents_broadcast<Shape<2, 3>, Shape<2>>);
static_assert(extents_broadcast<Shape<2, Dyn>, Shape<5>>);
static_assert(broadcast("add", {2, 1}, {3}) == Dims(2, 3));
static_assert(reshaped("reshape", {6}, {2, -1}) == Dims(2, 3));

TEST_CASE("what 64 bits do not count is refused") {
  std::int64_t const most = std::numeric_limits<std::int64_t>::max(), half = std::int64_t{1} << 32, bits61 = std::int64_t{1} << 61;
  using Bytes = Tensor<std::uint8_t>;
  // The bytes, not only the elements.
  CHECK_THROWS_WITH_AS(zeros<double>({bits61}), "a tensor of shape (2305843009213693952,) has too many elements", Error);
  CHECK_THROWS_AS((Tensor<double>(Tensor<double>::uninitialized, {bits61})), Error);
  CHECK_THROWS_AS((Tensor<double>(Tensor<double>::uninitialized, {max_numel})), Error);
  CHECK_THROWS_AS(Storage::make<std::complex<double>>(bits61), Error);
  CHECK_THROWS_AS(Storage::make<double>(-1), Error);
  CHECK_THROWS_AS(Scratch<double>{bits61}, Error);
  CHECK(checked_bytes(3, 8) == 24);
  CHECK_THROWS_WITH_AS(checked_bytes(bits61, 8), "allocate: no memory for 2305843009213693952 elements of 8 bytes", Error);
  // A 0 anywhere changes nothing.
  for (Dims const& shape : {Dims(most, 0), Dims(0, most), Dims(0, most, most), Dims(most, 0, most), Dims(most, most, 0)}) {
    CHECK_THROWS_AS((Bytes(Bytes::uninitialized, shape)), Error);
    CHECK_THROWS_AS((View<float const>(nullptr, shape)), Error);
    CHECK_THROWS_AS((View<float const>(nullptr, shape, shape.size() == 2 ? Strides(1, 1) : Strides(1, 1, 1))), Error);
    CHECK(shape.numel() == 0);
  }
  for (Dims const& shape : {Dims(max_numel, 0), Dims(0, max_numel), Dims(half, 0, 1 << 26)}) CHECK(Bytes(Bytes::uninitialized, shape).numel() == 0);
  CHECK_THROWS_WITH_AS(Dims(half, half).numel(), "a tensor of shape (4294967296, 4294967296) has too many elements", Error);
  CHECK_THROWS_WITH_AS(sum(zeros<double>({0, bits61}), {0}), "a tensor of shape (0, 2305843009213693952) has too many elements", Error);
  // Broadcasting makes large shapes of small ones.
  Tensor<float> const a = zeros<float>({1 << 21, 1, 1}), b = zeros<float>({1 << 21, 1}), c = zeros<float>({1 << 20});
  CHECK_THROWS_WITH_AS(sum(a + b + c), "add: a tensor of shape (2097152, 2097152, 1048576) has too many elements", Error);
  float number = 1;
  CHECK_THROWS_AS((View<float>(&number, {half, half}, {0, 0})), Error);
  CHECK_THROWS_WITH_AS((View<float>(&number, {2, 3}, {1, bits61})), "a stride of 2305843009213693952 is too long for dimension 1 of shape (2, 3)", Error);
  CHECK_THROWS_AS((View<float>(&number, {2, 3}, {std::numeric_limits<std::int64_t>::min(), 1})), Error);
  // Reshaping.
  CHECK_THROWS_WITH_AS(zeros<float>({0}).reshape({half, half}), "reshape: (4294967296, 4294967296) has too many elements", Error);
  CHECK_THROWS_AS(zeros<float>({0}).reshape({half, half, -1}), Error);
  CHECK_THROWS_AS(zeros<float>({0}).reshape({0, most, most}), Error);
}
