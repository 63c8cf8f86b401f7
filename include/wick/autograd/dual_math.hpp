// SPDX-License-Identifier: MIT
// The functions of <cmath> for dual numbers, beside each other and beside plain numbers: what templated simulation code
// calls without a namespace (`using std::hypot; hypot(x, 1.0)`).
#pragma once

#include <wick/autograd/dual.hpp>
#include <wick/ops/cmath.hpp>
#include <wick/ops/hyperbolic.hpp>
#include <wick/ops/special.hpp>
#include <wick/ops/trig.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {
template <class X>
concept NumberOrDual = LiftedNumber<X> || std::is_arithmetic_v<std::remove_cvref_t<X>>;
/// Arguments among which there is a dual number, and nothing but numbers beside it.
template <class... X>
concept SomeDual = (LiftedNumber<X> || ...) && (NumberOrDual<X> && ...);
}  // namespace detail

/// |x|
template <LiftedNumber X> constexpr auto fabs(X const& x) { return apply<Abs>(x); }
/// Cube root
template <LiftedNumber X> constexpr auto cbrt(X const& x) { return apply<Cbrt>(x); }
/// log |gamma(x)|, and its derivatives: two, so that duals of duals take it and no further ones.
template <LiftedNumber X> auto lgamma(X const& x) { return apply<Lgamma>(x); }
template <LiftedNumber X> auto digamma(X const& x) { return apply<Digamma>(x); }
template <LiftedNumber X> auto trigamma(X const& x) { return apply<Trigamma>(x); }
/// sqrt(a^2 + b^2)
template <class A, class B>
  requires detail::SomeDual<A, B>
constexpr auto hypot(A const& a, B const& b) { return apply<Hypot>(a, b); }
/// Remainder of a / b, with the sign of a
template <class A, class B>
  requires detail::SomeDual<A, B>
constexpr auto fmod(A const& a, B const& b) { return apply<Fmod>(a, b); }
/// |a| with the sign of b
template <class A, class B>
  requires detail::SomeDual<A, B>
constexpr auto copysign(A const& a, B const& b) { return apply<Copysign>(a, b); }
/// The smaller and the larger one of two; one that is NaN does not count.
template <class A, class B>
  requires detail::SomeDual<A, B>
constexpr auto fmin(A const& a, B const& b) { return apply<Fmin>(a, b); }
template <class A, class B>
  requires detail::SomeDual<A, B>
constexpr auto fmax(A const& a, B const& b) { return apply<Fmax>(a, b); }
/// a * b + c
template <class A, class B, class C>
  requires detail::SomeDual<A, B, C>
constexpr auto fma(A const& a, B const& b, C const& c) { return apply<Fma>(a, b, c); }

/// The smaller and the larger one of two, also where `std::min` and `std::max` are visible; see Minimum for ties and NaN.
template <class T> constexpr Dual<T> min(Dual<T> const& a, Dual<T> const& b) { return apply<Minimum>(a, b); }
template <class T> constexpr Dual<T> max(Dual<T> const& a, Dual<T> const& b) { return apply<Maximum>(a, b); }
template <LiftedNumber A, class B>
  requires std::is_arithmetic_v<B>
constexpr auto min(A&& a, B b) { return apply<Minimum>(a, b); }
template <LiftedNumber A, class B>
  requires std::is_arithmetic_v<B>
constexpr auto max(A&& a, B b) { return apply<Maximum>(a, b); }
template <class A, LiftedNumber B>
  requires std::is_arithmetic_v<A>
constexpr auto min(A a, B const& b) { return apply<Minimum>(a, b); }
template <class A, LiftedNumber B>
  requires std::is_arithmetic_v<A>
constexpr auto max(A a, B const& b) { return apply<Maximum>(a, b); }

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
