// SPDX-License-Identifier: MIT
// What the tests of scans, sorting and unique share: PyTorch's cases, and how results are compared with them.
#pragma once

#include <doctest/doctest.h>

#include <wick/wick.hpp>

#include "../reference/cases.hpp"

namespace ordering {

using namespace wick;

inline std::vector<reference::Case> const& cases() {
  static std::vector<reference::Case> const all = reference::read_cases("ordering.txt");
  return all;
}

/// Calls check(case, axis) for each case of this name; where it names no axis, with axis 0.
template <class F>
void each_case(char const* name, F const& check) {
  int found = 0;
  for (auto const& c : cases())
    if (c.name == name) check(c, c.text("axis").empty() ? 0 : std::stoll(c.text("axis"))), ++found;
  CHECK(found > 0);
}

template <class T>
Tensor<T> tensor_of(reference::Array const& array) {
  Tensor<T> x(Tensor<T>::uninitialized, array.shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<T>(array.data[static_cast<std::size_t>(i)]);
  return x;
}

/// True when each element is the wanted one but for `tolerance`, relative to it or to 1; NaN where it should be.
template <class T>
bool close(Tensor<T> const& got, reference::Array const& want, double tolerance) {
  if (!(got.shape() == want.shape)) return false;
  Tensor<T> const x = got.contiguous();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    double const a = want.data[static_cast<std::size_t>(i)], b = static_cast<double>(x.data()[i]);
    bool const same = a == b || (a != a && b != b) || std::abs(a - b) <= tolerance * std::max(1.0, std::abs(a));
    if (!same) return false;
  }
  return true;
}

/// A function of one tensor beside its case: the value, and where the case has one, the gradient.
template <class T, class F>
void check_values(reference::Case const& c, double tolerance, F const& function) {
  Tensor<T> const x = tensor_of<T>(c["x"]);
  CAPTURE(c.name);
  CAPTURE(x.shape());
  CAPTURE(c.text("axis"));
  CHECK(close(Tensor<T>(function(x)), c["y"], tolerance));
  if (!c.has("dx")) return;
  Variable<T> const v(x);
  Variable<T> const y = function(v);
  CHECK(close(y.value(), c["y"], tolerance));
  backward(y, tensor_of<T>(c["seed"]));
  CHECK(close(v.grad(), c["dx"], 4 * tolerance));
}
/// A function that also gives indices.
template <class T, class F>
void check_picked(reference::Case const& c, F const& function) {
  check_values<T>(c, 0, [&](auto const& x) { return function(x).values; });
  CHECK(close(function(tensor_of<T>(c["x"])).indices, c["index"], 0));
}

/// The gradient of a function, as a function: for gradients of gradients by finite differences.
template <class F>
bool second_order(F const& function, Tensor<double> const& x) {
  auto const slope = [&](std::vector<Variable<double>> const& inputs) {
    auto const y = Variable<double>(function(inputs[0]));
    Tensor<double> weights = arange<double>(0, static_cast<double>(y.numel())) * 0.3 + 0.5;
    return grad(sum(y * y * weights.reshape(y.shape())), inputs[0], {.create_graph = true});
  };
  Variable<double> const v(x);
  Variable<double> const first = slope({v});
  Tensor<double> const seed = sin(arange<double>(0, static_cast<double>(x.numel())).reshape(x.shape()));
  Tensor<double> const second = grad(sum(first * seed), v).value();
  double const step = 1e-6;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    auto const at = [&](double shift) {
      Tensor<double> moved = x.clone();
      moved.data()[i] += shift;
      Tensor<double> const g = slope({Variable<double>(moved)}).value();
      return sum(g * seed).item();
    };
    double const difference = (at(step) - at(-step)) / (2 * step), got = second.contiguous().data()[i];
    if (!(std::abs(difference - got) <= 1e-6 + 1e-5 * std::abs(difference))) {
      MESSAGE("element " << i << ": " << got << ", the finite difference is " << difference);
      return false;
    }
  }
  return true;
}

}  // namespace ordering
