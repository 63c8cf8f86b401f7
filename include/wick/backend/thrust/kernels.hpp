// SPDX-License-Identifier: MIT
// The kernel set of a device (backend/contract.hpp). Of the formulas around a kernel node products and convolutions take a
// bias, relu and gelu_tanh; others run after it.
#pragma once

#include <wick/backend/cuda/blas.hpp>
#include <wick/backend/cuda/dnn.hpp>
#include <wick/backend/thrust/conv.hpp>
#include <wick/backend/thrust/element_kernels.hpp>
#include <wick/backend/thrust/scan.hpp>
#include <wick/backend/thrust/scatter.hpp>
#include <wick/backend/thrust/sort.hpp>
#include <wick/core/tensor.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::device {

template <class T>
struct Kernels {
  Device device;

  /// Calls f(i) for 0 <= i < n.
  template <class F>
  void for_each(std::int64_t n, F const& f) const {
    thrust_::for_each_position(device, n, f);
  }

  void gemm(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate, Epilogue<T> const& epilogue) const {
    products({}, a, b, c, accumulate, epilogue.known());
  }
  void gemm_batch(MatrixBatch const& batch, Matrix<T const> const& a, Matrix<T const> const& b, T* c, Epilogue<T> const& epilogue) const {
    products(batch, a, b, {c, a.rows, b.columns, b.columns, 1}, false, epilogue.known());
  }
  void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<T> const& epilogue) const {
#if defined(__CUDACC__) && defined(WICK_USE_CUDNN)
    if constexpr (cuda_::has_dnn<T>)
      if (on_cuda() && cuda_::conv2d<T>(device, s, x, w, y, epilogue.known())) return;
#endif
    thrust_::run_conv(device, s, x, w, y, epilogue.known());
  }
  void conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) const {
#if defined(__CUDACC__) && defined(WICK_USE_CUDNN)
    if constexpr (cuda_::has_dnn<T>)
      if (on_cuda() && cuda_::conv2d_input_gradient<T>(device, s, gy, w, gx, accumulate)) return;
#endif
    thrust_::run_conv_input_gradient(device, s, gy, w, gx, accumulate);
  }
  void conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) const {
#if defined(__CUDACC__) && defined(WICK_USE_CUDNN)
    if constexpr (cuda_::has_dnn<T>)
      if (on_cuda() && cuda_::conv2d_weight_gradient<T>(device, s, x, gy, gw, accumulate)) return;
#endif
    thrust_::run_conv_weight_gradient(device, s, x, gy, gw, accumulate);
  }
  template <class Index>
  void max_pool2d(Pool2dShape const& s, T const* x, T* y, Index* chosen, Epilogue<T> const&) const {
    for_each(s.planes * s.out_height() * s.out_width(), thrust_::MaxPoolElement<T, Index>{s, x, y, chosen});
  }
  template <class Index>
  void max_pool2d_gradient(Pool2dShape const& s, T const* gy, Index const* chosen, T* gx, bool accumulate) const {
    for_each(s.planes * s.height * s.width, thrust_::PoolGradientElement<T, thrust_::MaxPoolTerm<T, Index>>{s, {gy, chosen}, gx, accumulate});
  }
  void avg_pool2d(Pool2dShape const& s, T const* x, T* y) const {
    for_each(s.planes * s.out_height() * s.out_width(), thrust_::AvgPoolElement<T>{s, x, y});
  }
  void avg_pool2d_gradient(Pool2dShape const& s, T const* gy, T* gx, bool accumulate) const {
    for_each(s.planes * s.height * s.width, thrust_::PoolGradientElement<T, thrust_::AvgPoolTerm<T>>{s, {gy}, gx, accumulate});
  }
  void gather_rows(RowsShape const& s, T const* x, std::int64_t const* index, T* y) const {
    for_each(s.outer * s.count * s.inner, thrust_::GatherRowsElement<T>{s, x, index, y, thrust_::IndexCheck::on(device)});
  }
  void scatter_add_rows(RowsShape const& s, T const* g, std::int64_t const* index, T* x) const {
    thrust_::scatter_add_rows(device, s, g, index, x);
  }
  void gather(GatherShape const& s, T const* x, std::int64_t const* index, T* y) const {
    for_each(s.lines(0) * s.line(), thrust_::GatherElement<T>{s, x, index, y, thrust_::IndexCheck::on(device)});
  }
  void scatter_add(GatherShape const& s, T const* g, std::int64_t const* index, T* x, std::int64_t size) const {
    using C = compute_t<T>;
    Tensor<C> const scratch(Tensor<C>::uninitialized, Dims(Half<T> ? size : 0), device);
    C* sums;
    if constexpr (Half<T>) sums = const_cast<C*>(scratch.data());
    else sums = x;
    for_each(size, thrust_::FillElement<C>{sums, C(0)});
    std::int64_t const along = s.rank ? s.extent[s.axis] : 1;
    if (along > 0) for_each(s.lines(0) * s.line() / along, thrust_::ScatterLine<T>{s, g, index, sums, thrust_::IndexCheck::on(device)});
    if constexpr (Half<T>) for_each(size, thrust_::RoundElement<T>{sums, x});
  }
  template <Scan kind>
  void scan(LinesShape const& s, bool reverse, T const* x, T* y) const {
    thrust_::scan_lines<Prefix<kind, T>>(device, s, reverse, thrust_::PrefixSource<kind, T>{x}, thrust_::PrefixSink<kind, T>{y});
  }
  template <bool smallest>
  void scan_extreme(LinesShape const& s, T const* x, T* y, std::int64_t* index) const {
    thrust_::scan_lines<thrust_::ExtremeJoin<smallest, compute_t<T>>>(device, s, false, thrust_::ExtremeSource<T>{x}, thrust_::ExtremeSink<T>{y, index});
  }
  void recurrence(LinesShape const& s, bool reverse, T const* c, T const* x, T* y) const {
    thrust_::LinearSource<T> const source{c, x, reverse ? s.inner : 0};
    thrust_::scan_lines<thrust_::LinearJoin<prefix_t<T>>>(device, s, reverse, source, thrust_::LinearSink<T>{y});
  }
  void sort(LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, T const* x, T* y, std::int64_t* index) const {
    thrust_::sort(device, s, first, count, descending, x, y, index);
  }
  template <bool smallest>
  void arg_extreme(std::int64_t outer, std::int64_t n, std::int64_t inner, T const* x, std::int64_t* y) const {
    for_each(outer * inner, thrust_::ArgExtremeElement<smallest, T>{n, inner, x, y});
  }

 private:
  bool on_cuda() const { return device.kind() == Device::Kind::cuda; }
  void products(MatrixBatch const& batch, Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate,
                KnownEpilogue<T> const& epilogue) const {
#if defined(__CUDACC__) && defined(WICK_USE_CUBLASLT)
    if constexpr (cuda_::has_blas<T>)
      if (on_cuda() && cuda_::products<T>(device, batch, a, b, c, accumulate, epilogue)) return;
#endif
    thrust_::MatrixLines<T> const left{a.data, a.row_stride, a.column_stride, a.column_stride == 1, batch, false};
    thrust_::MatrixLines<T> const right{b.data, b.column_stride, b.row_stride, b.row_stride == 1, batch, true};
    thrust_::run_product<compute_t<T>>(device, left, right, thrust_::PutMatrix<T>{c.data, c.rows, c.row_stride, accumulate, epilogue}, batch.count(), c.rows,
                                       c.columns, a.columns);
  }
};

static_assert(KernelSet<Kernels<float> const, float>);

inline void one_hot(Device device, std::int64_t n, std::int64_t classes, std::int64_t const* labels, std::int64_t* y) {
  thrust_::for_each_position(device, n, thrust_::OneHotElement{classes, labels, y, thrust_::IndexCheck::on(device)});
}

}  // namespace backend::device
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
