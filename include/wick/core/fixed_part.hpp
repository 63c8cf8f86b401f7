// SPDX-License-Identifier: MIT
// Parts of Fixed tensors: values of their own to read from, and what `z(1, Slice()) = 5` assigns to.
#pragma once

#include <utility>

#include <wick/core/part.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace core {
WICK_COLD inline void fail_position(std::int64_t position, int axis, Dims const& shape) {
  fail("index: ", position, " is out of range for dimension ", axis, " of a tensor of shape ", shape);
}

template <class T, std::size_t... I>
WICK_LAMBDA_INLINE constexpr void copy_fixed(T* to, T const* from, std::index_sequence<I...>) {
  ((to[I] = from[I]), ...);
}

/// Calls `visit(offset)` for the elements of a layout in row-major order.
template <class Visit>
constexpr void each_offset(Layout const& layout, Visit const& visit) {
  Dims at = layout.shape;
  for (std::int64_t& position : at) position = 0;
  std::int64_t offset = 0;
  for (std::int64_t left = layout.numel(); left > 0; --left) {
    visit(offset);
    for (int d = at.size() - 1; d >= 0; --d) {
      offset += layout.strides[d];
      if (++at[d] < layout.shape[d]) break;
      offset -= layout.strides[d] * layout.shape[d];
      at[d] = 0;
    }
  }
}

/// Walks over the rows of a Fixed tensor, each a value of type Row.
template <class Row>
struct FixedRows {
  typename Row::value_type const* elements;
  std::int64_t row;

  WICK_LAMBDA_INLINE constexpr Row operator*() const {
    Row value;
    copy_fixed(value.data(), elements + row * Row::count, std::make_index_sequence<static_cast<std::size_t>(Row::count)>{});
    return value;
  }
  WICK_LAMBDA_INLINE constexpr FixedRows& operator++() {
    ++row;
    return *this;
  }
  friend WICK_LAMBDA_INLINE constexpr bool operator!=(FixedRows const& a, FixedRows const& b) { return a.row != b.row; }
};
}  // namespace core

/// Elements that slices pick from a Fixed tensor of `Count` elements: a value without heap, whose extents are known when running.
template <class T, std::int64_t Count>
class FixedSlice : public Methods<FixedSlice<T, Count>> {
 public:
  using is_operand = void;
  using is_fixed_slice = void;
  using value_type = T;
  using extents_type = Dynamic;

  constexpr explicit FixedSlice(Dims const& shape) : layout_(shape) {
    if (layout_.numel() > Count) fail("index: a part of ", layout_.numel(), " elements does not fit into ", Count);
  }
  constexpr FixedSlice(T const* first, Layout const& from) : FixedSlice(from.shape) {
    T* to = elements_;
    core::each_offset(from, [&](std::int64_t offset) { *to++ = first[offset]; });
  }

  constexpr Dims const& shape() const { return layout_.shape; }
  constexpr Layout const& layout() const { return layout_; }
  constexpr int dim() const { return layout_.rank(); }
  constexpr std::int64_t size(std::int64_t axis) const { return shape()[normalize_axis("size", axis, dim())]; }
  constexpr std::int64_t numel() const { return layout_.numel(); }
  static constexpr Dtype dtype() { return dtype_of<T>(); }
  Device device() const { return {}; }
  constexpr T const* data() const { return elements_; }
  constexpr T* data() { return elements_; }
  constexpr T item() const {
    if (numel() != 1) fail("item: a tensor of shape ", shape(), " is not a single number");
    return elements_[0];
  }
  template <std::same_as<T> Number>
  constexpr operator Number() const { return item(); }
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  constexpr FixedSlice operator()(I const&... entries) const {
    core::Region const region = core::subscript(layout_, {Index(entries)...});
    return {elements_ + region.offset, region.layout};
  }
  constexpr FixedSlice operator[](Index const& entry) const { return (*this)(entry); }

 private:
  Layout layout_;
  T elements_[std::size_t{Count > 0 ? Count : 1}] = {};
};

/// A part of a Fixed tensor that can be written. Reading it never dangles: `V`, a Fixed tensor or a FixedSlice, is a copy.
/// Writing needs the tensor itself, so only the unnamed result of an index expression can be assigned to.
template <class V>
class FixedPart : public Methods<FixedPart<V>> {
 public:
  using is_part = void;
  using value_type = typename V::value_type;
  using T = value_type;
  static constexpr bool known = !is_dynamic<typename V::extents_type>;

  WICK_LAMBDA_INLINE constexpr explicit FixedPart(T* first) : first_(first) {
    core::copy_fixed(value_.data(), first, std::make_index_sequence<static_cast<std::size_t>(V::count)>{});
  }
  constexpr FixedPart(T* first, Layout const& layout) : first_(first), value_(first, layout), place_{layout} {}
  FixedPart(FixedPart const&) = default;

  WICK_LAMBDA_INLINE constexpr V const& value() const { return value_; }
  constexpr operator V() const { return value_; }
  operator Tensor<T>() const { return value_; }

  template <class F, class Isa = IsaTag>
  WICK_LAMBDA_INLINE constexpr void operator=(F&& formula) && {
    assign_fixed(value_, std::forward<F>(formula));
    if constexpr (known) {
      core::copy_fixed(first_, value_.data(), std::make_index_sequence<static_cast<std::size_t>(V::count)>{});
    } else {
      T const* from = value_.data();
      core::each_offset(place_.layout, [&](std::int64_t offset) { first_[offset] = *from++; });
    }
  }
  constexpr void operator=(FixedPart const& other) && { std::move(*this).operator=(V(other.value_)); }
  template <class F>
  void operator=(F&&) & {
    static_assert(core::always_false<F>,
                  "a named part of a tensor cannot be assigned to: write z(...) = value, or use a View of the tensor");
  }
  template <class F> WICK_LAMBDA_INLINE constexpr void operator+=(F const& f) && { std::move(*this) = value_ + f; }
  template <class F> WICK_LAMBDA_INLINE constexpr void operator-=(F const& f) && { std::move(*this) = value_ - f; }
  template <class F> WICK_LAMBDA_INLINE constexpr void operator*=(F const& f) && { std::move(*this) = value_ * f; }
  template <class F> WICK_LAMBDA_INLINE constexpr void operator/=(F const& f) && { std::move(*this) = value_ / f; }

  constexpr Dims shape() const { return value_.shape(); }
  constexpr int dim() const { return value_.dim(); }
  constexpr std::int64_t size(std::int64_t axis) const { return value_.size(axis); }
  constexpr std::int64_t numel() const { return value_.numel(); }
  constexpr T item() const { return value_.item(); }
  template <std::same_as<T> Number>
    requires(!known)
  constexpr operator Number() const { return item(); }
  constexpr auto begin() const { return value_.begin(); }
  constexpr auto end() const { return value_.end(); }
  template <class... I>
  WICK_LAMBDA_INLINE constexpr auto operator()(I const&... entries) const& { return value_(entries...); }
  /// Parts of parts write through: `z[0][1] = 3`.
  template <class... I>
  WICK_LAMBDA_INLINE constexpr decltype(auto) operator()(I const&... entries) && {
    if constexpr (known) {
      return V::part(first_, entries...);
    } else {
      core::Region const region = core::subscript(place_.layout, {Index(entries)...});
      return FixedPart(first_ + region.offset, region.layout);
    }
  }
  template <class I>
  WICK_LAMBDA_INLINE constexpr auto operator[](I const& entry) const& { return value_(entry); }
  template <class I>
  WICK_LAMBDA_INLINE constexpr decltype(auto) operator[](I const& entry) && { return std::move(*this)(entry); }

 private:
  struct Nowhere {};
  struct Somewhere {
    Layout layout;
  };

  T* first_;
  V value_;
  [[no_unique_address]] std::conditional_t<known, Nowhere, Somewhere> place_;
};

}  // namespace wick
WICK_PRECISE_END
