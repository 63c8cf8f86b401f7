// SPDX-License-Identifier: MIT
// Copies between layouts and formulas of transposed tensors, against plain loops over positions: shapes that cross the
// edges of registers and tiles by one, strides of every kind, elements of every size.
#include <doctest/doctest.h>

#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

template <class T>
Tensor<T> counted(Dims const& shape) {
  Tensor<T> x = empty<T>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<T>(i % 113);
  return x;
}

// The element at `position` of row-major order.
template <class T>
T element(Tensor<T> const& x, std::int64_t position) {
  std::int64_t offset = 0;
  for (int d = x.dim() - 1; d >= 0; --d) {
    offset += position % x.shape()[d] * x.strides()[d];
    position /= x.shape()[d];
  }
  return x.data()[offset];
}

template <class T>
bool same(Tensor<T> const& dense, Tensor<T> const& x) {
  bool equal = dense.shape() == x.shape() && dense.is_contiguous();
  for (std::int64_t i = 0; equal && i < x.numel(); ++i) equal = std::as_const(dense).data()[i] == element(x, i);
  return equal;
}

// A copy into fresh memory, and one into every second place of a larger tensor.
template <class T>
void check(Tensor<T> const& x) {
  CHECK(same(x.clone(), x));
  Dims room = x.shape();
  for (auto& extent : room) extent = 2 * extent + 1;
  Tensor<T> y = counted<T>(room), before = y.clone();
  Layout places{room};
  std::int64_t offset = 0;
  for (int d = 0; d < x.dim(); ++d) {
    places.strides[d] *= 2;
    offset += y.strides()[d];
  }
  View<T> part(y.data() + offset, Layout(x.shape(), places.strides));
  part = x;
  CHECK(same(Tensor<T>(y.share({offset, Layout(x.shape(), places.strides)})).clone(), x));
  std::int64_t changed = 0;  // nothing but those places was written
  for (std::int64_t i = 0; i < y.numel(); ++i) changed += y.data()[i] != before.data()[i];
  CHECK(changed <= x.numel());
}

template <class T>
void check_layouts(Dims const& shape) {
  Tensor<T> const x = counted<T>(shape);
  int const rank = shape.size();
  Axes order;
  for (int d = rank - 1; d >= 0; --d) order.push_back(d);
  check(x.permute(order));
  if (rank == 3) check(x.permute({0, 2, 1})), check(x.permute({1, 2, 0})), check(x.permute({2, 0, 1}));
  for (std::int64_t step : {-1, -2, 2, 3, 4})
    if (rank >= 1) {
      Layout turned = x.layout();
      std::int64_t offset = 0;
      for (int d = 0; d < rank; ++d) {
        std::int64_t const extent = shape[d], kept = step < 0 ? (extent - step - 1) / -step : (extent + step - 1) / step;
        if (step < 0 && extent > 0) offset += (extent - 1) * turned.strides[d];
        turned.shape[d] = kept, turned.strides[d] *= step;
      }
      Tensor<T> const y = x.share({offset, Layout(turned.shape, turned.strides)});
      check(y);
      check(y.permute(order));
    }
  Dims wide = shape;
  wide.push_back(5);
  Dims one = shape;
  one.push_back(1);
  check(x.share({0, broadcast_to(Layout(one), wide)}));
}

}  // namespace

TEST_CASE("copies of every layout have every element in its place") {
  for (std::int64_t rows : {0, 1, 3, 4, 7, 8, 9, 16, 17, 63, 65})
    for (std::int64_t columns : {1, 2, 3, 5, 8, 15, 16, 17, 33}) {
      check_layouts<float>({rows, columns});
      if (columns % 2) check_layouts<double>({rows, columns});
    }
  for (std::int64_t rows : {1, 5, 64, 67})
    for (std::int64_t columns : {3, 16, 18}) {
      check_layouts<bool>({rows, columns});
      check_layouts<std::int16_t>({rows, columns});
      check_layouts<std::int64_t>({rows, columns});
      check_layouts<float>({3, rows, columns});
      check_layouts<std::uint8_t>({rows, 2, columns});
    }
  for (std::int64_t n : {0, 1, 2, 15, 16, 17, 63, 64, 65, 129, 513, 5000}) check_layouts<float>({n});
  check_layouts<double>({});
}

TEST_CASE("large copies are written past the caches, by any number of threads") {
  int const before = num_threads();
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    auto const x = counted<float>({3700, 3500});
    CHECK(same(x.t().clone(), x.t()));
    Tensor<float> const middle = x(Slice(), Slice(1, 3499));
    CHECK(same(middle.clone(), middle));
    auto const y = counted<double>({130, 70, 50});
    CHECK(same(y.permute({2, 1, 0}).clone(), y.permute({2, 1, 0})));
  }
  set_num_threads(before);
}

TEST_CASE("formulas of transposed tensors, of every element type") {
  auto const check_sum = [](auto zero) {
    using T = decltype(zero);
    for (std::int64_t rows : {4, 15, 17, 255, 257})
      for (std::int64_t columns : {4, 16, 17, 33}) {
        auto const x = counted<T>({columns, rows}), y = counted<T>({rows, columns});
        Layout turned = x.layout();
        turned.strides[0] *= -1;
        Tensor<T> const backwards = x.share({(columns - 1) * x.strides()[0], Layout(turned.shape, turned.strides)});
        Tensor<T> const z = x.t() + y, w = backwards.t() + y + x.t();
        bool equal = true;
        for (std::int64_t i = 0; i < rows; ++i)
          for (std::int64_t j = 0; j < columns; ++j) {
            T const a = x.data()[j * rows + i], b = y.data()[i * columns + j], c = x.data()[(columns - 1 - j) * rows + i];
            equal &= z.data()[i * columns + j] == static_cast<T>(a + b) && w.data()[i * columns + j] == static_cast<T>(a + b + c);
          }
        CHECK(equal);
      }
  };
  check_sum(0.f), check_sum(0.0), check_sum(std::int32_t{0}), check_sum(std::int64_t{0});
}

TEST_CASE("matrices turned in registers: every size below three registers, and what lies between the rows stays") {
  constexpr std::int64_t most = 37;
  auto const check_words = [&]<class Word>(Word) {
    std::vector<Word> x(most * (most + 2)), y(most * (most + 3));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<Word>(i % 251 + 1);
    for (std::int64_t rows = 1; rows <= most; ++rows)
      for (std::int64_t columns = 1; columns <= most; ++columns)
        for (std::int64_t gap : {0, 2}) {
          std::int64_t const from = columns + gap, to = rows + gap;
          std::fill(y.begin(), y.end(), Word(0));
          backend::cpu::turn(sizeof(Word), x.data(), 0, from, y.data(), 0, to, rows, columns);
          bool right = true;
          for (std::int64_t k = 0; k < static_cast<std::int64_t>(y.size()); ++k) {
            std::int64_t const j = k / to, i = k % to;
            right &= y[static_cast<std::size_t>(k)] == (j < columns && i < rows ? x[static_cast<std::size_t>(i * from + j)] : Word(0));
          }
          if (!right) FAIL_CHECK("words of ", sizeof(Word), " bytes, ", rows, " rows, ", columns, " columns, gap ", gap);
        }
  };
  check_words(std::uint8_t{});
  check_words(std::uint16_t{});
  check_words(std::uint32_t{});
  check_words(std::uint64_t{});
}
