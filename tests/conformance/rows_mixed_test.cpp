// SPDX-License-Identifier: MIT
// Row formulas in which parts look alike, operands are broadcast, or reductions run over several axes.
#include <doctest/doctest.h>

#include <wick/autograd/gradcheck.hpp>
#include <wick/tensor.hpp>

using namespace wick;

TEST_CASE("rows that only look alike are not mixed up") {
  // Equal types, different tensors: the row plan may share nothing between them.
  Tensor<double> const a = tensor({{1., 2., 3.}, {4., 5., 6.}}), b = tensor({{0., 1., 0.}, {2., 2., 2.}});
  Tensor<double> const y = exp(a) / sum(exp(b), {1}, {.keepdim = true});
  Variable<double> const u(a), v(b);
  Variable<double> const w = exp(u) / sum(exp(v), {1}, {.keepdim = true});
  for (int i = 0; i < 2; ++i) {
    double total = 0;
    for (int j = 0; j < 3; ++j) total += std::exp(b(i, j).item());
    for (int j = 0; j < 3; ++j) {
      CHECK(y(i, j).item() == doctest::Approx(std::exp(a(i, j).item()) / total));
      CHECK(w.value()(i, j).item() == doctest::Approx(std::exp(a(i, j).item()) / total));
    }
  }
  gradcheck([](auto const& x) { return exp(x[0]) / sum(exp(x[1]), {1}, {.keepdim = true}); }, {u, v}, {.rtol = 1e-6});
  // Numbers that differ only in value.
  gradcheck([](auto const& x) { return exp(x[0] * 2.0) / sum(exp(x[0] * 3.0), {1}, {.keepdim = true}); }, {u},
            {.rtol = 1e-6});
  // A row formula over broadcast operands: the gradient of the narrow one is summed.
  Variable<double> const narrow(tensor({0.1, 0.2, 0.3})), column(tensor({{0.5}, {1.5}}));
  gradcheck([](auto const& x) { return softmax(x[0] + x[1] * x[2], 1); }, {u, narrow, column}, {.rtol = 1e-6});
  gradcheck([](auto const& x) { return softmax(x[0] + x[1] * x[2], 0); }, {u, narrow, column}, {.rtol = 1e-6});
  gradcheck([](auto const& x) { return x[0] - amax(x[0], {1}, {.keepdim = true}) * x[1]; }, {u, narrow},
            {.rtol = 1e-6});
  gradcheck(
      [](auto const& x) { return x[0] / norm(x[0], {1}, {.keepdim = true}) + prod(x[0], {1}, {.keepdim = true}); }, {u},
      {.rtol = 1e-6});
  // Reductions over different axes, of the same variable.
  gradcheck([](auto const& x) { return x[0] / sum(x[0], {0}, {.keepdim = true}) - mean(x[0], {1}, {.keepdim = true}); },
            {u}, {.rtol = 1e-6});
  gradcheck([](auto const& x) { return x[0] / sum(x[0]) - mean(x[0] * x[1], {0}); }, {u, narrow}, {.rtol = 1e-6});
}
