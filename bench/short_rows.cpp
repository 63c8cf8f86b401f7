// SPDX-License-Identifier: MIT
// Statements over 256 rows of 10 floats beside one flat block: the same statement over operands of the full shape, and log
// softmax as loops over all elements at once, with a pass of its own for each step.
#include <benchmark/benchmark.h>

#include <vector>
#include <wick/wick.hpp>

namespace {

using wick::Tensor;
using wick::Variable;

constexpr std::int64_t rows = 256, n = 10, all = rows * n;

struct Operands {
  Tensor<float> x = wick::randn<float>({rows, n}), b = wick::randn<float>({n}), c = wick::randn<float>({n}), column = wick::randn<float>({rows, 1});
  Tensor<float> seed = wick::randn<float>({rows, n}), y = wick::zeros<float>({rows, n});
  Tensor<float> flat(Tensor<float> const& part) const { return part + wick::zeros<float>({rows, n}); }
  Operands() { wick::set_num_threads(1); }
};

template <bool flat>
void relu_of_rows(benchmark::State& state) {
  Operands o;
  auto const b = flat ? o.flat(o.b) : o.b, c = flat ? o.flat(o.c) : o.c;
  for (auto _ : state) {
    o.y = relu(o.x * c + b) * o.x;
    benchmark::ClobberMemory();
  }
}
template <bool flat>
void relu_of_columns(benchmark::State& state) {
  Operands o;
  auto const b = flat ? o.flat(o.b) : o.b, c = flat ? o.flat(o.column) : o.column;
  for (auto _ : state) {
    o.y = relu(o.x * c + b) * o.x;
    benchmark::ClobberMemory();
  }
}
template <bool flat>
void mean_of_squares(benchmark::State& state) {
  Operands o;
  auto const b = flat ? o.flat(o.b) : o.b, c = flat ? o.flat(o.c) : o.c;
  Tensor<float> result;
  for (auto _ : state) {
    result = mean(square(c * o.x - b));
    benchmark::ClobberMemory();
  }
}
template <bool flat>
void relu_of_rows_round(benchmark::State& state) {
  Operands o;
  Variable<float> const x = o.x, b = flat ? o.flat(o.b) : o.b, c = flat ? o.flat(o.c) : o.c;
  for (auto _ : state) {
    x.zero_grad(), b.zero_grad(), c.zero_grad();
    Variable<float> const y = relu(x * c + b) * x;
    backward(y, o.seed);
    benchmark::ClobberMemory();
  }
}

void log_softmax_of_rows(benchmark::State& state) {
  Operands o;
  for (auto _ : state) {
    o.y = log_softmax(o.x + o.b, 1);
    benchmark::ClobberMemory();
  }
}
void log_softmax_of_rows_round(benchmark::State& state) {
  Operands o;
  Variable<float> const x = o.x, b = o.b;
  for (auto _ : state) {
    x.zero_grad(), b.zero_grad();
    Variable<float> const y = log_softmax(x + b, 1);
    backward(y, o.seed);
    benchmark::ClobberMemory();
  }
}

/// The peer of log softmax: a pass over all elements for each step, with registers where no row ends.
class FlatBlock {
 public:
  explicit FlatBlock(Operands const& operands) : o_(operands), b_(o_.flat(o_.b)) {}
  void forward(float* y) {
    float const *x = o_.x.data(), *b = std::as_const(b_).data();
    for (std::int64_t i = 0; i < all; i += wick::lanes<float>) store(&t_[i], load(x + i) + load(b + i));
    for (std::int64_t r = 0; r < rows; ++r) {
      float most = t_[r * n];
      for (std::int64_t j = 1; j < n; ++j) most = std::max(most, t_[r * n + j]);
      for (std::int64_t j = 0; j < n; ++j) t_[r * n + j] -= most;
    }
    for (std::int64_t i = 0; i < all; i += wick::lanes<float>) store(&e_[i], wick::math::exp(load(&t_[i])));
    for (std::int64_t r = 0; r < rows; ++r) {
      sum_[r] = 0;
      for (std::int64_t j = 0; j < n; ++j) sum_[r] += e_[r * n + j];
    }
    for (std::int64_t r = 0; r < rows; r += wick::lanes<float>) store(&log_[r], wick::math::log(load(&sum_[r])));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t j = 0; j < n; ++j) y[r * n + j] = t_[r * n + j] - log_[r];
  }
  void backward(float* gx, float* gb) {
    float const* const seed = o_.seed.data();
    std::fill_n(gb, n, 0.f);
    for (std::int64_t r = 0; r < rows; ++r) {
      float total = 0;
      for (std::int64_t j = 0; j < n; ++j) total += seed[r * n + j];
      for (std::int64_t j = 0; j < n; ++j) t_[r * n + j] = total / sum_[r];
    }
    for (std::int64_t i = 0; i < all; i += wick::lanes<float>) store(gx + i, load(seed + i) - load(&e_[i]) * load(&t_[i]));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t j = 0; j < n; ++j) gb[j] += gx[r * n + j];
  }

 private:
  static wick::Batch<float> load(float const* p) { return wick::simd::load(p); }
  static void store(float* p, wick::Batch<float> const& v) { wick::simd::store(p, v); }
  Operands const& o_;
  Tensor<float> b_;
  float t_[all], e_[all], sum_[rows], log_[rows];
};

void log_softmax_flat(benchmark::State& state) {
  Operands o;
  FlatBlock peer(o);
  float* const y = o.y.data();
  for (auto _ : state) {
    peer.forward(y);
    benchmark::ClobberMemory();
  }
}
void log_softmax_flat_round(benchmark::State& state) {
  Operands o;
  FlatBlock peer(o);
  float* const y = o.y.data();
  std::vector<float> gx(all), gb(n);
  for (auto _ : state) {
    peer.forward(y);
    peer.backward(gx.data(), gb.data());
    benchmark::ClobberMemory();
  }
}

}  // namespace

BENCHMARK(log_softmax_of_rows);
BENCHMARK(log_softmax_flat);
BENCHMARK(log_softmax_of_rows_round);
BENCHMARK(log_softmax_flat_round);
BENCHMARK(relu_of_rows<false>);
BENCHMARK(relu_of_rows<true>);
BENCHMARK(relu_of_rows_round<false>);
BENCHMARK(relu_of_rows_round<true>);
BENCHMARK(relu_of_columns<false>);
BENCHMARK(relu_of_columns<true>);
BENCHMARK(mean_of_squares<false>);
BENCHMARK(mean_of_squares<true>);

BENCHMARK_MAIN();
