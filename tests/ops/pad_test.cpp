// SPDX-License-Identifier: MIT
// Borders around tensors, as torch.nn.functional.pad and numpy.pad make them, and their gradients.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

using namespace wick;

namespace {
std::vector<double> list(Tensor<double> const& x) {
  Tensor<double> const dense = x.contiguous();
  return {dense.data(), dense.data() + dense.numel()};
}
using List = std::vector<double>;
}  // namespace

TEST_CASE("the modes along one dimension") {
  Tensor<double> const x = tensor({1., 2., 3.});
  CHECK(list(pad(x, {1, 2})) == List{0, 1, 2, 3, 0, 0});
  CHECK(list(pad(x, {2, 0}, {.value = 9})) == List{9, 9, 1, 2, 3});
  CHECK(list(pad(x, {-1, 1})) == List{2, 3, 0});
  CHECK(list(pad(x, {-2, -1})).empty());
  CHECK(list(pad(x, {1, 2}, {.mode = "reflect"})) == List{2, 1, 2, 3, 2, 1});
  CHECK(list(pad(x, {2, 4}, {.mode = "replicate"})) == List{1, 1, 1, 2, 3, 3, 3, 3, 3});
  CHECK(list(pad(x, {2, 3}, {.mode = "circular"})) == List{2, 3, 1, 2, 3, 1, 2, 3});
  CHECK(list(pad(x * 2, std::vector<std::int64_t>{0, 1}, {.mode = "circular"})) == List{2, 4, 6, 2});
}

TEST_CASE("several dimensions, the last one first") {
  Tensor<double> const x = tensor({{1., 2.}, {3., 4.}});
  Tensor<double> const y = pad(x, {1, 0, 0, 1});
  CHECK(y.shape() == Dims(3, 3));
  CHECK(list(y) == List{0, 1, 2, 0, 3, 4, 0, 0, 0});
  CHECK(list(pad(x.t(), {1, 1, 1, 0}, {.mode = "reflect"})) == List{4, 2, 4, 2, 3, 1, 3, 1, 4, 2, 4, 2});
  CHECK(list(pad(x, {0, 0, 1, 1}, {.mode = "circular"})) == List{3, 4, 1, 2, 3, 4, 1, 2});
  CHECK(Tensor<double>(pad(x, {})).shape() == Dims(2, 2));
  CHECK(list(pad(x, {0, 0}, {.mode = "reflect"})) == list(x));
  Tensor<float> const image = ones<float>({2, 3, 4, 5});
  CHECK(Tensor<float>(pad(image, {1, 2, 3, 4}, {.mode = "replicate"})).shape() == Dims(2, 3, 11, 8));
  CHECK(Tensor<float>(sum(pad(image, {1, 2, 3, 4}))).item() == 120);
}

TEST_CASE("gradients of both orders, by finite differences") {
  manual_seed(8);
  Variable<double> const x = randn<double>({3, 4});
  for (PadOptions const options : {PadOptions{.value = 2}, PadOptions{"reflect"}, PadOptions{"replicate"}, PadOptions{"circular"}}) {
    CAPTURE(options.mode);
    auto const f = [&](auto const& v) { return Variable<double>(square(pad(v[0] * v[0], {1, 3, 2, 1}, options))); };
    gradcheck(f, {x}, {.rtol = 1e-5, .atol = 1e-6});
    auto const slope = [&](Variable<double> const& v) { return grad(sum(f(std::vector{v})), v, {.create_graph = true}); };
    Tensor<double> const second = grad(sum(slope(x)), x).value();
    // Every element appears `count` times: the slope of count x^4 is 4 count x^3, and its slope 12 count x^2.
    Variable<double> const counted = ones<double>({3, 4});
    backward(sum(pad(counted, {1, 3, 2, 1}, options)));
    Tensor<double> const wanted = 12 * counted.grad() * square(x.value());
    for (int i = 0; i < 12; ++i) CHECK(second.data()[i] == doctest::Approx(wanted.data()[i]));
  }
  Variable<double> const cut = tensor({1., 2., 3.});
  backward(sum(square(pad(cut, {-1, 1}))));
  CHECK(list(cut.grad()) == List{0, 4, 6});
}

TEST_CASE("what does not fit is said") {
  Tensor<double> const x = ones<double>({2, 3});
  auto const says = [&](std::initializer_list<std::int64_t> padding, PadOptions options, char const* words) {
    CHECK_THROWS_WITH_AS(pad(x, padding, options), words, Error);
  };
  says({1}, {}, "pad: 1 numbers; two belong to each dimension, those of the last one first");
  says({1, 1, 1, 1, 1, 1}, {}, "pad: borders of 3 dimensions for a tensor of shape (2, 3)");
  says({-2, -2}, {}, "pad: a border of -2 and -2 leaves nothing of dimension 1 of shape (2, 3)");
  says({0, std::int64_t{1} << 62}, {}, "pad: a border of 0 and 4611686018427387904 at dimension 1 of shape (2, 3) is too large");
  says({3, 0}, {"reflect"}, "pad: mode \"reflect\" cannot pad dimension 1 of shape (2, 3) by 3 and 0; a border is shorter than the dimension");
  says({0, 4}, {"circular"}, "pad: mode \"circular\" cannot pad dimension 1 of shape (2, 3) by 0 and 4; a border is at most as long as the dimension");
  says({-1, 0}, {"replicate"}, "pad: mode \"replicate\" takes no negative padding, such as -1 of dimension 1");
  says({1, 1}, {"mirror"}, "pad: mode \"mirror\" is none of \"constant\", \"reflect\", \"replicate\", \"circular\"");
}
