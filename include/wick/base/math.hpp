// SPDX-License-Identifier: MIT
// `math::`, the functions that operations are written with: for numbers, for batches, and for every class that
// brings its own (a dual number, a formula), which is found by argument-dependent lookup.
#pragma once

#include <wick/base/math_arc.hpp>
#include <wick/base/math_area.hpp>
#include <wick/base/math_basic.hpp>
#include <wick/base/math_exp.hpp>
#include <wick/base/math_gamma.hpp>
#include <wick/base/math_log.hpp>
#include <wick/base/math_pow.hpp>
#include <wick/base/math_root.hpp>
#include <wick/base/math_special.hpp>
#include <wick/base/math_trig.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

/// A class that is neither a batch nor a mask: `math::exp(x)` calls the `exp` of its own namespace.
template <class X>
concept Foreign = std::is_class_v<X> && !is_batch_v<X> && !is_mask_v<X>;

// In `adl` a declaration of the same name hides `math::name`, so that the call below finds only functions of the
// argument's own namespace.
#define WICK_MATH_UNARY(name)                          \
  namespace adl {                                      \
  void name();                                         \
  template <class X>                                   \
  WICK_INLINE constexpr auto call_##name(X const& x) { \
    return name(x);                                    \
  }                                                    \
  }                                                    \
  template <Foreign X>                                 \
  constexpr auto name(X const& x) {            \
    return adl::call_##name(x);                        \
  }
#define WICK_MATH_BINARY(name)                                                             \
  namespace adl {                                                                          \
  void name();                                                                             \
  template <class A, class B>                                                              \
  WICK_INLINE constexpr auto call_##name(A const& a, B const& b) {                         \
    return name(a, b);                                                                     \
  }                                                                                        \
  }                                                                                        \
  template <class A, class B>                                                              \
  requires(Foreign<A> || Foreign<B>) constexpr auto name(A const& a, B const& b) { \
    return adl::call_##name(a, b);                                                         \
  }
#define WICK_MATH_TERNARY(name)                                                                                      \
  namespace adl {                                                                                                    \
  void name();                                                                                                       \
  template <class A, class B, class C>                                                                               \
  WICK_INLINE constexpr auto call_##name(A const& a, B const& b, C const& c) {                                       \
    return name(a, b, c);                                                                                            \
  }                                                                                                                  \
  }                                                                                                                  \
  template <class A, class B, class C>                                                                               \
  requires(Foreign<A> || Foreign<B> || Foreign<C>) constexpr auto name(A const& a, B const& b, C const& c) { \
    return adl::call_##name(a, b, c);                                                                                \
  }

WICK_MATH_UNARY(abs)
WICK_MATH_UNARY(negate)
WICK_MATH_UNARY(exp)
WICK_MATH_UNARY(exp2)
WICK_MATH_UNARY(expm1)
WICK_MATH_UNARY(log)
WICK_MATH_UNARY(log2)
WICK_MATH_UNARY(log10)
WICK_MATH_UNARY(log1p)
WICK_MATH_UNARY(sqrt)
WICK_MATH_UNARY(rsqrt)
WICK_MATH_UNARY(cbrt)
WICK_MATH_UNARY(sin)
WICK_MATH_UNARY(cos)
WICK_MATH_UNARY(tan)
WICK_MATH_UNARY(asin)
WICK_MATH_UNARY(acos)
WICK_MATH_UNARY(atan)
WICK_MATH_UNARY(sinh)
WICK_MATH_UNARY(cosh)
WICK_MATH_UNARY(tanh)
WICK_MATH_UNARY(asinh)
WICK_MATH_UNARY(acosh)
WICK_MATH_UNARY(atanh)
WICK_MATH_UNARY(erf)
WICK_MATH_UNARY(erfc)
WICK_MATH_UNARY(sigmoid)
WICK_MATH_UNARY(gelu)
WICK_MATH_UNARY(softplus)
WICK_MATH_UNARY(lgamma)
WICK_MATH_UNARY(digamma)
WICK_MATH_UNARY(trigamma)
WICK_MATH_UNARY(floor)
WICK_MATH_UNARY(ceil)
WICK_MATH_UNARY(trunc)
WICK_MATH_UNARY(round)
WICK_MATH_UNARY(sign)
WICK_MATH_UNARY(isnan)
WICK_MATH_UNARY(is_nan)
WICK_MATH_UNARY(isinf)
WICK_MATH_UNARY(isfinite)
WICK_MATH_BINARY(atan2)
WICK_MATH_BINARY(pow)
WICK_MATH_BINARY(hypot)
WICK_MATH_BINARY(fmod)
WICK_MATH_BINARY(remainder)
WICK_MATH_BINARY(copysign)
WICK_MATH_BINARY(maximum)
WICK_MATH_BINARY(minimum)
WICK_MATH_BINARY(not_equal)
WICK_MATH_TERNARY(fma)
WICK_MATH_TERNARY(where)

#undef WICK_MATH_UNARY
#undef WICK_MATH_BINARY
#undef WICK_MATH_TERNARY

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
