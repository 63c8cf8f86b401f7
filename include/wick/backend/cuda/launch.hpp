// SPDX-License-Identifier: MIT
// Kernels on CUDA devices: a thread for each position, or a block of threads for each piece of work.
#pragma once

// Empty for other compilers than nvcc.
#if defined(__CUDACC__)

#include <array>
#include <atomic>
#include <cstdlib>

#include <wick/backend/cuda/memory.hpp>
#include <wick/backend/thrust/block.hpp>
#include <wick/core/storage.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cuda_ {

// What a kernel takes as parameters: 32,764 bytes since CUDA 12.1 on Volta and later. Anything larger goes through memory.
inline constexpr std::size_t most_parameter_bytes = 32000;
inline constexpr int position_threads = 256;
// Blocks of these for each multiprocessor, which holds 8: four rounds, so that the last one is not long.
inline constexpr std::int64_t rounds_of_blocks = 32;

template <class F>
__global__ void __launch_bounds__(position_threads) position_kernel(__grid_constant__ F const f, std::int64_t n) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * position_threads + threadIdx.x; i < n; i += std::int64_t{gridDim.x} * position_threads) f(i);
}
template <class F>
__global__ void __launch_bounds__(position_threads) position_kernel_in_memory(F const* f, std::int64_t n) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * position_threads + threadIdx.x; i < n; i += std::int64_t{gridDim.x} * position_threads) (*f)(i);
}
template <class K>
__global__ void __launch_bounds__(K::threads) block_kernel(__grid_constant__ K const k) {
  alignas(16) __shared__ unsigned char memory[sizeof(typename K::Shared)];
  k(thrust_::GpuBlock<K::threads>{}, *reinterpret_cast<typename K::Shared*>(memory), static_cast<std::int64_t>(blockIdx.x));
}
template <class K>
__global__ void __launch_bounds__(K::threads) block_kernel_in_memory(K const* k) {
  alignas(16) __shared__ unsigned char memory[sizeof(typename K::Shared)];
  (*k)(thrust_::GpuBlock<K::threads>{}, *reinterpret_cast<typename K::Shared*>(memory), static_cast<std::int64_t>(blockIdx.x));
}

/// How many multiprocessors a device has, asked once.
inline int multiprocessors(int number) {
  static std::array<std::atomic<int>, 10> known{};  // "cuda:0" to "cuda:9"
  int count = known[static_cast<std::size_t>(number)].load(std::memory_order_relaxed);
  if (!count) {
    throw_on_error(core::current_statement, cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, number));
    known[static_cast<std::size_t>(number)].store(count, std::memory_order_relaxed);
  }
  return count;
}

/// True when WICK_CUDA_BLOCKING=1: the host waits for each kernel, so that a failure is reported at its statement.
inline bool blocking() {
  static bool const value = [] {
    char const* const text = std::getenv("WICK_CUDA_BLOCKING");
    return text && text[0] == '1';
  }();
  return value;
}

/// After a launch: throws Error when it failed, naming the statement.
inline void launched() {
  ++core::device_launches;
  throw_on_error(core::current_statement, cudaGetLastError());
  if (blocking() && !core::capturing) throw_on_error(core::current_statement, cudaStreamSynchronize(current_stream()));
}

/// Parameters in memory of the device until the kernel has read them.
template <class F>
class InMemory {
 public:
  InMemory(Device device, F const& f) {
    if (core::capturing) fail("capture: \"", core::current_statement, "\" is too large for a kernel's parameters; split it into two statements");
    block_ = Storage::make<unsigned char>(static_cast<std::int64_t>(sizeof(F)), device);
    throw_on_error(core::current_statement, cudaMemcpyAsync(block_.elements(), &f, sizeof(F), cudaMemcpyHostToDevice, current_stream()));
  }
  InMemory(InMemory const&) = delete;
  InMemory& operator=(InMemory const&) = delete;
  F const* get() const { return static_cast<F const*>(block_.elements()); }

 private:
  Storage block_;  // used again after the kernel: in the order of the stream
};

/// f(i) for 0 <= i < n, n > 0.
template <class F>
void launch_positions(Device device, std::int64_t n, F const& f) {
  DeviceGuard const guard(device.number());
  // What does not fit into some rounds of the whole device is walked through in strides of the grid.
  std::int64_t const blocks = std::min<std::int64_t>((n + position_threads - 1) / position_threads, rounds_of_blocks * multiprocessors(device.number()));
  if constexpr (sizeof(F) <= most_parameter_bytes) {
    position_kernel<<<static_cast<unsigned>(blocks), position_threads, 0, current_stream()>>>(f, n);
    launched();
  } else {
    InMemory<F> const memory(device, f);
    position_kernel_in_memory<<<static_cast<unsigned>(blocks), position_threads, 0, current_stream()>>>(memory.get(), n);
    launched();
  }
}
/// k(block, shared, i) for 0 <= i < blocks, blocks > 0.
template <class K>
void launch_blocks(Device device, std::int64_t blocks, K const& k) {
  DeviceGuard const guard(device.number());
  if constexpr (sizeof(K) <= most_parameter_bytes) {
    block_kernel<<<static_cast<unsigned>(blocks), K::threads, 0, current_stream()>>>(k);
    launched();
  } else {
    InMemory<K> const memory(device, k);
    block_kernel_in_memory<<<static_cast<unsigned>(blocks), K::threads, 0, current_stream()>>>(memory.get());
    launched();
  }
}

}  // namespace backend::cuda_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END

#endif
