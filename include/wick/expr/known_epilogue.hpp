// SPDX-License-Identifier: MIT
// The formulas around a kernel node that kernels of devices compute themselves: node + bias, and relu or
// gelu_tanh of the node or of that sum.
#pragma once

#include <wick/calls/epilogue.hpp>
#include <wick/expr/traits.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

struct Add;              // of ops/arithmetic.hpp
struct Relu;             // of ops/activation.hpp
struct GeluTanh;

namespace detail {

template <class F>
inline constexpr bool is_sum_with_node = false;
template <class A, class B>
inline constexpr bool is_sum_with_node<Map<Add, A, B>> =
    !is_map<A> && !is_map<B> && !is_reduce<A> && !is_reduce<B> && (LazyNode<A> || LazyNode<B>) && std::is_same_v<value_t<A>, value_t<B>>;

template <class F>
inline constexpr backend::Activation activation_of = backend::Activation::none;
template <class F>
inline constexpr backend::Activation activation_of<Map<Relu, F>> = backend::Activation::relu;
template <class F>
inline constexpr backend::Activation activation_of<Map<GeluTanh, F>> = backend::Activation::gelu_tanh;

/// True for formulas that look like one of those; whether the other operand is a bias, its shape decides.
template <class F>
inline constexpr bool is_known_epilogue = is_sum_with_node<F>;
template <class F>
inline constexpr bool is_known_epilogue<Map<Relu, F>> = LazyNode<F> || is_sum_with_node<F>;
template <class F>
inline constexpr bool is_known_epilogue<Map<GeluTanh, F>> = LazyNode<F> || is_sum_with_node<F>;

/// True when a tensor of this layout is a run of `n` numbers that broadcasts along dimension `dim`, counted from the last.
inline bool is_bias(Layout const& layout, int dim, std::int64_t n) {
  if (layout.shape.numel() != n) return false;
  int const at = layout.rank() - dim;
  return n == 1 || (at >= 0 && layout.shape[at] == n && layout.strides[at] == 1);
}

/// Finds what a kernel of a device is to do for the formula around its node; false when it cannot.
template <class F, class State, class T>
bool find_known_epilogue(F const& f, State const& inside, backend::KnownEpilogue<T>& known) {
  if constexpr (activation_of<F> != backend::Activation::none) {
    known.activation = activation_of<F>;
    return f.args.visit([&](auto const& x) { return find_known_epilogue(x, inside, known); });
  } else if constexpr (is_sum_with_node<F>) {
    return f.args.visit([&](auto const& a, auto const& b) {
      auto const is_inside = [&]<class X>(X const& x) {
        if constexpr (LazyNode<X>) return static_cast<void const*>(&x.state()) == &inside;
        else return false;
      };
      auto const take = [&]<class X>(X const& x) {
        if constexpr (is_scalar<X> || is_fixed<X> || requires { typename X::is_generated; }) {
          return false;
        } else {
          LeafData const found = leaf_data(x);
          core::note_use(found.block);
          known.bias = static_cast<T const*>(found.data);
          return is_bias(*found.layout, inside.bias_dim(), inside.shape[inside.shape.size() - inside.bias_dim()]);
        }
      };
      return inside.bias_dim() > 0 && (is_inside(a) ? take(b) : take(a));
    });
  } else {
    return inside.bias_dim() > 0;
  }
}

}  // namespace detail
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
