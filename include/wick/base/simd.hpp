// SPDX-License-Identifier: MIT
// What algorithms do with SIMD batches. Each helper also takes a plain number, so that one algorithm serves the batch, the
// scalar and the GPU thread.
#pragma once

#include <wick/base/batch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// An element type that has a SIMD batch.
template <class T>
concept Lane = std::is_same_v<T, float> || std::is_same_v<T, double>;

namespace simd::detail {
template <class X>
struct LaneOf {
  using Type = X;
  static constexpr bool is_batch = false, is_mask = false;
};
template <Lane T>
struct LaneOf<Batch<T>> {
  using Type = T;
  static constexpr bool is_batch = true, is_mask = false;
};
template <Lane T>
struct LaneOf<Mask<T>> {
  using Type = T;
  static constexpr bool is_batch = false, is_mask = true;
};
}  // namespace simd::detail

/// True for `Batch<T>`.
template <class X>
inline constexpr bool is_batch_v = simd::detail::LaneOf<std::remove_cvref_t<X>>::is_batch;

/// True for `Mask<T>`.
template <class X>
inline constexpr bool is_mask_v = simd::detail::LaneOf<std::remove_cvref_t<X>>::is_mask;

/// `T` for `Batch<T>` and `Mask<T>`, and the type itself for everything else.
template <class X>
using lane_of_t = typename simd::detail::LaneOf<std::remove_cvref_t<X>>::Type;

/// A floating-point number or a batch of them: what the kernels of `math::` are written for.
template <class V>
concept Real = Lane<V> || is_batch_v<V>;

namespace simd {

/// The unsigned integer of the size of `T`.
template <Lane T>
using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

namespace detail {
template <class V>
struct BitsOf {
  using Type = Word<V>;
};
template <Lane T>
struct BitsOf<Batch<T>> {
  using Type = Batch<Word<T>>;
};
template <class V>
struct MaskOf {
  using Type = bool;
};
template <Lane T>
struct MaskOf<Batch<T>> {
  using Type = Mask<T>;
};
}  // namespace detail

/// Unsigned integers of the size and number of `V`'s elements: `&`, `|`, `^`, `+`, `-` and shifts by a constant.
template <Real V>
using Bits = typename detail::BitsOf<V>::Type;

/// What a comparison of two `V` gives: `bool` or `Mask`.
template <Real V>
using Truth = typename detail::MaskOf<V>::Type;

/// Reads `lanes<T>` elements from any address.
template <Lane T>
WICK_INLINE Batch<T> load(T const* p) {
  return Batch<T>::load_unaligned(p);
}

/// Writes `lanes<T>` elements to any address.
template <Lane T>
WICK_INLINE void store(T* p, std::type_identity_t<Batch<T>> const& x) {
  x.store_unaligned(p);
}

/// The batch that holds `x` in every lane.
template <Lane T>
WICK_INLINE Batch<T> splat(std::type_identity_t<T> x) {
  return Batch<T>(x);
}

/// Keeps `x` in a register: where it has several uses, g++ would rather read it from memory for each of them.
template <Lane T>
WICK_INLINE void keep([[maybe_unused]] Batch<T>& x) {
#if defined(__GNUC__) && defined(__AVX512F__)
  asm("" : "+v"(x.data));
#elif defined(__GNUC__) && defined(__SSE2__)
  asm("" : "+x"(x.data));
#endif
}

// The compiler's own functions, where the standard library's are of the user's options (-ffast-math) and would be called
// instead of inlined.

/// The IEEE representation of `x`.
template <Real V>
[[gnu::always_inline]] constexpr Bits<V> bits(V x) {
  return __builtin_bit_cast(Bits<V>, x);
}

/// The number whose IEEE representation is `x`.
template <Real V>
[[gnu::always_inline]] constexpr V from_bits(Bits<V> x) {
  return __builtin_bit_cast(V, x);
}

/// Lane by lane `condition ? a : b`.
template <Real V>
[[gnu::always_inline]] WICK_FN V select(Truth<V> condition, std::type_identity_t<V> a, std::type_identity_t<V> b) {
  if constexpr (is_batch_v<V>) {
    return detail::select(condition, a, b);
  } else {
    return condition ? a : b;
  }
}

/// Lane by lane `condition ? 0 : x`.
template <Lane T>
WICK_INLINE Batch<T> clear(Mask<T> const& condition, Batch<T> const& x) {
  // Where a mask fills a register like the numbers it is one `and`; a selection would cost two more instructions.
  if constexpr (sizeof(condition.data) == sizeof(x.data) && requires { Batch<T>(condition.data); })
    return from_bits<Batch<T>>(bits(x) & ~bits(Batch<T>(condition.data)));
  else
    return detail::select(condition, Batch<T>(T(0)), x);
}

/// For a plain truth value.
constexpr bool any(bool x) { return x; }
constexpr bool all(bool x) { return x; }

/// The opposite truth value.
template <class M>
[[gnu::always_inline]] WICK_FN M negate(M x) {
  if constexpr (std::is_same_v<M, bool>) {
    return !x;
  } else {
    return ~x;
  }
}

/// True where both are.
template <class M>
[[gnu::always_inline]] WICK_FN M both(M a, std::type_identity_t<M> b) {
  if constexpr (std::is_same_v<M, bool>) {
    return a && b;
  } else {
    return a & b;
  }
}

/// True where at least one of the two is.
template <class M>
[[gnu::always_inline]] WICK_FN M either(M a, std::type_identity_t<M> b) {
  if constexpr (std::is_same_v<M, bool>) {
    return a || b;
  } else {
    return a | b;
  }
}

/// True where exactly one of the two is (`^` of xsimd 8.1 is `|` on AVX-512).
template <class M>
[[gnu::always_inline]] WICK_FN M exclusive_or(M a, std::type_identity_t<M> b) {
  if constexpr (std::is_same_v<M, bool>) {
    return a != b;
  } else {
    return (a & ~b) | (b & ~a);
  }
}

/// 1 where `x` is true, else 0.
template <Lane T>
WICK_INLINE Batch<T> from_mask(Mask<T> const& x) {
  return detail::select(x, Batch<T>(T(1)), Batch<T>(T(0)));
}

/// True where `x` is not zero (so also where it is NaN).
template <Lane T>
WICK_INLINE Mask<T> to_mask(Batch<T> const& x) {
  // Not `x != 0`: for NaN that is false in xsimd 8.1 on AVX.
  return ~(x == Batch<T>(T(0)));
}

/// True when `fma` rounds once.
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA) || defined(__CUDA_ARCH__)
inline constexpr bool fused = true;
#else
inline constexpr bool fused = false;
#endif

/// `a * b + c`, rounded once where the hardware can do so, else twice (never the C library's slow emulation).
template <Real V>
[[gnu::always_inline]] WICK_FN V fma(V a, std::type_identity_t<V> b, std::type_identity_t<V> c) {
  if constexpr (is_batch_v<V>) {
    return detail::fma(a, b, c);
  } else if constexpr (fused) {
    if constexpr (sizeof(V) == 4) return __builtin_fmaf(a, b, c);
    else return __builtin_fma(a, b, c);
  } else {
    return a * b + c;
  }
}

/// a * b - product, exactly, `product` being a * b rounded (or close to that).
template <Real V>
[[gnu::always_inline]] WICK_FN V exact_remainder(V a, V b, V product) {
  if constexpr (fused) {
    return fma<V>(a, b, -product);
  } else {
    using T = lane_of_t<V>;
    constexpr T splitter = sizeof(T) == 4 ? T(4097) : T(134217729);  // Dekker 1971
    V const a_scaled = a * splitter, b_scaled = b * splitter;
    V const a_high = a_scaled - (a_scaled - a), b_high = b_scaled - (b_scaled - b);
    V const a_low = a - a_high, b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
  }
}

/// Square root, correctly rounded.
template <Real V>
[[gnu::always_inline]] WICK_FN V sqrt(V x) {
  if constexpr (is_batch_v<V>) {
    return detail::sqrt(x);
  } else {
    return std::sqrt(x);
  }
}

/// `x` held between `low` and `high`; NaN stays NaN.
template <Real V>
[[gnu::always_inline]] WICK_FN V clamp(V x, lane_of_t<V> low, lane_of_t<V> high) {
  if constexpr (is_batch_v<V>) {
    // x86 returns the second operand when one is NaN.
    return smaller(V(high), larger(V(low), x));
  } else {
    V const above = low > x ? low : x;
    return high < above ? high : above;
  }
}

/// `x`, at most `high`; NaN stays NaN.
template <Real V>
[[gnu::always_inline]] WICK_FN V at_most(V x, lane_of_t<V> high) {
  if constexpr (is_batch_v<V>) {
    return smaller(V(high), x);
  } else {
    return high < x ? high : x;
  }
}

/// `x`, at least `low`; NaN stays NaN.
template <Real V>
[[gnu::always_inline]] WICK_FN V at_least(V x, lane_of_t<V> low) {
  if constexpr (is_batch_v<V>) {
    return larger(V(low), x);
  } else {
    return low > x ? low : x;
  }
}

/// `c0 x^n + c1 x^(n-1) + ... + cn`: the coefficients stand highest power first.
template <Real V, class... C>
[[gnu::always_inline]] WICK_FN V polynomial(V x, C... c) {
  using T = lane_of_t<V>;
  constexpr int terms = sizeof...(C);
  int i = 0;
  if constexpr (terms < 5) {
    V sum = V(T(0));
    ((sum = i == 0 ? V(static_cast<T>(c)) : simd::fma<V>(sum, x, V(static_cast<T>(c))), ++i), ...);
    return sum;
  } else {
    // Even and odd powers side by side: a single chain of multiply-adds waits for itself. The last coefficient, mostly
    // the largest, is added at the end, so that it is rounded once.
    V const square = x * x;
    V sum[2] = {V(T(0)), V(T(0))}, last = V(T(0));
    auto const add = [&](V next) WICK_LAMBDA_INLINE {
      (i == terms - 1 ? last : sum[i & 1]) = i < 2 || i == terms - 1 ? next : simd::fma<V>(sum[i & 1], square, next);
      ++i;
    };
    (add(V(static_cast<T>(c))), ...);
    return simd::fma<V>(simd::fma<V>(sum[1 - (terms & 1)], x, sum[terms & 1]), x, last);
  }
}

/// Applies a function of plain numbers to each lane.
template <Lane T, class F, class... More>
WICK_INLINE Batch<T> each_lane(F const& f, Batch<T> const& x, More const&... more) {
  constexpr int n = lanes<T>;
  alignas(64) T in[1 + sizeof...(More)][std::size_t{n}];
  alignas(64) T out[std::size_t{n}];
  int row = 1;
  store(in[0], x);
  ((store(in[row], more), ++row), ...);
  for (int i = 0; i < n; ++i) {
    if constexpr (sizeof...(More) == 0) {
      out[i] = f(in[0][i]);
    } else {
      out[i] = f(in[0][i], in[1][i]);
    }
  }
  return load(out);
}

namespace detail {
// x with the lanes of its first `2 * half` exchanged in halves, so that lane i stands where i + half stood.
template <std::size_t Half, Lane T, std::size_t... I>
WICK_INLINE Batch<T> upper_half(Batch<T> const& x, std::index_sequence<I...>) {
#if WICK_VECTORS
  typedef T Lanes __attribute__((vector_size(sizeof(Batch<T>))));
  Lanes from;
  __builtin_memcpy(&from, &x, sizeof from);
  from = __builtin_shufflevector(from, from, static_cast<int>(I < Half ? I + Half : I)...);
  Batch<T> to;
  __builtin_memcpy(static_cast<void*>(&to), &from, sizeof from);
  return to;
#else
  alignas(64) T lane[sizeof...(I)];
  store(lane, x);
  for (std::size_t i = 0; i < Half; ++i) lane[i] = lane[i + Half];
  return load(lane);
#endif
}
template <std::size_t Half, Lane T, class Combine>
WICK_INLINE T fold_halves(Batch<T> const& x, Combine const& combine) {
  if constexpr (Half == 0) {
    alignas(64) T lane[lanes<T>];
    store(lane, x);
    return lane[0];
  } else {
    return fold_halves<Half / 2, T>(combine(x, upper_half<Half>(x, std::make_index_sequence<lanes<T>>{})), combine);
  }
}
}  // namespace detail

/// The lanes combined: halves of them with each other again and again, so the order is a property of the type alone.
template <Lane T, class Combine>
WICK_INLINE T fold_lanes(Batch<T> const& x, Combine const& combine) {
  return detail::fold_halves<lanes<T> / 2, T>(x, combine);
}

/// Sum of the lanes, added pairwise in a fixed order.
template <Lane T>
WICK_INLINE T reduce_add(Batch<T> const& x) {
  return fold_lanes<T>(x, [](auto const& a, auto const& b) WICK_LAMBDA_INLINE { return a + b; });
}

/// Product of the lanes, multiplied pairwise in a fixed order.
template <Lane T>
WICK_INLINE T reduce_mul(Batch<T> const& x) {
  return fold_lanes<T>(x, [](auto const& a, auto const& b) WICK_LAMBDA_INLINE { return a * b; });
}

/// Largest lane; NaN if one of them is NaN.
template <Lane T>
WICK_INLINE T reduce_max(Batch<T> const& x) {
  return fold_lanes<T>(x, [](auto const& a, auto const& b) WICK_LAMBDA_INLINE { return select<Batch<T>>((a > b) | ~(a == a), a, b); });
}

/// Smallest lane; NaN if one of them is NaN.
template <Lane T>
WICK_INLINE T reduce_min(Batch<T> const& x) {
  return fold_lanes<T>(x, [](auto const& a, auto const& b) WICK_LAMBDA_INLINE { return select<Batch<T>>((a < b) | ~(a == a), a, b); });
}

/// A register of 64-bit words. The compilers' own vectors: xsimd 8.1 shifts these lane by lane.
typedef std::uint64_t Words __attribute__((vector_size(sizeof(Batch<float>))));
/// The low halves of x's words times a 32-bit number: products of 64 bits.
WICK_INLINE Words multiply_low(Words const& x, std::uint32_t factor) {
#if defined(__AVX512F__)
  return reinterpret_cast<Words>(_mm512_mul_epu32(reinterpret_cast<__m512i>(x), _mm512_set1_epi64(factor)));
#elif defined(__AVX2__)
  return reinterpret_cast<Words>(_mm256_mul_epu32(reinterpret_cast<__m256i>(x), _mm256_set1_epi64x(factor)));
#else
  return (x & 0xFFFFFFFFu) * factor;
#endif
}

}  // namespace simd
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
