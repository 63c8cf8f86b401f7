// SPDX-License-Identifier: MIT
// Tape entries of kernel nodes. Their adjoint is written once, with our own operations: with tensors it computes the
// gradient, with variables it records it.
#pragma once

#include <wick/autograd/record.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <class Op>
constexpr bool needs_inputs() {
  if constexpr (requires { Op::needs_inputs; }) return Op::needs_inputs;
  else return true;
}
template <class Op>
constexpr bool kernel_needs_result() {
  if constexpr (requires { Op::needs_result; }) return Op::needs_result;
  else return false;
}

/// The entry of a kernel node with operands of element types U.
template <class Op, class T, class... U>
struct KernelEntry final : tape::Node<T> {
  Op op;
  std::optional<std::tuple<Saved<U>...>> saved;
  Tensor<T> result;

  KernelEntry(Op const& attributes, Dims const& dims, Saved<U>... inputs)
      : op(attributes), saved(std::in_place, std::move(inputs)...) {
    this->type = &kernel_type;
    this->requires_grad = true;
    this->shape = dims;
  }

  static void propagate(tape::Entry& entry, tape::Propagation& pass) {
    auto& self = static_cast<KernelEntry&>(entry);
    if constexpr (shows_region)
      return accumulate_region(pass, *std::get<0>(*self.saved).edge.get(), self.op.selection, self.gradient);
    std::apply(
        [&](auto const&... x) {
          auto gradients = self.op.adjoint(self.gradient, self.result, x.value...);
          self.each(gradients, [&](auto& node, auto& gradient) { accumulate(pass, node, std::move(gradient)); }, pass);
        },
        *self.saved);
  }
  WICK_COLD static void propagate_graph(tape::Entry& entry, tape::Propagation& pass) {
    auto& self = static_cast<KernelEntry&>(entry);
    std::apply(
        [&](auto const&... x) {
          Variable<T> const result = [&self] {
            if constexpr (kernel_needs_result<Op>()) return variable_of(Saved<T>{self.result, tape::Edge<T>(&self)});
            else return Variable<T>::of(&self);
          }();
          auto gradients = self.op.adjoint(gradient_variable<T>(self), result, input_variable(x)...);
          self.each(
              gradients,
              [&]<class V>(tape::Node<V>& node, auto& gradient) { accumulate_graph(pass, node, Variable<V>(std::move(gradient))); }, pass);
        },
        *self.saved);
  }
  template <class V>
  static auto input_variable(Saved<V> const& x) {
    if constexpr (std::is_integral_v<V>) return x.value;
    else return variable_of(x);
  }
  template <class G, class F>
  void each(G& gradients, F const& give, tape::Propagation& pass) {
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (
          [&] {
            using Gradient = std::remove_cvref_t<decltype(std::get<K>(gradients))>;
            if constexpr (!std::is_same_v<Gradient, math::Zero>) {
              auto* const node = std::get<K>(*saved).edge.get();
              if (pass.wants(node)) give(*node, std::get<K>(gradients));
            }
          }(),
          ...);
    }(std::make_index_sequence<sizeof...(U)>{});
  }
  static void inputs(tape::Entry& entry, void* context, void (*visit)(void*, tape::Entry&)) {
    auto& self = static_cast<KernelEntry&>(entry);
    if (!self.saved) return;
    std::apply([&](auto const&... x) { ((x.edge ? visit(context, *x.edge.get()) : void()), ...); }, *self.saved);
  }
  static void forget(tape::Entry& entry) {
    auto& self = static_cast<KernelEntry&>(entry);
    self.saved.reset();
    self.result = Tensor<T>();
  }
  static void destroy(tape::Entry& entry) { static_cast<KernelEntry&>(entry).~KernelEntry(); }
  static constexpr bool shows_region = requires { typename Op::shows_region; };
  static tape::Entry* whole([[maybe_unused]] tape::Entry& entry, [[maybe_unused]] core::Selection const*& selection) {
    if constexpr (shows_region) {
      auto& self = static_cast<KernelEntry&>(entry);
      selection = &self.op.selection;
      return self.saved ? std::get<0>(*self.saved).edge.get() : nullptr;
    } else {
      return nullptr;
    }
  }
  static constexpr tape::EntryType kernel_type{Op::name, &propagate, &propagate_graph, &inputs, &forget, &destroy, shows_region ? &whole : nullptr};
};

template <class F>
Saved<value_t<F>> save_operand(KernelOperand<F>& x) {
  using T = value_t<F>;
  if constexpr (is_recordable<F> && !std::is_integral_v<T>) {
    if (x.active()) {
      if constexpr (LazyNode<F>) return saved_lazy(x.formula(), true);
      else if constexpr (std::is_same_v<F, Variable<T>>) return saved_variable(x.formula());
      else return saved_variable(Variable<T>::adopt(record_formula<T>(x.formula(), true)));
    }
  }
  return {x.value(false), {}};
}

}  // namespace detail

template <class State>
void record_kernel(State& state) {
  using Op = typename State::op_type;
  using T = typename State::element_type;
  auto saved = std::apply([](auto&... x) { return std::tuple(detail::save_operand(x)...); }, state.operands);
  if constexpr (requires { Op::saves_state; } || detail::kernel_needs_result<Op>()) {
    if (!state.computed) {
      NoGrad const recorded_below;
      state.value = state.evaluate();
      state.computed = true;
    }
  }
  auto* const node = std::apply(
      [&]<class... U>(Saved<U>&... x) {
        auto& entry = tape::Tape::here().append<detail::KernelEntry<Op, T, U...>>(state.op, state.shape, std::move(x)...);
        // Only now, when nothing can fail any more, the operands' formulas may go.
        [&]<std::size_t... K>(std::index_sequence<K...>) {
          (std::get<K>(state.operands).settle(std::get<K>(*entry.saved).value), ...);
        }(std::index_sequence_for<U...>{});
        if constexpr (detail::kernel_needs_result<Op>()) entry.result = state.value;
        if constexpr (!detail::needs_inputs<Op>())
          std::apply([](auto&... kept) { ((kept.value = Tensor<U>(Storage(), nullptr, kept.value.layout())), ...); }, *entry.saved);
        return &entry;
      },
      saved);
  state.entry = static_cast<tape::Node<T>*>(node);
  state.release_entry = [](void* entry) { tape::Tape::release(static_cast<tape::Node<T>*>(entry)); };
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
