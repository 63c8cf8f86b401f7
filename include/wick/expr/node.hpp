// SPDX-License-Identifier: MIT
// Map: an elementwise operation waiting for its target. Operands are held by value, so a formula never dangles.
#pragma once

#include <wick/expr/leaf.hpp>
#include <wick/expr/op.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// The operands of a node.
template <class... Args>
struct Pack;
template <class A>
struct Pack<A> {
  [[no_unique_address]] A first;
  template <class F> WICK_LAMBDA_INLINE constexpr decltype(auto) visit(F&& f) const { return f(first); }
  template <class F> WICK_LAMBDA_INLINE constexpr decltype(auto) visit(F&& f) { return f(first); }
};
template <class A, class B>
struct Pack<A, B> {
  A first;
  B second;
  template <class F> WICK_LAMBDA_INLINE constexpr decltype(auto) visit(F&& f) const { return f(first, second); }
  template <class F> WICK_LAMBDA_INLINE constexpr decltype(auto) visit(F&& f) { return f(first, second); }
};
template <class A, class B, class C>
struct Pack<A, B, C> {
  A first;
  B second;
  C third;
  template <class F> WICK_LAMBDA_INLINE constexpr decltype(auto) visit(F&& f) const { return f(first, second, third); }
  template <class F> WICK_LAMBDA_INLINE constexpr decltype(auto) visit(F&& f) { return f(first, second, third); }
};

namespace detail {
template <class E>
struct KnownShape {
  KnownShape() = default;
  constexpr explicit KnownShape(Dims const&) {}
  static constexpr Dims shape() { return dims_of<E>(); }
};
struct FoundShape {
  constexpr explicit FoundShape(Dims const& dims) : dims_(dims) {}
  constexpr Dims const& shape() const { return dims_; }

 private:
  Dims dims_;
};
template <class E>
constexpr auto shape_holder() {
  if constexpr (is_dynamic<E>) return std::type_identity<FoundShape>{};
  else if constexpr (E::known) return std::type_identity<KnownShape<E>>{};
  else return std::type_identity<FoundShape>{};
}

template <class... E>
struct BroadcastAll;
template <class A>
struct BroadcastAll<A> {
  using type = A;
  static constexpr bool fits = true;
};
template <class A, class B, class... Rest>
struct BroadcastAll<A, B, Rest...> {
  using Next = BroadcastAll<broadcast_extents_t<A, B>, Rest...>;
  using type = typename Next::type;
  static constexpr bool fits = extents_broadcast<A, B> && Next::fits;
};

template <class X>
constexpr decltype(auto) shape_of_operand(X const& x) {
  if constexpr (Operand<X>) return x.shape();
  else return Dims();
}
/// Shape of an elementwise formula over these operands; equal shapes and numbers take the short way.
template <class A, class... Rest>
constexpr Dims broadcast_all(char const* operation, A const& a, Rest const&... rest) {
  if constexpr (sizeof...(Rest) > 0 && (!Operand<A> || is_scalar<A>)) {
    return broadcast_all(operation, rest...);
  } else {
    Dims result = shape_of_operand(a);
    [[maybe_unused]] auto const join = [&]<class B>(B const& b) {
      if constexpr (Operand<B> && !is_scalar<B>) {
        decltype(auto) other = b.shape();
        if (!(other == result)) result = broadcast(operation, result, other);
      }
    };
    (join(rest), ...);
    return result;
  }
}
/// Marks the constructor that makes operands beside elements of type T.
template <class T>
struct Beside {};
/// Marks the constructor that takes the operands from a function, in their place.
struct InPlace {};
}  // namespace detail

template <class Op, class... Args>
struct Map;
template <class Op, class... Args>
inline constexpr bool is_recordable<Map<Op, Args...>> = (is_recordable<Args> || ...);

/// `Op` of the elements of its operands, broadcast together.
template <class Op, class... Args>
struct Map : Methods<Map<Op, Args...>>, decltype(detail::shape_holder<typename detail::BroadcastAll<extents_t<Args>...>::type>())::type {
  using is_operand = void;
  using op = Op;
  using value_type = result_t<Op, value_t<Args>...>;
  using extents_type = typename detail::BroadcastAll<extents_t<Args>...>::type;
  using ShapeHolder = typename decltype(detail::shape_holder<extents_type>())::type;

  static_assert(detail::BroadcastAll<extents_t<Args>...>::fits,
                "Wick: the shapes of these operands, known when compiling, do not broadcast (an extent differs and is not 1)");

  /// Throws Error when the operands' shapes do not broadcast.
  constexpr explicit Map(Args... arguments)
      : ShapeHolder(shape_of(arguments...)), args{static_cast<Args&&>(arguments)...} {}
  /// The same, each operand made in its place: a tensor is copied or moved once.
  template <class T, class... X>
  constexpr Map(detail::Beside<T>, X&&... x)
      : ShapeHolder(shape_of(x...)), args{operand_beside<T, Op>(std::forward<X>(x))...} {}
  /// Of Fixed operands: compilers see through their copies once this has disappeared.
  template <class T, class... X>
    requires(extents_known<extents_t<Args>> && ...)
  WICK_LAMBDA_INLINE constexpr Map(detail::Beside<T>, X&&... x)
      : args{operand_beside<T, Op>(std::forward<X>(x))...} {}

  /// The same for operands whose joint shape is known: `make()` returns them.
  template <class Make>
  constexpr Map(detail::InPlace, Dims const& shape, Make const& make) : ShapeHolder(shape), args(make()) {}
  template <class Make>
    requires(is_fixed_formula<Args> && ...)
  WICK_LAMBDA_INLINE constexpr Map(detail::InPlace, Make const& make) : args(make()) {}

  /// The same formula, copied leaf by leaf.
  WICK_LAMBDA_INLINE constexpr Map leafwise() const
    requires(is_fixed_formula<Args> && ...)
  {
    return Map(detail::InPlace{}, [&]() WICK_LAMBDA_INLINE {
      return args.visit([](auto const&... kept) WICK_LAMBDA_INLINE { return Pack<Args...>{copied(kept)...}; });
    });
  }

  int dim() const { return this->shape().size(); }
  std::int64_t size(std::int64_t axis) const { return this->shape()[normalize_axis("size", axis, dim())]; }
  std::int64_t numel() const { return this->shape().numel(); }
  static constexpr Dtype dtype() { return dtype_of<value_type>(); }
  /// The only element, computed now.
  constexpr value_type item() const { return materialize(*this).item(); }
  /// The same: a formula of one element is a number of its own type, explicitly where a variable takes part.
  template <std::same_as<value_type> N>
  explicit(is_recordable<Map>) constexpr operator N() const {
    return item();
  }
  using Methods<Map>::operator=;

  Pack<Args...> args;

 private:
  template <class... X>
  static constexpr Dims shape_of(X const&... arguments) {
    // An extent that one operand does not know may differ from that of another, which is the known one of both.
    if constexpr (std::is_same_v<ShapeHolder, detail::FoundShape> || !(extents_known<extents_t<Args>> && ...))
      return detail::broadcast_all(Op::name, arguments...);
    else return {};
  }
};

template <class Op, class... Args>
inline constexpr bool is_fixed_formula<Map<Op, Args...>> = (is_fixed_formula<Args> && ...);

namespace detail {
template <class Op, class T, class... X>
WICK_LAMBDA_INLINE constexpr auto make_map(X&&... x) {
  return Map<Op, decltype(operand_beside<T, Op>(std::forward<X>(x)))...>(Beside<T>{}, std::forward<X>(x)...);
}
// A region is a tensor from here on; everything else stays what it is.
template <class X>
WICK_LAMBDA_INLINE constexpr decltype(auto) without_part(X&& x) {
  if constexpr (PartOperand<X>) return operand(std::forward<X>(x));
  else return std::forward<X>(x);
}
}  // namespace detail

/// The formula `Op(args...)`; literals take the type of the operands they stand beside. Of dual numbers alone: the value.
template <class Op, class... X>
WICK_LAMBDA_INLINE constexpr auto map(X&&... x) {
  if constexpr (!((Operand<X> || PartOperand<X>) || ...)) return apply<Op>(x...);
  else return detail::make_map<Op, operands_value_t<X...>>(detail::without_part(std::forward<X>(x))...);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
