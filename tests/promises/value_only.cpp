// SPDX-License-Identifier: MIT
// P4: a program of values alone. check_symbols.py looks for the tape among its symbols; there must be none.
#include <wick/tensor.hpp>

using namespace wick;

/// Maps, a broadcast, a reduction, a row formula, indexing and a view.
double value_only(int n) {
  Tensor<float> const x = linspace<float>(-1, 1, n), w = ones<float>({n, 1});
  Tensor<float> y = tanh(x * w + 1) * sigmoid(x);
  y(0, Slice(0, n, 2)) = 5;
  y += softmax(y, -1) - mean(y, {0}, {.keepdim = true});
  View<float> borrowed = y.view();
  borrowed = borrowed * 2;
  Tensor<float> const total = sum(where(y > 0, y, 0)) + norm(y);
  return total.item();
}
