// SPDX-License-Identifier: MIT
// What the libraries of a GPU have in common: a handle for each thread and device, remembered plans, scratch memory, factors.
#pragma once

// Empty for other compilers than nvcc.
#if defined(__CUDACC__)

#include <array>
#include <memory>
#include <unordered_map>

#include <wick/backend/cuda/launch.hpp>
#include <wick/core/tensor.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cuda_ {

/// Of words.
struct HashKey {
  template <std::size_t N>
  std::size_t operator()(std::array<std::int64_t, N> const& key) const {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::int64_t word : key) {
      hash = (hash ^ static_cast<std::uint64_t>(word)) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 29;
    }
    return static_cast<std::size_t>(hash);
  }
};

/// What was found out about each problem, by its numbers.
template <class Plan, std::size_t words>
using Plans = std::unordered_map<std::array<std::int64_t, words>, std::unique_ptr<Plan>, HashKey>;
/// Most problems that are remembered; a program that passes more forgets them and begins again.
inline constexpr std::size_t most_plans = 4096;

/// The plan of a problem, made by `make` when it is met first: in a steady state nothing is asked and nothing allocated.
template <class Plan, std::size_t words, class Make>
Plan& planned(Plans<Plan, words>& plans, std::array<std::int64_t, words> const& key, Make const& make) {
  auto at = plans.find(key);
  if (at == plans.end()) {
    // The libraries load code and get memory when they do something for the first time.
    if (core::capturing)
      fail("capture: \"", core::current_statement, "\" meets these shapes for the first time, and a library has to be asked how; run the same work once before");
    std::unique_ptr<Plan> plan = make();
    if (plans.size() >= most_plans) plans.clear();
    at = plans.emplace(key, std::move(plan)).first;
  }
  return *at->second;
}

/// The calling thread's handle of a library on the current device, whose number is given: so no thread waits for another.
template <class Library>
Library& library_of(int device) {
  static thread_local std::unique_ptr<Library> handles[10];  // "cuda:0" to "cuda:9"
  auto& handle = handles[device];
  if (!handle && core::capturing) fail("capture: \"", core::current_statement, "\" starts a library of the GPU; run the same work once before");
  if (!handle) handle = std::make_unique<Library>();
  return *handle;
}

/// Memory for the time of a call, in the order of the current stream.
class Workspace {
 public:
  Workspace(Device device, std::size_t bytes) {
    if (bytes) memory_ = Tensor<std::uint8_t>(Tensor<std::uint8_t>::uninitialized, Dims(static_cast<std::int64_t>(bytes)), device);
  }
  void* data() const { return memory_.numel() > 0 ? const_cast<std::uint8_t*>(memory_.data()) : nullptr; }

 private:
  Tensor<std::uint8_t> memory_;
};

/// result = one * product + old * result, in the type that a library reads its factors in.
class Factors {
 public:
  Factors(bool wide, bool accumulate) : wide_(wide), accumulate_(accumulate) {}
  void const* zero() const { return of(0); }
  void const* one() const { return of(1); }
  void const* old() const { return of(accumulate_); }

 private:
  void const* of(int i) const { return wide_ ? static_cast<void const*>(doubles_ + i) : floats_ + i; }
  static constexpr double doubles_[] = {0, 1};
  static constexpr float floats_[] = {0, 1};
  bool wide_, accumulate_;
};

}  // namespace backend::cuda_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END

#endif
