// SPDX-License-Identifier: MIT
// What a program can do with devices: memory, copies, streams, graphs. A file compiled for a device registers how; every
// other file of the program holds, copies, moves and frees tensors there through this table.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include <wick/core/allocator.hpp>

WICK_PRECISE_BEGIN
namespace wick {
namespace core {

/// What a kernel has found wrong: an index that is out of range. It lies in memory that host and device share; the host looks
/// at it when it reads what the device has computed.
struct DeviceFault {
  char const* operation;  ///< the host's address of a name
  std::int64_t index, extent;
  int found;
};

/// What a kind of device can do. `number` is that of `Device::number()`; a stream is a handle of the device's own, null
/// its default one. Nothing here waits for a device unless it says so.
struct DeviceRuntime {
  /// Memory for `bytes` bytes that work on `stream` may use; null when there is none.
  void* (*allocate)(int number, std::size_t bytes, void* stream);
  /// Takes memory back once the work on `stream` is done.
  void (*free)(int number, void* memory, void* stream);
  /// Copies between this device, the host and other devices of its kind, on `stream`. Host memory that is pageable is read
  /// before this returns.
  void (*copy)(void* to, Device to_device, void const* from, Device from_device, std::size_t bytes, void* stream);
  int (*devices)();                                               ///< how many of them there are
  void (*usage)(int number, std::size_t& free, std::size_t& total);  ///< the device's memory, in bytes
  void* (*make_stream)(int number);
  void (*order)(int number, void* earlier, void* later);          ///< what comes on `later` waits for all on `earlier`
  void (*wait)(int number, void* stream);                         ///< the host waits for all on `stream`
  void* (*allocate_host)(std::size_t bytes);                      ///< host memory that a device reads by itself
  void (*free_host)(void* memory);
  void* (*make_mark)(int number);                                 ///< a place in a stream that the host can wait for
  void (*set_mark)(int number, void* mark, void* stream);
  void (*wait_mark)(int number, void* mark);
  void (*free_mark)(int number, void* mark);                      ///< waits for the mark; reports nothing
  /// Recording of the work on `stream`; null where work is recorded by its caller.
  void (*begin_capture)(int number, void* stream);
  void* (*end_capture)(int number, void* stream);                 ///< an executable graph; null when recording failed
  void (*run_graph)(int number, void* graph, void* stream);
  void (*free_graph)(int number, void* graph);
  DeviceFault* (*fault)(int number);
};

struct DeviceTable {
  DeviceRuntime const* runtime[3] = {};
  std::atomic<bool> in_use{false};  ///< some tensor has been on a device
};
WICK_SHARED inline constinit DeviceTable device_table;
/// Registers a kind of device; true, so that it may initialise something static.
inline bool register_device(Device::Kind kind, DeviceRuntime const* runtime) {
  device_table.runtime[static_cast<int>(kind)] = runtime;
  return true;
}

/// True once a tensor has been on a device: only then formulas ask where their operands are.
inline bool devices_in_use() { return device_table.in_use.load(std::memory_order_relaxed); }

/// The statement that the calling thread runs on a device, for errors that come from below it.
WICK_SHARED inline constinit thread_local char const* current_statement = "";
/// Kernels that the calling thread has launched on devices.
WICK_SHARED inline constinit thread_local std::int64_t device_launches = 0;

/// Throws Error unless this program can hold tensors on `device`.
inline DeviceRuntime const& device_runtime(char const* operation, Device device) {
  if (device == Device()) fail(operation, ": this is for devices such as cuda, not for the cpu");
  DeviceRuntime const* const runtime = device_table.runtime[static_cast<int>(device.kind())];
  if (!runtime && device.kind() == Device::Kind::cuda)
    fail(operation, ": this program has no ", device,
         "; it was built for the CPU: configure with -DWICK_CUDA=ON (CMake preset \"cuda\") and compile a file with nvcc");
  if (!runtime) fail(operation, ": this program has no ", device, "; compile a file with WICK_USE_THRUST defined");
  int const count = runtime->devices();
  if (device.number() >= count) fail(operation, ": there is no ", device, " here; devices of this kind: ", count);
  return *runtime;
}
/// That of a device which holds tensors already.
inline DeviceRuntime const& runtime_of(Device device) { return *device_table.runtime[static_cast<int>(device.kind())]; }

/// Throws Error unless this program can hold tensors on `device`.
inline void require_device(char const* operation, Device device) {
  if (device != Device()) device_runtime(operation, device);
}

WICK_SHARED inline constinit thread_local void* current_stream = nullptr;

/// Throws Error when a kernel on the device has found something wrong.
inline void report_fault(Device device) {
  auto volatile* const fault = runtime_of(device).fault(device.number());
  if (!fault->found) return;
  fault->found = 0;
  char const* const operation = fault->operation;
  std::int64_t const index = fault->index, extent = fault->extent;
  fail(operation, ": index ", index, " is out of range for an extent of ", extent, " (found on ", device, ", and noticed now that its results are read)");
}

}  // namespace core

/// Everything that the calling thread does on a device while this lives, it does on `stream`: a `Stream`, or a handle of the
/// device's own (a cudaStream_t).
class StreamGuard {
 public:
  explicit StreamGuard(void* stream) : before_(std::exchange(core::current_stream, stream)) {}
  StreamGuard(StreamGuard const&) = delete;
  StreamGuard& operator=(StreamGuard const&) = delete;
  ~StreamGuard() { core::current_stream = before_; }

 private:
  void* before_;
};

namespace core {
/// Streams for one purpose that nobody uses now. They are never destroyed: blocks of memory remember theirs.
struct IdleStreams {
  struct Entry {
    Device device;
    void* stream;
  };
  Mutex mutex;
  std::vector<Entry> entries;
};
WICK_SHARED inline IdleStreams& idle_streams() {
  static IdleStreams& shared = *new IdleStreams;
  return shared;
}
}  // namespace core

namespace core {
/// Those on which work is recorded. Nothing else is done there and no block belongs to them, so that nothing makes another
/// stream wait for one that is recording, which would end the recording.
WICK_SHARED inline IdleStreams& idle_recording_streams() {
  static IdleStreams& shared = *new IdleStreams;
  return shared;
}
}  // namespace core

/// An order of its own for work on a device: what is done on two streams may overlap.
class Stream {
 public:
  /// Throws Error when this program lacks the device.
  explicit Stream(Device device) : Stream(device, core::idle_streams()) {}
  /// One of a set of streams, to which it goes back.
  Stream(Device device, core::IdleStreams& idle) : device_(device), idle_(idle) {
    auto const& runtime = core::device_runtime("Stream", device);
    std::scoped_lock const lock(idle.mutex);
    for (auto& entry : idle.entries)
      if (entry.device == device) {
        stream_ = entry.stream;
        entry = idle.entries.back();
        idle.entries.pop_back();
        return;
      }
    stream_ = runtime.make_stream(device.number());
  }
  Stream(Stream const&) = delete;
  Stream& operator=(Stream const&) = delete;
  ~Stream() {
    std::scoped_lock const lock(idle_.mutex);
    idle_.entries.push_back({device_, stream_});
  }

  Device device() const { return device_; }
  /// The device's own handle (cudaStream_t).
  void* handle() const { return stream_; }
  operator void*() const { return stream_; }
  /// Everything that comes on this stream waits for what is on `other` now.
  void wait_for(void* other) const { core::runtime_of(device_).order(device_.number(), other, stream_); }
  /// The host waits for everything on this stream.
  void synchronize() const { core::runtime_of(device_).wait(device_.number(), stream_); }

 private:
  Device device_;
  core::IdleStreams& idle_;
  void* stream_ = nullptr;
};

/// The host waits for everything that the calling thread has put on its current stream of a device.
inline void synchronize(Device device) {
  if (device == Device()) return;
  core::device_runtime("synchronize", device).wait(device.number(), core::current_stream);
  core::report_fault(device);
}

}  // namespace wick
WICK_PRECISE_END
