// SPDX-License-Identifier: MIT
// Every function of `math::` beside the same function of Eigen, SLEEF, xsimd and the C library, all with one signature:
// what bench/math.cpp times and bench/math_error.cpp measures the errors of.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>
#include <wick/tensor.hpp>

#include "../tests/base/ulp.hpp"

#if defined(WICK_BENCH_HAS_EIGEN)
#include <Eigen/Core>
#include <unsupported/Eigen/SpecialFunctions>
#endif
#if defined(WICK_BENCH_HAS_SLEEF)
#include <sleef.h>
#endif

namespace routines {

/// out[i] = f(x[i]) or f(x[i], y[i]).
template <class T>
using Routine = void (*)(T* x, T* y, T* out, std::int64_t n);

/// A function of somebody's: `peer` is "" for Wick.
template <class T>
struct Entry {
  std::string peer, function;
  Routine<T> run;
};

template <class T, auto F>
void by_wick(T* x, T* y, T* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += wick::lanes<T>) {
    wick::simd::store(out + i, F(wick::simd::load(x + i), wick::simd::load(y + i)));
  }
}
template <class T, auto F>
void by_number(T* x, T* y, T* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = F(x[i], y[i]);
}
template <class T, auto F>
void by_batch(T* x, T* y, T* out, std::int64_t n) {
  using Batch = xsimd::batch<T>;
  for (std::int64_t i = 0; i < n; i += static_cast<std::int64_t>(Batch::size)) {
    F(Batch::load_unaligned(x + i), Batch::load_unaligned(y + i)).store_unaligned(out + i);
  }
}
#if defined(WICK_BENCH_HAS_EIGEN)
template <class T, auto F>
void by_eigen(T* x, T* y, T* out, std::int64_t n) {
  using Array = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>, Eigen::Aligned64>;
  Array(out, n) = F(Array(x, n), Array(y, n));
}
#endif

/// All functions by everybody who has them.
template <class T>
std::vector<Entry<T>> all() {
  std::vector<Entry<T>> list;
  auto const add = [&](char const* peer, char const* function, Routine<T> run) {
    list.push_back({peer, function, run});
  };
// The same call in the four libraries.
#define WICK_ROUTINE(peer, name, way, call) \
  add(peer, #name, &way<T, [](auto const& x, [[maybe_unused]] auto const& y) { return call; }>)
#define WICK_ROUTINES(name, ...)                                  \
  WICK_ROUTINE("", name, by_wick, wick::math::name(__VA_ARGS__)); \
  WICK_ROUTINE("libm_", name, by_number, std::name(__VA_ARGS__)); \
  WICK_ROUTINE("xsimd_", name, by_batch, xsimd::name(__VA_ARGS__))
  WICK_ROUTINES(exp, x);
  WICK_ROUTINES(exp2, x);
  WICK_ROUTINES(expm1, x);
  WICK_ROUTINES(log, x);
  WICK_ROUTINES(log2, x);
  WICK_ROUTINES(log10, x);
  WICK_ROUTINES(log1p, x);
  WICK_ROUTINES(pow, x, y);
  WICK_ROUTINES(cbrt, x);
  WICK_ROUTINES(sin, x);
  WICK_ROUTINES(cos, x);
  WICK_ROUTINES(tan, x);
  WICK_ROUTINES(asin, x);
  WICK_ROUTINES(acos, x);
  WICK_ROUTINES(atan, x);
  WICK_ROUTINES(atan2, x, y);
  WICK_ROUTINES(sinh, x);
  WICK_ROUTINES(cosh, x);
  WICK_ROUTINES(tanh, x);
  WICK_ROUTINES(asinh, x);
  WICK_ROUTINES(acosh, x);
  WICK_ROUTINES(atanh, x);
  WICK_ROUTINES(erf, x);
  WICK_ROUTINES(erfc, x);
  WICK_ROUTINES(hypot, x, y);
  WICK_ROUTINE("", sigmoid, by_wick, wick::math::sigmoid(x));
  WICK_ROUTINE("libm_", sigmoid, by_number, ulp::sigmoid(x));
  WICK_ROUTINE("", gelu, by_wick, wick::Gelu::value(x));
  WICK_ROUTINE("libm_", gelu, by_number, ulp::gelu(x));
  WICK_ROUTINE("", softplus, by_wick, wick::Softplus::value(x));
  WICK_ROUTINE("libm_", softplus, by_number, ulp::softplus(x));
#if defined(WICK_BENCH_HAS_EIGEN)
#define WICK_EIGEN(name, call) WICK_ROUTINE("eigen_", name, by_eigen, call)
  WICK_EIGEN(exp, x.exp());
  WICK_EIGEN(expm1, x.expm1());
  WICK_EIGEN(log, x.log());
  WICK_EIGEN(log2, x.log2());
  WICK_EIGEN(log10, x.log10());
  WICK_EIGEN(log1p, x.log1p());
  WICK_EIGEN(pow, x.pow(y));
  WICK_EIGEN(sin, x.sin());
  WICK_EIGEN(cos, x.cos());
  WICK_EIGEN(tan, x.tan());
  WICK_EIGEN(asin, x.asin());
  WICK_EIGEN(acos, x.acos());
  WICK_EIGEN(atan, x.atan());
  WICK_EIGEN(sinh, x.sinh());
  WICK_EIGEN(cosh, x.cosh());
  WICK_EIGEN(tanh, x.tanh());
  WICK_EIGEN(asinh, x.asinh());
  WICK_EIGEN(acosh, x.acosh());
  WICK_EIGEN(atanh, x.atanh());
  WICK_EIGEN(erf, x.erf());
  WICK_EIGEN(erfc, x.erfc());
  WICK_EIGEN(sigmoid, x.logistic());
#undef WICK_EIGEN
#endif
#if defined(WICK_BENCH_HAS_SLEEF)
#if defined(__AVX512F__)
#define WICK_SLEEF_NAME(name, error, letter, width2, width4, width8) Sleef_##name##letter##width8##_##error##avx512f
#elif defined(__AVX2__)
#define WICK_SLEEF_NAME(name, error, letter, width2, width4, width8) Sleef_##name##letter##width4##_##error##avx2
#else
#define WICK_SLEEF_NAME(name, error, letter, width2, width4, width8) Sleef_##name##letter##width2##_##error##sse2
#endif
#define WICK_SLEEF_AT(peer, name, error, ...)                                                                    \
  if constexpr (sizeof(T) == 4) {                                                                                \
    WICK_ROUTINE(peer, name, by_batch, xsimd::batch<T>(WICK_SLEEF_NAME(name, error, f, 4, 8, 16)(__VA_ARGS__))); \
  } else {                                                                                                       \
    WICK_ROUTINE(peer, name, by_batch, xsimd::batch<T>(WICK_SLEEF_NAME(name, error, d, 2, 4, 8)(__VA_ARGS__)));  \
  }
#define WICK_SLEEF(name, ...) WICK_SLEEF_AT("sleef_", name, u10, __VA_ARGS__)
#define WICK_SLEEF_FAST(name, ...) WICK_SLEEF_AT("sleef_u35_", name, u35, __VA_ARGS__)
  WICK_SLEEF(exp, x)
  WICK_SLEEF(exp2, x)
  WICK_SLEEF(expm1, x)
  WICK_SLEEF(log, x)
  WICK_SLEEF(log2, x)
  WICK_SLEEF(log10, x)
  WICK_SLEEF(log1p, x)
  WICK_SLEEF(pow, x, y)
  WICK_SLEEF(cbrt, x)
  WICK_SLEEF(sin, x)
  WICK_SLEEF(cos, x)
  WICK_SLEEF(tan, x)
  WICK_SLEEF(asin, x)
  WICK_SLEEF(acos, x)
  WICK_SLEEF(atan, x)
  WICK_SLEEF(atan2, x, y)
  WICK_SLEEF(sinh, x)
  WICK_SLEEF(cosh, x)
  WICK_SLEEF(tanh, x)
  WICK_SLEEF(asinh, x)
  WICK_SLEEF(acosh, x)
  WICK_SLEEF(atanh, x)
  WICK_SLEEF(erf, x)
  WICK_SLEEF_AT("sleef_", erfc, u15, x)
  WICK_SLEEF_AT("sleef_", hypot, u05, x, y)
  WICK_SLEEF_FAST(exp2, x)
  WICK_SLEEF_FAST(log, x)
  WICK_SLEEF_FAST(log2, x)
  WICK_SLEEF_FAST(cbrt, x)
  WICK_SLEEF_FAST(sin, x)
  WICK_SLEEF_FAST(cos, x)
  WICK_SLEEF_FAST(tan, x)
  WICK_SLEEF_FAST(asin, x)
  WICK_SLEEF_FAST(acos, x)
  WICK_SLEEF_FAST(atan, x)
  WICK_SLEEF_FAST(atan2, x, y)
  WICK_SLEEF_FAST(sinh, x)
  WICK_SLEEF_FAST(cosh, x)
  WICK_SLEEF_FAST(tanh, x)
  WICK_SLEEF_FAST(hypot, x, y)
#undef WICK_SLEEF_FAST
#undef WICK_SLEEF
#undef WICK_SLEEF_AT
#undef WICK_SLEEF_NAME
#endif
#undef WICK_ROUTINES
#undef WICK_ROUTINE
  return list;
}

}  // namespace routines
