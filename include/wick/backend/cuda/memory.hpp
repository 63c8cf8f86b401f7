// SPDX-License-Identifier: MIT
// The runtime of CUDA devices: memory, copies, streams, graphs.
#pragma once

// Empty for other compilers than nvcc.
#if defined(__CUDACC__)

#include <cuda_runtime.h>

#include <wick/core/device_pool.hpp>

WICK_PRECISE_BEGIN
namespace wick {
namespace core {
/// A stream's handle as CUDA takes it. Null is the default stream of the device, the same for all threads, also in a file that
/// nvcc compiles with --default-stream per-thread: blocks of memory go from thread to thread in its order.
inline cudaStream_t cuda_stream(void* handle) {
#if defined(CUDA_API_PER_THREAD_DEFAULT_STREAM)
  if (!handle) return cudaStreamLegacy;
#endif
  return static_cast<cudaStream_t>(handle);
}
}  // namespace core

/// The stream that the calling thread uses.
inline cudaStream_t current_stream() { return core::cuda_stream(core::current_stream); }
}  // namespace wick

namespace wick::inline WICK_ISA {
namespace backend::cuda_ {

/// Throws Error when a call of the CUDA runtime failed.
inline void throw_on_error(char const* operation, cudaError_t status) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // so that the next call does not report it again
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    fail(operation, ": the driver of the GPU is too old: this program needs one for CUDA ", CUDART_VERSION / 1000, ".", CUDART_VERSION / 10 % 100,
         ", the one here is for CUDA ", driver / 1000, ".", driver / 10 % 100, "; install a newer driver");
  }
  if (status == cudaErrorNoKernelImageForDevice)
    fail(operation, ": this program has no code for the GPU at hand; compile it with -arch of that GPU");
  fail(operation, ": CUDA says \"", cudaGetErrorString(status), "\" (", cudaGetErrorName(status), ")");
}

/// The calling thread's device until the end of the scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(int number) {
    throw_on_error("device", cudaGetDevice(&before_));
    if (number != before_) throw_on_error("device", cudaSetDevice(number));
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

using core::cuda_stream;

/// For calls where tensors end, whose failure nobody has to know: the program may be ending, and the driver be gone.
inline bool quietly(cudaError_t status) {
  if (status != cudaSuccess) cudaGetLastError();  // so that the next call does not report it
  return status == cudaSuccess;
}
/// As DeviceGuard for such calls: false when there is no device any more.
class QuietDevice {
 public:
  explicit QuietDevice(int number) : usable_(quietly(cudaGetDevice(&before_))), changed_(usable_ && number != before_) {
    if (changed_) quietly(cudaSetDevice(number));
  }
  QuietDevice(QuietDevice const&) = delete;
  QuietDevice& operator=(QuietDevice const&) = delete;
  ~QuietDevice() {
    if (changed_) quietly(cudaSetDevice(before_));
  }
  explicit operator bool() const { return usable_; }

 private:
  int before_ = 0;
  bool usable_, changed_;
};

inline void* allocate(int number, std::size_t bytes, void* stream) {
  DeviceGuard const guard(number);
  void* memory = nullptr;
  cudaError_t const status = cudaMallocAsync(&memory, bytes, cuda_stream(stream));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  throw_on_error("allocate", status);
  return memory;
}
inline void free(int number, void* memory, void* stream) {
  if (QuietDevice const device(number); device) quietly(cudaFreeAsync(memory, cuda_stream(stream)));
}
inline void copy(void* to, Device to_device, void const* from, Device from_device, std::size_t bytes, void* stream) {
  bool const to_host = to_device == Device(), from_host = from_device == Device();
  bool const peers = !to_host && !from_host && to_device.number() != from_device.number();
  // Default streams of two devices know nothing of each other.
  auto const after = [&](int earlier, int later) {
    if (!peers || stream) return;
    cudaEvent_t event = nullptr;
    {
      DeviceGuard const guard(earlier);
      throw_on_error("copy", cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
      throw_on_error("copy", cudaEventRecord(event, cuda_stream(nullptr)));
    }
    DeviceGuard const guard(later);
    throw_on_error("copy", cudaStreamWaitEvent(cuda_stream(nullptr), event, 0));
    cudaEventDestroy(event);
  };
  after(from_device.number(), to_device.number());
  {
    DeviceGuard const guard(to_host ? from_device.number() : to_device.number());
    if (peers) throw_on_error("copy", cudaMemcpyPeerAsync(to, to_device.number(), from, from_device.number(), bytes, cuda_stream(stream)));
    else throw_on_error("copy", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, cuda_stream(stream)));
  }
  after(to_device.number(), from_device.number());
}
inline int devices() {
  int count = 0;
  cudaError_t const status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver > 0) throw_on_error("cuda", status);  // 0: there is no driver, and so no GPU
  }
  if (status == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}
inline void usage(int number, std::size_t& free, std::size_t& total) {
  DeviceGuard const guard(number);
  cudaMemGetInfo(&free, &total);
}
inline void* make_stream(int number) {
  DeviceGuard const guard(number);
  cudaStream_t stream = nullptr;
  throw_on_error("Stream", cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}
inline void* make_mark(int number) {
  DeviceGuard const guard(number);
  cudaEvent_t event = nullptr;
  throw_on_error("event", cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return event;
}
inline void set_mark(int number, void* mark, void* stream) {
  DeviceGuard const guard(number);  // the default stream is that of the current device
  throw_on_error("event", cudaEventRecord(static_cast<cudaEvent_t>(mark), cuda_stream(stream)));
}
inline void wait_mark(int, void* mark) { throw_on_error("event", cudaEventSynchronize(static_cast<cudaEvent_t>(mark))); }
inline void free_mark(int number, void* mark) {
  QuietDevice const device(number);
  if (!device) return;
  quietly(cudaEventSynchronize(static_cast<cudaEvent_t>(mark)));
  quietly(cudaEventDestroy(static_cast<cudaEvent_t>(mark)));
}
inline void order(int number, void* earlier, void* later) {
  if (earlier == later) return;
  QuietDevice const device(number);
  if (!device) return;
  cudaEvent_t event = nullptr;
  if (quietly(cudaEventCreateWithFlags(&event, cudaEventDisableTiming))) {
    if (quietly(cudaEventRecord(event, cuda_stream(earlier)))) quietly(cudaStreamWaitEvent(cuda_stream(later), event, 0));
    quietly(cudaEventDestroy(event));  // once it has come to pass
  }
}
inline void wait(int number, void* stream) {
  DeviceGuard const guard(number);
  throw_on_error(core::current_statement, cudaStreamSynchronize(cuda_stream(stream)));
}
WICK_NOINLINE inline void* allocate_host(std::size_t bytes) {
  void* memory = nullptr;
  throw_on_error("allocate", cudaHostAlloc(&memory, bytes, cudaHostAllocPortable | cudaHostAllocMapped));
  return memory;
}
inline void free_host(void* memory) { quietly(cudaFreeHost(memory)); }

inline void begin_capture(int number, void* stream) {
  DeviceGuard const guard(number);
  throw_on_error("capture", cudaStreamBeginCapture(cuda_stream(stream), cudaStreamCaptureModeThreadLocal));
}
inline void* end_capture(int number, void* stream) {
  DeviceGuard const guard(number);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  if (cudaStreamEndCapture(cuda_stream(stream), &graph) == cudaSuccess && graph) {
    if (cudaGraphInstantiate(&executable, graph, 0) != cudaSuccess) executable = nullptr;
    cudaGraphDestroy(graph);
  }
  cudaGetLastError();
  return executable;
}
inline void run_graph(int number, void* graph, void* stream) {
  DeviceGuard const guard(number);
  throw_on_error("replay", cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), cuda_stream(stream)));
}
inline void free_graph(int, void* graph) { quietly(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph))); }

inline core::DeviceFault* fault(int) {
  static core::DeviceFault* const shared = static_cast<core::DeviceFault*>(std::memset(allocate_host(sizeof(core::DeviceFault)), 0, sizeof(core::DeviceFault)));
  return shared;  // of all devices: they write to the host's memory
}

inline constexpr core::DeviceRuntime runtime{
    &allocate, &free,      &copy,     &devices,     &usage,     &make_stream,   &order,       &wait,      &allocate_host,
    &free_host, &make_mark, &set_mark, &wait_mark,   &free_mark, &begin_capture, &end_capture, &run_graph, &free_graph, &fault};
inline bool const cuda_is_registered = core::register_device(Device::Kind::cuda, &runtime);

}  // namespace backend::cuda_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END

#endif
