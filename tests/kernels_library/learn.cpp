// SPDX-License-Identifier: MIT
// A program that takes its kernels from wick::kernels: its object file defines none (promises/check_symbols.py looks),
// and computes what headers alone compute.
#include <doctest/doctest.h>

// Words that are macros in headers of X11, of Apple, of Qt and of the C library (some only as the compiler's GNU dialect):
// Wick's headers do not use them.
#define slots
#define signals public
#define emit
#define foreach(element, list) for (element : list)
#define forever for (;;)
#define major(device) static_assert(device)
#define minor(device) static_assert(device)
#define unix 1
#define linux 1
#define B0 0
#define B110 3
#define ECHO 8
#define Always 2
#define Above 0
#define Below 1
#define None 0L
#define Bool int
#define Status int
#define Success 0
#define check(assertion) static_assert(assertion)
#define verify(assertion) static_assert(assertion)
#include <wick/backend/reference.hpp>
#include <wick/wick.hpp>
#undef check

using namespace wick;

namespace {

// Small integers, whose sums are exact in any order.
template <class T>
Tensor<T> integers(Dims const& shape) {
  return round(rand<T>(shape) * T(8) - T(4));
}

}  // namespace

TEST_CASE_TEMPLATE("precompiled kernels give the values and gradients of the naive loops", T, float, double) {
  manual_seed(1);
  backend::Conv2dShape const s{2, 3, 9, 10, 8, 3, 3, 2, 2, 1, 1, 1, 1, 1};
  Tensor<T> const image = integers<T>({2, 3, 9, 10}), filters = integers<T>({8, 3, 3, 3});
  Variable<T> const x = image, w = filters;
  Variable<T> const y = conv2d(x, w, {.stride = 2, .padding = 1});
  Tensor<T> expected = zeros<T>(y.shape()), gx = zeros<T>(image.shape()), gw = zeros<T>(filters.shape());
  backend::reference::conv2d(s, image.data(), filters.data(), expected.data());
  CHECK(all(y.value() == expected).item());
  Tensor<T> const g = integers<T>(y.shape());
  backward(y, g);
  backend::reference::conv2d_input_gradient(s, g.data(), filters.data(), gx.data(), false);
  backend::reference::conv2d_weight_gradient(s, image.data(), g.data(), gw.data(), false);
  CHECK(all(x.grad() == gx).item());
  CHECK(all(w.grad() == gw).item());

  Tensor<T> const a = integers<T>({4, 50, 30}), b = integers<T>({4, 30, 70});
  Tensor<T> const product = relu(matmul(a, b) + T(1));
  for (std::int64_t i = 0; i < 4; ++i) {
    Tensor<T> one = zeros<T>({50, 70});
    backend::reference::gemm<T>({a[i].data(), 50, 30, 30, 1}, {b[i].data(), 30, 70, 70, 1}, {one.data(), 50, 70, 70, 1}, false);
    CHECK(all(product[i] == relu(one + T(1))).item());
  }
  Variable<T> const pooled = max_pool2d(Variable<T>(image), 2);
  CHECK(pooled.shape() == Dims(2, 3, 4, 5));
  CHECK(Tensor<T>(max_pool2d(image, 2)).shape() == Dims(2, 3, 4, 5));
  CHECK(all(pooled.value() == max_pool2d(image, 2)).item());
  // Other element types are compiled where they are used.
  CHECK(Tensor<std::int32_t>(matmul(eye<std::int32_t>(3), eye<std::int32_t>(3)))(1, 1).item() == 1);
}
