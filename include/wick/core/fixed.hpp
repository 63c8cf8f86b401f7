// SPDX-License-Identifier: MIT
// Tensor with Inline storage: small, all extents known, no heap, usable in constant expressions.
#pragma once

#include <wick/core/part.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// Elements in the object itself, row-major. A value by nature: copying copies the elements.
template <class T, std::int64_t... N>
class Tensor<T, Shape<N...>, Inline> {
 public:
  using is_operand = void;
  using value_type = T;
  using extents_type = Shape<N...>;
  static_assert(extents_type::known, "Fixed: every extent has to be known when compiling");
  static constexpr std::int64_t count = extents_type::numel;

  constexpr Tensor() = default;
  /// The elements in row-major order; as many as there are.
  template <class... V>
    requires(sizeof...(V) == static_cast<std::size_t>(count) && sizeof...(V) > 1 && ((NumberFor<V, T> || std::is_convertible_v<V, T>) && ...))
  constexpr Tensor(V... values) : elements_{static_cast<T>(values)...} {}
  /// Computes a formula whose extents must be these (or broadcast to them).
  template <class F>
    requires((requires { typename std::remove_cvref_t<F>::is_operand; } && !std::is_same_v<std::remove_cvref_t<F>, Tensor>) ||
             Arithmetic<std::remove_cvref_t<F>>)
  constexpr Tensor(F&& formula) {
    assign_fixed(*this, std::forward<F>(formula));
  }
  template <class F>
    requires((requires { typename std::remove_cvref_t<F>::is_operand; } && !std::is_same_v<std::remove_cvref_t<F>, Tensor>) ||
             Arithmetic<std::remove_cvref_t<F>>)
  constexpr Tensor& operator=(F&& formula) {
    Tensor result;  // the formula may read this tensor
    assign_fixed(result, std::forward<F>(formula));
    return *this = result;
  }

  static constexpr Dims shape() { return dims_of<extents_type>(); }
  static constexpr int dim() { return extents_type::rank; }
  static constexpr std::int64_t numel() { return count; }
  static constexpr std::int64_t size(std::int64_t axis) { return shape()[normalize_axis("size", axis, dim())]; }
  static constexpr Dtype dtype() { return dtype_of<T>(); }
  Device device() const { return {}; }
  constexpr T const* data() const { return elements_; }
  constexpr T* data() { return elements_; }

  /// The element at these positions, checked.
  template <std::integral... I>
    requires(sizeof...(I) == sizeof...(N))
  constexpr T& operator()(I... position) { return elements_[offset({static_cast<std::int64_t>(position)...})]; }
  template <std::integral... I>
    requires(sizeof...(I) == sizeof...(N))
  constexpr T const& operator()(I... position) const {
    return elements_[offset({static_cast<std::int64_t>(position)...})];
  }
  constexpr T item() const
    requires(count == 1)
  { return elements_[0]; }

  template <class F> constexpr Tensor& operator+=(F const& f) { return *this = *this + f; }
  template <class F> constexpr Tensor& operator-=(F const& f) { return *this = *this - f; }
  template <class F> constexpr Tensor& operator*=(F const& f) { return *this = *this * f; }
  template <class F> constexpr Tensor& operator/=(F const& f) { return *this = *this / f; }

 private:
  static constexpr std::int64_t offset(std::initializer_list<std::int64_t> position) {
    std::int64_t result = 0;
    int axis = 0;
    for (std::int64_t p : position) {
      std::int64_t const extent = extents_type::extents[axis];
      if (p < -extent || p >= extent)
        fail("index: ", p, " is out of range for dimension ", axis, " of a tensor of shape ", shape());
      result = result * extent + (p < 0 ? p + extent : p);
      ++axis;
    }
    return result;
  }

  T elements_[count > 0 ? count : 1] = {};
};

/// A small tensor with all extents known, without heap: `Fixed<double, 3, 3>`.
template <class T, std::int64_t... N>
using Fixed = Tensor<T, Shape<N...>, Inline>;

}  // namespace wick
WICK_PRECISE_END
