// SPDX-License-Identifier: MIT
// Gradients through elements of 16 bits, beside those of the same formula in float: one rounding of each value and of
// each gradient apart.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

#include "../conformance/operands.hpp"

using namespace wick;
using conformance::sample;

namespace {

template <class H>
Tensor<H> numbers(Dims const& shape, unsigned seed, double low = -1, double high = 1) {
  return conformance::make<H>(sample(shape, dtype_of<H>(), low, high, seed, false));
}

// The largest difference of two gradients, over the largest element.
template <class H>
double distance(Tensor<H> const& got, Tensor<float> const& want) {
  CHECK(got.shape() == want.shape());
  return max(abs(cast<float>(got) - want)).item() / max(abs(want)).item();
}

// The gradients of `f` in each variable, of 16 bits and of floats that hold the same values.
template <class H, class F, class... X>
void check_gradients(F const& f, Tensor<H> const& seed, X const&... values) {
  double const unit = std::numeric_limits<H>::epsilon();
  auto few = std::tuple(Variable<H>(values)...);
  auto wide = std::tuple(Variable<float>(Tensor<float>(cast<float>(values)))...);
  Variable<H> const y = std::apply(f, few);
  Variable<float> const w = std::apply(f, wide);
  CHECK(distance(y.value(), w.value()) <= unit);
  backward(y, seed);
  backward(w, Tensor<float>(cast<float>(seed)));
  auto const check = [&](Variable<H> const& got, Variable<float> const& want) { CHECK(distance(got.grad(), want.grad()) <= 2 * unit); };
  [&]<std::size_t... K>(std::index_sequence<K...>) { (check(std::get<K>(few), std::get<K>(wide)), ...); }(std::index_sequence_for<X...>{});
}

}  // namespace

TEST_CASE_TEMPLATE("gradients of formulas of 16-bit elements", H, float16, bfloat16) {
  Tensor<H> const x = numbers<H>({33, 17}, 1), w = numbers<H>({17}, 2), seed = numbers<H>({33, 17}, 3);
  check_gradients<H>([](auto const& a, auto const& b) { return tanh(a * b + 0.1) * sigmoid(a) + exp(b) / 3; }, seed, x, w);
  check_gradients<H>([](auto const& a, auto const& b) { return sum(a * b, {0}); }, numbers<H>({17}, 4), x, w);
}

// Both kinds take the same way through these: one of them shows it.
TEST_CASE("gradients of formulas of float16, and of bfloat16") {
  using F = float16;
  using B = bfloat16;
  check_gradients<B>([](auto const& a, auto const& b) { return where(a > b, a * a, b); }, numbers<B>({33, 17}, 3), numbers<B>({33, 17}, 1),
                     numbers<B>({17}, 2));
  check_gradients<F>([](auto const& a) { return exp(a - max(a, {-1}, {.keepdim = true})) / sum(exp(a - max(a, {-1}, {.keepdim = true})), {-1}, {.keepdim = true}); },
                     numbers<F>({33, 17}, 3), numbers<F>({33, 17}, 1));
  check_gradients<B>([](auto const& a) { return mean(a * a, {1}); }, numbers<B>({33}, 5), numbers<B>({33, 17}, 1));
  check_gradients<F>([](auto const& a) { return norm(a, {1}); }, numbers<F>({33}, 6), numbers<F>({33, 17}, 1));
  check_gradients<B>([](auto const& a) { return prod(a + 1.5, {0}); }, numbers<B>({17}, 7, 0.01, 0.02), numbers<B>({9, 17}, 8));
  check_gradients<B>([](auto const& a, auto const& b) { return matmul(a, b); }, numbers<B>({3, 5, 4}, 45), numbers<B>({3, 5, 6}, 46), numbers<B>({6, 4}, 47));
  check_gradients<F>([](auto const& a) { return max_pool2d(a, {2, 2}); }, numbers<F>({2, 4, 4, 4}, 51), numbers<F>({2, 4, 9, 9}, 52));
  check_gradients<B>([](auto const& a) { return avg_pool2d(a, {3, 3}); }, numbers<B>({2, 4, 3, 3}, 53), numbers<B>({2, 4, 9, 9}, 54));
  auto const rows = tensor<std::int64_t>({3, 1, 3, 0}), picks = tensor<std::int64_t>({{0, 0, 1}, {3, 3, 3}});
  check_gradients<B>([&](auto const& a) { return index_select(a, 0, rows); }, numbers<B>({4, 7}, 55), numbers<B>({4, 7}, 56));
  check_gradients<F>([&](auto const& a) { return gather(a, 0, picks); }, numbers<F>({2, 3}, 57), numbers<F>({4, 3}, 58));
}

TEST_CASE_TEMPLATE("the largest of 16-bit elements gets the gradient, also of a formula", H, float16, bfloat16) {
  Tensor<H> const x = numbers<H>({33, 17}, 11, 0.0, 4.0), seed = numbers<H>({17}, 12, 0.5, 1.0);
  Variable<H> const v(x);
  Variable<H> const y = max(exp(v) * 1.01, {0});
  backward(y, seed);
  // As many receive something as there are values of exp(x) that round to the largest.
  Tensor<H> const e = cast<H>(exp(x) * 1.01);
  Tensor<bool> const chosen = e == max(e, {0}, {.keepdim = true});
  CHECK(all((v.grad() != 0) == chosen).item());
  CHECK(all(any(chosen, {0})).item());
}

TEST_CASE_TEMPLATE("gradients of 16 bits accumulate", H, float16, bfloat16) {
  Tensor<H> const x = numbers<H>({5, 70}, 21), w = numbers<H>({70}, 22);
  Variable<H> const a(x), b(w);
  for (int i = 0; i < 3; ++i) backward(Variable<H>(sum(a * b + a * a)));
  double const unit = std::numeric_limits<H>::epsilon();
  Tensor<float> const da = 3 * (cast<float>(w) + 2 * cast<float>(x)), db = 3 * sum(cast<float>(x), {0});
  CHECK(distance(a.grad(), da) <= 4 * unit);
  CHECK(distance(b.grad(), db) <= 4 * unit);
  // Thousands of terms are summed as floats: a sum of ones in 16 bits would stop growing.
  Variable<H> const bias(zeros<H>({1}));
  Tensor<H> const ones_of = ones<H>({20000, 1});
  backward(Variable<H>(sum(bias * ones_of)));
  CHECK(bias.grad().item() == H(20000));
}

TEST_CASE_TEMPLATE("gradients of gradients of 16-bit elements", H, float16, bfloat16) {
  Variable<H> const x(numbers<H>({9}, 31));
  Variable<H> const slope = grad(sum(x * x * x), x, {.create_graph = true});
  Tensor<H> const bend = grad(sum(slope), x).value();
  Tensor<float> const want = 6 * cast<float>(x.value());
  CHECK(distance(bend, want) <= 4 * double(std::numeric_limits<H>::epsilon()));
}

TEST_CASE_TEMPLATE("kernels of 16-bit elements and their gradients", H, float16, bfloat16) {
  check_gradients<H>([](auto const& a, auto const& b, auto const& c) { return relu(matmul(a, b) + c); }, numbers<H>({9, 21}, 41),
                     numbers<H>({9, 40}, 42), numbers<H>({40, 21}, 43), numbers<H>({21}, 44));
  check_gradients<H>([](auto const& a, auto const& b) { return conv2d(a, b, {.stride = {2, 1}, .padding = {1, 1}}); }, numbers<H>({2, 6, 5, 9}, 48),
                     numbers<H>({2, 4, 9, 9}, 49), numbers<H>({6, 4, 3, 3}, 50));
}

TEST_CASE_TEMPLATE("floats through 16 bits: gradients reach the floats", H, float16, bfloat16) {
  Tensor<H> const x = numbers<H>({16, 8}, 61);
  Variable<float> const w(cast<float>(numbers<H>({8, 4}, 62)));
  Variable<float> const y = sum(cast<float>(matmul(x, cast<H>(w))) * 0.5);
  backward(y);
  Tensor<float> const want = reshape(sum(cast<float>(x), {0}), {8, 1}) * 0.5 * ones<float>({1, 4});
  CHECK(max(abs(w.grad() - want)).item() <= 4 * double(std::numeric_limits<H>::epsilon()));
}
