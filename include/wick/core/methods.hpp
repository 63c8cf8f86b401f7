// SPDX-License-Identifier: MIT
// Functions that people chain, as methods of tensors, views, variables and formulas: `x.sum()` is `sum(x)`.
#pragma once

#include <wick/core/index.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// Options of a reduction.
struct ReduceOptions {
  bool keepdim = false;  ///< reduced dimensions stay, with extent 1
};

namespace core {

template <class>
inline constexpr bool always_false = false;

template <class N>
void refuse_order() {
  static_assert(always_false<N>,
                "Wick: the number beside the argument of norm could be an order or a dimension. The Euclidean norm along dimension 3 is norm(x, {3}), "
                "the norm of order 3 is pow(sum(pow(abs(x), 3)), 1. / 3)");
}

// A method hides the function of its name from its own body. These call it; it is found where a template is instantiated, so
// that the core does not know it. The tag puts the instruction set into their names.
template <class Isa, class... X> constexpr auto call_sum(X const&... x) { return sum(x...); }
template <class Isa, class... X> constexpr auto call_mean(X const&... x) { return mean(x...); }
template <class Isa, class... X> constexpr auto call_prod(X const&... x) { return prod(x...); }
template <class Isa, class... X> constexpr auto call_max(X const&... x) { return max(x...); }
template <class Isa, class... X> constexpr auto call_min(X const&... x) { return min(x...); }
template <class Isa, class... X> constexpr auto call_norm(X const&... x) { return norm(x...); }
template <class Isa, class... X> constexpr auto call_any(X const&... x) { return any(x...); }
template <class Isa, class... X> constexpr auto call_all(X const&... x) { return all(x...); }
template <class Isa, class... X> auto call_argmax(X const&... x) { return argmax(x...); }
template <class Isa, class... X> auto call_argmin(X const&... x) { return argmin(x...); }
template <class Isa, class... X> auto call_permute(X const&... x) { return permute(x...); }
template <class Isa, class... X> auto call_transpose(X const&... x) { return transpose(x...); }
template <class Isa, class... X> auto call_reshape(X const&... x) { return reshape(x...); }
template <class Isa, class... X> auto call_flatten(X const&... x) { return flatten(x...); }
template <class Isa, class... X> auto call_squeeze(X const&... x) { return squeeze(x...); }
template <class Isa, class... X> auto call_unsqueeze(X const&... x) { return unsqueeze(x...); }
template <class Isa, class... X>
void call_backward(X const&... x) {
  static_assert(requires { backward(x...); }, "Wick: backward: include wick/wick.hpp, and let a variable take part in what is differentiated");
  backward(x...);
}

}  // namespace core

/// The methods of X, each as the function of its name documents it.
template <class X>
class Methods {
 public:
  template <class Isa = IsaTag> constexpr auto sum() const { return core::call_sum<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto sum(Axes const& axes, ReduceOptions options = {}) const { return core::call_sum<Isa>(self(), axes, options); }
  template <class Isa = IsaTag> constexpr auto mean() const { return core::call_mean<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto mean(Axes const& axes, ReduceOptions options = {}) const { return core::call_mean<Isa>(self(), axes, options); }
  template <class Isa = IsaTag> constexpr auto prod() const { return core::call_prod<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto prod(Axes const& axes, ReduceOptions options = {}) const { return core::call_prod<Isa>(self(), axes, options); }
  template <class Isa = IsaTag> constexpr auto max() const { return core::call_max<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto max(Axes const& axes, ReduceOptions options = {}) const { return core::call_max<Isa>(self(), axes, options); }
  template <class Isa = IsaTag> constexpr auto min() const { return core::call_min<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto min(Axes const& axes, ReduceOptions options = {}) const { return core::call_min<Isa>(self(), axes, options); }
  template <class Isa = IsaTag> constexpr auto norm() const { return core::call_norm<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto norm(Axes const& axes, ReduceOptions options = {}) const { return core::call_norm<Isa>(self(), axes, options); }
  template <class N> requires std::is_arithmetic_v<N> void norm(N, ReduceOptions = {}) const { core::refuse_order<N>(); }
  template <class Isa = IsaTag> constexpr auto any() const { return core::call_any<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto any(Axes const& axes, ReduceOptions options = {}) const { return core::call_any<Isa>(self(), axes, options); }
  template <class Isa = IsaTag> constexpr auto all() const { return core::call_all<Isa>(self()); }
  template <class Isa = IsaTag> constexpr auto all(Axes const& axes, ReduceOptions options = {}) const { return core::call_all<Isa>(self(), axes, options); }
  template <class Isa = IsaTag> auto argmax() const { return core::call_argmax<Isa>(self()); }
  template <class Isa = IsaTag> auto argmax(std::int64_t axis, ReduceOptions options = {}) const { return core::call_argmax<Isa>(self(), axis, options); }
  template <class Isa = IsaTag> auto argmin() const { return core::call_argmin<Isa>(self()); }
  template <class Isa = IsaTag> auto argmin(std::int64_t axis, ReduceOptions options = {}) const { return core::call_argmin<Isa>(self(), axis, options); }

  template <class Isa = IsaTag> auto reshape(Dims const& shape) const { return core::call_reshape<Isa>(self(), shape); }
  template <class Isa = IsaTag> auto view(Dims const& shape) const { return core::call_reshape<Isa>(self(), shape); }
  template <class Isa = IsaTag> auto permute(Axes const& order) const { return core::call_permute<Isa>(self(), order); }
  template <class Isa = IsaTag> auto transpose(std::int64_t a, std::int64_t b) const { return core::call_transpose<Isa>(self(), a, b); }
  template <class Isa = IsaTag> auto flatten(std::int64_t start = 0, std::int64_t end = -1) const { return core::call_flatten<Isa>(self(), start, end); }
  template <class Isa = IsaTag> auto squeeze() const { return core::call_squeeze<Isa>(self()); }
  template <class Isa = IsaTag> auto unsqueeze(std::int64_t axis) const { return core::call_unsqueeze<Isa>(self(), axis); }
  /// The two dimensions of a matrix exchanged. A vector stays as it is, as in PyTorch.
  template <class Isa = IsaTag> auto t() const { return core::call_permute<Isa>(self(), core::matrix_order(self().shape())); }

  /// `auto h = relu(x); h = tanh(h);` cannot work: the type of h is that of the first formula.
  template <class F>
  void operator=(F const&) {
    static_assert(core::always_false<F>,
                  "Wick: `auto` named a formula, and a formula of another type is assigned to it. Give each result a name of its own, or declare a Tensor "
                  "(or a Variable, where a gradient is wanted) and assign to that");
  }

  /// A region, NumPy style, as a formula; its gradient goes to the region's elements.
  template <class... I, class Isa = IsaTag>
    requires(std::convertible_to<I, Index> && ...)
  auto operator()(I const&... entries) const {
    return select(Isa{}, self(), core::select(self().shape(), {Index(entries)...}));
  }
  template <class Isa = IsaTag>
  auto operator[](Index const& entry) const {
    return select(Isa{}, self(), core::select(self().shape(), {entry}));
  }

  /// Adds the gradient of this, a single number, to every variable that it depends on.
  template <class... A, class Isa = IsaTag>
  void backward(A const&... gradient) const {
    core::call_backward<Isa>(self(), gradient...);
  }

 private:
  constexpr X const& self() const { return static_cast<X const&>(*this); }
};

}  // namespace wick
WICK_PRECISE_END
