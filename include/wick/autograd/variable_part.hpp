// SPDX-License-Identifier: MIT
// `u(in, in) = formula` for variables: the name moves on to a variable with another region, and the statement is recorded.
#pragma once

#include <wick/autograd/variable.hpp>
#include <wick/ops/select.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// What `u(1, Slice())` names when u is a variable that can be given another value: a formula, or a region to assign to at
/// once. Assigning is recorded; u is then the result, and other names of the variable that it was keep its value. Under
/// NoGrad, and where no gradient can flow, the elements are written in place.
template <class T>
class VariablePart : public Lazy<T, true> {
 public:
  using is_part = void;
  using Formula = Lazy<T, true>;

  VariablePart(Variable<T>& owner, core::Selection const& selection)
      : Formula(select(IsaTag{}, std::as_const(owner), selection)), owner_(&owner), selection_(selection) {}
  VariablePart(VariablePart const&) = default;

  Formula const& formula() const& { return *this; }
  Formula&& formula() && { return std::move(*this); }

  template <class F>
  void operator=(F&& value) && {
    static_cast<Formula&>(*this) = Formula(nullptr);  // from here on only the owner and the value hold the elements
    assign_region(IsaTag{}, *owner_, selection_, std::forward<F>(value));
  }
  void operator=(VariablePart const& other) && { std::move(*this) = other.formula(); }
  template <class F>
  void operator=(F&&) & {
    static_assert(core::always_false<F>, "a named part of a variable cannot be assigned to: write u(...) = value");
  }
  template <class F> void operator+=(F&& f) && { std::move(*this) = formula() + std::forward<F>(f); }
  template <class F> void operator-=(F&& f) && { std::move(*this) = formula() - std::forward<F>(f); }
  template <class F> void operator*=(F&& f) && { std::move(*this) = formula() * std::forward<F>(f); }
  template <class F> void operator/=(F&& f) && { std::move(*this) = formula() / std::forward<F>(f); }

 private:
  Variable<T>* owner_;
  core::Selection selection_;
};

template <class T>
auto select_part(IsaTag, Variable<T>& x, core::Selection const& selection) {
  return VariablePart<T>(x, selection);
}

/// Gives a region of a variable other elements.
template <class T, class X>
void assign_region(IsaTag, Variable<T>& owner, core::Selection const& selection, X&& value) {
  auto const f = detail::formula_of<T>(std::forward<X>(value));
  using F = std::remove_const_t<decltype(f)>;
  detail::check_element_type<T, F>();
  detail::check_fits(f.shape(), selection.shape);
  if (!grad_enabled() || !(owner.requires_grad() || is_active(f))) {
    Tensor<T>& elements = owner.mutable_value();
    return assign_region(IsaTag{}, elements, selection.of(elements.layout()), selection.of(Layout(elements.shape())), f);
  }
  if (owner.is_leaf() && owner.requires_grad())
    fail("index: a region of a leaf variable that requires a gradient is assigned to only under NoGrad; assign to a result, such as u * 1");
  Variable<T> part = [&] {
    if constexpr (is_recordable<F>) return Variable<T>(f);
    else return Variable<T>(Tensor<T>(f), false);
  }();
  if (!(part.shape() == selection.shape)) part = Variable<T>(part + zeros<T>(selection.shape).to(owner.device()));
  owner = Variable<T>(kernel<T>(detail::ReplaceOp{selection}, owner.shape(), owner, part));
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
