// SPDX-License-Identifier: MIT
// Variables that cross threads: recorded on one, differentiated or dropped on another.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>
#include <wick/autograd/backward.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/tensor.hpp>

#include "../sanitizers.hpp"

using namespace wick;

namespace {
template <class F>
void on_another_thread(F const& work) {
  std::thread(work).join();
}
// A kernel node that is the identity; its adjoint calls a function first.
struct Pause {
  static constexpr char const* name = "pause";
  static inline void (*meanwhile)() = nullptr;
  template <class T>
  Tensor<T> view(Tensor<T> const& x) const {
    return x;
  }
  auto adjoint(auto const& g, auto const&, auto const&) const {
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    return std::tuple(g * 1.0);
  }
};
Variable<double>* common = nullptr;
}  // namespace

namespace {
// Made before the thread's tape, so destroyed after it.
struct Late {
  std::optional<Variable<double>> kept;
  Variable<double>* parameter = nullptr;
  ~Late() {
    if (!parameter) return;
    for (int i = 0; i < 2; ++i) {
      Variable<double> const y = *parameter * *parameter;
      backward(sum(y * 1.0));
    }
  }
};
thread_local Late late;
// The same for the main thread, whose static objects are the last ones.
struct AtExit {
  Variable<double> w{tensor({1., 2.})}, y;
  ~AtExit() {
    if (y.numel() == 0) return;  // the test did not run
    backward(y, tensor({1., 1.}));
    backward(sum(w * w));
    if (w.grad().data()[1] != 2 + 4) std::abort();
  }
} at_exit;
}  // namespace

TEST_CASE("destructors of thread-local and static objects may hold results, and record") {
  at_exit.y = at_exit.w * 2.0;
  auto const run = [] {
    Variable<double> w(tensor({1., 2., 3.}));
    on_another_thread([&] {
      late.parameter = &w;
      late.kept = Variable<double>(w * 2.0);
    });
    return w.grad().data()[2];
  };
  for (int i = 0; i < 4; ++i) CHECK(run() == 12);
  auto const before = pool_stats().system_bytes;
  for (int i = 0; i < 50; ++i) run();
  CHECK(pool_stats().system_bytes < before + (4 << 20));  // a tape holds 256 KiB
}

TEST_CASE("a pass that meets another thread's pass at a leaf is refused, and changes nothing") {
  Variable<double> w(tensor({1., 2., 3.}));
  common = &w;
  backward(sum(w));
  // The newer statement gives w its first term; then the older one's adjoint lets the other thread try.
  Variable<double> const older = kernel<double>(Pause{}, w.shape(), w), y = sum(w * w) + sum(older);
  static std::string errors[2];
  Pause::meanwhile = [] {
    on_another_thread([] {
      Variable<double> const own(tensor({1., 1., 1.}));
      Variable<double> const z = sum(own * *common);
      for (int k = 0; k < 2; ++k) try {
          if (k) grad(z, *common);
          else backward(z);
        } catch (Error const& e) {
          errors[k] = e.what();
        }
      CHECK_FALSE(own.has_grad());
      backward(sum(own * 2.0));  // what is its own is not concerned
      CHECK(own.grad().data()[0] == 2);
    });
  };
  backward(y);
  for (auto const& error : errors) CHECK(error.find("backward pass of another thread") != std::string::npos);
  CHECK(w.grad().data()[2] == 1 + 6 + 1);
  on_another_thread([] { backward(sum(*common)); });  // one after the other is right
  CHECK(w.grad().data()[2] == 9);
}

TEST_CASE("passes of many threads over one leaf add up to those that were not refused") {
  Variable<double> const w(tensor({1., 2., 3.}));
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) try {
          backward(sum(w * 2.0));
          ++done;
        } catch (Error const&) {
        }
    });
  for (auto& thread : threads) thread.join();
  CHECK(done > 0);
  CHECK(w.grad().data()[1] == 2 * done);
}

TEST_CASE("each thread records and differentiates its own statements of shared parameters") {
  Variable<double> const w(tensor({1., 2., 3.}));
  std::vector<double> seen(8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        Variable<double> const y = sum(tanh(w * static_cast<double>(t)) * w);
        Variable<double> const scaled = y * 2.0;
        seen[static_cast<std::size_t>(t)] = scaled.item();
      }
    });
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < 8; ++t) {
    double want = 0;
    for (double x : {1., 2., 3.}) want += 2 * std::tanh(x * t) * x;
    CHECK(seen[static_cast<std::size_t>(t)] == doctest::Approx(want));
  }
}

TEST_CASE("statements of another thread are differentiated by the one that holds the result") {
  Variable<double> const w(tensor({1., 2., 3.}));
  std::optional<Variable<double>> y;
  on_another_thread([&] {
    Variable<double> const h = w * w;
    y = sum(h * w);
  });
  backward(*y);  // the thread that recorded it is gone
  CHECK(w.grad().data()[2] == 27);
  w.zero_grad();

  Variable<double> const mine = w * 2.0;
  std::optional<Variable<double>> middle;
  on_another_thread([&] { middle = Variable<double>(mine * w); });  // a statement over a statement of this thread
  Variable<double> const total = sum(*middle + mine);
  std::string error;
  try {
    backward(total);
  } catch (Error const& e) {
    error = e.what();
  }
  // A sentence that says why not, never a part of the gradient; and nothing is left half done.
  CHECK(error.find("another thread") != std::string::npos);
  middle.reset();
  w.zero_grad();
  backward(sum(mine * w));
  CHECK(w.grad().data()[0] == 4);
  CHECK(w.grad().data()[2] == 12);
}

TEST_CASE("entries are given back to the thread that recorded them") {
  Variable<double> const w(tensor({1., 2., 3.}));
  std::int64_t const before = tape::Tape::here().live();
  for (int round = 0; round < 50; ++round) {
    std::vector<Variable<double>> chain{w};
    for (int i = 0; i < 20; ++i) chain.push_back(Variable<double>(chain.back() + w));
    on_another_thread([&] { chain.clear(); });
  }
  Variable<double> const next = w + w;  // takes back what the others let go
  CHECK(tape::Tape::here().live() <= before + 1);
}

TEST_CASE("a thread's tape lives as long as its last entry") {
  Variable<double> const w(tensor({1., 2., 3.}));
  std::vector<Variable<double>> kept;
  for (int t = 0; t < 4; ++t)
    on_another_thread([&] {
      Variable<double> h = w;
      for (int i = 0; i < 1000; ++i) h = h + w;
      kept.push_back(h);
    });
  CHECK(kept[3].value().data()[1] == 2002);
  on_another_thread([&] { kept.resize(2); });
  backward(kept[0], tensor({1., 1., 1.}));
  CHECK(w.grad().data()[0] == 1001);
  kept.clear();
  CHECK(w.value().data()[0] == 1);
}

TEST_CASE("a parameter made on a thread that has ended") {
  std::optional<Variable<float>> w;
  on_another_thread([&] { w = Variable<float>(tensor({1.f, 2.f})); });
  backward(sum(*w * *w));
  CHECK(w->grad().data()[1] == 4);
  on_another_thread([&] { w.reset(); });
}

#if WICK_FORKS_AMONG_THREADS
TEST_CASE("a child process computes, whatever the other threads were doing when it was forked") {
  std::atomic<bool> done{false};
  std::mutex mutex;
  Variable<double> const w(tensor({1., 2., 3.}));
  std::vector<Variable<double>> shared;  // guarded by the mutex
  auto const use_pool = [&] {
    for (std::int64_t i = 0; !done; ++i) {
      Tensor<float> const large = empty<float>({100'000 + i % 64 * 10'000});
      if (i % 100 == 0) pool::release();
    }
  };
  auto const use_tape = [&] {  // lets go what another thread has recorded
    while (!done) {
      std::vector<Variable<double>> results;
      for (int i = 0; i < 100; ++i) results.push_back(Variable<double>(w + w));
      std::scoped_lock const lock(mutex);
      std::swap(shared, results);
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(use_pool);
  for (int i = 0; i < 2; ++i) threads.emplace_back(use_tape);
  auto const before = wick::core::thread_limit.load();
  set_num_threads(2);
  int failures = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Variable<double>> taken;
    {
      std::scoped_lock const lock(mutex);
      std::swap(taken, shared);
    }
    pid_t const child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      alarm(20);
      Tensor<float> const large = full<float>({100'000}, 0.5f);
      std::vector<Tensor<float>> small;
      for (int k = 0; k < 600; ++k) small.push_back(full<float>({8}, 1.f));
      Variable<double> const own(tensor({1., 2., 3.}));
      backward(sum(own * own));
      taken.clear();
      pool::release();
      _exit(sum(large).item() == 50'000 && own.grad().data()[2] == 6 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    failures += status != 0;
  }
  done = true;
  for (auto& thread : threads) thread.join();
  wick::core::thread_limit.store(before);
  CHECK(failures == 0);
}
#endif
