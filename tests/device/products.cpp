// SPDX-License-Identifier: MIT
// Products and convolutions on a device for all the ways in which operands lie, sums that are added to what is there, and
// the same bits every run.
#include <doctest/doctest.h>

#include <wick/backend/reference.hpp>
#include <wick/wick.hpp>

#include "helpers.hpp"

using namespace wick;

namespace {

using on_device::check_close, on_device::numbers, on_device::there;

// Small whole numbers: their sums are exact in any order.
template <class T>
Tensor<T> whole(Dims const& shape) {
  return cast<T>(floor(rand<float>(shape) * 9) - 4);
}

// The product of what `cut` makes of two tensors, on the device and on the host.
template <class T, class Cut>
void check(Dims const& a, Dims const& b, Cut const& cut) {
  Tensor<T> const x = numbers<T>(a), y = numbers<T>(b);
  auto const product = [&](Tensor<T> const& u, Tensor<T> const& v) {
    auto const [p, q] = cut(u, v);
    return Tensor<T>(matmul(p, q));
  };
  check_close(product(x, y), product(x.to(there), y.to(there)));
}

// A device's copy of elements that a kernel may write.
template <class T>
struct Written {
  Tensor<T> here, far;
  explicit Written(Dims const& shape) : here(whole<T>(shape)), far(here.to(there)) {}
  T* data() { return const_cast<T*>(std::as_const(far).data()); }
  T* expected() { return here.data(); }
  bool same() const { return all(far.to("cpu") == here).item(); }
};

}  // namespace

TEST_CASE_TEMPLATE("products of matrices however they lie", T, float, bfloat16) {
  auto const as_they_are = [](auto const& a, auto const& b) { return std::pair(a, b); };
  for (auto [m, k, n] : {std::array<std::int64_t, 3>{5, 7, 6}, {1, 4, 3}, {4, 1, 5}, {3, 5, 1}, {1, 1, 1}, {16, 8, 24}}) {
    check<T>({m, k}, {k, n}, as_they_are);
    check<T>({k, m}, {k, n}, [](auto const& a, auto const& b) { return std::pair(Tensor<T>(a.t()), b); });
    check<T>({m, k}, {n, k}, [](auto const& a, auto const& b) { return std::pair(a, Tensor<T>(b.t())); });
    check<T>({k, m}, {n, k}, [](auto const& a, auto const& b) { return std::pair(Tensor<T>(a.t()), Tensor<T>(b.t())); });
    check<T>({m + 3, k + 5}, {k + 2, n + 1}, [&](auto const& a, auto const& b) {
      return std::pair(Tensor<T>(a(Slice(1, m + 1), Slice(2, k + 2))), Tensor<T>(b(Slice(2, k + 2), Slice(0, n))));
    });
    check<T>({m, 2 * k}, {2 * k, 3 * n}, [&](auto const& a, auto const& b) {
      return std::pair(Tensor<T>(a(Slice(), Slice(0, 2 * k, 2))), Tensor<T>(b(Slice(0, 2 * k, 2), Slice(0, 3 * n, 3))));
    });
  }
}

TEST_CASE_TEMPLATE("batches of products however they lie", T, double, float16) {
  auto const as_they_are = [](auto const& a, auto const& b) { return std::pair(a, b); };
  check<T>({6, 3, 5}, {6, 5, 4}, as_they_are);
  check<T>({6, 3, 5}, {5, 4}, as_they_are);
  check<T>({3, 5}, {6, 5, 4}, as_they_are);
  check<T>({2, 1, 3, 5}, {4, 5, 4}, as_they_are);
  check<T>({2, 1, 3, 1, 3, 5}, {4, 1, 2, 5, 4}, as_they_are);
  check<T>({3, 6, 5}, {5, 6, 4}, [](auto const& a, auto const& b) { return std::pair(Tensor<T>(permute(a, {1, 0, 2})), Tensor<T>(permute(b, {1, 0, 2}))); });
  check<T>({3, 5, 6}, {4, 5, 2, 6}, [](auto const& a, auto const& b) { return std::pair(Tensor<T>(permute(a, {2, 0, 1})), Tensor<T>(permute(b, {2, 3, 1, 0}))); });
  check<T>({0, 3, 5}, {5, 4}, [](auto const& a, auto const& b) { return std::pair(Tensor<T>(cat(0, a, zeros<T>({1, 3, 5}).to(a.device()))), b); });
  CHECK(matmul(zeros<T>({3, 0}).to(there), zeros<T>({0, 4}).to(there)).value().shape() == Dims(3, 4));
}

TEST_CASE_TEMPLATE("products in parts of matrices, and the gradients of a convolution in groups", T, float, float16) {
  backend::Accelerator const where{there};
  using backend::Matrix;
  Written<T> a(Dims(6, 8)), b(Dims(6, 9)), c(Dims(5, 11)), bias(Dims(7));
  Matrix<T const> const far_a{a.data(), 5, 6, 1, 8}, far_b{b.data(), 6, 7, 9, 1}, here_a{a.expected(), 5, 6, 1, 8}, here_b{b.expected(), 6, 7, 9, 1};
  run(where, backend::Gemm<T>{far_a, far_b, {c.data(), 5, 7, 11, 1}});
  backend::reference::gemm<T>(here_a, here_b, Matrix<T>{c.expected(), 5, 7, 11, 1}, false);
  CHECK(c.same());
  backend::KnownEpilogue<T> epilogue{bias.data(), backend::Activation::relu};
  run(where, backend::Gemm<T>{far_a, far_b, {c.data(), 5, 7, 11, 1}, {nullptr, &epilogue}});
  backend::reference::gemm<T>(here_a, here_b, Matrix<T>{c.expected(), 5, 7, 11, 1}, false);
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 7; ++j) {
      T& x = c.expected()[i * 11 + j];
      x = static_cast<T>(x + bias.expected()[j] > 0 ? x + bias.expected()[j] : 0);
    }
  CHECK(c.same());

  backend::Conv2dShape const s{2, 4, 5, 6, 6, 3, 2, 2, 1, 1, 0, 1, 2, 2};
  Written<T> x(Dims(2, 4, 5, 6)), w(Dims(6, 2, 3, 2)), y(Dims(2, 6, s.out_height(), s.out_width())), gx(Dims(2, 4, 5, 6)), gw(Dims(6, 2, 3, 2));
  run(where, backend::Conv2dInputGradient<T>{s, y.data(), w.data(), gx.data()});
  run(where, backend::Conv2dWeightGradient<T>{s, x.data(), y.data(), gw.data()});
  backend::reference::conv2d_input_gradient<T>(s, y.expected(), w.expected(), gx.expected(), false);
  backend::reference::conv2d_weight_gradient<T>(s, x.expected(), y.expected(), gw.expected(), false);
  CHECK(gx.same());
  CHECK(gw.same());
}

TEST_CASE("products and convolutions give the same bits every run") {
  Tensor<float> const x = numbers<float>({4, 8, 17, 19}).to(there), w = numbers<float>({6, 8, 3, 3}).to(there);
  auto const run = [&] {
    Variable<float> a(x), b(w);
    Variable<float> const y = conv2d(a, b, {.padding = {1, 1}});
    backward(Variable<float>(sum(square(y))));
    Tensor<float> const m = matmul(reshape(x, {32, 17 * 19}), reshape(y.value(), {17 * 19, 24}));
    return std::array{y.value(), a.grad(), b.grad(), m};
  };
  auto const first = run();
  for (int i = 0; i < 3; ++i) {
    auto const again = run();
    for (std::size_t k = 0; k < first.size(); ++k) CHECK(all(first[k] == again[k]).item());
  }
}
