// SPDX-License-Identifier: MIT
// Memory of CUDA devices: a pool ordered by the caller's stream, copies, and the stream itself.
#pragma once

// Empty for other compilers than nvcc.
#if defined(__CUDACC__)

#include <cuda_runtime.h>

#include <wick/core/device_memory.hpp>

namespace wick {
namespace core {
WICK_SHARED inline thread_local cudaStream_t current_stream = nullptr;
}  // namespace core

/// Everything that the calling thread does on a CUDA device while this lives, it does on `stream`.
class StreamGuard {
 public:
  explicit StreamGuard(cudaStream_t stream) : before_(std::exchange(core::current_stream, stream)) {}
  StreamGuard(StreamGuard const&) = delete;
  StreamGuard& operator=(StreamGuard const&) = delete;
  ~StreamGuard() { core::current_stream = before_; }

 private:
  cudaStream_t before_;
};
/// The stream that the calling thread uses.
inline cudaStream_t current_stream() { return core::current_stream; }

}  // namespace wick

namespace wick::inline WICK_ISA {
namespace backend::cuda_ {

/// Throws Error when a call of the CUDA runtime failed.
inline void check(char const* operation, cudaError_t status) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // so that the next call does not report it again
  fail(operation, ": CUDA says \"", cudaGetErrorString(status), "\" (", cudaGetErrorName(status), ")");
}

/// The calling thread's device until the end of the scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(int number) {
    check("device", cudaGetDevice(&before_));
    if (number != before_) check("device", cudaSetDevice(number));
    changed_ = number != before_;
  }
  DeviceGuard(DeviceGuard const&) = delete;
  DeviceGuard& operator=(DeviceGuard const&) = delete;
  ~DeviceGuard() {
    if (changed_) cudaSetDevice(before_);
  }

 private:
  int before_ = 0;
  bool changed_ = false;
};

inline void* allocate(int number, std::size_t bytes) {
  DeviceGuard const guard(number);
  void* memory = nullptr;
  cudaError_t const status = cudaMallocAsync(&memory, bytes, current_stream());
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free = 0, total = 0;
    std::uint64_t held = 0;
    cudaMemPool_t pool;
    cudaMemGetInfo(&free, &total);
    if (cudaDeviceGetDefaultMemPool(&pool, number) == cudaSuccess) cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &held);
    fail("allocate: no memory for ", bytes, " bytes on cuda:", number, ": ", free, " of ", total, " are free, the pool holds ", held);
  }
  check("allocate", status);
  return memory;
}
inline void free(int number, void* memory) {
  int before = 0;
  if (cudaGetDevice(&before) != cudaSuccess) return;  // the program is ending, and the driver is gone
  if (number != before) cudaSetDevice(number);
  cudaFreeAsync(memory, current_stream());
  if (number != before) cudaSetDevice(before);
}
inline void copy(void* to, Device to_device, void const* from, Device from_device, std::size_t bytes) {
  bool const to_host = to_device == Device(), from_host = from_device == Device();
  DeviceGuard const guard(to_host ? from_device.number() : to_device.number());
  if (!to_host && !from_host && to_device.number() != from_device.number())
    check("copy", cudaMemcpyPeerAsync(to, to_device.number(), from, from_device.number(), bytes, current_stream()));
  else
    check("copy", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, current_stream()));
  // The host reads what it gets, and may change at once what it gave.
  if (to_host || from_host) check("copy", cudaStreamSynchronize(current_stream()));
}
inline int devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return count;
}

inline constexpr core::DeviceMemory memory{&allocate, &free, &copy, &devices};
inline bool const cuda_is_registered = core::register_device(Device::Kind::cuda, &memory);

}  // namespace backend::cuda_
}  // namespace wick::inline WICK_ISA

#endif
