// SPDX-License-Identifier: MIT
// Systems of linear equations: solve_triangular.
#pragma once

#include <wick/calls/solve.hpp>
#include <wick/core/create.hpp>
#include <wick/ops/compare.hpp>
#include <wick/ops/matmul.hpp>
#include <wick/ops/select.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace linalg {

/// Options of `solve_triangular`. `left`: A X = B, else X A = B. `unitriangular`: the diagonal counts as ones and is not read.
struct SolveTriangularOptions {
  bool upper, left = true, unitriangular = false;
};

}  // namespace linalg

namespace detail {

template <class A, class B>
auto solved(A const& a, B const& b, bool upper, bool unitriangular);

/// x without what a triangular system does not read.
template <class X>
auto triangle(X const& x, bool upper, bool unitriangular) {
  std::int64_t const n = x.shape()[x.shape().size() - 1], low = unitriangular ? 1 : 0;
  Tensor<bool> keep(Tensor<bool>::uninitialized, Dims(n, n));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) keep.data()[i * n + j] = (upper ? j - i : i - j) >= low;
  return where(keep.to(device_of(x)), x, 0);
}

// a: (..., n, n), b: (..., n, m) with the same leading extents. From a x = b: dx = a^-1 (db - da x).
struct SolveTriangularOp {
  static constexpr char const* name = "solve_triangular";
  static constexpr bool needs_result = true;
  bool upper, unitriangular;

  template <class T>
  auto call(T* x, Dims const& shape, backend::Epilogue<T> const&, Tensor<T> const& a, Tensor<T> const& b) const {
    std::int64_t const n = a.size(-1), m = shape[shape.size() - 1];
    std::int64_t const batch = n * m > 0 ? shape.numel() / (n * m) : 0;
    return backend::SolveTriangular<T>{{batch, n, m, upper, unitriangular}, a.data(), b.data(), x};
  }
  auto adjoint(auto const& g, auto const& x, auto const& a, auto const&) const {
    auto const gb = solved(transpose(a, -1, -2), g, !upper, unitriangular);
    return std::tuple(triangle(-matmul(gb, transpose(x, -1, -2)), upper, unitriangular), gb);
  }
  auto tangent(auto const& x, auto const& inputs, auto const& steps) const {
    return solved(std::get<0>(inputs), std::get<1>(steps) - matmul(triangle(std::get<0>(steps), upper, unitriangular), x), upper, unitriangular);
  }
};

template <class A, class B>
auto solved(A const& a, B const& b, bool upper, bool unitriangular) {
  return kernel<value_t<B>>(SolveTriangularOp{upper, unitriangular}, b.shape(), a, b);
}

// The formula with the leading extents `lead`.
template <class X>
auto with_lead(X const& x, Dims lead) {
  using T = value_t<X>;
  Dims const from = x.shape();
  lead.push_back(from[from.size() - 2]), lead.push_back(from[from.size() - 1]);
  if (from == lead) return kernel<T>(ReshapeOp{from, from}, from, x);
  return kernel<T>(ReshapeOp{lead, lead}, lead, x * ones<T>(lead).to(device_of(x)));
}

}  // namespace detail

namespace linalg {

/// X with A X = B, or X A = B with {.left = false} (torch.linalg.solve_triangular). A: (..., n, n) triangular, B: (..., n, m) or
/// (..., m, n); leading extents broadcast. A 0 on the diagonal gives infinities or NaN, no error. Throws Error for shapes that do not fit.
template <Formula A, Formula B>
auto solve_triangular(A const& a, B const& b, SolveTriangularOptions const& options) {
  auto const& matrix = operand(a);
  auto const& right = operand(b);
  using T = value_t<decltype(right)>;
  static_assert(std::is_same_v<value_t<decltype(matrix)>, T>, "solve_triangular: both operands need the same element type; use cast<T>");
  static_assert(!std::is_integral_v<T>, "solve_triangular: integers have no quotients; use cast<float>");
  Dims const sa = matrix.shape(), sb = right.shape();
  int const ra = sa.size(), rb = sb.size();
  if (ra < 2 || sa[ra - 1] != sa[ra - 2]) fail("solve_triangular: A of shape ", sa, " is no square matrix");
  if (rb < 2 || sb[options.left ? rb - 2 : rb - 1] != sa[ra - 1])
    fail("solve_triangular: A of shape ", sa, " and B of shape ", sb, " do not fit: dimension ", options.left ? rb - 2 : rb - 1, " of B is ",
         rb < 2 ? std::int64_t{0} : sb[options.left ? rb - 2 : rb - 1], ", A has ", sa[ra - 1], " rows");
  Dims lead_a = sa, lead_b = sb;
  lead_a.resize(ra - 2), lead_b.resize(rb - 2);
  Dims const lead = broadcast("solve_triangular", lead_a, lead_b);
  auto const system = detail::with_lead(matrix, lead);
  auto const sides = detail::with_lead(right, lead);
  auto const turned = [](auto const& x, bool turn) {
    Axes order;
    int const rank = x.shape().size();
    for (int d = 0; d < rank; ++d) order.push_back(d);
    if (turn) std::swap(order[rank - 1], order[rank - 2]);
    return permute(x, order);
  };
  bool const right_side = !options.left;
  return turned(detail::solved(turned(system, right_side), turned(sides, right_side), options.upper != right_side, options.unitriangular), right_side);
}

}  // namespace linalg
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
