// SPDX-License-Identifier: MIT
// Fixed matrices: products against plain loops, inverses and determinants against known matrices.
#include <doctest/doctest.h>

#include <wick/ops/fixed_matrix.hpp>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

template <class T, std::int64_t M, std::int64_t N>
constexpr Fixed<T, M, N> numbers(int seed) {
  Fixed<T, M, N> x;
  for (std::int64_t i = 0; i < M * N; ++i) x.data()[i] = static_cast<T>((i * 7 + seed * 5) % 11 - 5);
  return x;
}

// Small integers: every sum is exact.
template <class T, std::int64_t M, std::int64_t K, std::int64_t N>
void check_product() {
  auto const a = numbers<T, M, K>(1);
  auto const b = numbers<T, K, N>(2);
  Fixed<T, M, N> const c = matmul(a, b);
  for (std::int64_t i = 0; i < M; ++i)
    for (std::int64_t j = 0; j < N; ++j) {
      T sum{};
      for (std::int64_t k = 0; k < K; ++k) sum = static_cast<T>(sum + a(i, k) * b(k, j));
      CHECK(c(i, j) == sum);
    }
}

template <std::int64_t M, std::int64_t K, class T>
void check_vector_product() {
  auto const a = numbers<T, M, K>(3);
  Fixed<T, K> const v = numbers<T, K, 1>(4)(Slice(), 0);
  Fixed<T, M> const u = numbers<T, M, 1>(5)(Slice(), 0), c = matmul(a, v);
  Fixed<T, K> const d = matmul(u, a);
  T both{};
  for (std::int64_t i = 0; i < M; ++i) {
    T sum{};
    for (std::int64_t k = 0; k < K; ++k) sum = static_cast<T>(sum + a(i, k) * v(k));
    CHECK(c(i) == sum);
    both = static_cast<T>(both + u(i) * sum);
  }
  CHECK(matmul(u, c).item() == both);
  CHECK(matmul(d, v).item() == both);
}

template <class T>
void check_products() {
  check_vector_product<1, 1, T>(), check_vector_product<2, 2, T>(), check_vector_product<3, 3, T>(), check_vector_product<4, 4, T>();
  check_vector_product<5, 4, T>(), check_vector_product<3, 7, T>(), check_vector_product<9, 8, T>();
  check_product<T, 4, 4, 1>();
  check_product<T, 40, 30, 20>();
  check_product<T, 1, 1, 1>();
  check_product<T, 2, 2, 2>();
  check_product<T, 3, 3, 3>();
  check_product<T, 4, 4, 4>();
  check_product<T, 5, 5, 5>();
  check_product<T, 6, 6, 6>();
  check_product<T, 7, 7, 7>();
  check_product<T, 8, 8, 8>();
  check_product<T, 2, 9, 17>();
  check_product<T, 3, 1, 37>();
  check_product<T, 13, 4, 11>();
}

// 1 / (i + j + 1); its determinant and the integers of its inverse are known (Hilbert 1894).
template <class T, std::int64_t N>
constexpr Fixed<T, N, N> hilbert() {
  Fixed<T, N, N> h;
  for (std::int64_t i = 0; i < N; ++i)
    for (std::int64_t j = 0; j < N; ++j) h.data()[i * N + j] = T(1) / static_cast<T>(i + j + 1);
  return h;
}

template <std::int64_t N>
void check_inverse(Fixed<double, N, N> const& inverse_known, double det_known) {
  auto const h = hilbert<double, N>();
  auto const found = inverse(h);
  for (std::int64_t i = 0; i < N * N; ++i) CHECK(found.data()[i] == doctest::Approx(inverse_known.data()[i]).epsilon(1e-10));
  CHECK(det(h) == doctest::Approx(det_known).epsilon(1e-11));
}

}  // namespace

TEST_CASE_TEMPLATE("products of Fixed matrices are those of plain loops", T, float, double, int, std::int64_t) {
  check_products<T>();
}

TEST_CASE("inverses and determinants of Hilbert matrices") {
  check_inverse<1>(Fixed<double, 1, 1>(1.0), 1.0);
  check_inverse<2>({4, -6, -6, 12}, 1. / 12);
  check_inverse<3>({9, -36, 30, -36, 192, -180, 30, -180, 180}, 1. / 2160);
  check_inverse<4>({16, -120, 240, -140, -120, 1200, -2700, 1680, 240, -2700, 6480, -4200, -140, 1680, -4200, 2800},
                   1. / 6048000);
}

TEST_CASE("the inverse undoes the matrix, in float too, whatever the order of its rows") {
  // A permutation and a rotation: blocks of zeros on the diagonal.
  Fixed<float, 4, 4> const a(0, 0, 1, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 4, 0, 0);
  Fixed<float, 4, 4> const one = matmul(a, inverse(a));
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) CHECK(one(i, j) == (i == j ? 1.f : 0.f));
}

TEST_CASE("Fixed matrices in constant expressions") {
  constexpr Fixed<double, 5, 5> p = matmul(numbers<double, 5, 5>(1), eye<double, 5>());
  static_assert(p(1, 2) == numbers<double, 5, 5>(1)(1, 2));
  constexpr Fixed<double, 4, 4> d = inverse(Fixed<double, 4, 4>(2, 0, 0, 0, 0, 4, 0, 0, 0, 0, 8, 0, 0, 0, 0, 16));
  static_assert(d(0, 0) == 0.5 && d(3, 3) == 0.0625 && d(0, 3) == 0);
  static_assert(det(hilbert<double, 2>()) > 0.0833 && det(hilbert<double, 2>()) < 0.0834);
}

TEST_CASE("products, inverses and transposes take formulas and parts of Fixed tensors") {
  Fixed<double, 2, 2> const a(1, 2, 3, 4), b(1, 1, 1, 1);
  Fixed<double, 2> const v(1, -1);
  auto const same = [](auto const& x, auto const& y) { return bool(all(x == y).item()); };
  static_assert(std::is_same_v<decltype(matmul(a + b, v * 2)), Fixed<double, 2>>);
  CHECK(same(matmul(a + b, v * 2), Fixed<double, 2>(-2, -2)));
  CHECK(same(matmul(a - b, a.t()), Fixed<double, 2, 2>(2, 4, 8, 18)));
  CHECK(same(inverse(a + b), Fixed<double, 2, 2>(-2.5, 1.5, 2, -1)));
  CHECK(det(a + b) == -2);
  CHECK(same(transpose(a * 1, 0, -1), Fixed<double, 2, 2>(1, 3, 2, 4)));
  CHECK(same(transpose(a, 1, 1), a));
  CHECK(matmul(a[1], v).item() == -1);
  CHECK(matmul(v, v).item() == 2);
  Fixed<double, 2, 3> const wide(1, 2, 3, 4, 5, 6);
  CHECK(same(transpose(wide, 0, 1), Fixed<double, 3, 2>(1, 4, 2, 5, 3, 6)));
  CHECK_THROWS_WITH_AS(transpose(wide, 0, 0), "transpose: of a Fixed matrix of shape (2, 3) two different dimensions are exchanged, not 0 and 0", Error);

  constexpr Fixed<double, 2, 2> m(2, 0, 1, 4);
  constexpr Fixed<double, 2, 2> congruent = matmul(matmul(m, eye<double, 2>() * 2), m.t()) / det(m + 0);
  static_assert(congruent(0, 0) == 1 && congruent(0, 1) == 0.5 && congruent(1, 1) == 4.25);
  static_assert(matmul(m, Fixed<double, 2>(1, 2))(1) == 9 && inverse(m * 1)(1, 1) == 0.25 && transpose(m, 0, 1)(0, 1) == 1);
}

TEST_CASE("a singular matrix has no finite inverse") {
  auto const r = inverse(Fixed<double, 2, 2>(1, 2, 2, 4));
  CHECK(!std::isfinite(r(0, 0)));
}
