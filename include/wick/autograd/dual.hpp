// SPDX-License-Identifier: MIT
// Dual numbers: value and tangent, driven by the slopes that also drive the tape. They nest for higher orders.
#pragma once

#include <limits>
#include <optional>
#include <ostream>

#include <wick/core/create.hpp>
#include <wick/expr/kernel_node.hpp>
#include <wick/ops/compare.hpp>
#include <wick/ops/reduce.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace detail {
/// Whether a tangent, which may be a register or a dual number, has a NaN in it.
template <class T>
constexpr bool any_nan(T const& x) {
  if constexpr (requires { typename T::lifts_operations; }) return any_nan(x.value) || any_nan(x.tangent);
  else if constexpr (requires { simd::any(math::isnan(x)); }) return simd::any(math::isnan(x));
  else return math::isnan(x);
}
/// A tangent times a slope, where 0 times infinity is 0: what does not vary meets no infinite slope.
template <class G, class S>
constexpr auto product_or_zero(G const& tangent, S const& slope) {
  if constexpr (std::is_empty_v<S>)
    return chain<void>(tangent, slope);
  else if constexpr (is_choice<S>)
    return choose(slope.condition, product_or_zero(tangent, slope.first), product_or_zero(tangent, slope.second));
  else if constexpr (!LiftedNumber<G>)
    return math::where(simd::either(tangent == 0, slope == 0), 0, chain<void>(tangent, slope));
  else if constexpr (!LiftedNumber<S>)
    return G(product_or_zero(tangent.value, slope), product_or_zero(tangent.tangent, slope));
  else
    return G(product_or_zero(tangent.value, slope.value),
             product_or_zero(tangent.tangent, slope.value) + product_or_zero(tangent.value, slope.tangent));
}
}  // namespace detail
}  // namespace wick::inline WICK_ISA

namespace wick {

/// value + tangent * e with e^2 = 0: forward-mode differentiation. T is a number, a SIMD batch, or a Dual again. A tangent
/// of 0 means that the number does not vary, as a literal does not: through an infinite slope it stays 0.
template <class T>
struct Dual {
  using lifts_operations = void;
  T value, tangent;

  constexpr Dual() : value(zero()), tangent(zero()) {}
  constexpr Dual(T const& v, T const& t) : value(v), tangent(t) {}
  constexpr Dual(T const& v) : value(v), tangent(zero()) {}
  template <class Number>
    requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, T>)
  constexpr Dual(Number v) : value(number(v)), tangent(zero()) {}

  template <class Isa = IsaTag>
  constexpr Dual& operator+=(Dual const& x) { return *this = *this + x; }
  template <class Isa = IsaTag>
  constexpr Dual& operator-=(Dual const& x) { return *this = *this - x; }
  template <class Isa = IsaTag>
  constexpr Dual& operator*=(Dual const& x) { return *this = *this * x; }
  template <class Isa = IsaTag>
  constexpr Dual& operator/=(Dual const& x) { return *this = *this / x; }

  /// The operation's value and, by its slopes, the tangent; of a comparison only the truth value.
  template <class Op, class... X>
  static constexpr auto lift(X const&... x) {
    auto const y = apply<Op>(value_of(x)...);
    if constexpr (!gives_number<Op>) {
      return y;
    } else {
      auto const s = slopes<Op>(y, value_of(x)...);
      T tangent = tangent_of<false>(s, x...);
      if constexpr (!Polynomial<Op>)
        if (detail::any_nan(tangent)) [[unlikely]] tangent = tangent_of<true>(s, x...);
      return Dual(T(y), tangent);
    }
  }

  /// The number x, varied as `by` is.
  static constexpr Dual varied(Dual const& x, Dual const& by) {
    if constexpr (requires { typename T::lifts_operations; }) return Dual(T::varied(x.value, by.value), by.tangent);
    else return Dual(x.value, by.tangent);
  }

 private:
  static constexpr T zero() { return number(0); }
  template <class Number>
  static constexpr T number(Number v) {
    if constexpr (requires { typename T::lifts_operations; }) return T(v);
    else if constexpr (requires { typename T::value_type; }) return T(static_cast<typename T::value_type>(v));
    else return static_cast<T>(v);
  }
  template <class X>
  static constexpr auto value_of(X const& x) {
    if constexpr (std::is_same_v<X, Dual>) return x.value;
    else if constexpr (std::is_arithmetic_v<X> && !std::is_same_v<X, bool>) return number(x);
    else return x;
  }
  template <bool careful, class X, class S>
  static constexpr auto term(X const& x, S const& slope) {
    if constexpr (!std::is_same_v<X, Dual>) return math::Zero{};
    else if constexpr (careful) return detail::product_or_zero(x.tangent, slope);
    else return chain<void>(x.tangent, slope);
  }
  template <class Sum>
  static constexpr T settled(Sum const& sum) {
    if constexpr (std::is_same_v<Sum, math::Zero>) return zero();
    else return T(sum);
  }
  // `careful`: 0 times infinity is 0.
  template <bool careful, class S, class A>
  static constexpr T tangent_of(S const& s, A const& a) { return settled(term<careful>(a, s.first)); }
  template <bool careful, class S, class A, class B>
  static constexpr T tangent_of(S const& s, A const& a, B const& b) {
    return settled(detail::plus(term<careful>(a, s.first), term<careful>(b, s.second)));
  }
  template <bool careful, class S, class A, class B, class C>
  static constexpr T tangent_of(S const& s, A const& a, B const& b, C const& c) {
    return settled(detail::plus(term<careful>(a, s.first), detail::plus(term<careful>(b, s.second), term<careful>(c, s.third))));
  }
};

template <class T>
std::ostream& operator<<(std::ostream& out, Dual<T> const& x) {
  return out << x.value << " + " << x.tangent << "e";
}

/// A tensor of duals keeps values and tangents in separate planes.
template <class T>
struct ElementTraits<Dual<T>> {
  using Inner = ElementTraits<T>;
  using Base = typename Inner::Base;
  static constexpr int planes = 2 * Inner::planes;
  template <class B, class X = T>
  struct Rebound {
    using type = Dual<B>;
  };
  template <class B, class X>
  struct Rebound<B, Dual<X>> {
    using type = Dual<typename ElementTraits<Dual<X>>::template Rebind<B>>;
  };
  template <class B>
  using Rebind = typename Rebound<B>::type;

  static constexpr Dual<T> load(Base const* p, std::int64_t plane_stride) {
    return {Inner::load(p, plane_stride), Inner::load(p + Inner::planes * plane_stride, plane_stride)};
  }
  static constexpr void store(Base* p, std::int64_t plane_stride, Dual<T> const& x) {
    Inner::store(p, plane_stride, x.value);
    Inner::store(p + Inner::planes * plane_stride, plane_stride, x.tangent);
  }
  /// The number whose plane P is `part(P)`.
  template <class B, class F>
  static WICK_FN_INLINE auto gather(F const& part) { return gather_from<B, 0>(part); }
  template <class B, int First, class F>
  static WICK_FN_INLINE auto gather_from(F const& part) {
    if constexpr (Inner::planes == 1)
      return Dual<B>(part(std::integral_constant<int, First>{}), part(std::integral_constant<int, First + 1>{}));
    else
      return Dual<typename Inner::template Rebind<B>>(Inner::template gather_from<B, First>(part),
                                                      Inner::template gather_from<B, First + Inner::planes>(part));
  }
  /// Calls `put(P, part)` for every plane.
  template <class X, class F>
  static WICK_FN_INLINE void scatter(X const& x, F const& put, int first = 0) {
    if constexpr (Inner::planes == 1) {
      put(first, x.value), put(first + 1, x.tangent);
    } else {
      Inner::scatter(x.value, put, first);
      Inner::scatter(x.tangent, put, first + Inner::planes);
    }
  }
};

}  // namespace wick

/// What is infinite, or the largest or smallest, is so in its value.
template <class T>
struct std::numeric_limits<wick::Dual<T>> : std::numeric_limits<T> {};

namespace wick::inline WICK_ISA {

/// A dual of SIMD registers times a register: a slope that is a choice of numbers has no tangent.
template <class T, class B>
  requires is_batch_v<B>
WICK_FN Dual<T> operator*(Dual<T> const& x, B const& slope) { return {x.value * slope, x.tangent * slope}; }

/// A tensor of duals from its values and tangents, which have the same shape.
template <class T>
Tensor<Dual<T>> make_dual(Tensor<T> const& value, Tensor<T> const& tangent) {
  if (!(value.shape() == tangent.shape()))
    fail("make_dual: values of shape ", value.shape(), " and tangents of shape ", tangent.shape(), " differ");
  Device const device = value.device();
  Tensor<Dual<T>> x(Tensor<Dual<T>>::uninitialized, value.shape(), device);
  auto* const data = const_cast<base_t<T>*>(std::as_const(x).data());
  compute_into<T>(data, x.plane_stride(), Layout(value.shape()), value, device);
  compute_into<T>(data + ElementTraits<T>::planes * x.plane_stride(), x.plane_stride(), Layout(value.shape()), tangent, device);
  return x;
}
/// The values of a tensor of duals; shares its memory.
template <class T>
Tensor<T> values(Tensor<Dual<T>> const& x) {
  return {x.storage(), const_cast<base_t<T>*>(x.data()), x.layout()};
}
/// The tangents of a tensor of duals; shares its memory.
template <class T>
Tensor<T> tangents(Tensor<Dual<T>> const& x) {
  return {x.storage(), const_cast<base_t<T>*>(x.data()) + ElementTraits<T>::planes * x.plane_stride(), x.layout()};
}

namespace detail {

// False for the tangent of a constant: a tangent of 0 means that nothing varies.
template <class T>
bool varies(Tensor<T> const& tangent) {
  if constexpr (ElementTraits<T>::planes > 1) return true;
  else return tangent.device() != Device() || any(tangent != T(0)).item();
}

// The sum of what each operand's tangent makes of an operation that is linear in each operand.
template <class T, class Op, class... X, std::size_t... I>
Tensor<T> product_rule(Op const& op, Dims const& shape, std::tuple<X...> const& x, std::tuple<X...> const& dx, std::index_sequence<I...>) {
  std::optional<Tensor<T>> sum;
  auto const add = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) {
    if (!varies(std::get<K>(dx))) return;
    Tensor<T> const term = kernel<T>(op, shape, std::get<I>(I == K ? dx : x)...);
    sum = sum ? Tensor<T>(*sum + term) : term;
  };
  (add(std::integral_constant<std::size_t, I>{}), ...);
  return sum ? *sum : full<T>(shape, T(0)).to(std::get<0>(x).device());
}

}  // namespace detail

/// A kernel on duals: the kernel on the values, and its tangent. Duals of duals go the same way, one level after the other.
template <class T, class Op, class... X>
Tensor<T> dual_of_kernel(Op const& op, Dims const& shape, Tensor<X> const&... x) {
  using Part = decltype(T::value);
  std::tuple const inputs(values(x)...), steps(tangents(x)...);
  Tensor<Part> const y = std::apply([&](auto const&... each) { return Tensor<Part>(kernel<Part>(op, shape, each...)); }, inputs);
  if constexpr (requires { typename Op::multilinear; }) {
    return make_dual(y, detail::product_rule<Part>(op, shape, inputs, steps, std::index_sequence_for<X...>{}));
  } else {
    static_assert(requires { op.tangent(y, inputs, steps); }, "this kernel has no derivative in forward mode: its operation has neither `multilinear` nor `tangent`");
    return make_dual(y, Tensor<Part>(op.tangent(y, inputs, steps)));
  }
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
