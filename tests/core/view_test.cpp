// SPDX-License-Identifier: MIT
// Views of somebody else's memory: any strides, read and written in place, safe where they overlap.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

namespace {
std::vector<double> counted(int n) {
  std::vector<double> memory(static_cast<std::size_t>(n));
  std::iota(memory.begin(), memory.end(), 0.);
  return memory;
}
using Doubles = std::vector<double>;
}  // namespace

TEST_CASE("a view reads and writes the memory it was given") {
  Doubles memory = counted(6);
  std::int64_t const rows = 2, columns = 3;
  View<double> borrowed(memory.data(), {rows, columns}, {columns, 1});
  CHECK(borrowed.shape() == Dims(2, 3));
  CHECK(borrowed.dim() == 2);
  CHECK(borrowed.size(-1) == 3);
  CHECK(borrowed.numel() == 6);
  borrowed = borrowed * 2;
  CHECK(memory == Doubles{0, 2, 4, 6, 8, 10});
  borrowed += 1;
  borrowed(1, 2) = -1;
  CHECK(memory == Doubles{1, 3, 5, 7, 9, -1});
  borrowed = 4;
  CHECK(memory == Doubles(6, 4));
  borrowed = tensor({1., 2., 3.});
  CHECK(memory == Doubles{1, 2, 3, 1, 2, 3});
  View<double>(memory.data(), {1}) = 8;
  CHECK(memory[0] == 8);
}

TEST_CASE("copying a view copies the reference, assigning one writes elements") {
  Doubles a = counted(3), b(3, 7);
  View<double> va(a.data(), {3}), vb(b.data(), {3});
  View<double> again = va;
  again = vb;
  CHECK(a == b);
  b[0] = 1;
  CHECK(a[0] == 7);
  va = View<double const>(b.data(), {3});
  CHECK(a[0] == 1);
}

TEST_CASE("strided, negative and repeated elements") {
  Doubles memory = counted(12);
  View<double> matrix(memory.data(), {3, 4});
  View<double> turned(memory.data(), {4, 3}, {1, 4});
  View<double> backwards(memory.data() + 11, {3, 4}, {-4, -1});
  View<double> every_other(memory.data(), {6}, {2});
  Tensor<double> const t = turned;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 3; ++j) CHECK(t(i, j).item() == j * 4 + i);
  CHECK(Tensor<double>(sum(backwards)).item() == 66);
  CHECK(Tensor<double>(backwards)(0, 0).item() == 11);
  every_other = -every_other;
  CHECK(memory == Doubles{0, 1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11});
  backwards(Slice(0, 1), Slice()) = tensor({100., 101., 102., 103.});
  CHECK(matrix(2, 3) == 100);
  CHECK(matrix(2, 0) == 103);
  View<double const> repeated(memory.data() + 1, {2, 3}, {0, 0});
  CHECK(Tensor<double>(sum(repeated)).item() == 6);
  CHECK(matrix(1, Slice()).shape() == Dims(4));
  CHECK(matrix(Ellipsis, newaxis).shape() == Dims(3, 4, 1));
  CHECK(every_other[4] == 103);
}

TEST_CASE("views that overlap what they are assigned from") {
  Doubles memory = counted(8);
  View<double> all(memory.data(), {8}), head(memory.data(), {7}), tail(memory.data() + 1, {7});
  tail = head + 0;
  CHECK(memory == Doubles{0, 0, 1, 2, 3, 4, 5, 6});
  head = tail;
  CHECK(memory == Doubles{0, 1, 2, 3, 4, 5, 6, 6});
  View<double> backwards(memory.data() + 7, {8}, {-1});
  all = backwards;
  CHECK(memory == Doubles{6, 6, 5, 4, 3, 2, 1, 0});
  all = all + backwards;
  CHECK(memory == Doubles{6, 7, 7, 7, 7, 7, 7, 6});
  all = all / sum(all);
  CHECK(all[0] == doctest::Approx(6. / 54));
  memory = counted(9);
  View<double> square(memory.data(), {3, 3}), turned(memory.data(), {3, 3}, {1, 3});
  square = turned;
  CHECK(memory == Doubles{0, 3, 6, 1, 4, 7, 2, 5, 8});
  square += turned;
  CHECK(memory == Doubles{0, 4, 8, 4, 8, 12, 8, 12, 16});
  square = square - mean(square, {0}, {.keepdim = true});
  CHECK(memory == Doubles{-4, -4, -4, 0, 0, 0, 4, 4, 4});
}

TEST_CASE("memory without alignment") {
  alignas(64) char bytes[68 * sizeof(float) + 1];
  float values[67];
  for (int i = 0; i < 67; ++i) values[i] = static_cast<float>(i);
  std::memcpy(bytes + sizeof(float), values, sizeof values);
  auto* const first = reinterpret_cast<float*>(bytes + sizeof(float));  // aligned as a float, not as a register
  View<float> x(first, {67});
  x = x * 2 + 1;
  for (int i = 0; i < 67; ++i) REQUIRE(first[i] == 2 * static_cast<float>(i) + 1);
  CHECK(Tensor<float>(sum(x)).item() == 67 * 66 + 67);
}

TEST_CASE("a tensor's view sees its own elements only") {
  Tensor<float> x = tensor({1.f, 2.f, 3.f});
  Tensor<float> const y = x;
  View<float> v = x.view();
  for (int i = 0; i < 3; ++i) v(i) *= 10;
  CHECK(x(2).item() == 30);
  CHECK(y(2).item() == 3);
  View<float const> const r = y.view();
  CHECK(r(1) == 2);
  Tensor<float> turned = tensor({{1.f, 2.f}, {3.f, 4.f}}).t();
  Tensor<float> const other = turned;
  turned.view()(0, 1) = 30;
  CHECK(turned(0, 1).item() == 30);
  CHECK(other(0, 1).item() == 3);
}

TEST_CASE("an element that is not there") {
  Doubles memory = counted(6);
  View<double> const v(memory.data(), {2, 3});
  auto const at = [&](auto... position) -> double& { return v.operator()<true>(position...); };
  CHECK(at(1, 2) == 5);
  CHECK_THROWS_WITH_AS(at(-1, 0), "index: -1 is out of range for dimension 0 of a view of shape (2, 3); positions of an element are not counted from the end", Error);
  CHECK_THROWS_WITH_AS(at(0, 3), "index: 3 is out of range for dimension 1 of a view of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(at(1, 1, 1), "index: 3 positions for an element of a view of shape (2, 3); v(i, Ellipsis) is a part, v.flat() all elements in a row", Error);
  CHECK_THROWS_AS(at(0), Error);
  CHECK_THROWS_AS(at(), Error);
  CHECK_THROWS_AS(v.operator[]<true>(1), Error);
  CHECK_THROWS_AS(at(0ull, ~0ull), Error);
  CHECK(&v.operator()<false>(1, 0) == memory.data() + 3);
  // The rank is checked once, where a loop by hand begins.
  Tensor<double> x = zeros<double>({2, 3});
  auto const known = x.view<2>();
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j) known(i, j) = 10 * i + j;
  CHECK(x(1, 2).item() == 12);
  CHECK(std::as_const(x).view<2>()(0, 1) == 1);
  CHECK_THROWS_AS(x.view<1>(), Error);
  for (double& element : x.view().flat()) element += 1;
  CHECK(x(1, 2).item() == 13);
}

TEST_CASE("views of views") {
  Doubles memory = counted(12);
  View<double> const v(memory.data(), {3, 4}), turned = v.t();
  CHECK(turned(3, 1) == 7);
  CHECK(v.transpose(-1, 0)(3, 1) == 7);
  CHECK(v.reshape({2, 3, -1})(1, 0, 1) == 7);
  CHECK(v.permute({1, 0}).reshape({2, 2, 3})(1, 0, 2) == 10);
  CHECK(v(Slice(), Slice(0, 4, 2)).reshape({-1})(3) == 6);
  CHECK(v(Slice(), Slice(0, 2)).reshape({3, 2, 1, 1}).strides()[1] == 1);
  CHECK(v(Slice(0, 0)).t().reshape({0, 7}).shape() == Dims(0, 7));
  CHECK_THROWS_WITH_AS(turned.flat(), "reshape: elements of shape (4, 3) that do not lie in row-major order cannot be seen as (12,) without copying them", Error);
  CHECK_THROWS_AS(v(Slice(), Slice(0, 3)).reshape({9}), Error);
  CHECK_THROWS_AS(v.reshape({5, -1}), Error);
  CHECK(v(1, 2) == v[Slice(1)](0, 2));
  View<double const> const read_only = v;  // and with other knowledge of the extents
  View<double, Shape<Dyn, 4>> const four = v;
  CHECK_THROWS_AS((View<double, Shape<3, 3>>(v)), Error);
  CHECK((read_only(2, 3) == 11 && four(2, 3) == 11));
  // Rows are views, and are written.
  double sum_of_rows = 0;
  for (auto row : v) {
    sum_of_rows += row(0);
    row *= 2;
  }
  CHECK(sum_of_rows == 12);
  CHECK(memory[11] == 22);
  v(0, Ellipsis) = 7;
  v(Slice(), 1) = v(Slice(), 3);
  CHECK((memory[0] == 7 && memory[5] == 14));
  CHECK_THROWS_AS(static_cast<void>(v(0, 0, Ellipsis).end()), Error);
  // Elements in equal steps are what the algorithms of std walk over.
  auto const column = View<double>(memory.data() + 11, {3}, {-4}).flat();
  std::sort(column.begin(), column.end());
  CHECK(std::is_sorted(column.begin(), column.end()));
  CHECK(std::accumulate(column.begin(), column.end(), 0.) == 7 + 14 + 22);
}

TEST_CASE("exchanging views, and assigning through a const one") {
  Doubles a = counted(3), b(3, 7);
  View<double> va(a.data(), {3}), vb(b.data(), {3});
  swap(va, vb);
  std::ranges::swap(va, vb);
  swap(va, vb);
  CHECK((va.data() == b.data() && vb.data() == a.data() && a == counted(3) && b == Doubles(3, 7)));
  std::vector<View<double>> both{va, vb};
  std::reverse(both.begin(), both.end());
  CHECK((both[0].data() == a.data() && a == counted(3) && b == Doubles(3, 7)));
  va.rebind(vb);
  CHECK(va.data() == a.data());
  View<double> const fixed(b.data(), {3});
  fixed = va;
  CHECK(b == counted(3));
  fixed += 1;
  fixed = View<double>(a.data(), {3});
  View<double>(b.data(), {3}) = View<double>(a.data() + 2, {1});
  CHECK(b == Doubles(3, 2));
}

TEST_CASE("what does not fit says so") {
  Doubles memory = counted(6);
  View<double> v(memory.data(), {2, 3});
  CHECK_THROWS_WITH_AS(v = zeros<double>({2}),
                       "assign: a value of shape (2,) does not broadcast to the target of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(v = zeros<double>({1, 2, 3}),
                       "assign: a value of shape (1, 2, 3) does not broadcast to the target of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(View<double>(memory.data(), {2, 3}, {1}),
                       "a layout of 2 dimensions needs as many strides, but has 1", Error);
  CHECK_THROWS_WITH_AS((View<double, Shape<2, 4>>(memory.data(), {2, 3})),
                       "View: dimension 1 of the target is 4, the value has shape (2, 3)", Error);
  CHECK(memory == counted(6));
}

TEST_CASE("bool and integer memory") {
  std::int64_t numbers[] = {5, -3, 7, 0};
  bool flags[4];
  View<bool>(flags, {2, 2}) = View<std::int64_t const>(numbers, {2, 2}, {1, 2}) > 0;
  CHECK((flags[0] && flags[1] && !flags[2] && !flags[3]));
  View<std::int64_t> v(numbers, {4});
  v = where(v > 0, v, -v);
  CHECK(numbers[1] == 3);
  CHECK(numbers[2] == 7);
}
