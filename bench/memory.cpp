// SPDX-License-Identifier: MIT
// Work that is little more than moving memory: reductions over each axis, transposes, cat, rows picked by index,
// pooling. Names are `<work>/<arguments>`; bench/peers/memory.py does the same in PyTorch and NumPy. Rates count each
// operand and each result once, however often a round reads it.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>
#include <wick/wick.hpp>

namespace {

using benchmark::Counter;
using wick::Axes;
using wick::operator>;
using wick::Slice;
using wick::Tensor;
using wick::Variable;

void measure(std::string const& name, double bytes, std::function<std::function<void()>()> const& prepare) {
  for (int threads : {1, 2})
    benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(),
                                 [prepare, bytes, threads](benchmark::State& state) {
                                   wick::set_num_threads(threads);
                                   wick::manual_seed(1);
                                   auto const round = prepare();
                                   for (int warm = 0; warm < 3; ++warm) round();
                                   for (auto _ : state) {
                                     round();
                                     benchmark::ClobberMemory();
                                   }
                                   state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate);
                                 })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
}

// `function()` assigned again and again to the same tensor.
template <class F>
std::function<void()> assign(F function) {
  using T = Tensor<wick::value_t<decltype(function())>>;
  return [function, y = T()]() mutable {
    y = function();
    benchmark::DoNotOptimize(std::as_const(y).data());
  };
}

void reductions() {
  auto const volume = [] { return wick::randn<float>({1000, 1000, 10}); };
  constexpr double n = 1e7;
  struct Case {
    char const* name;
    Axes axes;
    double kept;
  };
  for (Case const& c : {Case{"0", {0}, 1e4}, {"1", {1}, 1e4}, {"2", {2}, 1e6}, {"01", {0, 1}, 10}, {"02", {0, 2}, 1e3},
                        {"12", {1, 2}, 1e3}, {"all", {}, 1}}) {
    double const bytes = 4 * (n + c.kept);
    Axes const axes = c.axes;
    std::string const name = c.name;
    measure("sum/" + name, bytes, [=] { return assign([x = volume(), axes] { return sum(x, axes); }); });
    measure("max/" + name, bytes, [=] { return assign([x = volume(), axes] { return amax(x, axes); }); });
    measure("mean/" + name, bytes, [=] { return assign([x = volume(), axes] { return mean(x, axes); }); });
    measure("var/" + name, bytes, [=] { return assign([x = volume(), axes] { return var(x, axes); }); });
    measure("any/" + name, n + c.kept, [=] { return assign([x = Tensor<bool>(volume() > 100.f), axes] { return any(x, axes); }); });
  }
  for (std::int64_t axis : {0, 1, 2})
    measure("argmax/" + std::to_string(axis), 4 * n + 8 * (axis == 2 ? 1e6 : 1e4), [=] { return assign([x = volume(), axis] { return argmax(x, axis); }); });
  measure("argmax/all", 4 * n, [=] { return assign([x = volume()] { return argmax(x); }); });
}

void movements() {
  auto const square = [] { return wick::randn<float>({4096, 4096}); };
  constexpr double squared = 4. * 4096 * 4096;
  measure("transpose/4096", 2 * squared, [=] { return assign([x = square()] { return x.t().contiguous(); }); });
  measure("transpose/4095", 8. * 4095 * 4095, [=] {
    return assign([x = wick::randn<float>({4095, 4095})] { return x.t().contiguous(); });
  });
  measure("transpose/double", 4 * squared, [=] {
    return assign([x = wick::randn<double>({4096, 4096})] { return x.t().contiguous(); });
  });
  measure("transpose_add/4096", 3 * squared, [=] {
    return assign([x = square(), y = square()] { return x.t() * 2 + y; });
  });
  measure("permute/021", 8. * 64 * 512 * 512, [] {
    return assign([x = wick::randn<float>({64, 512, 512})] { return x.permute({0, 2, 1}).contiguous(); });
  });
  measure("permute/nchw_nhwc", 8. * 64 * 64 * 64 * 64, [] {
    return assign([x = wick::randn<float>({64, 64, 64, 64})] { return x.permute({0, 2, 3, 1}).contiguous(); });
  });
  measure("permute/210", 8. * 256 * 256 * 256, [] {
    return assign([x = wick::randn<float>({256, 256, 256})] { return x.permute({2, 1, 0}).contiguous(); });
  });
  // Memory comes in whole lines: the skipped half too.
  measure("every_second/4096", 1.5 * squared, [=] { return assign([x = square()] { return Tensor<float>(x(Slice(), Slice(0, 4096, 2))).contiguous(); }); });
  measure("cat/0", 4 * squared, [=] { return assign([x = square(), y = square()] { return cat(0, x, y); }); });
  measure("cat/1", 4 * squared, [=] { return assign([x = square(), y = square()] { return cat(1, x, y); }); });
  measure("cat/narrow", 8. * 8e6, [] {
    return assign([x = wick::randn<float>({1000000, 3}), y = wick::randn<float>({1000000, 5})] { return cat(1, x, y); });
  });
  auto const rows = [] { return Tensor<std::int64_t>(cast<std::int64_t>(wick::rand<float>({100000}) * 100000.f)); };
  measure("gather_rows/64", 8 * 6.4e6 + 8e5, [=] {
    return assign([x = wick::randn<float>({100000, 64}), i = rows()] { return index_select(x, 0, i); });
  });
  measure("gather_rows/3", 8 * 3e5 + 8e5, [=] {
    return assign([x = wick::randn<float>({100000, 3}), i = rows()] { return index_select(x, 0, i); });
  });
  measure("gather_rows/grad64", 16 * 6.4e6 + 8e5, [=] {
    return [x = Variable<float>(wick::randn<float>({100000, 64})), g = wick::randn<float>({100000, 64}), i = rows()] {
      x.zero_grad();
      Variable<float> const y = index_select(x, 0, i);
      backward(y, g);
    };
  });
  measure("gather/1", 16 * 6.4e6, [=] {
    return assign([x = wick::randn<float>({100000, 64}),
                   i = Tensor<std::int64_t>(cast<std::int64_t>(wick::rand<float>({100000, 64}) * 64.f))] { return gather(x, 1, i); });
  });
}

void pools() {
  auto const images = [] { return wick::randn<float>({64, 64, 56, 56}); };
  struct Case {
    char const* name;
    wick::IntPair window;
    wick::PoolOptions options;
    double extent;
  };
  for (Case const& c : {Case{"2x2", {2, 2}, {}, 28}, Case{"3x3s2", {3, 3}, {.stride = {2, 2}, .padding = {1, 1}}, 28},
                        Case{"3x3s1", {3, 3}, {.stride = {1, 1}, .padding = {1, 1}}, 56}}) {
    double const bytes = 4. * 64 * 64 * (56 * 56 + c.extent * c.extent);
    auto const window = c.window;
    auto const options = c.options;
    std::string const name = c.name;
    measure("max_pool/" + name, bytes, [=] { return assign([=, x = images()] { return max_pool2d(x, window, options); }); });
    measure("avg_pool/" + name, bytes, [=] { return assign([=, x = images()] { return avg_pool2d(x, window, options); }); });
    measure("max_pool_grad/" + name, 2 * bytes, [=] {
      Tensor<float> const x = images();
      Tensor<float> const g = wick::ones<float>(max_pool2d(x, window, options).shape());
      return [=, x = Variable<float>(x)] {
        x.zero_grad();
        Variable<float> const y = max_pool2d(x, window, options);
        backward(y, g);
      };
    });
    measure("avg_pool_grad/" + name, 2 * bytes, [=] {
      Tensor<float> const x = images();
      Tensor<float> const g = wick::ones<float>(avg_pool2d(x, window, options).shape());
      return [=, x = Variable<float>(x)] {
        x.zero_grad();
        Variable<float> const y = avg_pool2d(x, window, options);
        backward(y, g);
      };
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  reductions();
  movements();
  pools();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
