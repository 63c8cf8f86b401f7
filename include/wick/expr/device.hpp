// SPDX-License-Identifier: MIT
// Where a formula is computed: on the device that holds its operands. The kernels themselves come with a backend that the
// file is compiled for.
#pragma once

#include <wick/expr/traits.hpp>

// A file that nvcc compiles, or that asks for Thrust, can run formulas on devices; every file can hold tensors there.
#if defined(__CUDACC__) || defined(WICK_USE_THRUST)
#define WICK_DEVICE_KERNELS 1
#else
#define WICK_DEVICE_KERNELS 0
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace detail {

template <class F>
constexpr char const* operation_name() {
  if constexpr (requires { F::op::name; }) return F::op::name;
  else return "assign";
}

/// Joins the devices of a formula's operands; numbers, and masks that are computed, are everywhere.
template <class F>
void join_devices(char const* operation, F const& f, Device& device, bool& found) {
  visit_leaves(f, [&]<class Leaf>(Leaf const& leaf) {
    if constexpr (!is_scalar<Leaf> && !requires { typename Leaf::is_generated; }) {
      Device const here = device_of_leaf(leaf);
      if (!(here == Device())) core::current_statement = operation;
      if (found && !(here == device))
        fail(operation, ": one operand is on ", device, ", another on ", here, "; move one of them with .to(\"", here, "\")");
      device = here, found = true;
    }
  });
}

/// The device of a formula's operands. Throws Error when they are on different ones.
template <class F>
Device device_of(F const& f) {
  Device device;
  bool found = false;
  if (core::devices_in_use()) [[unlikely]]
    join_devices(operation_name<F>(), f, device, found);
  return device;
}

/// The device on which a formula is computed into a target that is on `target`.
template <class F>
Device device_of_assignment(F const& f, Device target) {
  Device device;
  bool found = false;
  join_devices(operation_name<F>(), f, device, found);
  if (found && !(device == target))
    fail(operation_name<F>(), ": the operands are on ", device, " and the target on ", target, "; move one of them with .to(\"", target, "\")");
  return target;
}

/// Notes that the calling thread's stream reads what a formula's operands hold.
template <class F>
void note_operands(F const& f) {
  visit_leaves(f, [&]<class Leaf>(Leaf const& leaf) {
    if constexpr (!is_scalar<Leaf> && !requires { typename Leaf::is_generated; }) core::note_use(leaf_data(leaf).block);
  });
}

/// The sentence of a file that cannot run anything on a device.
[[noreturn]] WICK_COLD inline void fail_without_kernels(char const* operation, Device device) {
  fail(operation, ": its operands are on ", device, ", and this file was compiled for the CPU alone; ",
       device.kind() == Device::Kind::cuda ? "put the formula into a .cu file that nvcc compiles" : "define WICK_USE_THRUST for it");
}

}  // namespace detail

#if WICK_DEVICE_KERNELS
namespace backend::device {
/// target = formula, all on `device` (defined by the backend).
template <class T, class F>
void compute(Device device, base_t<T>* data, std::int64_t plane_stride, Layout const& target, F const& f);
}  // namespace backend::device
#endif

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
