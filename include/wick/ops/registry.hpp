// SPDX-License-Identifier: MIT
// The list of all elementwise operations and reductions: the lists at the ends of their headers. Tests, the operator table and tracing
// read it; an operation that is not in a list does not exist.
#pragma once

#include <wick/ops/activation.hpp>
#include <wick/ops/arithmetic.hpp>
#include <wick/ops/compare.hpp>
#include <wick/ops/explog.hpp>
#include <wick/ops/hyperbolic.hpp>
#include <wick/ops/reduce.hpp>
#include <wick/ops/rounding.hpp>
#include <wick/ops/special.hpp>
#include <wick/ops/trig.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Every elementwise operation. (`Reductions` stands in reduce.hpp.)
using ElementwiseOps = joined_t<ArithmeticOps, ComparisonOps, ExponentialOps, TrigonometricOps, HyperbolicOps, RoundingOps, SpecialOps, ActivationOps>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
