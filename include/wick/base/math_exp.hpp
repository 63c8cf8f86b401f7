// SPDX-License-Identifier: MIT
// Exponentials and the logistic function. The coefficients are minimax fits (Remez exchange, relative error) of
// the remainder that each comment names; docs/math_error.md lists the errors measured.
#pragma once

#include <wick/base/math_basic.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

namespace detail {

// ln 2 in two parts; n times the first is exact.
template <Lane T>
inline constexpr T ln2_high = sizeof(T) == 4 ? T(0x1.62e4p-1) : T(0x1.62e42fefap-1);
template <Lane T>
inline constexpr T ln2_low = sizeof(T) == 4 ? T(0x1.7f7d1cp-20) : T(0x1.cf79abc9e3b3ap-40);

// Sign * x = n ln 2 + r with |r| <= ln(2) / 2 (Cody and Waite 1980); `shifted` is n + round_magic.
template <Real V>
struct ExpReduced {
  V r, shifted;
};

template <Real V, int Sign = 1>
[[gnu::always_inline]] WICK_FN ExpReduced<V> exp_reduce(V x) {
  using T = lane_of_t<V>;
  constexpr T high = ln2_high<T>, low = ln2_low<T>;
  V const shifted = simd::fma<V>(x, V(T(Sign * 1.4426950408889634074)), V(simd::round_magic<T>));
  V const n = shifted - V(simd::round_magic<T>);
  if constexpr (Sign < 0) return {simd::fma<V>(n, V(-low), simd::fma<V>(n, V(-high), math::negate(x))), shifted};
  return {simd::fma<V>(n, V(-low), simd::fma<V>(n, V(-high), x)), shifted};
}

// e^r - 1 for |r| <= ln(2) / 2
template <Real V>
[[gnu::always_inline]] WICK_FN V exp_fraction(V r) {
  V p;  // (e^r - 1 - r) / r^2
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    p = simd::polynomial<V>(r, 0.0013814540495791059449, 0.0083687451175423624871, 0.041668390777959225467,
                            0.16666520398949697041, 0.49999993432151727469);
  } else {
    p = simd::polynomial<V>(r, 2.5000018388336128051e-8, 2.7630306344932942776e-7, 2.7557586805871191925e-6,
                            0.000024801492949360988127, 0.00019841269505770595718, 0.0013888888943760233375,
                            0.0083333333334949794405, 0.041666666666529727201, 0.16666666666666411503,
                            0.50000000000000106689);
  }
  return simd::fma<V>(r * r, p, r);
}

// The exponents between which e^x is neither 0 nor infinite, with a margin.
template <Lane T>
inline constexpr T exp_low = sizeof(T) == 4 ? T(-104.5) : T(-746);
template <Lane T>
inline constexpr T exp_high = sizeof(T) == 4 ? T(89.5) : T(710.5);

// 2^(i / 16) and 2^(i / 8)
alignas(64) inline constexpr float sixteenths[16] = {
    1.0f,        1.04427378f, 1.09050773f, 1.13878863f, 1.18920712f, 1.24185781f, 1.29683955f, 1.35425555f,
    1.41421356f, 1.47682615f, 1.54221083f, 1.61049033f, 1.68179283f, 1.75625216f, 1.83400809f, 1.91520656f};
alignas(64) inline constexpr double eighths[8] = {1.0,
                                                  1.09050773266525766,
                                                  1.18920711500272107,
                                                  1.29683955465100967,
                                                  1.41421356237309505,
                                                  1.54221082540794082,
                                                  1.68179283050742909,
                                                  1.83400808640934246};
template <Lane T>
inline constexpr auto const& root_table = sixteenths;
template <>
inline constexpr auto const& root_table<double> = eighths;
// As simd::round_magic, to the steps of the table.
template <Lane T>
inline constexpr T step_magic = simd::round_magic<T> / (sizeof(T) == 4 ? 16 : 8);

// 2^n (1 + q), n being `shifted` - step_magic.
template <Real V>
[[gnu::always_inline]] WICK_FN V scale_by_table(V q, V shifted, V n) {
  V const root = simd::lookup(root_table<lane_of_t<V>>, simd::bits(shifted));
  return simd::scale_floor(simd::fma<V>(root, q, root), n);
}

// e^x * 2^shift for x between exp_low and exp_high.
template <Real V>
[[gnu::always_inline]] WICK_FN V exp_within(V x, int shift = 0) {
  auto const [r, shifted] = exp_reduce(x);
  return simd::scale<V>(exp_fraction(r), shift == 0 ? shifted : shifted + V(static_cast<lane_of_t<V>>(shift)));
}

}  // namespace detail

/// e^x.
template <Real V>
[[gnu::always_inline]] WICK_FN V exp(V x) {
  using T = lane_of_t<V>;
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<V, float>)
    if (!std::is_constant_evaluated()) return ::expf(x);  // made of the hardware's approximations: docs/math_error.md
#endif
  x = simd::clamp<V>(x, detail::exp_low<T>, detail::exp_high<T>);
  if constexpr (simd::has_tables<V>) {
    V const shifted = simd::fma<V>(x, V(T(1.4426950408889634074)), V(detail::step_magic<T>));
    V const n = shifted - V(detail::step_magic<T>);
    V const r = simd::fma<V>(n, V(-detail::ln2_low<T>), simd::fma<V>(n, V(-detail::ln2_high<T>), x));
    V p;  // (e^r - 1 - r) / r^2 for |r| <= ln(2) / 32, ln(2) / 16
    if constexpr (sizeof(T) == 4) {
      p = simd::polynomial<V>(r, 0.16667057640579754712, 0.50001618537110692731);
    } else {
      p = simd::polynomial<V>(r, 0.00019842471993790386728, 0.0013889782697900587412, 0.0083333333165568693347,
                              0.041666666569481248078, 0.16666666666667402616, 0.50000000000003002483);
    }
    return detail::scale_by_table<V>(simd::fma<V>(r * r, p, r), shifted, n);
  } else {
    return detail::exp_within<V>(x);
  }
}

namespace detail {
// 2^r - 1 for |r| <= 1/2
template <Real V>
[[gnu::always_inline]] WICK_FN V exp2_fraction(V r) {
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    return r * simd::polynomial<V>(r, 0.00015594756009127531174, 0.0013406674490311144897, 0.0096176926149778974665,
                                   0.055503104669239947829, 0.24022652785460184675, 0.69314721501130311591);
  } else {
    return r * simd::polynomial<V>(r, 4.0791489826906761841e-10, 7.07256348430827022e-9, 1.0180640620070229573e-7,
                                   1.3215442709886941513e-6, 0.000015252727401869560454, 0.00015403530441515628126,
                                   0.0013333558153422747575, 0.009618129107607035828, 0.05550410866479046676,
                                   0.24022650695910097955, 0.69314718055994569591);
  }
}

// 2^(high + low) for a low part of at most a quarter (as a sum of two numbers it is tiny unless high is far out).
template <Real V>
[[gnu::always_inline]] WICK_FN V exp2_sum(V high, V low) {
  using T = lane_of_t<V>;
  if constexpr (simd::has_tables<V>) {
    V const shifted = high + V(step_magic<T>);
    V const n = shifted - V(step_magic<T>);
    V const r = (high - n) + low;
    V q;  // 2^r - 1 for |r| <= 1/32, 1/16
    if constexpr (sizeof(T) == 4) {
      q = r * simd::polynomial<V>(r, 0.055505949830599468454, 0.24023428776146970556, 0.69314718003348729269);
    } else {
      q = r * simd::polynomial<V>(r, 1.5253701594339261154e-5, 0.00015404522008255570897, 0.0013333558115622445081,
                                  0.0096181290851748947733, 0.055504108664825181999, 0.24022650695911516556,
                                  0.69314718055994530837);
    }
    return scale_by_table<V>(q, shifted, n);
  } else {
    V const shifted = high + V(simd::round_magic<T>);
    return simd::scale<V>(exp2_fraction<V>((high - (shifted - V(simd::round_magic<T>))) + low), shifted);
  }
}
}  // namespace detail

/// 2^x.
template <Real V>
WICK_FN V exp2(V x) {
  using T = lane_of_t<V>;
  x = simd::clamp<V>(x, sizeof(T) == 4 ? T(-151) : T(-1076), sizeof(T) == 4 ? T(128.5) : T(1024.5));
  return detail::exp2_sum<V>(x, V(T(0)));
}

/// e^x - 1, accurate near 0.
template <Real V>
WICK_FN V expm1(V x) {
  using T = lane_of_t<V>;
  constexpr T low = sizeof(T) == 4 ? T(-18) : T(-40);    // below it the result is -1
  constexpr T high = sizeof(T) == 4 ? T(89) : T(710.1);  // above it the result is infinite
  V const within = simd::clamp<V>(x, low, high);
  // x = n ln 2 + r with r from ln(3/4) to ln(3/2): where n changes from 0, |e^x - 1| enters a binade, and the errors
  // of e^r - 1 weigh least.
  V const shifted =
      simd::fma<V>(within, V(T(1.4426950408889634074)), V(T(-0.0849625007211562))) + V(simd::round_magic<T>);
  V const n = shifted - V(simd::round_magic<T>);
  V const r = simd::fma<V>(n, V(-detail::ln2_low<T>), simd::fma<V>(n, V(-detail::ln2_high<T>), within));
  V p;  // (e^r - 1 - r) / r^2
  if constexpr (sizeof(T) == 4) {
    p = simd::polynomial<V>(r, 0.0014604616373746434608, 0.0083587137046135309501, 0.041659564348690538117,
                            0.16666585065847961448, 0.50000012606228395572);
  } else {
    p = simd::polynomial<V>(r, 2.2038843854093626419e-9, 2.5075274362795591860e-8, 2.7554575072534537159e-7,
                            2.7557316988785725129e-6, 2.4801589724965348485e-5, 0.00019841269832224278461,
                            0.0013888888887930946748, 0.0083333333333372337312, 0.041666666666668238985,
                            0.16666666666666662748, 0.49999999999999999287);
  }
  V const small = simd::fma<V>(r * r, p, r);
  V const half = simd::power_of_two<V>(shifted, -1);  // half of 2^n is finite where e^x is
  V const result = T(2) * simd::fma<V>(half, small, half - V(T(0.5)));
  return math::copysign(result, x);
}

/// Logistic function 1 / (1 + e^-x), accurate in both tails.
template <Real V>
[[gnu::always_inline]] WICK_FN V sigmoid(V x) {
  using T = lane_of_t<V>;
  constexpr bool single = sizeof(T) == 4;
  // Both sides of the fraction times a small power of two: e^-x overflows long before the result is zero.
  constexpr int down = single ? -32 : -256;
  constexpr T unit = single ? T(0x1p-32) : T(0x1p-256);
  auto const [r, shifted] = detail::exp_reduce<V, -1>(simd::clamp<V>(x, detail::exp_low<T>, single ? T(30) : T(60)));
  V const power = simd::power_of_two<V>(shifted, down);
  V const sum = power + V(unit), lost = V(unit) - (sum - power);  // lost: where e^-x is large
  return V(unit) / (sum + simd::fma<V>(detail::exp_fraction(r), power, lost));
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
