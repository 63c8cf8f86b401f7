// SPDX-License-Identifier: MIT
// Batches and numbers taken apart into exponent and fraction, and put together again; tables held in registers.
#pragma once

#include <wick/base/simd.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace simd {

/// Adding this number and looking at the low bits rounds to the nearest integer.
template <Lane T>
inline constexpr T round_magic = sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0);

/// Number of bits of the fraction of `T`.
template <Lane T>
inline constexpr int fraction_bits = std::numeric_limits<T>::digits - 1;

/// `2^(n + offset)`, a normal number, `shifted` being `n + round_magic`.
template <Real V>
[[gnu::always_inline]] WICK_FN V power_of_two(V shifted, int offset = 0) {
  using T = lane_of_t<V>;
  constexpr Word<T> one = bits(T(1));
  Word<T> const base = one + (static_cast<Word<T>>(offset) << fraction_bits<T>);
  return from_bits<V>((bits(shifted) << fraction_bits<T>)+Bits<V>(base));
}

/// `(1 + q) * 2^n` for small `q`, `shifted` being `n + round_magic`; right below the normal numbers too.
template <Real V>
[[gnu::always_inline]] WICK_FN V scale(V q, V shifted) {
  using T = lane_of_t<V>;
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<V, Batch<float>>) {
    return _mm512_scalef_ps(q + T(1), shifted - round_magic<T>);
  } else if constexpr (std::is_same_v<V, Batch<double>>) {
    return _mm512_scalef_pd(q + T(1), shifted - round_magic<T>);
  } else
#endif
  {
    // Two steps of about n / 2: one alone would leave the range of the exponent.
    constexpr Word<T> exponent = ~Word<T>(0) << fraction_bits<T>, one = bits(T(1));
    Bits<V> const n = bits(shifted);
    Bits<V> const half = (n << (fraction_bits<T> - 1)) & Bits<V>(exponent);
    Bits<V> const rest = (n << fraction_bits<T>)-half;
    V const first = from_bits<V>(rest + Bits<V>(one));
    return simd::fma<V>(q, first, first) * from_bits<V>(half + Bits<V>(one));
  }
}

/// True where registers are tables and take numbers apart (AVX-512): `lookup`, `rounded_exponent`, `rounded_fraction`.
#if defined(__AVX512F__)
template <class V>
inline constexpr bool has_tables = is_batch_v<V>;

/// Lane by lane the entry of `table` that the lowest bits of `index` name; one or two registers make a table.
WICK_INLINE Batch<float> lookup(float const (&table)[16], Bits<Batch<float>> const& index) {
  return _mm512_permutexvar_ps(index, _mm512_load_ps(table));
}
WICK_INLINE Batch<float> lookup(float const (&table)[32], Bits<Batch<float>> const& index) {
  return _mm512_permutex2var_ps(_mm512_load_ps(table), index, _mm512_load_ps(table + 16));
}
WICK_INLINE Batch<double> lookup(double const (&table)[8], Bits<Batch<double>> const& index) {
  return _mm512_permutexvar_pd(index, _mm512_load_pd(table));
}

/// x = 2^k m with m from 0.75 to 1.5: m, right below the normal numbers too; 1 for zero and infinity, NaN below zero.
WICK_INLINE Batch<float> rounded_fraction(Batch<float> const& x) {
  return _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
}
WICK_INLINE Batch<double> rounded_fraction(Batch<double> const& x) {
  return _mm512_getmant_pd(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
}
/// k, `fraction` being m; minus infinity for zero, infinity for infinity.
WICK_INLINE Batch<float> rounded_exponent(Batch<float> const& x, Batch<float> const& fraction) {
  return _mm512_sub_ps(_mm512_getexp_ps(x), _mm512_getexp_ps(fraction));
}
WICK_INLINE Batch<double> rounded_exponent(Batch<double> const& x, Batch<double> const& fraction) {
  return _mm512_sub_pd(_mm512_getexp_pd(x), _mm512_getexp_pd(fraction));
}
/// x 2^n with n rounded down; right below the normal numbers too.
WICK_INLINE Batch<float> scale_floor(Batch<float> const& x, Batch<float> const& n) { return _mm512_scalef_ps(x, n); }
WICK_INLINE Batch<double> scale_floor(Batch<double> const& x, Batch<double> const& n) { return _mm512_scalef_pd(x, n); }
#else
template <class V>
inline constexpr bool has_tables = false;
// Templates, because clang refuses to name the only function of a name when that is deleted.
template <class... X>
void lookup(X const&...) = delete;
template <class... X>
void rounded_fraction(X const&...) = delete;
template <class... X>
void rounded_exponent(X const&...) = delete;
template <class... X>
void scale_floor(X const&...) = delete;
#endif

/// a (1 + q) 2^n for a normal a (1 + q), `shifted` being `n + round_magic`; right below the normal numbers too.
template <Real V>
[[gnu::always_inline]] WICK_FN V scale_product(V a, V q, V shifted) {
  using T = lane_of_t<V>;
  V const n = shifted - V(round_magic<T>), product = fma<V>(a, q, a);
  if constexpr (has_tables<V>) {
    return scale_floor(product, n);
  } else {
    // In two steps, as in `scale`.
    V const half = T(0.5) * n + V(round_magic<T>);
    return product * power_of_two<V>(half) * power_of_two<V>((n - (half - V(round_magic<T>))) + V(round_magic<T>));
  }
}

}  // namespace simd
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
