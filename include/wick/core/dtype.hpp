// SPDX-License-Identifier: MIT
// Element types: their names, and what two of them promote to (Python array API).
#pragma once

#include <complex>
#include <concepts>
#include <cstdint>
#include <ostream>
#include <type_traits>

#include <wick/base/error.hpp>
#include <wick/base/half.hpp>
#include <wick/base/integer.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// The element type of a tensor as a run-time value; `other` is a user's own number type.
enum class Dtype : std::uint8_t {
  bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, bfloat16, float32, float64, complex64, complex128, other
};

/// The name PyTorch gives the element type, without its prefix.
constexpr char const* name(Dtype dtype) {
  constexpr char const* names[] = {"bool",   "int8",    "int16",    "int32",   "int64",   "uint8",     "uint16",     "uint32",
                                   "uint64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128", "other"};
  return names[static_cast<int>(dtype)];
}
/// Prints the name, `float32`.
inline std::ostream& operator<<(std::ostream& out, Dtype dtype) { return out << name(dtype); }

template <class T>
constexpr Dtype dtype_of() {
  if constexpr (std::is_same_v<T, bool>) return Dtype::bool_;
  else if constexpr (std::is_same_v<T, float16>) return Dtype::float16;
  else if constexpr (std::is_same_v<T, bfloat16>) return Dtype::bfloat16;
  else if constexpr (std::is_same_v<T, float>) return Dtype::float32;
  else if constexpr (std::is_same_v<T, double>) return Dtype::float64;
  else if constexpr (std::is_same_v<T, std::complex<float>>) return Dtype::complex64;
  else if constexpr (std::is_same_v<T, std::complex<double>>) return Dtype::complex128;
  else if constexpr (std::is_integral_v<T>) {
    constexpr Dtype with_sign[] = {Dtype::int8, Dtype::int16, Dtype::int32, Dtype::int64};
    constexpr Dtype without[] = {Dtype::uint8, Dtype::uint16, Dtype::uint32, Dtype::uint64};
    constexpr int step = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? with_sign[step] : without[step];
  } else return Dtype::other;
}

namespace core {
template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<std::complex<T>> = true;
}  // namespace core

/// A C++ literal or variable that may stand beside a tensor in a formula.
template <class T>
concept Arithmetic = std::is_arithmetic_v<T> || Half<T> || core::is_complex<T>;

/// A number that a tensor of elements T can be made from.
template <class X, class T>
concept NumberFor = Arithmetic<X> && (std::is_convertible_v<X, T> || Half<T>);

/// A number type that carries more than a value (Dual): it applies operations in its own way.
template <class X>
concept LiftedNumber = requires { typename std::remove_cvref_t<X>::lifts_operations; };

namespace core {

// bool < int < float < complex < a user's number
template <class T>
constexpr int category() {
  if constexpr (std::is_same_v<T, bool>) return 0;
  else if constexpr (std::is_integral_v<T>) return 1;
  else if constexpr (std::is_floating_point_v<T> || Half<T>) return 2;
  else if constexpr (is_complex<T>) return 3;
  else return 4;
}

template <std::size_t Bytes>
auto signed_of_size() {
  if constexpr (Bytes <= 2) return std::int16_t{};
  else if constexpr (Bytes <= 4) return std::int32_t{};
  else return std::int64_t{};
}

template <class A, class B>
auto promoted() {
  if constexpr (std::is_same_v<A, B>) return A{};
  else if constexpr (category<A>() != category<B>()) {
    using Low = std::conditional_t<(category<A>() < category<B>()), A, B>;
    using High = std::conditional_t<(category<A>() < category<B>()), B, A>;
    if constexpr (category<High>() == 3 && std::is_same_v<Low, double>) return std::complex<double>{};
    else return High{};
  } else if constexpr (category<A>() == 1 && std::is_signed_v<A> != std::is_signed_v<B>) {
    using U = std::conditional_t<std::is_signed_v<A>, B, A>;
    using I = std::conditional_t<std::is_signed_v<A>, A, B>;
    if constexpr (sizeof(I) > sizeof(U)) return I{};
    else return signed_of_size<2 * sizeof(U)>();  // uint64 with a signed type gives int64, as in PyTorch
  } else if constexpr (Half<A> && Half<B>) return float{};  // neither holds the other's numbers
  else if constexpr (sizeof(A) >= sizeof(B)) return A{};
  else return B{};
}

}  // namespace core

/// The element type of a formula over elements of types `A` and `B` (array API promotion).
template <class A, class B>
using promote_t = decltype(core::promoted<A, B>());

/// The type a literal of type `S` takes beside elements of type `T`: it never widens them inside its category.
template <class T, class S>
using scalar_beside_t =
    std::conditional_t<(core::category<S>() <= core::category<T>()), T,
                       std::conditional_t<core::category<S>() == 3, promote_t<std::complex<float>, std::conditional_t<std::is_same_v<T, double>, double, float>>,
                       std::conditional_t<core::category<S>() == 2, float, std::conditional_t<std::is_same_v<S, bool>, bool, std::int64_t>>>>;

namespace core {

template <class X>
[[noreturn]] WICK_COLD void number_does_not_fit(char const* operation, X x, Dtype dtype) {
  fail(operation, ": the number ", x, " does not fit into an element of type ", dtype, "; convert the tensor or the number first");
}

}  // namespace core

/// The number x as an element of type T beside or into which it is written; a fraction is cut off. Throws Error when T is an
/// integer type that cannot hold x (as torch.Tensor.fill_ and NumPy 2 do).
template <class T, Arithmetic X>
constexpr compute_t<T> number_as([[maybe_unused]] char const* operation, X x) {
  static_assert(core::category<X>() != 3 || core::category<T>() >= 3, "Wick: a complex number does not fit into real elements");
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<X, bool>) {
    if constexpr (!std::is_integral_v<X>) {
      constexpr double limit = static_cast<double>(std::uint64_t{1} << (8 * sizeof(T) - 1)) * (std::is_signed_v<T> ? 1 : 2);
      double const number = static_cast<double>(x);
      bool const low = std::is_signed_v<T> ? number > -limit - 1 || number == -limit : number > -1;
      if (!(low && number < limit)) core::number_does_not_fit(operation, number, dtype_of<T>());
    } else if constexpr (!integer::holds_all<T, X>) {
      T const there = static_cast<T>(x);
      if (static_cast<X>(there) != x || (there < T(0)) != (x < X(0))) {
        using Wide = std::conditional_t<std::is_signed_v<X>, std::int64_t, std::uint64_t>;
        core::number_does_not_fit(operation, static_cast<Wide>(x), dtype_of<T>());
      }
    }
  }
  return static_cast<compute_t<T>>(x);
}

namespace core {
template <class T>
auto real_of() {
  if constexpr (is_complex<T>) return typename T::value_type{};
  else return T{};
}
}  // namespace core

/// The real type of a complex one; any other stays.
template <class T>
using real_t = decltype(core::real_of<T>());

/// float for integers and bool, the type itself otherwise: what exp, mean and friends compute in.
template <class T>
using floating_t = std::conditional_t<std::is_integral_v<T>, float, T>;

/// What a sum over elements of type T is computed in (array API: integers sum to int64).
template <class T>
using sum_t = std::conditional_t<std::is_integral_v<T>, std::int64_t, T>;

}  // namespace wick
WICK_PRECISE_END
