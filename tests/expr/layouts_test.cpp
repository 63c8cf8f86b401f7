// SPDX-License-Identifier: MIT
// Formulas over operands of random shapes, strides and types, element by element against the definition of a formula.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<unsigned>(limit)); }

 private:
  std::mt19937 engine_;
};

Dims random_shape(Dice& dice) {
  Dims shape;
  int const rank = dice.below(6);
  int const extents[] = {1, 2, 3, 5, 8, 17, 0, 33};
  for (int d = 0; d < rank; ++d) shape.push_back(extents[dice.below(rank > 3 ? 4 : dice.below(8) == 0 ? 8 : 6)]);
  return shape;
}

// An operand that broadcasts to `shape`: leading dimensions left out, some of extent 1, any strides.
template <class T>
Tensor<T> random_operand(Dims const& shape, Dice& dice, bool whole = false) {
  Dims extents, room;
  for (int d = whole ? 0 : dice.below(3) == 0 ? dice.below(shape.size() + 1) : 0; d < shape.size(); ++d)
    extents.push_back(!whole && dice.below(5) == 0 ? 1 : shape[d]);
  Axes order;
  for (int d = 0; d < extents.size(); ++d) order.push_back(d);
  if (dice.below(2))
    for (int d = extents.size() - 1; d > 0; --d) std::swap(order[d], order[dice.below(d + 1)]);
  int steps[max_rank] = {};
  for (int d = 0; d < extents.size(); ++d) {
    steps[d] = dice.below(3) ? 1 : 1 + dice.below(2);
    room.push_back(extents[order[d]] * steps[d]);
  }
  Tensor<T> memory = empty<T>(room);
  for (std::int64_t i = 0; i < memory.numel(); ++i) memory.data()[i] = static_cast<T>(dice.below(9) - 4);
  Layout layout = memory.layout();
  std::int64_t offset = 0;
  for (int d = 0; d < room.size(); ++d) {
    layout.shape[d] = extents[order[d]];
    layout.strides[d] *= steps[d];
    if (dice.below(3) == 0 && layout.shape[d] > 0) {
      offset += (layout.shape[d] - 1) * layout.strides[d];
      layout.strides[d] *= -1;
    }
  }
  Axes back = order;
  for (int d = 0; d < order.size(); ++d) back[static_cast<int>(order[d])] = d;
  Tensor<T> const taken = memory.share({offset, Layout(layout.shape, layout.strides)});
  return order.empty() ? taken : taken.permute(back);
}

template <class F>
void check(char const* name, F const& f) {
  using T = typename F::value_type;
  CAPTURE(name);
  Dims const shape = f.shape();
  CAPTURE(shape);
  Tensor<T> const result = f;
  REQUIRE(result.shape() == shape);
  Dims at = shape;
  for (auto& c : at) c = 0;
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    auto const expected = static_cast<double>(detail::element(f, at)), found = static_cast<double>(result.data()[i]);
    if (std::isnan(expected))
      REQUIRE(std::isnan(found));
    else if (std::isinf(expected))
      REQUIRE(found == expected);
    else
      REQUIRE(std::fabs(found - expected) <= 1e-5 * std::max(1., std::fabs(expected)));
    for (int d = shape.size() - 1; d >= 0; --d) {
      if (++at[d] < shape[d]) break;
      at[d] = 0;
    }
  }
}

}  // namespace

TEST_CASE("maps of random operands") {
  Dice dice(1);
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    Dims const shape = random_shape(dice);
    auto const x = random_operand<float>(shape, dice, true), y = random_operand<float>(shape, dice);
    auto const d = random_operand<double>(shape, dice);
    auto const i = random_operand<std::int32_t>(shape, dice);
    auto const l = random_operand<std::int64_t>(shape, dice);
    auto const b = random_operand<bool>(shape, dice);
    check("float", x * y + exp(x) - 2);
    check("promoted", x * d + i);
    check("integers", i * l - 3);
    check("quotient", i / (l * 2 + 1));
    check("where", where(b && x > y, x, i));
    check("comparison", (x <= y) || !b);
    check("cast", cast<std::int32_t>(x * 2) + i);
    check("conditions of another type", where(d, x, y));
    check("mixed", maximum(x, i) * cast<float>(d) + cast<float>(b));
  }
}

TEST_CASE("reductions of random operands") {
  Dice dice(2);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    Dims shape = random_shape(dice);
    if (shape.empty()) shape.push_back(33);
    auto const x = random_operand<float>(shape, dice, true), y = random_operand<float>(shape, dice);
    auto const i = random_operand<std::int32_t>(shape, dice, true);
    Axes const axis(dice.below(shape.size()));
    ReduceOptions const keep{true};
    check("sum of a product", sum(x * y, axis));
    check("mean of integers", mean(i, axis, keep));
    check("reduction in a map", x * sum(y * x, axis, keep) + 1);
    check("truth", any(x > 2, axis, keep) && x < y);
    check("integers beside floats", x + sum(i, axis, keep));
  }
}

TEST_CASE("reductions inside reductions and rows inside rows") {
  // Small, because the definition computes every inner reduction anew for each element.
  Dice dice(3);
  for (int round = 0; round < 100; ++round) {
    CAPTURE(round);
    Dims shape;
    for (int d = 1 + dice.below(3); d > 0; --d) shape.push_back(1 + dice.below(4));
    auto const x = random_operand<float>(shape, dice, true), y = random_operand<float>(shape, dice);
    int const axis = dice.below(shape.size()), other = dice.below(shape.size());
    ReduceOptions const keep{true};
    check("reductions over two axes", x - mean(x, Axes(axis), keep) - mean(x, Axes(other), keep));
    check("reduction of a reduction", sum(x * amax(x, Axes(axis), keep), Axes(other), keep));
    check("row of a row", softmax(softmax(x, axis) * y, axis));
    check("rows along two axes", softmax(softmax(x, axis), other));
    check("whole", x / (1 + sum(square(x))));
  }
}

TEST_CASE("rows of every length: packed, with gaps, in place, and each with a number of its own") {
  for (std::int64_t n = 1; n <= 70; ++n) {
    CAPTURE(n);
    Tensor<float> const x = randn<float>({2, 3, n + 2}), row = randn<float>({3, 1}), one = randn<float>({n});
    auto const part = [&](Tensor<float> const& all, std::int64_t from) { return Tensor<float>(all(Slice(), Slice(), Slice(from, from + n))); };
    Tensor<float> const a = part(x, 2), b = part(x, 0);
    check("differences", a - b);
    check("a number for each row", a * row + one);
    check("a number for all", 2 * a - 1);
    // In place an element that is computed twice would be wrong; its neighbours stay.
    Tensor<float> y = x.clone(), gaps = x.clone();
    y(Slice(), Slice(), Slice(1, n + 1)) = y(Slice(), Slice(), Slice(1, n + 1)) * 3 + part(y, 1);
    gaps(Slice(), Slice(), Slice(1, n + 1)) = a - b;
    for (std::int64_t i = 0; i < 2; ++i)
      for (std::int64_t j = 0; j < 3; ++j)
        for (std::int64_t k = 0; k < n + 2; ++k) {
          bool const inside = k > 0 && k <= n;
          REQUIRE(y(i, j, k).item() == (inside ? 4 : 1) * x(i, j, k).item());
          REQUIRE(gaps(i, j, k).item() == (inside ? x(i, j, k + 1).item() - x(i, j, k - 1).item() : x(i, j, k).item()));
        }
  }
}
