// SPDX-License-Identifier: MIT
// backward and grad: one walk over the tape, newest entry first.
#pragma once

#include <wick/autograd/kernel_entry.hpp>
#include <wick/autograd/variable_part.hpp>
#if WICK_DEVICE_KERNELS
#include <wick/autograd/device_sweep.hpp>
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Options of `grad`.
struct GradOptions {
  bool create_graph = false;  ///< record the gradient too, so that it can be differentiated
  bool retain_graph = false;  ///< keep what was saved; implied by create_graph
};

namespace detail {

[[noreturn]] WICK_COLD inline void refuse_root(char const* operation, tape::Entry const& root, Dims const& shape) {
  if (!root.requires_grad)
    fail(operation, ": the result of shape ", shape, " does not depend on a variable that requires a gradient");
  if (root.untracked.load(std::memory_order_relaxed))
    fail(operation, ": the result of shape ", shape,
         " was computed from tensors alone, so nothing was recorded and no parameter would get a gradient. A line such as"
         " `x = conv1(x)` on a tensor argument, or `Tensor<float> h = w * 2`, assigns to a tensor, which keeps no history:"
         " make each step a Variable, or name it with auto");
  fail(operation, ": a result of shape ", shape, " is not a single number; give the gradient of what follows, or reduce it first");
}
inline void check_root(char const* operation, tape::Entry const& root, Dims const& shape, bool seeded) {
  if (!root.requires_grad || root.untracked.load(std::memory_order_relaxed) || (!seeded && shape.numel() != 1))
    refuse_root(operation, root, shape);
}

/// The gradient of a single number in itself: one, in the number's shape.
template <class T>
Tensor<T> unit_seed(Dims const& shape, Device device) {
  Tensor<T> one(Tensor<T>::uninitialized, shape, device);
  if (!(device == Device())) {
    compute_into<T>(const_cast<base_t<T>*>(std::as_const(one).data()), one.plane_stride(), one.layout(), Scalar<T>{compute_t<T>(1)}, device);
    return one;
  }
  ElementTraits<T>::store(const_cast<base_t<T>*>(std::as_const(one).data()), one.plane_stride(), T(1));
  return one;
}

template <class T>
void run_backward(tape::Propagation& pass, tape::Node<T>& root, Tensor<T> const& seed) {
  accumulate(pass, root, seed);
  pass.propagate([&](tape::Entry& entry) { entry.type->propagate(entry, pass); });
}

/// Marks what lies between a result and the targets as wanted while it lives.
class WantedPath {
 public:
  explicit WantedPath(tape::Entry& root) : root_(root) {
    if (root.order == 0) return;
    struct Marks : tape::Walk {
      using Walk::Walk;
      ~Marks() {
        for (tape::Entry* at = &root; marks > 0; at = at->older) marks -= std::exchange(at->reached, false);
      }
    } walk(root);
    walk.mark(root);
    walk.run([&](tape::Entry& entry) {
      entry.type->inputs(entry, &walk, [](void* context, tape::Entry& input) {
        if (input.order) static_cast<Marks*>(context)->mark(input);
      });
    });
    oldest_ = walk.oldest->order;
    for (tape::Entry* at = walk.oldest;; at = at->newer) {
      if (at->reached)
        at->type->inputs(*at, at, [](void* entry, tape::Entry& input) { static_cast<tape::Entry*>(entry)->wanted |= input.wanted; });
      if (at == &root) return;
    }
  }
  WantedPath(WantedPath const&) = delete;
  ~WantedPath() {
    for (tape::Entry* at = &root_; at && at->order >= oldest_; at = at->older) at->wanted = false;
  }

 private:
  tape::Entry& root_;
  std::uint64_t oldest_ = 1;
};

/// Sets a variable's own gradient aside for the time of a `grad` call, and marks the variable.
template <class T>
struct Target {
  tape::Node<T>& node;
  Tensor<T> before;
  bool had, held;
  explicit Target(tape::Node<T>& target) : node(target) {
    held = !node.order && tape::hold_leaf(node);
    before = std::move(node.gradient);
    had = std::exchange(node.has_gradient, false);
    node.wanted = true;
  }
  Target(Target const&) = delete;
  ~Target() {
    node.gradient = std::move(before);
    node.has_gradient = had;
    node.wanted = false;
    tape::drop_graph_gradient(node);
    if (held) tape::let_go_leaf(node);
  }
};

}  // namespace detail

/// Adds the gradient of `y`, a single number, to every variable that it depends on (torch.Tensor.backward).
template <class T>
void backward(Variable<T> const& y, BackwardOptions options = {}) {
  detail::check_root("backward", *y.node(), y.shape(), false);
  tape::Propagation pass(*y.node());
  detail::run_backward(pass, *y.node(), detail::unit_seed<T>(y.shape(), y.value().device()));
  pass.commit(options.retain_graph);
  ++tape::local.backward_passes;
}
/// The same for a `y` of any shape, given the gradient of what follows: the vector of a vector-Jacobian product.
template <class T>
void backward(Variable<T> const& y, Tensor<std::type_identity_t<T>> const& gradient, BackwardOptions options = {}) {
  detail::check_root("backward", *y.node(), y.shape(), true);
  if (!(gradient.shape() == y.shape()))
    fail("backward: the gradient has shape ", gradient.shape(), ", the result has ", y.shape());
  tape::Propagation pass(*y.node());
  detail::run_backward(pass, *y.node(), gradient);
  pass.commit(options.retain_graph);
  ++tape::local.backward_passes;
}
/// The same for a formula over variables: it is recorded first.
template <Formula F>
  requires(is_recordable<std::remove_cvref_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, Variable<value_t<F>>>)
void backward(F&& y, BackwardOptions options = {}) {
  backward(Variable<value_t<F>>(std::forward<F>(y)), options);
}
template <Formula F>
  requires(!is_recordable<std::remove_cvref_t<F>>)
void backward(F&&, BackwardOptions = {}) {
  static_assert(is_recordable<std::remove_cvref_t<F>>,
                "Wick: backward of a tensor, or of a formula over tensors: nothing was recorded; each step from a Variable to the loss "
                "has to be a Variable, or a formula named with auto");
}

/// The gradient of y, a single number, in x (torch.autograd.grad). The result is a constant without create_graph, and
/// zero when y does not depend on x. Gradients that variables already have are left alone.
template <class T>
Variable<T> grad(Variable<T> const& y, Variable<T> const& x, GradOptions options = {}) {
  if (y.node() == x.node()) y.node()->untracked.store(false, std::memory_order_relaxed);  // meant as a leaf
  detail::check_root("grad", *y.node(), y.shape(), false);
  Tensor<T> const one = detail::unit_seed<T>(y.shape(), y.value().device());
  if (y.node() == x.node()) return Variable<T>(one, false);
  auto const none = [&] { return Variable<T>(zeros<T>(x.shape()).to(x.device()), false); };
  detail::Target<T> const target(*x.node());
  detail::WantedPath const path(*y.node());
  if (!y.node()->wanted) return none();
  tape::Propagation pass(*y.node(), true, x.node());
  if (!options.create_graph) {
    detail::run_backward(pass, *y.node(), one);
    Variable<T> gradient = target.node.has_gradient ? Variable<T>(target.node.gradient, false) : none();
    pass.commit(options.retain_graph);
    return gradient;
  }
  EnableGrad const recording;
  pass.reach(*y.node());
  tape::set_graph_gradient(*y.node(), Variable<T>(one, false));
  pass.propagate([&](tape::Entry& entry) {
    entry.type->propagate_graph(entry, pass);
    tape::drop_graph_gradient(entry);
  });
  if (!x.node()->graph_gradient) return none();
  Variable<T> gradient = detail::gradient_variable<T>(*x.node());
  pass.commit(true);
  return gradient;
}
/// The same for a formula over variables: it is recorded first.
template <Formula F, class T>
  requires(is_recordable<std::remove_cvref_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, Variable<T>>)
Variable<T> grad(F&& y, Variable<T> const& x, GradOptions options = {}) {
  return grad(Variable<T>(std::forward<F>(y)), x, options);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
