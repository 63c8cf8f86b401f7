// SPDX-License-Identifier: MIT
// The pool: aligned blocks, recycled, counted; in a steady state the system is not asked, and it gets back what is not needed.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <vector>
#include <wick/tensor.hpp>

#include "../sanitizers.hpp"

using namespace wick;

namespace {

constexpr std::int64_t mega = 1 << 20;
Tensor<char> bytes(std::int64_t count) { return empty<char>({count}); }

}  // namespace

TEST_CASE("size classes hold what they promise and waste at most a quarter") {
  for (std::size_t bytes = 1; bytes < (std::size_t{1} << 42); bytes += bytes / 7 + 1) {
    std::size_t const room = pool::bytes_of(pool::class_of(bytes));
    REQUIRE(room >= bytes);
    REQUIRE(room <= std::max<std::size_t>(128, bytes + bytes / 4 + 64));
    REQUIRE(pool::class_of(room) == pool::class_of(bytes));
    REQUIRE(pool::class_of(bytes) < static_cast<std::uint32_t>(pool::classes));
  }
}

TEST_CASE("blocks are aligned, counted and used again") {
  for (int n : {0, 1, 7, 20, 1000, 100000}) {
    Tensor<float> const x = empty<float>({n});
    CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % alignment == 0);
  }
  std::int64_t const before = pool_stats().requests;
  float const* where = nullptr;
  {
    Tensor<float> const x = empty<float>({1000});
    where = x.data();
  }
  CHECK(empty<float>({1000}).data() == where);
  CHECK(pool_stats().requests == before + 2);
}

TEST_CASE("a steady state asks nothing of the system") {
  Tensor<float> x = full<float>({64, 65}, 0.5f), y;
  auto const step = [&] {
    y = softmax(tanh(x) * 2 + x.t()(0, 0), -1);
    x(Slice(1, 60), Slice()) = x(Slice(0, 59), Slice()) + sum(y, {0});
    Tensor<float> const copy = x;
    x += mean(copy, {1}, {.keepdim = true}) * 0.001f;
  };
  // When a helper first takes part, and needs memory of its own, depends on the machine: the plateau may take some rounds.
  int quiet = 0;
  for (int round = 0; round < 12 && quiet < 2; ++round) {
    PoolStats const before = pool_stats();
    for (int i = 0; i < 50; ++i) step();
    bool const same = pool_stats().system_allocations == before.system_allocations && pool_stats().system_bytes == before.system_bytes;
    quiet = same ? quiet + 1 : 0;
  }
  CHECK(quiet == 2);
}

TEST_CASE("blocks outlive their thread and go back to any other") {
  auto const work = [] { return Tensor<float>(full<float>({5000}, 3.f) * 2); };
  Tensor<float> x;
  std::thread([&] { x = work(); }).join();
  CHECK(x(4999).item() == 6);
  x = Tensor<float>();
  for (int i = 0; i < 3; ++i) std::thread([&] { work(); }).join();
  std::int64_t const before = pool_stats().system_allocations;
  for (int i = 0; i < 20; ++i) std::thread([&] { work(); }).join();
  CHECK(pool_stats().system_allocations == before);
}

TEST_CASE("threads share tensors and write their own") {
  Tensor<float> const shared = arange<float>(1000);
  std::vector<std::thread> threads;
  std::vector<double> totals(4);
  for (std::size_t t = 0; t < totals.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        Tensor<float> mine = shared;
        mine[0] = static_cast<float>(t);
        mine += static_cast<float>(i);
        totals[t] += mine(0).item();
      }
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 0; t < totals.size(); ++t) CHECK(totals[t] == 200 * static_cast<double>(t) + 199 * 100);
  CHECK(shared(0).item() == 0);
  CHECK(shared.storage().use_count() == 1);
}

TEST_CASE("too much memory is an error") {
  CHECK_THROWS_WITH_AS(empty<double>({std::int64_t{1} << 57}),
                       "allocate: no memory for a block of 1152921504606846976 bytes", Error);
  CHECK_THROWS_AS(empty<char>({std::int64_t{1} << 46}), Error);
}

#if !defined(WICK_ADDRESS_SANITIZER) && !defined(WICK_THREAD_SANITIZER)  // which need terabytes of address space
TEST_CASE("what was freed is given back before an allocation fails") {
  pid_t const child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit const limit{static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + 2048 * mega), RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    for (int i = 0; i < 3; ++i) {
      std::vector<Tensor<char>> parts;
      for (int k = 0; k < 4; ++k) parts.push_back(bytes(300 * mega));
    }
    try {
      Tensor<char> whole = bytes(1024 * mega);
      whole.data()[1024 * mega - 1] = 1;
    } catch (Error const&) {
      _exit(3);
    }
    try {
      bytes(4096 * mega);
    } catch (Error const& error) {
      _exit(std::string(error.what()).find("no memory for a block of ") == std::string::npos ? 4 : 0);
    }
    _exit(5);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
#endif

TEST_CASE("the pool keeps no more than has been in use at a time") {
  pool::release();
  std::int64_t const before = pool_stats().held_bytes;
  for (std::int64_t size = 1; size <= 60; ++size) bytes(size * mega);
  std::int64_t const largest = static_cast<std::int64_t>(pool::bytes_of(pool::class_of(60 * mega + sizeof(Block))));
  CHECK(pool_stats().held_bytes - before <= largest + mega);
  CHECK(pool_stats().idle_bytes > 0);
  CHECK(pool::release() >= 32 * mega);
  CHECK(pool_stats().held_bytes <= before);
  CHECK(pool_stats().idle_bytes == 0);
}

TEST_CASE("a large use is forgotten after a while, whatever comes then") {
  for (bool const small : {false, true}) {
    pool::release();
    std::int64_t const before = pool_stats().held_bytes;
    bytes(200 * mega);
    CHECK(pool_stats().held_bytes - before >= 200 * mega);  // the next step may need it
    for (std::int64_t turnover = 0; turnover < 50 * 200 * mega; turnover += small ? 4096 : 10 * mega)
      bytes(small ? 100 : 10 * mega);
    CHECK(pool_stats().held_bytes - before <= 33 * mega);
  }
}

TEST_CASE("sizes that come again and again are not asked for again") {
  pool::release();
  auto const step = [] {
    std::vector<Tensor<char>> alive;
    for (std::int64_t size = 1; size <= 20; ++size) alive.push_back(bytes(size * mega));
    for (std::int64_t size = 20; size >= 1; --size) {
      Tensor<char> const gradient = bytes(size * mega), more = bytes(size * mega);
      alive.pop_back();
    }
  };
  for (int i = 0; i < 5; ++i) step();
  std::int64_t const before = pool_stats().system_allocations;
  for (int i = 0; i < 200; ++i) step();
  CHECK(pool_stats().system_allocations == before);
}

TEST_CASE("blocks that another thread frees are found again") {
  for (std::int64_t size : {std::int64_t{100}, std::int64_t{5000}, 3 * mega}) {
    int const count = size < mega ? 2000 : 4;
    pool::release();
    std::int64_t const before = pool_stats().held_bytes;
    for (int round = 0; round < 30; ++round) {
      std::vector<Tensor<char>> made;
      for (int i = 0; i < count; ++i) made.push_back(bytes(size));
      std::thread([&] { made.clear(); }).join();
    }
    auto const block = static_cast<std::int64_t>(pool::bytes_of(pool::class_of(static_cast<std::size_t>(size) + sizeof(Block))));
    CHECK(pool_stats().held_bytes - before <= count * block + mega);
  }
}
