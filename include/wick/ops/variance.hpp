// SPDX-License-Identifier: MIT
// Variance and standard deviation, as the formulas they are: the mean first, then the squares around it.
#pragma once

#include <wick/ops/reduce.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Options of a variance.
struct VarianceOptions {
  double correction = 1;  ///< the sum of squares is divided by count - correction (0 if that is negative)
  bool keepdim = false;   ///< reduced dimensions stay, with extent 1
};

namespace detail {
template <Formula X>
auto variance(char const* name, X const& x, Axes const& axes, VarianceOptions const& options) {
  axes_mask(name, axes, x.shape().size());  // in the name of the whole
  auto squares = reduce<Sum>(square(x - reduce<Mean>(x, axes, {.keepdim = true})), axes, {.keepdim = options.keepdim});
  auto const count = static_cast<double>(squares.count());
  return std::move(squares) / std::max(0.0, count - options.correction);
}
}  // namespace detail

/// Variance of all elements (torch.var). Two passes: the mean, then the squared distances from it, so that no large
/// numbers cancel.
template <Formula X>
auto var(X const& x) { return detail::variance("var", operand(x), Axes(), {}); }
/// Variance over `axes`; negative ones count from the end, none means all.
template <Formula X>
auto var(X const& x, Axes const& axes, VarianceOptions options = {}) { return detail::variance("var", operand(x), axes, options); }
/// Standard deviation of all elements (torch.std), the square root of the variance; of equal elements the gradient is 0. Not `std`: that is a namespace already.
template <Formula X>
auto stddev(X const& x) { return sqrt(detail::variance("stddev", operand(x), Axes(), {})); }
/// Standard deviation over `axes`; negative ones count from the end, none means all.
template <Formula X>
auto stddev(X const& x, Axes const& axes, VarianceOptions options = {}) { return sqrt(detail::variance("stddev", operand(x), axes, options)); }

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
