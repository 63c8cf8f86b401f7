// SPDX-License-Identifier: MIT
// One statement, one pass: an element type that counts how often memory is read and written, and the pool's counter of
// blocks, show that formulas make no temporaries and read each operand once for each place where it stands.
#include <doctest/doctest.h>

#include "counted.hpp"

using namespace wick;
using counting::counted;
using counting::Counted;
using counting::Watch;

namespace {

// Blocks asked from the pool by `work`.
template <class Work>
std::int64_t blocks(Work const& work) {
  work();  // once to warm up
  std::int64_t const before = pool_stats().requests;
  work();
  return pool_stats().requests - before;
}

}  // namespace

TEST_CASE("a map reads each operand once for each place where it stands") {
  Tensor<Counted> x = counted({5, 9}), y = counted({5, 9}), z = counted({5, 9});
  {
    Watch const wx(x), wy(y), wz(z);
    z = x * y + exp(x) - 2;
    CHECK(wx.read_each(2));
    CHECK(wy.read_each(1));
    CHECK(wz.read_each(0));
    CHECK(wz.written_each(1));
    CHECK(wx.written_each(0));
  }
  Watch const wx(x), wy(y);
  x = x + y;  // in place
  CHECK(wx.read_each(1));
  CHECK(wx.written_each(1));
  CHECK(wy.read_each(1));
}

TEST_CASE("building, copying and moving a formula reads nothing") {
  Tensor<Counted> const x = counted({4, 4});
  Watch const w(x);
  auto const f = x * 2 + x.t();
  auto g = f;
  auto const h = std::move(g) * x[0];
  CHECK(h.shape() == Dims(4, 4));
  CHECK(sum(h, {0}).shape() == Dims(4));
  CHECK(w.read_each(0));
}

TEST_CASE("broadcast operands are read once an element of the result") {
  Tensor<Counted> const x = counted({5, 9}), row = counted({9}), column = counted({5, 1}), number = counted({});
  Watch const wx(x), wr(row), wc(column), wn(number);
  Tensor<Counted> const z = x + row * column + number;
  CHECK(z.numel() == 45);
  CHECK(wx.read_each(1));
  CHECK(wr.read_each(5));
  CHECK(wc.read_each(9));
  CHECK(wn.read_each(45));
}

TEST_CASE("views of tensors are read once, where they look") {
  Tensor<Counted> const x = counted({6, 6});
  Watch const w(x);
  Tensor<Counted> const z = x.t()(Slice({}, {}, -2), Slice(0, 6, 3)) * 2;
  int total = 0;
  for (int count : w.reads) total += count;
  CHECK(total == z.numel());
}

TEST_CASE("a reduction of a formula is one pass") {
  Tensor<Counted> const x = counted({7, 8}), y = counted({8});
  for (Axes const& axes : {Axes(), Axes(0), Axes(1), Axes(0, 1)}) {
    Watch const wx(x), wy(y);
    Tensor<Counted> const z = sum(x * y + 1, axes);
    CHECK(z.numel() <= 8);
    CHECK(wx.read_each(1));
    CHECK(wy.read_each(7));
  }
}

TEST_CASE("a reduction inside a formula is computed once") {
  Tensor<Counted> const x = counted({7, 8});
  Watch const w(x);
  Tensor<Counted> const z = x * sum(exp(x));
  CHECK(z.numel() == 56);
  CHECK(w.read_each(2));  // one pass for the sum, one for the product
}

TEST_CASE("formulas ask the pool for their result only") {
  int const threads = num_threads();
  set_num_threads(1);
  Tensor<float> x = full<float>({200, 300}, 0.25f), y = x + 1, row = ones<float>({300}), z = x + 0;
  CHECK(blocks([&] { z = tanh(x * y + row) / (1 + exp(-x)); }) == 0);
  CHECK(blocks([&] { x += y * 0.001f; }) == 0);
  CHECK(blocks([&] { Tensor<float> const t = where(x > y, x, y * 2); }) == 1);
  CHECK(blocks([&] { Tensor<float> const t = sum(exp(x - y) * row, {0}); }) == 1);
  CHECK(blocks([&] { Tensor<float> const t = sum(exp(x - y) * row, {1}); }) == 1);
  CHECK(blocks([&] { Tensor<float> const t = mean(square(x)); }) <= 2);  // with the partial sums of its fixed tree
  // A row formula has one result and room for its costly part, whatever the number of rows.
  Tensor<float> const few = x(Slice(0, 2), Slice());
  CHECK(blocks([&] { Tensor<float> const t = softmax(few, 1); }) <= 2);
  CHECK(blocks([&] { Tensor<float> const t = softmax(x, 1); }) <= 2);
  CHECK(blocks([&] { Tensor<float> const t = softmax(tanh(x) * 2, 1); }) <= 2);
  CHECK(blocks([&] { Tensor<float> const t = layer_norm(x, row, row); }) <= 2);
  CHECK(blocks([&] { Tensor<float> const t = log_softmax(x, 1); }) <= 2);
  CHECK(blocks([&] { x = softmax(x, 1); }) <= 1);
  set_num_threads(threads);
}
