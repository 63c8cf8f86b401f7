// SPDX-License-Identifier: MIT
// All kernels of a device. Of the formulas around a kernel node products and convolutions take a
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
namespace backend {

template <class F>
void run(Accelerator where, ForEach<F> const& call) {
  thrust_::for_each_position(where.device, call.n, call.f);
}

template <class T>
void run(Accelerator where, Gemm<T> const& call) {
  KnownEpilogue<T> const epilogue = call.epilogue.known();
#if defined(__CUDACC__) && defined(WICK_USE_CUBLASLT)
  if constexpr (cuda_::has_blas<T>)
    if (where.on_cuda() && cuda_::products<T>(where.device, call.batch, call.a, call.b, call.c, false, epilogue)) return;
#endif
  auto const &a = call.a, &b = call.b;
  auto const& c = call.c;
  thrust_::MatrixLines<T> const left{a.data, a.row_stride, a.column_stride, a.column_stride == 1, call.batch, false};
  thrust_::MatrixLines<T> const right{b.data, b.column_stride, b.row_stride, b.row_stride == 1, call.batch, true};
  thrust_::run_product<compute_t<T>>(where.device, left, right, thrust_::PutMatrix<T>{c.data, c.rows, c.row_stride, false, epilogue}, call.batch.count(),
                                     c.rows, c.columns, a.columns);
}

template <class T>
void run(Accelerator where, Conv2d<T> const& call) {
#if defined(__CUDACC__) && defined(WICK_USE_CUDNN)
  if constexpr (cuda_::has_dnn<T>)
    if (where.on_cuda() && cuda_::conv2d<T>(where.device, call.shape, call.x, call.w, call.y, call.epilogue.known())) return;
#endif
  thrust_::run_conv(where.device, call.shape, call.x, call.w, call.y, call.epilogue.known());
}
template <class T>
void run(Accelerator where, Conv2dInputGradient<T> const& call) {
#if defined(__CUDACC__) && defined(WICK_USE_CUDNN)
  if constexpr (cuda_::has_dnn<T>)
    if (where.on_cuda() && cuda_::conv2d_input_gradient<T>(where.device, call.shape, call.gy, call.w, call.gx, false)) return;
#endif
  thrust_::run_conv_input_gradient(where.device, call.shape, call.gy, call.w, call.gx, false);
}
template <class T>
void run(Accelerator where, Conv2dWeightGradient<T> const& call) {
#if defined(__CUDACC__) && defined(WICK_USE_CUDNN)
  if constexpr (cuda_::has_dnn<T>)
    if (where.on_cuda() && cuda_::conv2d_weight_gradient<T>(where.device, call.shape, call.x, call.gy, call.gw, false)) return;
#endif
  thrust_::run_conv_weight_gradient(where.device, call.shape, call.x, call.gy, call.gw, false);
}

template <class T>
void run(Accelerator where, MaxPool2d<T> const& call) {
  auto const& s = call.shape;
  call.chosen.visit([&]<class Index>(Index* chosen) {
    thrust_::for_each_position(where.device, s.outputs(), thrust_::MaxPoolElement<T, Index>{s, call.x, call.y, chosen});
  });
}
template <class T>
void run(Accelerator where, MaxPool2dGradient<T> const& call) {
  auto const& s = call.shape;
  call.chosen.visit([&]<class Index>(Index const* chosen) {
    using Term = thrust_::MaxPoolTerm<T, Index>;
    thrust_::for_each_position(where.device, s.inputs(), thrust_::PoolGradientElement<T, Term>{s, {call.gy, chosen}, call.gx, false});
  });
}
template <class T>
void run(Accelerator where, AvgPool2d<T> const& call) {
  thrust_::for_each_position(where.device, call.shape.outputs(), thrust_::AvgPoolElement<T>{call.shape, call.x, call.y});
}
template <class T>
void run(Accelerator where, AvgPool2dGradient<T> const& call) {
  using Term = thrust_::AvgPoolTerm<T>;
  thrust_::for_each_position(where.device, call.shape.inputs(), thrust_::PoolGradientElement<T, Term>{call.shape, {call.gy}, call.gx, false});
}

template <class T>
void run(Accelerator where, GatherRows<T> const& call) {
  thrust_::for_each_position(where.device, call.shape.picked(),
                             thrust_::GatherRowsElement<T>{call.shape, call.x, call.index, call.y, thrust_::IndexCheck::on(where.device)});
}
template <class T>
void run(Accelerator where, ScatterAddRows<T> const& call) {
  thrust_::scatter_add_rows(where.device, call.shape, call.g, call.index, call.x);
}
template <class T>
void run(Accelerator where, Gather<T> const& call) {
  auto const& s = call.shape;
  thrust_::for_each_position(where.device, s.lines(0) * s.line(), thrust_::GatherElement<T>{s, call.x, call.index, call.y, thrust_::IndexCheck::on(where.device)});
}
template <class T>
void run(Accelerator where, ScatterAdd<T> const& call) {
  using C = compute_t<T>;
  auto const& s = call.shape;
  auto const check = thrust_::IndexCheck::on(where.device);
  Tensor<C> const scratch(Tensor<C>::uninitialized, Dims(Half<T> ? call.size : 0), where.device);
  C* sums;
  if constexpr (Half<T>) sums = const_cast<C*>(scratch.data());
  else sums = call.x;
  thrust_::for_each_position(where.device, call.size, thrust_::FillElement<C>{sums, C(0)});
  std::int64_t const along = s.rank ? s.extent[s.axis] : 1;
  if (along > 0)
    thrust_::for_each_position(where.device, s.lines(0) * s.line() / along, thrust_::ScatterLine<T>{s, call.g, call.index, sums, check});
  if constexpr (Half<T>) thrust_::for_each_position(where.device, call.size, thrust_::RoundElement<T>{sums, call.x});
}
inline void run(Accelerator where, OneHot const& call) {
  thrust_::for_each_position(where.device, call.n, thrust_::OneHotElement{call.classes, call.labels, call.y, thrust_::IndexCheck::on(where.device)});
}

template <Scan kind, class T>
void run(Accelerator where, ScanLines<kind, T> const& call) {
  thrust_::scan_lines<Prefix<kind, T>>(where.device, call.shape, call.reverse, thrust_::PrefixSource<kind, T>{call.x},
                                       thrust_::PrefixSink<kind, T>{call.y});
}
template <bool smallest, class T>
void run(Accelerator where, ScanExtreme<smallest, T> const& call) {
  thrust_::scan_lines<thrust_::ExtremeJoin<smallest, compute_t<T>>>(where.device, call.shape, false, thrust_::ExtremeSource<T>{call.x},
                                                                    thrust_::ExtremeSink<T>{call.y, call.index});
}
template <class T>
void run(Accelerator where, Recurrence<T> const& call) {
  thrust_::LinearSource<T> const source{call.c, call.x, call.reverse ? call.shape.inner : 0};
  thrust_::scan_lines<thrust_::LinearJoin<prefix_t<T>>>(where.device, call.shape, call.reverse, source, thrust_::LinearSink<T>{call.y});
}
template <class T>
void run(Accelerator where, Sort<T> const& call) {
  thrust_::sort(where.device, call.shape, call.first, call.count, call.descending, call.x, call.y, call.index);
}
template <bool smallest, class T>
void run(Accelerator where, ArgExtreme<smallest, T> const& call) {
  thrust_::for_each_position(where.device, call.shape.lines(), thrust_::ArgExtremeElement<smallest, T>{call.shape.n, call.shape.inner, call.x, call.y});
}

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
