// SPDX-License-Identifier: MIT
// Row formulas over operands of other shapes and types, over equal types with different data, over NaN and infinities.
#include "rows.hpp"

using namespace rows;

TEST_CASE("operands of other shapes and types beside the rows") {
  manual_seed(24);
  Tensor<float> const x = randn<float>({6, 21}), weight = randn<float>({21}), bias = randn<float>({21}),
                      scale = randn<float>({6, 1});
  Tensor<float> const y = layer_norm(x, weight, bias), plain = layer_norm(x), scaled = softmax(x * scale, 1);
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 21; ++j)
      REQUIRE(y(i, j).item() == doctest::Approx(plain(i, j).item() * weight(j).item() + bias(j).item()).epsilon(1e-5));
  Tensor<float> const product = x * scale;
  check_rows<float>(scaled, product, 1, 3e-6, softmax_row);
  Tensor<std::int64_t> const counts = arange<std::int64_t>(12).reshape({3, 4});
  Tensor<float> const as_float = counts.to<float>();
  check_rows<float>(softmax(counts, 1), as_float, 1, 3e-6, softmax_row);
  Tensor<bool> const mask = Tensor<bool>(x > 0);
  Tensor<float> const masked = where(mask, x, -INFINITY);
  check_rows<float>(softmax(where(mask, x, -INFINITY), 1), masked, 1, 3e-6, softmax_row);
}

TEST_CASE("equal types over different data are different parts") {
  manual_seed(25);
  Tensor<float> const x = randn<float>({4, 10}), y = randn<float>({4, 10});
  Tensor<float> const both = softmax(x, 1) - softmax(y, 1), a = softmax(x, 1), b = softmax(y, 1);
  Tensor<float> const scaled = softmax(x * 2, 1) + softmax(x * 3, 1), c = softmax(x * 2, 1), d = softmax(x * 3, 1);
  for (int i = 0; i < 40; ++i) {
    REQUIRE(both.data()[i] == doctest::Approx(a.data()[i] - b.data()[i]).epsilon(1e-6));
    REQUIRE(scaled.data()[i] == doctest::Approx(c.data()[i] + d.data()[i]).epsilon(1e-6));
  }
}

TEST_CASE("NaN, infinities and large numbers") {
  float const inf = INFINITY;
  for (int width : {2, 8, 17}) {
    Tensor<float> x = full<float>({4, width}, 1);
    x(0, width - 1) = NAN;
    x(1, 0) = -inf;
    x(2, 0) = 1e30f;
    x(3, 1) = inf;
    check_rows<float>(softmax(x, 1), x, 1, 1e-6, softmax_row);
    check_rows<float>(log_softmax(x, 1), x, 1, 1e-6, log_softmax_row);
  }
}

TEST_CASE("in place, empty, one element, no dimensions") {
  Tensor<float> x = tensor({{1.f, 2.f}, {3.f, 5.f}});
  Tensor<float> const expected = softmax(x, 1);
  float const* const where = std::as_const(x).data();
  x = softmax(x, 1);
  CHECK(std::as_const(x).data() == where);
  CHECK(Tensor<bool>(all(x == expected)).item());
  CHECK(Tensor<float>(softmax(zeros<float>({0, 3}), 1)).shape() == Dims(0, 3));
  CHECK(Tensor<float>(softmax(full<float>({1, 1}, 7), 0)).item() == 1);
  CHECK_THROWS_WITH_AS(softmax(x, 2), "softmax: dimension 2 is out of range for a tensor of 2 dimensions (-2 to 1)", Error);
  float memory[8] = {};
  View<float>(memory + 7, {2, 2}, {-4, -2}) = softmax(tensor({{1.f, 2.f}, {3.f, 5.f}}), 1);
  CHECK(memory[7] == expected(0, 0).item());
  CHECK(memory[1] == expected(1, 1).item());
}
