// SPDX-License-Identifier: MIT
// Reductions over every set of dimensions of every layout, against plain loops in double and against the definition of
// a formula's elements; long sums.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

// Coordinates of all elements of a shape, in row-major order.
template <class Visit>
void for_each(Dims const& shape, Visit const& visit) {
  Dims at = shape;
  for (auto& c : at) c = 0;
  for (std::int64_t left = shape.numel(); left > 0; --left) {
    visit(at);
    for (int d = shape.size() - 1; d >= 0; --d) {
      if (++at[d] < shape[d]) break;
      at[d] = 0;
    }
  }
}
template <class T>
T at(Tensor<T> const& x, Dims const& position) {
  std::int64_t offset = 0;
  for (int d = 0; d < x.dim(); ++d) offset += position[d] * x.strides()[d];
  return x.data()[offset];
}

// Small whole numbers, so that float sums are exact, in a tensor of this shape and of one of several layouts.
template <class T>
Tensor<T> sample(Dims const& shape, int layout) {
  int const rank = shape.size();
  Dims room = shape;
  if (layout == 1)
    for (int d = 0; d < rank; ++d) room[d] = shape[rank - 1 - d];
  if (layout == 2)
    for (auto& extent : room) extent = 2 * extent + 1;
  if (layout == 3 && rank > 0) room[rank - 1] = room[0] = 1;
  Tensor<T> x = empty<T>(room);
  std::uint32_t state = 12345;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    state = state * 1664525 + 1013904223;
    x.data()[i] = static_cast<T>(static_cast<int>(state >> 28) % 4 - 1);
  }
  if (rank == 0 || layout == 0) return x;
  if (layout == 1) {  // the dimensions in reversed order
    Axes order;
    for (int d = rank - 1; d >= 0; --d) order.push_back(d);
    return x.permute(order);
  }
  if (layout == 2) {  // every second element, backwards
    Layout turned = x.layout();
    std::int64_t offset = 0;
    for (int d = 0; d < rank; ++d) {
      offset += 2 * (shape[d] > 0 ? shape[d] - 1 : 0) * turned.strides[d];
      turned.strides[d] *= -2;
    }
    return x.share({offset, Layout(shape, turned.strides)});
  }
  return x.share({0, broadcast_to(x.layout(), shape)});  // the first and the last dimension repeat
}

Axes axes_of(unsigned mask, int rank) {
  Axes axes;
  for (int d = 0; d < rank; ++d)
    if (mask >> d & 1) axes.push_back(d % 2 ? d : d - rank);  // some from the end
  return axes;
}

// Folds the elements of `f` in double, in row-major order.
template <class F, class Fold, class Finish>
void check_against_loops(F const& f, double first, Fold const& fold, Finish const& finish) {
  using T = typename F::value_type;
  Tensor<T> const result = f;
  Dims const results = f.shape(), shape = f.arg.shape();
  REQUIRE(result.shape() == results);
  std::vector<double> totals(static_cast<std::size_t>(results.numel()), first);
  Layout const dense(results);
  Tensor<value_t<typename F::argument_type>> const elements = f.arg;
  for_each(shape, [&](Dims const& position) {
    std::int64_t offset = 0;
    int kept = 0;
    for (int d = 0; d < shape.size(); ++d) {
      bool const reduced = f.mask >> d & 1;
      if (!reduced) offset += position[d] * dense.strides[kept];
      kept += !reduced || f.keepdim;
    }
    double& total = totals[static_cast<std::size_t>(offset)];
    total = fold(total, static_cast<double>(at(elements, position)));
  });
  std::size_t i = 0;
  for_each(results, [&](Dims const& position) {
    double const expected = finish(totals[i++]), found = static_cast<double>(at(result, position));
    if (std::isnan(expected))
      REQUIRE(std::isnan(found));
    else
      REQUIRE(found == doctest::Approx(expected).epsilon(1e-6));
    auto const defined = static_cast<double>(detail::element(f, position));
    if (std::isnan(expected))
      REQUIRE(std::isnan(defined));
    else
      REQUIRE(found == doctest::Approx(defined).epsilon(1e-6));
  });
}

template <class X>
void check_all(X const& x, unsigned mask, bool keepdim) {
  Axes const axes = axes_of(mask, x.dim());
  ReduceOptions const options{keepdim};
  auto const same = [](double v) { return v; };
  bool const whole = mask == 0;  // an empty list names every dimension
  double count = 1;
  for (int d = 0; d < x.dim(); ++d)
    if (whole || mask >> d & 1) count *= static_cast<double>(x.size(d));
  check_against_loops(sum(x, axes, options), 0, std::plus<>(), same);
  check_against_loops(prod(x, axes, options), 1, std::multiplies<>(), same);
  check_against_loops(mean(x, axes, options), 0, std::plus<>(), [&](double v) { return v / count; });
  check_against_loops(
      any(x > 1, axes, options), 0, [](double a, double b) { return a != 0 || b != 0; }, same);
  check_against_loops(
      all(x < 2, axes, options), 1, [](double a, double b) { return a != 0 && b != 0; }, same);
  double const infinity = std::numeric_limits<double>::infinity();
  if (count > 0) {
    check_against_loops(
        amax(x, axes, options), -infinity, [](double a, double b) { return std::max(a, b); }, same);
    check_against_loops(
        amin(x, axes, options), infinity, [](double a, double b) { return std::min(a, b); }, same);
  } else if (!(x.dim() == 0)) {
    CHECK_THROWS_AS(amax(x, axes, options), Error);
  }
}

Dims const shapes[] = {{},         {1},          {13},          {67}, {3, 5}, {7, 1}, {2, 35},  {3, 5, 7},
                       {2, 1, 17}, {2, 3, 5, 3}, {1, 3, 1, 19}, {0},  {0, 3}, {3, 0}, {2, 0, 3}};

}  // namespace

TEST_CASE_TEMPLATE("reductions over every set of dimensions", T, float, double, std::int32_t) {
  for (Dims const& shape : shapes)
    for (int layout = 0; layout < 4; ++layout) {
      Tensor<T> const x = sample<T>(shape, layout);
      for (unsigned mask = 0; mask < 1u << shape.size(); ++mask)
        for (bool keepdim : {false, true}) {
          CAPTURE(shape);
          CAPTURE(layout);
          CAPTURE(mask);
          CAPTURE(keepdim);
          check_all(x, mask, keepdim);
        }
    }
}

TEST_CASE("reductions of formulas over operands of different layouts") {
  for (Dims const& shape : shapes)
    for (int layout = 0; layout < 4; ++layout) {
      Tensor<float> const x = sample<float>(shape, layout), y = sample<float>(shape, (layout + 1) % 4);
      for (unsigned mask = 0; mask < 1u << shape.size(); ++mask) {
        check_against_loops(sum(x * y + 1, axes_of(mask, shape.size())), 0, std::plus<>(), [](double v) { return v; });
        check_against_loops(
            norm(x - y, axes_of(mask, shape.size())), 0, [](double total, double v) { return total + v * v; },
            [](double v) { return std::sqrt(v); });
      }
    }
}

TEST_CASE("reductions into every layout") {
  Tensor<float> const x = sample<float>({5, 6, 7}, 0);
  Tensor<float> const expected = sum(x, {1});
  float memory[80] = {};
  View<float>(memory, {5, 7}, {1, 5}) = sum(x, {1});
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 7; ++j) REQUIRE(memory[i + 5 * j] == expected(i, j).item());
  View<float>(memory + 34, {5, 7}, {-7, -1}) = sum(x, {1});
  for (int i = 0; i < 35; ++i) REQUIRE(memory[34 - i] == expected.data()[i]);
  View<float>(memory, {2, 5, 7}) = sum(x, {1});  // and broadcast
  for (int i = 0; i < 70; ++i) REQUIRE(memory[i] == expected.data()[i % 35]);
  Tensor<float> y = x;
  y[2] = sum(y, {0});
  CHECK(Tensor<bool>(all(y[2] == sum(x, {0}))).item());
}

TEST_CASE("NaN and infinities") {
  float const nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (int width : {1, 3, 8, 16, 33, 70})
    for (int where = 0; where < width; ++where) {
      Tensor<float> x = full<float>({2, width}, -1);
      x(0, where) = nan;
      x(1, where) = -inf;
      CHECK(std::isnan(Tensor<float>(amax(x, {1}))(0).item()));
      CHECK(std::isnan(Tensor<float>(amin(x, {1}))(0).item()));
      CHECK(std::isnan(Tensor<float>(sum(x)).item()));
      CHECK(Tensor<float>(amin(x, {1}))(1).item() == -inf);
      CHECK(Tensor<float>(amax(x, {1}))(1).item() == (width == 1 ? -inf : -1));
      CHECK(std::isnan(Tensor<float>(amax(x, {0}))(where).item()));
    }
  CHECK(std::isnan(Tensor<float>(mean(zeros<float>({0}))).item()));
  CHECK(Tensor<float>(sum(tensor({inf, 1.f}))).item() == inf);
  CHECK(Tensor<float>(amax(full<float>({20}, -inf))).item() == -inf);
  CHECK(Tensor<std::int32_t>(amax(full<std::int32_t>({5}, std::numeric_limits<std::int32_t>::min()))).item() ==
        std::numeric_limits<std::int32_t>::min());
}

TEST_CASE("sums of integers do not overflow early") {
  Tensor<std::int32_t> const x = full<std::int32_t>({1000}, std::numeric_limits<std::int32_t>::max());
  CHECK(Tensor<std::int64_t>(sum(x)).item() == 1000 * std::int64_t{std::numeric_limits<std::int32_t>::max()});
  std::int64_t const big = (std::int64_t{1} << 53) + 1;
  CHECK(Tensor<std::int64_t>(sum(tensor<std::int64_t>({big, 1, -big}))).item() == 1);
  CHECK(Tensor<std::int64_t>(sum(full<bool>({100000}, true))).item() == 100000);
}

TEST_CASE("what cannot be reduced says so") {
  Tensor<float> const x = zeros<float>({2, 3}), none = zeros<float>({2, 0});
  CHECK_THROWS_WITH_AS(sum(x, {2}), "sum: dimension 2 is out of range for a tensor of 2 dimensions (-2 to 1)", Error);
  CHECK_THROWS_WITH_AS(mean(x, {0, -2}), "mean: dimension -2 stands twice in the list of dimensions", Error);
  CHECK_THROWS_WITH_AS(amax(none, {1}),
                       "amax: dimension 1 of shape (2, 0) is empty, and this reduction has no value there", Error);
  CHECK_THROWS_WITH_AS(amin(none),
                       "amin: a tensor of shape (2, 0) has no elements, and this reduction has no value there", Error);
  CHECK(Tensor<float>(amax(none, {0})).shape() == Dims(0));
}

TEST_CASE("long sums lose little") {
  constexpr std::int64_t n = 1000007;
  manual_seed(11);
  Tensor<float> const x = rand<float>({n});
  double exact = 0;
  for (std::int64_t i = 0; i < n; ++i) exact += static_cast<double>(x.data()[i]);
  CHECK(Tensor<float>(sum(x)).item() == doctest::Approx(exact).epsilon(3e-7));
  CHECK(Tensor<float>(mean(x)).item() == doctest::Approx(exact / n).epsilon(3e-7));
  CHECK(Tensor<float>(sum(x(Slice({}, {}, -1)))).item() == doctest::Approx(exact).epsilon(3e-7));
  CHECK(Tensor<float>(sum(full<float>({n}, 1))).item() == n);
  Tensor<float> const columns = rand<float>({n / 3, 3}), rows = columns.t().contiguous();
  double totals[3] = {};
  for (std::int64_t i = 0; i < columns.numel(); ++i) totals[i % 3] += static_cast<double>(columns.data()[i]);
  Tensor<float> const by_columns = sum(columns, {0}), by_rows = sum(rows, {1}), turned = sum(columns.t(), {1});
  for (int j = 0; j < 3; ++j) {
    CHECK(by_columns(j).item() == doctest::Approx(totals[j]).epsilon(1e-5));
    CHECK(by_rows(j).item() == doctest::Approx(totals[j]).epsilon(3e-7));
    CHECK(turned(j).item() == doctest::Approx(totals[j]).epsilon(1e-5));
  }
}
