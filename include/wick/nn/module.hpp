// SPDX-License-Identifier: MIT
// Modules: any callable that lets itself be visited. From `visit` come parameters, names, modes and state.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <wick/autograd/backward.hpp>
#include <wick/nn/members.hpp>
#include <wick/nn/parameters.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {
struct AnyMember {
  void operator()(char const*, auto&) const {}
};
}  // namespace detail

/// A struct that shows its members: `WICK_MODULE(fc1, fc2)` in it, or by hand
/// `void visit(auto&& member) { member("fc1", fc1), member("fc2", fc2); }`. Which members are left out of a list is an error
/// when compiling, and of a visit when it runs, if the struct is an aggregate of at most 26 members.
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

template <class X, int depth>
constexpr bool holds_part();

/// Whether `visit` has to show a member of type X: a variable, a module, a list of them, a struct that holds one and has no visit.
template <class X, int depth = 0>
constexpr bool is_part() {
  if constexpr (is_variable<X> || Module<X>) return true;
  else if constexpr (is_tensor<X> || depth == 2) return false;
  else if constexpr (requires(X& x) { *x.begin(), x.end(); }) return is_part<std::remove_cvref_t<decltype(*std::declval<X&>().begin())>, depth + 1>();
  else return holds_part<X, depth + 1>();
}
template <class... X>
struct Members {};
template <class X, int depth>
constexpr bool holds_part() {
  if constexpr (member_count<X> == 0) return false;
  else
    return []<class... Y>(Members<Y...>) { return (is_part<std::remove_const_t<Y>, depth>() || ...); }(
        decltype(with_members(std::declval<X&>(), []<class... Y>(Y&...) { return Members<Y...>(); })){});
}

// Pointers, optionals, pairs and the like: what they are made of.
template <class X>
inline constexpr bool is_made_of_parts = false;
template <class X>
inline constexpr bool is_made_of_parts<X*> = is_part<std::remove_const_t<X>>();
template <template <class...> class C, class... X>
inline constexpr bool is_made_of_parts<C<X...>> = (is_part<std::remove_const_t<X>>() || ...);
/// For a member that is shown and can be neither visited nor walked over.
template <class X>
constexpr void require_no_part() {
  static_assert(!holds_part<std::remove_const_t<X>, 0>() && !is_made_of_parts<std::remove_const_t<X>>,
                "Wick: a member that holds a module or a variable has no visit, so what it holds would not be trained, saved or cleared; "
                "write WICK_MODULE(...) into its struct, or show what a pointer or an optional holds by hand: if (p) member(\"p\", *p)");
}

// A member of a struct while its visit is checked: where it lies, and the first element of a list.
struct Member {
  void const *begin, *element;
  std::size_t bytes, element_bytes;
  std::string_view type;  // empty when visit need not show it
  bool shown = false;

  template <class X>
  static Member of(X const& x) {
    Member member{std::addressof(x), nullptr, sizeof(X), 0, {}};
    if constexpr (is_part<X>()) {
      member.type = spelled_type<X>();
      if constexpr (!is_variable<X> && !Module<X> && requires { x.begin(), x.end(); }) {
        member.shown = x.begin() == x.end();  // nothing to forget
        if (!member.shown) member.element = std::addressof(*x.begin()), member.element_bytes = sizeof(*x.begin());
      }
    }
    return member;
  }
  static bool inside(void const* x, void const* begin, std::size_t bytes) {
    return !std::less<>()(x, begin) && std::less<>()(x, static_cast<char const*>(begin) + bytes);
  }
  void see(void const* x) { shown |= inside(x, begin, bytes) || (element && inside(x, element, element_bytes)); }
};
[[noreturn]] WICK_COLD inline void fail_hidden(std::string_view owner, std::ptrdiff_t index, std::string_view type) {
  fail("module: visit of ", class_name(owner), " does not show its member number ", index + 1, ", a ", class_name(type),
       ", which would not be trained, saved or cleared; name it there, or hold it by pointer if it is no part of the module");
}
// Throws Error when the visit of an aggregate leaves out a part.
template <class M>
void require_shown(M& owner) {
  if constexpr (member_count<M> > 0)
    with_members(owner, [&]<class... X>(X&... members) {
      if constexpr ((is_part<std::remove_const_t<X>>() || ...)) {
        Member list[] = {Member::of(members)...};
        owner.visit([&](auto const&, auto& member) {
          for (Member& m : list) m.see(std::addressof(member));
        });
        for (Member const& m : list)
          if (!m.type.empty() && !m.shown) fail_hidden(spelled_type<M>(), &m - list, m.type);
      }
    });
}
// The same while compiling, for a list of members: as many of each type stand in the list as in the struct.
template <class X, class... All>
inline constexpr int how_many = (0 + ... + std::is_same_v<X, All>);
template <class M, class... Shown>
constexpr void require_listed(M& owner, Shown const&...) {
  if constexpr (member_count<M> > 0)
    with_members(owner, []<class... X>(X&...) {
      static_assert(((!is_part<std::remove_const_t<X>>() || how_many<X, Shown...> == how_many<X, X...>) && ...),
                    "Wick: WICK_MODULE(...) does not name a member that is a module or a variable, which would not be trained, saved or "
                    "cleared; name it there, or hold it by pointer if it is no part of the module");
    });
}

template <class M, class Visitor>
void visit_member(std::string const& name, M& member, Visitor& visitor);

template <class M, class Visitor>
void visit_members(std::string const& prefix, M& owner, Visitor& visitor) {
  if constexpr (Module<M>) {
    require_shown(owner);
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
  } else {
    require_no_part<M>();
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
struct VariableAddresses : Visitor {
  std::vector<void const*> found;
  void parameter(std::string const&, auto& variable) { found.push_back(&variable); }
};
struct MakeOwn : Visitor {
  std::vector<void const*> const& foreign;
  std::vector<std::pair<tape::Entry*, tape::Entry*>> made{};  // variables that were one stay one
  template <class T>
  void parameter(std::string const& name, Variable<T>& variable) {
    for (void const* other : foreign)
      if (other == &variable) fail("clone: the parameter \"", name, "\" lies behind a pointer, which a copy shares with its original");
    for (auto const& [old, own] : made)
      if (old == variable.node()) return void(variable = Variable<T>::of(static_cast<tape::Node<T>*>(own)));
    tape::Entry* const old = variable.node();
    variable = Variable<T>(variable.value(), variable.requires_grad());
    made.emplace_back(old, variable.node());
  }
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
/// A module with parameters of its own, equal to the given one's (copy.deepcopy); they have no gradients, and those that were one
/// variable are one again. Copying a module only gives its parameters a second name, as copying a Variable does. Throws Error
/// when a parameter lies behind a pointer.
template <Module M>
M clone(M const& module) {
  static_assert(std::is_copy_constructible_v<M>, "Wick: clone copies the module and gives the copy parameters of its own; this module cannot be copied");
  detail::VariableAddresses originals;
  detail::visit_members("", const_cast<M&>(module), originals);  // which only reads
  M copy = module;
  detail::MakeOwn make_own{{}, originals.found};
  detail::visit_members("", copy, make_own);
  return copy;
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

/// Writes the `visit` of a module: `struct Net { nn::Linear<> fc1{4, 8}, fc2{8, 2}; WICK_MODULE(fc1, fc2) };` shows fc1 and fc2
/// under their names. It does not compile when the struct has another member that is a module or a variable. At most 64 names.
#define WICK_MODULE(...)                                            \
  void visit([[maybe_unused]] auto&& wick_show) {                   \
    ::wick::detail::require_listed(*this __VA_OPT__(, ) __VA_ARGS__); \
    __VA_OPT__(WICK_RESCAN(WICK_SHOW(__VA_ARGS__)))                 \
  }
// A macro does not expand itself: each rescan shows one member more.
#define WICK_SHOW(member, ...) wick_show(#member, member); __VA_OPT__(WICK_SHOW_AGAIN WICK_NOTHING()()(__VA_ARGS__))
#define WICK_SHOW_AGAIN() WICK_SHOW
#define WICK_NOTHING()
#define WICK_RESCAN(...) WICK_RESCAN_16(WICK_RESCAN_16(WICK_RESCAN_16(WICK_RESCAN_16(__VA_ARGS__))))
#define WICK_RESCAN_16(...) WICK_RESCAN_4(WICK_RESCAN_4(WICK_RESCAN_4(WICK_RESCAN_4(__VA_ARGS__))))
#define WICK_RESCAN_4(...) WICK_RESCAN_1(WICK_RESCAN_1(WICK_RESCAN_1(WICK_RESCAN_1(__VA_ARGS__))))
#define WICK_RESCAN_1(...) __VA_ARGS__
WICK_PRECISE_END
