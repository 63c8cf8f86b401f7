// SPDX-License-Identifier: MIT
// An optimizer's step on a device: one kernel for many parameters, and the norm of their gradients without a word to the host.
#pragma once

#include <span>

#include <wick/backend/thrust/fold.hpp>
#include <wick/base/math.hpp>
#include <wick/core/graph.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// One parameter's arrays among those of a launch; its first pack has number `begin`.
template <class T, int N>
struct UpdateArrays {
  T* data[N];
  std::int64_t begin, count;
};
/// A step of some parameters: kernel(x0, x1, ...) for the elements of each; x1, the gradient, is only read.
template <class T, int N, class Kernel>
struct UpdateElements {
  static constexpr int most = 24;
  UpdateArrays<T, N> arrays[most];
  int count;
  Kernel kernel;
  Kernel const* live;  ///< if given, where a graph's run finds the kernel's numbers
  T const* scale;      ///< if given, what gradients are multiplied by, held within `bound` first
  T bound;

  constexpr void operator()(std::int64_t index) const {
    int which = 0;
    while (which + 1 < count && arrays[which + 1].begin <= index) ++which;
    std::int64_t const first = (index - arrays[which].begin) * ArrayFrame<T>::V;
    if (first < arrays[which].count) update(arrays[which], first, std::make_index_sequence<N>{});
  }
  template <std::size_t... K>
  constexpr void update(UpdateArrays<T, N> const& a, std::int64_t first, std::index_sequence<K...>) const {
    ArrayFrame<T> x[N];
    (x[K].read(a.data[K], first, a.count), ...);
    WICK_UNROLLED for (int k = 0; k < ArrayFrame<T>::V; ++k) {
      if (scale) x[1].value[k] = simd::clamp(x[1].value[k], -bound, bound) * *scale;
      if (live) (*live)(x[K].value[k]...);
      else kernel(x[K].value[k]...);
    }
    ((K != 1 ? x[K].write(a.data[K], first) : void()), ...);
  }
};

/// Runs a step over the parameters that `arrays` lists (`data` and `count` of each).
template <class T, int N, class Kernel, class List>
void update_on_device(Device device, List const& list, Kernel const& kernel, Kernel const* live, T const* scale, T bound) {
  using Work = UpdateElements<T, N, Kernel>;
  Work work{{}, 0, kernel, live, scale, bound};
  std::int64_t total = 0;
  auto const run = [&] {
    for_each_position(device, total, work);
    work.count = 0, total = 0;
  };
  for (auto const& arrays : list) {
    auto& mine = work.arrays[work.count++];
    for (std::size_t k = 0; k < N; ++k) mine.data[k] = static_cast<T*>(arrays.data[k]);
    mine.begin = total, mine.count = arrays.count;
    total += (packs_of<ArrayFrame<T>::V>(arrays.count) + 255) / 256 * 256;  // a parameter begins with a block of threads
    if (work.count == Work::most) run();
  }
  if (work.count) run();
}

/// The terms of the norm of one array, each element held within `bound` first; `type` is the norm's p.
template <class T>
struct NormTerm {
  using Result = double;
  using Frame = ArrayFrame<T>;
  T const* x;
  std::int64_t count;
  double* out;
  T bound;
  double type;

  constexpr bool largest() const { return type == std::numeric_limits<double>::infinity(); }
  constexpr double identity() const { return 0; }
  constexpr double combine(double a, double b) const {
    if (!largest()) return a + b;
    return a >= b || a != a ? a : b;
  }
  constexpr int start(std::int64_t) const { return 0; }
  constexpr void read(Frame& frame, int, std::int64_t pack) const { frame.read(x, pack * Frame::V, count); }
  constexpr double at(Frame const& frame) const {
    auto const v = static_cast<double>(simd::clamp(frame.value[frame.k], -bound, bound));
    double const size = v < 0 ? -v : v;
    if (type == 2) return v * v;
    return type == 1 || largest() ? size : static_cast<double>(math::pow(size, type));
  }
  constexpr void put(std::int64_t, double total) const { *out = total; }
};
/// The norm of all arrays from those of each, and what brings it to `most` at most.
template <class T>
struct JoinNorms {
  double const* term;
  std::int64_t count;
  double type, most;
  double* norm;
  T* factor;

  constexpr void operator()(std::int64_t) const {
    NormTerm<T> const join{nullptr, 0, nullptr, T(0), type};
    double total = 0;
    for (std::int64_t i = 0; i < count; ++i) total = join.combine(total, term[i]);
    if (type == 2) total = math::sqrt(total);
    else if (type != 1 && !join.largest()) total = math::pow(total, 1 / type);
    *norm = total;
    double const f = most / (total + 1e-6);
    *factor = static_cast<T>(f < 1 || f != f ? f : 1.0);
  }
};

/// The norm of the second arrays of a list, and the factor of optim::detail::clip_factor, both on the device.
template <class T>
struct DeviceNorm {
  Tensor<double> norm;
  Tensor<T> factor;
};
template <class T, class List>
DeviceNorm<T> norm_on_device(Device device, List const& list, double type, double bound, double most) {
  auto const count = static_cast<std::int64_t>(list.size());
  core::current_statement = "norm of the gradients";
  Tensor<double> const terms(Tensor<double>::uninitialized, Dims(count), device);
  auto* const term = const_cast<double*>(terms.data());
  std::int64_t i = 0;
  for (auto const& arrays : list)
    run_fold(device, NormTerm<T>{static_cast<T const*>(arrays.data[1]), arrays.count, term + i++, static_cast<T>(bound), type}, 1, packs_of<ArrayFrame<T>::V>(arrays.count), false);
  DeviceNorm<T> result{Tensor<double>(Tensor<double>::uninitialized, Dims(), device), Tensor<T>(Tensor<T>::uninitialized, Dims(), device)};
  for_each_position(device, 1, JoinNorms<T>{term, count, type, most, const_cast<double*>(std::as_const(result.norm).data()), const_cast<T*>(std::as_const(result.factor).data())});
  return result;
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
