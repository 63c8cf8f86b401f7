// SPDX-License-Identifier: MIT
// Modules: any callable that lets itself be visited. From `visit` come parameters, names, modes and state.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <wick/autograd/backward.hpp>
#include <wick/nn/parameters.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {
struct AnyMember {
  void operator()(char const*, auto&) const {}
};
}  // namespace detail

/// A struct that shows its members: `void visit(auto&& member) { member("fc1", fc1), member("fc2", fc2); }`.
template <class M>
concept Module = requires(M& m) { m.visit(detail::AnyMember{}); };

namespace detail {

template <class X>
inline constexpr bool is_variable = false;
template <class T>
inline constexpr bool is_variable<Variable<T>> = true;
template <class X>
inline constexpr bool is_tensor = false;
template <class T, class E>
inline constexpr bool is_tensor<Tensor<T, E, Heap>> = true;

template <class M, class Visitor>
void visit_member(std::string const& name, M& member, Visitor& visitor);

template <class M, class Visitor>
void visit_members(std::string const& prefix, M& owner, Visitor& visitor) {
  if constexpr (Module<M>) {
    visitor.enter(owner);
    owner.visit([&](auto const& name, auto& member) {
      visit_member(prefix.empty() ? std::string(name) : prefix + "." + name, member, visitor);
    });
  }
}
template <class M, class Visitor>
void visit_member(std::string const& name, M& member, Visitor& visitor) {
  if constexpr (is_variable<M>) visitor.parameter(name, member);
  else if constexpr (is_tensor<M>) visitor.buffer(name, member);
  else if constexpr (Module<M>) visit_members(name, member, visitor);
  else if constexpr (requires { member.begin(), member.end(); }) {
    std::size_t i = 0;
    for (auto& part : member) visit_member(name + "." + std::to_string(i++), part, visitor);
  }
}

// What a visitor does not look at.
struct Visitor {
  void enter(auto&) {}
  void buffer(std::string const&, auto&) {}
  void parameter(std::string const&, auto&) {}
};
template <class T>
struct NamedParameters : Visitor {
  std::vector<std::pair<std::string, Variable<T>>> found;
  template <class U>
  void parameter(std::string const& name, Variable<U>& variable) {
    if constexpr (std::is_same_v<T, U>) found.emplace_back(name, variable);
  }
};
struct CollectParameters : Visitor {
  nn::Parameters found;
  void parameter(std::string const&, auto& variable) { found.add(variable); }
};
struct ZeroGrad : Visitor {
  void parameter(std::string const&, auto& variable) { variable.zero_grad(); }
};
struct MoveTo : Visitor {
  Device device;
  void buffer(std::string const&, auto& tensor) { tensor = tensor.to(device); }
  void parameter(std::string const&, auto& variable) {
    variable.zero_grad();
    variable.set_value(variable.value().to(device));
  }
};
struct SetMode : Visitor {
  bool training;
  void enter(auto& module) {
    if constexpr (requires { module.training = true; }) module.training = training;
  }
};

}  // namespace detail

/// The variables of element type T of a module with their names ("conv1.weight"), in the order of its members.
template <class T, Module M>
std::vector<std::pair<std::string, Variable<T>>> named_parameters(M& module) {
  detail::NamedParameters<T> list;
  detail::visit_members("", module, list);
  return std::move(list.found);
}
/// The variables of a module of `float` with their names (torch.nn.Module.named_parameters). Throws Error when it has
/// parameters of other types: they come from `named_parameters<T>(model)`.
template <Module M>
auto named_parameters(M& module) {
  detail::CollectParameters list;
  detail::visit_members("", module, list);
  list.found.begin();  // the error of mixed types
  return named_parameters<float>(module);
}
/// The variables of element type T of a module. A variable that stands in two places is listed once.
template <class T, Module M>
std::vector<Variable<T>> parameters(M& module) {
  std::vector<Variable<T>> result;
  for (auto const& [name, variable] : named_parameters<T>(module)) wick::detail::add_once(result, variable);
  return result;
}
/// The variables of a module, of all element types (torch.nn.Module.parameters).
template <Module M>
nn::Parameters parameters(M& module) {
  detail::CollectParameters list;
  detail::visit_members("", module, list);
  return std::move(list.found);
}
/// Puts a module and its parts into training mode (dropout drops) or out of it.
template <Module M>
void train(M& module, bool on = true) {
  detail::SetMode mode{{}, on};
  detail::visit_members("", module, mode);
}
/// Puts a module and its parts into evaluation mode.
template <Module M>
void eval(M& module) { train(module, false); }
/// Forgets the gradients of all parameters, whatever their element type.
template <Module M>
void zero_grad(M& module) {
  detail::ZeroGrad visitor;
  detail::visit_members("", module, visitor);
}
/// Moves a module's parameters and buffers to a device (torch.nn.Module.to); gradients are forgotten. Optimizers are made
/// afterwards. Throws Error, before anything has moved, when this program lacks the device.
template <Module M>
void to(M& module, Device device) {
  core::require_device("to", device);
  detail::MoveTo move{{}, device};
  detail::visit_members("", module, move);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
