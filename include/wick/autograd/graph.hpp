// SPDX-License-Identifier: MIT
// The gradient as a graph (create_graph): a statement is walked op by op, each slope computed with variables, so that the
// result can be differentiated again, to any order.
#pragma once

#include <functional>
#include <memory>

#include <wick/autograd/propagate.hpp>
#include <wick/core/create.hpp>
#include <wick/ops/cast.hpp>
#include <wick/ops/shape.hpp>

namespace wick::inline WICK_ISA {

/// An operation as it is run one at a time: element by element, so that the graph of a gradient costs little to compile.
template <class Op>
struct Unfused : Op {
  using scalar_only = void;
  using type = Unfused;
};
template <class Op>
struct Unfused<Unfused<Op>> {
  using type = Unfused<Op>;
};

/// A variable that is computed when it is asked for, one operation after another: what slopes are evaluated with. So
/// only what a gradient needs is computed, and only it must have been saved. Literals become numbers of type T.
template <class V, class T = V>
class Eager {
 public:
  using lifts_operations = void;
  using value_type = V;
  using number_type = T;

  Eager() = default;
  explicit Eager(Variable<V> const& variable) : later_(std::make_shared<Later>()) { later_->value = variable; }
  explicit Eager(std::function<Variable<V>()> make) : later_(std::make_shared<Later>()) { later_->make = std::move(make); }

  /// The variable, computed once.
  Variable<V> const& variable() const {
    if (!later_->value) later_->value = later_->make();
    return *later_->value;
  }

  template <class Op, class... X>
  WICK_COLD static auto lift(X const&... x) {
    using Once = typename Unfused<Op>::type;
    using R = result_t<Op, part_t<X>...>;
    return Eager<R, T>([x...] { return Variable<R>(map<Once>(part(x)...)); });
  }

 private:
  struct Later {
    std::optional<Variable<V>> value;
    std::function<Variable<V>()> make;
  };
  template <class A>
  static Variable<T> part(A const& number) { return Variable<T>(static_cast<T>(number), false); }
  template <class W>
  static Variable<W> part(Eager<W, T> const& x) { return x.variable(); }
  template <class A>
  using part_t = value_t<decltype(part(std::declval<A const&>()))>;

  std::shared_ptr<Later> later_;
};

namespace detail {

template <class T>
Variable<T> gradient_variable(tape::Entry& entry) {
  return Variable<T>::of(static_cast<tape::Node<T>*>(entry.graph_gradient));
}

template <class Pass, class Sl, class A>
void push_each(Pass const& pass, Sl const& s, A const& a) { pass(a, s.first); }
template <class Pass, class Sl, class A, class B>
void push_each(Pass const& pass, Sl const& s, A const& a, B const& b) { pass(a, s.first), pass(b, s.second); }
template <class Pass, class Sl, class A, class B, class C>
void push_each(Pass const& pass, Sl const& s, A const& a, B const& b, C const& c) {
  pass(a, s.first), pass(b, s.second), pass(c, s.third);
}

template <class T, class Op, bool rows, class Save>
tape::Node<T>* append_statement(Save const& save, Tensor<T> value, unsigned mask, int row);

/// Adds a variable to the gradient of a node, as a variable.
template <class T>
WICK_COLD void accumulate_graph(tape::Propagation& pass, tape::Node<T>& node, Variable<T> add) {
  pass.reach(node);
  if (!(add.shape() == node.shape)) {
    int const lead = add.dim() - node.shape.size();
    Axes axes;
    for (int d = 0; d < add.dim(); ++d)
      if (d < lead || (node.shape[d - lead] == 1 && add.shape()[d] != 1)) axes.push_back(d);
    Variable<T> total = sum(add, axes, {.keepdim = true});
    add = Variable<T>(reshape(total, node.shape));
  }
  if (node.graph_gradient) {
    Variable<T> const before = Variable<T>::of(static_cast<tape::Node<T>*>(node.graph_gradient));
    add = (Eager<T>(before) + Eager<T>(add)).variable();
  }
  tape::set_graph_gradient(node, add);
}

/// The variable behind a saved leaf, with the value it had at the time of the statement.
template <class T>
WICK_COLD Variable<T> variable_of(Saved<T> const& saved) {
  if (!saved.edge) return Variable<T>(saved.value, false);
  auto* const node = saved.edge.get();
  if (node->value.numel() != node->shape.numel() || !node->value.storage()) {
    node->value = saved.value;  // nobody showed it any more
  } else if (saved.value.storage() && saved.value.data() != std::as_const(node->value).data()) {
    // Changed in place since: an identity statement keeps the old value and the way to the variable.
    Map<Cast<T>, Saved<T>> same(saved);
    return Variable<T>::adopt(append_statement<T, void, false>([&] { return same; }, saved.value, 0, -1));
  }
  return Variable<T>::of(node);
}

template <class Op, class T, class N, class... X>
auto lift_parts(X const&... x) {
  return Eager<T, N>::template lift<Op>(x...);
}

// The value of a part of a statement as a variable; literals beside it become numbers of type N.
template <class N, class F>
WICK_COLD auto eager_value(F const& f) {
  using T = value_t<F>;
  if constexpr (is_scalar<F>) {
    return f.value;
  } else if constexpr (is_saved<F>) {
    return Eager<T, N>([f] { return variable_of(f); });
  } else if constexpr (is_map<F>) {
    return f.args.visit([](auto const&... args) { return lift_parts<typename F::op, T, N>(eager_value<N>(args)...); });
  } else if constexpr (is_reduce<F>) {
    using X = value_t<typename F::argument_type>;
    return Eager<T, N>([arg = eager_value<N>(f.arg), mask = f.mask, keepdim = f.keepdim] {
      return Variable<T>(Reduce<typename F::op, Variable<X>, typename F::extents_type>(arg.variable(), mask, keepdim));
    });
  } else {
    return Eager<T, N>([f] { return Variable<T>(materialize(f), false); });
  }
}

template <class T, class G>
Variable<T> as_variable(G const& g) {
  if constexpr (std::is_same_v<typename G::value_type, T>) return g.variable();
  else return Variable<T>(cast<T>(g.variable()));
}

template <class T, class F>
void push_graph(tape::Propagation& pass, F const& f, Variable<T> const& adjoint, Eager<T> const* value = nullptr);

/// The adjoint of a reduction's argument, given that of its result (already with the reduced dimensions kept).
template <class Op, class T, class Arg>
WICK_COLD void push_reduction(tape::Propagation& pass, Arg const& arg, unsigned mask, Variable<T> const& adjoint) {
  using X = value_t<Arg>;
  Dims const shape = arg.shape();
  Dims const kept = reduced_dims(shape, mask, true);
  std::int64_t const count = kept.numel() ? shape.numel() / kept.numel() : 0;
  Variable<T> seed(reshape(adjoint, kept));
  if (double const scale = Op::seed_scale(count); scale != 1) seed = (Eager<T>(seed) * scale).variable();
  auto const x = eager_value<T>(arg);
  if constexpr (requires { typename Op::by_ties; }) {
    Tensor<T> const value = cast<T>(x.variable().value());
    Tensor<T> const best = Reduce<Op, Tensor<T>>(value, mask, true);
    auto const ties = where(value == best, 1.0, 0.0);
    Tensor<T> const number = cast<T>(Reduce<Sum, std::remove_cvref_t<decltype(ties)>>(ties, mask, true));
    seed = (Eager<T>(seed) / Eager<T>(Variable<T>(number, false))).variable();
  }
  auto const slope = [&] {
    auto const all = [&]<class R>(std::type_identity<R>, auto const& part) {
      return Eager<T>([part, mask] { return Variable<T>(Reduce<R, Variable<X>>(part.variable(), mask, true)); });
    };
    if constexpr (requires { typename Op::by_zeros; }) {
      // The product of the other elements, also where some are 0.
      auto const is_zero = x == 0;
      auto const others = math::where(is_zero, 1, x);
      auto const product = all(std::type_identity<Op>{}, others);
      auto const zeros = all(std::type_identity<Sum>{}, math::where(is_zero, 1, 0));
      return math::where(is_zero, math::where(zeros == 1, product, 0), math::where(zeros == 0, product / others, 0));
    } else {
      return Op::slope(x, all(std::type_identity<Op>{}, x));
    }
  }();
  auto const g = chain(Eager<T>(seed), slope);
  push_graph(pass, arg, as_variable<X>(g + Eager<T>(Variable<T>(zeros<T>(shape), false))));
}

/// Pushes an adjoint (a variable of the formula's shape, or one that broadcasts it) through a formula, whose own value
/// may be at hand.
template <class T, class F>
WICK_COLD void push_graph(tape::Propagation& pass, F const& f, Variable<T> const& adjoint, [[maybe_unused]] Eager<T> const* value) {
  if constexpr (is_saved<F>) {
    if constexpr (!std::is_integral_v<T>)
      if (pass.wants(f.edge.get())) accumulate_graph(pass, *f.edge.get(), adjoint);
  } else if constexpr (is_map<F>) {
    using Op = typename F::op;
    if constexpr (differentiable<Op>)
      f.args.visit([&](auto const&... args) {
        auto const s = slopes<Op>(
            [&] {
              if constexpr (Op::arity == 1 && SlopeFromValue<Op>)
                return value ? *value : Eager<T>::template lift<Op>(eager_value<T>(args)...);
              else
                return 0;
            }(),
            eager_value<T>(args)...);
        auto const pass_to = [&](auto const& arg, auto const& slope) {
          using Arg = std::remove_cvref_t<decltype(arg)>;
          if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(slope)>, Zero> && has_active<typename SweepStructureOf<Arg>::type>) {
            auto const g = chain(Eager<T>(adjoint), slope);
            push_graph(pass, arg, as_variable<value_t<Arg>>(g));
          }
        };
        push_each(pass_to, s, args...);
      });
  } else if constexpr (is_reduce<F>) {
    Variable<T> total = adjoint;
    Dims const shape = f.shape();
    if (!(total.shape() == shape)) {
      Axes axes;
      for (int d = 0; d < shape.size(); ++d)
        if (shape[d] == 1 && total.shape()[d] != 1) axes.push_back(d);
      total = Variable<T>(sum(total, axes, {.keepdim = true}));
    }
    push_reduction<typename F::op, T>(pass, f.arg, f.mask, total);
  }
}

template <class T, class N, class F>
void graph_map(tape::Propagation& pass, N& node, F const& f) {
  Eager<T> const value([&node] { return variable_of(Saved<T>{node.result, tape::Edge<T>(&node)}); });
  push_graph<T>(pass, f, gradient_variable<T>(node), &value);
}
template <class Op, class T, class N, class F>
void graph_reduce(tape::Propagation& pass, N& node, F const& arg, unsigned mask) {
  push_reduction<Op, T>(pass, arg, mask, gradient_variable<T>(node));
}

}  // namespace detail
}  // namespace wick::inline WICK_ISA
