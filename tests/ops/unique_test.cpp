// SPDX-License-Identifier: MIT
// unique, unique_consecutive, searchsorted and bucketize beside PyTorch's.
#include "ordering.hpp"

using namespace wick;

TEST_CASE_TEMPLATE("different elements, where they are and how often", T, double, float, std::int32_t) {
  for (auto const& c : ordering::cases()) {
    if (c.name != "unique" && c.name != "unique_consecutive") continue;
    bool whole = true;
    for (double value : c["x"].data) whole &= value == std::trunc(value);
    if (std::is_integral_v<T> && !whole) continue;
    Tensor<T> const x = ordering::tensor_of<T>(c["x"]);
    auto const run = [&](UniqueOptions const& options) { return c.name == "unique" ? unique(x, options) : unique_consecutive(x, options); };
    auto const all = run({.return_inverse = true, .return_counts = true});
    CHECK(ordering::close(all.values, c["y"], 0));
    CHECK(ordering::close(all.inverse, c["inverse"], 0));
    CHECK(ordering::close(all.counts, c["counts"], 0));
    auto const counted = run({.return_counts = true});
    CHECK(ordering::close(counted.counts, c["counts"], 0));
    CHECK(counted.inverse.numel() == 0);
    CHECK(ordering::close(run({}).values, c["y"], 0));
  }
}

TEST_CASE("each NaN is an element of its own") {
  float const nan = std::nanf("");
  auto const u = unique(tensor({nan, 1.f, nan, 2.f}), {.return_inverse = true, .return_counts = true});
  CHECK(ordering::close(u.values, {{4}, {1, 2, nan, nan}}, 0));
  CHECK(ordering::close(u.inverse, {{4}, {2, 0, 3, 1}}, 0));
  CHECK(ordering::close(u.counts, {{4}, {1, 1, 1, 1}}, 0));
  CHECK(unique_consecutive(tensor({nan, nan, 1.f, 1.f, nan})).values.numel() == 4);
}

TEST_CASE("unique of truth values and of a part of a tensor") {
  CHECK(ordering::close(unique(tensor({true, false, true})).values, {{2}, {0, 1}}, 0));
  Tensor<float> const x = tensor({{3.f, 1.f}, {2.f, 1.f}, {3.f, 3.f}});
  CHECK(ordering::close(unique(x.t()).values, {{3}, {1, 2, 3}}, 0));
  CHECK(ordering::close(unique_consecutive(x(Slice(), 1), {.return_counts = true}).counts, {{2}, {2, 1}}, 0));
}

TEST_CASE_TEMPLATE("places among sorted numbers", T, double, float) {
  for (auto const& c : ordering::cases()) {
    if (c.name != "searchsorted") continue;
    Tensor<T> const sorted = ordering::tensor_of<T>(c["sorted"]), x = ordering::tensor_of<T>(c["x"]);
    SearchOptions const options{.right = c.text("right") == "1"};
    CHECK(ordering::close(searchsorted(sorted, x, options), c["y"], 0));
    if (sorted.dim() == 1) CHECK(ordering::close(bucketize(x, sorted, options), c["y"], 0));
  }
  T const nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(ordering::close(searchsorted(tensor<T>({1, 2, nan, nan}), tensor<T>({0, 2, 3, nan})), {{4}, {0, 1, 2, 2}}, 0));
  CHECK(ordering::close(searchsorted(tensor<T>({1, 2, nan}), tensor<T>({2, nan}), {.right = true}), {{2}, {2, 3}}, 0));
}

TEST_CASE("sequences that do not fit are sentences") {
  CHECK_THROWS_WITH_AS(searchsorted(ones<float>({2, 3}), ones<float>({3, 4})),
                       "searchsorted: a sequence of shape (2, 3) does not fit values of shape (3, 4): it has one dimension, or the same but for the last",
                       Error);
  CHECK_THROWS_WITH_AS(bucketize(ones<float>({3}), ones<float>({2, 2})), "bucketize: boundaries of shape (2, 2): they have one dimension", Error);
}
