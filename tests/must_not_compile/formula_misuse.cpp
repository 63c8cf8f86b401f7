// SPDX-License-Identifier: MIT
// A choice between two formulas never becomes a number; a name for a formula takes no other; a mask is no subscript; a number
// beside norm or max has two meanings or none; functions of numbers take none that would be made of a tensor.
// EXPECT: :26:\d+: error: (operands to .\?:. have different types|incompatible operand types)
// EXPECT: :27:\d+: error: (operands to .\?:. have different types|incompatible operand types)
// EXPECT: a formula of another type is assigned to it
// EXPECT: a tensor cannot stand in a subscript
// EXPECT: norm could be an order or a dimension. The Euclidean norm along dimension 3 is norm\(x, \{3\}\)
// EXPECT: cbrt takes numbers, and an argument is a tensor or a formula
// EXPECT: fmod takes numbers, and
// EXPECT: beside its argument max takes a dimension; the larger one of two is maximum
// EXPECT: error: (use of deleted function .*operator%|overload resolution selected deleted operator '%')
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case(bool c, Tensor<float> x) {
  auto f = relu(x);
  auto g = tanh(x);
  auto const first = sum(x);
  auto const second = max(x);
  Tensor<bool> const mask = x > 0;
  Tensor<float> h = relu(x);
  h = tanh(h);
  h = c ? Tensor<float>(f) : Tensor<float>(g);
  f = relu(h);
  [[maybe_unused]] float const number = c ? first.item() : second.item();
  h = where(mask, x, h);
  h = norm(x, {1}) + norm(x, {0, 1}, {.keepdim = true}) + x.norm({1}) + max(x, 1);
  h = fmax(x, 0.);
#if !defined(WICK_CONTROL)
#line 26
  auto chosen = c ? f : g;
  float chosen_number = c ? first : second;
  f = tanh(f);
  auto picked = x(mask);
  auto rest = x % 2;
  norm(x, 3);
  x.norm(3.);
  cbrt(first);
  fmod(2., x);
  max(x, 0.f);
#endif
}
