// SPDX-License-Identifier: MIT
// Kernels called at once, by operations whose result is no formula: positions, counts, values that are known only
// together with them.
#pragma once

#include <wick/expr/kernel_node.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace detail {

/// Calls body(kernels) with the kernels for elements of type T on a device; `operands` are the tensors that they read.
template <class T, class Body, class... X>
void with_kernels(char const* operation, Device device, Body const& body, X const&... operands) {
  if (core::devices_in_use() && !(device == Device())) [[unlikely]] {
    core::current_statement = operation;
    (core::note_use(operands.storage().block()), ...);
#if WICK_DEVICE_KERNELS
    body(backend::device::Kernels<T>{device});
#else
    fail_without_kernels(operation, device);
#endif
  } else {
    body(backend::Kernels<T>{});
  }
}

/// Where to write the elements of a new tensor.
template <class T>
T* fresh(Tensor<T> const& x) { return const_cast<T*>(x.data()); }

/// The lines of contiguous elements along an axis; a number is a line of one.
inline backend::LinesShape lines_along(Dims const& shape, int axis) {
  backend::LinesShape s{1, shape.empty() ? 1 : shape[axis], 1};
  for (int d = 0; d < axis; ++d) s.outer *= shape[d];
  for (int d = axis + 1; d < shape.size(); ++d) s.inner *= shape[d];
  return s;
}

}  // namespace detail
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
