// SPDX-License-Identifier: MIT
// All of Wick, in layer order.
#pragma once

#include <wick/tensor.hpp>
#include <wick/core/graph.hpp>
#include <wick/core/tf32.hpp>

#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/conv.hpp>
#include <wick/ops/dropout.hpp>
#include <wick/ops/gather.hpp>
#include <wick/ops/join.hpp>
#include <wick/ops/matmul.hpp>
#include <wick/ops/pad.hpp>
#include <wick/ops/pool.hpp>
#include <wick/ops/registry.hpp>
#include <wick/ops/scan.hpp>
#include <wick/ops/shape.hpp>
#include <wick/ops/solve.hpp>
#include <wick/ops/sort.hpp>
#include <wick/ops/unique.hpp>

#include <wick/autograd/backward.hpp>
#include <wick/autograd/dual.hpp>
#include <wick/autograd/dual_math.hpp>
#include <wick/autograd/gradcheck.hpp>
#include <wick/autograd/print.hpp>
#include <wick/autograd/variable.hpp>

#include <wick/nn/layers.hpp>
#include <wick/nn/loss.hpp>

#include <wick/data/fashion_mnist.hpp>
#include <wick/data/loader.hpp>
#include <wick/optim/adamw.hpp>
#include <wick/optim/sgd.hpp>

#include <wick/train/progress.hpp>

#include <wick/io/state.hpp>
