// SPDX-License-Identifier: MIT
// One pass over all parameters: what an optimizer's step does to a register of values, gradients and state.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include <wick/autograd/variable.hpp>
#include <wick/backend/cpu/threads.hpp>
#include <wick/base/simd_half.hpp>
#include <wick/expr/device.hpp>
#if WICK_DEVICE_KERNELS
#include <wick/backend/thrust/update.hpp>
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace optim {

/// Arrays of equally many elements, one parameter's: by convention the value, the gradient, and the optimizer's state, which
/// is of the type that a step computes in. A value and a gradient of 16 bits are computed in float and rounded back.
struct Arrays {
  static constexpr int most = 4;
  std::array<void*, most> data;
  std::int64_t count;
  Device device;
  Dtype dtype;  ///< of the value and the gradient

  bool half() const { return dtype == Dtype::float16 || dtype == Dtype::bfloat16; }
};

/// Several parameters' arrays, seen as one long loop that is cut among the threads. Clearing keeps the memory.
class PartList {
 public:
  static constexpr std::int64_t unit = 1024;

  void clear() {
    parts_.clear(), first_unit_.clear();
    units_ = 0;
  }
  void add(Arrays const& arrays) {
    if (!parts_.empty() && !(arrays.device == device()))
      fail("step: one parameter is on ", device(), ", another on ", arrays.device, "; move the model with to(model, \"", device(), "\")");
    if (arrays.half() && !(arrays.device == Device()))
      fail("step: a parameter of ", arrays.dtype, " on ", arrays.device, ": parameters of 16 bits are changed on the processor only; keep it in float32 and use "
           "cast<", arrays.dtype, ">(parameter) in the formula");
    parts_.push_back(arrays);
    first_unit_.push_back(units_);
    units_ += (arrays.count + unit - 1) / unit;
  }
  /// The parameters one by one.
  std::vector<Arrays> const& parts() const { return parts_; }
  bool empty() const { return parts_.empty(); }
  /// Where they are; parameters of one step are in one place.
  Device device() const { return parts_.empty() ? Device() : parts_.front().device; }
  bool on_device() const { return core::devices_in_use() && !(device() == Device()); }
  /// Units of at most `unit` elements in all.
  std::int64_t units() const { return units_; }

  /// Calls `body(arrays, number)` for each unit; `arrays` are its part of the arrays, and of 32 or 64 bits. What a body that
  /// `writes` makes of a value of 16 bits is rounded back.
  template <class Body>
  void each_unit(Body const& body, bool writes = true) const {
    run([](void const* called, Arrays const& here, std::int64_t number) { (*static_cast<Body const*>(called))(here, number); }, &body, writes);
  }

 private:
  using Call = void (*)(void const* body, Arrays const& here, std::int64_t number);
  WICK_NOINLINE void run(Call call, void const* body, bool writes) const {
    parallel_for(units_, 2, [&](std::int64_t begin, std::int64_t end) {
      float wide[2][unit];
      auto part = static_cast<std::size_t>(std::upper_bound(first_unit_.begin(), first_unit_.end(), begin) - first_unit_.begin()) - 1;
      for (std::int64_t number = begin; number < end; ++number) {
        while (part + 1 < parts_.size() && first_unit_[part + 1] <= number) ++part;
        Arrays const& whole = parts_[part];
        if (whole.count <= unit && !whole.half()) {
          call(body, whole, number);
          continue;
        }
        std::int64_t const first = (number - first_unit_[part]) * unit;
        Arrays here = whole;
        here.count = std::min(unit, here.count - first);
        bool const half = here.half();
        if (first > 0) {
          std::int64_t const bytes = here.dtype == Dtype::float64 ? 8 : 4;
          for (std::size_t k = 0; k < Arrays::most; ++k)
            if (here.data[k]) here.data[k] = static_cast<char*>(here.data[k]) + first * (half && k < 2 ? 2 : bytes);
        }
        void* const value = here.data[0];
        for (std::size_t k = 0; half && k < 2; ++k) here.data[k] = widened(here, k, wide[k]);
        call(body, here, number);
        if (half && writes) narrow(here, value);
      }
    });
  }
  static float* widened(Arrays const& here, std::size_t k, float* to) {
    if (here.dtype == Dtype::float16) simd::widen(static_cast<float16 const*>(here.data[k]), here.count, to);
    else simd::widen(static_cast<bfloat16 const*>(here.data[k]), here.count, to);
    return to;
  }
  static void narrow(Arrays const& here, void* value) {
    if (here.dtype == Dtype::float16) simd::narrow(static_cast<float const*>(here.data[0]), here.count, static_cast<float16*>(value));
    else simd::narrow(static_cast<float const*>(here.data[0]), here.count, static_cast<bfloat16*>(value));
  }

  std::vector<Arrays> parts_;
  std::vector<std::int64_t> first_unit_;
  std::int64_t units_ = 0;
};

/// Parameters that a step computes in T: float for those of 16 bits too.
template <Lane T>
class Parts : public PartList {};

/// Calls `kernel(x0, x1, ...)` with a register of each of N arrays and writes back what it changed; the gradient, x1, is only
/// read.
template <Lane T, int N, class Kernel>
WICK_INLINE void update_registers(Arrays const& arrays, Kernel const& kernel) {
  constexpr std::int64_t width = lanes<T>;
  auto const step = [&](std::array<T*, std::size_t{N}> const& at) WICK_LAMBDA_INLINE {
    [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      Batch<T> x[] = {simd::load(at[K])...};
      kernel(x[K]...);
      ((K != 1 ? simd::store(at[K], x[K]) : void()), ...);
    }(std::make_index_sequence<std::size_t{N}>{});
  };
  std::array<T*, std::size_t{N}> at;
  for (std::size_t k = 0; k < N; ++k) at[k] = static_cast<T*>(arrays.data[k]);
  std::int64_t i = 0;
  for (; i + width <= arrays.count; i += width) {
    step(at);
    for (T*& data : at) data += width;
  }
  if (i == arrays.count) return;
  // The rest goes through a register like all the others, so that no value depends on its place.
  auto const rest = static_cast<std::size_t>(arrays.count - i);
  T buffer[std::size_t{N}][std::size_t{lanes<T>}] = {};
  std::array<T*, std::size_t{N}> padded;
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
template <int N, Lane T, class Kernel>
void update_all(Parts<T> const& parts, Kernel const& kernel, [[maybe_unused]] Scaling<T> scaling = {},
                [[maybe_unused]] Kernel const* live = nullptr) {
  if (parts.on_device()) [[unlikely]] {
#if WICK_DEVICE_KERNELS
    core::current_statement = "step";
    return backend::thrust_::update_on_device<T, N>(parts.device(), parts.parts(), kernel, live, scaling.factor, scaling.bound);
#else
    wick::detail::fail_without_kernels("step", parts.device());
#endif
  }
  parts.each_unit([&](Arrays const& arrays, std::int64_t) { update_registers<T, N>(arrays, kernel); });
}

}  // namespace optim
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
