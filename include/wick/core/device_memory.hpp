// SPDX-License-Identifier: MIT
// Memory of devices: how it is got, given back and copied. A file compiled for a device registers how; every other file of
// the program holds, copies, moves and frees tensors there through this table.
#pragma once

#include <cstring>

#include <wick/core/allocator.hpp>

namespace wick {
namespace core {

/// What a device can do with memory. `number` is that of `Device::number()`.
struct DeviceMemory {
  /// Throws Error when there is no memory, naming the size.
  void* (*allocate)(int number, std::size_t bytes);
  void (*free)(int number, void* memory);
  /// Copies between this device, the host and other devices of its kind; done when a read of the target is in order.
  void (*copy)(void* to, Device to_device, void const* from, Device from_device, std::size_t bytes);
  int (*devices)();  ///< how many of them there are
};

struct DeviceTable {
  DeviceMemory const* memory[3] = {};
  std::atomic<bool> in_use{false};  ///< some tensor has been on a device
};
WICK_SHARED inline constinit DeviceTable device_table;
/// Registers a kind of device; true, so that it may initialise something static.
inline bool register_device(Device::Kind kind, DeviceMemory const* memory) {
  device_table.memory[static_cast<int>(kind)] = memory;
  return true;
}

/// True once a tensor has been on a device: only then formulas ask where their operands are.
inline bool devices_in_use() { return device_table.in_use.load(std::memory_order_relaxed); }

/// Throws Error unless this program can hold tensors on `device`.
inline DeviceMemory const& device_memory(char const* operation, Device device) {
  DeviceMemory const* const memory = device_table.memory[static_cast<int>(device.kind())];
  if (!memory && device.kind() == Device::Kind::cuda)
    fail(operation, ": this program has no ", device,
         "; it was built for the CPU: configure with -DWICK_CUDA=ON (CMake preset \"cuda\") and compile a file with nvcc");
  if (!memory) fail(operation, ": this program has no ", device, "; compile a file with WICK_USE_THRUST defined");
  int const count = memory->devices();
  if (device.number() >= count) fail(operation, ": there is no ", device, " here; devices of this kind: ", count);
  return *memory;
}

/// Throws Error unless this program can hold tensors on `device`.
inline void require_device(char const* operation, Device device) {
  if (device != Device()) device_memory(operation, device);
}

/// A block for `bytes` bytes of elements on a device.
inline Block* allocate_on(Device device, std::size_t bytes) {
  if (device == Device()) return pool::allocate(bytes);
  DeviceMemory const& memory = device_memory("allocate", device);
  device_table.in_use.store(true, std::memory_order_relaxed);
  void* const elements = memory.allocate(device.number(), bytes > 0 ? bytes : 1);
  Block* const block = pool::allocate(0);
  block->device_elements = elements;
  block->device = device;
  block->count = static_cast<std::int64_t>(device.kind()) * 256 + device.number();
  block->destroy = [](void* where, std::int64_t code) {
    device_table.memory[code / 256]->free(static_cast<int>(code % 256), where);
  };
  return block;
}

/// Copies bytes between the host and devices.
inline void copy_bytes(void* to, Device to_device, void const* from, Device from_device, std::size_t bytes) {
  if (bytes == 0) return;
  Device const foreign = to_device == Device() ? from_device : to_device;
  if (foreign == Device()) std::memcpy(to, from, bytes);
  else device_memory("copy", foreign).copy(to, to_device, from, from_device, bytes);
}

}  // namespace core
}  // namespace wick
