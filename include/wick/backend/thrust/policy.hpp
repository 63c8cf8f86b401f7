// SPDX-License-Identifier: MIT
// Where kernels of devices run: on OpenMP threads or in plain loops of the processor, through Thrust, or on a CUDA device.
#pragma once

// A file that nvcc compiles runs kernels on CUDA devices; one of another compiler, with WICK_USE_THRUST, on the processor.
#if defined(__CUDACC__)
#include <wick/backend/cuda/launch.hpp>
#else
#if !__has_include(<thrust/for_each.h>)
#error "WICK_USE_THRUST needs Thrust's headers: install libthrust-dev (Debian, Ubuntu), or the CUDA toolkit and add its include/cccl."
#endif
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#if defined(_OPENMP)
#include <thrust/system/omp/execution_policy.h>
#else
#include <thrust/system/cpp/execution_policy.h>
#endif
#endif

#include <cstdlib>

#include <wick/backend/thrust/block.hpp>
#include <wick/core/device_pool.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Throws Error when `blocks` are more than a launch takes: kernels count them in 32 bits.
inline void require_countable(Device device, std::int64_t blocks) {
  if (blocks > 0x7fffffff) fail(core::current_statement, ": ", blocks, " blocks are more than one launch takes on ", device);
}

#if defined(__CUDACC__)

/// Throws Error unless kernels of this file run on `device`.
inline void require_cuda(Device device) {
  if (device.kind() != Device::Kind::cuda)
    fail(core::current_statement, ": its operands are on ", device, ", and this file was compiled for CUDA devices alone; compile it without nvcc and with WICK_USE_THRUST");
}
/// Calls f(i) for 0 <= i < n, in any order.
template <class F>
void for_each_position(Device device, std::int64_t n, F const& f) {
  if (n <= 0) return;
  require_cuda(device);
  cuda_::launch_positions(device, n, f);
}
/// Calls k(block, shared, i) for 0 <= i < blocks, in any order, each with a block of K::threads threads and shared memory of
/// type K::Shared.
template <class K>
void for_each_block(Device device, std::int64_t blocks, K const& k) {
  if (blocks <= 0) return;
  require_cuda(device);
  require_countable(device, blocks);
  cuda_::launch_blocks(device, blocks, k);
}

#else

/// How Thrust runs its algorithms on the processor.
#if defined(_OPENMP)
inline constexpr auto const& on_processor = thrust::omp::par;
#else
inline constexpr auto const& on_processor = thrust::cpp::par;
#endif

/// Runs work() on the processor as a launch, now or when the graph that is being recorded runs. The work is copied.
template <class Work>
void launch_on_processor(Work const& work) {
  ++core::device_launches;
  core::run_or_record(work);
}

/// f(i) for 0 <= i < n on the processor. Copied, so that it can be recorded.
template <class F>
struct RunPositions {
  std::int64_t n;
  F f;
  void operator()() const {
    thrust::for_each_n(on_processor, thrust::counting_iterator<std::int64_t>(0), n, f);
  }
};
/// One block of a kernel on the processor.
template <class K>
struct RunBlock {
  K k;
  constexpr void operator()(std::int64_t i) const {
    typename K::Shared shared;
    k(LoopBlock<K::threads>{}, shared, i);
  }
};

template <class F>
void for_each_position(Device, std::int64_t n, F const& f) {
  if (n > 0) launch_on_processor(RunPositions<F>{n, f});
}
template <class K>
void for_each_block(Device device, std::int64_t blocks, K const& k) {
  require_countable(device, blocks);
  if (blocks > 0) launch_on_processor(RunPositions<RunBlock<K>>{blocks, {k}});
}

/// Host memory as a device: allocated apart, so that nothing else takes it for the host's. Everything is done at once, so
/// streams and marks have nothing to do; their calls are counted, for tests.
struct HostAsDevice {
  WICK_SHARED static inline std::atomic<std::int64_t> orders{0}, waits{0}, most_bytes{(std::int64_t{1} << 46) - 1};

  static void* allocate(int, std::size_t bytes, void*) {
    if (bytes > static_cast<std::size_t>(most_bytes.load())) return nullptr;
    void* const memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    return memory;
  }
  static void free(int, void* memory, void*) { std::free(memory); }
  static void copy(void* to, Device, void const* from, Device, std::size_t bytes, void*) { std::memcpy(to, from, bytes); }
  static int devices() { return 2; }  // so that there is a neighbour to copy to
  static void usage(int, std::size_t& free, std::size_t& total) { free = total = static_cast<std::size_t>(most_bytes.load()); }
  static void* make_stream(int) { return new int; }  // an address of its own
  static void order(int, void*, void*) { ++orders; }
  static void wait(int, void*) {
    ++waits;
    if (core::capturing) fail("capture: \"", core::current_statement, "\" waits for the device, which cannot be recorded");
  }
  static void* allocate_host(std::size_t bytes) { return std::malloc(bytes); }
  static void free_host(void* memory) { std::free(memory); }
  static void* make_mark(int) { return nullptr; }
  static void use_mark(int, void*) {}
  static void set_mark(int, void*, void*) {}
  static core::DeviceFault* fault(int) {
    static core::DeviceFault shared{};
    return &shared;
  }
};
inline constexpr core::DeviceRuntime host_as_device{
    &HostAsDevice::allocate,      &HostAsDevice::free,      &HostAsDevice::copy,      &HostAsDevice::devices,  &HostAsDevice::usage,
    &HostAsDevice::make_stream,   &HostAsDevice::order,     &HostAsDevice::wait,      &HostAsDevice::allocate_host,
    &HostAsDevice::free_host,     &HostAsDevice::make_mark, &HostAsDevice::set_mark,  &HostAsDevice::use_mark, &HostAsDevice::use_mark,
    nullptr,                      nullptr,                  nullptr,                  nullptr,                &HostAsDevice::fault};
inline bool const thrust_is_registered = core::register_device(Device::Kind::thrust, &host_as_device);

#endif

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
