// SPDX-License-Identifier: MIT
// Where Thrust runs: OpenMP threads or plain loops on the processor, or a CUDA device.
#pragma once

#if defined(WICK_USE_THRUST) && !__has_include(<thrust/for_each.h>)
#error "WICK_USE_THRUST needs Thrust's headers: install libthrust-dev (Debian, Ubuntu), or the CUDA toolkit and add its include/cccl."
#endif
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#if defined(_OPENMP)
#include <thrust/system/omp/execution_policy.h>
#else
#include <thrust/system/cpp/execution_policy.h>
#endif
#if defined(__CUDACC__)
#include <thrust/system/cuda/execution_policy.h>
#endif

#include <cstdlib>

#include <wick/core/device_memory.hpp>
#if defined(__CUDACC__)
#include <wick/backend/cuda/memory.hpp>
#endif

namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Calls body(policy) with the execution policy of a device.
template <class Body>
void with_policy(Device device, Body const& body) {
#if defined(__CUDACC__)
  if (device.kind() == Device::Kind::cuda) {
    cuda_::DeviceGuard const guard(device.number());
    return body(thrust::cuda::par_nosync.on(current_stream()));
  }
#endif
  (void)device;
#if defined(_OPENMP)
  body(thrust::omp::par);
#else
  body(thrust::cpp::par);
#endif
}

/// Calls f(i) for 0 <= i < n, in any order.
template <class F>
void for_each_position(Device device, std::int64_t n, F const& f) {
  if (n <= 0) return;
  with_policy(device, [&](auto const& policy) { thrust::for_each_n(policy, thrust::counting_iterator<std::int64_t>(0), n, f); });
}

/// Host memory as a device: allocated apart, so that nothing else takes it for the host's.
inline constexpr core::DeviceMemory host_as_device{
    [](int, std::size_t bytes) -> void* {
      void* const memory = bytes <= (std::size_t{1} << 46) ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment) : nullptr;
      if (!memory) fail("allocate: no memory for ", bytes, " bytes on thrust");
      return memory;
    },
    [](int, void* memory) { std::free(memory); },
    [](void* to, Device, void const* from, Device, std::size_t bytes) { std::memcpy(to, from, bytes); },
    [] { return 1; }};
inline bool const thrust_is_registered = core::register_device(Device::Kind::thrust, &host_as_device);

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
