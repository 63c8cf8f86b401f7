// SPDX-License-Identifier: MIT
// The gradient as a graph (create_graph): a statement is walked op by op, each slope computed with variables, so that the
// result can be differentiated again, to any order. Statements differ only in the terms they are made of, and operations
// only in a table of functions: the walk itself is compiled once, not once a statement.
#pragma once

#include <any>
#include <memory>

#include <wick/autograd/propagate.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/core/create.hpp>
#include <wick/ops/cast.hpp>
#include <wick/ops/scan.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

struct Term;
using TermPointer = std::shared_ptr<Term>;

/// What a term does, by its kind and its element types.
struct TermRule {
  std::any (*value)(Term const&);  ///< a Variable
  /// Passes the adjoint, a Variable of the term's type, on to what the term is made of.
  void (*push)(tape::Propagation&, TermPointer const&, std::any const& adjoint);
};

/// A part of a formula: a variable that is computed when it is asked for. So only what a gradient needs is computed, and
/// only it must have been saved.
struct Term {
  TermRule const* rule;
  TermPointer args[3];
  bool active = false;         ///< a gradient is wanted of something in it
  void const* leaf = nullptr;  ///< of a leaf: where the statement keeps it
  std::any known;              ///< the value, once it is computed
  Dims shape;                  ///< of a reduction: its argument's
  unsigned mask = 0;
  bool keepdim = false;

  explicit Term(TermRule const* what) : rule(what) {}
  template <class T>
  Variable<T> const& value() {
    return *std::any_cast<Variable<T>>(&computed());
  }

 private:
  WICK_COLD std::any const& computed() {
    if (!known.has_value()) known = rule->value(*this);
    return known;
  }
};

WICK_COLD inline TermPointer make_term(TermRule const* rule, TermPointer a, TermPointer b = {}, TermPointer c = {}) {
  auto term = std::make_shared<Term>(rule);
  term->active = a->active || (b && b->active) || (c && c->active);
  term->args[0] = std::move(a), term->args[1] = std::move(b), term->args[2] = std::move(c);
  return term;
}
template <class T>
WICK_COLD TermPointer known_term(Variable<T> value) {
  auto term = std::make_shared<Term>(nullptr);
  term->known = std::move(value);
  return term;
}
WICK_COLD inline void push_term(tape::Propagation& pass, TermPointer const& term, std::any const& adjoint) {
  if (term->active) term->rule->push(pass, term, adjoint);
}

template <class Op, class... V>
struct OpRule;

}  // namespace detail

/// A term as a number: what slopes are evaluated with. Literals become numbers of type T.
template <class V, class T = V>
class Eager {
 public:
  using lifts_operations = void;
  using value_type = V;

  Eager() = default;
  explicit Eager(detail::TermPointer term) : term_(std::move(term)) {}
  explicit Eager(Variable<V> const& variable) : term_(detail::known_term(variable)) {}

  Variable<V> const& variable() const { return term_->template value<V>(); }
  detail::TermPointer const& term() const { return term_; }

  template <class Op, class... X>
  static auto lift(X const&... x) {
    return Eager<result_t<Op, part_t<X>...>, T>(detail::make_term(&detail::OpRule<Op, part_t<X>...>::rule, part(x).term()...));
  }

 private:
  template <class A>
  static Eager<T, T> part(A const& number) { return Eager<T, T>(Variable<T>(static_cast<T>(number), false)); }
  template <class W>
  static Eager<W, T> const& part(Eager<W, T> const& x) { return x; }
  template <class A>
  using part_t = value_t<decltype(part(std::declval<A const&>()))>;

  detail::TermPointer term_;
};

namespace detail {

template <class T>
Variable<T> gradient_variable(tape::Entry& entry) {
  return Variable<T>::of(static_cast<tape::Node<T>*>(entry.graph_gradient));
}

/// One operation on all elements: there are many of them and they are seldom run, so they are compiled for size.
template <class Op, class... V>
struct OpKernel : MapKernel<Apply<Op, Leaf<V>...>, result_t<Op, V...>> {
  using Kernel = MapKernel<Apply<Op, Leaf<V>...>, result_t<Op, V...>>;
  WICK_KERNEL WICK_COLD static void run(KernelArguments const& a) { Kernel::run(a); }
  static constexpr Program make_program() {
    Program p = Kernel::make_program();
    p.kernel = &run;
    return p;
  }
};

/// The entry type of one operation: what is shared by all operations on the same element types reads it from here.
struct OpType : tape::EntryType {
  Program const* program;   ///< of a reduction null
  TermRule const* rule;
  bool needs_argument[3];   ///< what the slopes read
  bool needs_result;
};
/// The same with what knows the element types.
template <class R, class... V>
struct TypedOp : OpType {
  Tensor<R> (*on_device)(Tensor<V> const&...) = nullptr;  ///< computes the operation where its arguments are
};

/// What a backward pass over terms adds to: the gradients, or the gradients as variables.
enum class Gradients { values, variables };
template <class T>
WICK_COLD TermPointer leaf_term(tape::Propagation const& pass, Saved<T> const& leaf, Gradients kind = Gradients::variables);
template <class T>
WICK_COLD Variable<T> variable_of(Saved<T> const& saved);

/// An entry for `y = Op(x...)` with elements of types V, or for a reduction of one x over `mask`.
template <class R, class... V>
struct OpEntry final : tape::Node<R> {
  std::optional<std::tuple<Saved<V>...>> saved;
  Tensor<R> result;
  unsigned mask = 0;
  bool keepdim = false;

  OpEntry(OpType const& op, Tensor<R> y, Saved<V>... x) : saved(std::in_place, std::move(x)...) {
    this->type = &op;
    this->requires_grad = true;
    this->shape = y.shape();
    if (op.needs_result) result = y;
    this->value = std::move(y);
    int k = 0;
    each([&]<class X>(Saved<X>& kept) {
      if (!op.needs_argument[k++]) kept.value = Tensor<X>(Storage(), nullptr, kept.value.layout());
    });
  }
  template <class F>
  void each(F const& visit) {
    std::apply([&](auto&... x) { (visit(x), ...); }, *saved);
  }

  WICK_COLD static void propagate(tape::Entry& entry, tape::Propagation& pass) {
    auto& self = static_cast<OpEntry&>(entry);
    NoGrad const values_only;
    push_term(pass, self.term(pass, Gradients::values), Variable<R>(self.gradient, false));
  }
  WICK_COLD static void propagate_graph(tape::Entry& entry, tape::Propagation& pass) {
    auto& self = static_cast<OpEntry&>(entry);
    push_term(pass, self.term(pass, Gradients::variables), gradient_variable<R>(self));
  }
  WICK_COLD TermPointer term(tape::Propagation const& pass, Gradients kind) {
    auto const& op = static_cast<OpType const&>(*this->type);
    auto const root = std::apply([&](auto const&... x) { return make_term(op.rule, leaf_term(pass, x, kind)...); }, *saved);
    if (op.needs_result) root->known = variable_of(Saved<R>{result, tape::Edge<R>(this)});
    root->mask = mask, root->keepdim = keepdim;
    root->shape = std::get<0>(*saved).value.shape();
    return root;
  }
  WICK_COLD static void inputs(tape::Entry& entry, void* context, void (*visit)(void*, tape::Entry&)) {
    auto& self = static_cast<OpEntry&>(entry);
    if (!self.saved) return;
    self.each([&](auto const& x) {
      if (x.edge) visit(context, *x.edge.get());
    });
  }
  WICK_COLD static void forget(tape::Entry& entry) {
    auto& self = static_cast<OpEntry&>(entry);
    self.saved.reset();
    self.result.reset();
  }
  WICK_COLD static void destroy(tape::Entry& entry) { static_cast<OpEntry&>(entry).~OpEntry(); }
};

template <class R, class... V>
constexpr OpType entry_type(char const* name, Program const* program, TermRule const* rule) {
  using Entry = OpEntry<R, V...>;
  return {{name, &Entry::propagate, &Entry::propagate_graph, &Entry::inputs, &Entry::forget, &Entry::destroy}, program, rule, {}, false};
}

#if WICK_DEVICE_KERNELS
template <class Op, class R, class... V>
WICK_COLD Tensor<R> run_on_device(Tensor<V> const&... x) {
  return Map<Op, Tensor<V>...>(x...);
}
#endif

// A constant, though nvcc does not see that it is one.
template <class Op, class... V>
inline const TypedOp<result_t<Op, V...>, V...> op_type = [] {
  using R = result_t<Op, V...>;
  TypedOp<R, V...> type{entry_type<R, V...>(Op::name, &program_of<OpKernel<Op, V...>>, &OpRule<Op, V...>::rule)};
#if WICK_DEVICE_KERNELS
  type.on_device = &run_on_device<Op, R, V...>;
#endif
  if constexpr (differentiable<Op> && !std::is_integral_v<R>) {
    using S = Apply<Op, std::conditional_t<std::is_integral_v<V>, Leaf<V>, Active<V>>...>;
    type.needs_result = needs_result<S>;
    int slot = 0, k = 0;
    ((type.needs_argument[k++] = needed_slots<S>[static_cast<std::size_t>(std::exchange(slot, slot + ElementTraits<V>::planes))]), ...);
  }
  return type;
}();

template <class R, class... V>
WICK_COLD Variable<R> record_op(OpType const& op, Tensor<R> y, Variable<V> const&... x) {
  if (!grad_enabled() || std::is_integral_v<R> || !((!std::is_integral_v<V> && x.requires_grad()) || ...)) return Variable<R>(std::move(y), false);
  return Variable<R>::adopt(&tape::Tape::here().append<OpEntry<R, V...>>(op, std::move(y), saved_variable(x)...));
}
/// Computes an operation on variables, and records it if a gradient can flow.
template <class R, class... V>
WICK_COLD Variable<R> run_op(TypedOp<R, V...> const& op, Variable<V> const&... x) {
  Dims const shape = broadcast_all(op.name, x...);
  if (core::devices_in_use()) [[unlikely]] {
    Device device;
    ((device = x.device() == Device() ? device : x.device()), ...);
    if (!(device == Device())) {
      if (!op.on_device) fail_without_kernels(op.name, device);
      return record_op<R, V...>(op, op.on_device(x.value().to(device)...), x...);  // numbers are made on the host
    }
  }
  Tensor<R> y(Tensor<R>::uninitialized, shape);
  Slots<(ElementTraits<V>::planes + ...) + ElementTraits<R>::planes> slot_data;
  slot_data.open(shape, op.program->inputs + op.program->outputs);
  SlotData* next = slot_data.data;
  ((next = fill_leaf(leaf_data(x), sizeof(base_t<V>), ElementTraits<V>::planes, shape, next)), ...);
  fill_target<R>(const_cast<base_t<R>*>(std::as_const(y).data()), y.plane_stride(), y.layout(), next);
  simplify(slot_data.loop);
  backend::cpu::launch(*op.program, slot_data.loop);
  return record_op<R, V...>(op, std::move(y), x...);
}

template <class Op, class X>
struct ReductionRule;
template <class Op, class X>
inline const OpType reduction_type = [] {
  OpType type = entry_type<typename Op::template result<X>, X>(Op::name, nullptr, &ReductionRule<Op, X>::rule);
  if constexpr (requires { Op::slope(1.0, 1.0); }) type.needs_argument[0] = reduction_bits<Op> != 0;
  return type;
}();

/// Computes a reduction of a variable, and records it if a gradient can flow.
template <class Op, class X>
WICK_COLD Variable<typename Op::template result<X>> run_reduction(Variable<X> const& x, unsigned mask, bool keepdim) {
  using T = typename Op::template result<X>;
  Tensor<T> y = materialize(Reduce<Op, Tensor<X>>(x.value(), mask, keepdim));
  if (!grad_enabled() || std::is_integral_v<T> || !x.requires_grad()) return Variable<T>(std::move(y), false);
  auto& entry = tape::Tape::here().append<OpEntry<T, X>>(reduction_type<Op, X>, std::move(y), saved_variable(x));
  entry.mask = mask, entry.keepdim = keepdim;
  return Variable<T>::adopt(&entry);
}

/// Adds a variable to the gradient of a node, as a variable.
template <class T>
WICK_COLD void accumulate_graph(tape::Propagation& pass, tape::Node<T>& node, Variable<T> add) {
  pass.reach(node);
  if (!(add.shape() == node.shape)) {
    int const lead = add.dim() - node.shape.size();
    Axes axes;
    for (int d = 0; d < add.dim(); ++d)
      if (d < lead || (node.shape[d - lead] == 1 && add.shape()[d] != 1)) axes.push_back(d);
    add = Variable<T>(reshape(run_reduction<Sum>(add, axes_mask("sum", axes, add.dim()), true), node.shape));
  }
  if (node.graph_gradient) {
    Variable<T> const before = Variable<T>::of(static_cast<tape::Node<T>*>(node.graph_gradient));
    add = run_op<T>(op_type<Add, T, T>, before, add);
  }
  tape::set_graph_gradient(node, add);
}

/// The variable behind a saved leaf, with the value it had at the time of the statement.
template <class T>
Variable<T> variable_of(Saved<T> const& saved) {
  if (!saved.edge) return Variable<T>(saved.value, false);
  auto* const node = saved.edge.get();
  if (node->value.numel() != node->shape.numel() || !node->value.storage()) {
    node->value = saved.value;  // nobody showed it any more
  } else if (saved.value.storage() && saved.value.data() != std::as_const(node->value).data()) {
    // Changed in place since: an identity statement keeps the old value and the way to the variable.
    return Variable<T>::adopt(&tape::Tape::here().append<OpEntry<T, T>>(op_type<Cast<T>, T>, saved.value, saved));
  }
  return Variable<T>::of(node);
}

// Terms of each kind: an operation ...
template <class Op, class... V>
struct OpRule {
  using R = result_t<Op, V...>;
  using K = std::index_sequence_for<V...>;

  WICK_COLD static std::any value(Term const& term) { return value(term, K{}); }
  template <std::size_t... k>
  static std::any value(Term const& term, std::index_sequence<k...>) {
    return run_op<R>(op_type<Op, V...>, term.args[k]->template value<V>()...);
  }

  WICK_COLD static void push(tape::Propagation& pass, TermPointer const& term, std::any const& adjoint) {
    if constexpr (differentiable<Op> && !std::is_integral_v<R>)
      push(pass, term, Eager<R>(*std::any_cast<Variable<R>>(&adjoint)), K{});
  }
  template <std::size_t... k>
  static void push(tape::Propagation& pass, TermPointer const& term, Eager<R> const& adjoint, std::index_sequence<k...>) {
    auto const s = slopes<Op>(Eager<R>(term), Eager<V, R>(term->args[k])...);
    push_to<std::tuple_element_t<0, std::tuple<V...>>>(pass, term->args[0], adjoint, s.first);
    if constexpr (sizeof...(V) > 1) push_to<std::tuple_element_t<1, std::tuple<V...>>>(pass, term->args[1], adjoint, s.second);
    if constexpr (sizeof...(V) > 2) push_to<std::tuple_element_t<2, std::tuple<V...>>>(pass, term->args[2], adjoint, s.third);
  }
  template <class X, class Sl>
  static void push_to(tape::Propagation& pass, TermPointer const& arg, Eager<R> const& adjoint, Sl const& slope) {
    if constexpr (!std::is_same_v<Sl, math::Zero> && !std::is_integral_v<X>)
      if (arg->active) push_term(pass, arg, as_variable<X>(chain<Op>(adjoint, slope)));
  }
  template <class X, class G>
  static Variable<X> as_variable(G const& g) {
    if constexpr (std::is_same_v<value_t<G>, X>) return g.variable();
    else return G::template lift<Cast<X>>(g).variable();
  }
  static constexpr TermRule rule{&value, &push};
};

/// For each element the product of the others along the reduced dimensions. It is made of products alone, without a
/// division and without asking which elements are 0: so it can be differentiated where some are.
template <class X>
WICK_COLD Variable<X> product_of_others(Variable<X> x, unsigned mask) {
  Variable<X> others(full<X>({}, X(1)).to(x.device()), false);
  for (int d = 0; d < x.dim(); ++d) {
    if (!(mask >> d & 1) || x.numel() == 0) continue;
    auto const products = [&](Variable<X> const& factors, bool reverse) {  // 1 at the end where they begin
      Tensor<X> one = zeros<X>(x.shape());
      X* const data = one.data();
      std::int64_t const n = x.shape()[d], inner = one.layout().strides[d], at = reverse ? n - 1 : 0;
      for (std::int64_t i = 0; i < one.numel(); ++i)
        if (i / inner % n == at) data[i] = X(1);
      return recurrence_along(factors, one.to(x.device()), d, reverse);
    };
    others = others * (products(shifted(x, d, 1, 1.0), false) * products(x, true));
    x = run_reduction<Prod>(x, 1u << d, true);
  }
  return others;
}

// ... a reduction ...
template <class Op, class X>
struct ReductionRule {
  using T = typename Op::template result<X>;

  WICK_COLD static std::any value(Term const& term) {
    return run_reduction<Op>(term.args[0]->template value<X>(), term.mask, term.keepdim);
  }
  WICK_COLD static void push(tape::Propagation& pass, TermPointer const& term, std::any const& given) {
    if constexpr (!std::is_integral_v<T>) {
      unsigned const mask = term->mask;
      Dims const kept = reduced_dims(term->shape, mask, true), shape = reduced_dims(term->shape, mask, term->keepdim);
      std::int64_t const count = kept.numel() ? term->shape.numel() / kept.numel() : 0;
      Variable<T> adjoint = *std::any_cast<Variable<T>>(&given);
      if (!(adjoint.shape() == shape)) {
        Axes axes;
        for (int d = 0; d < shape.size(); ++d)
          if (shape[d] == 1 && adjoint.shape()[d] != 1) axes.push_back(d);
        adjoint = run_reduction<Sum>(adjoint, axes_mask("sum", axes, shape.size()), true);
      }
      Eager<T> seed(Variable<T>(reshape(adjoint, kept)));
      if (double const scale = Op::seed_scale(count); scale != 1) seed = seed * scale;
      Eager<X, T> const x(term->args[0]);
      auto const all = [&]<class R, class V>(std::type_identity<R>, Eager<V, T> const& part) {
        auto over = make_term(&ReductionRule<R, V>::rule, part.term());
        over->mask = mask, over->keepdim = true;
        return Eager<typename R::template result<V>, T>(over);
      };
      if constexpr (requires { typename Op::by_ties; })
        seed = seed / all(std::type_identity<Sum>{}, math::where(x == all(std::type_identity<Op>{}, x), 1, 0));
      auto const slope = [&] {
        if constexpr (requires { typename Op::by_zeros; }) return Eager<X, T>(product_of_others(x.variable(), mask));
        else return Op::slope(x, all(std::type_identity<Op>{}, x));
      }();
      auto const g = chain<Op>(seed, slope) + Eager<T>(Variable<T>(zeros<T>(term->shape), false));
      push_term(pass, term->args[0], OpRule<Add, X, X>::template as_variable<X>(g));
    }
  }
  static constexpr TermRule rule{&value, &push};
};

// ... a saved variable ...
template <class T>
struct LeafRule {
  static Saved<T> const& leaf(Term const& term) { return *static_cast<Saved<T> const*>(term.leaf); }
  WICK_COLD static std::any value(Term const& term) { return variable_of(leaf(term)); }
  WICK_COLD static void push(tape::Propagation& pass, TermPointer const& term, std::any const& adjoint) {
    if constexpr (!std::is_integral_v<T>) accumulate_graph(pass, *leaf(*term).edge.get(), *std::any_cast<Variable<T>>(&adjoint));
  }
  WICK_COLD static void push_value(tape::Propagation& pass, TermPointer const& term, std::any const& adjoint) {
    if constexpr (!std::is_integral_v<T>) accumulate(pass, *leaf(*term).edge.get(), std::any_cast<Variable<T>>(&adjoint)->value());
  }
  static constexpr TermRule rule{&value, &push}, value_rule{&value, &push_value};
};
template <class T>
TermPointer leaf_term(tape::Propagation const& pass, Saved<T> const& leaf, Gradients kind) {
  auto term = std::make_shared<Term>(kind == Gradients::variables ? &LeafRule<T>::rule : &LeafRule<T>::value_rule);
  term->leaf = &leaf;
  term->active = !std::is_integral_v<T> && pass.wants(leaf.edge.get());
  return term;
}
// ... and a leaf that no gradient flows into.
template <class F>
struct ConstantRule {
  WICK_COLD static std::any value(Term const& term) {
    return Variable<value_t<F>>(materialize(*static_cast<F const*>(term.leaf)), false);
  }
  static constexpr TermRule rule{&value, nullptr};
};

/// A formula, as its statement keeps it, as a term.
template <class F>
WICK_COLD TermPointer term_of(tape::Propagation const& pass, F const& f) {
  if constexpr (is_scalar<F>) {
    return known_term(Variable<value_t<F>>(Tensor<value_t<F>>(f.value), false));
  } else if constexpr (is_saved<F>) {
    return leaf_term(pass, f);
  } else if constexpr (is_map<F>) {
    return f.args.visit([&]<class... X>(X const&... args) {
      return make_term(&OpRule<typename F::op, value_t<X>...>::rule, term_of(pass, args)...);
    });
  } else if constexpr (is_reduce<F>) {
    auto term = make_term(&ReductionRule<typename F::op, value_t<typename F::argument_type>>::rule, term_of(pass, f.arg));
    term->mask = f.mask, term->keepdim = f.keepdim;
    term->shape = f.arg.shape();
    return term;
  } else {
    auto term = std::make_shared<Term>(&ConstantRule<F>::rule);
    term->leaf = &f;
    return term;
  }
}

/// The gradient of `y = f`; `has_result` when the entry keeps y.
template <class T, class N, class F>
void graph_map(tape::Propagation& pass, N& node, F const& f, bool has_result) {
  auto const term = term_of(pass, f);
  if (has_result) term->known = variable_of(Saved<T>{node.result, tape::Edge<T>(&node)});
  push_term(pass, term, gradient_variable<T>(node));
}
/// The gradient of `y = Op over dimensions of arg`.
template <class Op, class T, class N, class F>
void graph_reduce(tape::Propagation& pass, N& node, F const& arg, unsigned mask) {
  auto const term = make_term(&ReductionRule<Op, value_t<F>>::rule, term_of(pass, arg));
  term->mask = mask;
  term->keepdim = !(node.shape == reduced_dims(arg.shape(), mask, false));
  term->shape = arg.shape();
  push_term(pass, term, gradient_variable<T>(node));
}

}  // namespace detail
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
