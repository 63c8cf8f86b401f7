// SPDX-License-Identifier: MIT
// Where gradients go during a backward pass.
#pragma once

#include <vector>

#include <wick/autograd/row_sweep.hpp>
#include <wick/autograd/saved.hpp>
#include <wick/ops/cast.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace tape {

/// A walk over the entries that a result depends on, newest first. All of them stay alive while it lasts: nothing that an
/// entry saved is let go before.
struct Walk {
  Entry& root;
  std::int64_t pending = 0;  ///< reached entries whose turn has not come
  std::int64_t marks = 0;    ///< reached entries
  Entry* oldest = nullptr;   ///< of those whose turn has come

  explicit Walk(Entry& from) : root(from) {}
  Walk(Walk const&) = delete;

  void mark(Entry& entry) {
    if (entry.reached) return;
    if (entry.owner != root.owner)
      fail("backward: the result depends on the statement \"", entry.type->name,
           "\" that another thread recorded; record what is differentiated together on one thread, or detach() it");
    if (entry.forgotten)
      fail("backward: the statement \"", entry.type->name,
           "\" was already differentiated and its values are gone; ask for retain_graph the first time");
    entry.reached = true;
    ++pending, ++marks;
  }
  /// Calls `step` for each reached entry; it reaches others.
  template <class Step>
  void run(Step const& step) {
    for (Entry* at = &root; pending > 0; at = at->older) {
      if (!at->reached) continue;
      step(*at);
      --pending;
      oldest = at;
    }
  }
};

/// A backward pass in progress. It changes nothing for good before `commit`: when it ends without, every entry can be
/// differentiated as if it had not been, and has the gradient that it had.
class Propagation : public Walk {
 public:
  /// With `selective` only entries marked `wanted` get gradients, and those that they had come back in the end (grad);
  /// `target` is the one whose gradient is the result.
  explicit Propagation(Entry& from, bool selective = false, Entry const* target = nullptr)
      : Walk(from), selective_(selective), target_(target) {
    retain(root.references);
  }
  ~Propagation() {
    if (!committed_) roll_back();
    Tape::release(&root);
  }

  bool wants(Entry const* entry) const { return entry && entry->requires_grad && (!selective_ || entry->wanted); }
  /// Before the gradient of an entry changes.
  void reach(Entry& entry) {
    if (entry.order == 0) return hold(entry);
    if (entry.reached) return;
    if (entry.has_gradient) keep(entry);  // that of an earlier pass
    mark(entry);
    entry.drop_gradient();
  }
  /// Before anything else can be changed by `step`, an entry passes its gradient on; then nobody needs it.
  template <class Step>
  void propagate(Step const& step) {
    run([&](Entry& entry) {
      if (&entry == target_) return;
      step(entry);
      if (selective_ || !entry.retains_grad) entry.drop_gradient();
    });
  }
  /// The gradients are there to stay. Without `retain_graph` the entries let go what they saved.
  void commit(bool retain_graph) {
    committed_ = true;
    end_kept(selective_);
    let_go_leaves();
    if (!oldest) return;
    // Entries that nothing else refers to vanish from the list as the newer ones forget them.
    std::uint64_t const last = oldest->order;
    for (Entry* at = &root; at && at->order >= last; at = at->older) {
      if (!at->reached) continue;
      at->reached = false;
      if (retain_graph || at == target_) continue;
      at->forgotten = true;
      at->type->forget(*at);
    }
  }

 private:
  void hold(Entry& leaf) {
    if (!hold_leaf(leaf)) return;  // the thread's own pass, maybe one around this one
    try {
      if (leaf.has_gradient) keep(leaf);
    } catch (...) {
      let_go_leaf(leaf);
      throw;
    }
    leaf.reached = leaf.has_gradient;
    leaf.older = std::exchange(leaves_, &leaf);
  }
  void keep(Entry& entry) {
    KeptGradient* const kept = entry.elements->keep_gradient(entry, room_);
    kept->next = std::exchange(kept_, kept);
  }
  void end_kept(bool put_back) {
    while (KeptGradient* const kept = kept_) {
      kept_ = kept->next;
      kept->end(*kept, put_back);
    }
  }
  void let_go_leaves() {
    while (Entry* const leaf = leaves_) {
      leaves_ = std::exchange(leaf->older, nullptr);
      leaf->reached = false;
      let_go_leaf(*leaf);
    }
  }
  WICK_COLD void roll_back() {
    for (Entry* at = &root; marks > 0; at = at->older) {
      if (!at->reached) continue;
      at->reached = false, --marks;
      at->drop_gradient();
      drop_graph_gradient(*at);
    }
    for (Entry* leaf = leaves_; leaf; leaf = leaf->older) {
      if (!leaf->reached) leaf->drop_gradient();
      drop_graph_gradient(*leaf);
    }
    end_kept(true);
    let_go_leaves();
  }

  bool selective_, committed_ = false;
  Entry const* target_;
  Entry* leaves_ = nullptr;  // whose gradients change, linked by `older`; `reached` are those that had one
  KeptGradient* kept_ = nullptr;
  Room room_;
};

}  // namespace tape

namespace core {
/// What a backward kernel reads and writes where nothing is needed.
template <class T>
struct Unneeded {
  alignas(64) static inline T elements[64 / sizeof(T) > 0 ? 64 / sizeof(T) : 1] = {};
  alignas(64) static inline thread_local T ignored[1] = {};
};
}  // namespace core

}  // namespace wick

namespace wick::inline WICK_ISA {

namespace detail {

template <class X>
struct SweepStructureOf : StructureOf<X> {};
template <class T>
struct SweepStructureOf<Saved<T>> {
  using type = std::conditional_t<std::is_integral_v<T>, Leaf<T>, Active<T>>;
};
template <class Op, class... Args>
struct SweepStructureOf<Map<Op, Args...>> {
  using type = Apply<Op, typename SweepStructureOf<Args>::type...>;
};
template <class Op, class Arg, class E>
struct SweepStructureOf<Reduce<Op, Arg, E>> {
  using type = Fold<Op, typename SweepStructureOf<Arg>::type>;
};

/// Opens the gradient of a node for accumulation; true when its old contents do not count. If somebody else holds them, such
/// as the pass that may have to put them back, `from` becomes where they are, and the loop reads them there.
template <class T>
WICK_INLINE bool open_gradient(tape::Propagation& pass, tape::Node<T>& node, void const** from = nullptr) {
  pass.reach(node);
  bool const fresh = !node.has_gradient;
  bool const held = ElementTraits<T>::planes == 1 && from && !fresh && node.gradient.storage().use_count() > 1 && node.gradient.is_contiguous();
  if (held) *from = std::as_const(node.gradient).data();
  if (fresh || held) node.gradient.renew(node.shape);
  else node.gradient.own();
  node.has_gradient = true;
  return fresh;
}

/// Sums `value` over the dimensions along which `shape` was broadcast to get it.
template <class T>
Tensor<T> sum_to(Tensor<T> const& value, Dims const& shape) {
  if (value.shape() == shape) return value;
  int const lead = value.dim() - shape.size();
  Axes axes;
  for (int d = 0; d < value.dim(); ++d)
    if (d < lead || (shape[d - lead] == 1 && value.shape()[d] != 1)) axes.push_back(d);
  return Tensor<T>(sum(value, axes, {.keepdim = true})).reshape(shape);
}

/// Adds a formula to a node's gradient.
template <class T, class F>
void accumulate(tape::Propagation& pass, tape::Node<T>& node, F&& formula) {
  pass.reach(node);
  if (!(formula.shape() == node.shape)) {
    Tensor<T> total = sum_to(Tensor<T>(std::forward<F>(formula)), node.shape);
    return accumulate(pass, node, total);
  }
  if (node.has_gradient) node.gradient = Tensor<T>(node.gradient + std::forward<F>(formula));
  else node.gradient = Tensor<T>(std::forward<F>(formula)).contiguous();
  node.has_gradient = true;
}

/// Adds to a region of a node's gradient.
template <class T>
void accumulate_region(tape::Propagation& pass, tape::Node<T>& node, core::Selection const& selection, Tensor<T> const& g) {
  if (!pass.wants(&node)) return;
  pass.reach(node);
  if (node.has_gradient) {
    node.gradient.own();
  } else {
    Tensor<T> zero(Tensor<T>::uninitialized, node.shape, g.device());
    compute_into<T>(const_cast<base_t<T>*>(std::as_const(zero).data()), zero.plane_stride(), zero.layout(), Scalar<T>{0}, g.device());
    node.gradient = std::move(zero);
    node.has_gradient = true;
  }
  Tensor<T> const region = node.gradient.share(selection.of(node.gradient.layout()));
  compute_into<T>(const_cast<base_t<T>*>(region.data()), region.plane_stride(), region.layout(), region + g, g.device());
}

/// Where what is added to a node's gradient goes: to a region of another gradient, if the node only shows that, and nobody
/// can ask for the gradient of the region alone.
template <class T>
struct GradientPlace {
  tape::Node<T>* node;
  core::Region region;
  bool shared = false;

  GradientPlace(tape::Propagation& pass, tape::Node<T>* at) : node(at) {
    constexpr int most_regions = 8;  // of regions of regions
    core::Selection const* selections[most_regions];
    int count = 0;
    while (!Half<T> && count < most_regions && node->type->whole && !node->has_gradient && !node->retains_grad &&
           node->handles.load(std::memory_order_relaxed) == 0) {
      auto* const whole = static_cast<tape::Node<T>*>(node->type->whole(*node, selections[count]));
      if (!pass.wants(whole)) break;
      node = whole, ++count;
    }
    if (count == 0) return;
    shared = true;
    region.layout = Layout(node->shape);
    while (count-- > 0) {
      core::Region const inner = selections[count]->of(region.layout);
      region = {region.offset + inner.offset, inner.layout};
    }
  }
};

/// Gradients of 16 bits: a backward loop sums up in wider ones, and what it found is added when the loop is done.
class WideGradients {
 public:
  /// Room for what the loop finds for this node.
  template <class T>
  Tensor<compute_t<T>>& open(tape::Propagation& pass, tape::Node<T>& node, Device device = {}) {
    pass.reach(node);
    found_.push_back({&node, Tensor<float>(Tensor<float>::uninitialized, node.shape, device), [](tape::Propagation& p, Found& found) {
                        accumulate(p, *static_cast<tape::Node<T>*>(found.node), cast<T>(std::move(found.sum)));
                      }});
    return found_.back().sum;
  }
  void add_to_nodes(tape::Propagation& pass) {
    for (Found& found : found_) found.add(pass, found);
  }

 private:
  struct Found {
    tape::Entry* node;
    Tensor<float> sum;
    void (*add)(tape::Propagation&, Found&);
  };
  std::vector<Found> found_;
};

/// The gradients of which a loop adds to regions.
struct Wholes {
  Whole list[max_slots];
  int count = 0;

  /// The number of a gradient in the list, or -1.
  template <class T>
  int find(Tensor<T> const& gradient) const {
    for (int k = 0; k < count; ++k)
      if (list[k].data == gradient.data()) return k;
    return -1;
  }
};

/// Opens a node's gradient for additions to regions of it. Targets of the loop that are the whole of it take part too.
template <class T>
int open_whole(tape::Propagation& pass, tape::Node<T>& node, Wholes& wholes, SlotData* targets, SlotData* next) {
  bool blank = open_gradient(pass, node);
  if (!node.gradient.is_contiguous()) node.gradient = node.gradient.contiguous();
  auto const& gradient = std::as_const(node.gradient);
  if (int const known = wholes.find(gradient); known >= 0) return known;
  auto* const first = reinterpret_cast<char*>(const_cast<base_t<T>*>(gradient.data()));
  std::int64_t const bytes = gradient.numel() * static_cast<std::int64_t>(sizeof(T));
  for (; targets != next; ++targets) {
    if (targets->data < first || targets->data >= first + bytes) continue;
    blank |= targets->fresh;
    if (targets->from) std::memcpy(first, std::exchange(targets->from, nullptr), static_cast<std::size_t>(bytes));
    targets->fresh = false, targets->shared = true, targets->whole = static_cast<std::uint8_t>(wholes.count);
  }
  wholes.list[wholes.count] = {first, bytes, blank};
  return wholes.count++;
}

/// The slots of a gradient as a target of a loop over `shape`; of a place to ignore when no gradient is wanted.
template <class T>
WICK_NOINLINE SlotData* open_target(tape::Propagation& pass, tape::Node<T>* node, Dims const& shape, SlotData* next, WideGradients& wide,
                                    Wholes& wholes, SlotData* targets) {
  constexpr int planes = ElementTraits<T>::planes;
  using Base = compute_t<base_t<T>>;
  static const Layout one{Dims()};
  if (!pass.wants(node)) {
    for (int p = 0; p < planes; ++p) next = fill_leaf({core::Unneeded<Base>::ignored, &one}, sizeof(Base), 1, shape, next);
    return next;
  }
  auto const open = [&](auto const& gradient, bool fresh) {
    SlotData* const end = fill_leaf({gradient.data(), &gradient.layout(), gradient.plane_stride()}, sizeof(Base), planes, shape, next);
    for (SlotData* s = next; s != end; ++s) s->fresh = fresh;
    return end;
  };
  if constexpr (Half<T>) {
    return open(std::as_const(wide.open(pass, *node)), true);
  } else {
    if (GradientPlace<T> const place(pass, node); place.shared) {
      int const number = open_whole(pass, *place.node, wholes, targets, next);
      auto const& whole = std::as_const(place.node->gradient);
      SlotData* const end = fill_leaf({whole.data() + place.region.offset, &place.region.layout, whole.plane_stride()}, sizeof(Base), planes, shape, next);
      for (; next != end; ++next) next->shared = true, next->whole = static_cast<std::uint8_t>(number);
      return end;
    }
    void const* from = nullptr;
    bool const fresh = open_gradient(pass, *node, &from);
    SlotData* const end = open(std::as_const(node->gradient), fresh);
    next->from = from;
    if (wholes.count) [[unlikely]]
      if (int const number = wholes.find(std::as_const(node->gradient)); number >= 0)
        for (; next != end; ++next) next->shared = true, next->whole = static_cast<std::uint8_t>(number);
    return end;
  }
}

/// True when the gradients that exist already follow their elements' row-major order.
template <class F>
bool gradients_contiguous(F const& saved) {
  bool result = true;
  visit_leaves(saved, [&]<class Kept>(Kept const& leaf) {
    if constexpr (is_saved<Kept>) result &= !leaf.edge || !leaf.edge.get()->has_gradient || leaf.edge.get()->gradient.is_contiguous();
  });
  return result;
}
/// The gradient of a node as targets (its planes) that move with the loop.
template <class T>
LineSlot* open_line_target(tape::Propagation& pass, tape::Node<T>* node, LineSlot* next) {
  constexpr int planes = ElementTraits<T>::planes;
  if (!pass.wants(node)) return std::fill_n(next, planes, LineSlot{core::Unneeded<base_t<T>>::ignored, false});
  void const* from = nullptr;
  bool const fresh = open_gradient(pass, *node, &from);
  auto const& gradient = std::as_const(node->gradient);
  for (int p = 0; p < planes; ++p) *next++ = {gradient.data() + p * gradient.plane_stride(), true, fresh, from};
  return next;
}

/// True when the loop writes this target once a position, along its elements: then it may be what the loop also reads.
inline bool written_in_place(Loop const& loop, SlotData const& target) {
  bool once = loop.rank > 0 && target.stride[loop.rank - 1] == 1;
  for (int d = 0; d < loop.rank; ++d) once &= target.stride[d] != 0 || loop.extent[d] == 1;
  return once;
}

}  // namespace detail

#if WICK_DEVICE_KERNELS
namespace backend::device {
/// run_sweep on the seed's device (defined by the backend).
template <class K, class S, class F, class T, class Needed>
void sweep(tape::Propagation& pass, F const& saved, Dims const& shape, Needed const& needed, Tensor<T> const& seed,
           Layout const& seed_layout, Tensor<T> const& result, int row);
}  // namespace backend::device
#endif

namespace detail {

/// Builds and runs the loop of a backward kernel. `seed` and `result` are read as if they had the formula's shape.
/// `spent`, if given, is the seed, which nobody needs afterwards: the first gradient of its shape takes its memory over.
template <class K, class S, class F, class T>
void run_sweep(tape::Propagation& pass, F const& saved, Dims const& shape, std::array<bool, static_cast<std::size_t>(S::slot_count > 0 ? S::slot_count : 1)> const& needed,
               Tensor<T> const& seed, Layout const& seed_layout, Tensor<T> const& result, int row = -1, Tensor<T>* spent = nullptr) {
  constexpr int count = K::inputs + K::outputs;
  if (core::devices_in_use() && !(seed.device() == Device())) [[unlikely]] {
#if WICK_DEVICE_KERNELS
    return backend::device::sweep<K, S>(pass, saved, shape, needed, seed, seed_layout, result, row);
#else
    fail("backward: the gradient is on ", seed.device(), ", and this file was compiled for the CPU alone");
#endif
  }
  if constexpr (program_of<K>.direct && ElementTraits<T>::planes == 1 && !half_gradients<S>) {
    bool const one_seed = seed_layout.numel() == 1, dense_seed = seed_layout.contiguous && seed_layout.shape == shape;
    std::int64_t const n = shape.numel();
    // A short loop over dense operands needs no loop nest.
    if (row < 0 && backend::cpu::is_short_line(program_of<K>, n) && (one_seed || dense_seed) &&
        all_contiguous(saved, shape) && gradients_contiguous(saved)) {
      LineSlot line[std::size_t{count}];
      LineSlot* next = fill_line(saved, line);
      for (int s = 0; s < S::slot_count; ++s)
        if (!needed[static_cast<std::size_t>(s)]) line[s] = {core::Unneeded<double>::elements, false};
      *next++ = {seed.data(), dense_seed};
      if constexpr (K::inputs > S::slot_count + 1) *next++ = {result.data(), dense_seed};
      visit_leaves(saved, [&]<class Kept>(Kept const& leaf) {
        if constexpr (is_saved<Kept>)
          if constexpr (!std::is_integral_v<value_t<Kept>>) next = open_line_target(pass, leaf.edge.get(), next);
      });
      return backend::cpu::run_line(program_of<K>, line, n);
    }
  }
  Slots<count> slot_data;
  slot_data.open(shape, count);
  SlotData* next = fill_slots(saved, shape, slot_data.data);
  for (int s = 0; s < S::slot_count; ++s) {
    if (needed[static_cast<std::size_t>(s)]) continue;
    slot_data.data[s].data = core::Unneeded<double>::elements;
    std::fill_n(slot_data.data[s].stride, shape.size(), 0);
  }
  constexpr int planes = ElementTraits<T>::planes;
  auto const add = [&](Tensor<T> const& x) {
    next = fill_leaf({x.data(), &seed_layout, x.plane_stride()}, sizeof(base_t<T>), planes, shape, next);
  };
  add(seed);
  if constexpr (K::inputs > S::slot_count + planes) add(result);
  if (!program_of<K>.reads_from || planes > 1 || row >= 0 || !seed_layout.contiguous || seed_layout.shape != shape) spent = nullptr;
  if (spent)
    visit_leaves(saved, [&]<class Kept>(Kept const& leaf) {
      // The seed is read while terms are added to regions of its heir.
      if constexpr (is_saved<Kept>)
        if (leaf.edge && leaf.edge.get()->type->whole) spent = nullptr;
    });
  WideGradients wide;
  Wholes wholes;
  SlotData* const targets = next;
  tape::Node<T>* heir = nullptr;
  SlotData* inherited = nullptr;
  visit_leaves(saved, [&](auto const& leaf) {
    using Kept = std::remove_cvref_t<decltype(leaf)>;
    if constexpr (is_saved<Kept>) {
      using U = value_t<Kept>;
      if constexpr (!std::is_integral_v<U>) {
        auto* const node = leaf.edge.get();
        if constexpr (std::is_same_v<U, T> && !Half<T>) {
          if (spent && pass.wants(node) && (pass.reach(*node), !node->has_gradient) && node->shape == shape && spent->storage().use_count() == 1) {
            heir = node, inherited = next;
            node->gradient = std::move(*std::exchange(spent, nullptr));
            node->has_gradient = true;
          }
        }
        next = open_target(pass, node, shape, next, wide, wholes, targets);
      }
    }
  });
  if (heir) inherited->fresh = true;
  slot_data.loop.wholes = wholes.list, slot_data.loop.whole_count = wholes.count;
  if (row >= 0) rows_of(slot_data.loop, row);
  else simplify(slot_data.loop);
  Tensor<T> kept;
  if (heir && !written_in_place(slot_data.loop, *inherited)) {
    kept = heir->gradient;
    heir->gradient.renew(shape);
    // The variable may stand in the formula several times.
    for (int s = K::inputs; s < count; ++s)
      if (slot_data.data[s].data == std::as_const(kept).data()) slot_data.data[s].data = std::as_const(heir->gradient).data();
  }
  backend::cpu::launch(program_of<K>, slot_data.loop);
  wide.add_to_nodes(pass);
}

}  // namespace detail
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
