// SPDX-License-Identifier: MIT
// The tape: entries in an arena, linked in the order they were recorded. No recursion anywhere: a chain of a million
// entries is walked and freed with a small stack.
#pragma once

#include <cstdint>
#include <mutex>

#include <wick/core/tensor.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace tape {

struct Entry;
class Propagation;

/// What an entry can do, by the type of its statement.
struct EntryType {
  char const* name;
  void (*propagate)(Entry&, Propagation&);        ///< adds to the gradients of the inputs
  void (*propagate_graph)(Entry&, Propagation&);  ///< the same with variables: the gradient is recorded too
  void (*inputs)(Entry&, void* context, void (*visit)(void* context, Entry& input));
  void (*forget)(Entry&);                         ///< drops what was saved for propagate
  void (*destroy)(Entry&);
  /// Of entries that show a region of another one: which one, and what of it.
  Entry* (*whole)(Entry&, core::Selection const*& selection) = nullptr;
};

class Tape;
struct Local;
struct KeptGradient;
struct Room;

/// What can be done with the value and the gradient of an entry, by the type of their elements.
struct ElementsType {
  void (*drop_value)(Entry&);
  void (*drop_gradient)(Entry&);
  KeptGradient* (*keep_gradient)(Entry&, Room&);  ///< what is needed to put it back
};

// Guards, of all tapes, what threads do to the tapes of others: rare enough for one mutex.
WICK_SHARED inline constinit core::Mutex foreign_mutex{};
inline constexpr core::ForkHandlers fork_handlers{[] { foreign_mutex.lock(); }, [](bool) { foreign_mutex.unlock(); }};
WICK_SHARED inline bool const survives_fork = core::at_fork(core::ForkPart::tape, &fork_handlers);

/// A variable's identity: a leaf that a user made, or the result of a recorded statement.
struct Entry {
  std::atomic<std::uint32_t> references{1};  ///< handles and later entries
  std::atomic<std::uint32_t> handles{0};     ///< Variables and formulas that show the value
  bool requires_grad = false, retains_grad = false;
  bool reached = false, wanted = false, forgotten = false, has_gradient = false;
  /// Of a leaf: a formula over tensors made it, and no statement over it was recorded yet. Atomic, because threads may
  /// record statements over one leaf.
  std::atomic<bool> untracked{false};
  /// Of a leaf: since its gradient was cleared, a tensor has been computed from it outside of NoGrad, which records nothing;
  /// and whether an optimizer has ever found a gradient.
  std::atomic<bool> evaluated{false};
  bool trained = false;
  std::uint16_t place = 0;  ///< on a tape: where in its chunk, in units of 16 bytes
  std::uint64_t order = 0;       ///< 0: a leaf
  std::uint64_t last_write = 0;  ///< its number among the writes in place to all variables
  Entry *older = nullptr, *newer = nullptr;
  Tape* owner = nullptr;
  EntryType const* type = nullptr;
  ElementsType const* elements = nullptr;
  Entry* graph_gradient = nullptr;              ///< during a recorded backward pass: the gradient, as a variable
  std::atomic<Local const*> holder{nullptr};  ///< of a leaf: the thread whose backward pass changes its gradient

  void drop_value() { elements->drop_value(*this); }
  void drop_gradient() {
    if (has_gradient) elements->drop_gradient(*this);
  }
};

/// The entries recorded by one thread.
class Tape {
 public:
  /// Room for an entry, linked as the newest one.
  template <class E, class... A>
  E& append(A&&... args) {
    static_assert(sizeof(E) + first_place <= chunk_bytes, "Wick: this statement is too large for a tape entry; split it");
    if (foreign_waiting_.load(std::memory_order_relaxed)) drain_foreign();
    Chunk* const chunk = chunk_with_room(sizeof(E));
    std::size_t const place = take_room(*chunk, sizeof(E));
    struct Undo {
      Tape& tape;
      Chunk* chunk;
      ~Undo() {
        if (chunk) tape.leave(chunk);
      }
    } undo{*this, chunk};
    E* const entry = ::new (reinterpret_cast<char*>(chunk) + place) E(std::forward<A>(args)...);
    undo.chunk = nullptr;
    entry->place = static_cast<std::uint16_t>(place / unit);
    entry->owner = this;
    entry->order = ++count_;
    entry->older = newest_;
    if (newest_) newest_->newer = entry;
    newest_ = entry;
    ++live_;
    return *entry;
  }

  /// How many entries are alive, and how many bytes the arena holds.
  std::int64_t live() const { return live_; }
  std::int64_t arena_bytes() const { return chunks_ * static_cast<std::int64_t>(chunk_bytes); }

  static Tape& here();
  static void release(Entry* entry);

 private:
  static constexpr std::size_t unit = 16;  // of places in a chunk
  static constexpr std::size_t chunk_bytes = (std::size_t{256} << 10) - sizeof(Block);  // a whole block of the pool
  struct Chunk {
    std::size_t used;
    std::int64_t live;
  };
  static constexpr std::size_t first_place = (sizeof(Chunk) + unit - 1) / unit * unit;

  Chunk* chunk_with_room(std::size_t bytes) {
    if (current_ && current_->used + bytes <= chunk_bytes) return current_;
    Chunk* chunk = std::exchange(spare_, nullptr);
    if (!chunk) {
      chunk = static_cast<Chunk*>(pool::allocate(chunk_bytes)->elements());
      ++chunks_;
    }
    ::new (chunk) Chunk{first_place, 0};
    Chunk* const full = std::exchange(current_, chunk);
    if (full && full->live == 0) recycle(full);
    return chunk;
  }
  static std::size_t take_room(Chunk& chunk, std::size_t bytes) {
    ++chunk.live;
    return std::exchange(chunk.used, chunk.used + (bytes + unit - 1) / unit * unit);
  }
  static Chunk* chunk_of(Entry* entry) { return reinterpret_cast<Chunk*>(reinterpret_cast<char*>(entry) - entry->place * unit); }
  // One empty chunk stays, for a tape whose end moves to and fro over the end of a chunk.
  void recycle(Chunk* chunk) {
    if (!spare_) spare_ = chunk;
    else give_back(chunk);
  }
  void give_back(Chunk* chunk) {
    --chunks_;
    pool::recycle(reinterpret_cast<Block*>(chunk) - 1);
  }
  void leave(Chunk* chunk) {
    if (--chunk->live > 0) return;
    if (chunk == current_) chunk->used = first_place;
    else recycle(chunk);
  }
  void remove(Entry* entry) {
    (entry->newer ? entry->newer->older : newest_) = entry->older;
    if (entry->older) entry->older->newer = entry->newer;
    Chunk* const chunk = chunk_of(entry);
    entry->type->destroy(*entry);
    --live_;
    leave(chunk);
  }
  void drain_foreign() {
    Entry* list;
    {
      std::scoped_lock const lock(foreign_mutex);
      list = std::exchange(foreign_, nullptr);
      foreign_waiting_.store(false, std::memory_order_relaxed);
    }
    while (list) remove(std::exchange(list, list->graph_gradient));
  }
  ~Tape() {
    for (Chunk* chunk : {spare_, current_})
      if (chunk) give_back(chunk);
  }

  struct End;
  static Tape* begin();
  // True when a tape that was begun after the end of its thread's first one has neither entries nor one in the making.
  bool over() {
    if (spare_) give_back(std::exchange(spare_, nullptr));
    return chunks_ == 0 || (chunks_ == 1 && current_->live == 0);
  }

  Entry* newest_ = nullptr;
  std::uint64_t count_ = 0;
  std::int64_t live_ = 0, chunks_ = 0;
  Chunk *current_ = nullptr, *spare_ = nullptr;
  // Entries whose last handle another thread let go.
  std::atomic<bool> foreign_waiting_{false};
  Entry* foreign_ = nullptr;
  bool orphaned_ = false;
  bool late_ = false;  // begun after the end
};

struct Local {
  Tape* tape = nullptr;
  bool ended = false;    // objects that are destroyed later may still record
  Entry* dying = nullptr;  // entries whose last reference went while another was being destroyed
  bool draining = false;
  bool grad_mode = true;
  std::uint64_t backward_passes = 0;
};
WICK_SHARED inline constinit thread_local Local local{};

struct Tape::End {
  Tape* tape = new Tape;
  ~End() {
    bool orphaned = false, empty = false;
    while (!orphaned) {
      tape->drain_foreign();
      std::scoped_lock const lock(foreign_mutex);
      if (tape->foreign_) continue;
      orphaned = tape->orphaned_ = true;
      empty = tape->live_ == 0;
    }
    local.tape = nullptr, local.ended = true;
    if (empty) delete tape;
  }
};

WICK_NOINLINE inline Tape* Tape::begin() {
  if (!local.ended) {
    static thread_local End const end;
    return end.tape;
  }
  // The destructor of a static or thread-local object records: this tape goes with its last entry.
  Tape* const tape = new Tape;
  tape->late_ = true;
  return tape;
}
inline Tape& Tape::here() {
  if (!local.tape) [[unlikely]] local.tape = begin();
  return *local.tape;
}

/// How many backward passes have finished on this thread (`backward`, not `grad`): who remembers the number sees whether
/// one has finished since, at the cost of a load.
inline std::uint64_t backward_passes() { return local.backward_passes; }

/// Lets one reference go; destroys the entry, and what only it referred to, without recursion.
inline void Tape::release(Entry* entry) {
  if (!entry || !wick::release(entry->references)) return;
  entry->graph_gradient = local.dying;
  local.dying = entry;
  if (local.draining) return;
  local.draining = true;
  while (Entry* next = local.dying) {
    local.dying = next->graph_gradient;
    Tape* const owner = next->owner;
    if (!owner) {
      next->type->destroy(*next);
    } else if (owner == local.tape) {
      owner->remove(next);
      if (owner->late_ && owner->live_ == 0 && owner->over()) [[unlikely]] {
        local.tape = nullptr;
        delete owner;
      }
    } else {
      bool last = false;
      {
        std::scoped_lock const lock(foreign_mutex);
        if (owner->orphaned_) {
          owner->remove(next);
          last = owner->live_ == 0;
        } else {
          next->graph_gradient = owner->foreign_;
          owner->foreign_ = next;
          owner->foreign_waiting_.store(true, std::memory_order_relaxed);
        }
      }
      if (last) delete owner;
    }
  }
  local.draining = false;
}

}  // namespace tape

/// False under NoGrad: statements are computed and not recorded.
inline bool grad_enabled() { return tape::local.grad_mode; }

/// Nothing is recorded on this thread while a NoGrad lives (torch.no_grad).
class NoGrad {
 public:
  NoGrad() : before_(std::exchange(tape::local.grad_mode, false)) {}
  NoGrad(NoGrad const&) = delete;
  ~NoGrad() { tape::local.grad_mode = before_; }

 private:
  bool before_;
};
/// Records again inside a NoGrad (torch.enable_grad).
class EnableGrad {
 public:
  EnableGrad() : before_(std::exchange(tape::local.grad_mode, true)) {}
  EnableGrad(EnableGrad const&) = delete;
  ~EnableGrad() { tape::local.grad_mode = before_; }

 private:
  bool before_;
};

}  // namespace wick
WICK_PRECISE_END
