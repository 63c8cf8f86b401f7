// SPDX-License-Identifier: MIT
// Recording: assigning a formula over variables to a Variable makes one entry for the whole statement.
#pragma once

#include <wick/autograd/graph.hpp>
#include <wick/autograd/propagate.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

// Drops the values that the backward kernel does not read, keeping their layouts.
template <class F, std::size_t N>
void drop_unneeded(F& saved, SlotFlags<N> const& read) {
  int slot = 0;
  visit_leaves(saved, [&](auto const& leaf) {
    using Kept = std::remove_cvref_t<decltype(leaf)>;
    constexpr int planes = ElementTraits<value_t<Kept>>::planes;
    bool const needed = read[static_cast<std::size_t>(slot)];
    slot += planes;
    if (needed) return;
    if constexpr (is_saved<Kept>) {
      auto& value = const_cast<Kept&>(leaf).value;
      value = Tensor<value_t<Kept>>(Storage(), nullptr, value.layout());
    }
  });
}

/// For each element the product of the others along the reduced dimensions; also where elements are 0.
template <class T>
Tensor<T> product_of_others(Tensor<T> const& x, unsigned mask) {
  auto const others = where(x == 0, 1, x);
  Tensor<T> const product = Reduce<Prod, std::remove_const_t<decltype(others)>>(others, mask, true);
  auto const zero = cast<T>(x == 0);
  Tensor<T> const zeros = Reduce<Sum, std::remove_const_t<decltype(zero)>>(zero, mask, true);
  return where(x == 0, where(zeros == 1, product, 0), where(zeros == 0, product / others, 0));
}

/// An entry for `y = formula` (elementwise), `y = Op over axes of formula`, or a row formula.
template <class T, class F, class Op, bool rows>
struct Statement final : tape::Node<T> {
  using S = typename SweepStructureOf<F>::type;
  using Kernel = typename std::conditional_t<rows, std::type_identity<RowSweepKernel<std::conditional_t<rows, S, Apply<Neg, Active<float>>>>>,
                                             std::type_identity<SweepKernel<std::conditional_t<rows, Active<float>, S>, Op>>>::type;
  static constexpr bool uses_result = [] {
    if constexpr (std::is_void_v<Op>) return needs_result<S>;
    else return (reduction_bits<Op> & 2) != 0;
  }();
  // The slots whose values the backward kernel reads.
  static constexpr auto needed = [] {
    if constexpr (rows) {
      auto all = needed_slots<S>;
      all.fill(true);
      return all;
    } else if constexpr (std::is_void_v<Op>) {
      return needed_slots<S>;
    } else {
      return needed_by_reduction<S, Op>;
    }
  }();

  std::optional<F> saved;
  Tensor<T> result;
  unsigned mask = 0;  // reduced dimensions
  int row = -1;

  /// `save()` returns the saved formula, which is made in its place.
  template <class Save>
  Statement(Save const& save, Tensor<T> y, unsigned reduced, int row_axis) : mask(reduced), row(row_axis) {
    struct Late {
      Save const& save;
      operator F() const { return save(); }
    };
    saved.emplace(Late{save});
    this->type = &statement_type;
    this->requires_grad = true;
    this->shape = y.shape();
    if constexpr (uses_result) result = y;
    this->value = std::move(y);
    drop_unneeded(*saved, needed);
  }

  static void propagate(tape::Entry& entry, tape::Propagation& pass) {
    auto& self = static_cast<Statement&>(entry);
    if constexpr (std::is_void_v<Op>) {
      run_sweep<Kernel, S>(pass, *self.saved, self.shape, needed, self.gradient, self.gradient.layout(), self.result, self.row,
                          self.retains_grad ? nullptr : &self.gradient);
    } else {
      decltype(auto) shape = self.saved->shape();
      Layout const kept{reduced_dims(shape, self.mask, true)};
      std::int64_t const count = self.shape.numel() ? shape.numel() / self.shape.numel() : 0;
      Tensor<T> changed;
      Tensor<T> const* seed = &self.gradient;
      if (double const scale = Op::seed_scale(count); scale != 1) seed = &(changed = *seed * scale);
      if constexpr (requires { typename Op::by_ties; }) {
        Tensor<T> const among(Storage(self.result.storage()), const_cast<base_t<T>*>(std::as_const(self.result).data()), kept);
        auto const ties = [&] {
          // The result has been rounded to T, so what it was chosen from is rounded too.
          if constexpr (Half<T>) return where(cast<T>(*self.saved) == among, 1.0, 0.0);
          else return where(*self.saved == among, 1.0, 0.0);
        }();
        Reduce<Sum, std::remove_const_t<decltype(ties)>> const total(ties, self.mask, true);
        Tensor<T> const number = cast<T>(total);
        seed = &(changed = *seed / number.reshape(self.shape));
      }
      if constexpr (requires { typename Op::by_zeros; }) {
        Tensor<T> const x = materialize(*self.saved);
        if (materialize(any(x == 0)).item()) {
          Tensor<T> const adjoint = seed->reshape(kept.shape) * product_of_others(x, self.mask);
          run_sweep<SweepKernel<S>, S>(pass, *self.saved, shape, needed, adjoint, adjoint.layout(), x);
          return;
        }
      }
      run_sweep<Kernel, S>(pass, *self.saved, shape, needed, *seed, kept, self.result);
    }
  }
  WICK_COLD static void propagate_graph(tape::Entry& entry, tape::Propagation& pass) {
    auto& self = static_cast<Statement&>(entry);
    if constexpr (std::is_void_v<Op>) graph_map<T>(pass, self, *self.saved, uses_result);
    else graph_reduce<Op, T>(pass, self, *self.saved, self.mask);
  }
  static void inputs(tape::Entry& entry, void* context, void (*visit)(void*, tape::Entry&)) {
    auto& self = static_cast<Statement&>(entry);
    if (!self.saved) return;
    visit_leaves(*self.saved, [&](auto const& leaf) {
      if constexpr (is_saved<std::remove_cvref_t<decltype(leaf)>>)
        if (leaf.edge) visit(context, *leaf.edge.get());
    });
  }
  static void forget(tape::Entry& entry) {
    auto& self = static_cast<Statement&>(entry);
    self.saved.reset();
    self.result.reset();
  }
  static void destroy(tape::Entry& entry) { static_cast<Statement&>(entry).~Statement(); }

  static constexpr const char* statement_name() {
    if constexpr (!std::is_void_v<Op>) return Op::name;
    else return F::op::name;
  }
  static constexpr tape::EntryType statement_type{statement_name(), &propagate, &propagate_graph, &inputs, &forget, &destroy};
};

template <class T, class Op, bool rows, class Save>
tape::Node<T>* append_statement(Save const& save, Tensor<T> value, unsigned mask, int row) {
  return &tape::Tape::here().append<Statement<T, decltype(save()), Op, rows>>(save, std::move(value), mask, row);
}

template <class T, class F>
Tensor<T> value_of(F const& f) {
  Device const device = device_of(f);
  Tensor<T> y(Tensor<T>::uninitialized, f.shape(), device);
  compute_into<T>(const_cast<base_t<T>*>(std::as_const(y).data()), y.plane_stride(), y.layout(), f, device);
  return y;
}

/// Records an elementwise formula in which kernel nodes or reductions stand; `consumed` when nobody else can ask for it
/// again.
template <class T, class F>
tape::Node<T>* record_costly_map(F const& f, bool consumed) {
  using Kept = decltype(save<false>(f));
  using S = typename SweepStructureOf<Kept>::type;
  if constexpr (lazy_leaves<F> > 0) {
    // The kernel node's value is needed only where a slope reads it; else the formula runs inside the kernel.
    bool reads_kernel = false;
    int slot = 0;
    visit_leaves(f, [&](auto const& leaf) {
      using Leaf = std::remove_cvref_t<decltype(leaf)>;
      if constexpr (LazyNode<Leaf>) reads_kernel |= leaf.state().fuses() && needed_slots<S>[static_cast<std::size_t>(slot)];
      slot += ElementTraits<value_t<Leaf>>::planes;
    });
    if (consumed && !reads_kernel) {
      auto kept = save<false>(f, false);
      Tensor<T> y(Tensor<T>::uninitialized, f.shape(), device_of(f));
      if (run_epilogue<T>(const_cast<T*>(std::as_const(y).data()), y.layout(), f))
        return append_statement<T, void, false>([&] { return std::move(kept); }, std::move(y), 0, -1);
    }
  }
  auto kept = save<false>(f);
  Tensor<T> y = value_of<T>(kept);
  return append_statement<T, void, false>([&] { return std::move(kept); }, std::move(y), 0, -1);
}

/// Records an elementwise formula.
template <class T, class F>
tape::Node<T>* record_map(F const& f, bool consumed) {
  if constexpr (is_plain<F>) {
    return append_statement<T, void, false>([&] { return save<false>(f); }, value_of<T>(f), 0, -1);
  } else {
    return record_costly_map<T>(f, consumed);
  }
}

template <class T, class F>
tape::Node<T>* record_formula(F const& f, bool consumed) {
  if constexpr (LazyNode<F>) {
    auto saved = saved_lazy(f, true);
    auto* const node = saved.edge.get();
    node->value = saved.value;
    retain(node->references);
    return node;
  } else if constexpr (is_reduce<F>) {
    if constexpr (is_plain<typename F::argument_type>) {
      return append_statement<T, typename F::op, false>([&] { return save<false>(f.arg); }, value_of<T>(f), f.mask, -1);
    } else {
      auto arg = save<false>(f.arg);
      Reduce<typename F::op, decltype(arg), typename F::extents_type> const r(arg, f.mask, f.keepdim);
      Tensor<T> y = value_of<T>(r);
      return append_statement<T, typename F::op, false>([&] { return std::move(arg); }, std::move(y), f.mask, -1);
    }
  } else if constexpr (has_reduce<F>) {
    using Kept = decltype(save<true>(f));
    using S = typename SweepStructureOf<Kept>::type;
    if constexpr (Lane<compute_t<T>> && Lane<lane_t<S>> && gradients_in_lane<S, compute_t<T>>) {
      Dims const shape = f.shape();
      int const axis = row_axis(f, shape);
      if (axis >= 0) {
        auto kept = save<true>(f);
        Slots<S::slot_count> slot_data;
        fill_slots(kept, shape, slot_data.data);
        if (same_parts_same_data<S>(slot_data.data, shape.size())) {
          Tensor<T> y = value_of<T>(kept);
          return append_statement<T, void, true>([&] { return std::move(kept); }, std::move(y), 0, axis);
        }
      }
    }
    return record_map<T>(f, consumed);
  } else {
    return record_map<T>(f, consumed);
  }
}

}  // namespace detail

/// Computes a formula and makes the node of a Variable from it; recorded when a gradient can flow.
template <class T, class X>
tape::Node<T>* record(IsaTag, std::type_identity<T>, X&& x) {
  auto&& f = operand(std::forward<X>(x));
  using F = std::remove_cvref_t<decltype(f)>;
  static_assert(std::is_same_v<T, value_t<F>>,
                "Wick: the formula has another element type than the Variable; convert it with cast<T>(...)");
  tape::Node<T>* node;
  if constexpr (!is_recordable<F>) {
    node = &tape::Leaf<T>::make(Tensor<T>(std::forward<X>(x)), true);
    node->untracked.store(true, std::memory_order_relaxed);
  } else if (!grad_enabled() || !is_active(f)) {
    node = &tape::Leaf<T>::make(Tensor<T>(std::forward<X>(x)), false);
  } else {
    node = detail::record_formula<T>(f, !std::is_lvalue_reference_v<X>);
  }
  node->handles.fetch_add(1, std::memory_order_relaxed);
  return node;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
