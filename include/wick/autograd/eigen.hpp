// SPDX-License-Identifier: MIT
// Dual numbers as elements of Eigen's matrices, where Eigen is installed.
#pragma once

#if __has_include(<Eigen/Core>) || __has_include(<eigen3/Eigen/Core>)
#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#else
#include <eigen3/Eigen/Core>
#endif

#include <wick/autograd/dual_math.hpp>

/// What Eigen asks of an element type.
template <class T>
struct Eigen::NumTraits<wick::Dual<T>> : Eigen::NumTraits<T> {
  using Real = wick::Dual<T>;
  using NonInteger = wick::Dual<T>;
  using Nested = wick::Dual<T>;
  using Literal = wick::Dual<T>;
  enum {
    RequireInitialization = 1,
    ReadCost = 2 * NumTraits<T>::ReadCost,
    AddCost = 2 * NumTraits<T>::AddCost,
    MulCost = 3 * NumTraits<T>::MulCost
  };
};
/// Matrices of duals beside matrices of plain numbers.
template <class T, class Op>
struct Eigen::ScalarBinaryOpTraits<wick::Dual<T>, T, Op> {
  using ReturnType = wick::Dual<T>;
};
template <class T, class Op>
struct Eigen::ScalarBinaryOpTraits<T, wick::Dual<T>, Op> {
  using ReturnType = wick::Dual<T>;
};
#endif
