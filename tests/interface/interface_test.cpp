// SPDX-License-Identifier: MIT
// The interface a user sees, line by line. What stands here keeps its meaning.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <vector>

#include <wick/wick.hpp>
using namespace wick;  // beside <cmath> and <vector>, nothing is ambiguous

namespace {

auto scaled(Tensor<float> v) {
  float c = 3;
  return exp(v) * c;
}

struct Cnn {
  nn::Conv2d<> conv1{1, 32, 3}, conv2{32, 64, 3};
  nn::Dropout drop{0.25};
  nn::Linear<> fc1{9216, 128}, fc2{128, 10};

  auto operator()(auto const& x) {
    auto h = drop(max_pool2d(relu(conv2(relu(conv1(x)))), 2));
    return log_softmax(fc2(relu(fc1(flatten(h, 1)))), 1);
  }
  void visit(auto&& member) {
    member("conv1", conv1), member("conv2", conv2), member("drop", drop), member("fc1", fc1), member("fc2", fc2);
  }
};

}  // namespace

TEST_CASE("values") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f}), r = randn<float>({2, 3}), z = zeros<float>({4, 4}), o = full<float>({2}, 7.f);
  Tensor<double> m = tensor({{1., 2.}, {3., 4.}}), k = arange<double>(0, 10, 2), i3 = eye<double>(3);
  CHECK(x.shape() == Dims(3));
  CHECK(x.dim() == 1);
  CHECK(x.size(-1) == 3);
  CHECK(x.numel() == 3);
  CHECK(x.dtype() == Dtype::float32);
  CHECK(x.device() == Device("cpu"));
  CHECK(x.data()[1] == 2.f);
  CHECK(r.shape() == Dims(2, 3));
  CHECK(o(1).item() == 7.f);
  CHECK(k.numel() == 5);
  CHECK(i3(1, 1).item() == 1.);
  float third = x(2).item(), total = sum(x).item();
  CHECK(third == 3.f);
  CHECK(total == 6.f);
  CHECK(z(1, Slice(0, 4, 2)).shape() == Dims(2));
  CHECK(z(Ellipsis, newaxis, -1).shape() == Dims(4, 1));
  z(Slice(1, 3), Slice()) = 5;
  z[0] = z[1] + 1;
  m += 1;
  CHECK(z(0, 3).item() == 6.f);
  CHECK(z(2, 2).item() == 5.f);
  CHECK(z(3, 0).item() == 0.f);
  CHECK(m(0, 0).item() == 2.);
  CHECK(m.t()(0, 1).item() == 4.);
  CHECK(m.permute({1, 0})(1, 0).item() == 3.);
  CHECK(m.reshape({-1}).shape() == Dims(4));
  CHECK(m.to<float>().dtype() == Dtype::float32);
  CHECK(x.to("cpu").numel() == 3);
  Tensor<double> s = sum(m, {0}, {.keepdim = true}), p = matmul(m, m.t());
  CHECK(s.shape() == Dims(1, 2));
  CHECK(s(0, 1).item() == 8.);
  CHECK(p(0, 0).item() == 13.);
  Tensor<bool> same = isclose(p, p);
  CHECK(Tensor<bool>(all(same)).item());
  std::ostringstream out;
  out << x << "\n";
  CHECK(out.str() == "tensor([1., 2., 3.])\n");
  double memory[6] = {1, 2, 3, 4, 5, 6};
  double* pointer = memory;
  int rows = 3, columns = 2;
  View<double> borrowed(pointer, {rows, columns}, {columns, 1});
  borrowed = borrowed * 2;
  CHECK(memory[5] == 12.);
  Fixed<double, 3, 3> a = eye<double, 3>(), b = a * 2;
  CHECK(b(1, 1) == 2.);
  Tensor<float, Shape<2, Dyn>> w23 = randn<float>({2, 3});
  CHECK(w23.size(1) == 3);
}

TEST_CASE("formulas") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f});
  auto formula = tanh(x * 2.0 + 1) / sum(exp(x));
  static_assert(std::is_same_v<decltype(formula)::value_type, float>);
  Tensor<float> t = formula;
  CHECK(t(0).item() == doctest::Approx(std::tanh(3.) / (std::exp(1.) + std::exp(2.) + std::exp(3.))));
  Tensor<float> e = scaled(x);
  CHECK(e(0).item() == doctest::Approx(3 * std::exp(1.)));
}

TEST_CASE("gradients") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f});
  Variable<float> w = randn<float>({3});
  Variable<float> y = dot(x, w);
  backward(y);
  CHECK(w.value().numel() == 3);
  for (int i = 0; i < 3; ++i) CHECK(w.grad()(i).item() == x(i).item());
  w.zero_grad();
  CHECK_FALSE(w.has_grad());
  Variable<double> u = 0.0, d = norm(tensor({3., 4.}) + u * tensor({1., 1.}));
  double const expected[] = {1.4, 0.008, -0.00672, 0.007488, -0.01037568, 0.0171611136};
  for (int n = 1; n <= 6; ++n) {
    d = grad(d, u, {.create_graph = true});
    CHECK(d.item() == doctest::Approx(expected[n - 1]).epsilon(1e-12));
  }
  Variable<double> v = tensor({1., 2., 3.});
  Tensor<double> g = grad(sum(square(v)), v);
  CHECK(g(2).item() == 6.);
  backward(sum(w * w));
  {
    NoGrad guard;
    Tensor<float> const before = w.value();
    w -= 0.1f * w.grad();
    CHECK(w.value()(1).item() == doctest::Approx(before(1).item() * 0.8f));
  }
  Variable<float> w_x = randn<float>({5, 20}), w_h = randn<float>({20, 20}) * 0.1;
  std::vector<Tensor<float>> steps;
  for (int i = 0; i < 4; ++i) steps.push_back(randn<float>({1, 5}));
  Variable<float> h = zeros<float>({1, 20});
  for (auto const& step : steps) h = tanh(matmul(step, w_x) + matmul(h, w_h));
  backward(sum(h));
  CHECK(w_h.grad().shape() == Dims(20, 20));
  Dual<double> q{2.0, 1.0}, e = sin(q) * q;
  CHECK(e.value == doctest::Approx(2 * std::sin(2.)));
  CHECK(e.tangent == doctest::Approx(std::sin(2.) + 2 * std::cos(2.)));
  Tensor<Dual<double>> dq = make_dual(tensor({2., 3.}), ones<double>({2}));
  Tensor<Dual<double>> de = sin(dq) * dq;
  CHECK(tangents(de)(0).item() == doctest::Approx(e.tangent));
  CHECK(values(de)(0).item() == doctest::Approx(e.value));
}

TEST_CASE("learning") {
  manual_seed(1);
  set_num_threads(2);
  Cnn model;
  optim::AdamW optimizer(parameters(model), {.lr = 1e-3});
  std::string const folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("no Fashion-MNIST here: install dataset-fashion-mnist");
    return;
  }
  data::FashionMNIST train(folder, {.train = true, .transform = data::Normalize(0.286f, 0.353f), .limit = 640});
  data::DataLoader loader(train, {.batch_size = 128, .shuffle = true, .workers = 2, .seed = 1});
  Tensor<float> batch;
  float first = 0, last = 0;
  for (auto [image, label] : loader) {
    optimizer.zero_grad();
    Variable<float> loss = nll_loss(model(image), label);
    backward(loss);
    optimizer.step();
    last = loss.item();
    if (first == 0) first = last;
    batch = image;
  }
  CHECK(last < first);
  eval(model);
  Tensor<float> scores = model(batch);
  CHECK(scores.shape() == Dims(128, 10));
  std::string const path = (std::filesystem::temp_directory_path() / "wick_interface_cnn.safetensors").string();
  save(model, path);
  Cnn other;
  load(other, path);
  eval(other);
  Tensor<float> again = other(batch);
  CHECK(Tensor<bool>(all(again == scores)).item());
  std::filesystem::remove(path);
}

TEST_CASE("layers take an input without a batch, as a batch of one") {
  nn::Conv2d conv(3, 4, 3, {.padding = 1});
  nn::Linear fc(5, 2);
  auto const check = [](auto const& layer, Dims const& shape, Dims const& batch_of_one) {
    Tensor<float> const x = randn<float>(shape);
    Variable<float> one = x, many = x.reshape(batch_of_one);
    Variable<float> y = layer(one), z = layer(many);
    CHECK(y.dim() == static_cast<int>(shape.size()));
    CHECK(all(isclose(y.value(), z.value().reshape(y.shape()))).item());
    backward(sum(square(y)));
    Tensor<float> weight = layer.weight.grad(), bias = layer.bias.grad();
    layer.weight.zero_grad(), layer.bias.zero_grad();
    backward(sum(square(z)));
    CHECK(all(isclose(one.grad(), many.grad().reshape(shape), 1e-4, 1e-5)).item());
    CHECK(all(isclose(weight, layer.weight.grad(), 1e-4, 1e-5)).item());
    CHECK(all(isclose(bias, layer.bias.grad(), 1e-4, 1e-5)).item());
  };
  check(conv, {3, 6, 5}, {1, 3, 6, 5});
  check(fc, {5}, {1, 5});
  CHECK_THROWS_WITH_AS(conv(ones<float>({2, 6})), doctest::Contains("the input is (N, C, H, W) or (C, H, W)"), Error);
}
