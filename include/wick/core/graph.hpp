// SPDX-License-Identifier: MIT
// Graphs: work on a device recorded once and run again without its host side.
#pragma once

#include <functional>
#include <memory>

#include <wick/core/device_pool.hpp>

WICK_PRECISE_BEGIN
namespace wick {
namespace core {

/// Numbers of a recording that the host computes anew for each run, such as the position in a random stream. They lie in
/// memory of the device, where the recorded work reads them.
struct GraphNumbers {
  static constexpr std::size_t room = StreamPool::numbers_bytes;
  struct Update {
    std::size_t offset;
    std::function<void(void* to)> write;
  };
  char* device_data = nullptr;
  std::size_t used = 0;
  std::vector<Update> updates;
};

/// While work is recorded: a number in the device's memory that is `compute()`, called before each run of the graph and in
/// the order of these calls.
template <class F>
auto const* replayed(F compute) {
  using T = decltype(compute());
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 16);
  auto& numbers = *static_cast<GraphNumbers*>(capturing->numbers);
  if (numbers.used + sizeof(T) > GraphNumbers::room)
    fail("capture: \"", current_statement, "\" needs more numbers for each run than the ", GraphNumbers::room, " bytes that a graph has room for");
  std::size_t const offset = numbers.used;
  numbers.used += (sizeof(T) + 15) / 16 * 16;
  numbers.updates.push_back({offset, [compute = std::move(compute)](void* to) mutable {
                               T const value = compute();
                               std::memcpy(to, &value, sizeof value);
                             }});
  return reinterpret_cast<T const*>(numbers.device_data + offset);
}

}  // namespace core

/// Recorded work on a device. Made by `capture`.
class Graph {
 public:
  Graph() = default;
  /// Runs the work once more, on the calling thread's stream. The host does not wait. Throws Error for an empty graph.
  void replay() {
    if (!state_) fail("replay: this graph is empty; capture() makes one");
    if (core::capturing) fail("replay: a graph cannot run while other work is recorded");
    state_->replay();
  }
  explicit operator bool() const { return state_ != nullptr; }

 private:
  template <class F>
  friend Graph capture(Device device, F&& work);

  struct Work {
    void (*run)(void*);
    void (*drop)(void*);
    void* data;
  };
  struct State {
    Device device;
    core::DeviceRuntime const& runtime;
    core::GraphMemory* memory = nullptr;
    core::GraphNumbers numbers;
    void* executable = nullptr;
    std::vector<Work> works;  // where the device does not record by itself
    void* last_stream;
    // Numbers on their way: two runs may be under way while a third is prepared.
    static constexpr int ways = 2;
    char* host[ways] = {};
    void* mark[ways] = {};
    bool marked[ways] = {};
    int way = 0;
    core::StreamPool& home;

    explicit State(Device where)
        : device(where), runtime(core::device_runtime("capture", where)), last_stream(core::current_stream), home(core::stream_pool(where, last_stream)) {
      {
        std::scoped_lock const lock(home.mutex);
        numbers.device_data = static_cast<char*>(core::take_unused(home.unused_numbers));
      }
      if (!numbers.device_data)
        numbers.device_data = static_cast<char*>(core::allocate_memory(home, core::GraphNumbers::room, core::StreamPool::numbers_class));
      memory = new core::GraphMemory;
      memory->home = &home;
    }
    State(State const&) = delete;
    ~State() {
      if (executable) runtime.free_graph(device.number(), executable);
      for (Work const& work : works) work.drop(work.data);
      // What goes back to a stream's memory is used there again only behind the last run.
      auto const wait = [&](core::StreamPool const* pool) {
        if (last_stream != pool->stream) runtime.order(device.number(), last_stream, pool->stream);
      };
      wait(&home);
      for (core::StreamPool const* pool : memory->others) wait(pool);
      for (int w = 0; w < ways; ++w) {
        if (mark[w]) runtime.free_mark(device.number(), mark[w]);
        if (host[w]) runtime.free_host(host[w]);
      }
      std::vector<core::LooseMemory> kept;
      {
        std::scoped_lock const lock(core::graph_mutex);
        memory->ended = true;
        kept.swap(memory->kept);
      }
      for (auto const& loose : kept) core::release_memory(loose);
      if (memory->references.fetch_sub(1) == 1) delete memory;
      std::scoped_lock const lock(home.mutex);
      home.unused_numbers.push_back(numbers.device_data);
    }

    void replay() {
      void* const stream = core::current_stream;
      int const number = device.number();
      if (stream != last_stream) runtime.order(number, last_stream, stream);
      last_stream = stream;
      if (!numbers.updates.empty()) {
        if (!host[way]) host[way] = static_cast<char*>(runtime.allocate_host(core::GraphNumbers::room)), mark[way] = runtime.make_mark(number);
        if (marked[way]) runtime.wait_mark(number, mark[way]);
        for (auto& update : numbers.updates) update.write(host[way] + update.offset);
        runtime.copy(numbers.device_data, device, host[way], Device(), numbers.used, stream);
        runtime.set_mark(number, mark[way], stream);
        marked[way] = true;
        way = (way + 1) % ways;
      }
      if (executable) runtime.run_graph(number, executable, stream);
      for (Work const& work : works) work.run(work.data);
    }
  };
  std::unique_ptr<State> state_;
};

/// Records the work that `work()` would do on a device, without doing it, as a graph that runs it again and again: a whole
/// training step as one launch. The host's side runs once, now; numbers that it computes are those of now, except random
/// positions and what optimizers compute, which each run has anew. Run the same work once before, so that the pool holds the
/// memory it needs: asking for memory or waiting for the device while recording is an error that names the statement. What
/// lives from run to run (parameters, state, inputs) has to be written where it is, as optimizers and `copy_from` do: while
/// another tensor shares its elements, other ways to write move it, and each run would read the old elements. Optimizers that
/// the work used must live as long as the graph. (torch.cuda.graph)
template <class F>
Graph capture(Device device, F&& work) {
  if (core::capturing) fail("capture: other work is being recorded on this thread");
  Graph graph;
  graph.state_ = std::make_unique<Graph::State>(device);
  auto& state = *graph.state_;
  Stream const stream(device, core::idle_recording_streams());
  core::Capture recording{device, stream, state.memory, {}, false, nullptr, &state.numbers};
  static thread_local std::vector<Graph::Work>* works = nullptr;
  bool const by_device = state.runtime.begin_capture != nullptr;
  if (!by_device)
    recording.record = [](core::Capture&, void (*run)(void*), void (*drop)(void*), void* data) { works->push_back({run, drop, data}); };
  void* executable = nullptr;
  {
    StreamGuard const guard(stream);
    if (by_device) state.runtime.begin_capture(device.number(), stream);
    struct Ending {
      Graph::State& state;
      Stream const& stream;
      void*& executable;
      bool by_device;
      ~Ending() {
        core::capturing = nullptr;
        if (by_device) executable = state.runtime.end_capture(state.device.number(), stream);
        state.executable = executable;
      }
    } const ending{state, stream, executable, by_device};
    works = &state.works;
    core::capturing = &recording;
    work();
  }
  if (by_device && !executable) fail("capture: the device did not record the work (\"", core::current_statement, "\" came last)");
  if (recording.replaced)
    fail("capture: a tensor that the work reads is replaced by the work, so a second run would read its old elements; write into it "
         "instead, as copy_from() and the optimizers do");
  return graph;
}
/// The same on the GPU, or where there is none in this program on "thrust".
template <class F>
  requires std::invocable<F>
Graph capture(F&& work) {
  return capture(core::device_table.runtime[static_cast<int>(Device::Kind::cuda)] ? Device("cuda") : Device("thrust"), std::forward<F>(work));
}

}  // namespace wick
WICK_PRECISE_END
