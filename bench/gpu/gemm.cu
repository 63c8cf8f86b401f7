// SPDX-License-Identifier: MIT
// gelu_tanh(linear(x, w) + b) of 4096 x 4096 x 4096 on a GPU, in float, TF32, float16 and bfloat16, beside cuBLASLt called by hand
// (whose gelu is this approximation by tanh, too).
#include "blas_by_hand.hpp"

namespace {

using namespace wick;

constexpr std::int64_t n = 4096;

template <class T>
Tensor<T> operand(std::uint64_t seed, Dims const& shape) {
  manual_seed(seed);
  return Tensor<T>(cast<T>(randn<float>(shape))).to("cuda");
}

template <class T>
void product(gpu::Report& report, std::string const& name, cudaDataType_t type, cublasComputeType_t compute) {
  Tensor<T> const x = operand<T>(1, {n, n}), w = operand<T>(2, {n, n}), b = operand<T>(3, {n});
  Tensor<T> y = gelu_tanh(linear(x, w) + b);
  report.add("wick", name, gpu::rounds([&] { y = gelu_tanh(linear(x, w) + b); }));
  by_hand::Linear linear(type, compute, n, n, n, b.data());
  report.add("cublaslt", name, linear.measure(x.data(), w.data(), const_cast<T*>(std::as_const(y).data())));
}

}  // namespace

int main() {
  return gpu::run("bench_gpu_gemm", [](gpu::Report& report) {
    product<float>(report, "gemm_float", CUDA_R_32F, CUBLAS_COMPUTE_32F);
    allow_tf32(true);
    product<float>(report, "gemm_tf32", CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32);
    product<float16>(report, "gemm_float16", CUDA_R_16F, CUBLAS_COMPUTE_32F);
    product<bfloat16>(report, "gemm_bfloat16", CUDA_R_16BF, CUBLAS_COMPUTE_32F);
  });
}
