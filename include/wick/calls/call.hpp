// SPDX-License-Identifier: MIT
// A call is a struct that says what a kernel computes: sizes, and where its arrays lie. A backend takes it by an overload of `run`.
#pragma once

#include <wick/base/half.hpp>
#include <wick/core/device.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// Where a call runs: on the processor, in host memory.
struct Cpu {};
/// Where a call runs: on a device, by kernels of the backend that the file is compiled for.
struct Accelerator {
  Device device;
  bool on_cuda() const { return device.kind() == Device::Kind::cuda; }
};

/// True when the backend has a kernel for the call. Ask only inside of templates that are instantiated after the backends were
/// included.
template <class Where, class Call>
concept Runs = requires(Where where, Call const& call) { run(where, call); };

/// Element types whose kernels compute with them as they are; numbers of 16 bits are computed with as floats.
template <class T>
concept ComputedAsIs = !Half<T>;

/// f(i) for 0 <= i < n, in any order.
template <class F>
struct ForEach {
  static constexpr char const* name = "for_each";
  std::int64_t n;
  F f;
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
