// SPDX-License-Identifier: MIT
// One training step of the network of the main job on a GPU, 128 images: statement by statement, and recorded once and run
// again (a CUDA graph), with the longest gap between two of its kernels.
#include "timing.hpp"
#include "../network.hpp"
#if defined(WICK_BENCH_HAS_CUPTI)
#include "activity.hpp"
#endif

using namespace wick;

int main() {
  return gpu::run("bench_gpu_cnn", [](gpu::Report& report) {
    allow_tf32(true);  // PyTorch's convolutions do by default; its products are told to as well
    manual_seed(1);
    Cnn model;
    to(model, Device("cuda"));
    optim::AdamW optimizer(parameters(model), {.lr = 1e-3});
    Tensor<float> const image = randn<float>({128, 1, 28, 28}).to("cuda");
    Tensor<std::int64_t> numbers = zeros<std::int64_t>({128});
    for (std::int64_t i = 0; i < 128; ++i) numbers.data()[i] = i % 10;
    Tensor<std::int64_t> const label = numbers.to("cuda");
    auto const step = [&] {
      optimizer.zero_grad();
      Variable<float> loss = nll_loss(model(image), label);
      backward(loss);
      optimizer.step();
    };
    report.add("wick", "cnn_step", gpu::rounds(step));
    Graph graph = capture(step);
    report.add("wick", "cnn_step_graph", gpu::rounds([&] { graph.replay(); }));
#if defined(WICK_BENCH_HAS_CUPTI)
    auto const spans = gpu::activity_of([&] {
      graph.replay();
      gpu::check(cudaStreamSynchronize(current_stream()));
    });
    report.number("kernels of cnn_step_graph", static_cast<double>(spans.size()));
    report.number("longest gap of cnn_step_graph", gpu::longest_gap(spans));
#endif
  });
}
