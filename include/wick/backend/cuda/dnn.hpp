// SPDX-License-Identifier: MIT
// Convolutions on CUDA devices by cuDNN: with WICK_USE_CUDNN defined, a file that nvcc compiles hands them over.
#pragma once

// Empty for other compilers than nvcc.
#if defined(__CUDACC__) && defined(WICK_USE_CUDNN)

#if !__has_include(<cudnn.h>)
#error "WICK_USE_CUDNN needs cudnn.h of cuDNN 9 in the include path, and the program -lcudnn."
#endif
#include <cudnn.h>

#include <algorithm>
#include <climits>

#include <wick/backend/cuda/plans.hpp>
#include <wick/backend/thrust/element_kernels.hpp>
#include <wick/core/tf32.hpp>

#if CUDNN_MAJOR < 9
#error "WICK_USE_CUDNN needs cuDNN 9 or newer."
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cuda_ {

/// Memory that an algorithm may ask for. Those that want more are passed over.
inline constexpr std::size_t most_conv_workspace = std::size_t{1} << 30;

/// Throws Error when a call failed, naming the statement and the shapes.
inline void check_dnn(cudnnStatus_t status, Conv2dShape const& s) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  fail(core::current_statement, ": cuDNN says ", cudnnGetErrorString(status), " of an input ", Dims(s.batch, s.in_channels, s.height, s.width), " and weights ", Dims(s.out_channels, s.group_in(), s.kernel_h, s.kernel_w));
}
/// True when cuDNN says that it cannot, not that something is wrong.
inline bool is_refused(cudnnStatus_t status) { return CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED; }

/// One of cuDNN's descriptions, destroyed at the end of the scope.
template <class Handle, cudnnStatus_t (*create)(Handle*), cudnnStatus_t (*destroy)(Handle)>
class Description {
 public:
  Description() {
    if (cudnnStatus_t const status = create(&handle_); status != CUDNN_STATUS_SUCCESS) fail(core::current_statement, ": cuDNN says ", cudnnGetErrorString(status));
  }
  Description(Description const&) = delete;
  Description& operator=(Description const&) = delete;
  ~Description() { destroy(handle_); }
  operator Handle() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};
using TensorDescription = Description<cudnnTensorDescriptor_t, &cudnnCreateTensorDescriptor, &cudnnDestroyTensorDescriptor>;
using FilterDescription = Description<cudnnFilterDescriptor_t, &cudnnCreateFilterDescriptor, &cudnnDestroyFilterDescriptor>;
using ConvDescription = Description<cudnnConvolutionDescriptor_t, &cudnnCreateConvolutionDescriptor, &cudnnDestroyConvolutionDescriptor>;
using ActivationDescription = Description<cudnnActivationDescriptor_t, &cudnnCreateActivationDescriptor, &cudnnDestroyActivationDescriptor>;

/// The three products of a convolution.
enum class ConvKind : std::uint8_t { forward, input_gradient, weight_gradient };

/// A convolution as cuDNN wants it said, and the algorithm that it chose.
struct ConvPlan {
  TensorDescription x, y, bias;
  FilterDescription w;
  ConvDescription conv;
  ActivationDescription activation;
  int algorithm = 0;
  std::size_t workspace = 0;
  bool supported = false;
  bool fuses = true;  ///< a bias and relu are part of the call, as long as cuDNN does not refuse
};

using ConvKey = std::array<std::int64_t, 14>;

/// cuDNN on one device, for one thread. What it chose is remembered.
struct Dnn {
  cudnnHandle_t handle = nullptr;
  Plans<ConvPlan, std::tuple_size_v<ConvKey>> plans;

  Dnn() {
    if (cudnnStatus_t const status = cudnnCreate(&handle); status != CUDNN_STATUS_SUCCESS)
      fail(core::current_statement, ": cuDNN does not start: ", cudnnGetErrorString(status));
  }
  Dnn(Dnn const&) = delete;
  ~Dnn() {
    plans.clear();
    cudnnDestroy(handle);
  }
};

/// Element type and sums of a convolution, in the library's names.
struct ConvType {
  cudnnDataType_t element, sum;
};
template <class T>
inline constexpr ConvType conv_type{CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT};
template <>
inline constexpr ConvType conv_type<double>{CUDNN_DATA_DOUBLE, CUDNN_DATA_DOUBLE};
template <>
inline constexpr ConvType conv_type<float16>{CUDNN_DATA_HALF, CUDNN_DATA_FLOAT};
template <>
inline constexpr ConvType conv_type<bfloat16>{CUDNN_DATA_BFLOAT16, CUDNN_DATA_FLOAT};
/// The element types whose convolutions the library computes.
template <class T>
inline constexpr bool has_dnn = Lane<T> || Half<T>;

/// Describes a convolution and asks for an algorithm: the fastest one that gives the same bits every run.
inline std::unique_ptr<ConvPlan> make_plan(cudnnHandle_t handle, ConvKind kind, ConvType const& type, bool tf32, Conv2dShape const& s) {
  auto result = std::make_unique<ConvPlan>();
  ConvPlan& plan = *result;
  auto const ok = [&](cudnnStatus_t status) { check_dnn(status, s); };
  auto const i = [](std::int64_t n) { return static_cast<int>(n); };
  cudnnMathType_t const math = type.element == CUDNN_DATA_FLOAT ? (tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH)
                               : type.element == CUDNN_DATA_DOUBLE ? CUDNN_DEFAULT_MATH : CUDNN_TENSOR_OP_MATH;
  ok(cudnnSetTensor4dDescriptor(plan.x, CUDNN_TENSOR_NCHW, type.element, i(s.batch), i(s.in_channels), i(s.height), i(s.width)));
  ok(cudnnSetTensor4dDescriptor(plan.y, CUDNN_TENSOR_NCHW, type.element, i(s.batch), i(s.out_channels), i(s.out_height()), i(s.out_width())));
  ok(cudnnSetTensor4dDescriptor(plan.bias, CUDNN_TENSOR_NCHW, type.element, 1, i(s.out_channels), 1, 1));
  ok(cudnnSetFilter4dDescriptor(plan.w, type.element, CUDNN_TENSOR_NCHW, i(s.out_channels), i(s.group_in()), i(s.kernel_h), i(s.kernel_w)));
  ok(cudnnSetConvolution2dDescriptor(plan.conv, i(s.pad_h), i(s.pad_w), i(s.stride_h), i(s.stride_w), i(s.dilation_h), i(s.dilation_w),
                                     CUDNN_CROSS_CORRELATION, type.sum));
  ok(cudnnSetConvolutionGroupCount(plan.conv, i(s.groups)));
  ok(cudnnSetConvolutionMathType(plan.conv, math));

  int count = 0;
  // Found are algorithms, those that cuDNN takes for the fastest first.
  auto const choose = [&](cudnnStatus_t status, auto const* found, auto const& ask_workspace) {
    if (is_refused(status)) return;
    ok(status);
    for (int n = 0; n < count && !plan.supported; ++n) {
      auto const& one = found[n];
      if (one.status != CUDNN_STATUS_SUCCESS || one.determinism != CUDNN_DETERMINISTIC || one.memory > most_conv_workspace) continue;
      if (math != CUDNN_FMA_MATH) ok(cudnnSetConvolutionMathType(plan.conv, one.mathType));
      cudnnStatus_t const asked = ask_workspace(one.algo);
      if (is_refused(asked)) continue;
      ok(asked);
      plan.algorithm = static_cast<int>(one.algo), plan.supported = true;
    }
  };
  std::size_t* const bytes = &plan.workspace;
  if (kind == ConvKind::forward) {
    cudnnConvolutionFwdAlgoPerf_t found[CUDNN_CONVOLUTION_FWD_ALGO_COUNT];
    choose(cudnnGetConvolutionForwardAlgorithm_v7(handle, plan.x, plan.w, plan.conv, plan.y, CUDNN_CONVOLUTION_FWD_ALGO_COUNT, &count, found), found,
           [&](auto algorithm) { return cudnnGetConvolutionForwardWorkspaceSize(handle, plan.x, plan.w, plan.conv, plan.y, algorithm, bytes); });
  } else if (kind == ConvKind::input_gradient) {
    cudnnConvolutionBwdDataAlgoPerf_t found[CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT];
    choose(cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, plan.w, plan.y, plan.conv, plan.x, CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT, &count, found),
           found,
           [&](auto algorithm) { return cudnnGetConvolutionBackwardDataWorkspaceSize(handle, plan.w, plan.y, plan.conv, plan.x, algorithm, bytes); });
  } else {
    cudnnConvolutionBwdFilterAlgoPerf_t found[CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT];
    choose(cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, plan.x, plan.y, plan.conv, plan.w, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT, &count, found),
           found,
           [&](auto algorithm) { return cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, plan.x, plan.y, plan.conv, plan.w, algorithm, bytes); });
  }
  return result;
}

/// True when every extent is one that cuDNN can be told: its integers have 32 bits, and no tensor more elements.
inline bool fits_dnn(Conv2dShape const& s) {
  std::int64_t const sizes[] = {s.batch * s.in_channels * s.height * s.width, s.batch * s.out_channels * s.out_pixels(), s.out_channels * s.filter(),
                                s.pad_h, s.pad_w, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w};
  return std::ranges::all_of(sizes, [](std::int64_t n) { return n <= INT_MAX; }) && sizes[0] > 0 && sizes[1] > 0 && sizes[2] > 0;
}

/// Where a convolution finds its operands: of the three tensors the kind says which one is written.
struct ConvData {
  void *x, *w, *y;
  void const* bias;
  bool accumulate;
  Activation activation;
};
/// What was done: all of it, all but the epilogue, nothing.
enum class ConvDone : std::uint8_t { all, convolution, nothing };

/// Runs a convolution on the current stream.
inline ConvDone run_conv(Device device, ConvKind kind, ConvType const& type, Conv2dShape const& s, ConvData const& data) {
  if (!fits_dnn(s)) return ConvDone::nothing;
  DeviceGuard const guard(device.number());
  Dnn& dnn = library_of<Dnn>(device.number());
  bool const tf32 = tf32_allowed();
  ConvKey const key{static_cast<int>(kind) | tf32 << 2 | std::int64_t{type.element} << 8, s.batch, s.in_channels, s.height, s.width, s.out_channels,
                    s.kernel_h, s.kernel_w, s.stride_h << 32 | s.stride_w, s.pad_h, s.pad_w, s.dilation_h, s.dilation_w, s.groups};
  ConvPlan& plan = planned(dnn.plans, key, [&] { return make_plan(dnn.handle, kind, type, tf32, s); });
  if (!plan.supported) return ConvDone::nothing;
  auto const ok = [&](cudnnStatus_t status) { check_dnn(status, s); };
  ok(cudnnSetStream(dnn.handle, current_stream()));
  Workspace const scratch(device, plan.workspace);
  Factors const factors(type.sum == CUDNN_DATA_DOUBLE, data.accumulate);
  if (kind == ConvKind::forward) {
    auto const algorithm = static_cast<cudnnConvolutionFwdAlgo_t>(plan.algorithm);
    // Without relu one algorithm alone takes a bias.
    bool const relu = data.activation == Activation::relu;
    bool const bias_alone = data.activation == Activation::none && algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    if (data.bias && plan.fuses && (relu || bias_alone)) {
      ok(cudnnSetActivationDescriptor(plan.activation, relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY, CUDNN_PROPAGATE_NAN, 0));
      cudnnStatus_t const status = cudnnConvolutionBiasActivationForward(
          dnn.handle, factors.one(), plan.x, data.x, plan.w, data.w, plan.conv, algorithm, scratch.data(), plan.workspace, factors.zero(), plan.y, data.y,
          plan.bias, data.bias, plan.activation, plan.y, data.y);
      if (!is_refused(status)) return ok(status), launched(), ConvDone::all;
      plan.fuses = false;
    }
    cudnnStatus_t const status = cudnnConvolutionForward(dnn.handle, factors.one(), plan.x, data.x, plan.w, data.w, plan.conv, algorithm,
                                                         scratch.data(), plan.workspace, factors.old(), plan.y, data.y);
    if (is_refused(status)) return ConvDone::nothing;
    return ok(status), launched(), ConvDone::convolution;
  }
  cudnnStatus_t const status =
      kind == ConvKind::input_gradient
          ? cudnnConvolutionBackwardData(dnn.handle, factors.one(), plan.w, data.w, plan.y, data.y, plan.conv,
                                         static_cast<cudnnConvolutionBwdDataAlgo_t>(plan.algorithm), scratch.data(), plan.workspace, factors.old(), plan.x,
                                         data.x)
          : cudnnConvolutionBackwardFilter(dnn.handle, factors.one(), plan.x, data.x, plan.y, data.y, plan.conv,
                                           static_cast<cudnnConvolutionBwdFilterAlgo_t>(plan.algorithm), scratch.data(), plan.workspace, factors.old(),
                                           plan.w, data.w);
  if (is_refused(status)) return ConvDone::nothing;
  return ok(status), launched(), ConvDone::all;
}

/// As `Kernels::conv2d`; false when cuDNN does not take it.
template <class T>
bool conv2d(Device device, Conv2dShape const& s, T const* x, T const* w, T* y, KnownEpilogue<T> const& epilogue) {
  ConvData const data{const_cast<T*>(x), const_cast<T*>(w), y, epilogue.bias, false, epilogue.activation};
  ConvDone const done = run_conv(device, ConvKind::forward, conv_type<T>, s, data);
  if (done == ConvDone::convolution && epilogue)
    thrust_::for_each_position(device, s.batch * s.out_channels * s.out_pixels(),
                               thrust_::FinishElement<T>{epilogue, s.out_channels, s.out_pixels(), s.out_channels * s.out_pixels(), y});
  return done != ConvDone::nothing;
}
/// As `Kernels::conv2d_input_gradient`; false when cuDNN does not take it.
template <class T>
bool conv2d_input_gradient(Device device, Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
  ConvData const data{gx, const_cast<T*>(w), const_cast<T*>(gy), nullptr, accumulate, Activation::none};
  return run_conv(device, ConvKind::input_gradient, conv_type<T>, s, data) == ConvDone::all;
}
/// As `Kernels::conv2d_weight_gradient`; false when cuDNN does not take it.
template <class T>
bool conv2d_weight_gradient(Device device, Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
  ConvData const data{const_cast<T*>(x), gw, const_cast<T*>(gy), nullptr, accumulate, Activation::none};
  return run_conv(device, ConvKind::weight_gradient, conv_type<T>, s, data) == ConvDone::all;
}

}  // namespace backend::cuda_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END

#endif
