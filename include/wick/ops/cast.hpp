// SPDX-License-Identifier: MIT
// Elements of another type.
#pragma once

#include <wick/base/simd_half.hpp>
#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Conversion to element type `To`, as static_cast converts.
template <class To>
struct Cast : Unary<"cast", Domain<-4, 4>, types::Convert<To>> {
  using cheap = void;
  WICK_LAMBDA_INLINE static constexpr auto value(auto x) {
    if constexpr (Half<To>) return simd::round_to<To>(x);
    else return x;
  }
  WICK_FN static auto slope(auto) { return math::One{}; }
};

/// The formula's elements as type `To` (torch.Tensor.to).
template <class To, Formula X>
constexpr auto cast(X&& x) { return map<Cast<To>>(std::forward<X>(x)); }

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
