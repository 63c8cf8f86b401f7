// SPDX-License-Identifier: MIT
// A region of a formula: narrow, and the subscripts of variables. The gradient is zero outside of the region.
#pragma once

#include <wick/ops/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <class X>
auto select_formula(X const& x, core::Selection const& selection);
template <class G>
auto place_formula(G const& g, core::Selection const& selection, Dims const& shape);

struct SelectOp {
  static constexpr char const* name = "index";
  static constexpr bool needs_inputs = false;
  using shows_region = void;  // of its operand: `selection`
  core::Selection selection;
  Dims from;
  template <class T>
  Tensor<T> view(Tensor<T> const& x) const { return x.share(selection.of(x.layout())); }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(place_formula(g, selection, from)); }
};
// Zeros, but for the region: there g.
struct PlaceOp {
  static constexpr char const* name = "place";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  core::Selection selection;
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& g) const {
    compute_into<T>(y, 0, Layout{shape}, Scalar<T>{0}, g.device());
    core::Region const region = selection.of(Layout{shape});
    compute_into<T>(y + region.offset, 0, region.layout, g, g.device());
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(select_formula(gg, selection)); }
};

template <class G>
auto clear_formula(G const& g, core::Selection const& selection);

// x with zeros in the region.
struct ClearOp {
  static constexpr char const* name = "clear";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  core::Selection selection;
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& x) const {
    compute_into<T>(y, 0, Layout{shape}, x, x.device());
    core::Region const region = selection.of(Layout{shape});
    compute_into<T>(y + region.offset, 0, region.layout, Scalar<T>{0}, x.device());
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(clear_formula(g, selection)); }
};
// x with other elements in the region.
struct ReplaceOp {
  static constexpr char const* name = "index_assign";
  static constexpr bool needs_inputs = false;
  core::Selection selection;
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& x, Tensor<T> const& part) const {
    compute_into<T>(y, 0, Layout{shape}, x, x.device());
    core::Region const region = selection.of(Layout{shape});
    compute_into<T>(y + region.offset, 0, region.layout, part, x.device());
  }
  auto adjoint(auto const& g, auto const&, auto const&, auto const&) const {
    return std::tuple(clear_formula(g, selection), select_formula(g, selection));
  }
  auto tangent(auto const& y, auto const&, auto const& dx) const { return tangent_of_linear(*this, y, dx); }
};

template <class G>
auto clear_formula(G const& g, core::Selection const& selection) {
  return kernel<value_t<G>>(ClearOp{selection}, g.shape(), g);
}

template <class X>
auto select_formula(X const& x, core::Selection const& selection) {
  return kernel<value_t<X>>(SelectOp{selection, x.shape()}, selection.shape, x);
}
template <class G>
auto place_formula(G const& g, core::Selection const& selection, Dims const& shape) {
  return kernel<value_t<G>>(PlaceOp{selection}, shape, g);
}

}  // namespace detail

/// What a subscript selects of a variable, or of a formula that is computed as a whole.
template <Formula X>
  requires(!detail::has_regions<X>)
auto select(IsaTag, X const& x, core::Selection const& selection) {
  return detail::select_formula(x, selection);
}

/// `length` elements of an axis from `start` on (torch.narrow); of a tensor or of a formula over variables.
template <Formula X>
auto narrow(X const& x, std::int64_t axis, std::int64_t start, std::int64_t length) {
  Dims const shape = x.shape();
  int const d = normalize_axis("narrow", axis, shape.size());
  if (start < 0 || length < 0 || start > shape[d] || length > shape[d] - start)
    fail("narrow: ", length, " elements from ", start, " on are out of range for dimension ", d, " of shape ", shape);
  core::Selection selection;
  for (int k = 0; k < shape.size(); ++k) {
    selection.start.push_back(k == d ? start : 0);
    selection.keep(k, k == d ? length : shape[k], 1);
  }
  return detail::select_formula(operand(x), selection);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
