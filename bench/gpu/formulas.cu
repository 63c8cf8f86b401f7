// SPDX-License-Identifier: MIT
// Fused formulas over 64M floats on a GPU: forward, backward, rows and sums, each beside a copy of as many bytes; and one
// over 8 floats, where only the launch counts. Every tensor is warm: what is written was written before.
#include <chrono>

#include "timing.hpp"

namespace {

using namespace wick;

constexpr std::int64_t n = std::int64_t{1} << 26, rows = 16384, columns = 4096;
constexpr std::int64_t stream_bytes = 4 * n;

Tensor<float> operand(std::uint64_t seed, Dims const& shape) {
  manual_seed(seed);
  return randn<float>(shape).to("cuda");
}

auto chain(auto const& x, auto const& w, auto const& b) { return tanh(x * w + b) * sigmoid(x) + exp(w * b); }
auto softmax_formula(auto const& x) {
  auto e = exp(x - max(x, {-1}, {.keepdim = true}));
  return e / sum(e, {-1}, {.keepdim = true});
}
auto layer_norm_formula(auto const& x, auto const& weight, auto const& bias) {
  auto centred = x - mean(x, {-1}, {.keepdim = true});
  return centred / sqrt(mean(square(centred), {-1}, {.keepdim = true}) + 1e-5) * weight + bias;
}

void elementwise(gpu::Report& report) {
  auto const x = operand(1, {n}), w = operand(2, {n}), b = operand(3, {n});
  Tensor<float> y = x * w + b;
  report.add("wick", "multiply_add", gpu::rounds([&] { y = x * w + b; }));
  report.add("wick", "chain_forward", gpu::rounds([&] { y = chain(x, w, b); }));
  report.add("copy", "multiply_add", gpu::copy_of(4 * stream_bytes));
}

// Reads the operands and the gradient of the result, writes three gradients.
void backward_of_chain(gpu::Report& report) {
  Variable<float> const x = operand(1, {n}), w = operand(2, {n}), b = operand(3, {n});
  auto const seed = operand(4, {n});
  Variable<float> y;
  auto const forward = [&] {
    x.zero_grad(), w.zero_grad(), b.zero_grad();
    y = Variable<float>(chain(x, w, b));
  };
  report.add("wick", "chain_backward", gpu::rounds(forward, [&] { backward(y, seed); }));
  report.add("copy", "chain_backward", gpu::copy_of(7 * stream_bytes));
}

void of_rows(gpu::Report& report) {
  auto const x = operand(1, {rows, columns}), weight = operand(2, {columns}), bias = operand(3, {columns});
  Tensor<float> y = softmax_formula(x);
  report.add("wick", "softmax", gpu::rounds([&] { y = softmax_formula(x); }));
  report.add("wick", "layer_norm", gpu::rounds([&] { y = layer_norm_formula(x, weight, bias); }));
  report.add("copy", "rows", gpu::copy_of(2 * stream_bytes));
  Tensor<float> all = sum(x), row = sum(x, {1}), column = sum(x, {0});
  report.add("wick", "sum_all", gpu::rounds([&] { all = sum(x); }));
  report.add("wick", "sum_rows", gpu::rounds([&] { row = sum(x, {1}); }));
  report.add("wick", "sum_columns", gpu::rounds([&] { column = sum(x, {0}); }));
  report.add("copy", "sums", gpu::copy_of(stream_bytes));
}

// Kernels that the stream gets from one call.
template <class Work>
double launches(Work const& work) {
  cudaGraph_t graph;
  gpu::check(cudaStreamBeginCapture(current_stream(), cudaStreamCaptureModeThreadLocal));
  work();
  gpu::check(cudaStreamEndCapture(current_stream(), &graph));
  std::size_t count = 0;
  gpu::check(cudaGraphGetNodes(graph, nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  gpu::check(cudaGraphGetNodes(graph, nodes.data(), &count));
  double kernels = 0;
  for (cudaGraphNode_t const node : nodes) {
    cudaGraphNodeType type;
    gpu::check(cudaGraphNodeGetType(node, &type));
    kernels += type == cudaGraphNodeTypeKernel;
  }
  gpu::check(cudaGraphDestroy(graph));
  return kernels;
}

// By the host's clock, many statements one after another: what a statement costs where its kernel is over at once.
void small(gpu::Report& report) {
  auto const x = operand(1, {8}), w = operand(2, {8}), b = operand(3, {8});
  Tensor<float> y = x * w + b;
  constexpr int calls = 2000;
  std::vector<double> seconds;
  for (int round = 0; round < 23; ++round) {
    auto const start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) y = x * w + b;
    gpu::check(cudaStreamSynchronize(current_stream()));
    double const passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (round >= 3) seconds.push_back(passed / calls);
  }
  report.add("wick", "small", seconds);
  report.number("launches of small", launches([&] { y = x * w + b; }));
}

}  // namespace

int main() {
  return gpu::run("bench_gpu_formulas", [](gpu::Report& report) {
    small(report);
    elementwise(report);
    backward_of_chain(report);
    of_rows(report);
  });
}
