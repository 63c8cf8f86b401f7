// SPDX-License-Identifier: MIT
// The largest errors of all that bench/math.cpp times, in units of the last place, against the C library in the next
// wider format: the second table of docs/math_error.md.
//
//     bench_math_error [STRIDE [FUNCTION...]]     looks at every STRIDE-th float (1009 unless told)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>

#include "math_routines.hpp"

namespace {

constexpr std::int64_t block = 4096;

// The functions of one number in a wide format; two where the function has two.
template <class X>
using Exact = X (*)(X, X);
template <class X>
Exact<X> exact(std::string const& name) {
#define WICK_EXACT(f, ...) \
  if (name == #f) return [](X x, [[maybe_unused]] X y) -> X { return __VA_ARGS__; }
  WICK_EXACT(exp, std::exp(x));
  WICK_EXACT(exp2, std::exp2(x));
  WICK_EXACT(expm1, std::expm1(x));
  WICK_EXACT(log, std::log(x));
  WICK_EXACT(log2, std::log2(x));
  WICK_EXACT(log10, std::log10(x));
  WICK_EXACT(log1p, std::log1p(x));
  WICK_EXACT(pow, std::pow(x, y));
  WICK_EXACT(cbrt, std::cbrt(x));
  WICK_EXACT(sin, std::sin(x));
  WICK_EXACT(cos, std::cos(x));
  WICK_EXACT(tan, std::tan(x));
  WICK_EXACT(asin, std::asin(x));
  WICK_EXACT(acos, std::acos(x));
  WICK_EXACT(atan, std::atan(x));
  WICK_EXACT(atan2, std::atan2(x, y));
  WICK_EXACT(sinh, std::sinh(x));
  WICK_EXACT(cosh, std::cosh(x));
  WICK_EXACT(tanh, std::tanh(x));
  WICK_EXACT(asinh, std::asinh(x));
  WICK_EXACT(acosh, std::acosh(x));
  WICK_EXACT(atanh, std::atanh(x));
  WICK_EXACT(erf, std::erf(x));
  WICK_EXACT(erfc, std::erfc(x));
  WICK_EXACT(hypot, static_cast<X>(std::hypot(static_cast<long double>(x), static_cast<long double>(y))));
  WICK_EXACT(sigmoid, ulp::sigmoid(x));
  WICK_EXACT(gelu, ulp::gelu(x));
  WICK_EXACT(softplus, ulp::softplus(x));
#undef WICK_EXACT
  std::fprintf(stderr, "math_error: no exact %s\n", name.c_str());
  std::exit(1);
}

// The i-th block of the sample: all representations, then the ranges where the functions do something.
template <class T>
void fill(std::int64_t i, std::int64_t of, std::uint64_t stride, T* x, T* y) {
  using Word = wick::simd::Word<T>;
  std::mt19937_64 random(static_cast<std::uint64_t>(i));
  std::uniform_real_distribution<double> uniform(-1, 1);
  static constexpr double ranges[] = {0.01, 0.1, 0.6, 1, 2, 10, 30, 100, 800, 9000, 1.1e6};
  for (std::int64_t j = 0; j < block; ++j) {
    if (i >= of)
      x[j] = static_cast<T>(uniform(random) * ranges[i % 11]);
    else if (sizeof(T) == 4)
      x[j] = wick::simd::from_bits<T>(static_cast<Word>(static_cast<std::uint64_t>(i * block + j) * stride));
    else
      x[j] = wick::simd::from_bits<T>(static_cast<Word>(random()));
    y[j] = static_cast<T>(uniform(random) * ranges[(i + j) % 11]);
  }
  if (i % 2 == 0) return;
  // For powers: a result inside the range of T.
  double const limit = sizeof(T) == 4 ? 88 : 709;
  for (std::int64_t j = 0; j < block; ++j) {
    double const log = std::log(std::fabs(static_cast<double>(x[j])));
    if (std::isfinite(log) && log != 0) y[j] = static_cast<T>(uniform(random) * 1.05 * limit / log);
  }
}

template <class T>
void measure(char const* type, std::uint64_t stride, std::vector<std::string> const& wanted) {
  std::map<std::string, std::vector<routines::Entry<T>>> by_function;
  for (auto const& entry : routines::all<T>()) by_function[entry.function].push_back(entry);
  auto const of = static_cast<std::int64_t>((std::uint64_t{1} << 32) / stride / block + 1);
  for (auto const& [function, entries] : by_function) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), function) == wanted.end()) continue;
    auto const reference = exact<ulp::Wide<T>>(function);
    std::vector<double> worst(entries.size()), at(entries.size()), at_y(entries.size());
#pragma omp parallel for schedule(dynamic)
    for (std::int64_t i = 0; i < of + std::max<std::int64_t>(220, of / 4); ++i) {
      alignas(64) T x[block], y[block], out[block];
      ulp::Wide<T> exact[block];
      fill<T>(i, of, stride, x, y);
      for (std::int64_t j = 0; j < block; ++j) exact[j] = reference(x[j], y[j]);
      for (std::size_t e = 0; e < entries.size(); ++e) {
        entries[e].run(x, y, out, block);
        for (std::int64_t j = 0; j < block; ++j) {
          double const error = ulp::error<T>(out[j], exact[j]);
          if (error <= worst[e]) continue;
#pragma omp critical
          if (error > worst[e])
            worst[e] = error, at[e] = static_cast<double>(x[j]), at_y[e] = static_cast<double>(y[j]);
        }
      }
    }
    for (std::size_t e = 0; e < entries.size(); ++e) {
      std::printf("%s%s %s %.3g at %.17g %.17g\n", entries[e].peer.c_str(), function.c_str(), type, worst[e], at[e],
                  at_y[e]);
    }
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t const stride = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1009;
  std::vector<std::string> const wanted(argv + std::min(argc, 2), argv + argc);
  measure<float>("float", stride, wanted);
  measure<double>("double", stride, wanted);
}
