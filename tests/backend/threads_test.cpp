// SPDX-License-Identifier: MIT
// The threads that compute: how many, who starts them, and that they sleep when the work is done.
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#include <wick/backend/cpu/threads.hpp>

#include "../sanitizers.hpp"

using wick::num_threads;
using wick::parallel_for;

namespace {

struct Threads {
  int before = num_threads();
  explicit Threads(int count) { wick::set_num_threads(count); }
  ~Threads() { wick::set_num_threads(before); }
};

std::set<pthread_t> threads_of(std::int64_t count) {
  std::set<pthread_t> seen;
  std::mutex mutex;
  parallel_for(count, 1, [&](std::int64_t, std::int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::scoped_lock const lock(mutex);
    seen.insert(pthread_self());
  });
  return seen;
}

std::int64_t sum_to(std::int64_t count) {
  std::atomic<std::int64_t> sum{0};
  parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) sum += i;
  });
  return sum;
}

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Exit status of this program running one test case with another environment.
int status_of(std::string const& test, std::vector<std::string> environment) {
  for (char** variable = environ; *variable; ++variable)
    if (std::string(*variable).rfind("OMP_", 0) != 0) environment.emplace_back(*variable);
  std::vector<char*> variables;
  for (auto& variable : environment) variables.push_back(variable.data());
  variables.push_back(nullptr);
  std::string program = "tests", filter = "--test-case=" + test, no_skip = "--no-skip", quiet = "--minimal";
  char* arguments[] = {program.data(), filter.data(), no_skip.data(), quiet.data(), nullptr};
  pid_t child;
  REQUIRE(posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, variables.data()) == 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("parallel_for: every index once, whatever the number of threads") {
  for (int const threads : {1, 2, 3, 8, 40}) {
    Threads const use(threads);
    for (std::int64_t const count : {0, 1, 2, 3, 7, 8, 31, 32, 1000, 100003}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
      parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
      });
      bool once = true;
      for (auto const& times : seen) once &= times == 1;
      CHECK(once);
    }
  }
}

TEST_CASE("parallel_for: little work stays on the caller's thread") {
  Threads const use(8);
  int calls = 0;
  parallel_for(100, 51, [&](std::int64_t begin, std::int64_t end) { calls += begin == 0 && end == 100; });
  CHECK(calls == 1);
  CHECK(threads_of(1) == std::set{pthread_self()});
  std::size_t most = 0;
  for (int round = 0; round < 500 && most < 2; ++round) most = threads_of(64).size();
  CHECK(most > 1);
}

TEST_CASE("parallel_for: many short loops, one after another") {
  Threads const use(3);
  bool right = true;
  for (int i = 0; i < 20000; ++i) right &= sum_to(24) == 276;
  CHECK(right);
}

TEST_CASE("parallel_for: an exception of a piece reaches the caller, and the next loop runs") {
  for (int const threads : {1, 2, 5}) {
    Threads const use(threads);
    for (int round = 0; round < 50; ++round) {
      CHECK_THROWS_WITH_AS(parallel_for(64, 1, [](std::int64_t begin, std::int64_t end) {
                             if (begin <= 17 && 17 < end) throw std::out_of_range("seventeen");
                           }),
                           "seventeen", std::out_of_range);
      CHECK(sum_to(100) == 4950);
    }
  }
}

TEST_CASE("parallel_for: what a piece starts stays on its thread") {
  Threads const use(4);
  std::atomic<bool> stayed{true};
  parallel_for(64, 1, [&](std::int64_t, std::int64_t) {
    pthread_t const mine = pthread_self();
    if (num_threads() != 1) stayed = false;
    parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end) {
      if (begin != 0 || end != 100 || !pthread_equal(mine, pthread_self())) stayed = false;
    });
  });
  CHECK(stayed);
  CHECK(num_threads() == 4);
}

TEST_CASE("parallel_for: scratch memory is there for all threads when one of them has needed it") {
  Threads const use(2);
  pthread_t const caller = pthread_self();
  for (std::int64_t const bytes : {100, 40'000, 900'000}) {
    std::atomic<int> inside{0};
    auto const round = [&](bool together) {
      inside = 0;
      parallel_for(64, 1, [&](std::int64_t, std::int64_t) {
        if (!together && !pthread_equal(caller, pthread_self())) return;
        wick::Scratch<char> const first(bytes), second(2 * bytes);
        first[0] = second[0] = 1;
        ++inside;
        for (int wait = 0; together && inside < 2 && wait < 100; ++wait) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
    };
    for (int needed = 0; needed < 2; needed += inside > 0) round(false);
    std::int64_t const before = wick::pool_stats().system_allocations;
    round(true);
    CHECK(wick::pool_stats().system_allocations == before);
    CHECK(inside >= 2);
  }
  wick::pool::release();
  CHECK(wick::pool_stats().idle_bytes == 0);
}

TEST_CASE("parallel_for: several callers at once") {
  Threads const use(3);
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) right += sum_to(50) == 1225;
    });
  for (auto& caller : callers) caller.join();
  CHECK(right == 8000);
}

#if defined(_OPENMP)
TEST_CASE("parallel_for: a caller's own OpenMP region") {
  Threads const use(4);
  std::atomic<int> right{0};
#pragma omp parallel num_threads(2)
  {
    pthread_t const mine = pthread_self();
    bool stayed = omp_get_num_threads() == 1 || num_threads() == 1;
    parallel_for(100, 1, [&](std::int64_t, std::int64_t) { stayed &= pthread_equal(mine, pthread_self()) != 0; });
    if (stayed && sum_to(1000) == 499500) ++right;
  }
  CHECK(right == 2);
  CHECK(sum_to(1000) == 499500);
}

// These two see the number that a fresh process starts with.
TEST_CASE("threads: the environment's number" * doctest::skip()) {
  REQUIRE(std::getenv("OMP_NUM_THREADS") != nullptr);
  CHECK(num_threads() == std::atoi(std::getenv("OMP_NUM_THREADS")));
  CHECK(threads_of(64).size() <= static_cast<std::size_t>(num_threads()));
  omp_set_num_threads(5);
  CHECK(num_threads() == 5);
  wick::set_num_threads(2);
  CHECK(num_threads() == 2);
}
TEST_CASE("threads: OpenMP has bound the caller" * doctest::skip()) {
  REQUIRE(omp_get_proc_bind() != omp_proc_bind_false);
  wick::set_num_threads(2);
  std::set<int> processors;
  std::mutex mutex;
  // A helper whose processor is busy with other programs may come late.
  int const expected = std::min(2, omp_get_num_procs());
  for (int round = 0; round < 500 && static_cast<int>(processors.size()) < expected; ++round)
    parallel_for(64, 1, [&](std::int64_t, std::int64_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      cpu_set_t mask;
      sched_getaffinity(0, sizeof mask, &mask);
      std::scoped_lock const lock(mutex);
      for (int i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(i, &mask)) processors.insert(i);
    });
  CHECK(static_cast<int>(processors.size()) == expected);
}
TEST_CASE("threads: OpenMP's environment counts") {
  CHECK(status_of("threads: the environment's number", {"OMP_NUM_THREADS=3"}) == 0);
  CHECK(status_of("threads: the environment's number", {"OMP_NUM_THREADS=1"}) == 0);
  if (omp_get_num_procs() > 1)
    CHECK(status_of("threads: OpenMP has bound the caller", {"OMP_PROC_BIND=close", "OMP_PLACES=cores"}) == 0);
}
#endif

#if !defined(WICK_THREAD_SANITIZER)  // which allows no threads after fork
TEST_CASE("threads: a child process computes") {
  Threads const use(3);
  CHECK(sum_to(1000) == 499500);
  pid_t const child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(sum_to(1000) == 499500 ? 0 : 1);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(sum_to(1000) == 499500);
}
#endif

TEST_CASE("threads: more than there can be") {
  Threads const use(100'000);
  CHECK(sum_to(100'000) == 4999950000);
}

#if !defined(WICK_THREAD_SANITIZER) && !defined(WICK_ADDRESS_SANITIZER)
TEST_CASE("threads: a fault on a helper reaches the program's handler") {
  pid_t const child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    wick::set_num_threads(4);
    signal(SIGSEGV, [](int) { _exit(7); });
    pthread_t const caller = pthread_self();
    for (int round = 0; round < 1000; ++round)
      parallel_for(64, 1, [&](std::int64_t, std::int64_t) {
        if (!pthread_equal(pthread_self(), caller)) pthread_kill(pthread_self(), SIGSEGV);
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      });
    _exit(1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}
#endif

TEST_CASE("threads: nothing runs when the work is done") {
  Threads const use(4);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // for what other tests have left
  for (int i = 0; i < 100; ++i) sum_to(1000);
  double const before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(cpu_seconds() - before < 0.003);
}
