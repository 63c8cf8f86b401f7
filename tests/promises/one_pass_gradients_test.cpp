// SPDX-License-Identifier: MIT
// The sweep over a statement is one pass too: what arrives is read once, for all gradients that the statement makes.
#include <doctest/doctest.h>

#include <wick/autograd/backward.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/conv.hpp>
#include <wick/ops/reduce.hpp>
#include <wick/ops/shape.hpp>

#include "counted.hpp"

using namespace wick;
using counting::counted;
using counting::Counted;
using counting::Watch;

TEST_CASE("the gradient by a convolution's bias comes out of the pass that makes the convolution's own") {
  Variable<Counted> const x(counted({2, 2, 5, 6}), false), w = counted({3, 2, 3, 3}), bias = counted({3});
  Tensor<Counted> const g = counted({2, 3, 3, 4});
  Variable<Counted> const y = (conv2d(x, w) + reshape(bias, {-1, 1, 1})) * 2.0;
  {
    Watch const arriving(g);
    backward(y, g);
    CHECK(arriving.read_each(1));
  }
  Tensor<Counted> const expected = sum(g, {0, 2, 3}) * 2.0;
  for (std::int64_t i = 0; i < 3; ++i) CHECK(bias.grad()(i).item().value() == expected(i).item().value());
  CHECK(w.grad().shape() == w.shape());
}

TEST_CASE("gradients of several operands come out of one pass") {
  Variable<Counted> const a = counted({6, 7}), b = counted({6, 7}), row = counted({7});
  Tensor<Counted> const g = counted({6, 7});
  Variable<Counted> const y = a * b + row * a;
  Watch const arriving(g), first(a.value()), second(b.value());
  backward(y, g);
  CHECK(arriving.read_each(1));
  CHECK(first.read_each(2));   // for b and for the row
  CHECK(second.read_each(1));  // for a
}
