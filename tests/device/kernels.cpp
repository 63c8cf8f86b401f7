// SPDX-License-Identifier: MIT
// The kernels of operations on a device beside those of the host: values, gradients, and a network that learns.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

#include "helpers.hpp"

using namespace wick;

namespace {

using on_device::numbers, on_device::there;

struct Net {
  nn::Conv2d<> conv{1, 4, 3};
  nn::Linear<> out{4 * 3 * 3, 3};
  auto operator()(auto const& x) { return log_softmax(out(flatten(max_pool2d(relu(conv(x)), 2), 1)), 1); }
  void visit(auto&& member) { member("conv", conv), member("out", out); }
};

// The value of f, and its gradients for a random seed, on the device and on the host.
template <class T, class F, class... X>
void check(F const& f, X const&... values) {
  on_device::check_recorded<T>(on_device::unit<T>(2), f, values...);
}

}  // namespace

TEST_CASE_TEMPLATE("products on a device", T, float, double, bfloat16) {
  auto const product = [](auto const& a, auto const& b) { return matmul(a, b); };
  for (auto [m, k, n] : {std::array<std::int64_t, 3>{1, 1, 1}, {3, 5, 7}, {1, 9, 4}, {33, 17, 1}})
    check<T>(product, numbers<T>({m, k}), numbers<T>({k, n}));
  check<T>(product, numbers<T>({2, 1, 3, 4}), numbers<T>({5, 4, 2}));
  check<T>([](auto const& a, auto const& b) { return matmul(transpose(a, 0, 1), b); }, numbers<T>({6, 3}), numbers<T>({6, 5}));
  check<T>([](auto const& a, auto const& b, auto const& c) { return relu(linear(a, b) + c); }, numbers<T>({4, 6}), numbers<T>({5, 6}), numbers<T>({5}));
}

TEST_CASE_TEMPLATE("convolutions on a device", T, float, double, float16) {
  auto const conv = [](Conv2dOptions const& options) {
    return [=](auto const& x, auto const& w) { return conv2d(x, w, options); };
  };
  check<T>(conv({}), numbers<T>({2, 3, 7, 8}), numbers<T>({4, 3, 3, 2}));
  check<T>(conv({.stride = {2, 3}, .padding = {1, 2}}), numbers<T>({1, 4, 9, 10}), numbers<T>({2, 4, 3, 3}));
  check<T>(conv({.padding = {2, 0}, .dilation = {2, 1}, .groups = 2}), numbers<T>({2, 4, 8, 6}), numbers<T>({6, 2, 3, 3}));
  check<T>(conv({.groups = 4}), numbers<T>({1, 4, 5, 5}), numbers<T>({4, 1, 1, 1}));
}

TEST_CASE_TEMPLATE("pooling on a device", T, float, bfloat16) {
  Tensor<T> const x = numbers<T>({2, 3, 9, 11});
  for (PoolOptions const& options : {PoolOptions{}, PoolOptions{.stride = {1, 2}, .padding = {1, 0}}, PoolOptions{.stride = {2, 2}, .ceil_mode = true}}) {
    check<T>([=](auto const& a) { return max_pool2d(a, {3, 2}, options); }, x);
    check<T>([=](auto const& a) { return avg_pool2d(a, {3, 2}, options); }, x);
  }
  check<T>([](auto const& a) { return max_pool2d(a, {2, 2}, {.stride = {1, 1}, .dilation = {2, 3}}); }, x);
  check<T>([](auto const& a) { return avg_pool2d(a, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .count_include_pad = false}); }, x);
  Variable<T> const v(x.to(there));
  Variable<T> const slope = grad(sum(square(max_pool2d(v, {2, 2}))), v, {.create_graph = true});
  CHECK(grad(sum(slope), v).value().device() == there);
}

TEST_CASE_TEMPLATE("picked elements and rows on a device", T, float, float16) {
  Tensor<T> const x = numbers<T>({5, 4, 3});
  Tensor<std::int64_t> const rows = tensor<std::int64_t>({3, 1, 3, 0});
  for (int axis : {0, 1}) check<T>([&](auto const& a) { return index_select(a, axis, rows); }, x);
  Tensor<std::int64_t> const picks = cast<std::int64_t>(rand<float>({5, 4, 3}) * 3);
  for (int axis : {0, 1, 2}) check<T>([&](auto const& a) { return gather(a, axis, picks); }, x);
  check<T>([&](auto const& a) { return gather(a, 0, picks.to(there).to(a.device())); }, x);
  CHECK_THROWS_AS(Tensor<T>(index_select(x.to(there), 2, rows)).to("cpu"), Error);
}

TEST_CASE("positions of extremes on a device") {
  Tensor<float> x = randn<float>({4, 6, 5});
  x(1, 2, 3) = std::nanf("");
  x(0, Slice(), 0) = 7;
  Tensor<float> const y = x.to(there);
  for (int axis : {0, 1, 2}) {
    CHECK(all(argmax(y, axis).to("cpu") == argmax(x, axis)).item());
    CHECK(all(argmin(y, axis, {.keepdim = true}).to("cpu") == argmin(x, axis, {.keepdim = true})).item());
  }
  CHECK(argmax(y).item() == argmax(x).item());
  Tensor<std::int64_t> const labels = tensor<std::int64_t>({2, 0, 1});
  CHECK(all(one_hot(labels.to(there), 4).to("cpu") == one_hot(labels, 4)).item());
}

TEST_CASE_TEMPLATE("dropout draws the same numbers on a device", T, float, double, bfloat16) {
  Tensor<T> const x = ones<T>({7, 33});
  manual_seed(5);
  Tensor<T> const here = dropout(x, 0.3) * 2;
  manual_seed(5);
  Tensor<T> const far = dropout(x.to(there), 0.3) * 2;
  CHECK(far.device() == there);
  CHECK(all(far.to("cpu") == here).item());
  CHECK(any(here == 0).item());
  Tensor<T> const column = ones<T>({7, 1}), wide = ones<T>({7, 32});
  manual_seed(5);
  Tensor<T> const rows = dropout(column, 0.5) * wide;  // a row keeps one number of the mask
  manual_seed(5);
  Tensor<T> const far_rows = dropout(column.to(there), 0.5) * wide.to(there);
  CHECK(all(far_rows.to("cpu") == rows).item());
}

TEST_CASE("a network learns on a device as on the host") {
  auto const learn = [&](Device device, auto const& make_optimizer) {
    manual_seed(3);
    Net net;
    to(net, device);
    auto optimizer = make_optimizer(parameters(net));
    Tensor<float> const images = randn<float>({6, 1, 8, 8});
    Tensor<std::int64_t> const labels = tensor<std::int64_t>({0, 1, 2, 0, 1, 2});
    std::vector<double> losses;
    for (int step = 0; step < 8; ++step) {
      optimizer.zero_grad();
      Variable<float> const loss = nll_loss(net(images.to(device)), labels.to(device));
      backward(loss);
      optimizer.step();
      losses.push_back(loss.item());
    }
    CHECK(net.conv.weight.device() == device);
    return losses;
  };
  auto const check_both = [&](auto const& make_optimizer) {
    auto const here = learn("cpu", make_optimizer), far = learn(there, make_optimizer);
    for (std::size_t i = 0; i < here.size(); ++i) CHECK(far[i] == doctest::Approx(here[i]).epsilon(1e-4));
    CHECK(here.back() < here.front());
  };
  check_both([](auto const& p) { return optim::AdamW(p, {.lr = 1e-2}); });
  check_both([](auto const& p) { return optim::SGD(p, {.lr = 0.05}); });
  check_both([](auto const& p) { return optim::SGD(p, {.lr = 0.05, .momentum = 0.9, .nesterov = true}); });
}
