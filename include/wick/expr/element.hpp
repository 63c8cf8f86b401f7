// SPDX-License-Identifier: MIT
// One element of a formula, by its place: the definition of what a formula means. Small fixed tensors are computed with
// it (and unrolled), and the tests compare every other way with it.
#pragma once

#include <wick/expr/evaluate.hpp>
#include <wick/expr/traits.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

/// A place that is known when compiling: element I, in row-major order, of shape E.
template <class E, std::int64_t I>
struct Place {};
template <class P>
inline constexpr bool is_place = false;
template <class E, std::int64_t I>
inline constexpr bool is_place<Place<E, I>> = true;

/// Where element `index` of a tensor of shape To stands in one of shape From that is read as if it had shape To; both are
/// counted in row-major order.
template <class From, class To>
constexpr std::int64_t broadcast_index(std::int64_t index) {
  std::int64_t result = 0, step = 1;
  for (int d = To::rank - 1, from = From::rank - 1; d >= 0 && from >= 0; --d, --from) {
    if (From::extents[from] != 1) result += index % To::extents[d] * step;
    index /= To::extents[d], step *= From::extents[from];
  }
  return result;
}
template <class From, class To, std::int64_t I>
constexpr std::int64_t fixed_offset(Place<To, I>) {
  constexpr std::int64_t offset = broadcast_index<From, To>(I);
  return offset;
}
// Offset of the element at `at` (coordinates of a shape that this one broadcasts to).
constexpr std::int64_t broadcast_offset(Dims const& shape, Strides const& strides, Dims const& at) {
  std::int64_t offset = 0;
  int const lead = at.size() - shape.size();
  for (int d = 0; d < shape.size(); ++d)
    if (shape[d] != 1) offset += at[d + lead] * strides[d];
  return offset;
}
template <class From>
constexpr std::int64_t fixed_offset(Dims const& at) {
  constexpr Layout layout{dims_of<From>()};
  return broadcast_offset(layout.shape, layout.strides, at);
}

constexpr Dims coordinates(Dims const& shape, std::int64_t index) {
  Dims at = shape;
  for (int d = shape.size() - 1; d >= 0; --d) {
    std::int64_t const extent = shape[d];
    at[d] = extent > 0 ? index % extent : 0;
    index = extent > 0 ? index / extent : 0;
  }
  return at;
}
template <class E>
constexpr Dims coordinates(std::int64_t index) { return coordinates(dims_of<E>(), index); }
constexpr Dims const& coordinates(Dims const& at) { return at; }
template <class E, std::int64_t I>
constexpr Dims coordinates(Place<E, I>) { return coordinates<E>(I); }

// Small results are written out without a loop, so that places fold to constants.
inline constexpr std::int64_t most_unrolled = 64;

template <class F, class P>
WICK_INLINE constexpr auto element(F const& f, P const& at);

template <class Op, class... T, std::size_t... K, class P, class... Args>
WICK_INLINE constexpr auto apply_elements(std::index_sequence<K...>, P const& at, Args const&... args) {
  return static_cast<compute_t<result_t<Op, T...>>>(
      apply<Op>(static_cast<compute_t<argument_t<Op, static_cast<int>(K), T...>>>(element(args, at))...));
}

// True when a formula reads the elements of Fixed tensors of shape E in their order, and numbers: no other leaves.
template <class F, class E>
inline constexpr bool is_aligned_fixed = is_scalar<F>;
template <class T, class E>
inline constexpr bool is_aligned_fixed<Tensor<T, E, Inline>, E> = true;
template <class Op, class... Args, class E>
inline constexpr bool is_aligned_fixed<Map<Op, Args...>, E> = (is_aligned_fixed<Args, E> && ...);

// True when each leaf has elements of type L: registers of a Fixed formula convert nothing.
template <class F, class L>
inline constexpr bool has_leaves_of = std::is_same_v<value_t<F>, L>;
template <class Op, class... Args, class L>
inline constexpr bool has_leaves_of<Map<Op, Args...>, L> = (has_leaves_of<Args, L> && ...);

/// The number type in whose registers a Fixed formula of shape E is computed; void where it is not worth one.
template <class F, class E, class T = value_t<F>>
constexpr auto fixed_lane() {
  using L = lane_t<structure_t<F>, T>;
  if constexpr (Lane<L>) {
    if constexpr (std::is_same_v<T, L> && is_aligned_fixed<F, E> && has_leaves_of<F, L> && E::numel >= lanes<L>) return std::type_identity<L>{};
    else return std::type_identity<void>{};
  } else {
    return std::type_identity<void>{};
  }
}
template <class F, class E, class T = value_t<F>>
using fixed_lane_t = typename decltype(fixed_lane<F, E, T>())::type;

/// As many elements of such a formula as a register holds, from `index` on.
template <class L, class F>
WICK_INLINE auto register_of(F const& f, std::int64_t index) {
  if constexpr (is_scalar<F>) {
    return simd::splat<L>(f.value);
  } else if constexpr (is_fixed<F>) {
    return simd::load(f.data() + index);
  } else {
    return f.args.visit([&]<class... Args>(Args const&... args) WICK_LAMBDA_INLINE {
      return apply_converted<typename F::op, L, false, value_t<Args>...>(std::index_sequence_for<Args...>{}, register_of<L>(args, index)...);
    });
  }
}

// Elements [From, From + Count) of a formula of shape E, lifted and combined in pairs.
template <class Op, class T, class E, std::int64_t From, std::int64_t Count, class F>
WICK_INLINE constexpr T fold_elements(F const& f) {
  if constexpr (Count == 1) {
    return static_cast<T>(Op::lift(static_cast<T>(element(f, Place<E, From>{}))));
  } else {
    constexpr std::int64_t half = Count / 2;
    return static_cast<T>(Op::combine(fold_elements<Op, T, E, From, half>(f), fold_elements<Op, T, E, From + half, Count - half>(f)));
  }
}
// The same of registers: Count of them, the first one at element From.
template <class Op, class L, std::int64_t From, std::int64_t Count, class F>
WICK_INLINE Batch<L> fold_registers(F const& f) {
  if constexpr (Count == 1) {
    return Op::lift(convert<L, L>(register_of<L>(f, From)));
  } else {
    constexpr std::int64_t half = Count / 2;
    return Op::combine(fold_registers<Op, L, From, half>(f), fold_registers<Op, L, From + half * lanes<L>, Count - half>(f));
  }
}

template <class Op, class T>
WICK_INLINE constexpr T finished(T total, [[maybe_unused]] std::int64_t count) {
  if constexpr (requires { Op::finish(total, count); }) return static_cast<T>(Op::finish(total, count));
  else return total;
}

/// `Op` of all elements of a formula whose extents are known.
template <class Op, class T, class F>
WICK_INLINE constexpr T fold_all(F const& f) {
  using E = extents_t<F>;
  using L = fixed_lane_t<F, E, T>;
  if constexpr (E::numel == 0) {
    return Op::template identity<T>();
  } else if constexpr (E::numel <= most_unrolled) {
    if constexpr (Lane<L>) {
      constexpr std::int64_t whole = E::numel / lanes<L> * lanes<L>;
      if (!std::is_constant_evaluated()) {
        T const total = simd::fold_lanes<L>(fold_registers<Op, L, 0, whole / lanes<L>>(f), [](auto a, auto b) WICK_LAMBDA_INLINE { return Op::combine(a, b); });
        if constexpr (whole == E::numel) return total;
        else return Op::combine(total, fold_elements<Op, T, E, whole, E::numel - whole>(f));
      }
    }
    return fold_elements<Op, T, E, 0, E::numel>(f);
  } else {
    T total = Op::template identity<T>();
    for (std::int64_t i = 0; i < E::numel; ++i)
      total = static_cast<T>(Op::combine(total, static_cast<T>(Op::lift(static_cast<T>(element(f, coordinates<E>(i)))))));
    return total;
  }
}

// Equal elements of dual numbers share the tangent, as they share the gradient.
template <class Op, class T>
inline constexpr bool shares_ties = LiftedNumber<T> && requires { typename Op::by_ties; };

// Element `at` of a reduction: of the elements that it stands for, in row-major order.
template <class T, class F>
constexpr T reduced_element(F const& f, Dims const& at) {
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
  if constexpr (shares_ties<Op, T>) {
    T equal = T(0);
    int ties = 0;
    each([&](T const& x) {
      if (x == total) equal = equal + x, ++ties;
    });
    if (ties > 0) total = T::varied(total, equal / ties);
  }
  return total;
}

template <class F, class P>
WICK_INLINE constexpr auto element(F const& f, P const& at) {
  using T = compute_t<value_t<F>>;
  if constexpr (is_scalar<F>) {
    return f.value;
  } else if constexpr (requires { typename F::is_generated; }) {
    value_t<F> value;
    F::fetch(&f, broadcast_offset(f.layout.shape, f.layout.strides, coordinates(at)), 0, 1, &value);
    return static_cast<T>(value);
  } else if constexpr (is_fixed<F>) {
    return static_cast<T>(f.data()[fixed_offset<extents_t<F>>(at)]);
  } else if constexpr (requires { typename F::is_fixed_slice; }) {
    return static_cast<T>(f.data()[broadcast_offset(f.shape(), f.layout().strides, coordinates(at))]);
  } else if constexpr (is_map<F>) {
    return f.args.visit([&]<class... Args>(Args const&... args) WICK_LAMBDA_INLINE {
      return apply_elements<typename F::op, value_t<Args>...>(std::index_sequence_for<Args...>{}, at, args...);
    });
  } else if constexpr (is_reduce<F>) {
    if constexpr (is_place<P> && !shares_ties<typename F::op, T> && std::is_same_v<extents_t<F>, Shape<>> && extents_known<extents_t<typename F::argument_type>>)
      return finished<typename F::op>(fold_all<typename F::op, T>(f.arg), extents_t<typename F::argument_type>::numel);
    else return finished<typename F::op>(reduced_element<T>(f, coordinates(at)), f.count());
  } else {
    LeafData const leaf = leaf_data(f);
    using Element = value_t<F>;
    return static_cast<T>(ElementTraits<Element>::load(
        static_cast<base_t<Element> const*>(leaf.data) + broadcast_offset(leaf.layout->shape, leaf.layout->strides, coordinates(at)),
        leaf.plane_stride));
  }
}

/// A formula of Fixed tensors in which each reduction of all elements has become its value: it is computed once.
template <class F>
WICK_INLINE constexpr auto with_totals(F const& f) {
  if constexpr (is_reduce<F>) {
    return Scalar<value_t<F>>{element(f, Place<Shape<>, 0>{})};
  } else if constexpr (has_reduce<F>) {
    return f.args.visit([]<class... Args>(Args const&... args) WICK_LAMBDA_INLINE {
      return Map<typename F::op, decltype(with_totals(args))...>(InPlace{}, [&]() WICK_LAMBDA_INLINE {
        return Pack<decltype(with_totals(args))...>{with_totals(args)...};
      });
    });
  } else {
    return copied(f);
  }
}

/// Computes the elements of a Fixed tensor of shape E; the formula's leaves are not written meanwhile.
template <class T, class E, class F>
WICK_INLINE constexpr void compute_fixed(T* to, F const& f) {
  using L = fixed_lane_t<F, E, T>;
  if constexpr (is_fixed_formula<F> && has_reduce<F>) {
    compute_fixed<T, E>(to, with_totals(f));
  } else if constexpr (E::numel <= most_unrolled) {
    constexpr std::int64_t whole = [] {
      if constexpr (Lane<L>) return E::numel / lanes<L> * lanes<L>;
      else return std::int64_t{0};
    }();
    auto const elements = [&]<std::int64_t From, std::size_t... I>(std::integral_constant<std::int64_t, From>, std::index_sequence<I...>) WICK_LAMBDA_INLINE {
      ((to[From + I] = static_cast<T>(element(f, Place<E, From + static_cast<std::int64_t>(I)>{}))), ...);
    };
    if constexpr (whole > 0)
      if (!std::is_constant_evaluated()) {
        [&]<std::size_t... I>(std::index_sequence<I...>) WICK_LAMBDA_INLINE {
          (simd::store(to + I * lanes<L>, convert<L, L>(register_of<L>(f, I * lanes<L>))), ...);
        }(std::make_index_sequence<static_cast<std::size_t>(whole / lanes<L>)>{});
        return elements(std::integral_constant<std::int64_t, whole>{}, std::make_index_sequence<static_cast<std::size_t>(E::numel - whole)>{});
      }
    elements(std::integral_constant<std::int64_t, 0>{}, std::make_index_sequence<static_cast<std::size_t>(E::numel)>{});
  } else {
    for (std::int64_t i = 0; i < E::numel; ++i) to[i] = static_cast<T>(element(f, coordinates<E>(i)));
  }
}

}  // namespace detail

/// The value of a formula of Fixed tensors.
template <FixedFormula F>
WICK_INLINE constexpr decltype(auto) materialize(F const& f) {
  if constexpr (is_fixed<F>) return (f);
  else return Tensor<value_t<F>, extents_t<F>, Inline>(f);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
