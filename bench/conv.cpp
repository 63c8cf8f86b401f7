// SPDX-License-Identifier: MIT
// Convolution and its two gradients: the 23 distinct layers of ResNet-50 at 224 x 224, batch 1 and 16, and the two
// layers of the Fashion-MNIST example, batch 128, and some depthwise layers of MobileNet v2. Names are
// <pass>/c<in>_<height>x<width>_o<out>_k<kernel>_s<stride>_n<batch>, depthwise ones begin with d; rates are the flop/s
// of the direct sum.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <wick/backend/cpu/conv.hpp>

namespace {

using benchmark::Counter;
using wick::backend::Conv2dShape;

enum class Pass { forward, input_gradient, weight_gradient };
constexpr char const* names[] = {"forward", "input_gradient", "weight_gradient"};

struct Layer {
  std::int64_t in, extent, out, kernel, stride, groups = 1;
  Conv2dShape shape(std::int64_t batch, std::int64_t pad) const {
    return {batch, in, extent, extent, out, kernel, kernel, stride, stride, pad, pad, 1, 1, groups};
  }
};

constexpr Layer resnet50[] = {
    {3, 224, 64, 7, 2},     {64, 56, 64, 1, 1},   {64, 56, 64, 3, 1},    {64, 56, 256, 1, 1},   {256, 56, 64, 1, 1},
    {256, 56, 128, 1, 1},   {128, 56, 128, 3, 2}, {128, 28, 512, 1, 1},  {256, 56, 512, 1, 2},  {512, 28, 128, 1, 1},
    {128, 28, 128, 3, 1},   {512, 28, 256, 1, 1}, {256, 28, 256, 3, 2},  {256, 14, 1024, 1, 1}, {512, 28, 1024, 1, 2},
    {1024, 14, 256, 1, 1},  {256, 14, 256, 3, 1}, {1024, 14, 512, 1, 1}, {512, 14, 512, 3, 2},  {512, 7, 2048, 1, 1},
    {1024, 14, 2048, 1, 2}, {2048, 7, 512, 1, 1}, {512, 7, 512, 3, 1},
};
constexpr Layer depthwise[] = {
    {32, 112, 32, 3, 1, 32},   {96, 112, 96, 3, 2, 96},   {144, 56, 144, 3, 1, 144},
    {384, 14, 384, 3, 1, 384}, {576, 14, 576, 3, 2, 576}, {960, 7, 960, 3, 1, 960},
};
constexpr Layer example[] = {{1, 28, 32, 3, 1}, {32, 26, 64, 3, 1}};

void run(benchmark::State& state, Conv2dShape const& s, Pass pass, int threads) {
  wick::set_num_threads(threads);
  // Memory as tensors have it.
  struct Values : wick::Scratch<float> {
    explicit Values(std::int64_t count) : Scratch(count) {
      for (std::int64_t i = 0; i < count; ++i) data()[i] = 0.01f * static_cast<float>(i % 101) - 0.5f;
    }
  };
  Values const x(s.batch * s.in_channels * s.height * s.width), w(s.out_channels * s.filter());
  Values const y(s.batch * s.out_channels * s.out_pixels());
  for (auto _ : state) {
    if (pass == Pass::forward) wick::backend::cpu::conv2d(s, x.data(), w.data(), y.data());
    if (pass == Pass::input_gradient) wick::backend::cpu::conv2d_input_gradient(s, y.data(), w.data(), x.data(), false);
    if (pass == Pass::weight_gradient)
      wick::backend::cpu::conv2d_weight_gradient(s, x.data(), y.data(), w.data(), false);
    benchmark::ClobberMemory();
  }
  double const flops = 2. * static_cast<double>(s.batch * s.out_channels * s.out_pixels() * s.filter());
  state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

void add(Layer const& layer, std::int64_t batch, std::int64_t pad) {
  char args[64];
  std::snprintf(args, sizeof args, "%c%d_%dx%d_o%d_k%d_s%d_n%d", layer.groups > 1 ? 'd' : 'c',
                static_cast<int>(layer.in), static_cast<int>(layer.extent), static_cast<int>(layer.extent),
                static_cast<int>(layer.out), static_cast<int>(layer.kernel), static_cast<int>(layer.stride),
                static_cast<int>(batch));
  for (Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
    for (int threads : {1, 2}) {
      std::string name(names[static_cast<int>(pass)]);
      name.append("/").append(args).append("/threads:").append(std::to_string(threads));
      benchmark::RegisterBenchmark(name.c_str(), run, layer.shape(batch, pad), pass, threads)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
}

}  // namespace

int main(int argc, char** argv) {
  for (std::int64_t batch : {1, 16})
    for (Layer const& layer : resnet50) add(layer, batch, layer.kernel / 2);
  for (std::int64_t batch : {1, 16})
    for (Layer const& layer : depthwise) add(layer, batch, layer.kernel / 2);
  for (Layer const& layer : example) add(layer, 128, 0);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
