// SPDX-License-Identifier: MIT
// View: somebody else's memory, read and written like a tensor.
#pragma once

#include <wick/core/broadcast.hpp>
#include <wick/core/index.hpp>
#include <wick/core/storage.hpp>

namespace wick {

/// Elements that somebody else owns: pointer, extents, strides. Copying a View copies the reference; assigning to one
/// writes the elements, element by element. The memory must outlive the view and every formula made from it.
template <class T, class E = Dynamic>
class View {
 public:
  using is_operand = void;
  using value_type = std::remove_const_t<T>;
  using extents_type = E;

  /// Row-major elements of shape `shape` at `data`.
  View(T* data, Dims const& shape) : data_(data), layout_(shape) { check_extents<E>("View", shape); }
  /// Elements at `data` with distances `strides` (in elements; any sign, no alignment needed). Throws Error when they lie
  /// further apart than 64 bits hold.
  View(T* data, Dims const& shape, Strides const& strides) : data_(data), layout_(shape, strides) {
    check_extents<E>("View", shape);
    layout_.check_reach();
  }
  template <std::same_as<Layout> L>  // a template, so that braces always mean extents
  View(T* data, L const& layout) : data_(data), layout_(layout) { check_extents<E>("View", layout.shape); }
  View(View const&) = default;

  T* data() const { return data_; }
  Layout const& layout() const { return layout_; }
  Dims const& shape() const { return layout_.shape; }
  Strides const& strides() const { return layout_.strides; }
  int dim() const { return layout_.rank(); }
  std::int64_t size(std::int64_t axis) const { return layout_.shape[normalize_axis("size", axis, dim())]; }
  std::int64_t numel() const { return layout_.numel(); }

  /// The element at these positions. As fast as a raw pointer, and as unchecked: positions must be in range and as
  /// many as there are dimensions.
  template <std::integral... I>
  T& operator()(I... position) const {
    std::int64_t offset = 0;
    int axis = 0;
    ((offset += static_cast<std::int64_t>(position) * layout_.strides[axis++]), ...);
    return data_[offset];
  }
  /// A sub-view, NumPy style.
  template <class... I>
    requires((!std::integral<I> || ...) && (std::convertible_to<I, Index> && ...))
  View<T> operator()(I const&... entries) const {
    auto const region = core::subscript(layout_, {Index(entries)...});
    return {data_ + region.offset, region.layout};
  }
  /// Element `i` of a one-dimensional view, unchecked.
  T& operator[](std::int64_t i) const { return data_[i * layout_.strides[0]]; }

  View& operator=(View const& other) {
    assign(*this, View<T const, E>(other.data_, other.layout_));
    return *this;
  }
  /// Writes the elements of a formula, a tensor or a number, broadcast to this shape.
  template <class F, class Isa = IsaTag>
  View& operator=(F&& formula) {
    assign(*this, std::forward<F>(formula));
    return *this;
  }
  template <class F, class Isa = IsaTag> View& operator+=(F const& f) { return *this = *this + f; }
  template <class F, class Isa = IsaTag> View& operator-=(F const& f) { return *this = *this - f; }
  template <class F, class Isa = IsaTag> View& operator*=(F const& f) { return *this = *this * f; }
  template <class F, class Isa = IsaTag> View& operator/=(F const& f) { return *this = *this / f; }

 private:
  T* data_;
  Layout layout_;
};

}  // namespace wick
