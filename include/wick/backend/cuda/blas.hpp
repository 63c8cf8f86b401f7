// SPDX-License-Identifier: MIT
// Products on CUDA devices by cuBLASLt: with WICK_USE_CUBLASLT defined, a file that nvcc compiles hands them over, with a
// bias, relu and gelu_tanh.
#pragma once

// Empty for other compilers than nvcc.
#if defined(__CUDACC__) && defined(WICK_USE_CUBLASLT)

#if !__has_include(<cublasLt.h>)
#error "WICK_USE_CUBLASLT needs cublasLt.h of the CUDA toolkit in the include path, and the program -lcublasLt."
#endif
#include <cublasLt.h>

#include <wick/backend/column_major.hpp>
#include <wick/backend/cuda/plans.hpp>
#include <wick/backend/thrust/element_kernels.hpp>
#include <wick/core/tf32.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cuda_ {

/// Memory that an algorithm may ask for: what NVIDIA recommends for sm_90.
inline constexpr std::size_t product_workspace = std::size_t{32} << 20;

/// Throws Error when a call failed, naming the statement and the shapes.
inline void check_blas(cublasStatus_t status, ColumnMajorProduct const& p) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail(core::current_statement, ": cuBLAS says ", cublasLtGetStatusName(status), " of ", p.count, " products of shapes (", p.columns, ", ", p.depth, ") and (",
       p.depth, ", ", p.rows, ")");
}

/// What chooses an algorithm: extents, distances, types, alignments.
using ProductKey = std::array<std::int64_t, 15>;
/// A product as cuBLASLt wants it said, and the algorithm that it chose.
struct ProductPlan {
  cublasLtMatmulDescOpaque_t operation;
  cublasLtMatrixLayoutOpaque_t first, second, result;
  cublasLtMatmulAlgo_t algorithm;
  std::size_t workspace = 0;
  bool supported = false;
};

/// cuBLASLt on one device, for one thread: so nobody waits for anybody. What it chose is remembered.
struct BlasLt {
  cublasLtHandle_t handle = nullptr;
  Plans<ProductPlan, std::tuple_size_v<ProductKey>> plans;

  BlasLt() {
    if (cublasStatus_t const status = cublasLtCreate(&handle); status != CUBLAS_STATUS_SUCCESS)
      fail(core::current_statement, ": cuBLAS does not start: ", cublasLtGetStatusName(status));
  }
  BlasLt(BlasLt const&) = delete;
  ~BlasLt() { cublasLtDestroy(handle); }
};

/// Element type, sums and scale of a product, in the library's names.
struct ProductType {
  cudaDataType_t element, scale;
  cublasComputeType_t compute, compute_tf32;
  bool half;
};
template <class T>
inline constexpr ProductType product_type{CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32, false};
template <>
inline constexpr ProductType product_type<double>{CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F, CUBLAS_COMPUTE_64F, false};
template <>
inline constexpr ProductType product_type<float16>{CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F, true};
template <>
inline constexpr ProductType product_type<bfloat16>{CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F, true};
/// The element types whose products the library computes.
template <class T>
inline constexpr bool has_blas = Lane<T> || Half<T>;

/// Where a product finds its operands; a null bias is none.
struct ProductData {
  void const *first, *second, *bias;
  void* result;
  bool accumulate;
  Activation activation;
};

inline std::int64_t aligned_to(void const* data) {
  auto const address = reinterpret_cast<std::uintptr_t>(data);
  return static_cast<std::int64_t>(address ? std::min<std::uintptr_t>(address & (~address + 1), 256) : 256);
}

/// Describes a product and asks for an algorithm; the plan is not supported where the library has none.
inline std::unique_ptr<ProductPlan> make_plan(cublasLtHandle_t handle, ProductType const& type, bool tf32, ColumnMajorProduct const& p,
                                              ProductData const& data) {
  auto result = std::make_unique<ProductPlan>();
  ProductPlan& plan = *result;
  auto const ok = [&](cublasStatus_t status) { check_blas(status, p); };
  auto const describe = [&](auto attribute, auto const& value) {
    ok(cublasLtMatmulDescSetAttribute(&plan.operation, attribute, &value, sizeof(value)));
  };
  ok(cublasLtMatmulDescInit(&plan.operation, tf32 ? type.compute_tf32 : type.compute, type.scale));
  describe(CUBLASLT_MATMUL_DESC_TRANSA, p.first.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  describe(CUBLASLT_MATMUL_DESC_TRANSB, p.second.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  switch (data.activation) {
    case Activation::none:
      if (data.bias) describe(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      break;
    case Activation::relu: describe(CUBLASLT_MATMUL_DESC_EPILOGUE, data.bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU); break;
    case Activation::gelu_tanh: describe(CUBLASLT_MATMUL_DESC_EPILOGUE, data.bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU); break;
  }
  if (data.bias) describe(CUBLASLT_MATMUL_DESC_BIAS_POINTER, data.bias);
  auto const lay_out = [&](cublasLtMatrixLayoutOpaque_t& layout, ColumnMajor const& m) {
    ok(cublasLtMatrixLayoutInit(&layout, type.element, static_cast<std::uint64_t>(m.rows), static_cast<std::uint64_t>(m.columns), m.leading));
    auto const count = static_cast<std::int32_t>(p.count);
    ok(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof(count)));
    ok(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &m.batch_stride, sizeof(m.batch_stride)));
  };
  lay_out(plan.first, p.first), lay_out(plan.second, p.second), lay_out(plan.result, p.result);

  cublasLtMatmulPreferenceOpaque_t preference;
  auto const prefer = [&](auto attribute, auto const& value) {
    ok(cublasLtMatmulPreferenceSetAttribute(&preference, attribute, &value, sizeof(value)));
  };
  ok(cublasLtMatmulPreferenceInit(&preference));
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, product_workspace);
  // Parts of a long sum are joined as floats, not as 16-bit numbers.
  if (type.half) prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<std::uint32_t>(aligned_to(data.first)));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<std::uint32_t>(aligned_to(data.second)));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<std::uint32_t>(aligned_to(data.result)));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<std::uint32_t>(aligned_to(data.result)));
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  cublasStatus_t const status = cublasLtMatmulAlgoGetHeuristic(handle, &plan.operation, &plan.first, &plan.second, &plan.result, &plan.result,
                                                               &preference, 1, &found, &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && (count == 0 || found.state != CUBLAS_STATUS_SUCCESS)))
    return result;
  ok(status);
  plan.algorithm = found.algo, plan.workspace = found.workspaceSize, plan.supported = true;
  return result;
}

/// result = first second, with the epilogue, on the current stream; false when the library does not take it.
inline bool run_product(Device device, ProductType const& type, ColumnMajorProduct const& p, ProductData const& data) {
  DeviceGuard const guard(device.number());
  BlasLt& blas = library_of<BlasLt>(device.number());
  bool const tf32 = tf32_allowed();
  std::int64_t const said = p.first.transposed | p.second.transposed << 1 | (data.bias ? 4 : 0) | static_cast<std::int64_t>(data.activation) << 3 | std::int64_t{tf32} << 5 |
                            std::int64_t{type.element} << 8;
  ProductKey const key{said, p.rows, p.columns, p.depth, p.count, p.first.leading, p.second.leading, p.result.leading,
                       p.first.batch_stride, p.second.batch_stride, p.result.batch_stride, aligned_to(data.first), aligned_to(data.second),
                       aligned_to(data.result), aligned_to(data.bias)};
  ProductPlan& plan = planned(blas.plans, key, [&] { return make_plan(blas.handle, type, tf32, p, data); });
  if (!plan.supported) return false;
  if (data.bias) check_blas(cublasLtMatmulDescSetAttribute(&plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &data.bias, sizeof(data.bias)), p);
  Workspace const scratch(device, plan.workspace);
  Factors const factors(type.scale == CUDA_R_64F, data.accumulate);
  check_blas(cublasLtMatmul(blas.handle, &plan.operation, factors.one(), data.first, &plan.first, data.second, &plan.second, factors.old(),
                            data.result, &plan.result, data.result, &plan.result, &plan.algorithm, scratch.data(), plan.workspace, current_stream()),
             p);
  launched();
  return true;
}

/// The matrices of a batch that differ, with rows that lie one after another; `strides` (one of the batch's) then fit.
template <class T>
Tensor<T> packed(Device device, MatrixBatch const& batch, std::int64_t (MatrixBatch::*strides)[max_rank], Matrix<T const>& m, MatrixBatch& result) {
  MatrixBatch different;
  std::int64_t stride = m.rows * m.columns;
  for (int d = batch.dims - 1; d >= 0; --d) {
    bool const differs = (batch.*strides)[d] != 0;
    (result.*strides)[d] = differs ? stride : 0;
    if (differs) stride *= batch.extent[d];
  }
  for (int d = 0; d < batch.dims; ++d)
    if ((batch.*strides)[d] != 0) {
      different.extent[different.dims] = batch.extent[d];
      different.a_stride[different.dims++] = (batch.*strides)[d];
    }
  Tensor<T> const copy(Tensor<T>::uninitialized, Dims(stride), device);
  thrust_::for_each_position(device, stride, thrust_::PackElement<T>{different, m, const_cast<T*>(copy.data())});
  m = {copy.data(), m.rows, m.columns, m.columns, 1};
  return copy;
}

/// As `Kernels::gemm_batch`, by the library: one call for each run of products that are equally far apart. Operands whose
/// rows and columns are both scattered are copied before. False when it does not take them.
template <class T>
bool products(Device device, MatrixBatch batch, Matrix<T const> a, Matrix<T const> b, Matrix<T> const& c, bool accumulate,
              KnownEpilogue<T> const& epilogue) {
  if (c.rows == 0 || c.columns == 0 || batch.count() == 0) return true;
  if (a.columns == 0) return false;
  Tensor<T> a_copy, b_copy;
  MatrixBatch apart = batch;
  if (!transpose_by_columns(a)) a_copy = packed<T>(device, batch, &MatrixBatch::a_stride, a, apart);
  if (!transpose_by_columns(b)) b_copy = packed<T>(device, batch, &MatrixBatch::b_stride, b, apart);
  batch = joined(apart);
  auto p = product_by_columns(a, b, c);
  if (!p) return false;
  int const outer_dims = std::max(batch.dims - 1, 0);
  if (batch.dims > 0) {
    p->count = batch.extent[outer_dims];
    p->first.batch_stride = batch.b_stride[outer_dims], p->second.batch_stride = batch.a_stride[outer_dims];
    p->result.batch_stride = c.rows * c.row_stride;
  }
  std::int64_t const calls = batch.count() / p->count;
  for (std::int64_t i = 0; i < calls; ++i) {
    T const *from_a = a.data, *from_b = b.data;
    T* const to = c.data + i * p->count * c.rows * c.row_stride;
    std::int64_t rest = i;
    for (int d = outer_dims - 1; d >= 0; rest /= batch.extent[d], --d) {
      from_a += rest % batch.extent[d] * batch.a_stride[d];
      from_b += rest % batch.extent[d] * batch.b_stride[d];
    }
    if (run_product(device, product_type<T>, *p, {from_b, from_a, epilogue.bias, to, accumulate, epilogue.activation})) continue;
    // Maybe it is the epilogue that the library does not take.
    if (!epilogue || !run_product(device, product_type<T>, *p, {from_b, from_a, nullptr, to, accumulate, Activation::none})) return false;
    thrust_::for_each_position(device, p->count * c.rows * c.columns, thrust_::FinishElement<T>{epilogue, c.columns, 1, c.row_stride, to});
  }
  return true;
}

}  // namespace backend::cuda_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END

#endif
