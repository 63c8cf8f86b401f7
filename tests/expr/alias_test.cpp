// SPDX-License-Identifier: MIT
// Assignments whose target stands in the formula: ten thousand random ones against a model that copies everything.
#include <doctest/doctest.h>

#include <random>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

constexpr int n = 7;

// A square matrix without sharing, and a region of it as index lists.
using Model = std::vector<float>;
struct Range {
  Slice slice;
  std::vector<int> picked;
};

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<unsigned>(limit)); }
  bool coin() { return below(2) == 0; }
  // `count` positions of one dimension, forwards or backwards.
  Range range(int count) {
    int const widest = count > 1 ? (n - 1) / (count - 1) : n;
    int const step = 1 + below(std::max(1, widest)), first = below(n - (count - 1) * step);
    int const last = first + (count - 1) * step;
    Range r;
    for (int i = 0; i < count; ++i) r.picked.push_back(coin_ ? last - i * step : first + i * step);
    std::optional<std::int64_t> const before_first = first > 0 ? std::optional<std::int64_t>(first - 1) : std::nullopt;
    r.slice = coin_ ? Slice(last, before_first, -step) : Slice(first, last + 1, step);
    coin_ = coin();
    return r;
  }

 private:
  std::mt19937 engine_;
  bool coin_ = false;
};

Tensor<float> random_matrix(Dice& dice) {
  Tensor<float> x = empty<float>({n, n});
  for (int i = 0; i < n * n; ++i) x.data()[i] = static_cast<float>(dice.below(100));
  return x;
}
Model model_of(Tensor<float> const& x) {
  Model m;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) m.push_back(x.data()[i * x.strides()[0] + j * x.strides()[1]]);
  return m;
}
// One region of a tensor and of its model, perhaps turned.
struct Read {
  Tensor<float> region;
  std::vector<float> values;
};
Read read(Tensor<float> const& x, Model const& model, int rows, int columns, Dice& dice) {
  bool const turned = dice.coin();
  Range const r = dice.range(turned ? columns : rows), c = dice.range(turned ? rows : columns);
  Read result;
  result.region = turned ? x(r.slice, c.slice).t() : x(r.slice, c.slice);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) {
      std::size_t const ri = static_cast<std::size_t>(turned ? j : i), ci = static_cast<std::size_t>(turned ? i : j);
      result.values.push_back(model[static_cast<std::size_t>(r.picked[ri] * n + c.picked[ci])]);
    }
  return result;
}

}  // namespace

TEST_CASE("regions of a tensor assigned from regions of itself") {
  Dice dice(1);
  for (int round = 0; round < 10000; ++round) {
    Tensor<float> x = random_matrix(dice);
    if (dice.coin()) x = x.t();
    Model model = model_of(x);
    Tensor<float> const witness = dice.coin() ? x : Tensor<float>();
    Model const witnessed = model;
    int const rows = 1 + dice.below(n), columns = 1 + dice.below(n);
    Range const r = dice.range(rows), c = dice.range(columns);
    Model values;
    int const kind = dice.below(5);
    {
      Read const a = read(x, model, rows, columns, dice), b = read(x, model, rows, columns, dice);
      for (std::size_t i = 0; i < a.values.size(); ++i)
        values.push_back(kind == 0   ? a.values[i]
                         : kind == 1 ? a.values[i] + b.values[i]
                         : kind == 2 ? a.values[i] * 2 + 1
                                     : 0);
      // The kinds write with and without other handles on the elements alive.
      if (kind == 0) x(r.slice, c.slice) = a.region;
      if (kind == 1) x(r.slice, c.slice) = a.region + b.region;
      if (kind == 2) {
        auto formula = a.region * 2 + 1;
        const_cast<Read&>(a).region = const_cast<Read&>(b).region = Tensor<float>();
        x(r.slice, c.slice) = std::move(formula);
      }
    }
    if (kind == 3) {  // through a view: the memory itself overlaps
      View<float> v = x.view();
      float* const first = v.data();
      Read const a = read(x, model, rows, columns, dice);
      View<float const> const from(first + (a.region.data() - std::as_const(x).data()), a.region.layout());
      v(r.slice, c.slice) = from + 1;
      for (std::size_t i = 0; i < a.values.size(); ++i) values[i] = a.values[i] + 1;
    }
    if (kind == 4) {
      Read const a = read(x, model, rows, columns, dice);
      for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j)
          values[static_cast<std::size_t>(i * columns + j)] =
              model[static_cast<std::size_t>(r.picked[static_cast<std::size_t>(i)] * n +
                                             c.picked[static_cast<std::size_t>(j)])] +
              a.values[static_cast<std::size_t>(i * columns + j)];
      x(r.slice, c.slice) += a.region;
    }
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j)
        model[static_cast<std::size_t>(r.picked[static_cast<std::size_t>(i)] * n +
                                       c.picked[static_cast<std::size_t>(j)])] =
            values[static_cast<std::size_t>(i * columns + j)];
    CAPTURE(round);
    CAPTURE(kind);
    REQUIRE(model_of(x) == model);
    if (witness.dim() == 2) REQUIRE(model_of(witness) == witnessed);
  }
}

TEST_CASE("whole tensors assigned from formulas of themselves") {
  Dice dice(2);
  for (int round = 0; round < 3000; ++round) {
    Tensor<float> x = random_matrix(dice);
    if (dice.coin()) x = x.t();
    Model const m = model_of(x);
    Tensor<float> const witness = dice.coin() ? x : Tensor<float>();
    auto const at = [&](int i, int j) { return m[static_cast<std::size_t>((i + n) % n * n + (j + n) % n)]; };
    auto const total = [&](auto f) {
      float s = 0;
      for (int k = 0; k < n; ++k) s += f(k);
      return s;
    };
    int const kind = dice.below(8);
    Model expected;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) switch (kind) {
          case 0:
            expected.push_back(at(j, i) + at(i, j));
            break;
          case 1:
            expected.push_back(at(-1 - i, j) + at(i, j));
            break;
          case 2:
            expected.push_back(at(i, j) - total([&](int k) { return at(i, k); }));
            break;
          case 3:
            expected.push_back(at(i, j) - total([&](int k) { return at(k, j); }));
            break;
          case 4:
            expected.push_back(at(0, j) + at(i, j));
            break;
          case 5:
            expected.push_back(at(i, 0) * at(i, j));
            break;
          case 6:
            expected.push_back(at(j, i) - total([&](int k) { return at(i, k); }));
            break;
          default:
            expected.push_back(at(-1 - i, -1 - j));
            break;
        }
    switch (kind) {
      case 0:
        x = x.t() + x;
        break;
      case 1:
        x += x(Slice({}, {}, -1));
        break;
      case 2:
        x = x - sum(x, {1}, {.keepdim = true});
        break;
      case 3:
        x -= sum(x, {0}, {.keepdim = true});
        break;
      case 4:
        x += x[0];
        break;
      case 5:
        x = x * x(Slice(), Slice(0, 1));
        break;
      case 6:
        x = x.t() - sum(x, {1}, {.keepdim = true});
        break;
      default:
        x = x(Slice({}, {}, -1), Slice({}, {}, -1));
        break;
    }
    CAPTURE(kind);
    REQUIRE(model_of(x) == expected);
    if (witness.dim() == 2) REQUIRE(model_of(witness) == m);
  }
}

TEST_CASE("steps of stencils in one buffer") {
  // From less than a register to several blocks of rows for each thread; whole numbers, so that sums are exact.
  Dice dice(3);
  int const threads = num_threads();
  for (int round = 0; round < 80; ++round) {
    int const reach = 1 + dice.below(3), rows = 1 + dice.below(round % 4 == 0 ? 2500 : 60), columns = 1 + dice.below(round % 3 == 0 ? 20 : 300);
    int const width = columns + 2 * reach;
    set_num_threads(1 + dice.below(4));
    std::vector<float> memory(static_cast<std::size_t>((rows + 2 * reach) * width));
    for (float& e : memory) e = static_cast<float>(dice.below(100));
    std::vector<float> expected = memory;
    View<float> const all(memory.data(), {rows + 2 * reach, width});
    int shift[3][2];
    for (auto& s : shift) s[0] = dice.below(2 * reach + 1), s[1] = dice.below(2 * reach + 1);
    auto const part = [&](int down, int right) { return all(Slice(down, down + rows), Slice(right, right + columns)); };
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) {
        auto const at = [&](int k) { return memory[static_cast<std::size_t>((i + shift[k][0]) * width + j + shift[k][1])]; };
        expected[static_cast<std::size_t>((i + reach) * width + j + reach)] = at(0) * 2 + at(1) - at(2);
      }
    part(reach, reach) = part(shift[0][0], shift[0][1]) * 2 + part(shift[1][0], shift[1][1]) - part(shift[2][0], shift[2][1]);
    CAPTURE(round);
    REQUIRE(memory == expected);
  }
  set_num_threads(threads);
}

TEST_CASE("handles on parts survive writes to the whole") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f, 4.f});
  Tensor<float> const head = x(Slice(0, 2));
  auto const formula = head * 10 + x(Slice(2));
  x = x * 0;
  x[3] = 9;
  CHECK(head(1).item() == 2);
  Tensor<float> const y = formula;
  CHECK(y(0).item() == 13);
  CHECK(y(1).item() == 24);
}

TEST_CASE("a formula with a name keeps its operands when it is assigned to a part of one") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f, 4.f});
  auto const formula = x(Slice(0, 2)) * 10 + x(Slice(2));
  x(Slice(0, 2)) = formula;
  x(Slice(2)) = std::move(formula);
  Tensor<float> const y = formula;
  for (int i = 0; i < 4; ++i) CHECK(x(i).item() == (i % 2 ? 24 : 13));
  CHECK(y(0).item() == 13);
  CHECK(y(1).item() == 24);
}

TEST_CASE("loops over parts write in place") {
  Tensor<float> x = zeros<float>({50, 3});
  x[0] = 1;
  float const* const where = std::as_const(x).data();
  std::int64_t const before = pool_stats().requests;
  for (int i = 1; i < 50; ++i) x[i] = x[i - 1] + 1;
  for (int i = 1; i < 50; ++i) x[i] += x[i - 1];
  for (int i = 1; i < 50; ++i) x[i] = x[0];
  CHECK(std::as_const(x).data() == where);
  CHECK(pool_stats().requests == before);
  CHECK(x(49, 2).item() == 1);
}
