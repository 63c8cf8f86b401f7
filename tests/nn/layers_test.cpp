// SPDX-License-Identifier: MIT
// Layers as PyTorch's users type them: positions, and own parts inside of a Sequential.
#include <doctest/doctest.h>

#include <limits>

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

}  // namespace

TEST_CASE("a probability is one") {
  CHECK_THROWS_WITH_AS(nn::Dropout(1.5), "Dropout: the probability 1.5 is not between 0 and 1", Error);
  CHECK_THROWS_AS(nn::Dropout(std::numeric_limits<double>::quiet_NaN()), Error);
  CHECK(nn::Dropout().p == 0.5);
}

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
  CHECK(max_pool2d(x, 2, {1, 2}).shape() == Dims(1, 1, 3, 3));
  CHECK(avg_pool2d(x, 2, 1).shape() == Dims(1, 1, 3, 5));
  CHECK(nn::Softmax(1).dim == 1);
  CHECK(nn::Flatten({.start_dim = 2})(x).shape() == Dims(1, 1, 24));
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
