// SPDX-License-Identifier: MIT
// Tensors are values: copies share memory until one of them is written, and nobody else ever sees the write.
#include <doctest/doctest.h>

#include <utility>
#include <vector>
#include <wick/tensor.hpp>

#include "../reading.hpp"

using namespace wick;

namespace {

using testing::elements;
using Floats = std::vector<float>;

}  // namespace

TEST_CASE("what a tensor says about itself") {
  Tensor<float> const x = zeros<float>({2, 3, 4});
  CHECK(x.shape() == Dims(2, 3, 4));
  CHECK(x.strides() == Strides(12, 4, 1));
  CHECK(x.dim() == 3);
  CHECK(x.numel() == 24);
  CHECK(x.size(0) == 2);
  CHECK(x.size(-1) == 4);
  CHECK(x.dtype() == Dtype::float32);
  CHECK(x.device() == Device("cpu"));
  CHECK(x.is_contiguous());
  CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % alignment == 0);
  CHECK(name(zeros<bool>({1}).dtype()) == std::string("bool"));
  CHECK_THROWS_WITH_AS(x.size(3), "size: dimension 3 is out of range for a tensor of 3 dimensions (-3 to 2)", Error);
  CHECK_THROWS_WITH_AS(x.item(), "item: a tensor of shape (2, 3, 4) is not a single number", Error);
}

TEST_CASE("a default tensor is empty, a number is a tensor of no dimensions") {
  Tensor<float> none;
  CHECK(none.shape() == Dims(0));
  CHECK(none.numel() == 0);
  none = tensor({1.f});
  CHECK(none.item() == 1);
  Tensor<double> number = 2.5;
  CHECK(number.dim() == 0);
  CHECK(number.item() == 2.5);
  number = 3;
  CHECK(number.item() == 3);
  Tensor<std::int32_t, Shape<2, Dyn>> const known;
  CHECK(known.shape() == Dims(2, 0));
}

TEST_CASE("copies share until one is written") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f}), y = x;
  Tensor<float> const z = y;
  CHECK(x.storage().use_count() == 3);
  CHECK(std::as_const(x).data() == z.data());
  y[0] = 9;
  CHECK(elements(x) == Floats{1, 2, 3});
  CHECK(elements(y) == Floats{9, 2, 3});
  CHECK(elements(z) == Floats{1, 2, 3});
  CHECK(x.storage().use_count() == 2);
  x += 1;
  CHECK(elements(x) == Floats{2, 3, 4});
  CHECK(elements(z) == Floats{1, 2, 3});
  x.data()[1] = 7;
  CHECK(elements(x) == Floats{2, 7, 4});
  Tensor<float> w = x;
  w.view()(2) = 8;
  CHECK(elements(w) == Floats{2, 7, 8});
  CHECK(elements(x) == Floats{2, 7, 4});
}

TEST_CASE("a write needs no copy when nobody else looks") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f});
  float const* const where = std::as_const(x).data();
  x += 1;
  x = x * 2 + x;
  x[0] = 5;
  x(Slice(1)) = x(Slice(1)) + 1;
  x.data()[1] = 4;
  CHECK(std::as_const(x).data() == where);
  CHECK(elements(x) == Floats{5, 4, 13});
}

TEST_CASE("parts, transposes and reshapes are values too") {
  Tensor<float> x = tensor({{1.f, 2.f}, {3.f, 4.f}});
  Tensor<float> const row = x[1], turned = x.t(), flat = x.reshape({-1});
  auto const part = x[1];
  CHECK(row.data() == std::as_const(x).data() + 2);
  x(1, 0) = 30;
  CHECK(elements(x) == Floats{1, 2, 30, 4});
  CHECK(elements(row) == Floats{3, 4});
  CHECK(elements(part.value()) == Floats{3, 4});
  CHECK(elements(turned) == Floats{1, 3, 2, 4});
  CHECK(elements(flat) == Floats{1, 2, 3, 4});
  Tensor<float> column = x(Slice(), 0);
  column[0] = -1;
  CHECK(elements(column) == Floats{-1, 30});
  CHECK(elements(x) == Floats{1, 2, 30, 4});
}

TEST_CASE("writing into a tensor that is not row-major") {
  Tensor<float> x = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}}).t();
  REQUIRE_FALSE(x.is_contiguous());
  Tensor<float> const before = x;
  x(2, 0) = 30;  // shared: the elements move
  x(Slice(), 1) = x(Slice(), 0) * 10;
  CHECK(elements(x) == Floats{1, 10, 2, 20, 30, 300});
  CHECK(elements(before) == Floats{1, 4, 2, 5, 3, 6});
  Tensor<float> alone = tensor({{1.f, 2.f}, {3.f, 4.f}}).t();
  alone(0, Slice()) = tensor({10.f, 20.f});
  CHECK(elements(alone) == Floats{10, 20, 2, 4});
  alone += 1;
  CHECK(elements(alone) == Floats{11, 21, 3, 5});
}

TEST_CASE("moving takes the elements along") {
  Tensor<float> x = tensor({1.f, 2.f});
  float const* const where = std::as_const(x).data();
  Tensor<float> y = std::move(x);
  CHECK(std::as_const(y).data() == where);
  CHECK(x.numel() == 0);
  x = y + 1;
  CHECK(elements(x) == Floats{2, 3});
  Tensor<float>& self = y;
  y = std::move(self);
  CHECK(elements(y) == Floats{1, 2});
  y = self;
  CHECK(elements(y) == Floats{1, 2});
}

TEST_CASE("a named formula keeps what it was made of") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f});
  auto const f = x * 10;
  x = f;
  CHECK(elements(x) == Floats{10, 20, 30});
  CHECK(elements(Tensor<float>(f)) == Floats{10, 20, 30});
  x[0] = 0;
  x += f;
  CHECK(elements(x) == Floats{10, 40, 60});
  CHECK(elements(Tensor<float>(f)) == Floats{10, 20, 30});
}

TEST_CASE("tensors of known extents") {
  Tensor<float> x = tensor({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}});
  Tensor<float, Shape<2, Dyn>> known = x;
  CHECK(std::as_const(known).data() == std::as_const(x).data());
  known(0, 0) = 10;
  CHECK(x(0, 0).item() == 1);
  Tensor<float> back = known;
  CHECK(std::as_const(back).data() == std::as_const(known).data());
  Tensor<float, Shape<2, 3>> exact = known + x;
  CHECK(elements(Tensor<float>(exact)) == Floats{11, 4, 6, 8, 10, 12});
  known = x * 2;
  CHECK(known(1, 2).item() == 12);
  CHECK_THROWS_WITH_AS(known = zeros<float>({3, 3}) + 1,
                       "tensor: dimension 0 of the target is 2, the value has shape (3, 3)", Error);
  CHECK_THROWS_WITH_AS((Tensor<float, Shape<2, Dyn>>(zeros<float>({2}))),
                       "tensor: the target has 2 dimensions, the value has shape (2,)", Error);
}

TEST_CASE("conversions") {
  Tensor<double> const x = tensor({1.75, -2.5, 0.});
  CHECK(elements(x.to<std::int32_t>()) == std::vector<std::int32_t>{1, -2, 0});
  CHECK(elements(x.to<bool>()) == std::vector<bool>{true, true, false});
  CHECK(elements(x.to<bool>().to<float>()) == Floats{1, 1, 0});
  CHECK(elements(tensor({0.25, 0.}).to<float>().to<bool>()) == std::vector<bool>{true, false});
  CHECK(x.to<double>().data() == x.data());
  CHECK(x.to("cpu").data() == x.data());
  std::int64_t const big = (std::int64_t{1} << 62) + 1;
  CHECK(elements(tensor<std::int64_t>({big, -big}).to<std::int64_t>()) == std::vector<std::int64_t>{big, -big});
  CHECK(elements(Tensor<std::int64_t>(tensor<std::int64_t>({big}) + 1)) == std::vector<std::int64_t>{big + 1});
}

TEST_CASE("clone, contiguous") {
  Tensor<float> const x = tensor({{1.f, 2.f}, {3.f, 4.f}});
  Tensor<float> const copy = x.clone();
  CHECK(copy.data() != x.data());
  CHECK(elements(copy) == elements(x));
  CHECK(x.contiguous().data() == x.data());
  Tensor<float> const turned = x.t().contiguous();
  CHECK(turned.is_contiguous());
  CHECK(elements(turned) == Floats{1, 3, 2, 4});
}

// The rules of promotion, as the array API has them.
static_assert(std::is_same_v<promote_t<float, float>, float>);
static_assert(std::is_same_v<promote_t<float, double>, double>);
static_assert(std::is_same_v<promote_t<std::int64_t, float>, float>);
static_assert(std::is_same_v<promote_t<bool, std::int32_t>, std::int32_t>);
static_assert(std::is_same_v<promote_t<bool, float>, float>);
static_assert(std::is_same_v<promote_t<bool, bool>, bool>);
static_assert(std::is_same_v<promote_t<std::int32_t, std::int64_t>, std::int64_t>);
static_assert(std::is_same_v<promote_t<std::int8_t, std::uint8_t>, std::int16_t>);
static_assert(std::is_same_v<promote_t<std::int8_t, std::uint16_t>, std::int32_t>);
static_assert(std::is_same_v<promote_t<std::uint32_t, std::int32_t>, std::int64_t>);
static_assert(std::is_same_v<promote_t<std::int64_t, std::uint8_t>, std::int64_t>);
static_assert(std::is_same_v<promote_t<std::complex<float>, double>, std::complex<double>>);
static_assert(std::is_same_v<promote_t<std::complex<float>, std::int64_t>, std::complex<float>>);
static_assert(std::is_same_v<promote_t<double, std::complex<float>>, std::complex<double>>);
// Literals never widen inside their category.
static_assert(std::is_same_v<scalar_beside_t<float, double>, float>);
static_assert(std::is_same_v<scalar_beside_t<float, int>, float>);
static_assert(std::is_same_v<scalar_beside_t<std::int32_t, long>, std::int32_t>);
static_assert(std::is_same_v<scalar_beside_t<std::int32_t, double>, float>);
static_assert(std::is_same_v<scalar_beside_t<bool, int>, std::int64_t>);
static_assert(std::is_same_v<scalar_beside_t<bool, bool>, bool>);
// Promotion inside formulas.
using F32 = Tensor<float>;
using F64 = Tensor<double>;
using I32 = Tensor<std::int32_t>;
using I64 = Tensor<std::int64_t>;
using Bools = Tensor<bool>;
static_assert(std::is_same_v<decltype(F32() + F64())::value_type, double>);
static_assert(std::is_same_v<decltype(F32() * 2.0)::value_type, float>);
static_assert(std::is_same_v<decltype(I32() + 1L)::value_type, std::int32_t>);
static_assert(std::is_same_v<decltype(I32() + I64())::value_type, std::int64_t>);
static_assert(std::is_same_v<decltype(I32() / I32())::value_type, float>);
static_assert(std::is_same_v<decltype(I32() * 0.5)::value_type, float>);
static_assert(std::is_same_v<decltype(exp(I64()))::value_type, float>);
static_assert(std::is_same_v<decltype(F64() > 1)::value_type, bool>);
static_assert(std::is_same_v<decltype(sum(I32()))::value_type, std::int64_t>);
static_assert(std::is_same_v<decltype(sum(Bools()))::value_type, std::int64_t>);
static_assert(std::is_same_v<decltype(mean(I32()))::value_type, float>);
static_assert(std::is_same_v<decltype(max(I32()))::value_type, std::int32_t>);
static_assert(std::is_same_v<decltype(where(Bools(), F32(), F64()))::value_type, double>);
static_assert(std::is_same_v<decltype(where(Bools(), F32(), 1.0))::value_type, float>);

TEST_CASE("an update in place does not widen its target") {
  Tensor<float> x = ones<float>({3});
  CHECK_THROWS_WITH_AS((x += ones<float>({2, 3})), "+=: a value of shape (2, 3) does not fit into a tensor of shape (3,)", Error);
  CHECK_THROWS_AS((x /= ones<float>({1, 1})), Error);
  CHECK(all(x == ones<float>({3})).item());
  x += ones<float>({1});
  x *= 3;
  CHECK(x.shape() == Dims(3));
  CHECK(x(2).item() == 6);
}

TEST_CASE("parts of parts are written") {
  Tensor<float> a = zeros<float>({2, 3});
  Tensor<float> const before = a;
  a[0][1] = 3;
  a(1)(2) = 4;
  float const* const where = std::as_const(a).data();
  a(0, Slice())[1] += 3;
  a(Slice(), Slice(0, 2))(1)[0] -= 5;
  a[1](Slice(0, 2))[Slice(1, 2)] = tensor({7.f});
  CHECK(elements(a) == Floats{0, 6, 0, -5, 7, 4});
  CHECK(std::as_const(a).data() == where);  // nothing is copied for it
  CHECK(elements(before) == Floats(6, 0));
  Tensor<float> turned = a.t();
  turned[1][0] = 60;  // shared and not row-major: the elements move
  CHECK(elements(turned) == Floats{0, -5, 60, 7, 0, 4});
  CHECK(elements(a) == Floats{0, 6, 0, -5, 7, 4});
  turned = a.t().clone().t().t();
  turned(Slice(0, 2))[1][1] = 70;
  CHECK(elements(turned) == Floats{0, -5, 6, 70, 0, 4});
  CHECK(a[1][1].item() == 7);
  CHECK_THROWS_WITH_AS(a[0][3] = 1, "index: 3 is out of range for dimension 0 of a tensor of shape (3,)", Error);
}

TEST_CASE("a part as a view, a single element as a number") {
  Tensor<double> a = tensor({{1., 2., 3.}, {4., 5., 6.}});
  Tensor<double> const before = a;
  View<double> row = a(1, Slice());
  row(0) = 40;
  View<double const> const read_only = a[1][Slice(0, 2)];
  CHECK((read_only(0) == 40 && read_only.dim() == 1));
  Tensor<double> turned = before.t();
  View<double> column = turned(Slice(), 1);
  column = -1;
  CHECK(elements(turned) == std::vector<double>{1, -1, 2, -1, 3, -1});
  CHECK(elements(before) == std::vector<double>{1, 2, 3, 4, 5, 6});
  double const x = a(1, 0), y = before(1, 0), z = tensor(5.), v = row(Slice(2));
  CHECK((x == 40 && y == 4 && z == 5 && v == 6));
  CHECK_THROWS_WITH_AS(static_cast<void>(static_cast<double>(row)), "item: a view of shape (3,) is not a single number", Error);
}
