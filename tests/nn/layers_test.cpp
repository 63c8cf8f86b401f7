// SPDX-License-Identifier: MIT
// Layers as PyTorch's users type them: positions, inputs without a batch, and own parts inside of a Sequential.
#include <doctest/doctest.h>

#include <vector>
#include <wick/wick.hpp>

using namespace wick;

namespace {

struct Doubler {
  int calls = 0;
  auto operator()(auto const& x) {  // not const
    ++calls;
    return x * 2;
  }
  void visit(auto&&) {}
};

template <class T>
bool close(Tensor<T> const& a, Tensor<T> const& b) {
  return a.shape() == b.shape() && all(isclose(a, b)).item();
}

}  // namespace

TEST_CASE("layers take numbers and sizes in PyTorch's order") {
  nn::Linear layer(3, 2);
  CHECK(layer.weight.shape() == Dims(2, 3));
  nn::Conv2d<> const strided(1, 4, 3, 2), all_positions(4, 6, {3, 1}, {2, 1}, 1, {1, 2}, 2), named(4, 6, 3, {.padding = {1, 0}});
  CHECK(strided(ones<float>({5, 1, 9, 7})).shape() == Dims(5, 4, 4, 3));
  CHECK(all_positions.weight.shape() == Dims(6, 2, 3, 1));
  CHECK(all_positions(ones<float>({1, 4, 9, 7})).shape() == Dims(1, 6, 5, 9));
  CHECK(named(ones<float>({1, 4, 9, 7})).shape() == Dims(1, 6, 9, 5));
  Tensor<float> const x = arange<float>(24).reshape({1, 1, 4, 6});
  CHECK(nn::MaxPool2d(2, 1)(x).shape() == Dims(1, 1, 3, 5));
  CHECK(nn::MaxPool2d(2, {2, 1})(x).shape() == Dims(1, 1, 2, 5));  // a size, not options
  CHECK(nn::MaxPool2d(3, 1, 1)(x).shape() == Dims(1, 1, 4, 6));
  CHECK(nn::AvgPool2d(2, 2)(x).shape() == Dims(1, 1, 2, 3));
  CHECK(Tensor<float>(max_pool2d(x, 2, {1, 2}))(0, 0, 0, 1).item() == 9);
  CHECK(close(Tensor<float>(nn::Softmax(1)(x)), Tensor<float>(softmax(x, 1))));
  CHECK(nn::Flatten({.start_dim = 2})(x).shape() == Dims(1, 1, 24));
}

TEST_CASE("an input without a batch gives what a batch of one gives, and the same gradients") {
  nn::Conv2d<double> const conv(3, 4, 3, {.padding = 1});
  nn::Linear<double> const layer(5, 2);
  auto const check = [](auto const& f, auto const& module, Tensor<double> const& x) {
    Dims batched{1};
    for (std::int64_t extent : x.shape()) batched.push_back(extent);
    Variable<double> const one(x), many(x.reshape(batched));
    Variable<double> const y = f(one), z = f(many);
    CHECK(close(y.value(), z.value().reshape(y.shape())));
    module.weight.zero_grad(), module.bias.zero_grad();
    backward(sum(square(y)));
    Tensor<double> const w = module.weight.grad(), b = module.bias.grad();
    module.weight.zero_grad(), module.bias.zero_grad();
    backward(sum(square(z)));
    CHECK(close(one.grad(), many.grad().reshape(x.shape())));
    CHECK(close(module.weight.grad(), w));
    CHECK(close(module.bias.grad(), b));
  };
  check([&](Variable<double> const& x) { return conv(x); }, conv, randn<double>({3, 6, 5}));
  check([&](Variable<double> const& x) { return layer(x); }, layer, randn<double>({5}));
  CHECK_THROWS_WITH_AS(conv2d(ones<double>({2, 6}), conv.weight.value()), "conv2d: the input (2, 6) and the weight (4, 3, 3, 3) do not fit: the input is (N, C, H, W) or (C, H, W), the weight (O, C / groups, KH, KW)", Error);
}

TEST_CASE("a Sequential calls parts whose operator() is not const") {
  nn::Sequential net{nn::ReLU(), Doubler(), nn::Flatten()};
  Tensor<float> const y = net(tensor({{-1.f, 2.f}}));
  CHECK(y(0, 1).item() == 4);
  CHECK(std::get<1>(net.modules).calls == 1);
  nn::Sequential const fixed{nn::ReLU(), nn::Tanh()};
  Tensor<float> const z = fixed(tensor({-1.f}));
  CHECK(z(0).item() == 0);
}
