// SPDX-License-Identifier: MIT
// What kernels are told: plain structs of pointers, extents and strides, no ownership; and the seam through which
// operations reach the kernels of a backend.
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// The activations that kernels of devices know.
enum class Activation : std::uint8_t { none, relu, gelu_tanh };

/// What kernels of devices do to an element before they store it: they add a bias, then take the activation.
template <class T>
struct KnownEpilogue {
  T const* bias = nullptr;  ///< a number for each column of a product, or each output channel of a convolution; null: none
  Activation activation = Activation::none;

  explicit operator bool() const { return bias || activation != Activation::none; }
};

/// Called by a kernel exactly once for every finished row segment of its output: `values` holds n finished elements of
/// output row `row`, columns [column, column + n), in place and still in cache. Segments of different rows or columns
/// may be reported by several threads at once.
template <class T>
struct Epilogue {
  void (*run)(void* context, std::int64_t row, std::int64_t column, std::int64_t n, T* values) = nullptr;
  void* context = nullptr;

  void operator()(std::int64_t row, std::int64_t column, std::int64_t n, T* values) const {
    if (run && n > 0) run(context, row, column, n, values);
  }
  /// What a kernel of a device is to do: there nothing is called, and the context is a KnownEpilogue.
  KnownEpilogue<T> known() const { return context && !run ? *static_cast<KnownEpilogue<T> const*>(context) : KnownEpilogue<T>{}; }
};

/// A matrix in somebody else's memory; element (i, j) is data[i * row_stride + j * column_stride]. Strides may be zero
/// or negative.
template <class T>
struct Matrix {
  T* data;
  std::int64_t rows, columns, row_stride, column_stride;

  Matrix transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  template <class U>
    requires(std::is_same_v<U, T const> && !std::is_const_v<T>)
  operator Matrix<U>() const {
    return {data, rows, columns, row_stride, column_stride};
  }
};

/// The leading dimensions of a batch of products, and how far apart their operands lie, in elements; 0 where one operand
/// serves all.
struct MatrixBatch {
  int dims = 0;
  std::int64_t extent[max_rank], a_stride[max_rank], b_stride[max_rank];

  std::int64_t count() const {
    std::int64_t n = 1;
    for (int d = 0; d < dims; ++d) n *= extent[d];
    return n;
  }
};

/// True when the extents of an input padded by `pad` and of a dilated window are far from what 64 bits hold.
constexpr bool window_in_range(std::int64_t kernel, std::int64_t stride, std::int64_t pad, std::int64_t dilation) {
  return kernel <= max_numel && stride <= max_numel && pad <= max_numel && dilation <= max_numel / kernel;
}

/// A two-dimensional convolution (cross-correlation, as torch.nn.functional.conv2d):
/// x: (batch, in_channels, height, width), w: (out_channels, in_channels / groups, kernel_h, kernel_w),
/// y: (batch, out_channels, out_height(), out_width()), all contiguous. `groups` divides both channel counts.
struct Conv2dShape {
  std::int64_t batch, in_channels, height, width, out_channels, kernel_h, kernel_w;
  std::int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1, groups = 1;

  static constexpr std::int64_t extent(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                                       std::int64_t dilation) {
    std::int64_t const room = in + 2 * pad - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
  }
  /// Rows of an output plane; 0 when the kernel does not fit.
  constexpr std::int64_t out_height() const { return extent(height, kernel_h, stride_h, pad_h, dilation_h); }
  /// Columns of an output plane; 0 when the kernel does not fit.
  constexpr std::int64_t out_width() const { return extent(width, kernel_w, stride_w, pad_w, dilation_w); }
  /// Elements of an output plane.
  constexpr std::int64_t out_pixels() const { return out_height() * out_width(); }
  /// Input channels that one output channel sees.
  constexpr std::int64_t group_in() const { return in_channels / groups; }
  /// Output channels of one group.
  constexpr std::int64_t group_out() const { return out_channels / groups; }
  /// Elements of one output channel's filter.
  constexpr std::int64_t filter() const { return group_in() * kernel_h * kernel_w; }
};

/// Two-dimensional pooling over `planes` (= batch * channels) independent planes, as torch.nn.functional.max_pool2d and
/// avg_pool2d: x: (planes, height, width), y: (planes, out_height(), out_width()), contiguous. Dilation is max
/// pooling's, count_include_pad average pooling's.
struct Pool2dShape {
  std::int64_t planes, height, width, kernel_h, kernel_w, stride_h, stride_w;
  std::int64_t pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  bool ceil_mode = false, count_include_pad = true;

  constexpr std::int64_t extent(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                                std::int64_t dilation) const {
    std::int64_t const room = in + 2 * pad - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
    if (room < 0) return 0;
    std::int64_t const out = room / stride + 1;
    // The last window must begin inside the plane or its left padding.
    return ceil_mode && (out - 1) * stride >= in + pad ? out - 1 : out;
  }
  /// Rows of an output plane; 0 when the window does not fit.
  constexpr std::int64_t out_height() const { return extent(height, kernel_h, stride_h, pad_h, dilation_h); }
  /// Columns of an output plane; 0 when the window does not fit.
  constexpr std::int64_t out_width() const { return extent(width, kernel_w, stride_w, pad_w, dilation_w); }
  /// Where in its plane element `k` (row * kernel_w + column) of the window of output (oh, ow) lies.
  constexpr std::int64_t element(std::int64_t oh, std::int64_t ow, std::uint32_t k) const {
    auto const across = static_cast<std::uint32_t>(kernel_w);
    std::int64_t const row = oh * stride_h - pad_h + k / across * dilation_h;
    return row * width + ow * stride_w - pad_w + k % across * dilation_w;
  }
  /// What stands for an element of a window: a byte, where that is enough.
  constexpr bool narrow() const { return kernel_h * kernel_w < 256; }
};

/// Rows picked by position: x: (outer, extent, inner), index: (count), y: (outer, count, inner), all contiguous.
struct RowsShape {
  std::int64_t outer, extent, inner, count;
};

/// Elements picked by position (torch.gather): the index's extents, and the strides of a contiguous source.
struct GatherShape {
  int rank, axis;
  std::int64_t extent[max_rank], stride[max_rank];
  std::int64_t limit = 0;  ///< the source's extent along `axis`

  /// Positions of the innermost dimension.
  constexpr std::int64_t line() const { return rank > 0 ? extent[rank - 1] : 1; }
  /// Lines along the innermost dimension that dimensions from `first` on have.
  constexpr std::int64_t lines(int first) const {
    std::int64_t n = 1;
    for (int d = first; d + 1 < rank; ++d) n *= extent[d];
    return n;
  }
  /// Elements of a line of the source along its innermost dimension, where more than one line makes that known.
  constexpr std::int64_t line_extent() const { return rank > 1 ? stride[rank - 2] : std::numeric_limits<std::int64_t>::max(); }
  /// Distance of neighbours along `axis`; 0 when it is the innermost dimension itself.
  constexpr std::int64_t scale() const { return axis + 1 < rank ? stride[axis] : 0; }
};

/// Lines of `n` elements: the middle dimension of contiguous elements (outer, n, inner).
struct LinesShape {
  std::int64_t outer, n, inner;

  /// How many lines there are.
  constexpr std::int64_t lines() const { return outer * inner; }
  /// Where the first element of a line lies.
  constexpr std::int64_t start(std::int64_t line) const { return line / inner * n * inner + line % inner; }
};

/// What a scan joins its elements by.
enum class Scan : std::uint8_t { sum, prod, logsumexp };

/// The kernels that operations call, for elements of type T: `gemm`, `conv2d`, `max_pool2d` ... (see
/// backend/contract.hpp). Declared here so that operations need not know any backend; defined in backend/kernels.hpp.
template <class T>
struct Kernels;

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
