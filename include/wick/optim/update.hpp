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
#include <wick/backend/thrust/update.hpp>
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
    if (!parts_.empty() && !(arrays.device == device()))
      fail("step: one parameter is on ", device(), ", another on ", arrays.device, "; move the model with to(model, \"", device(), "\")");
    parts_.push_back(arrays);
    first_unit_.push_back(units_);
    units_ += (arrays.count + unit - 1) / unit;
  }
  /// The parameters one by one.
  std::vector<Arrays<T, N>> const& parts() const { return parts_; }
  /// Where they are; parameters of one step are in one place.
  Device device() const { return parts_.empty() ? Device() : parts_.front().device; }
  bool on_device() const { return core::devices_in_use() && !(device() == Device()); }
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

/// What becomes of the gradients on a device before the kernel reads them: held within `bound`, then multiplied by a number
/// in the device's memory; nothing without one.
template <class T>
struct Scaling {
  T const* factor = nullptr;
  T bound = T(0);
};

/// The same for all parameters, on several threads or on their device. While work is recorded for a graph, `live` is where
/// each run of it finds the kernel's numbers.
template <Lane T, int N, class Kernel>
void update_all(Parts<T, N> const& parts, Kernel const& kernel, [[maybe_unused]] Scaling<T> scaling = {},
                [[maybe_unused]] Kernel const* live = nullptr) {
  if (parts.on_device()) [[unlikely]] {
#if WICK_DEVICE_KERNELS
    core::current_statement = "step";
    return backend::thrust_::update_on_device<T, N>(parts.device(), parts.parts(), kernel, live, scaling.factor, scaling.bound);
#else
    wick::detail::fail_without_kernels("step", parts.device());
#endif
  }
  parts.each_unit([&](Arrays<T, N> const& arrays, std::int64_t) { update_registers(arrays, kernel); });
}

}  // namespace optim
}  // namespace wick::inline WICK_ISA
