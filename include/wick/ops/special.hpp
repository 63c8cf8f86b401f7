// SPDX-License-Identifier: MIT
// Error functions.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Error function
struct Erf : Unary<"erf", Domain<-3, 3>> {
  static constexpr double ulp = 2;
  WICK_FN static auto value(auto x) { return math::erf(x); }
  WICK_FN static auto slope(auto x) { return math::like(x, 1.1283791670955126) * math::exp(-(x * x)); }
};
/// 1 - erf(x), exact for large x
struct Erfc : Unary<"erfc", Domain<-3, 3>> {
  static constexpr double ulp = 6;
  WICK_FN static auto value(auto x) { return math::erfc(x); }
  WICK_FN static auto slope(auto x) { return math::like(x, -1.1283791670955126) * math::exp(-(x * x)); }
};

/// torch.special.erf
template <Formula X> constexpr auto erf(X&& x) { return map<Erf>(std::forward<X>(x)); }
/// torch.special.erfc
template <Formula X> constexpr auto erfc(X&& x) { return map<Erfc>(std::forward<X>(x)); }

/// Every elementwise operation of this header.
using SpecialOps = OpList<Erf, Erfc>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
