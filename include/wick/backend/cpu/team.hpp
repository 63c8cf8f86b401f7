// SPDX-License-Identifier: MIT
// The threads that help a kernel: started when first needed, asleep when there is nothing to do. OpenMP's own team keeps
// every core busy for milliseconds after each region; these wait for more work no longer than waking them would take.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::core {

/// Calls of `run(context, piece)` for the pieces 0 to pieces - 1.
struct Job {
  void (*run)(void const* context, std::int64_t piece);
  void const* context;
  /// May be null: says before a helper starts on which processors it shall run.
  void (*place)(int thread, pthread_attr_t& attributes) = nullptr;
};

/// One caller and its helpers. Each of them owns some pieces of a job and takes them one by one, then takes what others
/// have left: a helper that wakes up late, or not at all, delays nobody.
class Team {
 public:
  static constexpr int most_threads = 256;

  /// Runs `pieces` pieces, fewer than 65,536, on the calling thread and up to `threads - 1` helpers, and returns when all are done. False,
  /// with nothing done, while the team works for another thread. The first exception of a piece reaches the caller.
  bool run(int threads, std::int64_t pieces, Job const& job) {
    if (busy_.exchange(true, std::memory_order_acquire)) return false;
    threads = start(threads, job.place);
    prepare_rooms();
    may_wait_awake_.store(threads <= processors_, std::memory_order_relaxed);
    run_.store(job.run, std::memory_order_relaxed);
    context_.store(job.context, std::memory_order_relaxed);
    lanes_.store(threads, std::memory_order_relaxed);
    remaining_.store(static_cast<std::uint32_t>(pieces), std::memory_order_relaxed);
    ++generation_;
    for (int lane = 0; lane < threads; ++lane) {
      auto const first = static_cast<std::uint64_t>(pieces * lane / threads);
      auto const last = static_cast<std::uint64_t>(pieces * (lane + 1) / threads);
      lane_[lane].ticket.store(std::uint64_t{generation_} << 32 | first << 16 | last, std::memory_order_release);
    }
    wake_children(0, threads, generation_);
    take(0, generation_);
    auto const finished = [](std::uint32_t left) { return left == 0; };
    if (!watch(remaining_, finished)) sleep(remaining_, finished);
    std::exception_ptr const error = std::exchange(error_, nullptr);
    failed_.store(false, std::memory_order_relaxed);
    busy_.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(error);
    return true;
  }

  /// Whether to share a loop of so many grains: always while helpers are awake. Sleeping ones are woken for as much work
  /// as pays for it, in one loop or in several that were too small.
  bool pays(std::int64_t grains) {
    if (awake_.load(std::memory_order_relaxed) > 0) return true;
    std::int64_t const total = unshared_.load(std::memory_order_relaxed) + grains;
    bool const enough = total >= grains_of_waking;
    unshared_.store(enough ? 0 : total, std::memory_order_relaxed);
    return enough;
  }

  /// True on a thread that is running a piece: what it starts stays on it.
  static bool inside() { return inside_flag(); }

  /// The process's team.
  static Team& get();

 private:
  // Pieces [first, last) of job `generation` that nobody has taken: generation << 32 | first << 16 | last. Who takes a
  // piece by exchanging the ticket knows that the job is still running, so that what it read of the job is valid.
  struct alignas(64) Lane {
    std::atomic<std::uint64_t> ticket{0};
    std::atomic<std::uint32_t> call{0};  // the last generation that this lane's thread was called for
    Team* team = nullptr;
    pool::Room room{};  // lane 0's is the caller's own
  };
  // Waking a thread that sleeps takes 40 to 100 microseconds on a virtual machine: who waits no longer than that before
  // going to sleep loses at most as much as it saves.
  static constexpr std::int64_t patience = 50'000;
  // Measured (bench/threads.cpp): with helpers awake two threads win from 2 microseconds of work on, which is what two
  // grains are; with helpers asleep from 35 on.
  static constexpr std::int64_t grains_of_waking = 32;

  static bool& inside_flag();
  static std::int64_t nanoseconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  // Waits for `done(value)` for a moment; false when that was not enough.
  template <class Done>
  bool watch(std::atomic<std::uint32_t> const& value, Done const& done) const {
    if (done(value.load(std::memory_order_acquire))) return true;
    if (!may_wait_awake_.load(std::memory_order_relaxed)) return false;
    std::int64_t const end = nanoseconds() + patience;
    do {
      for (int i = 0; i < 16; ++i) {
        if (done(value.load(std::memory_order_acquire))) return true;
        pause();
      }
    } while (nanoseconds() < end);
    return false;
  }
  // Waits for `done(value)` asleep.
  template <class Done>
  static void sleep(std::atomic<std::uint32_t> const& value, Done const& done) {
    for (std::uint32_t seen; !done(seen = value.load(std::memory_order_acquire));) value.wait(seen, std::memory_order_acquire);
  }

  // Helpers wake each other, two at a time, so that many threads start as quickly as a few.
  void wake_children(int lane, int threads, std::uint32_t generation) {
    for (int child = 2 * lane + 1; child <= 2 * lane + 2 && child < threads; ++child) {
      lane_[child].call.store(generation, std::memory_order_release);
      lane_[child].call.notify_one();
    }
  }

  // Runs pieces of the job until none is left: first those of the own lane.
  void take(int own, std::uint32_t generation) {
    inside_flag() = true;
    int const lanes = lanes_.load(std::memory_order_relaxed);
    for (int i = 0; i < lanes; ++i) {
      Lane& lane = lane_[(own + i) % lanes];
      std::uint64_t ticket = lane.ticket.load(std::memory_order_acquire);
      while (ticket >> 32 == generation && (ticket >> 16 & 0xffff) < (ticket & 0xffff)) {
        auto const run = run_.load(std::memory_order_relaxed);
        auto const* const context = context_.load(std::memory_order_relaxed);
        if (!lane.ticket.compare_exchange_weak(ticket, ticket + (1u << 16), std::memory_order_acq_rel)) continue;
        try {
          pool::InRoom const in_room(own == 0 ? &pool::own_room : &lane_[own].room);
          run(context, static_cast<std::int64_t>(ticket >> 16 & 0xffff));
        } catch (...) {
          if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
        }
        if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) remaining_.notify_one();
        ticket = lane.ticket.load(std::memory_order_acquire);
      }
    }
    inside_flag() = false;
  }

  // Rooms of all threads, also of those that have never computed the kernel that needed most.
  void prepare_rooms() {
    pool::prepare(pool::own_room);
    std::int64_t const wanted = pool::wanted_room.load(std::memory_order_relaxed);
    if (wanted == prepared_for_) return;
    for (int lane = 1; lane < started_; ++lane) pool::prepare(lane_[lane].room);
    prepared_for_ = wanted;
  }
  static void empty_rooms();

  // Helpers for `threads` threads in all; how many threads there are then.
  int start(int threads, void (*place)(int, pthread_attr_t&)) {
    threads = std::min(threads, most_threads);
    if (threads <= started_) return threads;
    pin();
    pool::empty_helpers_rooms.store(&empty_rooms, std::memory_order_release);
    prepared_for_ = 0;
    // Signals are for the program's own threads, but for those that say what this thread has done.
    sigset_t all, before;
    sigfillset(&all);
    for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; started_ < threads; ++started_) {
      pthread_attr_t attributes;
      pthread_attr_init(&attributes);
      pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
      if (place) place(started_, attributes);
      lane_[started_].team = this;
      pthread_t thread;
      int const problem = pthread_create(&thread, &attributes, &help, &lane_[started_]);
      pthread_attr_destroy(&attributes);
      if (problem) break;
      awake_.fetch_add(1, std::memory_order_relaxed);
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return std::min(threads, started_);
  }

  // A library whose code the helpers sleep in must not be unloaded: dlclose leaves it where it is.
  static void pin() {
#if defined(__PIC__) && !defined(__PIE__)
    Dl_info found;
    if (dladdr(reinterpret_cast<void*>(&help), &found) && found.dli_fname)
      dlopen(found.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
  }

  static void* help(void* place) {
    Lane& lane = *static_cast<Lane*>(place);
    Team& team = *lane.team;
    int const own = static_cast<int>(&lane - team.lane_);
    for (std::uint32_t seen = 0;;) {
      auto const called = [&](std::uint32_t call) { return call != seen; };
      if (!team.watch(lane.call, called)) {
        team.awake_.fetch_sub(1, std::memory_order_relaxed);
        sleep(lane.call, called);
        team.awake_.fetch_add(1, std::memory_order_relaxed);
      }
      seen = lane.call.load(std::memory_order_acquire);
      team.wake_children(own, team.lanes_.load(std::memory_order_relaxed), seen);
      team.take(own, seen);
    }
  }

  static int count_processors() {
#if defined(CPU_COUNT)
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) return CPU_COUNT(&mask);
#endif
    return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  }

  std::atomic<bool> busy_{false}, failed_{false}, may_wait_awake_{false};
  std::atomic<int> awake_{0};               // helpers that do not sleep
  std::atomic<std::int64_t> unshared_{0};  // grains that one thread has computed because helpers were asleep
  int started_ = 1;  // with the caller
  int const processors_ = count_processors();
  std::uint32_t generation_ = 0;
  std::int64_t prepared_for_ = 0;  // what pieces had needed when the helpers' rooms were made
  std::exception_ptr error_;
  std::atomic<void (*)(void const*, std::int64_t)> run_{nullptr};
  std::atomic<void const*> context_{nullptr};
  std::atomic<int> lanes_{0};
  alignas(64) std::atomic<std::uint32_t> remaining_{0};
  Lane lane_[most_threads];
};

WICK_SHARED inline constinit thread_local bool team_inside = false;
inline bool& Team::inside_flag() { return team_inside; }

// Never destroyed: its helpers sleep in it until the process ends. A child process has no helpers and makes a new one.
WICK_SHARED inline constinit std::atomic<Team*> current_team{nullptr};
inline constexpr ForkHandlers team_fork_handlers{[] {}, [](bool in_child) {
                                                   if (in_child) current_team.store(nullptr, std::memory_order_relaxed);
                                                 }};
WICK_SHARED inline bool const team_survives_fork = at_fork(ForkPart::team, &team_fork_handlers);

inline Team& Team::get() {
  if (Team* const team = current_team.load(std::memory_order_acquire)) return *team;
  auto own = std::make_unique<Team>();
  Team* first = nullptr;
  return current_team.compare_exchange_strong(first, own.get(), std::memory_order_acq_rel) ? *own.release() : *first;
}

inline void Team::empty_rooms() {
  Team* const team = current_team.load(std::memory_order_acquire);
  if (!team || team->busy_.exchange(true, std::memory_order_acquire)) return;
  for (int lane = 1; lane < team->started_; ++lane) pool::empty_room(team->lane_[lane].room);
  team->prepared_for_ = 0;
  team->busy_.store(false, std::memory_order_release);
}

}  // namespace wick::core
WICK_PRECISE_END
