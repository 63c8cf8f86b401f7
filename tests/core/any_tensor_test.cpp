// SPDX-License-Identifier: MIT
// Tensors whose element type is known at run time.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>
#include <wick/core/any_tensor.hpp>
#include <wick/autograd/dual.hpp>
#include <wick/tensor.hpp>

#include "../reading.hpp"

using namespace wick;

TEST_CASE("a tensor of any type gives back what it was made from, and shares its memory") {
  Tensor<double> const x = tensor({1.0, 2.0, 3.0, 4.0}).reshape({2, 2}).t();
  AnyTensor any = x;
  CHECK(any.dtype() == Dtype::float64);
  CHECK(any.shape() == Dims(2, 2));
  CHECK_FALSE(any.is_contiguous());
  CHECK(any.as<double>().storage().block() == x.storage().block());
  CHECK(any.as<double>()(0, 1).item() == 3.0);
  CHECK(any.contiguous().as<double>().data()[1] == 3.0);
  any = tensor({true, false});
  CHECK(any.is<bool>());
  CHECK(any.numel() == 2);
  CHECK(x(0, 1).item() == 3.0);
}

TEST_CASE("asking for another type is refused with both names") {
  AnyTensor const any = zeros<float>({2, 3});
  CHECK(testing::error_of([&] { (void)any.as<std::int64_t>(); }) ==
        "as: the tensor of shape (2, 3) has elements of type float32, not int64; convert it by cast<T>(x.as<...>())");
}

TEST_CASE("a type of the program's own is kept apart from others of its kind") {
  Tensor<Dual<float>> const x = make_dual(Tensor<float>(ones<float>({2})), Tensor<float>(zeros<float>({2})));
  AnyTensor const any = x;
  CHECK(any.dtype() == Dtype::other);
  CHECK(any.is<Dual<float>>());
  CHECK_FALSE(any.is<Dual<double>>());
  CHECK(values(any.as<Dual<float>>())(1).item() == 1.0f);
  CHECK_THROWS_AS(any.visit([](auto const&) {}), Error);
}

TEST_CASE("tensors of mixed types in one list are visited and printed as what they are") {
  std::vector<AnyTensor> const list{tensor({1, 2}), tensor({true}), tensor({0.5f}), zeros<float16>({1}), zeros<std::complex<double>>({1})};
  std::string names, texts;
  for (AnyTensor const& x : list) {
    x.visit([&]<class T>(Tensor<T> const&) { names += std::string(name(dtype_of<T>())) + " "; });
    std::ostringstream out;
    out << x;
    texts += out.str() + " ";
  }
  CHECK(names == "int32 bool float32 float16 complex128 ");
  CHECK(texts.find("tensor([True])") != std::string::npos);
  CHECK(texts.find("tensor([0.5000])") != std::string::npos);
}
