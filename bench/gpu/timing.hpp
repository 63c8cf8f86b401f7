// SPDX-License-Identifier: MIT
// Timing work on a GPU by events of its stream, and what was measured as one JSON object.
#pragma once

#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <cuda_runtime.h>

#include <wick/wick.hpp>

namespace gpu {

inline void check(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

/// A moment in the order of the stream.
class Event {
 public:
  Event() { check(cudaEventCreate(&event_)); }
  Event(Event const&) = delete;
  ~Event() { cudaEventDestroy(event_); }
  void record() { check(cudaEventRecord(event_, wick::current_stream())); }
  friend double seconds_between(Event const& start, Event const& stop) {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start.event_, stop.event_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_;
};

/// Seconds of `timed` in each round, after some rounds to warm up; `prepare` runs before it and does not count. The host
/// runs ahead of the GPU, so that its own work between the events is hidden.
template <class Prepare, class Timed>
std::vector<double> rounds(Prepare const& prepare, Timed const& timed, int count = 40, int warm = 10) {
  for (int i = 0; i < warm; ++i) prepare(), timed();
  std::vector<Event> start(static_cast<std::size_t>(count)), stop(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < start.size(); ++i) {
    prepare();
    start[i].record();
    timed();
    stop[i].record();
  }
  check(cudaStreamSynchronize(wick::current_stream()));
  std::vector<double> seconds;
  for (std::size_t i = 0; i < start.size(); ++i) seconds.push_back(seconds_between(start[i], stop[i]));
  return seconds;
}
template <class Timed>
std::vector<double> rounds(Timed const& timed, int count = 40, int warm = 10) {
  return rounds([] {}, timed, count, warm);
}

/// Copies `bytes / 2` bytes within the GPU: as many bytes read and written as work that moves `bytes` bytes.
inline std::vector<double> copy_of(std::int64_t bytes) {
  using Bytes = wick::Tensor<std::uint8_t>;
  Bytes const from(Bytes::uninitialized, wick::Dims(bytes / 2), "cuda"), to(Bytes::uninitialized, wick::Dims(bytes / 2), "cuda");
  auto* const target = const_cast<std::uint8_t*>(to.data());
  auto const size = static_cast<std::size_t>(bytes / 2);
  return rounds([&] { check(cudaMemcpyAsync(target, from.data(), size, cudaMemcpyDeviceToDevice, wick::current_stream())); });
}

/// Seconds of each round by program and work, numbers by name.
class Report {
 public:
  void add(std::string const& program, std::string const& work, std::vector<double> seconds) {
    auto sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    std::fprintf(stderr, "%-10s %-28s %10.2f us\n", program.c_str(), work.c_str(), 1e6 * sorted[sorted.size() / 2]);
    seconds_[program][work] = std::move(seconds);
  }
  void number(std::string const& name, double value) {
    std::fprintf(stderr, "%-39s %10g\n", name.c_str(), value);
    numbers_[name] = value;
  }
  void print() const {
    std::printf("{");
    for (auto const& [program, works] : seconds_) {
      std::printf("\"%s\": {", program.c_str());
      char const* comma = "";
      for (auto const& [work, seconds] : works) {
        std::printf("%s\"%s\": [", comma, work.c_str());
        for (std::size_t i = 0; i < seconds.size(); ++i) std::printf("%s%.9g", i ? ", " : "", seconds[i]);
        std::printf("]"), comma = ", ";
      }
      std::printf("}, ");
    }
    std::printf("\"numbers\": {");
    char const* comma = "";
    for (auto const& [name, value] : numbers_) std::printf("%s\"%s\": %g", comma, name.c_str(), value), comma = ", ";
    std::printf("}}\n");
  }

 private:
  std::map<std::string, std::map<std::string, std::vector<double>>> seconds_;
  std::map<std::string, double> numbers_;
};

/// The main function of a benchmark: measures on a stream of its own and prints the report. Exit status 1 and one sentence
/// where there is no GPU, or where something fails.
template <class Measure>
int run(char const* program, Measure const& measure) {
  try {
    wick::core::require_device(program, wick::Device("cuda"));
    cudaStream_t stream;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    wick::StreamGuard const guard(stream);
    Report report;
    measure(report);
    report.print();
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace gpu
