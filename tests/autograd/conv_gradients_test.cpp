// SPDX-License-Identifier: MIT
// The backward pass of a convolution computes the gradients that somebody asked for, and no other: an element type
// counts its multiplications.
#include <doctest/doctest.h>

#include <wick/autograd/backward.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/conv.hpp>
#include <wick/ops/reduce.hpp>
#include <wick/tensor.hpp>

namespace counting_gradients {

class Counted {
 public:
  Counted() = default;
  Counted(double value) : value_(value) {}
  double value() const { return value_; }

  static std::int64_t products() { return count(); }
  friend Counted operator*(Counted a, Counted b) {
    ++count();
    return a.value_ * b.value_;
  }
  friend Counted operator+(Counted a, Counted b) { return a.value_ + b.value_; }
  friend Counted operator-(Counted a, Counted b) { return a.value_ - b.value_; }
  friend Counted operator-(Counted a) { return -a.value_; }

 private:
  static std::int64_t& count() {
    static thread_local std::int64_t products = 0;
    return products;
  }
  double value_ = 0;
};

}  // namespace counting_gradients

using namespace wick;
using counting_gradients::Counted;

namespace {

Tensor<Counted> ramp(Dims const& shape) {
  Tensor<Counted> x = zeros<Counted>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<double>(i % 7) - 3;
  return x;
}
template <class F>
std::int64_t products(F const& work) {
  std::int64_t const before = Counted::products();
  work();
  return Counted::products() - before;
}

}  // namespace

TEST_CASE("the backward pass of a convolution computes only the gradients that somebody asked for") {
  int const threads = num_threads();
  set_num_threads(1);
  Tensor<Counted> const x = ramp({2, 3, 6, 7}), w = ramp({4, 3, 3, 3}), g = ramp({2, 4, 4, 5});
  std::int64_t input = 0, weight = 0;
  {
    backend::Conv2dShape const s{2, 3, 6, 7, 4, 3, 3};
    Tensor<Counted> gx = zeros<Counted>(x.shape()), gw = zeros<Counted>(w.shape());
    input =
        products([&] { run(backend::Cpu{}, backend::Conv2dInputGradient<Counted>{s, g.data(), w.data(), gx.data()}); });
    weight =
        products([&] { run(backend::Cpu{}, backend::Conv2dWeightGradient<Counted>{s, x.data(), g.data(), gw.data()}); });
  }
  REQUIRE(input > 0);
  REQUIRE(weight > 0);
  auto const backward_products = [&](bool want_input, bool want_weight) {
    Variable<Counted> const vx(x, want_input), vw(w, want_weight);
    Variable<Counted> const y = conv2d(vx, vw);
    std::int64_t const count = products([&] { backward(y, g); });
    CHECK(vx.has_grad() == want_input);
    CHECK(vw.has_grad() == want_weight);
    return count;
  };
  CHECK(backward_products(true, true) == input + weight);
  CHECK(backward_products(true, false) == input);
  CHECK(backward_products(false, true) == weight);

  // `grad` asks for one of them.
  auto const grad_products = [&](bool of_input) {
    Variable<Counted> const vx(x), vw(w);
    Variable<Counted> const y = sum(conv2d(vx, vw));
    return products([&] { grad(y, of_input ? vx : vw); });
  };
  CHECK(grad_products(true) - grad_products(false) == input - weight);
  set_num_threads(threads);
}
