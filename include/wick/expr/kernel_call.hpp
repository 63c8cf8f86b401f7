// SPDX-License-Identifier: MIT
// The seam between operations and backends: a call is run on the device of its operands, by the overload of `run` that takes it.
#pragma once

#include <wick/calls/call.hpp>
#include <wick/expr/device.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace detail {

/// Runs a call on a device other than the processor, where backends have launched it when this returns. `operands`: the tensors
/// whose memory it uses.
template <class Call, class... X>
WICK_COLD void run_call_on_device(char const* operation, [[maybe_unused]] Device device, [[maybe_unused]] Call const& call, X const&... operands) {
  core::current_statement = operation;
  (core::note_use(operands.storage().block()), ...);
#if WICK_DEVICE_KERNELS
  if constexpr (backend::Runs<backend::Accelerator, Call>) run(backend::Accelerator{device}, call);
  else fail(operation, ": ", device, " has no kernel for this; move the operands with .to(\"cpu\")");
#else
  fail_without_kernels(operation, device);
#endif
}

/// Runs a call that computes `operation` on a device. Throws Error when the device has no kernel for it.
template <class Call, class... X>
void run_call(char const* operation, Device device, Call const& call, X const&... operands) {
  if (core::devices_in_use() && !(device == Device())) [[unlikely]]
    return run_call_on_device(operation, device, call, operands...);
  if constexpr (backend::Runs<backend::Cpu, Call>) run(backend::Cpu{}, call);
  else fail(operation, ": the processor has no kernel for these elements, or the file does not include it; wick/wick.hpp includes all");
}

/// The numbers by which the elements of a tensor are ordered: of duals their values.
template <class T>
auto order_of(Tensor<T> const& x) {
  if constexpr (ElementTraits<T>::planes > 1) return order_of(values(x));
  else return x;
}

/// A new tensor of another shape, whose elements are to be written.
template <class T>
Tensor<T> like(Tensor<T> const& x, Dims const& shape) { return {Tensor<T>::uninitialized, shape, x.device()}; }
/// Where to write the elements of a new tensor.
template <class T>
T* fresh(Tensor<T> const& x) { return const_cast<T*>(x.data()); }

}  // namespace detail
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
