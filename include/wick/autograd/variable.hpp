// SPDX-License-Identifier: MIT
// Variable: a tensor with identity on the tape. Copies are the same variable; parameters are variables.
#pragma once

#include <vector>

#include <wick/autograd/tape.hpp>
#include <wick/expr/kernel_node.hpp>

WICK_PRECISE_BEGIN
namespace wick {

template <class T>
class Variable;
template <class U, class T>
inline constexpr bool core::has_other_elements<Variable<U>, T> = !std::is_same_v<U, T>;

namespace tape {

/// The gradient that an entry had before a backward pass: it comes back if the pass fails.
struct KeptGradient {
  Entry& entry;
  void (*end)(KeptGradient&, bool put_back);
  Block* home;  ///< null: in the pass's own room
  KeptGradient* next = nullptr;
};
/// Where a backward pass keeps a few small gradients, so that these cost it no block of the pool.
struct Room {
  static constexpr std::size_t bytes = 512, small = 64;
  alignas(16) std::byte place[bytes];
  std::size_t used = 0;
};

/// An entry with a value and a gradient of element type T.
template <class T>
struct Node : Entry {
  Tensor<T> value;
  Tensor<T> gradient;
  Dims shape;

  Node() { elements = &elements_type; }

 private:
  // The elements, which are few, ...
  struct Copied : KeptGradient {
    alignas(16) std::byte elements[Room::small];
    explicit Copied(Entry& e) : KeptGradient{e, &end_copied, nullptr} {}
  };
  // ... or a handle on them: who changes the gradient in place copies it first.
  struct Shared : KeptGradient {
    Tensor<T> gradient;
  };
  static bool can_copy(Tensor<T> const& x) {
    return std::is_trivially_copyable_v<T> && ElementTraits<T>::planes == 1 && x.is_contiguous() && x.storage().use_count() == 1 && x.device() == Device();
  }
  static KeptGradient* keep(Entry& entry, Room& room) {
    Tensor<T> const& gradient = static_cast<Node&>(entry).gradient;
    if (entry.order == 0 && room.used + sizeof(Copied) <= Room::bytes && can_copy(gradient)) {
      std::size_t const bytes = static_cast<std::size_t>(gradient.numel()) * sizeof(T);
      if (bytes <= Room::small) {
        auto* const kept = ::new (room.place + room.used) Copied(entry);
        room.used += sizeof(Copied);
        std::memcpy(kept->elements, gradient.data(), bytes);
        return kept;
      }
    }
    Block* const home = pool::allocate(sizeof(Shared));
    return ::new (home->elements()) Shared{{entry, &end_shared, home}, gradient};
  }
  static void end_copied(KeptGradient& kept, bool put_back) {
    if (!put_back) return;
    auto& node = static_cast<Node&>(kept.entry);
    try {  // an adjoint may have given a handle on it away
      if (node.gradient.storage().use_count() > 1) node.gradient = Tensor<T>(Tensor<T>::uninitialized, node.gradient.shape());
      std::memcpy(const_cast<base_t<T>*>(std::as_const(node.gradient).data()), static_cast<Copied&>(kept).elements, static_cast<std::size_t>(node.gradient.numel()) * sizeof(T));
    } catch (...) {
      node.drop_gradient();
    }
  }
  static void end_shared(KeptGradient& base, bool put_back) {
    auto& kept = static_cast<Shared&>(base);
    if (put_back) {
      static_cast<Node&>(kept.entry).gradient = std::move(kept.gradient);
      kept.entry.has_gradient = true;
    }
    Block* const home = kept.home;
    kept.~Shared();
    pool::recycle(home);
  }
  static constexpr ElementsType elements_type{[](Entry& e) { static_cast<Node&>(e).value.reset(); },
                                              [](Entry& e) {
                                                static_cast<Node&>(e).gradient.reset();
                                                e.has_gradient = false;
                                              },
                                              &keep};
};

/// A node that a user made: it lives outside of the tape.
template <class T>
struct Leaf final : Node<T> {
  static constexpr EntryType leaf_type{"leaf", nullptr, nullptr,
                                       [](Entry&, void*, void (*)(void*, Entry&)) {},
                                       [](Entry&) {},
                                       [](Entry& e) {
                                         auto* const leaf = &static_cast<Leaf&>(e);
                                         Block* const block = leaf->home;
                                         leaf->~Leaf();
                                         pool::recycle(block);
                                       }};
  Block* home = nullptr;

  static Leaf& make(Tensor<T> value, bool requires_grad) {
    Block* const block = pool::allocate(sizeof(Leaf));
    Leaf* const leaf = ::new (block->elements()) Leaf;
    leaf->home = block;
    leaf->type = &leaf_type;
    leaf->shape = value.shape();
    leaf->value = std::move(value);
    leaf->requires_grad = requires_grad;
    return *leaf;
  }
};

/// A counted reference to an entry that does not show its value: what later entries hold.
template <class T>
class Edge {
 public:
  Edge() = default;
  explicit Edge(Node<T>* node) : node_(node) {
    if (node_) retain(node_->references);
  }
  Edge(Edge const& other) : Edge(other.node_) {}
  Edge(Edge&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Edge& operator=(Edge other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Edge() { Tape::release(node_); }
  Node<T>* get() const { return node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  Node<T>* node_ = nullptr;
};

}  // namespace tape

/// Options of `backward`.
struct BackwardOptions {
  bool retain_graph = false;  ///< keep what was saved, so that backward can run again
};

/// A tensor with identity: value, gradient, history. `Variable<float> w = randn<float>({3})` makes a leaf that requires
/// a gradient; assigning a formula over variables records one statement. Copying a Variable gives another name to it.
template <class T>
class Variable : public Methods<Variable<T>> {
 public:
  using is_operand = void;
  using records = void;
  using value_type = T;
  using extents_type = Dynamic;
  using Node = tape::Node<T>;

  Variable() : Variable(Tensor<T>()) {}
  /// A leaf holding a value. `requires_grad = false` makes it a constant. (A template, so that `Variable<float> v({3})` is not
  /// ambiguous: it is the number, as `Tensor<float> v({3})` is.)
  template <class Value = Tensor<T>>
  Variable(std::type_identity_t<Value> value, bool requires_grad = true) : node_(&tape::Leaf<T>::make(std::move(value), requires_grad)) {
    node_->handles.store(1, std::memory_order_relaxed);
  }
  template <class Number>
    requires(Arithmetic<Number>)
  Variable(Number value, bool requires_grad = true) : Variable(Tensor<T>(value), requires_grad) {}
  /// Computes a formula and records it, if a variable in it requires a gradient.
  template <class F, class Isa = IsaTag>
    requires(requires { typename std::remove_cvref_t<F>::is_operand; } && !core::has_other_elements<std::remove_cvref_t<F>, T> &&
             !std::is_same_v<std::remove_cvref_t<F>, Tensor<T>> && !std::is_same_v<std::remove_cvref_t<F>, Variable>)
  Variable(F&& formula) : node_(record(Isa{}, std::type_identity<T>{}, std::forward<F>(formula))) {}

  Variable(Variable const& other) : node_(other.node_) { hold(); }
  Variable(Variable&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Variable& operator=(Variable other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  template <class F, class Isa = IsaTag>
    requires(requires { typename std::remove_cvref_t<F>::is_operand; } &&
             !std::is_same_v<std::remove_cvref_t<F>, Variable>)
  Variable& operator=(F&& formula) {
    return *this = Variable(std::forward<F>(formula));
  }
  ~Variable() { let_go(); }

  /// Takes over a node that the tape made, with the reference it was made with.
  static Variable adopt(Node* node) {
    Variable v{nullptr};
    v.node_ = node;
    node->handles.fetch_add(1, std::memory_order_relaxed);
    return v;
  }
  /// Another handle on a node.
  static Variable of(Node* node) {
    Variable v{nullptr};
    v.node_ = node;
    v.hold();
    return v;
  }

  Tensor<T> const& value() const { return node()->value; }
  /// The gradient that backward passes have accumulated. Throws Error when there is none yet.
  Tensor<T> const& grad() const {
    if (!node()->has_gradient)
      fail("grad: this variable of shape ", shape(), " has no gradient; call backward on a result of it first",
           node()->order ? " (a result keeps its gradient only after retain_grad())" : "");
    return node()->gradient;
  }
  bool has_grad() const { return node()->has_gradient; }
  /// Forgets the gradient.
  void zero_grad() const {
    node()->drop_gradient();
    node()->evaluated.store(false, std::memory_order_relaxed);
  }
  /// Lets backward keep the gradient of this result.
  void retain_grad() const { changeable("retain_grad").retains_grad = true; }
  bool requires_grad() const { return node()->requires_grad; }
  void set_requires_grad(bool on) const {
    Node& node = changeable("set_requires_grad");
    if (node.order) fail("set_requires_grad: only a variable that no statement computed can be changed; use detach()");
    node.requires_grad = on;
    node.untracked.store(false, std::memory_order_relaxed);  // meant as a leaf
  }
  bool is_leaf() const { return node()->order == 0; }
  /// The value as a constant, without history.
  Tensor<T> detach() const { return node()->value; }
  /// Replaces the value in place, without recording: for optimizers and loaders. The shape must stay.
  void set_value(Tensor<T> value) const {
    if (!(value.shape() == shape())) fail("set_value: a value of shape ", value.shape(), " for a variable of shape ", shape());
    changeable("set_value").value = std::move(value);
    written();
  }
  /// The value's storage for in-place updates, which are not recorded. Ask for it at each update: formulas over the variable
  /// take the value to have changed then.
  Tensor<T>& mutable_value() const {
    Node& node = changeable("mutable_value");
    written();
    return node.value;
  }
  /// Remembers, of a leaf, that a tensor is computed from it, so that nothing is recorded.
  void note_evaluated() const {
    Node& leaf = *node();
    if (!leaf.evaluated.load(std::memory_order_relaxed) && leaf.requires_grad && leaf.order == 0 && grad_enabled())
      leaf.evaluated.store(true, std::memory_order_relaxed);
  }
  /// The number of the last write in place, among those to all variables.
  std::uint64_t last_write() const { return node()->last_write; }
  Tensor<T>& mutable_grad() const { return changeable("mutable_grad").gradient; }

  Dims const& shape() const { return node()->shape; }
  int dim() const { return shape().size(); }
  std::int64_t size(std::int64_t axis) const { return shape()[normalize_axis("size", axis, dim())]; }
  std::int64_t numel() const { return shape().numel(); }
  static constexpr Dtype dtype() { return dtype_of<T>(); }
  Device device() const { return value().device(); }
  template <class Isa = IsaTag>
  T item() const {
    return value().template item<Isa>();
  }
  template <std::same_as<T> N, class Isa = IsaTag>
  explicit operator N() const {
    return item<Isa>();
  }
  bool active() const { return node()->requires_grad; }
  Node* node() const { return node_ ? node_ : nothing(); }

  /// A region, NumPy style, as a formula: its gradient goes to the region's elements. That of a variable with a name can be
  /// assigned to: `u(0, Slice()) = formula`, which is recorded.
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  auto operator()(I const&... entries) const& { return region({Index(entries)...}); }
  template <class... I>
    requires(std::convertible_to<I, Index> && ...)
  auto operator()(I const&... entries) & { return part({Index(entries)...}); }
  template <class Isa = IsaTag>
  auto operator[](Index const& entry) const& { return region<Isa>({entry}); }
  template <class Isa = IsaTag>
  auto operator[](Index const& entry) & { return part<Isa>({entry}); }
  /// The parts along the first dimension, as formulas.
  auto begin() const { return core::RowIterator<Variable>(*this, 0); }
  auto end() const { return core::RowIterator<Variable>(*this, core::row_count(shape())); }

  /// Adds the gradient of this, a single number, to every variable that it depends on (torch.Tensor.backward).
  template <class Isa = IsaTag>
  void backward(BackwardOptions options = {}) const {
    core::call_backward<Isa>(*this, options);
  }
  /// The same of any shape, given the gradient of what follows.
  template <class Isa = IsaTag>
  void backward(Tensor<T> const& gradient, BackwardOptions options = {}) const {
    core::call_backward<Isa>(*this, gradient, options);
  }

  /// In place under NoGrad; else the name moves on to the result, as in h = h + f.
  template <class F, class Isa = IsaTag> Variable& operator+=(F const& f) { return update("+=", *this + f); }
  template <class F, class Isa = IsaTag> Variable& operator-=(F const& f) { return update("-=", *this - f); }
  template <class F, class Isa = IsaTag> Variable& operator*=(F const& f) { return update("*=", *this * f); }
  template <class F, class Isa = IsaTag> Variable& operator/=(F const& f) { return update("/=", *this / f); }

 private:
  template <std::same_as<std::nullptr_t> Null>  // a template, so that it is never what braces mean
  explicit Variable(Null) {}
  template <class Isa = IsaTag>
  auto region(std::initializer_list<Index> entries) const {
    return select(Isa{}, *this, core::select(shape(), entries));
  }
  template <class Isa = IsaTag>
  auto part(std::initializer_list<Index> entries) {
    return select_part(Isa{}, *this, core::select(shape(), entries));
  }
  // The value has changed in place: kernel nodes over the variable forget theirs.
  void written() const { node_->last_write = core::variable_writes.fetch_add(1, std::memory_order_relaxed) + 1; }
  // What a variable refers to after it was moved from.
  WICK_COLD static Node* nothing() {
    static Node* const leaf = &tape::Leaf<T>::make(Tensor<T>(), false);
    return leaf;
  }
  Node& changeable(char const* operation) const {
    if (!node_) [[unlikely]] fail(operation, ": this variable was moved from; assign to it first");
    return *node_;
  }
  void hold() {
    if (!node_) return;
    retain(node_->references);
    retain(node_->handles);
  }
  void let_go() {
    if (!node_) return;
    // The value outlives its last handle only where an entry saved it.
    if (node_->order && wick::release(node_->handles)) {
      node_->handles.store(0, std::memory_order_relaxed);
      node_->drop_value();
    }
    tape::Tape::release(node_);
  }
  template <class F>
  Variable& update(char const* operation, F&& formula) {
    if (grad_enabled() && requires_grad()) {
      if (is_leaf()) fail(operation, ": a leaf variable that requires a gradient is changed in place only under NoGrad");
      return *this = std::forward<F>(formula);
    }
    if (!(formula.shape() == shape())) fail(operation, ": a value of shape ", formula.shape(), " cannot change a variable of shape ", shape(), " in place");
    assign(changeable(operation).value, std::forward<F>(formula));
    written();
    return *this;
  }

  Node* node_ = nullptr;
};
template <class T>
Variable(Tensor<T>) -> Variable<T>;
template <class T>
Variable(Tensor<T>, bool) -> Variable<T>;

namespace tape {

/// Lets go the gradient that a recorded backward pass put on an entry.
inline void drop_graph_gradient(Entry& entry) {
  Entry* const gradient = std::exchange(entry.graph_gradient, nullptr);
  if (!gradient) return;
  if (wick::release(gradient->handles)) {
    gradient->handles.store(0, std::memory_order_relaxed);
    if (gradient->order) gradient->drop_value();
  }
  Tape::release(gradient);
}

/// Takes a leaf for the backward passes of this thread; false when it is theirs already. Throws Error when a pass of
/// another thread is changing its gradient at this moment.
inline bool hold_leaf(Entry& leaf) {
  Local const* const me = &local;
  Local const* holder = leaf.holder.load(std::memory_order_relaxed);
  if (holder == me) return false;
  if (single_threaded()) leaf.holder.store(me, std::memory_order_relaxed);
  else if (holder || !leaf.holder.compare_exchange_strong(holder, me, std::memory_order_acquire, std::memory_order_relaxed))
    fail("backward: a backward pass of another thread is changing the gradient of the same variable at this moment; give each "
         "thread variables of its own, or let one pass wait for the other");
  return true;
}
inline void let_go_leaf(Entry& leaf) { leaf.holder.store(nullptr, std::memory_order_release); }

/// Puts a variable on an entry as its gradient in a recorded backward pass.
template <class T>
void set_graph_gradient(Entry& entry, Variable<T> const& gradient) {
  drop_graph_gradient(entry);
  retain(gradient.node()->references);
  retain(gradient.node()->handles);
  entry.graph_gradient = gradient.node();
}

}  // namespace tape

}  // namespace wick

namespace wick::inline WICK_ISA {

/// A variable as a leaf: its present value. The variable is held, not the block, so an update can happen in place.
template <class T>
LeafData leaf_data(Variable<T> const& x) {
  Tensor<T> const& value = x.value();
  return {value.data(), &value.layout(), value.plane_stride()};
}

namespace detail {
/// Appends a variable to a list that holds each one once.
template <class T>
void add_once(std::vector<Variable<T>>& list, Variable<T> const& variable) {
  for (auto const& other : list)
    if (other.node() == variable.node()) return;
  list.push_back(variable);
}
}  // namespace detail

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
