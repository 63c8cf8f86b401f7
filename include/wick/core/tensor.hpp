// SPDX-License-Identifier: MIT
// Tensor on the heap: a value whose copies share memory until one of them is written.
#pragma once

#include <span>

#include <wick/core/device.hpp>
#include <wick/core/dtype.hpp>
#include <wick/core/view.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// Storage policy: a reference-counted block on a run-time device.
struct Heap {};
/// Storage policy: the elements lie in the object itself; all extents are known when compiling.
struct Inline {};

template <class T, class E>
class Part;
template <class T, class E, class S>
class Tensor;

namespace core {
template <class X, class T>
inline constexpr bool is_heap_tensor_of = false;
template <class T, class E>
inline constexpr bool is_heap_tensor_of<Tensor<T, E, Heap>, T> = true;
/// True for what holds elements of another type than T. A formula of another type is a mistake, with a sentence for it; these
/// are another overload's argument.
template <class X, class T>
inline constexpr bool has_other_elements = false;
template <class U, class E, class S, class T>
inline constexpr bool has_other_elements<Tensor<U, E, S>, T> = !std::is_same_v<U, T>;
template <class U, class E, class T>
inline constexpr bool has_other_elements<View<U, E>, T> = !std::is_same_v<std::remove_const_t<U>, T>;
}  // namespace core

/// A value: elements of type T with extents E (`Dynamic` or `Shape<...>`). Copies are cheap and independent: the first
/// write through a shared handle copies. `Tensor<float> t = formula;` runs the formula's loop.
template <class T, class E = Dynamic, class S = Heap>
class Tensor : public Methods<Tensor<T, E, S>> {
  static_assert(std::is_same_v<S, Heap>, "Tensor<T, E, S>: S is Heap or Inline");

 public:
  using is_operand = void;
  using value_type = T;
  using extents_type = E;
  using Base = base_t<T>;

  /// No elements: shape (0,).
  Tensor() : layout_(Dims(0)) {
    if constexpr (!is_dynamic<E>) {
      Dims none;
      for (int i = 0; i < E::rank; ++i) none.push_back(E::extents[i] == Dyn ? 0 : E::extents[i]);
      *this = Tensor(uninitialized, none);
    }
  }
  struct Uninitialized {};
  static constexpr Uninitialized uninitialized{};
  /// Room for elements of this shape, which the caller is going to write.
  Tensor(Uninitialized, Dims const& shape, Device device = {}) : layout_(shape) {
    check_extents<E>("tensor", shape);
    storage_ = Storage::make<T>(layout_.numel(), device);
    data_ = static_cast<Base*>(storage_.elements());
  }
  /// Elements inside an existing block, for views that share it.
  Tensor(Storage storage, Base* data, Layout const& layout)
      : storage_(std::move(storage)), data_(data), layout_(layout) {
    check_extents<E>("tensor", layout.shape);
  }
  Tensor(Tensor const&) = default;
  Tensor(Tensor&& other) noexcept
      : storage_(std::move(other.storage_)), data_(other.data_), layout_(other.layout_) {
    other.forget();
  }
  Tensor& operator=(Tensor const& other) & {
    storage_ = other.storage_, data_ = other.data_, layout_ = other.layout_;
    return *this;
  }
  Tensor& operator=(Tensor&& other) & noexcept {
    if (this == &other) return *this;
    storage_ = std::move(other.storage_), data_ = other.data_, layout_ = other.layout_;
    other.forget();
    return *this;
  }
  /// The same elements with other knowledge of the extents, checked.
  template <class E2>
    requires(!std::is_same_v<E, E2>)
  Tensor(Tensor<T, E2, Heap> const& other) : Tensor(other.storage(), const_cast<Base*>(other.data()), other.layout()) {
    static_assert(extents_broadcast<E, E2>, "the extents of the two tensors, known when compiling, differ");
  }
  /// A copy of these elements, in row-major order, under a shape. Throws Error unless they are as many as it has.
  template <class Isa = IsaTag>
  Tensor(std::span<T const> elements, Dims const& shape) : Tensor(uninitialized, shape) {
    if (static_cast<std::int64_t>(elements.size()) != numel()) fail("tensor: ", elements.size(), " elements do not fill the shape ", shape);
    for (std::int64_t i = 0; i < numel(); ++i) ElementTraits<T>::store(data_ + i, plane_stride(), elements[static_cast<std::size_t>(i)]);
  }
  /// A tensor of no dimensions holding a number. Throws Error when T is an integer type that cannot hold it.
  template <class Number>
    requires(NumberFor<Number, T> || std::is_same_v<Number, T>)
  Tensor(Number number) : Tensor(uninitialized, Dims()) {
    if constexpr (Arithmetic<Number>) ElementTraits<T>::store(data_, storage_.plane_stride(), static_cast<T>(number_as<T>("tensor", number)));
    else ElementTraits<T>::store(data_, storage_.plane_stride(), number);
  }
  /// Computes a formula.
  template <class F, class Isa = IsaTag>
    requires(requires { typename std::remove_cvref_t<F>::is_operand; } && !core::has_other_elements<std::remove_cvref_t<F>, T> &&
             !core::is_heap_tensor_of<std::remove_cvref_t<F>, T>)  // those share, whatever their constness
  Tensor(F&& formula) : layout_(Dims(0)) {
    assign(*this, std::forward<F>(formula));
  }
  template <class F>
    requires(core::has_other_elements<std::remove_cvref_t<F>, T>)
  explicit Tensor(F&&) {
    static_assert(core::always_false<F>, "Wick: these elements are of another type than the tensor; convert them with .to<T>() or cast<T>(...)");
  }
  /// Computes a formula into this tensor: in place when nobody else holds the elements.
  template <class F, class Isa = IsaTag>
    requires((requires { typename std::remove_cvref_t<F>::is_operand; } &&
              !core::is_heap_tensor_of<std::remove_cvref_t<F>, T>) ||
             Arithmetic<std::remove_cvref_t<F>>)
  Tensor& operator=(F&& formula) & {
    assign(*this, std::forward<F>(formula));
    return *this;
  }
  template <class F>
  void operator=(F&&) && { refuse_unnamed<F>(); }

  Dims const& shape() const { return layout_.shape; }
  Strides const& strides() const { return layout_.strides; }
  Layout const& layout() const { return layout_; }
  int dim() const { return layout_.rank(); }
  /// Extent of a dimension; negative ones count from the end.
  std::int64_t size(std::int64_t axis) const { return layout_.shape[normalize_axis("size", axis, dim())]; }
  std::int64_t numel() const { return layout_.numel(); }
  static constexpr Dtype dtype() { return dtype_of<T>(); }
  Device device() const { return storage_.device(); }
  bool is_contiguous() const { return layout_.contiguous; }

  /// Lets go of the elements; afterwards the shape is (0,).
  void reset() {
    storage_ = Storage();
    forget();
  }

  /// Room for other elements of this shape, which the caller is going to write.
  void renew(Dims const& shape) {
    check_extents<E>("tensor", shape);
    Layout const layout(shape);
    storage_ = Storage::make<T>(layout.numel(), device());
    data_ = static_cast<Base*>(storage_.elements());
    layout_ = layout;
  }

  /// The first element, for reading (on the tensor's device). The others follow as `strides()` says: those of a.t() lie in
  /// the order of a.
  Base const* data() const& { return data_; }
  /// The first element, for writing: no other tensor shares the elements now. A copy made later does, and would see what
  /// is written through a pointer from before: `double* q = a.data(); b = a; q[0] = 5` changes b too. So ask again after each copy.
  template <class Isa = IsaTag>
  Base* data() & {
    own<Isa>();
    return data_;
  }
  /// A view for hand-written loops: ownership is settled once, here.
  template <class Isa = IsaTag>
  View<T, E> view() { 
    Base* const first = data<Isa>();  // may move the elements, and with them the layout
    return {first, layout_};
  }
  View<T const, E> view() const { return {data_, layout_}; }
  /// The same with a known rank, `x.view<2>()`: it is checked here, and another number of positions does not compile.
  template <int rank, class Isa = IsaTag>
  View<T, core::of_rank_t<rank>> view() {
    return view<Isa>();
  }
  template <int rank>
  View<T const, core::of_rank_t<rank>> view() const {
    return view();
  }

  /// The value of the only element. Throws Error when there are more or none.
  template <class Isa = IsaTag>
  T item() const {
    if (numel() != 1) fail("item: a tensor of shape ", shape(), " is not a single number");
    if (core::devices_in_use() && device() != Device()) {
      if (core::capturing) fail("capture: item: the host would wait for ", device(), "; ask for the number after the recorded work has run");
      return to<Isa>(Device()).template item<Isa>();
    }
    return ElementTraits<T>::load(data_, storage_.plane_stride());
  }

  /// The same: a tensor of one element is a number.
  template <std::same_as<T> N, class Isa = IsaTag>
  operator N() const {
    return item<Isa>();
  }

  /// A sub-tensor, NumPy style. Reading shares the elements; `z(1, Slice()) = 5` writes into z.
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  Part<T, E> operator()(I const&... entries) & {
    return {*this, core::subscript(layout_, {Index(entries)...}), dense({Index(entries)...})};
  }
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  Tensor<T> operator()(I const&... entries) const& {
    return share(core::subscript(layout_, {Index(entries)...}));
  }
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  Tensor<T> operator()(I const&... entries) && {
    return share(core::subscript(layout_, {Index(entries)...}));
  }
  Part<T, E> operator[](Index const& entry) & { return (*this)(entry); }
  Tensor<T> operator[](Index const& entry) const& { return (*this)(entry); }
  Tensor<T> operator[](Index const& entry) && { return share(core::subscript(layout_, {entry})); }
  /// The parts along the first dimension, as values; `for (auto row : x.view())` writes them.
  auto begin() const { return core::RowIterator<Tensor>(*this, 0); }
  auto end() const { return core::RowIterator<Tensor>(*this, core::row_count(shape())); }

  /// Swaps the two dimensions of a matrix; shares the elements. A vector stays as it is, as in PyTorch.
  Tensor<T> t() const { return permute(core::matrix_order(shape())); }
  /// Dimensions in another order; shares the elements.
  Tensor<T> permute(Axes const& order) const { return {storage_, data_, core::permuted(layout_, order)}; }
  /// Two dimensions exchanged; shares the elements.
  Tensor<T> transpose(std::int64_t a, std::int64_t b) const { return permute(core::exchanged(dim(), a, b)); }
  /// The same elements in row-major order under another shape; one extent may be -1. Shares when contiguous.
  template <class Isa = IsaTag>
  Tensor<T> reshape(Dims const& target) const {
    Dims const dims = reshaped("reshape", shape(), target);
    if (!is_contiguous()) return clone<Isa>().reshape(dims);
    return {storage_, data_, Layout(dims)};
  }
  /// The same as reshape (torch.Tensor.view): a value, unlike `view()`.
  template <class Isa = IsaTag>
  Tensor<T> view(Dims const& target) const {
    return reshape<Isa>(target);
  }
  /// Elements of another type.
  template <class U, class Isa = IsaTag>
  Tensor<U, E> to() const {
    if constexpr (std::is_same_v<T, U>)
      return *this;
    else
      return Tensor<U, E>(cast<U>(*this));
  }
  /// The tensor on a device: this one when it is there already. Throws Error when this program lacks the device.
  template <class Isa = IsaTag>
  Tensor to(Device where) const {
    if (where == device()) return *this;
    if (!is_contiguous() || (ElementTraits<T>::planes > 1 && plane_stride() != numel())) return clone<Isa>().to(where);
    core::device_runtime("to", where == Device() ? device() : where);
    core::current_statement = "to";
    Tensor copy(uninitialized, shape(), where);
    core::note_use(storage_.block());
    core::copy_bytes(copy.data_, where, data_, device(), static_cast<std::size_t>(numel()) * sizeof(Base) * ElementTraits<T>::planes);
    return copy;
  }
  /// Writes the elements of `source`, which may be on another device, into this tensor (torch.Tensor.copy_). Its memory stays
  /// where it is unless it is shared or not row-major. Throws Error when the shapes differ.
  template <class Isa = IsaTag>
  void copy_from(Tensor const& source) {
    if (source.shape() != shape()) fail("copy_from: a tensor of shape ", source.shape(), " does not fit into one of shape ", shape());
    core::require_in_place("copy_from", storage_.block(), storage_.use_count() > 1);
    Tensor const from = source.contiguous();
    if (!is_contiguous()) *this = clone<Isa>();
    else own<Isa>();
    core::current_statement = "copy_from";
    core::note_use(storage_.block()), core::note_use(from.storage_.block());
    for (int p = 0; p < ElementTraits<T>::planes; ++p)
      core::copy_bytes(data_ + p * plane_stride(), device(), from.data_ + p * from.plane_stride(), from.device(),
                       static_cast<std::size_t>(numel()) * sizeof(Base));
  }
  /// This tensor with its elements in row-major order; itself when they already are.
  template <class Isa = IsaTag>
  Tensor contiguous() const {
    if (is_contiguous()) return *this;
    return clone<Isa>();
  }
  /// A copy that shares nothing.
  template <class Isa = IsaTag>
  Tensor clone() const {
    Tensor copy(uninitialized, shape(), device());
    copy_elements(Isa{}, copy, *this);
    return copy;
  }

  /// In place when nobody else holds the elements. Throws Error when `f` would widen the tensor.
  template <class F, class Isa = IsaTag> Tensor& operator+=(F const& f) & { return update("+=", *this + f); }
  template <class F, class Isa = IsaTag> Tensor& operator-=(F const& f) & { return update("-=", *this - f); }
  template <class F, class Isa = IsaTag> Tensor& operator*=(F const& f) & { return update("*=", *this * f); }
  template <class F, class Isa = IsaTag> Tensor& operator/=(F const& f) & { return update("/=", *this / f); }

  template <class F> void operator+=(F const&) && { refuse_unnamed<F>(); }
  template <class F> void operator-=(F const&) && { refuse_unnamed<F>(); }
  template <class F> void operator*=(F const&) && { refuse_unnamed<F>(); }
  template <class F> void operator/=(F const&) && { refuse_unnamed<F>(); }

  Storage const& storage() const { return storage_; }
  std::int64_t plane_stride() const { return storage_.plane_stride(); }
  /// Makes this handle the only one on its elements, copying them if they are shared.
  template <class Isa = IsaTag>
  void own() {
    if (storage_.use_count() > 1) *this = clone<Isa>();
  }
  Tensor<T> share(core::Region const& region) const { return {storage_, data_ + region.offset, region.layout}; }

 private:
  // A tensor is a value: what would be written is gone with the statement.
  template <class F>
  static void refuse_unnamed() {
    static_assert(core::always_false<F>,
                  "Wick: this writes to a tensor without a name, which nobody can read afterwards: the result of t(), reshape() or permute(), or a part "
                  "of a const tensor. Write to a tensor, to its part z(...) = value, or through a View (z.view().t() = value)");
  }
  template <class F>
  Tensor& update(char const* operation, F&& formula) {
    if (!(formula.shape() == shape()))
      fail(operation, ": a value of shape ", formula.shape(), " does not fit into a tensor of shape ", shape());
    return *this = std::forward<F>(formula);
  }
  // Where a subscript would point if the elements were row-major: a write may have to move them.
  core::Region dense(std::initializer_list<Index> entries) const {
    return is_contiguous() ? core::Region() : core::subscript(Layout(shape()), entries);
  }
  void forget() {
    data_ = nullptr;
    layout_.shape.resize(1);
    layout_.shape[0] = 0;
    layout_.strides.resize(1);
    layout_.contiguous = true;
  }

  Storage storage_;
  Base* data_ = nullptr;
  Layout layout_;
};

}  // namespace wick
WICK_PRECISE_END
