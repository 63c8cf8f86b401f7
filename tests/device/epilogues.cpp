// SPDX-License-Identifier: MIT
// A bias and relu around a product or a convolution on a device: computed by its kernel, with the values and gradients of
// the host.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

#include "helpers.hpp"

using namespace wick;

namespace {

using on_device::numbers, on_device::there;

// The value that f gives, assigned to a tensor and recorded, and its gradients, on the device and on the host.
template <class T, class F, class... X>
void check(F const& f, X const&... values) {
  Tensor<T> const u = f(values...), v = f(values.to(there)...);
  on_device::check_close(u, v);
  on_device::check_recorded<T>(on_device::unit<T>(), f, values...);
}

// How many kernels f starts.
template <class F>
std::int64_t launches(F const& f) {
  std::int64_t const before = core::device_launches;
  f();
  return core::device_launches - before;
}

struct Net {
  nn::Conv2d<> conv{2, 3, 3};
  nn::Linear<> out{3 * 4 * 4, 5};
  auto operator()(auto const& x) { return relu(out(flatten(relu(conv(x)), 1))); }
  void visit(auto&& member) { member("conv", conv), member("out", out); }
};

}  // namespace

TEST_CASE_TEMPLATE("a bias and relu around products", T, float, float16) {
  Tensor<T> const x = numbers<T>({7, 6}), w = numbers<T>({5, 6}), bias = numbers<T>({5}), row = numbers<T>({1, 5});
  check<T>([](auto const& a, auto const& b, auto const& c) { return linear(a, b) + c; }, x, w, bias);
  check<T>([](auto const& a, auto const& b, auto const& c) { return c + linear(a, b); }, x, w, row);
  check<T>([](auto const& a, auto const& b, auto const& c) { return relu(linear(a, b) + c); }, x, w, bias);
  check<T>([](auto const& a, auto const& b) { return relu(matmul(a, transpose(b, 0, 1))); }, x, w);
  check<T>([](auto const& a, auto const& b, auto const& c) { return relu(linear(a, b) + c); }, numbers<T>({2, 3, 4, 6}), w, bias);
  check<T>([](auto const& a, auto const& b, auto const& c) { return relu(c + matmul(a, b)); }, numbers<T>({3, 1, 4, 6}), numbers<T>({2, 6, 5}), bias);
  check<T>([](auto const& a, auto const& b, auto const& c) { return gelu_tanh(linear(a, b) + c); }, x, w, bias);
  check<T>([](auto const& a, auto const& b) { return gelu_tanh(matmul(a, transpose(b, 0, 1))); }, x, w);
}

TEST_CASE_TEMPLATE("a bias and relu around convolutions", T, double, bfloat16) {
  Tensor<T> const x = numbers<T>({2, 4, 6, 7}), w = numbers<T>({6, 2, 3, 3}), bias = numbers<T>({6});
  Conv2dOptions const options{.stride = {1, 2}, .padding = {1, 0}, .groups = 2};
  check<T>([&](auto const& a, auto const& b, auto const& c) { return conv2d(a, b, options) + reshape(c, {-1, 1, 1}); }, x, w, bias);
  check<T>([&](auto const& a, auto const& b, auto const& c) { return relu(conv2d(a, b, options) + reshape(c, {1, -1, 1, 1})); }, x, w, bias);
  check<T>([&](auto const& a, auto const& b) { return relu(conv2d(a, b, options)); }, x, w);
}

TEST_CASE("what looks like a bias and is none") {
  Tensor<float> const x = numbers<float>({5, 6}), w = numbers<float>({5, 6});
  auto const sum = [](auto const& a, auto const& b, auto const& c) { return relu(linear(a, b) + c); };
  check<float>(sum, x, w, numbers<float>({5, 1}));
  check<float>(sum, x, w, numbers<float>({5, 5}));
  check<float>(sum, x, w, numbers<float>({1}));
  check<float>([](auto const& a, auto const& b) { return linear(a, b) + linear(b, a); }, x, w);
  check<float>([](auto const& a, auto const& b) { return linear(a, b) + 2; }, x, w);
  check<float>([](auto const& a, auto const& b, auto const& c) { return conv2d(a, b) + c; }, numbers<float>({1, 2, 4, 4}), numbers<float>({2, 2, 3, 3}),
               numbers<float>({2}));
  // A bias whose elements are not neighbours.
  Tensor<float> const strided = numbers<float>({5, 3});
  Tensor<float> const want = linear(x, w) + strided(Slice(), 1), far = linear(x.to(there), w.to(there)) + strided.to(there)(Slice(), 1);
  CHECK(max(abs(far.to("cpu") - want)).item() < 1e-5);
  // A node that is asked for again.
  auto const node = linear(x.to(there), w.to(there));
  Tensor<float> const first = relu(node), again = node * 1;
  CHECK(max(abs(again.to("cpu") - Tensor<float>(linear(x, w)))).item() < 1e-5);
  CHECK(max(abs(first - relu(again))).item() == 0);
}

TEST_CASE("the kernel computes them: no second one runs") {
  bool const own = there == Device("thrust");  // a library may lack a kernel with an epilogue
  Tensor<float> const x = numbers<float>({8, 6}).to(there), w = numbers<float>({5, 6}).to(there), bias = numbers<float>({5}).to(there);
  (void)Tensor<float>(relu(linear(x, w) + bias));
  std::int64_t const bare = launches([&] { Tensor<float> const y = linear(x, w); });
  CHECK(launches([&] { Tensor<float> const y = relu(linear(x, w) + bias); }) <= bare + !own);
  CHECK(launches([&] { Tensor<float> const y = tanh(linear(x, w) + bias); }) == bare + 1);
  Variable<float> const v(w);
  CHECK(launches([&] { Variable<float> const y = relu(linear(x, v) + bias); }) <= bare + !own);
  Net net;
  to(net, there);
  Tensor<float> const image = numbers<float>({1, 2, 6, 6}).to(there);
  auto const convolution = [&] { Tensor<float> const y = conv2d(image, net.conv.weight); };
  auto const product = [&] { Tensor<float> const y = linear(ones<float>({1, 48}).to(there), net.out.weight); };
  CHECK(launches([&] { Tensor<float> const y = net(image); }) <= launches(convolution) + launches(product) + 2 * !own);
  Tensor<float> const before = linear(x, w) + bias;
  Tensor<float> y = before + 0;
  auto const* const memory = std::as_const(y).data();
  y = relu(linear(x, w) + bias);
  CHECK(std::as_const(y).data() == memory);
  CHECK(all(y == relu(before)).item());
}

TEST_CASE("layers with a bias and relu on a device") {
  manual_seed(4);
  Net net;
  Tensor<float> const x = numbers<float>({2, 2, 6, 6});
  Tensor<float> const want = net(x);
  to(net, there);
  Tensor<float> const got = net(x.to(there));
  CHECK(max(abs(got.to("cpu") - want)).item() < 1e-5);
  CHECK(any(want == 0).item());
}

TEST_CASE_TEMPLATE("NaN goes through a bias and relu", T, float, float16) {
  Tensor<T> x = ones<T>({8, 16}), w = ones<T>({8, 16});
  x(3, 4) = std::numeric_limits<T>::quiet_NaN();
  Tensor<T> const y = relu(linear(x.to(there), w.to(there)) + zeros<T>({8}).to(there));
  Tensor<bool> const lost = cast<float>(y.to("cpu")) == cast<float>(y.to("cpu"));
  CHECK(sum(cast<float>(lost)).item() == 56);
  CHECK(!any(lost(3)).item());
}

TEST_CASE("gelu by tanh runs in a product's kernel") {
  Tensor<float> const x = numbers<float>({7, 6}).to(there), w = numbers<float>({5, 6}).to(there), bias = numbers<float>({5}).to(there);
  Tensor<float> y;
  CHECK(launches([&] { y = gelu_tanh(linear(x, w) + bias); }) == 1);
}
