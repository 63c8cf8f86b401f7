// SPDX-License-Identifier: MIT
// Hyperbolic functions, the error functions, and what neural networks make of them.
#pragma once

#include <wick/base/math_exp.hpp>
#include <wick/base/math_log.hpp>
#include <wick/base/math_table.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace math {

/// Hyperbolic tangent.
template <Real V>
[[gnu::always_inline]] WICK_FN V tanh(V x) {
  using T = lane_of_t<V>;
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<V, float>)
    if (!std::is_constant_evaluated()) return ::tanhf(x);  // made of the hardware's approximations: docs/math_error.md
#endif
  if constexpr (simd::has_tables<V> && sizeof(T) == 4) {
    V const result = detail::piecewise<V>(detail::tanh_pieces, simd::at_most<V>(math::abs(x), 9.25f), 0x1p-4f, false);
    return detail::flip_sign<V>(result, x);
  }
  // E / (E + 3/2) with E = 3/4 (e^2|x| - 1). Rounding n down keeps r >= 0, so that E = 2^n F + 3/4 (2^n - 1) adds
  // numbers of one sign and is accurate near zero as well. The factor 3/4 keeps the sum below away from the powers of
  // two, just above which rounding costs most. From 9.2 and 19.2 on the result is 1.
  V const size = simd::at_most<V>(math::abs(x), sizeof(T) == 4 ? T(9.2) : T(19.2));
  V const shifted = simd::fma<V>(size, V(T(2.8853900817779268147)), V(T(-0.5))) + V(simd::round_magic<T>);
  V const r = simd::fma<V>(shifted - V(simd::round_magic<T>), V(T(-0.34657359027997265471)), size);
  V p;  // 3/4 (e^2r - 1 - 2r) / r^2 for 0 <= r <= ln(2) / 2
  if constexpr (sizeof(T) == 4) {
    p = simd::polynomial<V>(r, 0.089369304425730050325, 0.19104200118718331123, 0.50155625063318936813,
                            0.99988390288227412877, 1.5000027743955271123);
  } else {
    p = simd::polynomial<V>(r, 5.2813638916994929939e-5, 0.00019935728507858926100, 0.0010639756771640828187,
                            0.0047602423254739075870, 0.019047923507361856711, 0.066666631193781697996,
                            0.20000000254609494631, 0.49999999989538965726, 1.0000000000021198745,
                            1.4999999999999851905);
  }
  V const power = simd::power_of_two<V>(shifted), square = r * r * p;
  V const fraction = simd::fused ? simd::fma<V>(r, V(T(1.5)), square) : (T(0.5) * r + square) + r;
  V const e = simd::fma<V>(fraction, power, simd::fma<V>(power, V(T(0.75)), V(T(-0.75))));
  return detail::flip_sign<V>(e / (e + V(T(1.5))), x);
}

/// Hyperbolic sine.
template <Real V>
WICK_FN V sinh(V x) {
  using T = lane_of_t<V>;
  V const size = math::abs(x), z = x * x;
  V p;  // (sinh(x) / x - 1) / x^2 for |x| <= 1
  if constexpr (sizeof(T) == 4) {
    p = simd::polynomial<V>(z, 2.8169512321683285464e-6, 0.00019836159776920067127, 0.0083333500581764929669,
                            0.16666666497560938391);
  } else {
    p = simd::polynomial<V>(z, 7.7587488180630487709e-13, 1.6057259768079982299e-10, 2.5052123136732465878e-8,
                            2.7557319157071810024e-6, 0.00019841269841431872714, 0.0083333333333331477431,
                            0.16666666666666667383);
  }
  // e^|x| / 2 is finite wherever sinh is.
  V const half = detail::exp_within<V>(simd::at_most<V>(size, detail::exp_high<T> + T(0.7)), -1);
  V const small = simd::fma<V>(size * z, p, size);
  return detail::flip_sign<V>(simd::select<V>(size < V(T(1)), small, half - T(0.25) / half), x);
}

/// Hyperbolic cosine.
template <Real V>
WICK_FN V cosh(V x) {
  using T = lane_of_t<V>;
  V const half = detail::exp_within<V>(simd::at_most<V>(math::abs(x), detail::exp_high<T> + T(0.7)), -1);
  return half + T(0.25) / half;
}

/// Error function.
template <Real V>
[[gnu::always_inline]] WICK_FN V erf(V x) {
  using T = lane_of_t<V>;
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<V, float>)
    if (!std::is_constant_evaluated()) return ::erff(x);  // made of the hardware's approximations: docs/math_error.md
#endif
  constexpr bool single = sizeof(T) == 4;
  V const size = simd::at_most<V>(math::abs(x), single ? T(4) : T(6)), z = x * x;
  if constexpr (simd::has_tables<V> && single) {
    return detail::flip_sign<V>(detail::piecewise<V>(detail::erf_pieces, size, 0x1p-5f, true), x);
  }
  V p, q;  // erf(x) / x - 1 up to 1, log(erfc(x)) beyond
  if constexpr (single) {
    p = simd::polynomial<V>(z, 0.000078538617585528550006, -0.00080101937564635344366, 0.0051883277019830002447,
                            -0.026853811944919590987, 0.11283585148889265126, -0.37612625824265281021,
                            0.12837916572671986886);
    q = simd::polynomial<V>(size, 0.00018637879362348885265, -0.0029476549058988562862, 0.02183805249431520023,
                            -0.10310673476090916525, -0.63814485095881374095, -1.1270891818430506807,
                            -0.00034152447285177085586);
  } else {
    p = simd::polynomial<V>(z, -7.7794675479636837169e-10, 1.3710979848201453786e-8, -1.6206313619527967319e-7,
                            1.6447131551412284876e-6, -0.000014924712300247223624, 0.00012055293576800513156,
                            -0.0008548325929310873543, 0.0052239776061183937611, -0.026866170643111457419,
                            0.11283791670944184667, -0.37612638903183519538, 0.12837916709551256565);
    q = simd::polynomial<V>(size, -4.8984892896379691214e-12, 2.0338483217685222328e-10, -3.9153100147315569793e-9,
                            4.6224674051005789074e-8, -3.7187928618780251561e-7, 2.1282326935132341025e-6,
                            -8.6378352728522744537e-6, 0.000022733688521104903423, -0.000020057616650631172336,
                            -0.00013543444890775381574, 0.00077119309384308280492, -0.001916551902869313936,
                            0.00041114048372672667437, 0.018989858717503830513, -0.10270329742343248767,
                            -0.63664366978476884932, -1.1283740824276409947, -5.0333855784876181975e-7);
  }
  auto const [r, shifted] = detail::exp_reduce<V>(q);
  V const power = simd::power_of_two<V>(shifted);
  V const large = T(1) - simd::fma<V>(detail::exp_fraction(r), power, power);
  return detail::flip_sign<V>(simd::select<V>(size < V(T(1)), simd::fma<V>(size, p, size), large), x);
}

namespace detail {
// e^(x^2) erfc(x) (1 + 2 x) = 1 + w f(2 w - 1), w = x / (x + 3): f
template <Real V>
[[gnu::always_inline]] WICK_FN V erfc_fraction(V t) {
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    return simd::polynomial<V>(t, -5.345975492e-4, -1.01446563e-3, 5.024257498e-3, 1.099074714e-4, -0.04770844666,
                               0.1842992243, -0.422840594, 0.6821335716, -0.7772584027, 0.5060161185);
  } else {
    return simd::polynomial<V>(
        t, -7.86089206258790079e-9, -7.89783064037850999e-9, 7.25698589643459957e-8, 1.07034097944216246e-7,
        -3.68920243647247487e-7, -8.35226264058913044e-7, 1.53432501055265499e-6, 5.38899654546506081e-6,
        -6.84564625637223005e-6, -3.33453265715352969e-5, 4.32424815966291487e-5, 2.06953111318189512e-4,
        -4.17272373015927912e-4, -1.14239156379740902e-3, 4.91977224130576899e-3, 1.39011318718619913e-4,
        -0.0476800411528903012, 0.184296095845590609, -0.422843422676343957, 0.682133740081721418,
        -0.777258328788620355, 0.506016116539459295);
  }
}
// e^(x^2 / 2) erfc(x / sqrt(2)) (1 + 3/2 x) = 1 + w f(2 w - 1), w = x / (x + 4): f
template <Real V>
[[gnu::always_inline]] WICK_FN V deviate_fraction(V t) {
  if constexpr (sizeof(lane_of_t<V>) == 4) {
    return simd::polynomial<V>(t, -4.341392197e-4, 2.024654527e-4, 4.304702357e-3, -7.439315583e-3, -0.0236014863,
                               0.1482362315, -0.4031485304, 0.7181622628, -0.8829232895, 0.6434979596);
  } else {
    return simd::polynomial<V>(
        t, -4.51361589330544102e-9, -3.53819370892845625e-9, 4.32379376615003753e-8, 5.93447778323914949e-8,
        -2.00538679788060384e-7, -4.79376903709637394e-7, 5.92840998469954441e-7, 2.90310492199581316e-6,
        -8.88303698944654838e-7, -1.61096895665664913e-5, -2.82435161349947921e-6, 9.31918050658325039e-5,
        2.50452066492533045e-5, -6.0946079762571217e-4, 1.33989105576648994e-4, 4.40976203192222465e-3,
        -7.40112832921089164e-3, -0.0236282673646670801, 0.148229043207376869, -0.403145675988637116,
        0.718162674985401546, -0.882923377317374076, 0.643497956455130207);
  }
}

// fraction e^-(square + lost)
template <Real V>
[[gnu::always_inline]] WICK_FN V gaussian(V fraction, V square, V lost) {
  using T = lane_of_t<V>;
  // As exp_reduce; what the square lost joins the low part, so that r is rounded once.
  V const shifted = simd::fma<V>(square, V(T(-1.4426950408889634074)), V(simd::round_magic<T>));
  V const n = shifted - V(simd::round_magic<T>);
  V const r = simd::fma<V>(n, V(-ln2_high<T>), math::negate(square)) - simd::fma<V>(n, V(ln2_low<T>), lost);
  return simd::scale_product<V>(fraction, exp_fraction(r), shifted);
}

// Where erfc is zero in T, with a margin.
template <Lane T>
inline constexpr T erfc_limit = sizeof(T) == 4 ? T(10.3) : T(27.5);
}  // namespace detail

/// Complementary error function 1 - erf(x), accurate in its tail.
template <Real V>
WICK_FN V erfc(V x) {
  using T = lane_of_t<V>;
  V const size = simd::at_most<V>(math::abs(x), detail::erfc_limit<T>), square = size * size;
  V fraction;  // e^(x^2) erfc(x)
  if constexpr (simd::has_tables<V> && sizeof(T) == 4) {
    fraction = detail::piecewise<V>(detail::erfcx_pieces, size, 0x1p-4f, false);
  } else {
    V const one = V(T(1)), w = size / (size + T(3));
    V const top = simd::fma<V>(w, detail::erfc_fraction(simd::fma<V>(w, V(T(2)), V(T(-1)))), one);
    fraction = top / simd::fma<V>(size, V(T(2)), one);
  }
  V const tail = detail::gaussian<V>(fraction, square, simd::exact_remainder<V>(size, size, square));
  return simd::select<V>(x < V(T(0)), T(2) - tail, tail);
}

/// x times the normal distribution's cumulative function (Hendrycks and Gimpel, arXiv:1606.08415), accurate in its
/// tail.
template <Real V>
WICK_FN V gelu(V x) {
  using T = lane_of_t<V>;
  // max(x, 0) - |x| erfc(|x| / sqrt(2)) / 2
  V const size = simd::at_most<V>(math::abs(x), T(1.4142) * detail::erfc_limit<T>), half = T(0.5) * size;
  V const square = half * size;
  V fraction;
  if constexpr (simd::has_tables<V> && sizeof(T) == 4) {
    fraction = detail::piecewise<V>(detail::gelu_pieces, size, 0x1p-4f, false);
  } else {
    V const one = V(T(1)), w = size / (size + T(4));
    V const top = simd::fma<V>(w, detail::deviate_fraction(simd::fma<V>(w, V(T(2)), V(T(-1)))), one);
    fraction = half * top / simd::fma<V>(size, V(T(1.5)), one);
  }
  V const tail = detail::gaussian<V>(fraction, square, simd::exact_remainder<V>(half, size, square));
  return simd::select<V>(x < V(T(0)), V(T(-0.0)), x) - tail;
}

/// log(1 + e^x), without overflow.
template <Real V>
WICK_FN V softplus(V x) {
  using T = lane_of_t<V>;
  V const tail = math::log1p(detail::exp_within<V>(simd::at_least<V>(math::negate(math::abs(x)), detail::exp_low<T>)));
  return math::maximum(x, V(T(0))) + tail;
}

}  // namespace math
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
