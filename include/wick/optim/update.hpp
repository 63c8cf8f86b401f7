// SPDX-License-Identifier: MIT
// One pass over all parameters: what an optimizer's step does to a register of values, gradients and state.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include <wick/autograd/variable.hpp>
#include <wick/backend/cpu/threads.hpp>
#include <wick/base/simd.hpp>
#include <wick/expr/device.hpp>
#if WICK_DEVICE_KERNELS
#include <wick/backend/thrust/policy.hpp>
#endif

namespace wick::inline WICK_ISA {
namespace optim {

/// Arrays of equally many elements, one parameter's: by convention the value, the gradient, and the optimizer's state.
template <Lane T, int N>
struct Arrays {
  std::array<T*, N> data;
  std::int64_t count;
  Device device{};
};

/// Several parameters' arrays, seen as one long loop that is cut among the threads. Clearing keeps the memory.
template <Lane T, int N>
class Parts {
 public:
  static constexpr std::int64_t unit = 1024;

  void clear() {
    parts_.clear(), first_unit_.clear();
    units_ = 0;
  }
  void add(Arrays<T, N> const& arrays) {
    parts_.push_back(arrays);
    first_unit_.push_back(units_);
    units_ += (arrays.count + unit - 1) / unit;
  }
  /// The parameters one by one.
  std::vector<Arrays<T, N>> const& parts() const { return parts_; }
  /// Whether some of them are on a device.
  bool on_device() const {
    return core::devices_in_use() && std::any_of(parts_.begin(), parts_.end(), [](auto const& a) { return !(a.device == Device()); });
  }
  /// Units of at most `unit` elements in all.
  std::int64_t units() const { return units_; }

  /// Calls `body(arrays, number)` for each unit; `arrays` are its part of the arrays.
  template <class Body>
  void each_unit(Body const& body) const {
    parallel_for(units_, 2, [&](std::int64_t begin, std::int64_t end) {
      auto part = static_cast<std::size_t>(std::upper_bound(first_unit_.begin(), first_unit_.end(), begin) - first_unit_.begin()) - 1;
      for (std::int64_t number = begin; number < end; ++number) {
        while (part + 1 < parts_.size() && first_unit_[part + 1] <= number) ++part;
        std::int64_t const first = (number - first_unit_[part]) * unit;
        Arrays<T, N> here{parts_[part].data, std::min(unit, parts_[part].count - first), {}};
        for (T*& data : here.data) data += first;
        body(here, number);
      }
    });
  }

 private:
  std::vector<Arrays<T, N>> parts_;
  std::vector<std::int64_t> first_unit_;
  std::int64_t units_ = 0;
};

/// Calls `kernel(x0, x1, ...)` with a register of each array and writes back what it changed; the gradient, x1, is only
/// read.
template <Lane T, int N, class Kernel>
WICK_INLINE void update_registers(Arrays<T, N> const& arrays, Kernel const& kernel) {
  constexpr std::int64_t width = lanes<T>;
  auto const step = [&](std::array<T*, N> const& at) WICK_LAMBDA_INLINE {
    [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      Batch<T> x[] = {simd::load(at[K])...};
      kernel(x[K]...);
      ((K != 1 ? simd::store(at[K], x[K]) : void()), ...);
    }(std::make_index_sequence<N>{});
  };
  std::array<T*, N> at = arrays.data;
  std::int64_t i = 0;
  for (; i + width <= arrays.count; i += width) {
    step(at);
    for (T*& data : at) data += width;
  }
  if (i == arrays.count) return;
  // The rest goes through a register like all the others, so that no value depends on its place.
  auto const rest = static_cast<std::size_t>(arrays.count - i);
  T buffer[N][lanes<T>] = {};
  std::array<T*, N> padded;
  for (std::size_t k = 0; k < N; ++k) {
    std::copy_n(at[k], rest, buffer[k]);
    padded[k] = buffer[k];
  }
  step(padded);
  for (std::size_t k = 0; k < N; ++k)
    if (k != 1) std::copy_n(buffer[k], rest, at[k]);
}

#if WICK_DEVICE_KERNELS
/// The same for one element of arrays on a device.
template <Lane T, int N, class Kernel>
struct UpdateElement {
  T* data[N];
  Kernel kernel;

  constexpr void operator()(std::int64_t i) const { update(i, std::make_index_sequence<N>{}); }
  template <std::size_t... K>
  constexpr void update(std::int64_t i, std::index_sequence<K...>) const {
    T x[] = {data[K][i]...};
    kernel(x[K]...);
    ((K != 1 ? void(data[K][i] = x[K]) : void()), ...);
  }
};
#endif

/// The same for all parameters, on several threads or on their devices.
template <Lane T, int N, class Kernel>
void update_all(Parts<T, N> const& parts, Kernel const& kernel) {
  if (parts.on_device()) [[unlikely]] {
#if WICK_DEVICE_KERNELS
    for (Arrays<T, N> const& arrays : parts.parts()) {
      UpdateElement<T, N, Kernel> element{{}, kernel};
      std::copy_n(arrays.data.begin(), N, element.data);
      backend::thrust_::for_each_position(arrays.device, arrays.count, element);
    }
    return;
#else
    wick::detail::fail_without_kernels("step", parts.parts().front().device);
#endif
  }
  parts.each_unit([&](Arrays<T, N> const& arrays, std::int64_t) { update_registers(arrays, kernel); });
}

}  // namespace optim
}  // namespace wick::inline WICK_ISA
