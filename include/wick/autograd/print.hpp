// SPDX-License-Identifier: MIT
// A variable prints as PyTorch prints a tensor that knows of gradients.
#pragma once

#include <cctype>
#include <string>

#include <wick/autograd/variable.hpp>
#include <wick/core/print.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace detail {

/// What stands after the elements: "requires_grad=True", or "grad_fn=<LogSoftmaxBackward0>" after the statement "log_softmax".
WICK_COLD inline std::string gradient_note(tape::Entry const& entry) {
  if (!entry.requires_grad) return "";
  if (entry.order == 0) return "requires_grad=True";
  std::string note = "grad_fn=<";
  bool first = true;
  for (char const* c = entry.type->name; *c; ++c) {
    if (*c != '_') note += first ? static_cast<char>(std::toupper(static_cast<unsigned char>(*c))) : *c;
    first = *c == '_';
  }
  return note + "Backward0>";
}

}  // namespace detail

/// Prints the value, and what is known of its gradient: `tensor([1., 2.], requires_grad=True)`.
template <class T, class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, Variable<T> const& x) {
  Tensor<T> const here = x.value().template to<Isa>(Device());
  core::PrintSource source = core::print_source<T>(here.data(), here.layout(), here.plane_stride());
  source.device = x.device();
  source.note = detail::gradient_note(*x.node());
  return core::print(out, source);
}

}  // namespace wick
WICK_PRECISE_END
