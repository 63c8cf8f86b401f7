// SPDX-License-Identifier: MIT
// Systems of linear equations.
#pragma once

#include <wick/calls/call.hpp>
#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// `batch` triangular matrices of n rows, each with `columns` right-hand sides. The other triangle is not read; `unitriangular`: nor is
/// the diagonal, whose elements count as 1.
struct TriangularShape {
  std::int64_t batch, n, columns;
  bool upper, unitriangular;

  constexpr std::int64_t coefficients() const { return batch * n * n; }
  constexpr std::int64_t unknowns() const { return batch * n * columns; }
};

/// x with a x = b for each matrix. a: (batch, n, n), b and x: (batch, n, columns), all contiguous.
template <class T>
struct SolveTriangular {
  using element = T;
  static constexpr char const* name = "solve_triangular";
  TriangularShape shape;
  T const *a, *b;
  T* x;

  template <class Other>
  auto rebound(Other& other) const {
    using U = typename Other::type;
    return SolveTriangular<U>{shape, other.reads(a, shape.coefficients()), other.reads(b, shape.unknowns()), other.writes(x, shape.unknowns())};
  }
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
