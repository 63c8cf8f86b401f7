// SPDX-License-Identifier: MIT
// Many short rows: statements that take them together, or across the registers, give what the same statement gives over
// dense operands, and row formulas what they mean in double; with their gradients, and with any number of threads.
#include <wick/wick.hpp>

#include "../promises/bits.hpp"
#include "rows.hpp"

using namespace wick;

namespace {

void check_close(Tensor<float> const& found, Tensor<float> const& wanted, double error) {
  REQUIRE(found.shape() == wanted.shape());
  Tensor<float> const a = found.contiguous(), b = wanted.contiguous();
  for (std::int64_t i = 0; i < a.numel(); ++i)
    REQUIRE(std::fabs(a.data()[i] - b.data()[i]) <= error * (1 + std::fabs(b.data()[i])));
}

// A row, a column, rows that lie apart and a repeated matrix beside x, which is (planes, rows, width).
struct Operands {
  Tensor<float> x, row, column, apart, matrix, half;
  Tensor<bool> mask;
  explicit Operands(Dims const& shape) {
    std::int64_t const planes = shape[0], rows = shape[1], width = shape[2];
    x = bits::noise(shape, 1), row = bits::noise({width}, 2), column = bits::noise({planes, rows, 1}, 3);
    apart = bits::noise({planes, rows, width + 3}, 4)(Ellipsis, Slice(1, width + 1));
    matrix = bits::noise({rows, width}, 5);
    mask = row > 0;
  }
};

Tensor<float> dense(Tensor<float> const& x, Dims const& shape) { return x + zeros<float>(shape); }

std::vector<Dims> shapes() { return {{1, 4, 2}, {2, 5, 3}, {1, 256, 10}, {3, 37, 17}, {2, 70, 40}, {5, 6, 130}, {40, 33, 16}}; }

}  // namespace

TEST_CASE("maps and reductions over rows, columns and rows that lie apart") {
  for (Dims const& shape : shapes()) {
    CAPTURE(shape);
    Operands const o(shape);
    auto const row = dense(o.row, shape), column = dense(o.column, shape), apart = o.apart.contiguous(), matrix = dense(o.matrix, shape);
    auto const map = [](auto const& x, auto const& a, auto const& b) { return maximum(x * a + b, 0) * x; };
    check_close(map(o.x, o.row, o.column), map(o.x, row, column), 1e-6);
    check_close(map(o.apart, o.row, o.matrix), map(apart, row, matrix), 1e-6);
    check_close(where(o.mask, o.x, o.column), where(dense(cast<float>(o.mask), shape) > 0, o.x, column), 0);
    Tensor<float> target = zeros<float>({shape[0], shape[1], shape[2] + 2});
    target(Ellipsis, Slice(1, shape[2] + 1)) = map(o.x, o.row, o.column);
    check_close(target(Ellipsis, Slice(1, shape[2] + 1)), map(o.x, row, column), 1e-6);
    CHECK(Tensor<float>(sum(abs(target(Ellipsis, 0)))).item() == 0);
    CHECK(Tensor<float>(sum(abs(target(Ellipsis, shape[2] + 1)))).item() == 0);
    for (Axes const& axes : {Axes(0, 1, 2), Axes(0, 1), Axes(2), Axes(1, 2), Axes(1)}) {
      CAPTURE(axes);
      check_close(sum(map(o.x, o.row, o.column), axes), sum(map(o.x, row, column), axes), 1e-4);
      check_close(sum(map(o.x, o.row, o.apart), axes), sum(map(o.x, row, apart), axes), 1e-4);
      check_close(amax(o.x * o.row - o.matrix, axes), amax(o.x * row - matrix, axes), 1e-6);
    }
  }
}

TEST_CASE("gradients of rows, columns and numbers are sums of the dense gradient") {
  for (Dims const& shape : shapes()) {
    CAPTURE(shape);
    Operands const o(shape);
    Tensor<float> const seed = bits::noise(shape, 7);
    Variable<float> const x = o.x, row = o.row, column = o.column, number = tensor(0.75f);
    Variable<float> const dx = o.x, drow = dense(o.row, shape), dcolumn = dense(o.column, shape), dnumber = full<float>(shape, 0.75f);
    auto const formula = [](auto const& a, auto const& b, auto const& c, auto const& d) { return tanh(a * b + c) * d + b * b; };
    for (int round = 0; round < 2; ++round) {  // the second adds to gradients that are there
      backward(Variable<float>(formula(x, row, column, number)), seed);
      backward(Variable<float>(formula(dx, drow, dcolumn, dnumber)), seed);
    }
    check_close(x.grad(), dx.grad(), 1e-5);
    check_close(row.grad(), sum(drow.grad(), {0, 1}), 1e-4);
    check_close(column.grad(), sum(dcolumn.grad(), {2}, {.keepdim = true}), 1e-4);
    check_close(number.grad(), sum(dnumber.grad()), 1e-4);
  }
}

TEST_CASE("row formulas and their gradients, against double") {
  for (Dims const& shape : shapes())
    for (int axis : {1, 2}) {
      CAPTURE(shape);
      CAPTURE(axis);
      Operands const o(shape);
      Tensor<float> const sum_of_all = o.x + o.row + o.column;
      rows::check_rows<float>(log_softmax(o.x + o.row + o.column, axis), sum_of_all, axis, 1e-5, rows::log_softmax_row);
      rows::check_rows<float>(softmax(o.apart, axis), o.apart, axis, 1e-5, rows::softmax_row);
      Tensor<float> target = zeros<float>({shape[2], shape[1], shape[0]});
      target.view().permute({2, 1, 0}) = softmax(o.x, axis);
      rows::check_rows<float>(target.permute({2, 1, 0}), o.x, axis, 1e-5, rows::softmax_row);

      // The gradient of log_softmax is seed - softmax * (sum of the seed); that of amax goes to the largest element.
      Tensor<float> const seed = bits::noise(shape, 8), s = softmax(sum_of_all, axis);
      Variable<float> const x = o.x, row = o.row, column = o.column, shift = tensor(0.5f);
      for (int round = 0; round < 2; ++round)
        backward(Variable<float>(log_softmax(x + row + column, axis) + shift - amax(x, axis, {.keepdim = true}) * 0), seed);
      Tensor<float> const wanted = 2 * (seed - s * sum(seed, axis, {.keepdim = true}));
      check_close(x.grad(), wanted, 1e-4);
      check_close(row.grad(), sum(wanted, {0, 1}), 1e-3);
      check_close(column.grad(), sum(wanted, {2}, {.keepdim = true}), 1e-3);
      check_close(shift.grad(), 2 * sum(seed), 1e-4);
    }
}

TEST_CASE("the same bits with any number of threads") {
  Operands const o({4, 5003, 10});
  Tensor<float> const seed = bits::noise(o.x.shape(), 9);
  bits::check("short rows", [&]() -> bits::Results {
    Variable<float> const x = o.x, row = o.row, column = o.column;
    Variable<float> const y = relu(x * row + column) * x, z = log_softmax(x + row, 2);
    backward(y, seed);
    backward(z, seed);
    return {y.value(), z.value(), x.grad(), row.grad(), column.grad(), mean(square(o.row * o.x - o.column)), sum(o.x * o.row, {2})};
  });
}
