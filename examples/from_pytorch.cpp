// SPDX-License-Identifier: MIT
// Every spelling in the tables of docs/from_pytorch.md stands in this file, so it compiles and runs.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <vector>
#include <wick/wick.hpp>
using namespace wick;

namespace {

bool right = true;
void check(char const* what, bool condition) {
  if (!condition) std::cout << "wrong: " << what << "\n";
  right = right && condition;
}
void tensors() {
  Tensor<float> a = tensor({{1.f, 2.f}, {3.f, 4.f}});
  Tensor<float> z = zeros<float>({2, 3});
  z = full<float>({2, 3}, 7.f);
  z = zeros_like(z);
  a.shape(), a.size(-1), a.dim(), a.numel(), a.dtype(), a.device();
  check("item", a(1, 0).item() == 3);
  float first = a(1, 0);
  std::vector<float> const numbers{1, 2, 3, 4, 5, 6};
  check("number", first == tensor(numbers)(2).item() && Tensor<float>(numbers, {2, 3})(1, 0).item() == 4);
  for (auto row : a) check("rows", row.numel() == 2);
  for (auto row : a.view()) row = 1;
  a(Slice(), 1);
  a(Ellipsis, newaxis, Slice(0, 2));
  a(Slice(1, {}), Slice({}, {}, 2));
  a[0] = 5;
  a(0, Slice()) += 1;
  a = a.clone();
  a.t(), a.permute({1, 0}), a.transpose(0, 1), a.reshape({-1});
  a.flatten(), a.unsqueeze(0), a.squeeze(), narrow(a, 0, 0, 1);
  Tensor<float> joined = cat(0, a, a), piled = stack(0, a, a);
  check("cat", joined.size(0) == 4 && piled.dim() == 3);
  Tensor<double> d = a.to<double>();
  Tensor<float16> few = a.to<float16>();
  Tensor<bfloat16> brain = a.to<bfloat16>();
  check("half", few(1, 0).item() == a(1, 0).item() && brain.dtype() == Dtype::bfloat16);
  Tensor<float> there = a.to("cpu");
  Tensor<std::int64_t> labels = tensor<std::int64_t>({0, 2});
  Tensor<std::int64_t> hot = one_hot(labels, 3);
  check("one_hot", hot.size(1) == 3 && d.numel() == there.numel());
  View<float> borrowed(z.data(), {2, 3});
  borrowed = 1;
  check("view", z(1, 2).item() == 1);
}
void operations() {
  Tensor<float> a = tensor({{1.f, 2.f}, {3.f, 4.f}}), b = a + 1;
  Tensor<float> c = a * b - a / b;
  Tensor<bool> p = a > 2 && !(a == b);
  c = where(a > 2, a, 0.f), c = where(p, 1, 0);
  c = pow(a, 2), c = maximum(a, b), c = abs(a), c = sigmoid(a);
  c = a.sum(), c = a.sum(0), c = sum(a, 0), c = a.mean({0, 1}, {.keepdim = true});
  c = a.max(), c = amax(a, 1);
  check("amax", c(0).item() == 2);
  auto [values, positions] = a.max(1);
  check("max", Tensor<float>(values)(1).item() == 4 && positions(1).item() == 1);
  Tensor<std::int64_t> best = argmax(a, 1);
  c = norm(a), c = prod(a);
  c = softmax(a, -1), c = log_softmax(a, -1), c = layer_norm(a), c = layer_norm(a, {a.size(-1)});
  c = matmul(a, b), c = dot(a[0], b[0]);
  c = var(a, {1}), c = stddev(a, {1}, {.correction = 0});
  Tensor<std::int64_t> rows = tensor({std::int64_t{1}, std::int64_t{0}});
  c = index_select(a, 0, rows);
  c = gather(a, 1, unsqueeze(best, 1));
  check("gather", c(1, 0).item() == 4);
  Tensor<float> sums = cumsum(a, 1), products = cumprod(a, 1), steps = diff(a);
  check("scans", sums(1, 1).item() == 7 && products(1, 1).item() == 12 && steps(0, 0).item() == 1);
  auto [running, since] = cummax(a, 0);
  check("cummax", running(1, 0).item() == 3 && since(1, 0).item() == 1);
  auto [sorted, places] = sort(a, 1, {.descending = true});
  check("sort", sorted(0, 0).item() == 2 && places(0, 0).item() == 1 && argsort(a)(0, 0).item() == 0);
  auto [top, where_top] = topk(a, 1);
  check("topk", top(1, 0).item() == 4 && where_top(1, 0).item() == 1 && kthvalue(a, 1).values(0).item() == 1);
  check("median", Tensor<float>(median(a)).item() == 2 && median(a, 0).values(1).item() == 2);
  auto found = unique(best, {.return_inverse = true, .return_counts = true});
  check("unique", found.values.numel() == found.counts.numel() && found.inverse.shape() == best.shape());
  check("searchsorted", searchsorted(a[0], a[1])(0).item() == 2 && bucketize(a, a[0])(0, 1).item() == 1);
  check("isclose", Tensor<bool>(all(isclose(a, a))).item());
  Tensor<float> image = rand<float>({1, 3, 8, 8}), kernel = rand<float>({4, 3, 3, 3});
  c = conv2d(image, kernel, {.stride = {2, 2}, .padding = {1, 1}});
  c = pad(image, {1, 2}, {.mode = "reflect"});
  c = max_pool2d(image, 2), c = avg_pool2d(image, 2);
  check("pool", c.size(3) == 4 && p.numel() == 4);
}
void gradients() {
  Tensor<float> x = ones<float>({2});
  Variable<float> w = randn<float>({2});
  Variable<float> y = sum(square(w) * x);
  y.backward({.retain_graph = true});
  y.backward();
  backward(sum(square(w)));  // a formula is recorded first
  w.value(), w.grad(), w.zero_grad(), w.detach(), w.requires_grad(), w.is_leaf();
  Variable<float> constant(x, false);
  Tensor<float> g = grad(sum(square(w)), w);
  Variable<float> first = grad(sum(w * w * w), w, {.create_graph = true});
  {
    NoGrad guard;
    w -= 0.1f * g;
  }
  Variable<float> again = first + constant;
  backward(again, ones<float>({2}));
  check("grad", w.has_grad());
}
void learning() {
  manual_seed(1), set_num_threads(2);
  pool::release();
  nn::Sequential model(nn::Linear(4, 8), nn::ReLU(), nn::Dropout(0.1), nn::Linear(8, 3), nn::LogSoftmax(1));
  nn::Linear plain(4, 3, {.bias = false});
  nn::Conv2d conv(3, 8, 3, {.padding = 1});
  nn::Conv2d strided(3, 8, 3, 2, 1);
  nn::MaxPool2d pool(2, 2);
  optim::SGD sgd(plain, {.lr = 0.1, .momentum = 0.9});
  optim::AdamW adamw(parameters(model), {.lr = 1e-3, .betas = {0.9, 0.999}});
  Tensor<float> x = randn<float>({5, 4});
  Tensor<std::int64_t> target = tensor<std::int64_t>({0, 1, 2, 0, 1});
  Variable<float> loss = nll_loss(model(x), target);
  backward(loss);
  optim::clip_grad_norm(parameters(model), 1.0);
  adamw.step({.norm = 1.0});
  adamw.step(), adamw.zero_grad();
  loss = cross_entropy(plain(x), target);
  backward(loss);
  sgd.step();
  loss = mse_loss(plain(x), zeros<float>({5, 3}));
  train(model), eval(model);
  std::string const path = (std::filesystem::temp_directory_path() / "wick_from_pytorch.safetensors").string();
  save(model, path);
  load(model, path);
  std::filesystem::remove(path);
  for (auto const& [name, parameter] : named_parameters(model)) check(name.c_str(), parameter.numel() > 0);
  std::cout << model << "\n";
  // -> Sequential(
  // ->   (0): Linear(in_features=4, out_features=8, bias=True)
  // ->   (1): ReLU()
  // ->   (2): Dropout(p=0.1, inplace=False)
  // ->   (3): Linear(in_features=8, out_features=3, bias=True)
  // ->   (4): LogSoftmax(dim=1)
  // -> )
  auto copy = clone(plain);
  check("clone", parameters(copy).size() == 1);
  check("conv", named_parameters(conv).size() == 2 && std::isfinite(loss.item()));
}
// What the section "Differences that bite" shows.
void differences() {
  // [begin values]
  Tensor<float> a = zeros<float>({3});
  Tensor<float> b = a;  // PyTorch: the same tensor. Wick: an equal one.
  b[0] = 1;
  std::cout << a(0).item() << "\n";  // -> 0

  Tensor<float> row = a(Slice(0, 2));  // PyTorch: a view of a. Wick: a value.
  row = row + 5;
  a(Slice(0, 2)) = row;    // write it back where it came from
  std::cout << a << "\n";  // -> tensor([5., 5., 0.])
  // [end values]

  // [begin auto]
  auto f = a * 2;           // a formula: computed wherever it is used
  Tensor<float> t = a * 2;  // a value: computed here, once
  // [end auto]
  check("auto", Tensor<bool>(all(f == t)).item());

  // [begin leaf]
  Variable<float> w = zeros<float>({3});               // a leaf that wants a gradient: requires_grad is true by default
  Variable<float> same = w;                            // the same variable, as in Python
  Variable<float> other = Variable<float>(w.value());  // another one that starts with the same value
  // [end leaf]
  check("leaf", same.node() == w.node() && other.node() != w.node());
}

}  // namespace

int main() {
  tensors(), operations(), gradients(), learning(), differences();
  return right ? 0 : 1;
}
