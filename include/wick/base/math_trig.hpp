// SPDX-License-Identifier: MIT
// Trigonometric functions.
#pragma once

#include <wick/base/math_basic.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// x - h pi, h a multiple of 1/2 and pi in parts (Cody and Waite 1980): with a fused multiply-add each part is a full
// number, without one the parts are so short that h times a part is exact.
// `Once` rounds the result once, else perhaps twice.
template <Real V, bool Once = false>
[[gnu::always_inline]] WICK_FN V minus_half_turns(V x, V h) {
  using T = lane_of_t<V>;
  auto const step = [&](V r, double part) { return simd::fma<V>(h, V(static_cast<T>(-part)), r); };
  if constexpr (simd::fused) {
    constexpr bool single = sizeof(T) == 4;
    constexpr double middle = single ? -0x1.777a5cp-24 : 0x1.1a62633145c07p-53;
    constexpr double last = single ? -0x1.ee59dap-49 : -0x1.f1976b7ed8fbcp-109;
    V const first = step(x, single ? 0x1.921fb6p+1 : 0x1.921fb54442d18p+1);
    if constexpr (!Once) return step(step(first, middle), last);
    // What the product and Knuth's two-sum lose joins the last part.
    V const product = step(V(T(0)), middle), product_lost = step(step(math::negate(product), middle), last);
    V const second = first + product, back = second - first;
    return second + (((first - (second - back)) + (product - back)) + product_lost);
  } else if constexpr (sizeof(T) == 4) {
    // Two steps are exact; what the third one loses joins the rest, so that the result is rounded once.
    V const exact = step(step(x, 0x1.92p+1), 0x1.fb4p-11), third = step(V(T(0)), 0x1.444p-23);
    V const r = exact + third;
    return r + (((exact - r) + third) + step(step(V(T(0)), 0x1.1a6264p-53), 0x1.68cp-38));
  } else {
    return step(step(step(step(x, 0x1.921fb544p+1), 0x1.0b4611a6p-33), 0x1.3198a2ep-68), 0x1.b839a252049c1p-103);
  }
}

// Up to here the reduction above is exact enough; beyond it the C library takes over.
template <Lane T>
inline constexpr T trig_limit = simd::fused ? (sizeof(T) == 4 ? T(0x1p17) : T(0x1p40))
                                            : (sizeof(T) == 4 ? T(8192) : T(1048576));

// `result`, but f(x) in the lanes beyond trig_limit: rare, and so kept out of the loops. The barrier keeps g++ from taking
// the C library's vectors of 4 ULP for a loop of calls (-ffast-math).
template <Real V, class F>
WICK_FN WICK_NOINLINE V beyond_limit(V x, V result, F f) {
  using T = lane_of_t<V>;
  return lanewise(x, result, [f](T lane, T within) constexpr {
    if (math::abs(lane) <= trig_limit<T>) return within;
#if defined(__FAST_MATH__) && defined(__GNUC__) && !defined(__CUDACC__)
    asm("");
#endif
    return f(lane);
  });
}

// sin(r) for |r| <= pi / 2
template <Real V>
[[gnu::always_inline]] WICK_FN V sin_half_turn(V r) {
  V const z = r * r;
  V p;  // (sin(r) / r - 1) / r^2
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    p = simd::polynomial<V>(z, 2.6042850103384610212e-6, -0.00019808960326431246862, 0.0083330580029056058182,
                            -0.16666659253429682507);
  } else {
    p = simd::polynomial<V>(z, 2.7202711628722120649e-15, -7.6429070111916966616e-13, 1.6058936515550446271e-10,
                            -2.5052106810526524282e-8, 2.7557319210471159386e-6, -0.00019841269841205420906,
                            0.0083333333333331840753, -0.16666666666666665477);
  }
  return simd::fma<V>(r * z, p, r);
}

// x = n pi / 2 + r: sin(r), cos(r), and n + round_magic.
template <Real V>
struct Quarter {
  V sine, cosine, shifted;
};

template <Real V>
[[gnu::always_inline]] WICK_FN Quarter<V> quarter(V x) {
  using T = lane_of_t<V>;
  V const shifted = simd::fma<V>(x, V(T(0.63661977236758134308)), V(simd::round_magic<T>));
  V const r = minus_half_turns<V>(x, T(0.5) * (shifted - V(simd::round_magic<T>)));
  V const z = r * r;
  V s, c;  // (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2 / 2) / r^4
  if constexpr (sizeof(T) == 4) {
    s = simd::polynomial<V>(z, -0.00019515218114565345769, 0.0083321602919373738953, -0.16666654602279020419);
    c = simd::polynomial<V>(z, 0.00002443308268594657931, -0.0013887315616456626574, 0.0416666456701533163);
  } else {
    s = simd::polynomial<V>(z, 1.5896197664363675371e-10, -2.5050747218716696803e-8, 2.7557313618020904613e-6,
                            -0.00019841269829580177021, 0.0083333333333221073444, -0.16666666666666630686);
    c = simd::polynomial<V>(z, -1.1358513944531172531e-11, 2.087570041598792595e-9, -2.7557314176239723689e-7,
                            0.000024801587288841400367, -0.001388888888887304038, 0.041666666666666592832);
  }
  V const cosine = simd::fma<V>(z * z, c, simd::fma<V>(z, V(T(-0.5)), V(T(1))));
  return {simd::fma<V>(r * z, s, r), cosine, shifted};
}

// True where n, held in n + round_magic, is odd.
template <Real V>
[[gnu::always_inline]] WICK_FN simd::Truth<V> odd(V shifted) {
  using T = lane_of_t<V>;
  constexpr int top = 8 * static_cast<int>(sizeof(T)) - 1;
  return simd::from_bits<V>((simd::bits(shifted) << top) | simd::Bits<V>(simd::bits(T(1)))) < V(T(0));
}

// Bit 1 of n, moved to the sign.
template <Real V>
[[gnu::always_inline]] WICK_FN simd::Bits<V> half_turn_sign(simd::Bits<V> n) {
  using T = lane_of_t<V>;
  return (n << (8 * static_cast<int>(sizeof(T)) - 2)) & simd::Bits<V>(sign_bit<T>);
}

}  // namespace detail

/// Sine of an angle in radians.
template <Real V>
[[gnu::always_inline]] WICK_FN V sin(V x) {
  using T = lane_of_t<V>;
  constexpr int top = 8 * static_cast<int>(sizeof(T)) - 1;
  V const size = math::abs(x);
  V const shifted = simd::fma<V>(size, V(T(0.31830988618379067154)), V(simd::round_magic<T>));
  V const r = detail::minus_half_turns<V>(size, shifted - V(simd::round_magic<T>));
  auto const sign = (simd::bits(shifted) << top) ^ (simd::bits(x) & simd::Bits<V>(detail::sign_bit<T>));
  V const result = simd::from_bits<V>(simd::bits(detail::sin_half_turn(r)) ^ sign);
  if (simd::all(size <= V(detail::trig_limit<T>))) [[likely]]
    return result;
  return detail::beyond_limit(x, result, [](T lane) constexpr { return std::sin(lane); });
}

/// Cosine of an angle in radians.
template <Real V>
[[gnu::always_inline]] WICK_FN V cos(V x) {
  using T = lane_of_t<V>;
  V const size = math::abs(x);
  auto const [sine, cosine, shifted] = detail::quarter(size);
  auto const sign = detail::half_turn_sign<V>(simd::bits(shifted) + simd::Bits<V>(simd::Word<T>(1)));
  V const either = simd::select<V>(detail::odd<V>(shifted), sine, cosine);
  V const result = simd::from_bits<V>(simd::bits(either) ^ sign);
  if (simd::all(size <= V(detail::trig_limit<T>))) [[likely]]
    return result;
  return detail::beyond_limit(x, result, [](T lane) constexpr { return std::cos(lane); });
}

/// Tangent of an angle in radians.
template <Real V>
WICK_FN V tan(V x) {
  using T = lane_of_t<V>;
  V const size = math::abs(x);
  V const shifted = simd::fma<V>(size, V(T(0.63661977236758134308)), V(simd::round_magic<T>));
  V const r = detail::minus_half_turns<V, true>(size, T(0.5) * (shifted - V(simd::round_magic<T>)));
  V const z = r * r;
  V p;  // (tan(r) / r - 1) / r^2 for |r| <= pi / 4
  if constexpr (sizeof(T) == 4) {
    p = simd::polynomial<V>(z, 0.0044858854690942345888, -0.00012877168045388095763, 0.011004716132884942688,
                            0.021218397642133403263, 0.054071984400590454679, 0.13332559552435626540,
                            0.33333352685584590837);
  } else {
    p = simd::polynomial<V>(z, 2.1847597831939685867e-5, -4.8996298554833764958e-5, 9.7134462350498350406e-5,
                            -3.4801710223879822998e-5, 0.00014253802235358397452, 0.00021943924587204877221,
                            0.00059607007403944419894, 0.0014545169618341406306, 0.0035923291078405394902,
                            0.0088632146864511641143, 0.021869489929843501841, 0.053968253913155850336,
                            0.13333333333443172774, 0.33333333333332567845);
  }
  V const cubic = r * z, tangent = simd::fma<V>(cubic, p, r), lost = simd::exact_remainder<V>(cubic, p, tangent - r);
  // -1 / (tangent + lost), corrected once
  V const inverse = T(-1) / tangent;
  V const excess = simd::fma<V>(inverse, lost, simd::exact_remainder<V>(inverse, tangent, V(T(-1))));
  V const cotangent = simd::fma<V>(inverse, excess, inverse);
  V const result = detail::flip_sign<V>(simd::select<V>(detail::odd<V>(shifted), cotangent, tangent), x);
  if (simd::all(size <= V(detail::trig_limit<T>))) [[likely]]
    return result;
  return detail::beyond_limit(x, result, [](T lane) constexpr { return std::tan(lane); });
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
