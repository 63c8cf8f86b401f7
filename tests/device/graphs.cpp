// SPDX-License-Identifier: MIT
// Graphs beside other graphs, other threads and other streams.
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <wick/wick.hpp>

using namespace wick;

namespace {

Device const device(WICK_TEST_DEVICE);

template <class F>
std::string sentence(F const& f) {
  try {
    f();
  } catch (Error const& error) {
    return error.what();
  }
  return "";
}
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
  CHECK(sentence([&] { capture(device, [&] { z = y + 1, y = Tensor<float>(z * 2); }); }).find("is replaced by the work") != std::string::npos);
}

TEST_CASE("two threads record work on the same tensors") {
  Tensor<float> const x = ones<float>({16}).to(device);
  std::int64_t const used = core::device_pool_stats(device).held - core::device_pool_stats(device).idle;
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
  CHECK(core::device_pool_stats(device).held - core::device_pool_stats(device).idle == used);
}

TEST_CASE("recorded work does not move a tensor that it writes where it is") {
  Variable<float> weight(ones<float>({16}).to(device));
  optim::SGD<float> optimizer({weight}, {.lr = 0.5});
  Tensor<float> x = ones<float>({16}).to(device);
  auto const step = [&] {
    optimizer.zero_grad();
    backward(Variable<float>(sum(weight * x)));
    optimizer.step();
  };
  Tensor<float> const more = full({16}, 2.0f).to(device);
  auto const fill = [&] { x.copy_from(more); };
  step(), fill();
  make_room(x);
  {
    Tensor<float> const before = weight.value(), old = x;
    CHECK(sentence([&] { capture(device, step); }).find("capture: step writes a tensor whose elements another tensor shares") == 0);
    CHECK(sentence([&] { capture(device, fill); }).find("capture: copy_from writes a tensor") == 0);
  }
  optimizer.zero_grad();
  Graph steps = capture(device, step), fills = capture(device, fill);
  for (int i = 0; i < 3; ++i) steps.replay();
  for (int i = 0; i < 3; ++i) fills.replay();
  CHECK(weight.value().to("cpu").data()[0] == 1 - 0.5f - 3 * 0.5f * 2);
  CHECK(x.to("cpu").data()[0] == 2);
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

TEST_CASE("memory that many streams have used is freed in their order, without waiting, also while work is recorded") {
  using backend::thrust_::HostAsDevice;
  for (bool const recorded : {false, true}) {
    Tensor<float> x = ones<float>({16}).to(device), y = x + 1;
    Stream const streams[7]{Stream(device), Stream(device), Stream(device), Stream(device), Stream(device), Stream(device), Stream(device)};
    for (Stream const& stream : streams) {
      StreamGuard const guard(stream);
      y.copy_from(x);  // asks for no memory
    }
    make_room(x);
    std::int64_t const waits = HostAsDevice::waits, orders = HostAsDevice::orders;
    if (recorded) capture(device, [&] { x = Tensor<float>(); });
    else x = Tensor<float>();
    CHECK(HostAsDevice::waits == waits);
    CHECK(HostAsDevice::orders >= orders + 7);
  }
}

TEST_CASE("a graph that gets no memory for its numbers leaves nothing behind") {
  using backend::thrust_::HostAsDevice;
  core::release_unused(device);
  HostAsDevice::most_bytes = 600;
  CHECK(sentence([] { capture(device, [] {}); }).find("allocate: no memory for") == 0);  // asked by the leak checker
  HostAsDevice::most_bytes = (std::int64_t{1} << 46) - 1;
  CHECK(bool(capture(device, [] {})));
}
#endif
