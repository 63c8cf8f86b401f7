// SPDX-License-Identifier: MIT
// What `z(1, Slice())` names when z can be written: a region of z to read from, or to assign to at once.
#pragma once

#include <wick/core/tensor.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// A region of a tensor, made by indexing. Reading it never dangles (it shares the elements). Writing needs the tensor
/// itself, so only the unnamed result of an index expression can be assigned to: `z[0] = 5`, `z[0][1] = 5`.
template <class T, class E = Dynamic>
class Part : public Methods<Part<T, E>> {
 public:
  using is_part = void;
  using value_type = T;

  Part(Tensor<T, E>& owner, core::Region const& region, core::Region const& dense)
      : owner_(&owner), offset_(region.offset), dense_(dense), value_(owner.share(region)) {}
  Part(Part const&) = default;

  /// The region as a tensor that shares the elements.
  Tensor<T> const& value() const& { return value_; }
  /// The same of an unnamed part, without keeping a second handle on the elements.
  Tensor<T>&& value() && { return std::move(value_); }
  operator Tensor<T>() const& { return value_; }
  operator Tensor<T>() && { return std::move(value_); }
  /// A view of the tensor's elements: nobody else shares them now.
  template <class U, class Isa = IsaTag>
    requires(std::same_as<std::remove_const_t<U>, T>)
  operator View<U>() && {
    core::Region region{offset_, value_.layout()};
    value_ = Tensor<T>();
    bool const moves = owner_->storage().use_count() > 1 && !owner_->is_contiguous();  // and is row-major then
    if (moves) region = dense_;
    return {owner_->template data<Isa>() + region.offset, region.layout};
  }
  /// The number of a region of one element.
  template <std::same_as<T> N, class Isa = IsaTag>
  operator N() const {
    return item<Isa>();
  }

  template <class F, class Isa = IsaTag>
  void operator=(F&& formula) && {
    core::Region const region{offset_, value_.layout()};
    value_.reset();  // from here on only the owner and the formula hold the elements
    assign_region(Isa{}, *owner_, region, dense_, std::forward<F>(formula));
  }
  // These cannot have a tag: they become part of what calls them.
  WICK_LAMBDA_INLINE void operator=(Part const& other) && { std::move(*this).operator=(Tensor<T>(other.value_)); }
  WICK_LAMBDA_INLINE void operator=(Part&& other) && { std::move(*this).operator=(std::move(other.value_)); }
  template <class F>
  void operator=(F&&) & {
    static_assert(core::always_false<F>,
                  "a named part of a tensor cannot be assigned to: write z(...) = value, or use a View of the tensor");
  }
  template <class F, class Isa = IsaTag> void operator+=(F&& f) && { std::move(*this) = value_ + std::forward<F>(f); }
  template <class F, class Isa = IsaTag> void operator-=(F&& f) && { std::move(*this) = value_ - std::forward<F>(f); }
  template <class F, class Isa = IsaTag> void operator*=(F&& f) && { std::move(*this) = value_ * std::forward<F>(f); }
  template <class F, class Isa = IsaTag> void operator/=(F&& f) && { std::move(*this) = value_ / std::forward<F>(f); }

  template <class Isa = IsaTag>
  T item() const {
    return value_.template item<Isa>();
  }
  Dims const& shape() const { return value_.shape(); }
  int dim() const { return value_.dim(); }
  std::int64_t size(std::int64_t axis) const { return value_.size(axis); }
  std::int64_t numel() const { return value_.numel(); }
  /// A part of a part: of an unnamed one, which can be written, a part of the tensor.
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  Part operator()(I const&... entries) && {
    return part({Index(entries)...});
  }
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  Tensor<T> operator()(I const&... entries) const& {
    return value_(entries...);
  }
  Part operator[](Index const& entry) && { return part({entry}); }
  Tensor<T> operator[](Index const& entry) const& { return value_[entry]; }
  auto begin() const { return value_.begin(); }
  auto end() const { return value_.end(); }
  Tensor<T> t() const { return value_.t(); }
  Tensor<T> permute(Axes const& order) const { return value_.permute(order); }
  Tensor<T> reshape(Dims const& target) const { return value_.reshape(target); }

 private:
  Part part(std::initializer_list<Index> entries) {
    auto const within = [&](std::int64_t offset, Layout const& layout) {
      core::Region region = core::subscript(layout, entries);
      region.offset += offset;
      return region;
    };
    Part result(*owner_, within(offset_, value_.layout()), owner_->is_contiguous() ? core::Region() : within(dense_.offset, dense_.layout));
    value_ = Tensor<T>();  // the owner's elements have one handle less to be copied for
    return result;
  }

  Tensor<T, E>* owner_;
  std::int64_t offset_;
  core::Region dense_;  // the region once the owner is row-major, if it is not
  Tensor<T> value_;
};

}  // namespace wick
WICK_PRECISE_END
