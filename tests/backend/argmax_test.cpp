// SPDX-License-Identifier: MIT
// Positions of extreme elements along every dimension, against plain loops: ties, NaN, infinities, threads.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

// Few different values, so that there are ties; in float some NaN and infinities where `special`.
template <class T>
Tensor<T> sample(Dims const& shape, unsigned seed, bool special) {
  Tensor<T> x = empty<T>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    x.data()[i] = static_cast<T>((seed >> 20) % 29);
    if constexpr (std::is_floating_point_v<T>)
      if (special && (seed >> 8) % 41 == 0)
        x.data()[i] = (seed >> 5) % 3 == 0 ? std::numeric_limits<T>::quiet_NaN()
                                           : ((seed >> 5) % 3 == 1 ? 1 : -1) * std::numeric_limits<T>::infinity();
  }
  return x;
}

template <class T>
bool right(Tensor<std::int64_t> const& found, Tensor<T> const& x, int axis, bool smallest) {
  std::int64_t outer = 1, inner = 1;
  for (int d = 0; d < axis; ++d) outer *= x.shape()[d];
  for (int d = axis + 1; d < x.dim(); ++d) inner *= x.shape()[d];
  std::int64_t const n = x.shape()[axis];
  bool equal = found.numel() == outer * inner;
  for (std::int64_t o = 0; o < outer && equal; ++o)
    for (std::int64_t j = 0; j < inner && equal; ++j) {
      auto const at = [&](std::int64_t i) { return x.data()[(o * n + i) * inner + j]; };
      std::int64_t best = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        if (at(i) != at(i)) {
          best = i;
          break;
        }
        if (smallest ? at(i) < at(best) : at(i) > at(best)) best = i;
      }
      equal = found.data()[o * inner + j] == best;
    }
  return equal;
}

template <class T>
void check(Dims const& shape, bool special) {
  Tensor<T> const x = sample<T>(shape, 7, special);
  for (int axis = 0; axis < x.dim(); ++axis) {
    if (shape[axis] == 0) continue;
    CAPTURE(shape[0]);
    CAPTURE(axis);
    CHECK(right(argmax(x, axis), x, axis, false));
    CHECK(right(argmin(x, axis), x, axis, true));
  }
  if (x.numel() == 0) return;
  Tensor<T> const flat = x.reshape({-1});
  CHECK(argmax(x).item() == argmax(flat, 0).item());
  CHECK(right(argmax(flat, 0), flat, 0, false));
}

}  // namespace

TEST_CASE("argmax and argmin agree with plain loops") {
  for (bool special : {false, true})
    for (std::int64_t n : {1, 2, 3, 10, 15, 16, 17, 63, 64, 65, 127, 129, 130, 1000}) {
      for (std::int64_t m : {1, 3, 10, 16, 17, 64, 65, 70}) {
        check<float>({n, m}, special);
        if (n < 200) check<double>({2, n, m}, special);
      }
      check<float>({n, 7, 9}, special);
      check<float>({4097, n}, special);
      check<std::int32_t>({n, 5}, special);
      check<bool>({5, n}, special);
    }
  check<float>({70000}, false);
  check<float>({70000}, true);
  check<float>({0, 4}, false);
  check<double>({300000, 3}, true);
}

TEST_CASE("argmax is the same for any number of threads") {
  int const before = num_threads();
  for (Dims const& shape : {Dims(300000), Dims(2000, 300), Dims(300000, 5), Dims(3, 500, 300)}) {
    Tensor<float> const x = sample<float>(shape, 3, true);
    for (int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      for (int axis = 0; axis < x.dim(); ++axis) CHECK(right(argmax(x, axis), x, axis, false));
    }
  }
  set_num_threads(before);
}

TEST_CASE("argmax of strided tensors and formulas") {
  Tensor<float> const x = sample<float>({33, 65}, 5, false);
  Tensor<float> const turned = x.t();
  CHECK(right(argmax(turned, 0), turned.clone(), 0, false));
  Tensor<float> const product = x * 2;
  CHECK(right(argmin(x * 2, 1), product, 1, true));
}
