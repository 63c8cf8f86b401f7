// SPDX-License-Identifier: MIT
// Element types: names, and the types of results. The tables hold what torch.promote_types and the dtypes of PyTorch's
// results say for the same pairs (PyTorch 2).
#include <doctest/doctest.h>

#include <limits>
#include <sstream>
#include <tuple>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

using Types = std::tuple<float, double, std::int32_t, std::int64_t, bool>;
constexpr auto f = Dtype::float32, d = Dtype::float64, i = Dtype::int32, l = Dtype::int64, b = Dtype::bool_;

constexpr Dtype sums[5][5] = {{f, d, f, f, f}, {d, d, d, d, d}, {f, d, i, l, i}, {f, d, l, l, l}, {f, d, i, l, b}};
constexpr Dtype quotients[5][5] = {{f, d, f, f, f}, {d, d, d, d, d}, {f, d, f, f, f}, {f, d, f, f, f}, {f, d, f, f, f}};
constexpr Dtype totals[5] = {f, d, l, l, l}, exponentials[5] = {f, d, f, f, f};

template <class F>
constexpr Dtype type_of(F const&) { return dtype_of<value_t<F>>(); }

template <std::size_t A, std::size_t B>
void check_pair() {
  using X = std::tuple_element_t<A, Types>;
  using Y = std::tuple_element_t<B, Types>;
  auto const x = ones<X>({2});
  auto const y = ones<Y>({2});
  CAPTURE(x.dtype());
  CAPTURE(y.dtype());
  CHECK(type_of(x + y) == sums[A][B]);
  CHECK(type_of(maximum(x, y)) == sums[A][B]);
  CHECK(type_of(where(x == y, x, y)) == sums[A][B]);
  CHECK(type_of(x / y) == quotients[A][B]);
  CHECK(type_of(x < y) == b);
}
template <std::size_t A>
void check_type() {
  using X = std::tuple_element_t<A, Types>;
  auto const x = ones<X>({2});
  CHECK(type_of(sum(x)) == totals[A]);
  CHECK(type_of(exp(x)) == exponentials[A]);
  CHECK(type_of(argmax(x)) == l);
  [&]<std::size_t... B>(std::index_sequence<B...>) { (check_pair<A, B>(), ...); }(std::make_index_sequence<5>{});
}

}  // namespace

TEST_CASE("types of results are PyTorch's") {
  [&]<std::size_t... A>(std::index_sequence<A...>) { (check_type<A>(), ...); }(std::make_index_sequence<5>{});
}

TEST_CASE("types of results with 16-bit elements are PyTorch's") {
  auto const h = ones<float16>({2});
  auto const g = ones<bfloat16>({2});
  constexpr auto half = Dtype::float16, brain = Dtype::bfloat16;
  CHECK(type_of(h + h) == half);
  CHECK(type_of(g * g) == brain);
  CHECK(type_of(h + g) == f);
  CHECK(type_of(h + ones<float>({2})) == f);
  CHECK(type_of(ones<double>({2}) / g) == d);
  CHECK(type_of(h + ones<std::int64_t>({2})) == half);
  CHECK(type_of(ones<bool>({2}) * g) == brain);
  CHECK(type_of(h / ones<std::int32_t>({2})) == half);
  CHECK(type_of(h < g) == b);
  CHECK(type_of(sum(h)) == half);
  CHECK(type_of(mean(g)) == brain);
  CHECK(type_of(exp(h)) == half);
  CHECK(type_of(argmax(h)) == l);
  CHECK(type_of(h * 2.5) == half);
  CHECK(type_of(g + 1) == brain);
  CHECK(type_of(where(h > 0, h, 0.5)) == half);
  CHECK(argmax(tensor({float16(1), float16(3), float16(2)})).item() == 1);
}

TEST_CASE("a formula of 16-bit elements is rounded once") {
  Tensor<float16> const x = tensor({float16(300), float16(-2)});
  CHECK(Tensor<float16>(x * x / 300).data()[0] == 300);  // the square alone would be infinite
  CHECK(Tensor<float16>(x * 1e5 / 1e5).data()[0] == 300);  // so would this literal
  Tensor<float16> const square = x * x;
  CHECK(square.data()[0] == std::numeric_limits<float>::infinity());
  CHECK(Tensor<float>(cast<float>(cast<float16>(cast<float>(x) + 0.0001f))).data()[1] == -2);  // a cast rounds, also inside
  Tensor<float16> const many = cast<float16>(arange<float>(37));
  CHECK(Tensor<double>(sum(cast<double>(many) * 2)).item() == 37 * 36);
  CHECK(Tensor<double>(many * ones<double>({37})).data()[36] == 36);
  CHECK(Tensor<std::int32_t>(cast<std::int32_t>(many)).data()[35] == 35);
  Fixed<float16, 2, 2> const fixed(1, 2.5f, 3, 4);
  Fixed<float16, 2, 2> const squares = fixed * fixed / 2;
  CHECK(squares.data()[1] == 3.125f);
}

TEST_CASE("a literal does not widen what it stands beside") {
  CHECK(type_of(ones<float>({2}) * 2.0) == f);
  CHECK(type_of(ones<std::int32_t>({2}) + 1) == i);
  CHECK(type_of(ones<std::int32_t>({2}) * 0.5) == f);
  CHECK(type_of(ones<bool>({2}) + 1) == l);
}

TEST_CASE("names") {
  std::ostringstream out;
  out << zeros<float>({1}).dtype() << " " << dtype_of<bool>() << " " << dtype_of<std::int64_t>() << " " << dtype_of<bfloat16>();
  CHECK(out.str() == "float32 bool int64 bfloat16");
}

TEST_CASE("whole numbers wrap around") {
  constexpr auto most = std::numeric_limits<std::int32_t>::max(), least = std::numeric_limits<std::int32_t>::min();
  auto const high = full<std::int32_t>({3}, most), low = full<std::int32_t>({3}, least);
  auto const is = [](Tensor<std::int32_t> const& x, std::int32_t expected) { CHECK(all(x == expected).item()); };
  is(high + 1, least);
  is(low - 1, most);
  is(high * high, 1);
  is(square(high), 1);
  is(pow(high, 3), most);
  is(-low, least);
  is(abs(low), least);
  CHECK(sum(full<std::int64_t>({4}, std::numeric_limits<std::int64_t>::max())).item() == -4);
  CHECK(prod(full<std::int64_t>({4}, std::numeric_limits<std::int64_t>::max())).item() == 1);
}
