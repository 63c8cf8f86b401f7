// SPDX-License-Identifier: MIT
// Fixed tensors: no heap, all extents known, and everything also in constant expressions.
#include <doctest/doctest.h>

#include <wick/tensor.hpp>

using namespace wick;

namespace {

template <class T, std::int64_t... N>
constexpr bool same(Fixed<T, N...> const& a, Fixed<T, N...> const& b) {
  return Fixed<bool>(all(a == b)).item();
}

constexpr Fixed<double, 2, 2> matrix(1., 2., 3., 4.);
constexpr Fixed<double, 2> vector(10., 20.);

// Formulas, while compiling.
constexpr Fixed<double, 2, 2> twice = matrix * 2 + 1;
static_assert(same(twice, Fixed<double, 2, 2>(3., 5., 7., 9.)));
constexpr Fixed<double, 2, 2> rows = matrix + vector;
static_assert(same(rows, Fixed<double, 2, 2>(11., 22., 13., 24.)));
constexpr Fixed<double> total = sum(matrix);
static_assert(total.item() == 10);
static_assert(matrix(1, 0) == 3 && matrix(-1, -1) == 4);
static_assert(matrix.shape() == Dims(2, 2) && matrix.dim() == 2 && matrix.numel() == 4 && matrix.size(-1) == 2);
static_assert(eye<double, 3>()(1, 1) == 1 && eye<double, 3>()(1, 2) == 0);
static_assert(sizeof(Fixed<double, 3, 3>) == 9 * sizeof(double));

constexpr double trace() {
  Fixed<double, 3, 3> a = eye<double, 3>();
  a *= 2;
  a += a;
  a(0, 0) = -1;
  double result = 0;
  for (int i = 0; i < 3; ++i) result += a(i, i);
  return result;
}
static_assert(trace() == 7);

// Parts, rows and transposes, while compiling.
constexpr Fixed<double, 2, 3> two_rows(1., 2., 3., 4., 5., 6.);
static_assert(std::is_same_v<decltype(two_rows[1]), Fixed<double, 3>> && two_rows[1](2) == 6 && two_rows[-1][0] == 4);
static_assert(same(Fixed<double, 2>(two_rows(Slice(), 1)), Fixed<double, 2>(2., 5.)));
static_assert(same(Fixed<double, 2>(two_rows(0, Slice(std::nullopt, std::nullopt, 2)) * 2), Fixed<double, 2>(2., 6.)));
static_assert(same(two_rows.t(), Fixed<double, 3, 2>(1., 4., 2., 5., 3., 6.)) && same(vector.t(), vector));
static_assert(sum(matrix * matrix).item() == 30 && mean(two_rows).item() == 3.5);
static_assert(same(Fixed<double, 2>(vector / sum(vector)), Fixed<double, 2>(10. / 30, 20. / 30)));
constexpr double sum_of_rows() {
  Fixed<double, 2> sums;
  for (auto row : matrix) sums += row;
  for (double x : matrix[0]) sums += x;
  return sums[0] + sums[1];
}
static_assert(sum_of_rows() == 16);
constexpr Fixed<double, 2, 3> written() {
  Fixed<double, 2, 3> a;
  a[0] = Fixed<double, 3>(1., 2., 3.);
  a[1][2] = 6;
  a(1, Slice(0, 2)) = 4;
  a(Slice(), 1) += Fixed<double, 2>(0., 1.);
  a(Slice(), Slice())[0](0) *= 2;
  return a;
}
static_assert(same(written(), Fixed<double, 2, 3>(2., 2., 3., 4., 5., 6.)));

}  // namespace

TEST_CASE("fixed tensors take formulas of any leaves") {
  Tensor<double> const heap = tensor({{1., 2.}, {3., 4.}});
  double memory[] = {1, 0, 0, 1};
  Fixed<double, 2, 2> x = heap + View<double>(memory, {2, 2});
  CHECK(same(x, Fixed<double, 2, 2>(2., 2., 3., 5.)));
  x = exp(x * 0) + matrix;
  CHECK(same(x, Fixed<double, 2, 2>(2., 3., 4., 5.)));
  x = heap;
  CHECK(same(x, matrix));
  x = 7;
  CHECK(same(x, Fixed<double, 2, 2>(7., 7., 7., 7.)));
  Tensor<double> const back = x + heap;
  CHECK(back.shape() == Dims(2, 2));
  CHECK(back(1, 1).item() == 11);
  Tensor<double> const means = mean(x + heap, {0});
  CHECK(means(1).item() == 10);
  Tensor<double, Shape<2, Dyn>> const known = heap;
  x = known * 2;
  CHECK(x(1, 0) == 6);
}

TEST_CASE("fixed tensors are values") {
  Fixed<float, 3> a(1.f, 2.f, 3.f), b = a;
  b(0) = 9;
  CHECK(a(0) == 1);
  a = a + a(2);  // reads a while it is written
  CHECK(same(a, Fixed<float, 3>(4.f, 5.f, 6.f)));
  a = a / a(0);
  CHECK(same(a, Fixed<float, 3>(1.f, 1.25f, 1.5f)));
  a -= a;
  CHECK(same(a, Fixed<float, 3>()));
  auto const formula = [] {
    Fixed<float, 3> const local(1.f, 2.f, 3.f);
    return local * 2;
  }();
  CHECK(same(Fixed<float, 3>(formula), Fixed<float, 3>(2.f, 4.f, 6.f)));
}

TEST_CASE("parts of fixed tensors are values, and write where they are not named") {
  Fixed<double, 2, 3> a = two_rows;
  auto row = a[0];
  auto const column = a(Slice(), 1);
  a[0] = 7;
  CHECK(same(Fixed<double, 3>(row), Fixed<double, 3>(1., 2., 3.)));  // what was read stays
  CHECK(same(Fixed<double, 2>(column), Fixed<double, 2>(2., 5.)));
  CHECK(same(a, Fixed<double, 2, 3>(7., 7., 7., 4., 5., 6.)));
  a[1] = a[0] + a[1] * 2;
  CHECK(same(a, Fixed<double, 2, 3>(7., 7., 7., 15., 17., 19.)));
  a(Slice(), Slice(std::nullopt, std::nullopt, -1)) = Fixed<double, 2, 3>(a);  // mirrors each row
  CHECK(same(a, Fixed<double, 2, 3>(7., 7., 7., 19., 17., 15.)));
  Fixed<double, 3> v(1., 2., 3.);
  for (double& x : v) x *= 2;
  v[1] += 1;
  CHECK(same(v, Fixed<double, 3>(2., 5., 6.)));
  CHECK((a.sum().item() == 72 && a[1].max().item() == 19 && a(Slice(), 0).sum().item() == 26 && (a + a)(1, 2).item() == 30));
  double const root = norm(Fixed<double, 2>(3., 4.)), x = a[1][0], y = a(1, Slice())(0), z = v(Slice(0, 1));
  CHECK((root == 5 && x == 19 && y == 19 && z == 2));
  Tensor<double> const heap = a(Slice(), 0), sums = a[1] + heap(Slice(0, 1)), by_slice = a(Slice(), 0) * heap;
  CHECK((heap(1).item() == 19 && sums(2).item() == 22 && by_slice(1).item() == 361));
  Fixed<double, 4> evens(1., 2., 3., 4.);
  for (auto part : Fixed<double, 2, 2, 2>(evens(0))) CHECK(same(part, Fixed<double, 2, 2>(1., 1., 1., 1.)));
  CHECK_THROWS_WITH_AS(a[2], "index: 2 is out of range for dimension 0 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(a(Slice(), 3), "index: 3 is out of range for dimension 1 of a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(a(Slice(), 0) = v, "assign: a value of shape (3,) does not broadcast to the target of shape (2,)", Error);
  a.view()(0, 1) = 3;
  CHECK(a(0, 1) == 3);
  Fixed<double, 2, 2> shifted(1., 2., 3., 4.);
  shifted = View<double>(shifted.data(), {2, 2}, {1, 2}) + 0;  // a view of the target, transposed
  CHECK(same(shifted, Fixed<double, 2, 2>(1., 3., 2., 4.)));
}

TEST_CASE("reductions in registers, over as many elements as there may be") {
  auto const check = []<std::int64_t N>(std::integral_constant<std::int64_t, N>) {
    Fixed<double, N> a, b;
    double sum_known = 0, norm_known = 0, largest = -1e300;
    for (std::int64_t i = 0; i < N; ++i) {
      a(i) = static_cast<double>((i * 37) % 19) - 7, b(i) = a(i) + 1;
      sum_known += a(i) * b(i) - 2, norm_known += a(i) * a(i), largest = std::max(largest, a(i) - b(i) * b(i));
    }
    CHECK(sum(a * b - 2).item() == sum_known);  // whole numbers: exact in any order
    CHECK(norm(a).item() == std::sqrt(norm_known));
    CHECK(amax(a - square(b)).item() == largest);
    CHECK(mean(a * 1).item() == doctest::Approx((sum(a).item()) / N));
    CHECK(all(a < b).item());
    Fixed<double, N> const scaled = a / norm(a) + sum(b);
    CHECK(scaled(N - 1) == doctest::Approx(a(N - 1) / std::sqrt(norm_known) + sum(b).item()));
  };
  check(std::integral_constant<std::int64_t, 3>()), check(std::integral_constant<std::int64_t, 9>());
  check(std::integral_constant<std::int64_t, 31>()), check(std::integral_constant<std::int64_t, 100>());
  Fixed<float, 17> nan;
  nan(11) = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(amax(nan).item()));
}

TEST_CASE("reductions and rows of fixed tensors") {
  Fixed<double, 2, 3> const x(1., 5., 3., 4., 2., 6.);
  CHECK(same(Fixed<double, 2>(amax(x, {1})), Fixed<double, 2>(5., 6.)));
  CHECK(same(Fixed<double, 3>(amin(x, {0})), Fixed<double, 3>(1., 2., 3.)));
  CHECK(same(Fixed<double, 2, 1>(sum(x, {1}, {.keepdim = true})), Fixed<double, 2, 1>(9., 12.)));
  CHECK(Fixed<double>(norm(Fixed<double, 2>(3., 4.))).item() == 5);
  Fixed<double, 2, 3> const p = softmax(x, 1);
  double const e[] = {std::exp(-4.), 1, std::exp(-2.)};
  for (int i = 0; i < 3; ++i) CHECK(p(0, i) == doctest::Approx(e[i] / (e[0] + e[1] + e[2])));
}

TEST_CASE("larger fixed tensors, and none at all") {
  Fixed<float, 10, 10> a, b;
  for (int i = 0; i < 100; ++i) a.data()[i] = static_cast<float>(i);
  b = a * 2 - a;
  CHECK(same(a, b));
  Fixed<float, 0, 3> const empty;
  CHECK(empty.numel() == 0);
  CHECK(Tensor<float>(empty + 1).shape() == Dims(0, 3));
  CHECK(Tensor<float>(sum(empty)).item() == 0);
  Fixed<bool, 3> const flags = Fixed<int, 3>(1, 2, 3) > 1;
  CHECK(same(flags, Fixed<bool, 3>(false, true, true)));
}

TEST_CASE("what does not fit says so") {
  Fixed<double, 2, 2> x;
  Tensor<double> const wide = zeros<double>({2, 3}), deep = zeros<double>({1, 2, 2}), one = ones<double>({1, 1});
  CHECK_THROWS_WITH_AS(x = wide, "assign: a value of shape (2, 3) does not broadcast to the target of shape (2, 2)",
                       Error);
  CHECK_THROWS_WITH_AS(x = deep + 0,
                       "assign: a value of shape (1, 2, 2) does not broadcast to the target of shape (2, 2)", Error);
  Tensor<double, Shape<Dyn>> const three = zeros<double>({3});
  CHECK_THROWS_WITH_AS(x = three * 1, "assign: a value of shape (3,) does not broadcast to the target of shape (2, 2)",
                       Error);
  CHECK_THROWS_WITH_AS(x = three + vector, "add: (3,) and (2,) do not broadcast: dimension 0 of the first is 3, dimension 0 of the second is 2",
                       Error);
  x = one + 1;
  CHECK(x(1, 1) == 2);
  CHECK_THROWS_WITH_AS(x(2, 0), "index: 2 is out of range for dimension 0 of a tensor of shape (2, 2)", Error);
  CHECK_THROWS_WITH_AS(x(0, -3), "index: -3 is out of range for dimension 1 of a tensor of shape (2, 2)", Error);
}
