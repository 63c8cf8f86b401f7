// SPDX-License-Identifier: MIT
// Convolutions on devices as products over the images' patches, which are never stored (implicit GEMM). An entry of the
// product is a group of channels.
#pragma once

#include <wick/backend/thrust/product.hpp>
#include <wick/calls/conv.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Element k of a filter: its channel (in the group), row and column.
struct FilterPlace {
  std::int64_t channel;
  std::int32_t row, column;
};
constexpr FilterPlace filter_place(Conv2dShape const& s, std::int64_t k) {
  auto const at = static_cast<std::uint32_t>(k), across = static_cast<std::uint32_t>(s.kernel_w), down = static_cast<std::uint32_t>(s.kernel_h);
  std::uint32_t const line = at / across, channel = line / down;
  return {channel, static_cast<std::int32_t>(line - channel * down), static_cast<std::int32_t>(at - line * across)};
}
/// An output or input pixel among those of all images.
struct PixelPlace {
  std::int64_t image, row, column;
};
constexpr PixelPlace pixel_place(std::int64_t pixel, std::int64_t height, std::int64_t width) {
  std::int64_t const line = pixel / width, image = line / height;
  return {image, line - image * height, pixel - line * width};
}

/// The patch that an output pixel sees: its elements follow the filter's.
template <class T>
struct PatchLines {
  struct Line {
    T const* channels;  ///< of its image and group; null outside
    std::int32_t row, column;
  };
  static constexpr bool along_depth = false;
  Conv2dShape s;
  T const* x;

  constexpr Line line(std::int64_t group, std::int64_t pixel, std::int64_t pixels) const {
    if (pixel >= pixels) return {nullptr, 0, 0};
    PixelPlace const p = pixel_place(pixel, s.out_height(), s.out_width());
    return {x + (p.image * s.in_channels + group * s.group_in()) * s.height * s.width, static_cast<std::int32_t>(p.row * s.stride_h - s.pad_h),
            static_cast<std::int32_t>(p.column * s.stride_w - s.pad_w)};
  }
  constexpr compute_t<T> at(Line const& line, std::int64_t k) const {
    if (!line.channels) return compute_t<T>(0);
    FilterPlace const f = filter_place(s, k);
    std::int64_t const row = line.row + f.row * s.dilation_h, column = line.column + f.column * s.dilation_w;
    if (row < 0 || row >= s.height || column < 0 || column >= s.width) return compute_t<T>(0);
    return line.channels[(f.channel * s.height + row) * s.width + column];
  }
};
/// One place of the filter over all patches: the transpose of PatchLines.
template <class T>
struct PlaceLines {
  struct Line {
    FilterPlace place;
    bool inside;
    std::int64_t group;
  };
  static constexpr bool along_depth = true;
  PatchLines<T> patches;
  std::int64_t pixels;

  constexpr Line line(std::int64_t group, std::int64_t k, std::int64_t filter) const {
    return {filter_place(patches.s, k < filter ? k : 0), k < filter, group};
  }
  constexpr compute_t<T> at(Line const& line, std::int64_t pixel) const {
    if (!line.inside) return compute_t<T>(0);
    Conv2dShape const& s = patches.s;
    auto const patch = patches.line(line.group, pixel, pixels);
    std::int64_t const row = patch.row + line.place.row * s.dilation_h, column = patch.column + line.place.column * s.dilation_w;
    if (row < 0 || row >= s.height || column < 0 || column >= s.width) return compute_t<T>(0);
    return patch.channels[(line.place.channel * s.height + row) * s.width + column];
  }
};
/// The gradients of the outputs that an input pixel was seen by; its elements are (output channel, filter row, column).
template <class T>
struct SeenByLines {
  struct Line {
    T const* channels;
    std::int32_t row, column;
  };
  static constexpr bool along_depth = false;
  Conv2dShape s;
  T const* gy;

  constexpr Line line(std::int64_t group, std::int64_t pixel, std::int64_t pixels) const {
    if (pixel >= pixels) return {nullptr, 0, 0};
    PixelPlace const p = pixel_place(pixel, s.height, s.width);
    return {gy + (p.image * s.out_channels + group * s.group_out()) * s.out_pixels(), static_cast<std::int32_t>(p.row + s.pad_h),
            static_cast<std::int32_t>(p.column + s.pad_w)};
  }
  constexpr compute_t<T> at(Line const& line, std::int64_t k) const {
    if (!line.channels) return compute_t<T>(0);
    FilterPlace const f = filter_place(s, k);
    auto const step_h = static_cast<std::int32_t>(s.stride_h), step_w = static_cast<std::int32_t>(s.stride_w);
    auto const row = static_cast<std::int32_t>(line.row - f.row * s.dilation_h), column = static_cast<std::int32_t>(line.column - f.column * s.dilation_w);
    if (row < 0 || column < 0 || row % step_h || column % step_w) return compute_t<T>(0);
    std::int64_t const oh = row / step_h, ow = column / step_w, width = s.out_width(), height = s.out_height();
    return oh < height && ow < width ? compute_t<T>(line.channels[(f.channel * height + oh) * width + ow]) : compute_t<T>(0);
  }
};
/// The weights as input channels see them: the elements of a line are (output channel, filter row, column).
template <class T>
struct ChannelWeightLines {
  struct Line {
    T const* data;
  };
  static constexpr bool along_depth = true;
  Conv2dShape s;
  T const* w;

  constexpr Line line(std::int64_t group, std::int64_t channel, std::int64_t channels) const {
    return {channel < channels ? w + (group * s.group_out() * s.group_in() + channel) * s.kernel_h * s.kernel_w : nullptr};
  }
  constexpr compute_t<T> at(Line const& line, std::int64_t k) const {
    if (!line.data) return compute_t<T>(0);
    std::int64_t const window = s.kernel_h * s.kernel_w, o = static_cast<std::uint32_t>(k) / static_cast<std::uint32_t>(window);
    return line.data[o * s.group_in() * window + (k - o * window)];
  }
};
/// The filters, one after another.
template <class T>
struct FilterLines {
  struct Line {
    T const* data;
  };
  static constexpr bool along_depth = true;
  Conv2dShape s;
  T const* w;

  constexpr Line line(std::int64_t group, std::int64_t o, std::int64_t outputs) const {
    return {o < outputs ? w + (group * s.group_out() + o) * s.filter() : nullptr};
  }
  constexpr compute_t<T> at(Line const& line, std::int64_t k) const { return line.data ? compute_t<T>(line.data[k]) : compute_t<T>(0); }
};
/// The gradients of one output channel over all pixels of all images.
template <class T>
struct OutputLines {
  struct Line {
    T const* data;
  };
  static constexpr bool along_depth = true;
  Conv2dShape s;
  T const* gy;
  std::int64_t pixels;  ///< of one image

  constexpr Line line(std::int64_t group, std::int64_t o, std::int64_t outputs) const {
    return {o < outputs ? gy + (group * s.group_out() + o) * pixels : nullptr};
  }
  constexpr compute_t<T> at(Line const& line, std::int64_t k) const {
    if (!line.data) return compute_t<T>(0);
    std::int64_t const image = k / pixels;
    return line.data[image * s.out_channels * pixels + (k - image * pixels)];
  }
};
/// Sums put into the channels of images: row = channel of the group, column = pixel of all images.
template <class T>
struct PutChannels {
  T* y;
  std::int64_t channels, group_channels, pixels;
  bool accumulate;
  KnownEpilogue<T> epilogue;
  constexpr void operator()(std::int64_t group, std::int64_t, std::int64_t i, std::int64_t j, compute_t<T> sum) const {
    std::int64_t const image = j / pixels, channel = group * group_channels + i;
    T& to = y[(image * channels + channel) * pixels + (j - image * pixels)];
    to = static_cast<T>(finished<T>(epilogue, accumulate ? to + sum : sum, channel));
  }
};
/// Parts of the gradients of filters, kept apart.
template <class C>
struct PutParts {
  C* part;
  std::int64_t size, rows, columns;
  constexpr void operator()(std::int64_t group, std::int64_t number, std::int64_t i, std::int64_t j, C sum) const {
    part[number * size + (group * rows + i) * columns + j] = sum;
  }
};

template <class T>
void run_conv(Device device, Conv2dShape const& s, T const* x, T const* w, T* y, KnownEpilogue<T> const& epilogue) {
  run_product<compute_t<T>>(device, FilterLines<T>{s, w}, PatchLines<T>{s, x}, PutChannels<T>{y, s.out_channels, s.group_out(), s.out_pixels(), false, epilogue},
                            s.groups, s.group_out(), s.batch * s.out_pixels(), s.filter());
}
template <class T>
void run_conv_input_gradient(Device device, Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
  run_product<compute_t<T>>(device, ChannelWeightLines<T>{s, w}, SeenByLines<T>{s, gy},
                            PutChannels<T>{gx, s.in_channels, s.group_in(), s.height * s.width, accumulate, {}}, s.groups, s.group_in(),
                            s.batch * s.height * s.width, s.group_out() * s.kernel_h * s.kernel_w);
}
template <class T>
void run_conv_weight_gradient(Device device, Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
  using C = compute_t<T>;
  std::int64_t const depth = s.batch * s.out_pixels(), size = s.out_channels * s.filter();
  // Few filters and many pixels: the pixels are cut into parts, at places that depend on the shape alone.
  std::int64_t const tiles = std::max<std::int64_t>(1, s.groups * ((s.group_out() + 63) / 64) * ((s.filter() + 63) / 64));
  std::int64_t const parts = std::clamp<std::int64_t>(std::min(depth / 256, 512 / tiles), 1, 512);
  Tensor<C> const scratch(Tensor<C>::uninitialized, Dims(parts * size), device);
  auto* const part = const_cast<C*>(scratch.data());
  run_product<C>(device, OutputLines<T>{s, gy, s.out_pixels()}, PlaceLines<T>{{s, x}, depth}, PutParts<C>{part, size, s.group_out(), s.filter()},
                 s.groups, s.group_out(), s.filter(), depth, parts);
  run_fold(device, SumParts<T>{part, size, parts, gw, accumulate}, size, packs_of<ArrayFrame<C>::V>(parts), true);
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
