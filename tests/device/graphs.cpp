// SPDX-License-Identifier: MIT
// Graphs beside other graphs, other threads and other streams.
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <wick/wick.hpp>

#include "helpers.hpp"

using namespace wick;

namespace {

using on_device::error_of;
Device const device(WICK_TEST_DEVICE);

// Memory that the pool holds and nobody uses.
void make_room(Tensor<float> const& like) {
  std::vector<Tensor<float>> room;
  for (int i = 0; i < 8; ++i) room.push_back(like * 1);
}

}  // namespace

TEST_CASE("a result of one graph that another one reads and replaces is refused, as any other tensor") {
  Tensor<float> const x = ones<float>({16}).to(device);
  Tensor<float> y, z;
  make_room(x);
  Graph const first = capture(device, [&] { y = x * 2; });
  CHECK(error_of([&] { capture(device, [&] { z = y + 1, y = Tensor<float>(z * 2); }); }).find("is replaced by the work") != std::string::npos);
}

TEST_CASE("two threads record work on the same tensors") {
  Tensor<float> const x = ones<float>({16}).to(device);
  for (int round = 0; round < 50; ++round) {
    Tensor<float> const shared = x * 3;
    Tensor<float> results[2];
    {
      std::vector<std::jthread> threads;
      for (Tensor<float>& result : results)
        threads.emplace_back([&] {
          Stream const stream(device);
          StreamGuard const guard(stream);
          make_room(x);
          Graph graph = capture(device, [&] { result = shared * 2; });
          graph.replay();
          synchronize(device);
        });
    }
    for (Tensor<float> const& result : results) CHECK(result.to("cpu").data()[15] == 6);
  }
}

#if !defined(__CUDACC__)
TEST_CASE("when a graph ends, the streams whose memory it touched wait for it") {
  using backend::thrust_::HostAsDevice;
  Stream const owner(device), recorder(device), runner(device);
  std::optional<Tensor<float>> x;
  {
    StreamGuard const guard(owner);
    x = ones<float>({16}).to(device);
  }
  Tensor<float> y;
  Graph graph;
  {
    StreamGuard const guard(recorder);
    make_room(full({16}, 1.0f).to(device));
    graph = capture(device, [&] { y = *x * 2; });
  }
  {
    StreamGuard const guard(runner);
    graph.replay();
  }
  std::int64_t const before = HostAsDevice::orders;
  graph = Graph();
  CHECK(HostAsDevice::orders == before + 2);  // the recorder's memory, and the owner's
}
#endif
