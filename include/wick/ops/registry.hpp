// SPDX-License-Identifier: MIT
// The list of all elementwise operations and reductions. Tests, the operator table and tracing read it; an operation
// that is not in the list does not exist.
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

/// A list of operations.
template <class... Op>
struct OpList {
  static constexpr int size = sizeof...(Op);
  /// Calls `visit` with each operation, as a std::type_identity.
  template <class F>
  static constexpr void each(F&& visit) { (visit(std::type_identity<Op>{}), ...); }
};

/// Every elementwise operation.
using ElementwiseOps =
    OpList<Add, Sub, Mul, Div, Neg, Abs, Sign, Square, Reciprocal, Maximum, Minimum,                   // arithmetic
           Eq, Ne, Lt, Le, Gt, Ge, LogicalAnd, LogicalOr, LogicalNot, IsNan, IsInf, IsFinite, Where,   // compare
           Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, Sqrt, Rsqrt, Pow,                                // explog
           Sin, Cos, Tan, Asin, Acos, Atan, Atan2,                                                     // trig
           Sinh, Cosh, Tanh, Asinh, Acosh, Atanh,                                                      // hyperbolic
           Floor, Ceil, Trunc, Round,                                                                  // rounding
           Erf, Erfc,                                                                                  // special
           Relu, Sigmoid, Gelu, GeluTanh, Silu, Softplus>;                                             // activation

/// Every reduction.
using Reductions = OpList<Sum, Mean, Prod, Max, Min, Norm, Any, All>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
