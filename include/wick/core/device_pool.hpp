// SPDX-License-Identifier: MIT
// Blocks of device memory: recycled in the order of their stream, kept from reuse while another stream or a graph may still
// touch them.
#pragma once

#include <algorithm>
#include <vector>

#include <wick/core/device_memory.hpp>

WICK_PRECISE_BEGIN
namespace wick {
namespace core {

/// The memory of one stream of a device. Two streams never wait for each other here.
struct StreamPool {
  Device device;
  void* stream;
  Mutex mutex;
  std::vector<void*> unused[pool::classes];
  std::vector<void*> unused_numbers;    ///< those of graphs, which must not take what the recorded work needs
  static constexpr std::size_t numbers_bytes = std::size_t{64} << 10;  ///< the size of one of these
  static constexpr std::uint32_t numbers_class = pool::class_of(numbers_bytes);
  std::atomic<std::int64_t> held{0};    ///< bytes got from the device
  std::atomic<std::int64_t> idle{0};    ///< those of them in `unused`
};
/// All of them, never destroyed: tensors in static storage may outlive any other object.
struct StreamPools {
  Mutex mutex;
  std::vector<StreamPool*> pools;
};
WICK_SHARED inline StreamPools& stream_pools() {
  static StreamPools& shared = *new StreamPools;
  return shared;
}
inline StreamPool& stream_pool(Device device, void* stream) {
  static thread_local StreamPool* last = nullptr;
  if (last && last->stream == stream && last->device == device) return *last;
  auto& all = stream_pools();
  std::scoped_lock const lock(all.mutex);
  for (StreamPool* p : all.pools)
    if (p->stream == stream && p->device == device) return *(last = p);
  last = new StreamPool;
  last->device = device, last->stream = stream;
  all.pools.push_back(last);
  return *last;
}

// Guards what all graphs keep.
WICK_SHARED inline constinit Mutex graph_mutex{};

inline constexpr ForkHandlers device_fork_handlers{
    [] {
      idle_streams().mutex.lock(), idle_recording_streams().mutex.lock(), graph_mutex.lock(), stream_pools().mutex.lock();
      for (StreamPool* p : stream_pools().pools) p->mutex.lock();
    },
    [](bool) {
      for (StreamPool* p : stream_pools().pools) p->mutex.unlock();
      stream_pools().mutex.unlock(), graph_mutex.unlock(), idle_recording_streams().mutex.unlock(), idle_streams().mutex.unlock();
    }};
WICK_SHARED inline bool const devices_survive_fork = at_fork(ForkPart::device, &device_fork_handlers);

struct GraphMemory;
/// A graph that reads or writes a block whenever it runs.
struct GraphPin {
  GraphMemory* graph;
  GraphPin* next;
};
/// Device memory without an owner among the tensors.
struct LooseMemory {
  void* memory;
  std::uint32_t size_class;
  StreamPool* home;
  GraphPin* pins;
};
/// What a graph keeps to itself until it ends: its own blocks, and freed ones that it still touches.
struct GraphMemory {
  std::atomic<std::uint32_t> references{1};
  bool ended = false;
  StreamPool* home = nullptr;
  std::vector<LooseMemory> kept;
  std::vector<StreamPool*> others;  ///< the homes of what it touches besides its own: they wait for it in the end
};

/// How a block on a device is used; it lies behind the block's header.
struct DeviceUse {
  StreamPool* home;
  std::atomic<GraphPin*> pins;       ///< two threads may record work on one block
  GraphMemory const* made_by;        ///< the graph during whose recording it was made
  std::uint32_t size_class;
  std::atomic<bool> many;            ///< more other streams have used it than are noted
  static constexpr int most = 4;
  std::atomic<void*> streams[most];  ///< other streams that have used it, then `no_stream()`
  static void* no_stream() { return reinterpret_cast<void*>(~std::uintptr_t{0}); }  // a null handle is the default stream
};
static_assert(sizeof(DeviceUse) <= 64 && alignof(DeviceUse) <= alignment);
inline DeviceUse& use_of(Block const* block) { return *reinterpret_cast<DeviceUse*>(const_cast<Block*>(block) + 1); }

/// A recording in progress on the calling thread.
struct Capture {
  Device device;
  void* stream;
  GraphMemory* memory;
  std::vector<void*> unused[pool::classes];  ///< freed while recording: free again
  bool replaced = false;                     ///< a tensor that the work reads was replaced by the work
  void (*record)(Capture& self, void (*run)(void* work), void (*drop)(void* work), void* work) = nullptr;
  void* numbers = nullptr;                   ///< those computed anew for each run (core/graph.hpp)
};
WICK_SHARED inline constinit thread_local Capture* capturing = nullptr;

/// Throws Error when the calling thread records the work of another stream than its current one.
inline void check_recorded_stream() {
  if (capturing->stream != current_stream)
    fail("capture: \"", current_statement, "\" is done on another stream than the one that is recorded, so the graph would lack it; let the recorded work use one stream");
}

/// True when a graph is among those that pin a block.
inline bool is_pinned(DeviceUse const& use, GraphMemory const* graph) {
  for (GraphPin const* pin = use.pins.load(std::memory_order_acquire); pin; pin = pin->next)
    if (pin->graph == graph) return true;
  return false;
}
inline void drop_pins(GraphPin* pins) {
  while (pins) {
    GraphPin* const next = pins->next;
    if (pins->graph->references.fetch_sub(1) == 1) delete pins->graph;
    delete pins;
    pins = next;
  }
}

/// Memory that no tensor owns any more: to a graph that still touches it, else back to its stream.
inline void release_memory(LooseMemory const& loose) {
  if (loose.pins && capturing && loose.pins->graph == capturing->memory && !loose.pins->next) {
    capturing->unused[loose.size_class].push_back(loose.memory);
    std::scoped_lock const lock(graph_mutex);
    capturing->memory->kept.push_back(loose);
    return;
  }
  for (GraphPin* pin = loose.pins; pin; pin = pin->next) {
    std::scoped_lock const lock(graph_mutex);
    if (pin->graph->ended) continue;
    pin->graph->kept.push_back(loose);
    return;
  }
  drop_pins(loose.pins);
  StreamPool& home = *loose.home;
  std::scoped_lock const lock(home.mutex);
  home.unused[loose.size_class].push_back(loose.memory);
  home.idle.fetch_add(static_cast<std::int64_t>(pool::bytes_of(loose.size_class)), std::memory_order_relaxed);
}

/// A pool's stream waits for every other stream of its device that has a pool.
WICK_COLD inline void wait_for_all(StreamPool const& home) {
  auto& all = stream_pools();
  std::scoped_lock const lock(all.mutex);
  for (StreamPool const* p : all.pools)
    if (p->device == home.device && p != &home) runtime_of(home.device).order(home.device.number(), p->stream, home.stream);
}

inline void release_block(Block* block) {
  DeviceUse& use = use_of(block);
  auto const& runtime = runtime_of(block->device);
  int const number = block->device.number();
  for (auto const& slot : use.streams)
    if (void* const stream = slot.load(std::memory_order_acquire); stream != DeviceUse::no_stream()) runtime.order(number, stream, use.home->stream);
  if (use.many.load(std::memory_order_acquire)) wait_for_all(*use.home);
  if (capturing && use.made_by != capturing->memory && is_pinned(use, capturing->memory)) capturing->replaced = true;
  release_memory({block->device_elements, use.size_class, use.home, use.pins});
}

WICK_COLD inline void note_use_on_device(Block const* block) {
  DeviceUse& use = use_of(block);
  if (capturing) {
    check_recorded_stream();
    GraphMemory& graph = *capturing->memory;
    if (is_pinned(use, &graph)) return;
    if (use.home != graph.home && std::find(graph.others.begin(), graph.others.end(), use.home) == graph.others.end())
      graph.others.push_back(use.home);
    graph.references.fetch_add(1);
    auto* const pin = new GraphPin{&graph, use.pins.load(std::memory_order_relaxed)};
    while (!use.pins.compare_exchange_weak(pin->next, pin, std::memory_order_acq_rel)) {}
    return;
  }
  if (use.home->stream == current_stream) return;
  for (auto& slot : use.streams) {
    void* noted = slot.load(std::memory_order_acquire);
    if (noted == current_stream) return;
    if (noted != DeviceUse::no_stream()) continue;
    if (slot.compare_exchange_strong(noted, current_stream, std::memory_order_acq_rel) || noted == current_stream) return;
  }
  stream_pool(block->device, current_stream);  // one of all that the block will wait for
  use.many.store(true, std::memory_order_release);
}
/// Notes that the calling thread's stream works on a block, before it is asked to.
inline void note_use(Block const* block) {
  if (block && !(block->device == Device())) [[unlikely]]
    note_use_on_device(block);
}

/// True when a graph that can still run works on a block where it lies.
inline bool used_by_graph(Block const* block) {
  if (!block || block->device == Device()) return false;
  for (GraphPin* pin = use_of(block).pins.load(std::memory_order_acquire); pin; pin = pin->next) {
    std::scoped_lock const lock(graph_mutex);
    if (!pin->graph->ended) return true;
  }
  return false;
}

/// Throws Error when a tensor that has to be written where it is would move instead, because `shared` says that another tensor
/// holds its elements: while work is recorded, or when a graph works on them, whose runs would go on with the old ones.
inline void require_in_place(char const* operation, Block const* block, bool shared) {
  if (!shared || !block || block->device == Device()) return;
  bool const recorded = capturing && use_of(block).made_by != capturing->memory;
  if (recorded || (!capturing && used_by_graph(block)))
    fail(operation, ": a graph works on these elements where they lie, but another tensor shares them, so that a write would have to move them; "
                    "let that one go, or make it a clone()");
}

/// Gives back to a device what its pools hold and nobody uses.
WICK_COLD inline void release_unused(Device device) {
  auto const& runtime = runtime_of(device);
  auto& all = stream_pools();
  std::scoped_lock const lock(all.mutex);
  for (StreamPool* p : all.pools) {
    if (!(p->device == device)) continue;
    std::scoped_lock const own(p->mutex);
    for (std::uint32_t c = 0; c < pool::classes; ++c) {
      for (void* memory : p->unused[c]) {
        runtime.free(device.number(), memory, p->stream);
        p->held.fetch_sub(static_cast<std::int64_t>(pool::bytes_of(c)));
        p->idle.fetch_sub(static_cast<std::int64_t>(pool::bytes_of(c)));
      }
      p->unused[c].clear();
    }
    for (void* memory : p->unused_numbers) {
      runtime.free(device.number(), memory, p->stream);
      p->held.fetch_sub(static_cast<std::int64_t>(pool::bytes_of(p->numbers_class)));
    }
    p->unused_numbers.clear();
    runtime.wait(device.number(), p->stream);
  }
}

/// What the pools of a device hold, in bytes.
struct DevicePoolStats {
  std::int64_t held = 0;  ///< got from the device
  std::int64_t idle = 0;  ///< those of them that no tensor uses
};
inline DevicePoolStats device_pool_stats(Device device) {
  DevicePoolStats stats;
  auto& all = stream_pools();
  std::scoped_lock const lock(all.mutex);
  for (StreamPool* p : all.pools)
    if (p->device == device) stats.held += p->held, stats.idle += p->idle;
  return stats;
}

WICK_COLD inline void* allocate_memory(StreamPool& home, std::size_t wanted, std::uint32_t size_class) {
  Device const device = home.device;
  auto const& runtime = device_runtime("allocate", device);
  std::size_t const bytes = pool::bytes_of(size_class);
  void* memory = runtime.allocate(device.number(), bytes, home.stream);
  if (!memory) {
    release_unused(device);
    memory = runtime.allocate(device.number(), bytes, home.stream);
  }
  if (!memory) {
    std::size_t free = 0, total = 0;
    runtime.usage(device.number(), free, total);
    fail("allocate: no memory for ", wanted, " bytes on ", device, ", which \"", current_statement, "\" asked for: ", free, " of ", total,
         " bytes are free, tensors and graphs hold ", device_pool_stats(device).held);
  }
  home.held.fetch_add(static_cast<std::int64_t>(bytes));
  return memory;
}

inline void* take_unused(std::vector<void*>& list) {
  if (list.empty()) return nullptr;
  void* const memory = list.back();
  list.pop_back();
  return memory;
}

/// A block for `bytes` bytes of elements on a device.
inline Block* allocate_on(Device device, std::size_t bytes) {
  if (device == Device()) return pool::allocate(bytes);
  device_table.in_use.store(true, std::memory_order_relaxed);
  if (bytes > (std::size_t{1} << 46)) fail("allocate: no memory for ", bytes, " bytes on ", device, ", which \"", current_statement, "\" asked for");
  std::uint32_t const size_class = pool::class_of(std::max<std::size_t>(bytes, 512));
  StreamPool* home = nullptr;
  void* memory = nullptr;
  bool const recorded = capturing != nullptr;
  if (recorded) {
    if (!(capturing->device == device))
      fail("capture: \"", current_statement, "\" makes a tensor on ", device, " while work on ", capturing->device, " is recorded");
    check_recorded_stream();
    home = capturing->memory->home;
    memory = take_unused(capturing->unused[size_class]);
    if (memory) {  // the graph has it already
      std::scoped_lock const lock(graph_mutex);
      auto& kept = capturing->memory->kept;
      auto const at = std::find_if(kept.begin(), kept.end(), [&](LooseMemory const& loose) { return loose.memory == memory; });
      drop_pins(at->pins);
      home = at->home;
      *at = kept.back();
      kept.pop_back();
    }
  } else {
    home = &stream_pool(device, current_stream);
  }
  if (!memory) {
    std::scoped_lock const lock(home->mutex);
    memory = take_unused(home->unused[size_class]);
    if (memory) home->idle.fetch_sub(static_cast<std::int64_t>(pool::bytes_of(size_class)), std::memory_order_relaxed);
  }
  if (!memory && recorded)
    fail("capture: \"", current_statement, "\" needs ", bytes, " bytes on ", device,
         " that the pool does not hold; memory cannot be asked for while work is recorded: run the same work once before");
  if (!memory) memory = allocate_memory(*home, bytes, size_class);

  Block* const block = pool::allocate(sizeof(DeviceUse));
  void* const none = DeviceUse::no_stream();
  ::new (static_cast<void*>(block + 1)) DeviceUse{home, nullptr, recorded ? capturing->memory : nullptr, size_class, false, {none, none, none, none}};
  block->device_elements = memory;
  block->device = device;
  block->count = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(block));
  block->destroy = [](void*, std::int64_t self) { release_block(reinterpret_cast<Block*>(static_cast<std::intptr_t>(self))); };
  if (recorded) note_use(block);
  return block;
}

/// Work that is to be done on a device in the order of the calling thread's stream: done at once, unless it is recorded by
/// its caller. `F` is called without arguments and copied.
template <class F>
void run_or_record(F const& work) {
  if (!capturing || !capturing->record) return work();
  capturing->record(
      *capturing, [](void* kept) { (*static_cast<F*>(kept))(); }, [](void* kept) { delete static_cast<F*>(kept); }, new F(work));
}

/// Copies bytes between the host and devices. The host waits where it gets them, and may change at once what it gave.
inline void copy_bytes(void* to, Device to_device, void const* from, Device from_device, std::size_t bytes) {
  if (bytes == 0) return;
  Device const foreign = to_device == Device() ? from_device : to_device;
  if (foreign == Device()) {
    std::memcpy(to, from, bytes);
    return;
  }
  auto const& runtime = device_runtime("copy", foreign);
  bool const with_host = to_device == Device() || from_device == Device();
  if (capturing && with_host)
    fail("capture: \"", current_statement, "\" copies between the host and ", foreign,
         ", which the host would wait for; read and write what the recorded work uses before it runs or after");
  run_or_record([=, &runtime] { runtime.copy(to, to_device, from, from_device, bytes, current_stream); });
  if (to_device == Device()) {
    runtime.wait(foreign.number(), current_stream);
    report_fault(foreign);
  }
}

}  // namespace core

namespace pool {
/// Gives back the memory of a device that no tensor and no graph uses, as an allocation that would fail there does first.
inline void release(Device device) {
  if (device == Device()) {
    release();
    return;
  }
  core::device_runtime("pool::release", device);
  core::release_unused(device);
}
}  // namespace pool
}  // namespace wick
WICK_PRECISE_END
