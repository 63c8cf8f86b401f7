// SPDX-License-Identifier: MIT
// P5: values that a statement saved for its backward pass are never touched by a later write.
#include <doctest/doctest.h>

#include <random>
#include <vector>
#include <wick/autograd/backward.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/matmul.hpp>
#include <wick/ops/select.hpp>
#include <wick/tensor.hpp>

using namespace wick;

namespace {
std::vector<double> list(Tensor<double> const& x) {
  Tensor<double> const dense = x.contiguous();
  return {dense.data(), dense.data() + dense.numel()};
}
using Numbers = std::vector<double>;
}  // namespace

TEST_CASE("an update of a parameter leaves what was recorded before alone") {
  Variable<double> w(tensor({1., 2., 3.}));
  Variable<double> const y = sum(w * w * w);
  {
    NoGrad const guard;
    w -= 1.0;
    w *= 5.0;
  }
  backward(y);
  CHECK(list(w.grad()) == Numbers{3, 12, 27});
  CHECK(list(w.value()) == Numbers{0, 5, 10});
}

TEST_CASE("a write into a tensor that a statement read leaves the statement alone") {
  Tensor<double> x = tensor({1., 2., 3.});
  Variable<double> const w(tensor({1., 1., 1.}));
  Variable<double> const y = sum(w * x);
  x(0) = 50;
  x += 1;
  backward(y);
  CHECK(list(w.grad()) == Numbers{1, 2, 3});
  CHECK(list(x) == Numbers{51, 3, 4});

  // Through a view, which is a reference by name: ownership was settled when the view was made.
  Variable<double> const z = sum(w * x);
  View<double> view = x.view();
  view = 0;
  w.zero_grad();
  backward(z);
  CHECK(list(w.grad()) == Numbers{51, 3, 4});
}

TEST_CASE("a write into a copy of a result's value leaves the result alone") {
  Variable<double> const w(tensor({0.5, 1., 2.}));
  Variable<double> const y = exp(w);  // its slope is its value
  Tensor<double> copy = y.value();
  copy(0) = -1000;
  copy *= 3;
  Tensor<double> detached = y.detach();
  detached(1) = 7;
  backward(sum(y));
  for (int i = 0; i < 3; ++i) CHECK(w.grad().data()[i] == doctest::Approx(std::exp(w.value().data()[i])));
}

TEST_CASE("the tensor that a variable was made from") {
  Tensor<double> x = tensor({1., 2., 3.});
  Variable<double> const w(x);
  Variable<double> const y = sum(w * w);
  x(2) = 100;
  backward(y);
  CHECK(list(w.value()) == Numbers{1, 2, 3});
  CHECK(list(w.grad()) == Numbers{2, 4, 6});
}

TEST_CASE("a gradient that a user changes") {
  Variable<double> const w(tensor({1., 2., 3.}));
  Tensor<double> seed = tensor({1., 1., 1.});
  Variable<double> const y = w * 1.0;
  backward(y, seed, {.retain_graph = true});
  seed(0) = 99;
  Tensor<double> mine = w.grad();
  mine(1) = 55;
  CHECK(list(w.grad()) == Numbers{1, 1, 1});
  backward(y, mine);
  CHECK(list(mine) == Numbers{1, 55, 1});
  CHECK(list(w.grad()) == Numbers{2, 56, 2});
}

TEST_CASE("kernel nodes keep their operands") {
  Variable<double> a(tensor({{1., 2.}, {3., 4.}})), b(tensor({{5., 6.}, {7., 8.}}));
  Tensor<double> c = tensor({{1., 0.}, {0., 1.}});
  Variable<double> const y = sum(matmul(a, b) + matmul(a, c));
  {
    NoGrad const guard;
    a *= 0.0, b *= 0.0;
  }
  c(0, 0) = 1000;
  backward(y);
  CHECK(list(a.grad()) == Numbers{12, 16, 12, 16});
  CHECK(list(b.grad()) == Numbers{4, 4, 6, 6});
}

TEST_CASE("a lazy value that was asked for before its operand changed") {
  Tensor<double> a = tensor({{1., 2.}, {3., 4.}});
  auto const product = matmul(a, a);
  a(0, 0) = 100;  // the formula owns what it refers to
  Tensor<double> const value = product;
  CHECK(list(value) == Numbers{7, 10, 15, 22});
}

TEST_CASE("a kernel with an epilogue writes over its target in place, unless the formula reads the target") {
  Tensor<double> const a = tensor({{1., 2.}, {3., 4.}}), b = tensor({{5., 6.}, {7., 8.}}), bias = tensor({10., 20.});
  Tensor<double> c = zeros<double>({2, 2});
  double const* const place = std::as_const(c).data();
  c = matmul(a, b) * 2.0 + bias;
  CHECK(list(c) == Numbers{48, 64, 96, 120});
  CHECK(std::as_const(c).data() == place);
  auto const before = pool_stats();
  c = matmul(a, b) * 3.0 + bias;
  CHECK(pool_stats().requests - before.requests == 1);  // the node, and no block for its value
  CHECK(list(c) == Numbers{67, 86, 139, 170});
  c = matmul(a, b) + c;
  CHECK(list(c) == Numbers{86, 108, 182, 220});
  c = matmul(c, b) + bias;
  CHECK(list(c) == Numbers{86 * 5 + 108 * 7 + 10, 86 * 6 + 108 * 8 + 20, 182 * 5 + 220 * 7 + 10, 182 * 6 + 220 * 8 + 20});
  View<double> const seen(c.data(), {2, 2}, {2, 1});
  Tensor<double> const old = c.clone();
  c = matmul(seen, b) + bias;
  CHECK(list(c) == list(Tensor<double>(matmul(old, b) + bias)));
  Tensor<double> const now = c.clone();
  c = matmul(a, b) + View<double>(c.data(), {2, 2}, {2, 1});
  CHECK(list(c) == list(Tensor<double>(matmul(a, b) + now)));
  c = now.clone();
  c = matmul(a, b) + c.t();
  CHECK(c(0, 1).item() == 22 + matmul(old, b).value()(1, 0).item() + 10);
}

TEST_CASE("a view takes a lazy rearrangement of the elements that it is written over") {
  auto const at = [](Tensor<double> const& x, std::int64_t row) { return list(x[row].clone()); };
  Tensor<double> x = arange<double>(0, 25).reshape({5, 5});
  Tensor<double> const before = x.clone();
  View<double> low(x.data() + 5, {4, 5}, {5, 1});  // rows 1 to 4
  low = narrow(x, 0, 0, 4) + 0.0;
  CHECK(at(x, 0) == at(before, 0));
  for (std::int64_t row = 1; row < 5; ++row) CHECK(at(x, row) == at(before, row - 1));
  View<double> square(x.data(), {5, 5}, {5, 1});
  Tensor<double> const now = x.clone();
  square = transpose(narrow(x, 0, 0, 5), 0, 1);
  CHECK(list(x) == list(now.t().contiguous()));
}

TEST_CASE("create_graph sees the values of the time of the statement") {
  Variable<double> w(tensor({1., 2., 3.}));
  Variable<double> const y = sum(w * w * w);
  {
    NoGrad const guard;
    w += 10.0;
  }
  Variable<double> const first = grad(y, w, {.create_graph = true});
  CHECK(list(first.value()) == Numbers{3, 12, 27});
  CHECK(list(grad(sum(first), w).value()) == Numbers{6, 12, 18});
  CHECK(list(w.value()) == Numbers{11, 12, 13});
  // A result that its own slope is computed from.
  Variable<double> h = exp(w - 10.0);
  Variable<double> const total = sum(h);
  {
    NoGrad const guard;
    h *= 1000.0;
  }
  Tensor<double> const slope = grad(total, w, {.create_graph = true}).value();
  for (int i = 0; i < 3; ++i) CHECK(slope.data()[i] == doctest::Approx(std::exp(1.0 + i)));
}

TEST_CASE("random statements, with random writes between them and the backward pass") {
  std::mt19937 dice(7);
  auto const below = [&](int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 400; ++round) {
    // The same program twice: once undisturbed, once with writes into everything that can be written.
    std::uint32_t const program = dice();
    std::vector<Numbers> gradients;
    for (bool disturbed : {false, true}) {
      std::mt19937 steps(program);
      auto const pick = [&](std::size_t n) { return static_cast<std::size_t>(steps() % n); };
      Tensor<double> data = empty<double>({4});
      for (int i = 0; i < 4; ++i) data.data()[i] = 0.3 + 0.2 * i;
      Variable<double> leaf_a(data), leaf_b(tensor({1.2, 0.8, 0.4, 1.0}));
      std::vector<Variable<double>> nodes{leaf_a, leaf_b};
      std::vector<Tensor<double>> tensors{data};
      for (int i = 0; i < 8; ++i) {
        auto const& p = nodes[pick(nodes.size())];
        auto const& q = nodes[pick(nodes.size())];
        auto const& t = tensors[pick(tensors.size())];
        switch (pick(6)) {
          case 0:
            nodes.push_back(Variable<double>(p * q));
            break;
          case 1:
            nodes.push_back(Variable<double>(tanh(p) * t));
            break;
          case 2:
            nodes.push_back(Variable<double>(exp(p * 0.1) - q));
            break;
          case 3:
            nodes.push_back(Variable<double>(sigmoid(p + q)));
            break;
          case 4:
            nodes.push_back(Variable<double>(p * sum(q * t)));
            break;
          default:
            nodes.push_back(Variable<double>(softmax(p * q, 0)));
            break;
        }
        tensors.push_back(nodes.back().value());
      }
      Variable<double> const y = sum(nodes.back() * nodes[nodes.size() - 2]);
      if (disturbed) {
        NoGrad const guard;
        for (auto& t : tensors) {
          if (below(2)) t(below(4)) = -1e9;
          if (below(2)) t = t * 1e9 - 5;
        }
        if (below(2)) leaf_a -= 1e6;
        if (below(2)) leaf_b *= -3.0;
        if (below(2)) leaf_b.set_value(full<double>({4}, 1e9));
        nodes.resize(static_cast<std::size_t>(2 + below(8)));
        for (std::size_t i = 2; i < nodes.size(); ++i)
          if (below(3) == 0) nodes[i] *= 1e9;  // another result under the old name
      }
      backward(y);
      Numbers all = leaf_a.has_grad() ? list(leaf_a.grad()) : Numbers(4, 0.0);
      for (double g : leaf_b.has_grad() ? list(leaf_b.grad()) : Numbers(4, 0.0)) all.push_back(g);
      gradients.push_back(all);
    }
    CHECK(gradients[0] == gradients[1]);
  }
}
