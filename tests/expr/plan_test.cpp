// SPDX-License-Identifier: MIT
// Which loop an assignment runs, asked by name, and that it runs over what it should.
#include <doctest/doctest.h>

#include <string>
#include <wick/tensor.hpp>

using namespace wick;

namespace {
template <class F>
std::string plan(F const& f) {
  return name(plan_of(f));
}
Tensor<float> const matrix = full<float>({6, 8}, 2), row = ones<float>({8}), column = ones<float>({6, 1});
}  // namespace

TEST_CASE("maps") {
  CHECK(plan(matrix) == "contiguous");
  CHECK(plan(matrix * 2 + matrix) == "contiguous");
  CHECK(plan(exp(matrix.reshape({2, 3, 8}))) == "contiguous");
  CHECK(plan(matrix + row) == "inner_broadcast");
  CHECK(plan(matrix + column) == "inner_broadcast");
  CHECK(plan(row + column) == "inner_broadcast");
  CHECK(plan(matrix + tensor(1.f)) == "inner_broadcast");
  CHECK(plan(matrix(Slice(1, 3), Slice()) * 2) == "contiguous");
  CHECK(plan(matrix(Slice(), Slice(1, 5)) * 2) == "lines");
  CHECK(plan(matrix(Slice(), Slice(1, 5)) + row(Slice(0, 4))) == "inner_broadcast");
  Slice const in(1, -1);
  CHECK(plan(matrix(in, in) + 2 * (matrix(Slice({}, -2), in) + matrix(in, Slice(2, {})))) == "lines");
  CHECK(plan(matrix(Slice(), Slice(0, 8, 2)) * 2) == "strided");
  CHECK(plan(matrix(Slice(), Slice({}, {}, -1)) * 2) == "strided");
  CHECK(plan(matrix.t() + 1) == "strided");
  CHECK(plan(matrix.t() + matrix.reshape({8, 6})) == "strided");
  CHECK(plan(zeros<float>({0, 4}) + 1) == "none");
  CHECK(plan(tensor(3.f) * 2) == "contiguous");
  CHECK(plan(where(matrix > 1, matrix, 0)) == "contiguous");
}

TEST_CASE("reductions, rows and what is neither") {
  CHECK(plan(sum(matrix)) == "reduce");
  CHECK(plan(sum(matrix * 2, {0})) == "reduce");
  CHECK(plan(sum(zeros<float>({0, 3}), {0})) == "none");
  CHECK(plan(softmax(matrix, 1)) == "row");
  CHECK(plan(softmax(matrix, 0)) == "row");
  CHECK(plan(softmax(tanh(matrix) * 2, -1)) == "row");
  CHECK(plan(layer_norm(matrix)) == "row");
  CHECK(plan(matrix - mean(matrix, {1}, {.keepdim = true})) == "row");
  // A reduction without keepdim, or over other dimensions, is computed first and then read like any tensor.
  CHECK(plan(matrix - mean(matrix, {0})) == "inner_broadcast");
  CHECK(plan(matrix / sum(matrix)) == "inner_broadcast");
  CHECK(plan(matrix - mean(matrix, {0}, {.keepdim = true}) - mean(matrix, {1}, {.keepdim = true})) ==
        "inner_broadcast");
}

TEST_CASE("dimensions that lie together become one loop") {
  Tensor<float> const x = zeros<float>({3, 4, 5, 7});
  auto const loops = [](auto const& f) {
    using F = std::remove_cvref_t<decltype(f)>;
    detail::Slots<structure_t<F>::slot_count + 1> slot_data;
    Tensor<float> target(Tensor<float>::uninitialized, f.shape());
    detail::plain_loop<float>(slot_data, target.data(), 0, target.layout(), f);
    return slot_data.loop;
  };
  CHECK(loops(x + 1).rank == 1);
  CHECK(loops(x + 1).extent[0] == 420);
  CHECK(loops(x + zeros<float>({5, 7})).rank == 2);
  CHECK(loops(x + zeros<float>({5, 7})).extent[1] == 35);
  CHECK(loops(x + zeros<float>({4, 1, 1})).rank == 3);
  CHECK(loops(x.permute({1, 0, 2, 3}) + 1).rank == 3);
  CHECK(loops(x.permute({1, 0, 2, 3}) + 1).extent[2] == 35);
  CHECK(loops(x(Slice(), Slice(0, 4, 2), Ellipsis) + 1).rank == 2);
  CHECK(loops(zeros<float>({1, 5, 1}) + 1).rank == 1);
}

TEST_CASE("results are written in place when nobody looks on") {
  Tensor<float> x = full<float>({1000}, 1), y = full<float>({1000}, 2);
  float const* const where = std::as_const(x).data();
  std::int64_t const before = pool_stats().requests;
  x = x * y + x;
  x += 1;
  x = y * 2;
  CHECK(std::as_const(x).data() == where);
  CHECK(pool_stats().requests == before);
  Tensor<float> const other = x;
  x = x + 1;
  CHECK(std::as_const(x).data() != where);
  CHECK(other(0).item() == 4);
  CHECK(x(0).item() == 5);
}
