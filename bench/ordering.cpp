// SPDX-License-Identifier: MIT
// Prefixes, differences and sorting of a million numbers: one long line, 1000 lines along rows or columns, 20000 short
// ones. Names are `<work>/<arguments>`; bench/peers/ordering.py does the same in PyTorch and NumPy.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <wick/wick.hpp>

namespace {

using wick::Tensor;

void measure(std::string const& name, std::function<std::function<void()>()> const& prepare) {
  for (int threads : {1, 2})
    benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(),
                                 [prepare, threads](benchmark::State& state) {
                                   wick::set_num_threads(threads);
                                   wick::manual_seed(1);
                                   auto const round = prepare();
                                   for (int warm = 0; warm < 3; ++warm) round();
                                   for (auto _ : state) {
                                     round();
                                     benchmark::ClobberMemory();
                                   }
                                 })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
}

// `function(x)`, a tensor or tensors, again and again.
template <class T, class F>
void measure(std::string const& name, wick::Dims const& shape, F const& function) {
  measure(name, [=] {
    Tensor<T> const x = wick::cast<T>(wick::randn<float>(shape) * (std::is_integral_v<T> ? 1e6f : 1.f));
    return [=] { benchmark::DoNotOptimize(function(x)); };
  });
}

wick::Dims const line{1000000}, square{1000, 1000}, brief{20000, 50};

void scans() {
  auto const cumsum = [](int axis) {
    return [=](auto const& x) { return Tensor<wick::sum_t<wick::value_t<decltype(x)>>>(wick::cumsum(x, axis)); };
  };
  measure<float>("cumsum/line", line, cumsum(0));
  measure<double>("cumsum/line_double", line, cumsum(0));
  measure<std::int64_t>("cumsum/line_int64", line, cumsum(0));
  measure<float>("cumsum/rows", square, cumsum(1));
  measure<float>("cumsum/columns", square, cumsum(0));
  for (int axis : {0, 1}) {
    std::string const where = axis ? "rows" : "columns";
    measure<float>("cumprod/" + where, square, [=](auto const& x) { return Tensor<float>(cumprod(x, axis)); });
    measure<float>("logcumsumexp/" + where, square, [=](auto const& x) { return Tensor<float>(logcumsumexp(x, axis)); });
    measure<float>("cummax/" + where, square, [=](auto const& x) { return cummax(x, axis); });
  }
}

void differences() {
  auto const diff = [](int axis) { return [=](auto const& x) { return Tensor<float>(wick::diff(x, 1, axis)); }; };
  measure<float>("diff/line", line, diff(0));
  measure<float>("diff/rows", square, diff(1));
  measure<float>("diff/columns", square, diff(0));
  measure<float>("diff/short_rows", brief, diff(1));
}

void sorts() {
  auto const sort = [](auto const& x) { return wick::sort(x); };
  measure<float>("sort/line", line, sort);
  measure<double>("sort/line_double", line, sort);
  measure<std::int64_t>("sort/line_int64", line, sort);
  measure<float>("sort/rows", square, sort);
  measure<float>("sort/columns", square, [](auto const& x) { return wick::sort(x, 0); });
  measure<float>("sort/short_rows", brief, sort);
  measure<float>("topk/line", line, [](auto const& x) { return topk(x, 10); });
  measure<float>("topk/rows", square, [](auto const& x) { return topk(x, 5); });
  measure<float>("topk/short_rows", brief, [](auto const& x) { return topk(x, 5); });
  measure<float>("median/line", line, [](auto const& x) { return median(x); });
  measure<float>("median/rows", square, [](auto const& x) { return median(x, 1); });
  auto const unique = [](auto const& x) { return wick::unique(x, {.return_inverse = true, .return_counts = true}); };
  measure<float>("unique/line", line, unique);
  measure<std::int64_t>("unique/line_int64", line, unique);
}

}  // namespace

int main(int argc, char** argv) {
  scans();
  differences();
  sorts();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
