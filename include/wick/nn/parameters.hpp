// SPDX-License-Identifier: MIT
// A list of parameters of all element types: what `parameters(model)` gives, and what optimizers, `zero_grad` and clipping take.
#pragma once

#include <initializer_list>
#include <tuple>
#include <vector>

#include <wick/autograd/variable.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace detail {
// Variables of one type. How their elements are reached comes with the first one: a program compiles it for its own types.
template <class T>
struct VariableList {
  std::vector<Variable<T>> variables;
  T* (*value)(Variable<T> const&) = nullptr;
  T* (*gradient)(Variable<T> const&, bool write) = nullptr;
};
}  // namespace detail

namespace nn {

/// Variables of `float`, `double`, `float16` and `bfloat16`, each once. A list of `float` alone, which is the usual one, is
/// also a range of `Variable<float>`; taking a mixed one as such a range throws Error.
class Parameters {
 public:
  Parameters() = default;
  template <class T>
  Parameters(std::vector<Variable<T>> const& variables) {
    for (auto const& variable : variables) add(variable);
  }
  template <class T>
  Parameters(std::initializer_list<Variable<T>> variables) {
    for (auto const& variable : variables) add(variable);
  }
  /// Appends a variable that is not in the list yet. One of integers never has a gradient and is left out; another type is
  /// an Error if a gradient is wanted.
  template <class T>
  void add(Variable<T> const& variable) {
    if constexpr (Lane<T> || Half<T>) {
      List<T>& list = std::get<List<T>>(lists_);
      list.value = &value_of<T>, list.gradient = &gradient_of<T>;
      wick::detail::add_once(list.variables, variable);
    } else if constexpr (!std::is_integral_v<T>)
      if (variable.requires_grad()) fail_of_type(dtype_of<T>());
  }
  /// Those of element type T.
  template <class T>
  std::vector<Variable<T>> const& of() const { return std::get<List<T>>(lists_).variables; }
  /// Calls f(variable) for each, one element type after another.
  template <class F>
  void each(F const& f) const {
    std::apply([&](auto const&... lists) {
      auto const all = [&](auto const& list) {
        for (auto const& variable : list.variables) f(variable);
      };
      (all(lists), ...);
    }, lists_);
  }
  std::size_t size() const { return of<float>().size() + of<double>().size() + of<float16>().size() + of<bfloat16>().size(); }
  bool empty() const { return size() == 0; }

  auto begin() const { return floats().begin(); }
  auto end() const { return floats().end(); }
  Variable<float> const& operator[](std::size_t i) const { return floats()[i]; }
  operator std::vector<Variable<float>> const&() const { return floats(); }

  /// The elements of a variable of this list, for writing in place; made row-major first if they are not.
  template <class T>
  T* value_data(Variable<T> const& variable) const { return std::get<List<T>>(lists_).value(variable); }
  /// Those of its gradient, only for reading unless `write` is set: other tensors may share them.
  template <class T>
  T* gradient_data(Variable<T> const& variable, bool write) const { return std::get<List<T>>(lists_).gradient(variable, write); }

 private:
  template <class T>
  using List = wick::detail::VariableList<T>;
  template <class T>
  static T* value_of(Variable<T> const& variable) {
    Tensor<T>& value = variable.mutable_value();
    if (!value.is_contiguous()) value = value.contiguous();
    if (core::devices_in_use()) [[unlikely]] {
      core::require_in_place("step", value.storage().block(), value.storage().use_count() > 1);
      core::note_use(value.storage().block());
    }
    return value.data();
  }
  template <class T>
  static T* gradient_of(Variable<T> const& variable, bool write) {
    Tensor<T>& gradient = variable.mutable_grad();
    if (!gradient.is_contiguous()) gradient = gradient.contiguous();
    core::note_use(gradient.storage().block());
    return write ? gradient.data() : const_cast<T*>(std::as_const(gradient).data());
  }
  [[noreturn]] WICK_COLD static void fail_of_type(Dtype dtype) {
    fail("parameters: the model has a parameter of ", dtype,
         "; a list of all parameters holds those of float32, float64, float16 and bfloat16, `parameters<T>(model)` those of a type T");
  }
  std::vector<Variable<float>> const& floats() const {
    if (of<float>().size() != size()) fail_mixed();
    return of<float>();
  }
  [[noreturn]] WICK_COLD void fail_mixed() const {
    fail("parameters: of ", size(), " parameters ", of<float>().size(), " are float32, ", of<double>().size(), " float64, ", of<float16>().size(),
         " float16, ", of<bfloat16>().size(), " bfloat16; a loop over variables is over one type: use `parameters<T>(model)`");
  }

  std::tuple<List<float>, List<double>, List<float16>, List<bfloat16>> lists_;
};

}  // namespace nn

/// Forgets the gradients of all variables of a list.
inline void zero_grad(nn::Parameters const& parameters) {
  parameters.each([](auto const& variable) { variable.zero_grad(); });
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
