// SPDX-License-Identifier: MIT
// The kernels that operations call, for elements that are computed as they are. A build has one backend for host memory; a
// tensor's device has been checked before.
#pragma once

#include <wick/backend/contract.hpp>
#include <wick/backend/cpu/conv.hpp>
#include <wick/backend/cpu/gather.hpp>
#include <wick/backend/cpu/gemm_batch.hpp>
#include <wick/backend/cpu/pool.hpp>
#include <wick/backend/cpu/scan.hpp>
#include <wick/backend/cpu/sort.hpp>
#if defined(WICK_USE_CBLAS)
#include <wick/backend/cpu/gemm_cblas.hpp>
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// The expensive operations on host memory, as `backend::KernelSet` asks for them. The members are defined outside of
/// the class so that a program may take those for float and double from a library (`WICK_PRECOMPILED_KERNELS`).
template <class T>
struct Kernels {
  /// Calls f(i) for 0 <= i < n, in any order.
  template <class F>
  static void for_each(std::int64_t n, F const& f) {
    for_each_element(n, f);
  }
  static void gemm(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate,
                   Epilogue<T> const& epilogue);
  static void gemm_batch(MatrixBatch const& batch, Matrix<T const> a, Matrix<T const> b, T* c, Epilogue<T> epilogue);
  static void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<T> epilogue);
  static void conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate);
  static void conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate);
  template <class Index>
  static void max_pool2d(Pool2dShape const& s, T const* x, T* y, Index* chosen, Epilogue<T> epilogue);
  template <class Index>
  static void max_pool2d_gradient(Pool2dShape const& s, T const* gy, Index const* chosen, T* gx, bool accumulate);
  static void avg_pool2d(Pool2dShape const& s, T const* x, T* y);
  static void avg_pool2d_gradient(Pool2dShape const& s, T const* gy, T* gx, bool accumulate);
  static void gather_rows(RowsShape const& s, T const* x, std::int64_t const* index, T* y);
  static void scatter_add_rows(RowsShape const& s, T const* g, std::int64_t const* index, T* x);
  static void gather(GatherShape const& s, T const* x, std::int64_t const* index, T* y);
  static void scatter_add(GatherShape const& s, T const* g, std::int64_t const* index, T* x, std::int64_t size);
  template <Scan kind>
  static void scan(LinesShape const& s, bool reverse, T const* x, T* y);
  template <bool smallest>
  static void scan_extreme(LinesShape const& s, T const* x, T* y, std::int64_t* index);
  static void recurrence(LinesShape const& s, bool reverse, T const* c, T const* x, T* y);
  static void sort(LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, T const* x, T* y, std::int64_t* index);
  static bool in_range(T const* index, std::int64_t n, std::int64_t extent)
    requires std::is_integral_v<T>
  {
    return cpu::in_range(index, n, extent);
  }
};

template <class T>
void Kernels<T>::gemm(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate,
                      Epilogue<T> const& epilogue) {
#if defined(WICK_USE_CBLAS)
  if constexpr (Lane<T>) return cpu::gemm_cblas<T>(a, b, c, accumulate, epilogue);
#endif
  cpu::gemm<T>(a, b, c, accumulate, epilogue);
}
template <class T>
void Kernels<T>::gemm_batch(MatrixBatch const& batch, Matrix<T const> a, Matrix<T const> b, T* c, Epilogue<T> epilogue) {
  cpu::gemm_batch<T>(batch, a, b, c, epilogue, &gemm);
}
template <class T>
void Kernels<T>::conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<T> epilogue) {
  cpu::conv2d<T>(s, x, w, y, epilogue);
}
template <class T>
void Kernels<T>::conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
  cpu::conv2d_input_gradient<T>(s, gy, w, gx, accumulate);
}
template <class T>
void Kernels<T>::conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
  cpu::conv2d_weight_gradient<T>(s, x, gy, gw, accumulate);
}
template <class T>
template <class Index>
void Kernels<T>::max_pool2d(Pool2dShape const& s, T const* x, T* y, Index* chosen, Epilogue<T> epilogue) {
  cpu::max_pool2d(s, x, y, chosen, epilogue);
}
template <class T>
template <class Index>
void Kernels<T>::max_pool2d_gradient(Pool2dShape const& s, T const* gy, Index const* chosen, T* gx, bool accumulate) {
  cpu::max_pool2d_gradient(s, gy, chosen, gx, accumulate);
}
template <class T>
void Kernels<T>::avg_pool2d(Pool2dShape const& s, T const* x, T* y) {
  cpu::avg_pool2d<T>(s, x, y);
}
template <class T>
void Kernels<T>::avg_pool2d_gradient(Pool2dShape const& s, T const* gy, T* gx, bool accumulate) {
  cpu::avg_pool2d_gradient<T>(s, gy, gx, accumulate);
}
template <class T>
void Kernels<T>::gather_rows(RowsShape const& s, T const* x, std::int64_t const* index, T* y) {
  cpu::gather_rows<T>(s, x, index, y);
}
template <class T>
void Kernels<T>::scatter_add_rows(RowsShape const& s, T const* g, std::int64_t const* index, T* x) {
  cpu::scatter_add_rows<T>(s, g, index, x);
}
template <class T>
void Kernels<T>::gather(GatherShape const& s, T const* x, std::int64_t const* index, T* y) {
  cpu::gather<T>(s, x, index, y);
}
template <class T>
void Kernels<T>::scatter_add(GatherShape const& s, T const* g, std::int64_t const* index, T* x, std::int64_t size) {
  cpu::scatter_add<T>(s, g, index, x, size);
}
template <class T>
template <Scan kind>
void Kernels<T>::scan(LinesShape const& s, bool reverse, T const* x, T* y) {
  cpu::scan<kind, T>(s, reverse, x, y);
}
template <class T>
template <bool smallest>
void Kernels<T>::scan_extreme(LinesShape const& s, T const* x, T* y, std::int64_t* index) {
  cpu::scan_extreme<smallest, T>(s, x, y, index);
}
template <class T>
void Kernels<T>::recurrence(LinesShape const& s, bool reverse, T const* c, T const* x, T* y) {
  cpu::recurrence<T>(s, reverse, c, x, y);
}
template <class T>
void Kernels<T>::sort(LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, T const* x, T* y, std::int64_t* index) {
  cpu::sort<T>(s, first, count, descending, x, y, index);
}

// What src/kernels.cpp instantiates, with `extern` before it everywhere else.
#define WICK_KERNELS_OF(extern, T)                                                                                 \
  extern template struct Kernels<T>;                                                                               \
  extern template void Kernels<T>::max_pool2d(Pool2dShape const&, T const*, T*, std::uint8_t*, Epilogue<T>);       \
  extern template void Kernels<T>::max_pool2d(Pool2dShape const&, T const*, T*, std::int32_t*, Epilogue<T>);       \
  extern template void Kernels<T>::max_pool2d_gradient(Pool2dShape const&, T const*, std::uint8_t const*, T*, bool); \
  extern template void Kernels<T>::max_pool2d_gradient(Pool2dShape const&, T const*, std::int32_t const*, T*, bool); \
  extern template void Kernels<T>::scan<Scan::sum>(LinesShape const&, bool, T const*, T*);                         \
  extern template void Kernels<T>::scan<Scan::prod>(LinesShape const&, bool, T const*, T*);                        \
  extern template void Kernels<T>::scan<Scan::logsumexp>(LinesShape const&, bool, T const*, T*);                   \
  extern template void Kernels<T>::scan_extreme<false>(LinesShape const&, T const*, T*, std::int64_t*);            \
  extern template void Kernels<T>::scan_extreme<true>(LinesShape const&, T const*, T*, std::int64_t*)
#if defined(WICK_PRECOMPILED_KERNELS)
#if defined(WICK_USE_CBLAS)
#error "WICK_PRECOMPILED_KERNELS and WICK_USE_CBLAS: the precompiled products do not call a CBLAS. Choose one of the two."
#endif
WICK_KERNELS_OF(extern, float);
WICK_KERNELS_OF(extern, double);
#endif

static_assert(KernelSet<Kernels<float>, float>);

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
