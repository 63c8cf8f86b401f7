// SPDX-License-Identifier: MIT
// sort, argsort, topk, kthvalue and median: PyTorch's values, places and gradients; gradients of gradients, types, errors.
#include "ordering.hpp"

using namespace wick;
using ordering::each_case;

TEST_CASE("sorted elements are PyTorch's, and their places") {
  each_case("sort", [&](auto const& c, auto axis) {
    bool const descending = c.text("descending") == "1";
    ordering::check_picked<double>(c, [&](auto const& x) { return sort(x, axis, {.descending = descending}); });
    Tensor<float> const x = ordering::tensor_of<float>(c["x"]);
    CHECK(ordering::close(argsort(x, axis, {.descending = descending}), c["index"], 0));
    CHECK(ordering::close(argsort(x * 2, axis, {.descending = descending, .stable = true}), c["index"], 0));
    if (axis == 0 && !descending) CHECK(ordering::close(msort(x), c["y"], 2e-7));
  });
}

TEST_CASE("chosen elements are PyTorch's, and their places") {
  each_case("topk", [&](auto const& c, auto axis) {
    bool const largest = c.text("largest") == "1";
    std::int64_t const k = std::stoll(c.text("k"));
    ordering::check_picked<double>(c, [&](auto const& x) { return topk(x, k, axis, {.largest = largest}); });
  });
  each_case("kthvalue", [&](auto const& c, auto axis) {
    ordering::check_picked<double>(c, [&](auto const& x) { return kthvalue(x, std::stoll(c.text("k")), axis); });
  });
  each_case("median", [&](auto const& c, auto axis) { ordering::check_picked<double>(c, [&](auto const& x) { return median(x, axis); }); });
  each_case("median_of_all", [&](auto const& c, auto) { ordering::check_values<double>(c, 0, [](auto const& x) { return median(x); }); });
}

TEST_CASE("of equal elements the first is chosen") {
  Tensor<float> const x = tensor({2.f, 1.f, 2.f, 1.f, 2.f});
  CHECK(ordering::close(topk(x, 2).indices, {{2}, {0, 2}}, 0));
  CHECK(ordering::close(topk(x, 3, 0, {.largest = false}).indices, {{3}, {1, 3, 0}}, 0));
  CHECK(kthvalue(x, 2).indices.item() == 3);
  CHECK(median(x, 0).indices.item() == 0);
  Tensor<float> const zeros = tensor({0.f, -0.f, 0.f, -0.f});
  CHECK(ordering::close(sort(zeros).indices, {{4}, {0, 1, 2, 3}}, 0));
  CHECK(std::signbit(sort(zeros).values(1).item()));
}

TEST_CASE("gradients of gradients of chosen elements") {
  Tensor<double> const x = randn<double>({3, 4, 2});
  for (int axis : {0, 1, 2}) {
    CHECK(ordering::second_order([&](auto const& v) { return sort(v * v, axis).values; }, x));
    CHECK(ordering::second_order([&](auto const& v) { return topk(v * v * v, 2, axis).values; }, x));
    CHECK(ordering::second_order([&](auto const& v) { return median(exp(v), axis, {.keepdim = true}).values; }, x));
  }
  CHECK(ordering::second_order([&](auto const& v) { return median(v * v); }, x));
}

TEST_CASE_TEMPLATE("whole numbers, truth values and halves are sorted as what they are", T, std::int8_t, std::uint8_t, std::int16_t, std::int64_t,
                   std::uint64_t, float16, bfloat16, bool) {
  std::vector<T> values;
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < 300; ++i) values.push_back(static_cast<T>(static_cast<int>((i * 7919) % 251) - 100)), order.push_back(i);
  if constexpr (std::is_integral_v<T>) values[17] = std::numeric_limits<T>::lowest(), values[18] = std::numeric_limits<T>::max();
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    T const x = values[static_cast<std::size_t>(a)], y = values[static_cast<std::size_t>(b)];
    return x < y || (x == y && a < b);
  });
  for (std::int64_t n : {std::int64_t{20}, std::int64_t{300}}) {
    Tensor<T> x(Tensor<T>::uninitialized, Dims(n));
    std::copy_n(values.begin(), n, x.data());
    auto const [sorted, places] = sort(x);
    std::int64_t at = 0;
    bool right = true;
    for (std::int64_t place : order)
      if (place < n) right &= places(at).item() == place && sorted(at).item() == values[static_cast<std::size_t>(place)], ++at;
    CHECK(right);
  }
}

TEST_CASE("median with NaN, and options") {
  float const nan = std::nanf("");
  Tensor<float> const x = tensor({{3.f, nan, 1.f, nan}, {4.f, 3.f, 2.f, 1.f}});
  auto const [value, place] = median(x, 1, {.keepdim = true});
  CHECK(value.shape() == Dims(2, 1));
  CHECK(std::isnan(value(0, 0).item()));
  CHECK(place(0, 0).item() == 1);
  CHECK(value(1, 0).item() == 2);
  CHECK(std::isnan(Tensor<float>(median(x)).item()));
  CHECK(kthvalue(x, 4, 1, {.keepdim = true}).values.shape() == Dims(2, 1));
  Variable<float> const v(tensor({1.f, nan, 2.f}));
  backward(Variable<float>(median(v, 0).values));
  CHECK(ordering::close(v.grad(), {{3}, {0, 1, 0}}, 0));
}

TEST_CASE("sorting of nothing, of a number, and of parts") {
  CHECK(sort(zeros<float>({0, 2}), 0).values.shape() == Dims(0, 2));
  CHECK(sort(zeros<float>({2, 0}), 0).indices.shape() == Dims(2, 0));
  CHECK(topk(ones<float>({3}), 0).values.shape() == Dims(0));
  CHECK(sort(Tensor<float>(2.f)).values.shape() == Dims());
  CHECK(topk(Tensor<float>(2.f), 1).indices.item() == 0);
  Tensor<float> const x = tensor({{3.f, 1.f}, {2.f, 5.f}, {1.f, 4.f}});
  CHECK(ordering::close(sort(x.t(), 1).values, {{2, 3}, {1, 2, 3, 1, 4, 5}}, 0));
  CHECK(ordering::close(sort(x(Slice(), 1)).values, {{3}, {1, 4, 5}}, 0));
}

TEST_CASE("arguments without a meaning are sentences") {
  Tensor<float> const x = ones<float>({2, 3});
  CHECK_THROWS_WITH_AS(sort(x, 2), "sort: dimension 2 is out of range for a tensor of 2 dimensions (-2 to 1)", Error);
  CHECK_THROWS_WITH_AS(argsort(x, -3), "argsort: dimension -3 is out of range for a tensor of 2 dimensions (-2 to 1)", Error);
  CHECK_THROWS_WITH_AS(topk(x, 4), "topk: k = 4 is out of range for dimension 1 of shape (2, 3) (0 to 3)", Error);
  CHECK_THROWS_WITH_AS(kthvalue(x, 0, 0), "kthvalue: k = 0 is out of range for dimension 0 of shape (2, 3) (1 to 2)", Error);
  CHECK_THROWS_WITH_AS(median(zeros<float>({2, 0}), 1), "median: dimension 1 of shape (2, 0) is empty, and has no median", Error);
}
