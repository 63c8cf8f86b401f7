// SPDX-License-Identifier: MIT
// Triangular systems: the product with the solution, gradients and duals against differences, what is not read, errors.
#include <doctest/doctest.h>

#include <limits>
#include <wick/wick.hpp>

#include "../reading.hpp"

using namespace wick;

namespace {

Tensor<double> numbers(Dims const& shape, int seed) {
  Tensor<double> x = empty<double>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<double>((i * 7 + seed * 5) % 23) / 23.0 - 0.4;
  return x;
}
// Well conditioned, with NaN where nothing may be read.
Tensor<double> system_of(Dims const& lead, std::int64_t n, linalg::SolveTriangularOptions const& o) {
  Dims shape = lead;
  shape.push_back(n), shape.push_back(n);
  Tensor<double> a = numbers(shape, 3);
  for (std::int64_t k = 0; k < a.numel(); ++k) {
    std::int64_t const i = k / n % n, j = k % n;
    double& x = a.data()[k];
    if (i == j) x = o.unitriangular ? std::numeric_limits<double>::quiet_NaN() : 2 + x;
    else if ((i < j) != o.upper) x = std::numeric_limits<double>::quiet_NaN();
    else x /= static_cast<double>(n);
  }
  return a;
}
// The same with zeros and ones in place of what is not read: what the system means.
Tensor<double> meaning(Tensor<double> const& a, linalg::SolveTriangularOptions const& o) {
  Tensor<double> x = a.clone();
  std::int64_t const n = x.size(-1);
  for (std::int64_t k = 0; k < x.numel(); ++k) {
    std::int64_t const i = k / n % n, j = k % n;
    if (i == j && o.unitriangular) x.data()[k] = 1;
    if (i != j && (i < j) != o.upper) x.data()[k] = 0;
  }
  return x;
}

template <class F>
void each_option(F const& f) {
  for (int k = 0; k < 8; ++k) {
    CAPTURE(k);
    f(linalg::SolveTriangularOptions{.upper = (k & 1) != 0, .left = (k & 2) != 0, .unitriangular = (k & 4) != 0});
  }
}

}  // namespace

TEST_CASE("the system times its solution is the right-hand side") {
  each_option([](auto const& o) {
    for (std::int64_t const n : {1, 2, 7, 48, 49, 131})
      for (std::int64_t const m : {1, 3, 17}) {
        Tensor<double> const a = system_of({}, n, o), b = numbers(o.left ? Dims(n, m) : Dims(m, n), 1);
        Tensor<double> const x = linalg::solve_triangular(a, b, o), whole = meaning(a, o);
        Tensor<double> const product = o.left ? Tensor<double>(matmul(whole, x)) : Tensor<double>(matmul(x, whole));
        CHECK(all(isclose(product, b, 1e-12, 1e-12)).item());
      }
  });
}

TEST_CASE("leading extents broadcast, and strided operands are taken as they lie") {
  linalg::SolveTriangularOptions const o{.upper = false};
  Tensor<double> const a = system_of({3, 1}, 5, o), b = numbers({2, 4, 5}, 2);
  Tensor<double> const x = linalg::solve_triangular(a, transpose(b, -1, -2), o);
  CHECK(x.shape() == Dims(3, 2, 5, 4));
  CHECK(all(isclose(Tensor<double>(matmul(meaning(a, o), x)), transpose(b, -1, -2), 1e-12, 1e-12)).item());
  CHECK(linalg::solve_triangular(zeros<double>({0, 0}), zeros<double>({0, 3}), {.upper = true}).value().shape() == Dims(0, 3));
}

TEST_CASE("the solution has gradients to any order, and tangents") {
  each_option([](auto const& o) {
    Tensor<double> const a = meaning(system_of({2}, 3, o), o), b = numbers(o.left ? Dims(3, 2) : Dims(2, 3), 1);
    auto const f = [&](auto const& x) { return linalg::solve_triangular(x[0], x[1], o); };
    CHECK(gradcheck(f, {Variable<double>(a), Variable<double>(b)}));
    CHECK(gradcheck([&](auto const& x) {
      EnableGrad const recording;
      return grad(Variable<double>(sum(square(f(x)))), x[0], {.create_graph = true});
    }, {Variable<double>(a), Variable<double>(b)}));
    Tensor<double> const da = numbers(a.shape(), 9), db = numbers(b.shape(), 4);
    double const h = 1e-6;
    Tensor<Dual<double>> const y = linalg::solve_triangular(make_dual(a, da), make_dual(b, db), o);
    Tensor<double> const high = linalg::solve_triangular(a + h * da, b + h * db, o), low = linalg::solve_triangular(a - h * da, b - h * db, o);
    CHECK(all(isclose(tangents(y), (high - low) / (2 * h), 1e-6, 1e-7)).item());
  });
}

TEST_CASE("numbers of 16 bits are solved in float, and a singular system gives infinities") {
  Tensor<float> const a = tensor({2.f, 0.f, 1.f, 4.f}).reshape({2, 2}), b = tensor({2.f, 5.f}).reshape({2, 1});
  Tensor<float16> const x = linalg::solve_triangular(cast<float16>(a), cast<float16>(b), {.upper = false});
  CHECK(testing::elements(Tensor<float>(cast<float>(x))) == std::vector<float>{1, 1});
  Tensor<double> const singular = zeros<double>({1, 1});
  CHECK(linalg::solve_triangular(singular, Tensor<double>(ones<double>({1, 1})), {.upper = true}).item() == std::numeric_limits<double>::infinity());
}

TEST_CASE("shapes that do not fit are named") {
  auto const solve = [](Dims const& a, Dims const& b, bool left) {
    return testing::error_of([&] { (void)linalg::solve_triangular(zeros<double>(a), zeros<double>(b), {.upper = true, .left = left}); });
  };
  CHECK(solve({2, 3}, {2, 3}, true) == "solve_triangular: A of shape (2, 3) is no square matrix");
  CHECK(solve({3, 3}, {2, 3}, true) == "solve_triangular: A of shape (3, 3) and B of shape (2, 3) do not fit: dimension 0 of B is 2, A has 3 rows");
  CHECK(solve({3, 3}, {3, 2}, false) == "solve_triangular: A of shape (3, 3) and B of shape (3, 2) do not fit: dimension 1 of B is 2, A has 3 rows");
  CHECK(solve({2, 3, 3}, {4, 3, 1}, true).find("solve_triangular: ") == 0);
}
