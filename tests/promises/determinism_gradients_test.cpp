// SPDX-License-Identifier: MIT
// P6: gradients have the same bits for 1, 2, 3 and 8 threads, those of broadcast operands too.
#include <wick/autograd/backward.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/matmul.hpp>

#include "bits.hpp"

using namespace bits;

TEST_CASE("gradients have the same bits for any number of threads") {
  Tensor<float> const x = noise({300, 1111}, 1), seed = noise({300, 1111}, 10);
  auto const gradients = [](auto const& function, std::vector<Tensor<float>> const& values,
                            Tensor<float> const& outer) {
    std::vector<Variable<float>> leaves;
    for (auto const& value : values) leaves.push_back(Variable<float>(value));
    Variable<float> const y = function(leaves);
    backward(y, outer);
    Results results{y.value()};
    for (auto const& leaf : leaves) results.push_back(leaf.grad());
    return results;
  };
  Tensor<float> const row = noise({1111}, 2), column = noise({300, 1}, 3), number = noise({}, 4);
  check("broadcast operands", [&] {
    return gradients([](auto const& v) { return tanh(v[0] * v[1] + v[2]) * v[3]; }, {x, row, column, number}, seed);
  });
  check("only narrow operands", [&] {
    return gradients([](auto const& v) { return v[0] * v[1]; }, {row, column}, seed);
  });
  check("one number", [&] { return gradients([&](auto const& v) { return exp(v[0]) * x; }, {number}, seed); });
  check("a variable on both sides", [&] {
    return gradients([](auto const& v) { return v[0] * v[1] + v[1] * v[1]; }, {x, row}, seed);
  });
  check("rows", [&] {
    return gradients([](auto const& v) { return softmax(v[0] + v[1], 1) * v[2]; }, {x, row, row}, seed);
  });
  check("columns", [&] { return gradients([](auto const& v) { return softmax(v[0] * v[1], 0); }, {x, column}, seed); });
  check("layer norm", [&] {
    return gradients([](auto const& v) { return layer_norm(v[0], v[1], v[2]); }, {x, row, row}, seed);
  });
  check("reductions", [&] {
    return gradients(
        [](auto const& v) {
          return sum(v[0] * v[1], {0}) + mean(square(v[0]), {0}) + norm(v[0], {0}) + max(v[0], {0});
        },
        {x, column}, noise({1111}, 11));
  });
  check("a full sum", [&] {
    return gradients([](auto const& v) { return sum(tanh(v[0] * v[1])); }, {x, row}, ones<float>({}));
  });
  check("products", [&] {
    return gradients([](auto const& v) { return relu(matmul(v[0], v[1]) + v[2]); },
                     {x, noise({1111, 65}, 12), noise({65}, 13)}, noise({300, 65}, 14));
  });
}

TEST_CASE("gradients of many broadcast rows are right, not only reproducible") {
  // Chunks, blocks and threads against plain sums.
  for (Dims const& shape : {Dims(300, 1111), Dims(70001, 3), Dims(3, 70001), Dims(40, 50, 60)}) {
    std::int64_t const width = shape[shape.size() - 1], rows = shape.numel() / width;
    Tensor<float> const x = noise(shape, 21);
    Variable<float> const row(noise(Dims(width), 22)), number(0.5f);
    backward(sum(x * row * number));
    double total = 0, worst = 0;
    for (std::int64_t j = 0; j < width; ++j) {
      double here = 0;
      for (std::int64_t i = 0; i < rows; ++i) here += x.data()[i * width + j];
      worst = std::max(worst, std::abs(0.5 * here - static_cast<double>(row.grad().data()[j])) / (1 + std::abs(here)));
      total += here * static_cast<double>(row.value().data()[j]);
    }
    CHECK(worst < 1e-5);
    CHECK(static_cast<double>(number.grad().item()) == doctest::Approx(total).epsilon(1e-4));
  }
}
