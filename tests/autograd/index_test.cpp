// SPDX-License-Identifier: MIT
// Subscripts of variables: values as those of tensors, gradients zero outside of the region, to any order.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

using namespace wick;

TEST_CASE("a subscript of a variable selects what it selects of a tensor") {
  Tensor<double> const t = arange<double>(0, 24, 1).reshape({2, 3, 4});
  Variable<double> const x = t;
  auto const same = [](Variable<double> const& found, Tensor<double> const& expected) {
    CHECK(found.shape() == expected.shape());
    CHECK(all(found.value() == expected).item());
  };
  same(x(1), t(1));
  same(x[-1], t[-1]);
  same(x(0, 1, 2), t(0, 1, 2));
  same(x(Slice(), Slice(0, 3, 2)), t(Slice(), Slice(0, 3, 2)));
  same(x(Ellipsis, Slice({}, {}, -1)), t(Ellipsis, Slice({}, {}, -1)));
  same(x(1, newaxis, Slice(1, 1)), t(1, newaxis, Slice(1, 1)));
  CHECK_THROWS_WITH_AS(x(2), "index: 2 is out of range for dimension 0 of a tensor of shape (2, 3, 4)", Error);
  CHECK_THROWS_AS(x(0, 0, 0, 0), Error);
}

TEST_CASE("gradients of subscripts") {
  Variable<double> const x = randn<double>({3, 4}), y = randn<double>({2});
  auto const f = [](auto const& v) {
    return v[0](0) * v[0](1, Ellipsis) * exp(v[0](-1, Slice({}, {}, -1))) + v[1](newaxis, 1) * v[0](Slice(1, 1), 2, newaxis);
  };
  CHECK_THROWS_AS(f(std::vector<Variable<double>>{x, y(0)}), Error);  // a subscript of a number
  CHECK(gradcheck(f, {x, y}));
  // An empty region sends nothing back.
  x.zero_grad();
  backward(sum(x(Slice(2, 2))));
  CHECK(all(x.grad() == 0).item());
}

TEST_CASE("gradients of gradients of subscripts") {
  Variable<double> const x = tensor({{1., 2., 3.}, {4., 5., 6.}});
  Variable<double> const d = grad(sum(pow(x(1, Slice(0, 2)), 3.0)), x, {.create_graph = true});
  Variable<double> const dd = grad(sum(square(d)), x);  // 36 x^3 in the region
  CHECK(all(isclose(dd.value(), tensor({{0., 0., 0.}, {2304., 4500., 0.}}))).item());
}
