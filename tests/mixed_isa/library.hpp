// SPDX-License-Identifier: MIT
// The functions of exchange.hpp, compiled into each library with that library's flags.
#include <sstream>
#include <wick/wick.hpp>

#include "exchange.hpp"

#define MIXED_TEXT_OF(x) #x
#define MIXED_TEXT(x) MIXED_TEXT_OF(x)

using namespace wick;

char const* MIXED_NAME::isa() { return MIXED_TEXT(WICK_ISA); }
Tensor<float> MIXED_NAME::make(Dims const& shape) {
  Tensor<float> x = arange<float>(0, static_cast<float>(shape.numel()));
  x *= 0.01f;
  return x.reshape(shape);
}
Tensor<float> MIXED_NAME::formula(Tensor<float> const& x, Tensor<float> const& y) {
  return tanh(x * y + 1) - softmax(x, -1);
}
void MIXED_NAME::drop(Tensor<float> x) { x = Tensor<float>(); }
void MIXED_NAME::write(Tensor<float>& x) {
  x(0) = 5;
  x += 1;
}
Variable<float> MIXED_NAME::record(Variable<float> const& w, Tensor<float> const& x) { return sum(sigmoid(x * w)); }
void MIXED_NAME::differentiate(Variable<float> const& y) { backward(y); }
bool MIXED_NAME::catches(void (*thrower)()) {
  try {
    thrower();
  } catch (Error const& error) {
    return std::string(error.what()).find("(2, 3)") != std::string::npos;
  }
  return false;
}
void MIXED_NAME::throw_error() { matmul(ones<float>({2, 3}), ones<float>({4, 5})); }
double MIXED_NAME::make_and_print() {
  manual_seed(1);
  Tensor<float> x = linspace<float>(0, 1, 9).reshape({3, 3}) + eye<float>(3) + zeros<float>({3}) + tensor<float>({1, 2, 3});
  Tensor<float> random = rand<float>({3, 3}) + randn<float>({3, 3}), first = ones<float>({1});
  View<float> const from = random.view(), to = x.view();
  to = from;
  x(0) = x(1);
  Variable<float> const v = full<float>({1}, 2);
  std::ostringstream text;
  text << x << x(0) << x.view() << v;
  float const number = first;
  return x(0, 0).item() + v.item() + number + static_cast<double>(text.str().size());
}
bool MIXED_NAME::checks_bounds() {
  Tensor<float> x = zeros<float>({2, 3});
  auto const view = x.view();
  try {
    return view(0, 4) != 0;  // element (1, 1), where nobody checks
  } catch (Error const&) {
    return true;
  }
}
