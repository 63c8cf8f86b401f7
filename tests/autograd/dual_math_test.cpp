// SPDX-License-Identifier: MIT
// Dual numbers in templated simulation code: the functions of <cmath> against finite differences, and Eigen's matrices.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#if __has_include(<eigen3/Eigen/LU>)
#include <eigen3/Eigen/LU>
#elif __has_include(<Eigen/LU>)
#include <Eigen/LU>
#endif
#include <wick/autograd/eigen.hpp>
#include <wick/autograd/dual_math.hpp>

using wick::Dual;

namespace {

// As such code is written: std's names and the argument's own.
template <class T>
T simulate(int which, T const& x, double c) {
  using std::cbrt, std::copysign, std::fabs, std::fma, std::fmax, std::fmin, std::fmod, std::hypot, std::lgamma, std::max, std::min;
  switch (which) {
    case 0: return fabs(x) * x;
    case 1: return hypot(x, c) + hypot(2.0, x) + hypot(x, x * x);
    case 2: return cbrt(x);
    case 3: return fma(x, c, x) + fma(x, x, 1.0) + fma(c, c, x);
    case 4: return fmod(x, c) + fmod(7.5, x) + fmod(x * x, x + 1.0);
    case 5: return copysign(x * x, c) + copysign(x, x) + x * copysign(c, x);
    case 6: return fmin(x, c) * x + fmin(2 * c, x) + fmin(x, x * x);
    case 7: return fmax(x, c) * x + fmax(2 * c, x) + fmax(x, x * x);
    case 8: return lgamma(x);
    case 9: return max(x, x * x) + max(T(c), x) + x;
    default: return min(x, x * x) * min(T(c), x);
  }
}

// Central differences, with the error of the fourth power.
template <class F>
double difference(F const& f, double x) {
  double const h = 1e-3;
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

}  // namespace

TEST_CASE("duals take the functions of the C library, to the second order") {
  for (int which = 0; which <= 10; ++which)
    for (double at : {-3.2, -0.7, 0.31, 1.7, 4.2, 12.5}) {
      INFO("function " << which << " at " << at);
      double const c = 1.1;
      auto const value = [&](double x) { return simulate(which, x, c); };
      auto const slope = [&](double x) { return simulate(which, Dual<double>(x, 1), c).tangent; };
      CHECK(simulate(which, Dual<double>(at, 1), c).value == doctest::Approx(value(at)).epsilon(1e-14));
      CHECK(slope(at) == doctest::Approx(difference(value, at)).epsilon(1e-7));
      auto const nested = simulate(which, Dual<Dual<double>>(Dual<double>(at, 1), Dual<double>(1, 0)), c);
      CHECK(nested.tangent.tangent == doctest::Approx(difference(slope, at)).epsilon(1e-7));
    }
}

TEST_CASE("duals beside numbers, at kinks, and what std::max does not decide") {
  using namespace wick;
  double const nan = std::numeric_limits<double>::quiet_NaN();
  Dual<double> const x(2, 1), none(0, 1);
  CHECK(max(x, 3).tangent == 0);
  CHECK(max(1.0, x).tangent == 1);
  CHECK(min(x, 2).tangent == 0.5);
  CHECK(min(3.f, x).value == 2);
  CHECK(math::isnan(max(x, nan).value));
  CHECK(fmax(x, nan).value == 2);
  CHECK(fmax(x, nan).tangent == 1);
  CHECK(fmin(Dual<double>(nan, 1), 3.0).tangent == 0);
  CHECK(hypot(none, 0.0).tangent == 0);
  CHECK(hypot(Dual<float>(3, 1), 4).tangent == 0.6f);
  CHECK(fma(2, x, 1).tangent == 2);
  CHECK(copysign(none, -1.0).tangent == 0);
  CHECK(lgamma(Dual<double>(1, 1)).tangent == doctest::Approx(-0.5772156649015329).epsilon(1e-15));  // Euler's constant
  CHECK(lgamma(Dual<double>(-1.5, 1)).tangent == doctest::Approx(0.7031566406452432).epsilon(1e-14));
  Dual<double> y = x;
  y += 1, y *= x, y -= Dual<double>(1, 1), y /= 5;
  CHECK(y.value == 1);
  CHECK(y.tangent == 0.8);
}

#if defined(EIGEN_CORE_H)
TEST_CASE("duals are elements of Eigen's matrices") {
  using D = Dual<double>;
  Eigen::Matrix<D, 2, 2> a;
  a << D(2, 1), D(1, 0), D(0, 0), D(4, 0);
  Eigen::Matrix<D, 2, 1> const x(D(1, 0), D(2, 0));
  Eigen::Matrix<D, 2, 1> const y = a * x * 2.0 - x;
  CHECK(y(0).value == 7);
  CHECK(y(0).tangent == 2);
  Eigen::Matrix<D, 2, 2> const inverse = a.inverse();  // d(1/2) = -1/4
  CHECK(inverse(0, 0).value == 0.5);
  CHECK(inverse(0, 0).tangent == -0.25);
  CHECK(Eigen::Matrix<D, 2, 1>(D(3, 1), D(4, 0)).norm().tangent == doctest::Approx(0.6));
  CHECK(Eigen::Matrix<D, 2, 1>(D(0, 0), D(0, 0)).norm().tangent == 0);
}
#endif
