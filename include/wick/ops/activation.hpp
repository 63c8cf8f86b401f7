// SPDX-License-Identifier: MIT
// Activations of neural networks.
#pragma once

#include <wick/expr/node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// max(x, 0); slope 0 at 0, NaN stays NaN and passes its gradient on, as in PyTorch.
struct Relu : Unary<"relu", Domain<-4, 4>, types::Same> {
  using cheap = void;
  WICK_FN static auto value(auto x) { return math::maximum(x, 0); }
  WICK_FN static auto slope_from_value(auto y) { return math::Choice{y <= 0, math::Zero{}, math::One{}}; }
};
/// Logistic sigmoid, 1 / (1 + e^-x).
struct Sigmoid : Unary<"sigmoid", Domain<-8, 8>> {
  WICK_FN static auto value(auto x) { return math::sigmoid(x); }
  WICK_FN static auto slope_from_value(auto y) { return y * (1 - y); }
};
/// x times the normal distribution's cumulative function (Hendrycks and Gimpel, arXiv:1606.08415).
struct Gelu : Unary<"gelu"> {
  static constexpr double ulp = 4, absolute = 1e-7;
  WICK_FN static auto value(auto x) { return math::gelu(x); }
  WICK_FN static auto slope(auto x) {
    auto const c = [x](double literal) { return math::like(x, literal); };
    return c(0.5) * (1 + math::erf(c(0.7071067811865476) * x)) + c(0.3989422804014327) * x * math::exp(c(-0.5) * x * x);
  }
};
/// The approximation of gelu by tanh, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), from the same paper.
struct GeluTanh : Unary<"gelu_tanh"> {
  static constexpr double ulp = 4, absolute = 1e-7;
  // (1 + tanh u)/2 = sigmoid(2u), which keeps its digits where tanh comes close to -1.
  // Beyond |x| = 100 all is decided, and the square must not overflow.
  WICK_FN static auto value(auto x) { return x * math::sigmoid(inside(x, math::minimum(x * x, 1e4))); }
  WICK_FN static auto slope(auto x) {
    auto const square = math::minimum(x * x, 1e4);
    auto const s = math::sigmoid(inside(x, square));
    return s + x * s * (1 - s) * (math::like(x, 1.5957691216057308) * (1 + math::like(x, 0.134145) * square));
  }

 private:
  WICK_FN static auto inside(auto x, auto square) { return math::like(x, 1.5957691216057308) * x * (1 + math::like(x, 0.044715) * square); }
};
/// x sigmoid(x)
struct Silu : Unary<"silu", Domain<-8, 8>> {
  static constexpr double ulp = 4, absolute = 1e-7;
  WICK_FN static auto value(auto x) { return x * math::sigmoid(x); }
  WICK_FN static auto slope(auto x) {
    auto const s = math::sigmoid(x);
    return s * (1 + x * (1 - s));
  }
};
/// log(1 + e^x), without overflow
struct Softplus : Unary<"softplus", Domain<-8, 8>> {
  static constexpr double ulp = 4, absolute = 1e-7;
  WICK_FN static auto value(auto x) { return math::softplus(x); }
  WICK_FN static auto slope(auto x) { return math::sigmoid(x); }
};

/// max(x, 0) (torch.relu)
template <Formula X> constexpr auto relu(X&& x) { return map<Relu>(std::forward<X>(x)); }
/// 1 / (1 + e^-x) (torch.sigmoid)
template <Formula X> constexpr auto sigmoid(X&& x) { return map<Sigmoid>(std::forward<X>(x)); }
/// torch.nn.functional.gelu, exact form
template <Formula X> constexpr auto gelu(X&& x) { return map<Gelu>(std::forward<X>(x)); }
/// torch.nn.functional.gelu with approximate="tanh"
template <Formula X> constexpr auto gelu_tanh(X&& x) { return map<GeluTanh>(std::forward<X>(x)); }
/// x sigmoid(x) (torch.nn.functional.silu)
template <Formula X> constexpr auto silu(X&& x) { return map<Silu>(std::forward<X>(x)); }
/// log(1 + e^x) (torch.nn.functional.softplus)
template <Formula X> constexpr auto softplus(X&& x) { return map<Softplus>(std::forward<X>(x)); }

/// Every elementwise operation of this header.
using ActivationOps = OpList<Relu, Sigmoid, Gelu, GeluTanh, Silu, Softplus>;

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
