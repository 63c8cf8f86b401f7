// SPDX-License-Identifier: MIT
// The kernels that operations call. A build has one backend for host memory; a tensor's device has been checked before.
#pragma once

#include <wick/backend/contract.hpp>
#include <wick/backend/cpu/conv.hpp>
#include <wick/backend/cpu/gather.hpp>
#include <wick/backend/cpu/gemm_batch.hpp>
#include <wick/backend/cpu/pool.hpp>
#if defined(WICK_USE_CBLAS)
#include <wick/backend/cpu/gemm_cblas.hpp>
#endif

namespace wick::inline WICK_ISA {
namespace backend {

/// The expensive operations on host memory, as `backend::KernelSet` asks for them.
template <class T>
struct Kernels {
  static void gemm(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate,
                   Epilogue<T> const& epilogue) {
#if defined(WICK_USE_CBLAS)
    if constexpr (Lane<T>) return cpu::gemm_cblas<T>(a, b, c, accumulate, epilogue);
#endif
    cpu::gemm<T>(a, b, c, accumulate, epilogue);
  }
  static void gemm_batch(MatrixBatch const& batch, Matrix<T const> a, Matrix<T const> b, T* c, Epilogue<T> epilogue) {
    cpu::gemm_batch<T>(batch, a, b, c, epilogue, &gemm);
  }
  static void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<T> epilogue) {
    cpu::conv2d<T>(s, x, w, y, epilogue);
  }
  static void conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
    cpu::conv2d_input_gradient<T>(s, gy, w, gx, accumulate);
  }
  static void conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
    cpu::conv2d_weight_gradient<T>(s, x, gy, gw, accumulate);
  }
  template <class Index>
  static void max_pool2d(Pool2dShape const& s, T const* x, T* y, Index* chosen, Epilogue<T> epilogue) {
    cpu::max_pool2d(s, x, y, chosen, epilogue);
  }
  template <class Index>
  static void max_pool2d_gradient(Pool2dShape const& s, T const* gy, Index const* chosen, T* gx, bool accumulate) {
    cpu::max_pool2d_gradient(s, gy, chosen, gx, accumulate);
  }
  static void avg_pool2d(Pool2dShape const& s, T const* x, T* y) { cpu::avg_pool2d<T>(s, x, y); }
  static void avg_pool2d_gradient(Pool2dShape const& s, T const* gy, T* gx, bool accumulate) {
    cpu::avg_pool2d_gradient<T>(s, gy, gx, accumulate);
  }
  static void gather_rows(RowsShape const& s, T const* x, std::int64_t const* index, T* y) {
    cpu::gather_rows<T>(s, x, index, y);
  }
  static void scatter_add_rows(RowsShape const& s, T const* g, std::int64_t const* index, T* x) {
    cpu::scatter_add_rows<T>(s, g, index, x);
  }
  static bool in_range(T const* index, std::int64_t n, std::int64_t extent) requires std::is_integral_v<T> {
    return cpu::in_range(index, n, extent);
  }
  static void gather(GatherShape const& s, T const* x, std::int64_t const* index, T* y) { cpu::gather<T>(s, x, index, y); }
  static void scatter_add(GatherShape const& s, T const* g, std::int64_t const* index, T* x, std::int64_t size) {
    cpu::scatter_add<T>(s, g, index, x, size);
  }
};
static_assert(KernelSet<Kernels<float>, float>);

}  // namespace backend
}  // namespace wick::inline WICK_ISA
