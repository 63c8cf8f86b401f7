// SPDX-License-Identifier: MIT
// Rounding to whole numbers. No gradient passes: the slope is 0 wherever it exists.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// The next whole number below
struct Floor : Unary<"floor", Domain<-4, 4>, types::Same> {
  using no_gradient = void;
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::floor(x); }
};
/// The next whole number above
struct Ceil : Unary<"ceil", Domain<-4, 4>, types::Same> {
  using no_gradient = void;
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::ceil(x); }
};
/// The whole number towards 0
struct Trunc : Unary<"trunc", Domain<-4, 4>, types::Same> {
  using no_gradient = void;
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::trunc(x); }
};
/// The nearest whole number, halves to even
struct Round : Unary<"round", Domain<-4, 4>, types::Same> {
  using no_gradient = void;
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::round(x); }
};

/// torch.floor
template <Formula X> constexpr auto floor(X&& x) { return map<Floor>(std::forward<X>(x)); }
/// torch.ceil
template <Formula X> constexpr auto ceil(X&& x) { return map<Ceil>(std::forward<X>(x)); }
/// torch.trunc
template <Formula X> constexpr auto trunc(X&& x) { return map<Trunc>(std::forward<X>(x)); }
/// torch.round
template <Formula X> constexpr auto round(X&& x) { return map<Round>(std::forward<X>(x)); }

/// Every elementwise operation of this header.
using RoundingOps = OpList<Floor, Ceil, Trunc, Round>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
