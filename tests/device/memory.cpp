// SPDX-License-Identifier: MIT
// The memory of devices: recycled in the order of streams, kept while a graph may touch it, and never lost to a failure.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>
#include <wick/wick.hpp>

#include "../sanitizers.hpp"
#include "helpers.hpp"

using namespace wick;

namespace {

using on_device::error_of;
Device const device(WICK_TEST_DEVICE);

bool has(std::string const& text, char const* part) { return text.find(part) != std::string::npos; }

struct Net {
  nn::Linear<> fc1{6, 16}, fc2{16, 3};
  nn::Dropout drop{0.3};
  auto operator()(auto const& x) { return log_softmax(fc2(drop(relu(fc1(x)))), 1); }
  void visit(auto&& member) { member("fc1", fc1), member("fc2", fc2), member("drop", drop); }
};

Net net_on_device(std::uint64_t seed) {
  manual_seed(seed);
  Net net;
  to(net, device);
  return net;
}

bool same_bits(Tensor<float> const& a, Tensor<float> const& b) {
  Tensor<float> const x = a.to("cpu"), y = b.to("cpu");
  return x.shape() == y.shape() && std::memcmp(x.data(), y.data(), static_cast<std::size_t>(x.numel()) * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("a freed block serves the next tensor of its stream, and another stream's only in order") {
  Tensor<float> x = randn<float>({1000}).to(device);
  float const* const first = std::as_const(x).data();
  x = Tensor<float>();
  Tensor<float> const again = randn<float>({1000}).to(device);
  CHECK(again.data() == first);
  CHECK(core::device_pool_stats(device).held >= 4000);

  Stream const other(device);
  float const* elements;
  {
    StreamGuard const guard(other);
    Tensor<float> const y = again * 2;  // on the other stream: a block of its own
    elements = y.data();
    CHECK(elements != first);
  }
  StreamGuard const guard(other);
  Tensor<float> const z = again * 3;
  CHECK(z.data() == elements);
}

#if !defined(__CUDACC__)
TEST_CASE("two threads on two streams wait for nothing, and share their operands") {
  using backend::thrust_::HostAsDevice;
  Tensor<float> const w = randn<float>({300}).to(device);
  Tensor<float> const here = w.to("cpu");
  Tensor<float> results[2];
  std::int64_t const waits = HostAsDevice::waits, orders = HostAsDevice::orders;
  {
    Stream const streams[2]{Stream(device), Stream(device)};
    std::vector<std::jthread> threads;
    for (int k = 0; k < 2; ++k)
      threads.emplace_back([&, k] {
        StreamGuard const guard(streams[k]);
        Tensor<float> x = w * static_cast<float>(k);
        for (int i = 0; i < 200; ++i) x = tanh(x + w);
        results[k] = x;
      });
  }
  CHECK(HostAsDevice::waits == waits);
  CHECK(HostAsDevice::orders == orders);
  for (int k = 0; k < 2; ++k) {
    Tensor<float> x = here * static_cast<float>(k);
    for (int i = 0; i < 200; ++i) x = tanh(x + here);
    CHECK(max(abs(results[k].to("cpu") - x)).item() < 1e-5);
  }
}

TEST_CASE("two devices: tensors go from one to the other, and do not meet in a formula") {
  Device const neighbour("thrust:1");
  Tensor<float> const x = randn<float>({4, 5}), a = x.to(device), b = a.to(neighbour);
  CHECK(b.device() == neighbour);
  CHECK(same_bits(b, x));
  CHECK(same_bits(Tensor<float>(b * 2), Tensor<float>(x * 2)));
  CHECK(same_bits(b.to(device), a));
  CHECK(has(error_of([&] { Tensor<float> const y = a + b; }), "add: one operand is on thrust, another on thrust:1; move one of them with .to(\"thrust:1\")"));
  CHECK(has(error_of([&] { x.to("thrust:2"); }), "to: there is no thrust:2 here; devices of this kind: 2"));
}

TEST_CASE("memory that another stream has used goes back when that stream is done") {
  using backend::thrust_::HostAsDevice;
  Tensor<float> x = randn<float>({64}).to(device);
  Stream const other(device);
  {
    StreamGuard const guard(other);
    Tensor<float> const y = x + 1;
    other.synchronize();
  }
  std::int64_t const before = HostAsDevice::orders;
  x = Tensor<float>();
  CHECK(HostAsDevice::orders == before + 1);
  Tensor<float> z = randn<float>({64}).to(device);
  z = Tensor<float>();
  CHECK(HostAsDevice::orders == before + 1);  // used on its own stream alone
}

TEST_CASE("memory that was only an index is in use by the stream that read it") {
  using backend::thrust_::HostAsDevice;
  Tensor<float> const x = randn<float>({4, 5}).to(device);
  Tensor<std::int64_t> const zero = zeros<std::int64_t>({4, 1});
  Stream const other(device);
  auto const orders_after = [&](auto const& use) {
    Tensor<std::int64_t> index = zero.to(device);
    Tensor<float> values = x * 1;
    {
      StreamGuard const guard(other);
      use(index, values);
      other.synchronize();
    }
    std::int64_t const before = HostAsDevice::orders;
    index = Tensor<std::int64_t>(), values = Tensor<float>();
    return HostAsDevice::orders - before;
  };
  CHECK(orders_after([&](auto const& index, auto const&) { Tensor<float>(gather(x, 1, index)); }) == 1);
  CHECK(orders_after([&](auto const& index, auto const&) { Tensor<float>(index_select(x, 0, index.reshape({4}))); }) == 1);
  CHECK(orders_after([&](auto const&, auto const& values) { sort(values, 1); }) == 1);
  CHECK(orders_after([&](auto const&, auto const& values) { cummax(values, 1); }) == 1);
  CHECK(orders_after([&](auto const& index, auto const&) { searchsorted(index.reshape({4}), index.reshape({4})); }) == 1);
  CHECK(orders_after([&](auto const& index, auto const&) { unique_consecutive(index); }) == 1);
}

TEST_CASE("memory that many streams have used waits for all of them") {
  using backend::thrust_::HostAsDevice;
  Tensor<float> x = randn<float>({64}).to(device);
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < core::DeviceUse::most + 2; ++i) {
    streams.push_back(std::make_unique<Stream>(device));
    StreamGuard const guard(*streams.back());
    Tensor<float> const y = x + 1;
  }
  std::int64_t const before = HostAsDevice::orders;
  x = Tensor<float>();
  CHECK(HostAsDevice::orders > before + 4);
}

TEST_CASE("memory of another stream that a graph has used goes back behind the graph's last run") {
  using backend::thrust_::HostAsDevice;
  Stream const other(device);
  Tensor<float> x, y;
  {
    StreamGuard const guard(other);
    x = randn<float>({64}).to(device);
  }
  y = x * 2;
  Graph graph = capture(device, [&] { y = x * 2; });
  graph.replay();
  x = Tensor<float>(), y = Tensor<float>();
  std::int64_t const before = HostAsDevice::orders;
  graph = Graph();
  CHECK(HostAsDevice::orders == before + 1);
}

#endif

TEST_CASE("what is copied to a device may change at once") {
  std::int64_t const work = device.kind() == Device::Kind::cuda ? 4000 : 100;
  Tensor<float> const slow = randn<float>({work, work}).to(device);
  for (std::int64_t const n : {16, 5000, 3000000}) {
    Tensor<float> x = full({n}, 1.0f);
    Tensor<float> const busy = matmul(slow, Tensor<float>(slow.t()));
    Tensor<float> const there = x.to(device);
    std::fill_n(x.data(), n, 3.0f);
    CHECK(all(there.to("cpu") == 1).item());
  }
}

TEST_CASE("an allocation that fails in the middle of a step leaves everything usable") {
  auto net = net_on_device(1);
  optim::SGD optimizer(parameters(net), {.lr = 0.1});
  Tensor<float> const x = randn<float>({32, 6}).to(device);
  Tensor<std::int64_t> const label = zeros<std::int64_t>({32}).to(device);
  auto const step = [&] {
    optimizer.zero_grad();
    Variable<float> const loss = nll_loss(net(x), label);
    backward(loss);
    optimizer.step();
    return loss.item();
  };
  float const before = step();
  pool::release(device);
  std::string said = error_of([] { Tensor<float>(Tensor<float>::uninitialized, Dims(std::int64_t{1} << 44), device); });
  CHECK(has(said, "allocate: no memory for 70368744177664 bytes on"));
#if !defined(__CUDACC__)
  using backend::thrust_::HostAsDevice;
  HostAsDevice::most_bytes = 600;
  said = error_of(step);
  HostAsDevice::most_bytes = (std::int64_t{1} << 46) - 1;
#endif
  CHECK(has(said, "allocate: no memory for"));
  CHECK(has(said, "bytes are free, tensors and graphs hold"));
  float after = 0;
  for (int i = 0; i < 20; ++i) after = step();
  CHECK(after < before);
}

TEST_CASE("a steady state asks the device for no memory, for thousands of steps") {
  auto net = net_on_device(2);
  optim::AdamW optimizer(parameters(net), {.lr = 1e-3});
  Tensor<float> const x = randn<float>({4, 6}).to(device);
  Tensor<std::int64_t> const label = zeros<std::int64_t>({4}).to(device);
  auto const step = [&] {
    optimizer.zero_grad();
    backward(Variable<float>(nll_loss(net(x), label)));
    optimizer.step({.norm = 1});
  };
  for (int i = 0; i < 3; ++i) step();
  std::int64_t const held = core::device_pool_stats(device).held;
  int const steps = device.kind() == Device::Kind::cuda ? 10000 : 500;
  for (int i = 0; i < steps; ++i) step();
  CHECK(core::device_pool_stats(device).held == held);
}

#if !defined(__CUDACC__) && WICK_FORKS_AMONG_THREADS  // CUDA does not survive a fork
TEST_CASE("a child process finds the pools of a device free") {
  std::atomic<bool> done{false};
  auto const use = [&] {
    for (std::int64_t i = 0; !done; ++i) {
      Stream const stream(device);
      StreamGuard const guard(stream);
      Tensor<float>(Tensor<float>::uninitialized, Dims(1000 + i % 5 * 1000), device);
    }
  };
  std::thread other(use);
  int failures = 0;
  for (int round = 0; round < 100; ++round) {
    pid_t const child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      alarm(20);
      for (int i = 0; i < 10; ++i) {
        Stream const stream(device);
        StreamGuard const guard(stream);
        Tensor<float>(Tensor<float>::uninitialized, Dims(1000 + i * 1000), device);
      }
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    failures += status != 0;
  }
  done = true;
  other.join();
  CHECK(failures == 0);
}
#endif

TEST_CASE("copy_from writes where the tensor is") {
  Tensor<float> x = zeros<float>({3, 4}).to(device);
  float const* const elements = std::as_const(x).data();
  Tensor<float> const values = randn<float>({3, 4});
  x.copy_from(values);
  CHECK(std::as_const(x).data() == elements);
  CHECK(same_bits(x, values));
  Tensor<float> const shared = x;
  x.copy_from(values * 2);
  CHECK(same_bits(shared, values));
  CHECK(has(error_of([&] { x.copy_from(zeros<float>({4, 3})); }), "copy_from: a tensor of shape (4, 3) does not fit into one of shape (3, 4)"));
  Tensor<float> here = zeros<float>({3, 4});
  here.copy_from(x);
  CHECK(same_bits(here, values * 2));
}

TEST_CASE("a recorded training step has the bits of the eager one") {
  Tensor<float> const images = randn<float>({40, 8, 6});
  for (bool const adam : {true, false}) {
    auto eager = net_on_device(3), recorded = net_on_device(3);
    Tensor<float> x = zeros<float>({8, 6}).to(device);
    Tensor<std::int64_t> label = zeros<std::int64_t>({8}).to(device);
    auto const run = [&](Net& net, bool graph) {
      optim::AdamW adamw(parameters(net), {.lr = 0.01});
      optim::SGD sgd(parameters(net), {.lr = 0.05, .momentum = 0.9});
      Variable<float> loss;
      auto const step = [&] {
        adamw.zero_grad();
        loss = nll_loss(net(x), label);
        backward(loss);
        if (adam) adamw.step({.norm = 0.5});
        else sgd.step();
      };
      manual_seed(11);
      Graph replayed;
      double total = 0;
      for (std::int64_t i = 0; i < 40; ++i) {
        x.copy_from(images[i]);
        label.copy_from(Tensor<std::int64_t>(full({8}, i % 3)));
        adamw.options.lr = sgd.options.lr = i < 20 ? 0.01 : 0.003;  // a graph follows the optimizer's options
        if (graph && i == 5) replayed = capture(device, step);
        if (graph && i >= 5) replayed.replay();
        else step();
        total += static_cast<double>(loss.item()) * static_cast<double>(i + 1);
      }
      return total;
    };
    double const first = run(eager, false), second = run(recorded, true);
    CHECK(first == second);
    auto const a = parameters(eager), b = parameters(recorded);
    for (std::size_t k = 0; k < a.size(); ++k) CHECK(same_bits(a[k].value(), b[k].value()));
  }
}

TEST_CASE("gradients are limited on a device as on the processor") {
  for (double const type : {1.0, 2.0, 3.0, optim::Clip::unlimited}) {
    std::vector<Variable<float>> here, there;
    for (std::int64_t const n : {7, 5000, 1}) {
      Tensor<float> const x = randn<float>({n}), g = randn<float>({n});
      here.emplace_back(x), there.emplace_back(x.to(device));
      backward(Variable<float>(here.back() * 1), g);
      backward(Variable<float>(there.back() * 1), g.to(device));
    }
    auto const close = [&] {
      for (std::size_t k = 0; k < here.size(); ++k) CHECK(max(abs(there[k].grad().to("cpu") - here[k].grad())).item() < 1e-5);
    };
    CHECK(optim::grad_norm(there, type) == doctest::Approx(optim::grad_norm(here, type)).epsilon(1e-5));
    CHECK(optim::clip_grad_norm(there, 2, {.norm_type = type}) == doctest::Approx(optim::clip_grad_norm(here, 2, {.norm_type = type})).epsilon(1e-5));
    close();
    optim::clip_grad_value(here, 0.01), optim::clip_grad_value(there, 0.01);
    close();
  }
}

TEST_CASE("what a graph uses stays its own until it ends") {
  Tensor<float> x = ones<float>({100}).to(device), y;
  auto const work = [&] { y = x * 2 + 1; };
  work();
  y = Tensor<float>();
  Graph graph = capture(device, work);
  float const* const elements = std::as_const(x).data();
  x = Tensor<float>();  // the graph still reads it
  Tensor<float> const others = randn<float>({100}).to(device);
  CHECK(others.data() != elements);
  graph.replay();
  CHECK(same_bits(y, full({100}, 3.0f)));
  float const* const result = std::as_const(y).data();
  y = Tensor<float>();
  Tensor<float> const more = randn<float>({100}).to(device);
  CHECK(more.data() != result);
  graph = Graph();
  Tensor<float> const a = randn<float>({100}).to(device), b = randn<float>({100}).to(device);
  CHECK((a.data() == elements || b.data() == elements));
  CHECK((a.data() == result || b.data() == result));
}

TEST_CASE("what a graph works on is not moved by a write") {
  Tensor<float> x = ones<float>({100}).to(device), y;
  Tensor<std::int64_t> index = zeros<std::int64_t>({100}).to(device);
  auto const work = [&] { y = gather(x, 0, index); };
  work();
  Graph graph = capture(device, work);
  {
    Tensor<float> const shared = x;
    CHECK(has(error_of([&] { x.copy_from(zeros<float>({100})); }), "copy_from: a graph works on these elements where they lie, but another tensor shares them"));
  }
  x.copy_from(full({100}, 3.0f));
  std::int64_t const* const place = std::as_const(index).data();
  index = Tensor<std::int64_t>();  // the graph still reads it
  Tensor<std::int64_t> const wrong = Tensor<std::int64_t>(full({100}, std::int64_t{1000})).to(device);
  CHECK(wrong.data() != place);
  graph.replay();
  CHECK(same_bits(y, full({100}, 3.0f)));
  graph = Graph();
  Tensor<float> const shared = x;
  x.copy_from(zeros<float>({100}));
  CHECK(same_bits(shared, full({100}, 3.0f)));

  auto net = net_on_device(4);
  optim::SGD optimizer(parameters(net), {.lr = 0.1});
  Tensor<float> const images = randn<float>({8, 6}).to(device);
  auto const step = [&] {
    optimizer.zero_grad();
    backward(Variable<float>(sum(net(images))));
    optimizer.step();
  };
  for (int i = 0; i < 2; ++i) step();
  Tensor<float> const kept = net.fc1.weight.value();
  CHECK(has(error_of([&] { capture(device, step); }), "step: a graph works on these elements where they lie"));
}

TEST_CASE("what cannot be recorded is an error that names the statement") {
  Tensor<float> x = ones<float>({50}).to(device), y, s;
  auto const refused = [&](auto const& work) { return error_of([&] { capture(device, work); }); };
  pool::release(device);
  CHECK(has(refused([&] { y = tanh(x * 2); }), "capture: \"tanh\" needs 200 bytes"));
  for (int i = 0; i < 2; ++i) y = tanh(x * 2), s = sum(x);
  CHECK(has(refused([&] { y = tanh(x * 2), y.to("cpu"); }), "capture: \"to\" copies between the host and"));
  CHECK(has(refused([&] { s = sum(x), s.item(); }), "capture: item: the host would wait"));
  { Tensor<float> const room = x + 1; }
  CHECK(has(refused([&] { x = x * 2, x = Tensor<float>(x + 1); }), "is replaced by the work"));
  CHECK(has(refused([&] { capture(device, [] {}); }), "capture: other work is being recorded"));
  CHECK(has(refused([&] {
              Stream const other(device);
              StreamGuard const guard(other);
              y = tanh(x * 2);
            }),
            "capture: \"tanh\" is done on another stream than the one that is recorded"));
  CHECK(has(error_of([] { Graph().replay(); }), "replay: this graph is empty"));
  // The failures above have left nothing behind.
  x = ones<float>({50}).to(device);
  Graph graph = capture(device, [&] { y = tanh(x * 2); });
  graph.replay();
  CHECK(y.to("cpu").data()[0] == doctest::Approx(std::tanh(2.0)));
}

TEST_CASE("an index out of range is reported when results are read, and nothing is harmed") {
  Tensor<float> const x = randn<float>({5, 3}).to(device);
  Tensor<std::int64_t> const rows = Tensor<std::int64_t>(full({2}, std::int64_t{5})).to(device), wrong = Tensor<std::int64_t>(full({5, 1}, std::int64_t{-1})).to(device);
  CHECK(has(error_of([&] { Tensor<float>(index_select(x, 0, rows)).to("cpu"); }), "index_select: index 5 is out of range for an extent of 5 (found on"));
  CHECK(has(error_of([&] { Tensor<float>(gather(x, 1, wrong)).to("cpu"); }), "gather: index -1 is out of range for an extent of 3"));
  CHECK(has(error_of([&] { one_hot(rows, 4).to("cpu"); }), "one_hot: index 5 is out of range for an extent of 4"));
  Tensor<std::int64_t> const target = full({5}, std::int64_t{3});
  CHECK(has(error_of([&] { Tensor<float>(nll_loss(x, target.to(device))).to("cpu"); }), "nll_loss: index 3 is out of range for an extent of 3"));
  CHECK(has(error_of([&] { Tensor<float>(cross_entropy(x, target.to(device))).to("cpu"); }), "cross_entropy: index 3 is out of range for an extent of 3"));
  CHECK(has(error_of([&] { Tensor<float>(cross_entropy(x, target)); }), "cross_entropy: target 3 is out of range for dimension 1"));
  CHECK(same_bits(x, x));
}

TEST_CASE("a statement is one launch") {
  Tensor<float> const x = randn<float>({8}).to(device), w = randn<float>({8}).to(device), rows = randn<float>({16, 64}).to(device);
  auto const launches = [](auto const& f) {
    std::int64_t const before = core::device_launches;
    f();
    return core::device_launches - before;
  };
  CHECK(launches([&] { Tensor<float> const y = tanh(x * w + 1) * sigmoid(x) + exp(w); }) == 1);
  CHECK(launches([&] { Tensor<float> const y = softmax(rows, 1); }) == 1);
  CHECK(launches([&] { Tensor<float> const y = sum(rows, {1}); }) == 1);
  Variable<float> const v(x), u(w), r(rows);
  Variable<float> loss = tanh(v * u + 1);
  Tensor<float> const seed = ones<float>({8}).to(device);
  CHECK(launches([&] { backward(loss, seed); }) == 1);
  Variable<float> const soft = softmax(r, 1);
  Tensor<float> const seeds = ones<float>({16, 64}).to(device);
  CHECK(launches([&] { backward(soft, seeds); }) == 1);
}
