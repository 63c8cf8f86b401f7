// SPDX-License-Identifier: MIT
// Matrix products: PyTorch's values and gradients, batches, transposes, every layout; finite differences.
#include <doctest/doctest.h>

#include <wick/autograd/gradcheck.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/matmul.hpp>

#include "../reference/cases.hpp"
#include "operands.hpp"

using namespace wick;
using namespace conformance;

namespace {

// The product by three loops, in double.
Values plain_product(Values const& a, Values const& b) {
  Dims const &sa = a.shape, &sb = b.shape;
  std::int64_t const m = sa[sa.size() - 2], k = sa[sa.size() - 1], n = sb[sb.size() - 1];
  Dims lead_a = sa, lead_b = sb;
  lead_a.resize(sa.size() - 2), lead_b.resize(sb.size() - 2);
  Dims const batch = broadcast("matmul", lead_a, lead_b);
  Values y{batch, {}, a.dtype};
  y.shape.push_back(m), y.shape.push_back(n);
  auto const part = [&](Dims const& lead, std::int64_t index) {  // the batch entry that broadcasting takes
    std::int64_t offset = 0, step = 1;
    for (int d = batch.size() - 1; d >= 0; index /= batch[d], --d) {
      int const own = d - (batch.size() - lead.size());
      if (own < 0) continue;
      offset += lead[own] == 1 ? 0 : index % batch[d] * step;
      step *= lead[own];
    }
    return offset;
  };
  for (std::int64_t i = 0; i < batch.numel(); ++i) {
    auto const *pa = a.data.data() + part(lead_a, i) * m * k, *pb = b.data.data() + part(lead_b, i) * k * n;
    for (std::int64_t r = 0; r < m; ++r)
      for (std::int64_t c = 0; c < n; ++c) {
        double total = 0;
        for (std::int64_t t = 0; t < k; ++t) total += pa[r * k + t] * pb[t * n + c];
        y.data.push_back(rounded(total, a.dtype));
      }
  }
  return y;
}

template <class T>
void check_layouts(double tolerance) {
  struct Shapes {
    Dims a, b;
  };
  for (Shapes const& s : {Shapes{{3, 4}, {4, 5}},
                          {{1, 1}, {1, 1}},
                          {{1, 9}, {9, 1}},
                          {{7, 1}, {1, 6}},
                          {{33, 17}, {17, 65}},
                          {{0, 4}, {4, 3}},
                          {{3, 0}, {0, 2}},
                          {{2, 3, 4}, {4, 5}},
                          {{2, 3, 4}, {2, 4, 5}},
                          {{3, 4}, {2, 4, 5}},
                          {{2, 1, 3, 4}, {5, 4, 2}},
                          {{1, 3, 4}, {6, 4, 2}},
                          {{2, 0, 4}, {4, 3}},
                          {{0, 3, 4}, {4, 3}},
                          {{130, 70}, {70, 90}}}) {
    std::vector<Placement> const left = placements(s.a), right = placements(s.b);
    for (std::size_t p = 0; p < left.size(); ++p)
      for (std::size_t q = 0; q < right.size(); ++q) {
        Values const a = sample(s.a, dtype_of<T>(), -1, 1, 3, false), b = sample(s.b, dtype_of<T>(), -1, 1, 4, false);
        Tensor<T> const y = matmul(make<T>(Input{a, left[p]}), make<T>(Input{b, right[q]}));
        // Elements of 16 bits are sums of floats, rounded: another order may give the neighbour.
        std::string const wrong = difference(values_of(y), plain_product(a, b), {Half<T> ? 1.0 : 0.0, tolerance});
        std::ostringstream what;
        what << s.a << ' ' << left[p].name << " times " << s.b << ' ' << right[q].name;
        CHECK_MESSAGE(wrong.empty(), what.str() << ": " << wrong);
      }
  }
}

}  // namespace

TEST_CASE("matrix products of every layout (float)") { check_layouts<float>(2e-5); }
TEST_CASE("matrix products of every layout (double)") { check_layouts<double>(1e-13); }
TEST_CASE("matrix products of every layout (float16)") { check_layouts<float16>(2e-5); }
TEST_CASE("matrix products of every layout (bfloat16)") { check_layouts<bfloat16>(2e-5); }

TEST_CASE("matrix products give PyTorch's values and gradients") {
  int count = 0;
  for (reference::Case const& c : reference::read_cases("formulas.txt")) {
    if (c.name != "matmul") continue;
    ++count;
    auto const tensor_of = [&](char const* label) { return make<double>(Values{c[label].shape, c[label].data}); };
    for (bool graph : {false, true}) {
      Variable<double> const a(tensor_of("x0")), b(tensor_of("x1"));
      Variable<double> const y = matmul(a, b);
      CHECK(difference(values_of(y.value()), {c["y"].shape, c["y"].data}, {8, 1e-14}).empty());
      Tensor<double> da, db;
      if (graph) {
        Variable<double> const total = sum(y * tensor_of("seed"));
        da = grad(total, a, {.create_graph = true}).value(), db = grad(total, b, {.create_graph = true}).value();
      } else {
        backward(y, tensor_of("seed"));
        da = a.grad(), db = b.grad();
      }
      std::ostringstream what;
      what << a.shape() << " times " << b.shape() << (graph ? " as a graph" : "");
      std::string const wrong_a = difference(values_of(da), {c["d0"].shape, c["d0"].data}, {8, 1e-13});
      std::string const wrong_b = difference(values_of(db), {c["d1"].shape, c["d1"].data}, {8, 1e-13});
      CHECK_MESSAGE(wrong_a.empty(), what.str() << ", first: " << wrong_a);
      CHECK_MESSAGE(wrong_b.empty(), what.str() << ", second: " << wrong_b);
    }
  }
  CHECK(count >= 11);
}

TEST_CASE("gradients through products, transposes and what runs in their tiles") {
  auto const leaf = [](Dims const& shape, unsigned seed) {
    return Variable<double>(make<double>(sample(shape, Dtype::float64, -1, 1, seed, false)));
  };
  GradcheckOptions const options{.rtol = 1e-6, .atol = 1e-7};
  Variable<double> const a = leaf({3, 4}, 1), b = leaf({4, 5}, 2), bias = leaf({5}, 3), square_matrix = leaf({4, 4}, 4),
                         batch = leaf({2, 3, 4}, 5), other = leaf({2, 1, 4, 3}, 6);
  gradcheck([](auto const& x) { return matmul(x[0], x[1]); }, {a, b}, options);
  gradcheck([](auto const& x) { return tanh(matmul(x[0], x[1]) + x[2]); }, {a, b, bias}, options);
  gradcheck([](auto const& x) { return tanh(matmul(x[0], x[1])) * x[2] + matmul(x[0], x[1]); }, {a, b, bias}, options);
  gradcheck([](auto const& x) { return matmul(transpose(x[0], 0, 1), x[0]); }, {a}, options);
  gradcheck([](auto const& x) { return matmul(x[0], x[0]) * x[0]; }, {square_matrix}, options);
  gradcheck([](auto const& x) { return matmul(matmul(x[0], x[1]), transpose(matmul(x[0], x[1]), 0, 1)); }, {a, b},
            options);
  gradcheck([](auto const& x) { return matmul(x[0], x[1]); }, {batch, b}, options);
  gradcheck([](auto const& x) { return matmul(x[0], x[1]); }, {batch, other}, options);
  gradcheck([](auto const& x) { return sum(relu(matmul(exp(x[0]), tanh(x[1]) * 2.0)), {0}) + x[2]; }, {a, b, bias},
            options);
  gradcheck([](auto const& x) { return dot(x[0], tanh(x[0])); }, {bias}, options);
  gradcheck([](auto const& x) { return softmax(matmul(x[0], x[1]) + x[2], 1); }, {a, b, bias}, options);
  gradcheck(
      [](auto const& x) {
        auto const shared = matmul(x[0], x[1]);  // one product, asked for twice
        return shared * shared + exp(shared);
      },
      {a, b}, options);
  // Second order: the gradient of a sum of squares of the gradient.
  auto const penalty = [](auto const& x) {
    EnableGrad const recording;
    Variable<double> const g = grad(sum(tanh(matmul(x[0], x[1]))), x[0], {.create_graph = true});
    return sum(g * g);
  };
  gradcheck(penalty, {a, b}, options);
}
