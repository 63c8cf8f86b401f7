// SPDX-License-Identifier: MIT
// One element of a formula, by its coordinates: the definition of what a formula means. Small fixed tensors are
// computed with it (and unrolled), and the tests compare every other way with it.
#pragma once

#include <wick/expr/evaluate.hpp>
#include <wick/expr/traits.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <class F>
constexpr auto element(F const& f, Dims const& at);

template <class Op, class... T, std::size_t... K, class... Args>
constexpr auto apply_elements(std::index_sequence<K...>, Dims const& at, Args const&... args) {
  return static_cast<compute_t<result_t<Op, T...>>>(
      apply<Op>(static_cast<compute_t<argument_t<Op, static_cast<int>(K), T...>>>(element(args, at))...));
}

// Offset of the element at `at` (coordinates of a shape that this one broadcasts to).
constexpr std::int64_t broadcast_offset(Dims const& shape, Strides const& strides, Dims const& at) {
  std::int64_t offset = 0;
  int const lead = at.size() - shape.size();
  for (int d = 0; d < shape.size(); ++d)
    if (shape[d] != 1) offset += at[d + lead] * strides[d];
  return offset;
}

template <class F>
constexpr auto element(F const& f, Dims const& at) {
  using T = compute_t<value_t<F>>;
  if constexpr (is_scalar<F>) {
    return f.value;
  } else if constexpr (requires { typename F::is_generated; }) {
    value_t<F> value;
    F::fetch(&f, broadcast_offset(f.layout.shape, f.layout.strides, at), 0, 1, &value);
    return static_cast<T>(value);
  } else if constexpr (is_fixed<F>) {
    constexpr Layout layout{dims_of<extents_t<F>>()};
    return static_cast<T>(f.data()[broadcast_offset(layout.shape, layout.strides, at)]);
  } else if constexpr (is_map<F>) {
    return f.args.visit([&]<class... Args>(Args const&... args) {
      return apply_elements<typename F::op, value_t<Args>...>(std::index_sequence_for<Args...>{}, at, args...);
    });
  } else if constexpr (is_reduce<F>) {
    // The elements that `at` stands for, in row-major order.
    using Op = typename F::op;
    decltype(auto) shape = f.arg.shape();
    Dims position = shape;
    Dims const results = f.shape();
    int kept = at.size() - results.size();
    for (int d = 0; d < shape.size(); ++d) {
      bool const reduced = f.mask >> d & 1;
      position[d] = reduced || shape[d] == 1 ? 0 : at[kept];
      if (!reduced || f.keepdim) ++kept;
    }
    auto const each = [&](auto const& visit) {
      for (std::int64_t left = f.count(); left > 0; --left) {
        visit(static_cast<T>(element(f.arg, position)));
        for (int d = shape.size() - 1; d >= 0; --d) {
          if (!(f.mask >> d & 1)) continue;
          if (++position[d] < shape[d]) break;
          position[d] = 0;
        }
      }
    };
    T total = Op::template identity<T>();
    each([&](T const& x) { total = static_cast<T>(Op::combine(total, static_cast<T>(Op::lift(x)))); });
    if constexpr (LiftedNumber<T> && requires { typename Op::by_ties; }) {
      // Equal elements share the tangent, as they share the gradient.
      T equal = T(0);
      int ties = 0;
      each([&](T const& x) {
        if (x == total) equal = equal + x, ++ties;
      });
      if (ties > 0) total = T::varied(total, equal / ties);
    }
    if constexpr (requires { Op::finish(T{}, std::int64_t{}); }) return static_cast<T>(Op::finish(total, f.count()));
    else return total;
  } else {
    LeafData const leaf = leaf_data(f);
    using Element = value_t<F>;
    return static_cast<T>(ElementTraits<Element>::load(
        static_cast<base_t<Element> const*>(leaf.data) + broadcast_offset(leaf.layout->shape, leaf.layout->strides, at),
        leaf.plane_stride));
  }
}

template <class E>
constexpr Dims coordinates(std::int64_t index) {
  Dims at = dims_of<E>();
  for (int d = E::rank - 1; d >= 0; --d) {
    std::int64_t const extent = E::extents[d];
    at[d] = extent > 0 ? index % extent : 0;
    index = extent > 0 ? index / extent : 0;
  }
  return at;
}

// Small results are written out without a loop, so that coordinates fold to constants.
inline constexpr std::int64_t most_unrolled = 64;

}  // namespace detail

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
