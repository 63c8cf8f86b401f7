// SPDX-License-Identifier: MIT
// A register full of numbers and its truth values: the only file that knows xsimd's spelling, and the instructions' names.
#pragma once

// What xsimd includes comes first, so that only xsimd itself is compiled as this library is (WICK_PRECISE_BEGIN).
#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <ostream>
#include <tuple>
#include <type_traits>
#include <utility>
#if defined(__x86_64__) && !defined(__clang__)
#include <immintrin.h>  // for clang, options belong to the instructions that these functions stand for
#endif

#include <wick/base/config.hpp>
WICK_PRECISE_BEGIN
// g++ 12 calls the deliberately undefined registers of its own AVX-512 header uninitialized once they are inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <xsimd/xsimd.hpp>

#if XSIMD_VERSION_MAJOR < 8 || (XSIMD_VERSION_MAJOR == 8 && XSIMD_VERSION_MINOR < 1)
#error "Wick needs xsimd 8.1 or newer: install libxsimd-dev, or let CMake fetch it."
#endif

namespace wick::inline WICK_ISA {

#if WICK_VECTORS && defined(__SSE2__) && !defined(__OPTIMIZE__)
// Where nothing is optimized, xsimd's functions stay calls, some of them inside others, and a loop would spend its time in
// them. So the operators are our own there, and they are forced to be inlined.

// The instruction of this name, with single or double precision.
#if defined(__AVX512F__)
#define WICK_REGISTER(name) _mm512_##name
#elif defined(__AVX__)
#define WICK_REGISTER(name) _mm256_##name
#else
#define WICK_REGISTER(name) _mm_##name
#endif
#define WICK_INSTRUCTION(name, ...)                                      \
  if constexpr (sizeof(T) == 4) return WICK_REGISTER(name##_ps)(__VA_ARGS__); \
  else return WICK_REGISTER(name##_pd)(__VA_ARGS__)

template <class T>
class Mask : public xsimd::batch_bool<T> {
  using Base = xsimd::batch_bool<T>;
  using Register = typename Base::register_type;
  typedef std::int32_t Vector __attribute__((vector_size(sizeof(xsimd::batch<T>))));

 public:
  Mask() = default;
  WICK_INLINE Mask(Register x) { this->data = x; }
  WICK_INLINE Mask(Base const& x) { this->data = x.data; }
  WICK_INLINE Mask(bool x) : Base(x) {}
  WICK_INLINE operator Register() const { return this->data; }

#if defined(__AVX512F__)
  friend WICK_INLINE Mask operator&(Mask const& a, Mask const& b) { return static_cast<Register>(a.data & b.data); }
  friend WICK_INLINE Mask operator|(Mask const& a, Mask const& b) { return static_cast<Register>(a.data | b.data); }
  friend WICK_INLINE Mask operator!=(Mask const& a, Mask const& b) { return static_cast<Register>(a.data ^ b.data); }
  WICK_INLINE Mask operator~() const { return static_cast<Register>(~this->data); }
#else
  friend WICK_INLINE Mask operator&(Mask const& a, Mask const& b) { return (Register)((Vector)a.data & (Vector)b.data); }
  friend WICK_INLINE Mask operator|(Mask const& a, Mask const& b) { return (Register)((Vector)a.data | (Vector)b.data); }
  friend WICK_INLINE Mask operator!=(Mask const& a, Mask const& b) { return (Register)((Vector)a.data ^ (Vector)b.data); }
  WICK_INLINE Mask operator~() const { return (Register)(~(Vector)this->data); }
#endif
  friend WICK_INLINE Mask operator==(Mask const& a, Mask const& b) { return ~(a != b); }
  friend WICK_INLINE Mask operator^(Mask const& a, Mask const& b) { return a != b; }
  friend WICK_INLINE Mask operator&&(Mask const& a, Mask const& b) { return a & b; }
  friend WICK_INLINE Mask operator||(Mask const& a, Mask const& b) { return a | b; }
  WICK_INLINE Mask operator!() const { return ~*this; }
};

template <class T>
class Batch : public xsimd::batch<T> {
  using Base = xsimd::batch<T>;
  using Register = typename Base::register_type;
  typedef T Vector __attribute__((vector_size(sizeof(Register))));

 public:
  Batch() = default;
  WICK_INLINE Batch(T x) { this->data = (Register)(x - Vector{}); }
  WICK_INLINE Batch(Register x) { this->data = x; }
  WICK_INLINE Batch(Base const& x) { this->data = x.data; }
  WICK_INLINE operator Register() const { return this->data; }
  static WICK_INLINE Batch load_unaligned(T const* p) { WICK_INSTRUCTION(loadu, p); }
  WICK_INLINE void store_unaligned(T* p) const { WICK_INSTRUCTION(storeu, p, this->data); }

#define WICK_OPERATOR(op) \
  friend WICK_INLINE Batch operator op(Batch const& a, Batch const& b) { return (Register)((Vector)a.data op (Vector)b.data); }
  WICK_OPERATOR(+)
  WICK_OPERATOR(-)
  WICK_OPERATOR(*)
  WICK_OPERATOR(/)
  WICK_OPERATOR(&)
  WICK_OPERATOR(|)
  WICK_OPERATOR(^)
#undef WICK_OPERATOR
#if defined(__AVX512F__)
#define WICK_COMPARISON(op, predicate)                                                  \
  friend WICK_INLINE Mask<T> operator op(Batch const& a, Batch const& b) {              \
    if constexpr (sizeof(T) == 4) return _mm512_cmp_ps_mask(a.data, b.data, predicate); \
    else return _mm512_cmp_pd_mask(a.data, b.data, predicate);                          \
  }
#else
#define WICK_COMPARISON(op, predicate) \
  friend WICK_INLINE Mask<T> operator op(Batch const& a, Batch const& b) { return (Register)((Vector)a.data op (Vector)b.data); }
#endif
  WICK_COMPARISON(<, _CMP_LT_OQ)
  WICK_COMPARISON(<=, _CMP_LE_OQ)
  WICK_COMPARISON(>, _CMP_GT_OQ)
  WICK_COMPARISON(>=, _CMP_GE_OQ)
  WICK_COMPARISON(==, _CMP_EQ_OQ)
  WICK_COMPARISON(!=, _CMP_NEQ_UQ)
#undef WICK_COMPARISON
  WICK_INLINE Batch operator-() const { return (Register)(-(Vector)this->data); }
  WICK_INLINE Batch operator~() const { return (Register)(~(Vector)this->data); }
  friend WICK_INLINE Batch operator<<(Batch const& a, int count) { return (Register)((Vector)a.data << static_cast<T>(count)); }
  friend WICK_INLINE Batch operator>>(Batch const& a, int count) { return (Register)((Vector)a.data >> static_cast<T>(count)); }
  WICK_INLINE Batch& operator+=(Batch const& x) { return *this = *this + x; }
  WICK_INLINE Batch& operator-=(Batch const& x) { return *this = *this - x; }
  WICK_INLINE Batch& operator*=(Batch const& x) { return *this = *this * x; }
  WICK_INLINE Batch& operator/=(Batch const& x) { return *this = *this / x; }
};
#else
/// A register full of `T`: the arithmetic operators and comparisons work lane by lane.
template <class T>
using Batch = xsimd::batch<T>;

/// One truth value for each lane of a `Batch<T>`; combined with `&`, `|` and `~`, not with `^` or `!=` (see
/// `simd::exclusive_or`).
template <class T>
using Mask = xsimd::batch_bool<T>;
#endif

/// Number of elements in a `Batch<T>`.
template <class T>
inline constexpr int lanes = static_cast<int>(Batch<T>::size);

namespace simd {

/// The larger (smaller) one in one instruction; `b` where `b` is NaN, NaN or `b` where `a` is.
template <class T>
WICK_INLINE Batch<T> larger(Batch<T> const& a, Batch<T> const& b) {
#if defined(WICK_INSTRUCTION)
  WICK_INSTRUCTION(max, a.data, b.data);
#else
  return xsimd::max(a, b);
#endif
}
template <class T>
WICK_INLINE Batch<T> smaller(Batch<T> const& a, Batch<T> const& b) {
#if defined(WICK_INSTRUCTION)
  WICK_INSTRUCTION(min, a.data, b.data);
#else
  return xsimd::min(a, b);
#endif
}

/// True if some lane is true.
template <class T>
WICK_INLINE bool any(Mask<T> const& x) {
#if defined(WICK_INSTRUCTION) && defined(__AVX512F__)
  return x.data != 0;
#else
  return xsimd::any(x);
#endif
}
/// True if every lane is true.
template <class T>
WICK_INLINE bool all(Mask<T> const& x) {
#if defined(WICK_INSTRUCTION) && defined(__AVX512F__)
  return x.data == static_cast<decltype(x.data)>(-1);
#else
  return xsimd::all(x);
#endif
}

/// Rounding to whole numbers, lane by lane; the sign of a result 0 is the register's choice.
template <class T> WICK_INLINE Batch<T> floor(Batch<T> const& x) { return xsimd::floor(x); }
template <class T> WICK_INLINE Batch<T> ceil(Batch<T> const& x) { return xsimd::ceil(x); }
template <class T> WICK_INLINE Batch<T> trunc(Batch<T> const& x) { return xsimd::trunc(x); }
template <class T> WICK_INLINE Batch<T> round(Batch<T> const& x) { return xsimd::nearbyint(x); }

namespace detail {

// What `simd::select`, `simd::fma` and `simd::sqrt` are for batches.
template <class T>
WICK_INLINE Batch<T> select(Mask<T> const& condition, Batch<T> const& a, Batch<T> const& b) {
#if defined(WICK_INSTRUCTION) && defined(__AVX512F__)
  WICK_INSTRUCTION(mask_blend, condition.data, b.data, a.data);
#elif defined(WICK_INSTRUCTION) && defined(__SSE4_1__)
  WICK_INSTRUCTION(blendv, b.data, a.data, condition.data);
#else
  return xsimd::select(condition, a, b);
#endif
}
template <class T>
WICK_INLINE Batch<T> fma(Batch<T> const& a, Batch<T> const& b, Batch<T> const& c) {
#if defined(__AVX512F__)
  // xsimd 8.1 multiplies and adds here.
  if constexpr (sizeof(T) == 4) return _mm512_fmadd_ps(a, b, c);
  else return _mm512_fmadd_pd(a, b, c);
#elif defined(WICK_INSTRUCTION) && defined(__FMA__)
  WICK_INSTRUCTION(fmadd, a.data, b.data, c.data);
#else
  return xsimd::fma(a, b, c);
#endif
}
template <class T>
WICK_INLINE Batch<T> sqrt(Batch<T> const& x) {
#if defined(WICK_INSTRUCTION)
  WICK_INSTRUCTION(sqrt, x.data);
#else
  return xsimd::sqrt(x);
#endif
}

}  // namespace detail
}  // namespace simd
}  // namespace wick::inline WICK_ISA
#undef WICK_INSTRUCTION
#undef WICK_REGISTER
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
WICK_PRECISE_END
