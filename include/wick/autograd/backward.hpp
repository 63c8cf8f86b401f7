// SPDX-License-Identifier: MIT
// backward and grad: one walk over the tape, newest entry first.
#pragma once

#include <vector>

#include <wick/autograd/kernel_entry.hpp>
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

/// Walks from `newest` towards older entries, propagating those that were reached. A reached entry is kept alive until
/// its turn; the walk keeps the one it stands on.
template <class Step>
void walk(tape::Propagation& pass, tape::Entry* newest, Step const& step) {
  struct Position {
    tape::Propagation& pass;
    tape::Entry* at;
    Position(tape::Propagation& p, tape::Entry* entry) : pass(p), at(entry) { retain(at->references); }
    void done() {
      at->reached = false;
      --pass.pending;
      tape::Tape::release(at);
    }
    void move_on() {
      tape::Entry* const older = at->older;
      if (older) retain(older->references);
      tape::Tape::release(std::exchange(at, older));
    }
    ~Position() {
      // After an exception no marks and no half-made gradients stay behind.
      for (; at; move_on()) {
        if (pass.pending == 0) {
          tape::Tape::release(at);
          return;
        }
        if (!at->reached) continue;
        if (!at->retains_grad) at->drop_gradient(*at);
        tape::drop_graph_gradient(*at);
        done();
      }
    }
  };
  if (!newest) return;
  Position position(pass, newest);
  for (; pass.pending > 0 && position.at; position.move_on()) {
    tape::Entry& entry = *position.at;
    if (!entry.reached) continue;
    if (entry.forgotten)
      fail("backward: the statement \"", entry.type->name,
           "\" was already differentiated and its values are gone; ask for retain_graph the first time");
    step(entry);
    position.done();
  }
}

// A reference that keeps an entry alive during the walk.
class Hold {
 public:
  explicit Hold(tape::Entry* entry) : entry_(entry) { retain(entry_->references); }
  Hold(Hold const&) = delete;
  ~Hold() { tape::Tape::release(entry_); }

 private:
  tape::Entry* entry_;
};

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
void run_backward(tape::Propagation& pass, tape::Node<T>& root, Tensor<T> seed, bool retain, tape::Entry const* target = nullptr) {
  Hold const hold(&root);
  pass.reach(root);
  if (root.order == 0) {  // a leaf: its own gradient
    accumulate(pass, root, seed);
    root.reached = false;
    return;
  }
  if (root.has_gradient) root.gradient = Tensor<T>(std::move(root.gradient)) + seed;
  else root.gradient = seed.is_contiguous() ? std::move(seed) : seed.clone();
  root.has_gradient = true;
  walk(pass, &root, [&](tape::Entry& entry) {
    if (&entry == target) return;  // its gradient is the result
    entry.type->propagate(entry, pass);
    if (!retain) {
      entry.forgotten = true;
      entry.type->forget(entry);
    }
    if (!entry.retains_grad) entry.drop_gradient(entry);
  });
}

/// Entries that `root` depends on, newest first.
inline std::vector<tape::Entry*> history(tape::Entry& root) {
  std::vector<tape::Entry*> found;
  tape::Propagation pass;
  pass.reach(root);
  walk(pass, root.order ? &root : nullptr, [&](tape::Entry& entry) {
    found.push_back(&entry);
    entry.type->inputs(entry, &pass, [](void* context, tape::Entry& input) {
      if (input.order) static_cast<tape::Propagation*>(context)->reach(input);
    });
  });
  return found;
}

/// Marks what lies between the root and the targets as wanted; returns what it marked.
inline std::vector<tape::Entry*> mark_wanted(std::vector<tape::Entry*> const& newest_first) {
  std::vector<tape::Entry*> marked;
  for (auto it = newest_first.rbegin(); it != newest_first.rend(); ++it) {
    if ((*it)->wanted) continue;
    bool wanted = false;
    (*it)->type->inputs(**it, &wanted, [](void* context, tape::Entry& input) { *static_cast<bool*>(context) |= input.wanted; });
    if (!wanted) continue;
    (*it)->wanted = true;
    marked.push_back(*it);
  }
  return marked;
}

/// Sets the targets' own gradients aside for the time of a `grad` call, and marks them.
template <class T>
struct Target {
  tape::Node<T>& node;
  Tensor<T> before;
  bool had, marked;
  explicit Target(tape::Node<T>& target)
      : node(target), before(std::move(target.gradient)), had(std::exchange(target.has_gradient, false)),
        marked(!std::exchange(target.wanted, true)) {}
  Target(Target const&) = delete;
  ~Target() {
    node.gradient = std::move(before);
    node.has_gradient = had;
    node.wanted = false;
    node.reached = false;
    tape::drop_graph_gradient(node);
  }
};

}  // namespace detail

/// Adds the gradient of `y`, a single number, to every variable that it depends on (torch.Tensor.backward).
template <class T>
void backward(Variable<T> const& y, BackwardOptions options = {}) {
  detail::check_root("backward", *y.node(), y.shape(), false);
  tape::Propagation pass;
  detail::run_backward(pass, *y.node(), detail::unit_seed<T>(y.shape(), y.value().device()), options.retain_graph);
  ++tape::local.backward_passes;
}
/// The same for a `y` of any shape, given the gradient of what follows: the vector of a vector-Jacobian product.
template <class T>
void backward(Variable<T> const& y, Tensor<std::type_identity_t<T>> const& gradient, BackwardOptions options = {}) {
  detail::check_root("backward", *y.node(), y.shape(), true);
  if (!(gradient.shape() == y.shape()))
    fail("backward: the gradient has shape ", gradient.shape(), ", the result has ", y.shape());
  tape::Propagation pass;
  detail::run_backward(pass, *y.node(), gradient, options.retain_graph);
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
  detail::Target<T> target(*x.node());
  detail::Hold const hold(y.node());
  auto const entries = detail::history(*y.node());
  struct Clear {
    std::vector<tape::Entry*> marked;
    ~Clear() {
      for (auto* entry : marked) entry->wanted = false;
    }
  };
  tape::Propagation pass;
  pass.selective = true;
  Tensor<T> const one = detail::unit_seed<T>(y.shape(), y.value().device());
  if (y.node() == x.node()) return Variable<T>(one, false);
  Clear const clear{detail::mark_wanted(entries)};
  if (!y.node()->wanted) return Variable<T>(zeros<T>(x.shape()).to(x.device()), false);
  if (!options.create_graph) {
    bool const kept = std::exchange(y.node()->wanted, true);
    detail::run_backward(pass, *y.node(), one, options.retain_graph, x.node());
    y.node()->wanted = kept;
    return Variable<T>(target.node.has_gradient ? target.node.gradient : zeros<T>(x.shape()).to(x.device()), false);
  }
  EnableGrad const recording;
  pass.reach(*y.node());
  tape::set_graph_gradient(*y.node(), Variable<T>(one, false));
  detail::walk(pass, y.node(), [&](tape::Entry& entry) {
    if (&entry != x.node()) {
      entry.type->propagate_graph(entry, pass);
      tape::drop_graph_gradient(entry);
    }
  });
  if (!x.node()->graph_gradient) return Variable<T>(zeros<T>(x.shape()).to(x.device()), false);
  return detail::gradient_variable<T>(*x.node());
}
/// The same for a formula over variables: it is recorded first.
template <Formula F, class T>
  requires(is_recordable<std::remove_cvref_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, Variable<T>>)
Variable<T> grad(F&& y, Variable<T> const& x, GradOptions options = {}) {
  return grad(Variable<T>(std::forward<F>(y)), x, options);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
