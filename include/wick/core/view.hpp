// SPDX-License-Identifier: MIT
// View: somebody else's memory, read and written like a tensor.
#pragma once

#include <wick/core/broadcast.hpp>
#include <wick/core/methods.hpp>
#include <wick/core/rows.hpp>
#include <wick/core/storage.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace core {
/// The rank that an extents policy knows, or -1.
template <class E>
inline constexpr int known_rank = -1;
template <std::int64_t... N>
inline constexpr int known_rank<Shape<N...>> = sizeof...(N);

template <class Rank>
struct OfRank;
template <std::size_t... I>
struct OfRank<std::index_sequence<I...>> {
  using type = Shape<(static_cast<void>(I), Dyn)...>;
};
/// Extents policy: the rank alone is known when compiling.
template <int rank>
using of_rank_t = typename OfRank<std::make_index_sequence<static_cast<std::size_t>(rank)>>::type;

template <class... I>
WICK_COLD void fail_position(Dims const& shape, I... position) {
  if (shape.size() != static_cast<int>(sizeof...(I)))
    fail("index: ", sizeof...(I), " positions for an element of a view of shape ", shape, "; v(i, Ellipsis) is a part, v.flat() all elements in a row");
  std::int64_t const positions[] = {position...};
  for (int d = 0; d < shape.size(); ++d)
    if (positions[d] < 0 || positions[d] >= shape[d])
      fail("index: ", positions[d], " is out of range for dimension ", d, " of a view of shape ", shape,
           positions[d] < 0 ? "; positions of an element are not counted from the end" : "");
}
template <class... I>
constexpr void check_position(Dims const& shape, I... position) {
  int axis = 0;
  bool const inside = shape.size() == static_cast<int>(sizeof...(I)) &&
                      ((static_cast<std::uint64_t>(position) < static_cast<std::uint64_t>(shape[axis++])) && ...);
  if (!inside) [[unlikely]]
    fail_position(shape, position...);
}
}  // namespace core

/// Elements that somebody else owns: pointer, extents, strides. It is a reference, as `double&` is: copying a View copies the
/// reference, assigning to one writes the elements, whether the View is const or not. A `View<T const>` cannot be written. The memory
/// must outlive the view and every formula made from it.
///
/// Containers: a View can be stored, read, and exchanged with `swap`. What moves one View onto another (`std::swap`,
/// `erase` and `insert` of a vector, `std::sort`) would write elements, and does not compile. Assigning whole containers
/// of views writes elements too.
template <class T, class E = Dynamic>
class View : public Methods<View<T, E>> {
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
  /// The same elements with other knowledge of the extents, checked, or for reading only.
  template <class U, class E2>
    requires((std::same_as<U, T> || std::same_as<U const, T>) && !(std::same_as<U, T> && std::same_as<E2, E>))
  View(View<U, E2> const& other) : View(other.data(), other.layout()) {
    static_assert(extents_broadcast<E, E2>, "the extents of the two views, known when compiling, differ");
  }

  T* data() const { return data_; }
  Layout const& layout() const { return layout_; }
  Dims const& shape() const { return layout_.shape; }
  Strides const& strides() const { return layout_.strides; }
  int dim() const { return layout_.rank(); }
  std::int64_t size(std::int64_t axis) const { return layout_.shape[normalize_axis("size", axis, dim())]; }
  std::int64_t numel() const { return layout_.numel(); }
  /// The value of the only element. Throws Error when there are more or none.
  value_type item() const {
    if (numel() != 1) fail("item: a view of shape ", shape(), " is not a single number");
    return *data_;
  }
  /// The same: a view of one element is a number.
  template <std::same_as<value_type> N>
  operator N() const {
    return item();
  }

  /// The element at these positions, one for each dimension. Where `checked`, Error says what is out of range; that is the
  /// default unless NDEBUG is defined, and WICK_CHECK_BOUNDS (0 or 1) decides for both. Unchecked access costs what a raw pointer
  /// costs.
  template <bool checked = WICK_CHECK_BOUNDS, std::integral... I>
  T& operator()(I... position) const {
    static_assert(core::known_rank<E> < 0 || core::known_rank<E> == static_cast<int>(sizeof...(I)),
                  "Wick: an element of a View takes as many positions as the View has dimensions; v(i, Ellipsis) is a part, v.flat() all elements in a row");
    if constexpr (checked) core::check_position(layout_.shape, static_cast<std::int64_t>(position)...);
    std::int64_t offset = 0;
    int axis = 0;
    ((offset += static_cast<std::int64_t>(position) * layout_.strides[axis++]), ...);
    return data_[offset];
  }
  /// A sub-view, NumPy style.
  template <class... I>
    requires((!std::integral<I> || ...) && (std::convertible_to<I, Index> && ...))
  View<T> operator()(I const&... entries) const {
    return part(core::subscript(layout_, {Index(entries)...}));
  }
  /// Element `i` of a one-dimensional view, checked as above.
  template <bool checked = WICK_CHECK_BOUNDS, std::integral I>
  T& operator[](I i) const {
    return this->template operator()<checked>(i);
  }
  /// The sub-view at one position, range or new dimension along the first dimension.
  View<T> operator[](Index const& entry) const { return (*this)(entry); }

  /// All elements in row-major order, as a view of one dimension: `for (double& x : view.flat())`. Throws Error when they do
  /// not lie in equal steps.
  View<T, Shape<Dyn>> flat() const { return View<T, Shape<Dyn>>(reshape({-1})); }
  /// The same elements under another shape; one extent may be -1. Throws Error when no strides express it.
  View<T> reshape(Dims const& target) const { return {data_, core::reshaped(layout_, reshaped("reshape", shape(), target))}; }
  /// Dimensions in another order.
  View<T> permute(Axes const& order) const { return {data_, core::permuted(layout_, order)}; }
  /// Two dimensions exchanged.
  View<T> transpose(std::int64_t a, std::int64_t b) const { return permute(core::exchanged(dim(), a, b)); }
  /// The two dimensions of a matrix exchanged. A vector stays as it is, as in PyTorch.
  View<T> t() const { return permute(core::matrix_order(shape())); }

  /// Along the first dimension: sub-views; elements where the type says that there is one dimension, as in `flat()`.
  auto begin() const {
    if constexpr (core::known_rank<E> == 1) return core::StridedIterator<T>(data_, layout_.strides[0], 0);
    else return core::RowIterator<View>(*this, 0);
  }
  auto end() const {
    if constexpr (core::known_rank<E> == 1) return core::StridedIterator<T>(data_, layout_.strides[0], layout_.shape[0]);
    else return core::RowIterator<View>(*this, core::row_count(shape()));
  }

  // These cannot have the instruction set in their names: they become part of what calls them.
  WICK_LAMBDA_INLINE View& operator=(View const& other) {
    assign(*this, View<T const, E>(other));
    return *this;
  }
  WICK_LAMBDA_INLINE View const& operator=(View const& other) const {
    assign(*this, View<T const, E>(other));
    return *this;
  }
  WICK_LAMBDA_INLINE View& operator=(View&& other) && {
    assign(*this, View<T const, E>(other));
    return *this;
  }
  View& operator=(View&&) & {
    static_assert(core::always_false<T>,
                  "Wick: a View that has a name is assigned one that has none, as std::swap, std::sort and the erase of a vector do. Write v(Ellipsis) = w "
                  "to write the elements, v.rebind(w) to refer to others, swap(v, w) to exchange two views");
    return *this;
  }
  /// Writes the elements of a formula, a tensor or a number, broadcast to this shape.
  template <class F, class Isa = IsaTag>
    requires(!std::same_as<std::remove_cvref_t<F>, View>)
  View const& operator=(F&& formula) const {
    assign(*this, std::forward<F>(formula));
    return *this;
  }
  template <class F, class Isa = IsaTag> View const& operator+=(F const& f) const { return *this = *this + f; }
  template <class F, class Isa = IsaTag> View const& operator-=(F const& f) const { return *this = *this - f; }
  template <class F, class Isa = IsaTag> View const& operator*=(F const& f) const { return *this = *this * f; }
  template <class F, class Isa = IsaTag> View const& operator/=(F const& f) const { return *this = *this / f; }

  /// Refers to the elements of another view from now on; writes nothing.
  void rebind(View const& other) { data_ = other.data_, layout_ = other.layout_; }
  /// Exchanges what two views refer to; writes nothing.
  friend void swap(View& a, View& b) noexcept {
    std::swap(a.data_, b.data_);
    std::swap(a.layout_, b.layout_);
  }

 private:
  View<T> part(core::Region const& region) const { return {data_ + region.offset, region.layout}; }

  T* data_;
  Layout layout_;
};

}  // namespace wick
WICK_PRECISE_END
