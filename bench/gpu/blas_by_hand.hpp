// SPDX-License-Identifier: MIT
// gelu_tanh(x W^T + b) by cuBLASLt, called by hand: what a product with an epilogue can cost on this GPU.
#pragma once

#include <cublasLt.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "timing.hpp"

namespace by_hand {

inline void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(cublasLtGetStatusString(status));
}

/// x: (rows, in), w: (out, in), bias: (out), y: (rows, out), all row-major and of one type. The algorithm is the fastest of
/// those that cuBLASLt proposes, as measured here.
class Linear {
 public:
  Linear(cudaDataType_t type, cublasComputeType_t compute, std::int64_t rows, std::int64_t in, std::int64_t out, void const* bias)
      : workspace_(wick::zeros<std::uint8_t>({workspace_bytes}).to("cuda")) {
    check(cublasLtCreate(&handle_));
    check(cublasLtMatmulDescCreate(&operation_, compute, CUDA_R_32F));
    // cuBLASLt counts in columns: y^T = W x^T, and a row-major matrix is the transpose of a column-major one.
    set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_GELU_BIAS);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    check(cublasLtMatrixLayoutCreate(&a_, type, static_cast<std::uint64_t>(in), static_cast<std::uint64_t>(out), in));
    check(cublasLtMatrixLayoutCreate(&b_, type, static_cast<std::uint64_t>(in), static_cast<std::uint64_t>(rows), in));
    check(cublasLtMatrixLayoutCreate(&c_, type, static_cast<std::uint64_t>(out), static_cast<std::uint64_t>(rows), out));
  }
  Linear(Linear const&) = delete;
  ~Linear() {
    cublasLtMatrixLayoutDestroy(a_), cublasLtMatrixLayoutDestroy(b_), cublasLtMatrixLayoutDestroy(c_);
    cublasLtMatmulDescDestroy(operation_), cublasLtDestroy(handle_);
  }

  /// Seconds of each round with the best algorithm.
  std::vector<double> measure(void const* x, void const* w, void* y) {
    cublasLtMatmulPreference_t preference;
    check(cublasLtMatmulPreferenceCreate(&preference));
    std::size_t const bytes = workspace_bytes;
    check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes));
    cublasLtMatmulHeuristicResult_t found[16];
    int count = 0;
    check(cublasLtMatmulAlgoGetHeuristic(handle_, operation_, a_, b_, c_, c_, preference, 16, found, &count));
    check(cublasLtMatmulPreferenceDestroy(preference));
    if (count == 0) throw std::runtime_error("cuBLASLt has no algorithm for this product");
    auto const call = [&](int which) {
      float const one = 1, zero = 0;
      check(cublasLtMatmul(handle_, operation_, &one, w, a_, x, b_, &zero, y, c_, y, c_, &found[which].algo,
                           const_cast<std::uint8_t*>(workspace_.data()), bytes, wick::current_stream()));
    };
    int best = 0;
    double fastest = 1e9;
    for (int i = 0; i < count; ++i) {
      auto times = gpu::rounds([&] { call(i); }, 9, 3);
      std::nth_element(times.begin(), times.begin() + 4, times.end());
      if (times[4] < fastest) fastest = times[4], best = i;
    }
    return gpu::rounds([&] { call(best); });
  }

 private:
  static constexpr std::int64_t workspace_bytes = std::int64_t{64} << 20;
  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, Value value) {
    check(cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof value));
  }

  wick::Tensor<std::uint8_t> workspace_;
  cublasLtHandle_t handle_;
  cublasLtMatmulDesc_t operation_;
  cublasLtMatrixLayout_t a_, b_, c_;
};

}  // namespace by_hand
