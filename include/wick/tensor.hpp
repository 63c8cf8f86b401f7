// SPDX-License-Identifier: MIT
// The light core: tensors, formulas, elementwise operations and reductions. No tape, no networks.
#pragma once

#include <wick/base/math.hpp>
#include <wick/core/create.hpp>
#include <wick/core/print.hpp>
#include <wick/core/tf32.hpp>
#include <wick/expr/assign.hpp>
#include <wick/expr/print.hpp>
#include <wick/ops/activation.hpp>
#include <wick/ops/argmax.hpp>
#include <wick/ops/arithmetic.hpp>
#include <wick/ops/cast.hpp>
#include <wick/ops/compare.hpp>
#include <wick/ops/explog.hpp>
#include <wick/ops/hyperbolic.hpp>
#include <wick/ops/normalize.hpp>
#include <wick/ops/reduce.hpp>
#include <wick/ops/rounding.hpp>
#include <wick/ops/select.hpp>
#include <wick/ops/special.hpp>
#include <wick/ops/trig.hpp>
#include <wick/ops/variance.hpp>
#include <wick/backend/cpu/argmax.hpp>
#include <wick/backend/cpu/loop.hpp>
#include <wick/backend/cpu/overlap.hpp>
#if WICK_DEVICE_KERNELS
#include <wick/backend/thrust/calls.hpp>
#include <wick/backend/thrust/loop.hpp>
#endif
