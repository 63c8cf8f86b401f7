// SPDX-License-Identifier: MIT
// Tensor with Inline storage: small, all extents known, no heap, usable in constant expressions.
#pragma once

#include <wick/core/fixed_part.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace core {
/// What a Fixed tensor is computed from: formulas, parts, numbers.
template <class X>
concept Computable = requires { typename X::is_operand; } || requires { typename X::is_part; } || Arithmetic<X>;

/// Extents without the first `K`.
template <int K, class E>
struct Tail {
  using type = E;
};
template <int K, std::int64_t N, std::int64_t... Rest>
  requires(K > 0)
struct Tail<K, Shape<N, Rest...>> : Tail<K - 1, Shape<Rest...>> {};
}  // namespace core

/// Elements in the object itself, row-major. A value by nature: copying copies the elements.
template <class T, std::int64_t... N>
class Tensor<T, Shape<N...>, Inline> : public Methods<Tensor<T, Shape<N...>, Inline>> {
 public:
  using is_operand = void;
  using value_type = T;
  using extents_type = Shape<N...>;
  static_assert(extents_type::known, "Fixed: every extent has to be known when compiling");
  static constexpr std::int64_t count = extents_type::numel;
  static constexpr int rank = extents_type::rank;

  constexpr Tensor() = default;
  constexpr Tensor(Tensor const&) = default;
  /// The elements in row-major order; as many as there are.
  template <class... V>
    requires(sizeof...(V) == static_cast<std::size_t>(count) && sizeof...(V) > 1 && ((NumberFor<V, T> || std::is_convertible_v<V, T>) && ...))
  constexpr Tensor(V... values) : elements_{static_cast<T>(values)...} {}
  /// Computes a formula whose extents must be these (or broadcast to them).
  template <class F, class Isa = IsaTag>
    requires(core::Computable<std::remove_cvref_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, Tensor>)
  WICK_LAMBDA_INLINE constexpr Tensor(F&& formula) {
    assign_fixed(*this, std::forward<F>(formula));
  }
  constexpr Tensor& operator=(Tensor const&) & = default;
  template <class F, class Isa = IsaTag>
    requires(core::Computable<std::remove_cvref_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, Tensor>)
  WICK_LAMBDA_INLINE constexpr Tensor& operator=(F&& formula) & {
    update_fixed(*this, std::forward<F>(formula));
    return *this;
  }
  template <class F>
  void operator=(F&&) && {
    static_assert(core::always_false<F>, "Wick: an unnamed Fixed tensor cannot be assigned to: nobody would see the result");
  }

  static constexpr Dims shape() { return dims_of<extents_type>(); }
  static constexpr int dim() { return rank; }
  static constexpr std::int64_t numel() { return count; }
  static constexpr std::int64_t size(std::int64_t axis) { return shape()[normalize_axis("size", axis, dim())]; }
  static constexpr Dtype dtype() { return dtype_of<T>(); }
  Device device() const { return {}; }
  WICK_LAMBDA_INLINE constexpr T const* data() const { return elements_; }
  WICK_LAMBDA_INLINE constexpr T* data() { return elements_; }
  View<T, extents_type> view() & { return {elements_, Layout(shape())}; }
  View<T const, extents_type> view() const& { return {elements_, Layout(shape())}; }

  /// The element at these positions, checked. Where the last ones are left off: a Fixed tensor of those dimensions; with
  /// slices, NumPy style: a part whose extents are known when running. `z[1] = 5` and `z(Slice(), 0) = 5` write into z.
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  WICK_LAMBDA_INLINE constexpr decltype(auto) operator()(I const&... entries) & { return part(elements_, entries...); }
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  WICK_LAMBDA_INLINE constexpr decltype(auto) operator()(I const&... entries) const& { return part(elements_, entries...); }
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  WICK_LAMBDA_INLINE constexpr auto operator()(I const&... entries) && { return part(std::as_const(elements_), entries...); }
  WICK_LAMBDA_INLINE constexpr decltype(auto) operator[](std::convertible_to<Index> auto const& entry) & { return (*this)(entry); }
  WICK_LAMBDA_INLINE constexpr decltype(auto) operator[](std::convertible_to<Index> auto const& entry) const& { return (*this)(entry); }
  WICK_LAMBDA_INLINE constexpr auto operator[](std::convertible_to<Index> auto const& entry) && { return std::as_const(*this)(entry); }

  /// What a subscript names in the elements of such a tensor: one of them, a part to write, or (of constant ones) a value.
  template <class Element, class... I>
  static WICK_LAMBDA_INLINE constexpr decltype(auto) part(Element* elements, I const&... entries) {
    if constexpr (!(std::integral<I> && ...)) {
      core::Region const region = core::subscript(Layout(shape()), {Index(entries)...});
      if constexpr (std::is_const_v<Element>) return FixedSlice<T, count>(elements + region.offset, region.layout);
      else return FixedPart<FixedSlice<T, count>>(elements + region.offset, region.layout);
    } else {
      static_assert(sizeof...(I) <= sizeof...(N), "Wick: more indices than the Fixed tensor has dimensions");
      if constexpr (sizeof...(I) >= sizeof...(N)) {
        return (elements[offset(entries...)]);
      } else {
        using Rest = Tensor<T, typename core::Tail<sizeof...(I), extents_type>::type, Inline>;
        Element* const first = elements + offset(entries...) * Rest::count;
        if constexpr (std::is_const_v<Element>) return *core::FixedRows<Rest>{first, 0};
        else return FixedPart<Rest>(first);
      }
    }
  }

  /// The elements of a vector, the rows (as values) of everything else.
  WICK_LAMBDA_INLINE constexpr auto begin() { return from<T>(elements_, 0); }
  WICK_LAMBDA_INLINE constexpr auto end() { return from<T>(elements_, rows); }
  WICK_LAMBDA_INLINE constexpr auto begin() const { return from<T const>(elements_, 0); }
  WICK_LAMBDA_INLINE constexpr auto end() const { return from<T const>(elements_, rows); }

  /// The only element.
  constexpr T item() const
    requires(count == 1)
  { return elements_[0]; }
  template <std::same_as<T> Number>
    requires(count == 1)
  constexpr operator Number() const { return elements_[0]; }

  /// The two dimensions of a matrix exchanged; a vector stays as it is, as in PyTorch.
  template <class Isa = IsaTag>
  WICK_LAMBDA_INLINE constexpr auto t() const {
    static_assert(rank <= 2, "Wick: t() of a Fixed tensor needs a matrix or a vector");
    if constexpr (rank < 2) {
      return *this;
    } else {
      constexpr std::int64_t m = extents_type::extents[0], n = extents_type::extents[1];
      return [&]<std::size_t... I>(std::index_sequence<I...>) WICK_LAMBDA_INLINE {
        Tensor<T, Shape<n, m>, Inline> result;
        ((result.data()[I] = elements_[I % m * n + I / m]), ...);
        return result;
      }(std::make_index_sequence<static_cast<std::size_t>(count)>{});
    }
  }

  template <class F> WICK_LAMBDA_INLINE constexpr Tensor& operator+=(F const& f) & { return *this = *this + f; }
  template <class F> WICK_LAMBDA_INLINE constexpr Tensor& operator-=(F const& f) & { return *this = *this - f; }
  template <class F> WICK_LAMBDA_INLINE constexpr Tensor& operator*=(F const& f) & { return *this = *this * f; }
  template <class F> WICK_LAMBDA_INLINE constexpr Tensor& operator/=(F const& f) & { return *this = *this / f; }

 private:
  static constexpr std::int64_t rows = extents_type::extents[0];

  template <class Element>
  static WICK_LAMBDA_INLINE constexpr auto from(Element* elements, std::int64_t row) {
    static_assert(rank > 0, "Wick: a Fixed tensor of no dimensions is no range; use item()");
    if constexpr (rank == 1) return elements + row;
    else return core::FixedRows<Tensor<T, typename core::Tail<1, extents_type>::type, Inline>>{elements, row};
  }
  template <class... I>
  static WICK_LAMBDA_INLINE constexpr std::int64_t offset(I... position) {
    std::int64_t result = 0;
    int axis = 0;
    ((result = result * extents_type::extents[axis] + checked(static_cast<std::int64_t>(position), axis), ++axis), ...);
    return result;
  }
  static WICK_LAMBDA_INLINE constexpr std::int64_t checked(std::int64_t position, int axis) {
    std::int64_t const extent = extents_type::extents[axis];
    if (position < -extent || position >= extent) [[unlikely]] core::fail_position(position, axis, shape());
    return position < 0 ? position + extent : position;
  }

  // As aligned as whole registers of any instruction set want it, where that makes the tensor no larger.
  static constexpr std::size_t bytes = sizeof(T) * static_cast<std::size_t>(count > 0 ? count : 1), unit = bytes & (~bytes + 1);
  static constexpr std::size_t aligned = unit < wick::alignment ? unit : wick::alignment;
  alignas(aligned > alignof(T) ? aligned : alignof(T)) T elements_[std::size_t{count > 0 ? count : 1}] = {};
};

/// A small tensor with all extents known, without heap: `Fixed<double, 3, 3>`.
template <class T, std::int64_t... N>
using Fixed = Tensor<T, Shape<N...>, Inline>;

}  // namespace wick
WICK_PRECISE_END
