// SPDX-License-Identifier: MIT
// What the tests of devices share: random operands, results beside the host's, and what an error says.
#pragma once

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <wick/wick.hpp>

#include "../reading.hpp"

namespace on_device {

using namespace wick;
using testing::error_of;

/// Where these tests run.
inline Device const there(WICK_TEST_DEVICE);

/// What a sum in another order may differ by, relative to the largest element; for 16 bits in units of the last place.
template <class T>
double unit(int places = 4) {
  return std::is_same_v<T, double> ? 1e-12 : std::is_same_v<T, float> ? 2e-5 : places * double(std::numeric_limits<T>::epsilon());
}

/// Random numbers, the same of every type.
template <class T>
Tensor<T> numbers(Dims const& shape) {
  return cast<T>(randn<float>(shape));
}

/// `got` lies on the device and is the host's `want` but for the tolerance.
template <class T>
void check_close(Tensor<T> const& want, Tensor<T> const& got, double tolerance = unit<T>()) {
  REQUIRE(got.device() == there);
  REQUIRE(got.shape() == want.shape());
  if (want.numel() == 0) return;
  Tensor<double> const a = cast<double>(want), b = cast<double>(got.to("cpu"));
  CHECK(max(abs(a - b)).item() <= tolerance * (1 + max(abs(a)).item()));
}

/// The value that f gives where it is recorded, and its gradients for a random seed, on the device and on the host.
template <class T, class F, class... X>
void check_recorded(double tolerance, F const& f, X const&... values) {
  auto here = std::tuple(Variable<T>(values)...);
  auto far = std::tuple(Variable<T>(values.to(there))...);
  Variable<T> const y = std::apply(f, here), z = std::apply(f, far);
  check_close(y.value(), z.value(), tolerance);
  Tensor<T> const seed = numbers<T>(y.shape());
  backward(y, seed);
  backward(z, seed.to(there));
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    (check_close(std::get<K>(here).grad(), std::get<K>(far).grad(), tolerance), ...);
  }(std::index_sequence_for<X...>{});
}

}  // namespace on_device
