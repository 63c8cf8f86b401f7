// SPDX-License-Identifier: MIT
// Row formulas (softmax, layer norm, ...) over any dimension, width and layout, against loops in double.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

using Row = std::vector<double>;

// Applies `row_function` to each row along `axis` of x and compares with `found`.
template <class T>
void check_rows(Tensor<T> const& found, Tensor<T> const& x, int axis, double error, std::function<Row(Row)> const& row_function) {
  REQUIRE(found.shape() == x.shape());
  Layout const layout = x.layout();
  std::int64_t const width = x.size(axis);
  for (std::int64_t i = 0; i < x.numel() / std::max<std::int64_t>(1, width); ++i) {
    std::int64_t from = 0, to = 0, rest = i;
    for (int d = x.dim() - 1; d >= 0; --d) {
      if (d == axis) continue;
      from += rest % x.size(d) * layout.strides[d], to += rest % x.size(d) * found.strides()[d];
      rest /= x.size(d);
    }
    Row row;
    for (std::int64_t k = 0; k < width; ++k) row.push_back(static_cast<double>(x.data()[from + k * layout.strides[axis]]));
    Row const expected = row_function(row);
    for (std::int64_t k = 0; k < width; ++k) {
      double const have = static_cast<double>(found.data()[to + k * found.strides()[axis]]), want = expected[static_cast<std::size_t>(k)];
      if (std::isnan(want)) REQUIRE(std::isnan(have));
      else if (std::isinf(want)) REQUIRE(have == want);
      else REQUIRE(std::fabs(have - want) <= error * std::max(1., std::fabs(want)));
    }
  }
}

double largest(Row const& r) {
  double m = -INFINITY;
  for (double v : r) m = v > m || std::isnan(v) ? v : m;
  return m;
}
Row softmax_row(Row r) {
  double const m = largest(r);
  double total = 0;
  for (double& v : r) total += v = std::exp(v - m);
  for (double& v : r) v /= total;
  return r;
}
Row log_softmax_row(Row r) {
  double const m = largest(r);
  double total = 0;
  for (double v : r) total += std::exp(v - m);
  for (double& v : r) v = v - m - std::log(total);
  return r;
}
Row layer_norm_row(Row r) {
  double centre = 0, spread = 0;
  for (double v : r) centre += v / static_cast<double>(r.size());
  for (double v : r) spread += (v - centre) * (v - centre) / static_cast<double>(r.size());
  for (double& v : r) v = (v - centre) / std::sqrt(spread + 1e-5);
  return r;
}
auto after(Row (*f)(Row), double (*inner)(double)) {
  return [=](Row r) {
    for (double& v : r) v = inner(v);
    return f(std::move(r));
  };
}
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
  check_rows<T>(softmax(tanh(x) * 2, axis), x, axis, tight<T>, after(softmax_row, [](double v) { return 2 * std::tanh(v); }));
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

TEST_CASE("operands of other shapes and types beside the rows") {
  manual_seed(24);
  Tensor<float> const x = randn<float>({6, 21}), weight = randn<float>({21}), bias = randn<float>({21}), scale = randn<float>({6, 1});
  Tensor<float> const y = layer_norm(x, weight, bias), plain = layer_norm(x), scaled = softmax(x * scale, 1);
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 21; ++j) REQUIRE(y(i, j).item() == doctest::Approx(plain(i, j).item() * weight(j).item() + bias(j).item()).epsilon(1e-5));
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
  CHECK_THROWS_WITH_AS(softmax(x, 2), "max: dimension 2 is out of range for a tensor of 2 dimensions (-2 to 1)", Error);
  float memory[8] = {};
  View<float>(memory + 7, {2, 2}, {-4, -2}) = softmax(tensor({{1.f, 2.f}, {3.f, 5.f}}), 1);
  CHECK(memory[7] == expected(0, 0).item());
  CHECK(memory[1] == expected(1, 1).item());
}
