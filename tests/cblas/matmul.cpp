// SPDX-License-Identifier: MIT
// Products that go to a CBLAS: the same values as the naive loops, in every layout, with epilogues and batches; layouts
// that a CBLAS does not know fall back.
#include <doctest/doctest.h>

#include <wick/backend/cpu/calls.hpp>
#include <wick/backend/reference.hpp>
#include <wick/wick.hpp>

using namespace wick;

namespace {

int products = 0;  // that have gone to the CBLAS

}  // namespace

// The linker sends calls of cblas_sgemm here (--wrap), and those of the other name to the library.
extern "C" {
void __real_cblas_sgemm(int, int, int, int, int, int, float, float const*, int, float const*, int, float, float*, int);
void __wrap_cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, float const* a, int lda, float const* b,
                        int ldb, float beta, float* c, int ldc) {
  ++products;
  __real_cblas_sgemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
}

namespace {

// Small integers: every sum is exact, so any order gives the same number.
template <class T>
Tensor<T> integers(Dims const& shape) {
  return round(rand<T>(shape) * T(8) - T(4));
}

template <class T>
Tensor<T> expected(Tensor<T> const& a, Tensor<T> const& b) {
  Tensor<T> c = zeros<T>({a.size(0), b.size(1)});
  auto const matrix = [](Tensor<T> const& x) {
    return backend::Matrix<T const>{x.data(), x.size(0), x.size(1), x.strides()[0], x.strides()[1]};
  };
  backend::reference::gemm<T>(matrix(a), matrix(b), backend::Matrix<T>{c.data(), c.size(0), c.size(1), c.size(1), 1}, false);
  return c;
}

}  // namespace

TEST_CASE_TEMPLATE("matmul by a CBLAS gives the naive loops' values in every layout", T, float, double) {
  static_assert(requires { &backend::cpu::gemm_cblas<T>; });
  for (std::int64_t m : {1, 2, 17, 40})
    for (std::int64_t n : {1, 3, 33})
      for (std::int64_t k : {0, 1, 5, 64}) {
        Tensor<T> const a = integers<T>({m, k}), b = integers<T>({k, n});
        Tensor<T> const at = Tensor<T>(integers<T>({k, m})).t(), bt = Tensor<T>(integers<T>({n, k})).t();
        Tensor<T> const wide = integers<T>({m, 2 * k + 1});
        Tensor<T> const strided = wide(Slice(), Slice(0, 2 * k, 2));  // no layout of a CBLAS
        for (Tensor<T> const& left : {a, at, strided})
          for (Tensor<T> const& right : {b, bt}) CHECK(all(matmul(left, right) == expected(left, right)).item());
      }
}

TEST_CASE("products of every rank go to the CBLAS") {
  set_num_threads(1);
  auto const calls = [](auto const& work) {
    int const before = products;
    work();
    return products - before;
  };
  Tensor<float> const a = integers<float>({7, 6}), b = integers<float>({6, 5}), batch = integers<float>({3, 7, 6});
  CHECK(calls([&] { Tensor<float> const c = matmul(a, b); }) == 1);
  CHECK(calls([&] { Tensor<float> const c = matmul(a.t(), a) + 1; }) == 1);
  CHECK(calls([&] { Tensor<float> const c = matmul(batch, b); }) == 1);  // the batch only adds rows
  CHECK(calls([&] { Tensor<float> const c = matmul(batch, integers<float>({3, 6, 5})); }) == 3);
  CHECK(calls([&] { Tensor<float> const c = linear(a, b.t()); }) == 1);
}

TEST_CASE("bias and relu follow the CBLAS's product, in batches too") {
  Tensor<float> const a = integers<float>({3, 6, 5}), b = integers<float>({3, 5, 9}), bias = integers<float>({9});
  Tensor<float> const y = relu(matmul(a, b) + bias);
  for (int i = 0; i < 3; ++i) {
    Tensor<float> const one = relu(expected<float>(a[i], b[i]) + bias);
    CHECK(all(y[i] == one).item());
  }
}
