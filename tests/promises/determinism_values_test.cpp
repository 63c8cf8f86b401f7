// SPDX-License-Identifier: MIT
// P6: values have the same bits for 1, 2, 3 and 8 threads.
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/matmul.hpp>

#include "bits.hpp"

using namespace bits;

TEST_CASE("values have the same bits for any number of threads") {
  Tensor<float> const x = noise({300, 1111}, 1), row = noise({1111}, 2), column = noise({300, 1}, 3),
                      cube = noise({40, 50, 60}, 4);
  Tensor<float> const line = noise({1000003}, 5);
  check("maps", [&]() -> Results { return {exp(x) * row + column, tanh(x.t())}; });
  check("sums", [&]() -> Results {
    return {sum(x), sum(line), sum(x, {0}), sum(x, {1}), sum(cube, {1}), sum(cube, {0, 2}), sum(x.t(), {0})};
  });
  check("other reductions", [&]() -> Results {
    return {mean(line), norm(x), norm(x, {0}), prod(x + 1.4f, {0}), max(x, {1}), min(line), mean(cube, {0, 1})};
  });
  check("sums of formulas", [&]() -> Results {
    return {sum(exp(x) * row), sum(x * column, {0}), sum(square(line) + 1)};
  });
  check("rows", [&]() -> Results { return {softmax(x, 1), softmax(x, 0), layer_norm(x), log_softmax(cube, 1)}; });
  check("products", [&]() -> Results {
    return {matmul(x, x.t()), relu(matmul(cube, noise({60, 33}, 6)) + noise({33}, 7))};
  });
  check("long and narrow", [&]() -> Results {
    return {sum(noise({3, 200000}, 8), {1}), sum(noise({200000, 3}, 9), {0}), sum(noise({200000, 1, 2}, 9), {0, 1})};
  });
}
