// SPDX-License-Identifier: MIT
// Row formulas (softmax, layer norm, ...) over any dimension, width and layout, against loops in double.
#include "rows.hpp"

using namespace rows;

namespace {

template <class T>
Tensor<T> norm_over(Tensor<T> const& x, int axis) {
  auto const centred = x - mean(x, Axes(axis), {.keepdim = true});
  return centred / sqrt(mean(square(centred), Axes(axis), {.keepdim = true}) + 1e-5);
}

template <class T>
constexpr double tight = std::is_same_v<T, float> ? 3e-6 : 1e-13;

template <class T>
void check_formulas(Tensor<T> const& x, int axis) {
  CAPTURE(x.shape());
  CAPTURE(axis);
  check_rows<T>(softmax(x, axis), x, axis, tight<T>, softmax_row);
  check_rows<T>(log_softmax(x, axis), x, axis, 4 * tight<T>, log_softmax_row);
  check_rows<T>(softmax(tanh(x) * 2, axis), x, axis, tight<T>,
                after(softmax_row, [](double v) { return 2 * std::tanh(v); }));
  check_rows<T>(norm_over(x, axis), x, axis, 20 * tight<T>, layer_norm_row);
}

}  // namespace

TEST_CASE_TEMPLATE("every width", T, float, double) {
  manual_seed(21);
  for (int width = 1; width <= 70; ++width) {
    Tensor<T> const x = randn<T>({3, width}) * 3;
    check_formulas(x, 1);
    check_formulas(x.t().contiguous(), 0);
    check_formulas(x.t(), 0);
    check_rows<T>(layer_norm(x), x, 1, 20 * tight<T>, layer_norm_row);
  }
}

TEST_CASE("every axis and layout") {
  manual_seed(22);
  Tensor<float> const x = randn<float>({4, 9, 5, 19});
  for (int axis = 0; axis < 4; ++axis) {
    check_formulas(x, axis);
    check_formulas(x.permute({2, 0, 3, 1}), axis);
    check_formulas(x(Ellipsis, Slice({}, {}, -2)), axis);
    check_formulas(x(Slice(0, 4, 3), Slice(8, 0, -3), Ellipsis), axis);
    Tensor<float> const repeated = x.share({0, Layout(x.shape(), Strides(0, 1, 2, 0))});
    check_formulas(repeated, axis);
  }
}

TEST_CASE("rows longer than a buffer") {
  manual_seed(23);
  Tensor<double> const x = randn<double>({3, 5001});
  check_formulas(x, 1);
  check_formulas(x.t(), 0);
  Tensor<float> const many = randn<float>({3001, 33});
  check_formulas(many, 1);
  check_formulas(many, 0);
}

TEST_CASE("rows without elements") {
  Tensor<float> const x = zeros<float>({3, 0}), y = softmax(x, 1), z = log_softmax(x, -1);
  CHECK(y.shape() == Dims(3, 0));
  CHECK(z.shape() == Dims(3, 0));
  Tensor<float> const none = softmax(zeros<float>({0, 3}), 1);
  CHECK(none.shape() == Dims(0, 3));
  CHECK_THROWS_WITH_AS(amax(x, {1}), "amax: dimension 1 of shape (3, 0) is empty, and this reduction has no value there", Error);
}
