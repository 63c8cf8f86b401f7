// SPDX-License-Identifier: MIT
// A module prints as the tree of its parts, as PyTorch prints it.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <wick/nn/module.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

/// As Python writes them: True; 0.5 and 1.0; 2 or (2, 1).
inline std::string python_text(bool x) { return x ? "True" : "False"; }
WICK_COLD inline std::string python_text(double x) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << x;
  return out.str().find_first_not_of("-0123456789") == std::string::npos ? out.str() + ".0" : out.str();
}
WICK_COLD inline std::string python_pair(IntPair x) { return "(" + std::to_string(x.first) + ", " + std::to_string(x.second) + ")"; }
WICK_COLD inline std::string python_size(IntPair x) { return x.first == x.second ? std::to_string(x.first) : python_pair(x); }
WICK_COLD inline std::string pool_text(IntPair kernel, IntPair stride, IntPair padding) {
  IntPair const step(stride.first ? stride.first : kernel.first, stride.second ? stride.second : kernel.second);
  return "kernel_size=" + python_size(kernel) + ", stride=" + python_size(step) + ", padding=" + python_size(padding);
}

// Parts of a module that are modules, each with its name and its tree.
using ModuleTrees = std::vector<std::pair<std::string, std::string>>;

// Equal neighbours of a list stand in one line: "(0-1): 2 x Linear(...)".
WICK_COLD inline void join_equal(ModuleTrees& parts) {
  ModuleTrees joined;
  for (std::size_t i = 0, end; i < parts.size(); i = end) {
    for (end = i + 1; end < parts.size() && parts[end].second == parts[i].second;) ++end;
    if (end == i + 1) joined.push_back(parts[i]);
    else joined.emplace_back(parts[i].first + "-" + parts[end - 1].first, std::to_string(end - i) + " x " + parts[i].second);
  }
  parts = std::move(joined);
}
WICK_COLD inline std::string module_tree(std::string const& name, std::string const& extra, ModuleTrees const& parts) {
  if (parts.empty()) return name + "(" + extra + ")";
  std::string lines = extra.empty() ? "" : "\n" + extra;
  for (auto const& [part, tree] : parts) lines += "\n(" + part + "): " + tree;
  for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += 3) lines.insert(at + 1, "  ");
  return name + "(" + lines + "\n)";
}
template <class M>
std::string module_tree(M& module) {
  ModuleTrees parts;
  std::string extra, name;
  if constexpr (Module<M>) {
    if constexpr (requires { module.extra_repr(); }) extra = module.extra_repr();
    module.visit([&](auto const& part, auto& member) {
      using X = std::remove_cvref_t<decltype(member)>;
      if constexpr (!is_variable<X> && is_part<X>()) parts.emplace_back(part, module_tree(member));
    });
    name = class_name<M>();
  } else if constexpr (!requires { module.begin(); }) {
    require_no_part<M>();
  } else {
    for (auto& member : module)
      if constexpr (!is_variable<std::remove_cvref_t<decltype(member)>>) parts.emplace_back(std::to_string(parts.size()), module_tree(member));
    join_equal(parts);
    name = "ModuleList";
  }
  return module_tree(name, extra, parts);
}

}  // namespace detail

/// Prints a module as a tree: the name of its type, what its `extra_repr()` says if it has one, and its parts that are modules
/// (torch.nn.Module.__repr__). A module of another namespace finds this operator under `using namespace wick` or by
/// `using wick::operator<<`.
template <Module M>
std::ostream& operator<<(std::ostream& out, M const& module) {
  return out << detail::module_tree(const_cast<M&>(module));  // visit is seldom const, and here only reads
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
