// SPDX-License-Identifier: MIT
// Kernel nodes: expensive operations (matmul, conv) as lazy values. Computed once, remembered until a variable below is
// written, shared by all copies of the formula; operands stay behind a handle, so a network's type does not grow with its depth.
#pragma once

#include <tuple>

#include <wick/expr/assign.hpp>
#include <wick/expr/kernel_call.hpp>
#include <wick/expr/known_epilogue.hpp>

WICK_PRECISE_BEGIN
namespace wick::core {
/// How often variables have been written. A variable remembers the number of its last write, a kernel node the number up to
/// which its value is right.
WICK_SHARED inline std::atomic<std::uint64_t> variable_writes{0};
}  // namespace wick::core

namespace wick::inline WICK_ISA {

/// True when a gradient would flow into the formula: it reaches a variable that requires one.
template <class F>
bool is_active(F const& f) {
  if constexpr (!is_recordable<F> || std::is_integral_v<typename F::value_type>) return false;
  else if constexpr (is_map<F>) return f.args.visit([](auto const&... args) { return (is_active(args) || ...); });
  else if constexpr (is_reduce<F>) return is_active(f.arg);
  else return f.active();
}

/// What a kernel node remembers.
template <class T>
struct LazyState {
  std::atomic<std::uint32_t> references{1};
  Dims shape;
  Layout layout{shape};
  Device device;
  bool computed = false;
  bool consumed = false;  ///< nobody can record it any more: its operands are computed for this once only
  std::uint64_t right_until = 0, last_write = 0;  ///< as numbers of writes: of what is remembered, of the variables below
  Tensor<T> value;
  void* entry = nullptr;                  ///< the tape entry, once recorded
  void (*release_entry)(void*) = nullptr;

  explicit LazyState(Dims const& dims) : shape(dims) {}
  static void* operator new(std::size_t bytes) { return pool::allocate(bytes)->elements(); }
  static void operator delete(void* memory) { pool::recycle(static_cast<Block*>(memory) - 1); }
  LazyState(LazyState const&) = delete;
  virtual ~LazyState() { drop_entry(); }
  void drop_entry() {
    if (entry) release_entry(std::exchange(entry, nullptr));
  }
  /// Forgets what it remembers if a variable below has been written since.
  void refresh() {
    std::uint64_t const now = core::variable_writes.load(std::memory_order_relaxed);
    if (right_until == now) return;
    last_write = last_write_below();
    if (last_write > right_until) forget(), drop_entry();
    right_until = now;
  }
  virtual std::uint64_t last_write_below() = 0;
  /// Lets go the value and the values of the operands; they can be computed again.
  virtual void forget() = 0;
  /// Runs the kernel into row-major memory; `epilogue` sees every finished row segment.
  virtual void compute(base_t<T>* target, backend::Epilogue<T> const& epilogue) = 0;
  /// The value as a new tensor.
  virtual Tensor<T> evaluate() {
    Tensor<T> result(Tensor<T>::uninitialized, shape, device);
    compute(const_cast<base_t<T>*>(std::as_const(result).data()), {});
    return result;
  }
  /// True when an elementwise formula over this node may run inside of it.
  virtual bool fuses() const = 0;
  virtual bool active() const = 0;
  /// Makes the tape entry (and those of the operands).
  virtual void record() = 0;
  /// Columns of the kernel's row segments: the product of the last extents that an epilogue sees as one.
  virtual int column_dims() const = 0;
  /// The dimension, counted from the last one, along which kernels of devices can add a bias; 0 where they cannot.
  virtual int bias_dim() const = 0;
};

namespace detail {
template <bool records>
struct RecordsTag {};
template <>
struct RecordsTag<true> {
  using records = void;
};
}  // namespace detail

/// A handle on a kernel node: a tensor that is computed when it is needed.
template <class T, bool may_record = false>
class Lazy : public detail::RecordsTag<may_record>, public Methods<Lazy<T, may_record>> {
 public:
  using Methods<Lazy>::operator=;
  using is_operand = void;
  using is_lazy = void;
  using value_type = T;
  using extents_type = Dynamic;

  explicit Lazy(LazyState<T>* state) : state_(state) {}
  Lazy(Lazy const& other) : state_(other.state_) {
    if (state_) retain(state_->references);
  }
  Lazy(Lazy&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Lazy& operator=(Lazy other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Lazy() {
    if (state_ && release(state_->references)) delete state_;
  }

  Dims const& shape() const { return state_->shape; }
  int dim() const { return shape().size(); }
  std::int64_t size(std::int64_t axis) const { return shape()[normalize_axis("size", axis, dim())]; }
  std::int64_t numel() const { return shape().numel(); }
  static constexpr Dtype dtype() { return dtype_of<T>(); }

  /// The value, computed now if it has not been.
  Tensor<T> const& value() const {
    refresh();
    if (!state_->computed) {
      state_->value = state_->evaluate();
      state_->computed = true;
    }
    return state_->value;
  }
  T item() const { return value().item(); }
  template <std::same_as<T> N>
  explicit(may_record) operator N() const {
    return item();
  }
  auto begin() const { return core::RowIterator<Lazy>(*this, 0); }
  auto end() const { return core::RowIterator<Lazy>(*this, core::row_count(shape())); }
  /// Forgets a value that a write to a variable has made wrong.
  void refresh() const {
    if constexpr (may_record) state_->refresh();
  }
  /// True while nobody else can ask for the value: it may be computed straight into another formula's target.
  bool unshared() const {
    refresh();
    return state_->fuses() && !state_->computed && alone();
  }
  /// How many handles there are on the node.
  std::uint32_t handles() const { return state_->references.load(std::memory_order_acquire); }
  bool alone() const { return handles() == 1; }
  bool active() const { return state_->entry || state_->active(); }
  LazyState<T>& state() const { return *state_; }

 private:
  LazyState<T>* state_;
};

/// Tells the kernel nodes of a formula, to which there is no other handle, that this is their last use.
template <class F>
void consume(F const& f) {
  if constexpr (detail::has_lazy<F>)
    visit_leaves(f, [&]<class Leaf>(Leaf const& leaf) {
      if constexpr (LazyNode<Leaf>) {
        std::uint32_t handles = 0;
        visit_leaves(f, [&]<class Other>(Other const& other) {
          if constexpr (LazyNode<Other>) handles += static_cast<void const*>(&other.state()) == &leaf.state();
        });
        if (leaf.handles() == handles) leaf.state().consumed = true;
      }
    });
}

/// The number of the last write to a variable in a formula.
template <class F>
std::uint64_t last_write_in(F const& f) {
  std::uint64_t last = 0;
  visit_leaves(f, [&]<class Leaf>(Leaf const& leaf) {
    if constexpr (is_recordable<Leaf>) {
      if constexpr (LazyNode<Leaf>) leaf.refresh(), last = std::max(last, leaf.state().last_write);
      else last = std::max(last, leaf.last_write());
    }
  });
  return last;
}

/// An operand of a kernel node: a formula, and its value once that is known.
template <class F>
class KernelOperand {
 public:
  using T = value_t<F>;
  explicit KernelOperand(F formula) : formula_(std::move(formula)), shape_(formula_->shape()) {}

  Dims const& shape() const { return shape_; }
  bool active() const { return formula_ && is_active(*formula_); }
  Device device() const { return value_ ? value_->device() : detail::device_of(*formula_); }
  F const& formula() const { return *formula_; }
  /// The operand's elements. A formula over variables stays, because it may be recorded later, unless this is its last
  /// use.
  Tensor<T> const& value(bool last) {
    if (!value_) {
      if constexpr (std::is_same_v<F, Tensor<T>>) {
        value_ = *formula_;
      } else if constexpr (requires { formula_->is_leaf(); }) {
        formula_->note_evaluated();
        value_ = formula_->value();  // a variable: its elements are shared, not copied
      } else if constexpr (LazyNode<F>) {
        if (last && formula_->alone()) formula_->state().consumed = true;
        value_ = formula_->value();
      } else if constexpr (is_recordable<F>) {
        if (last) consume(*formula_);
        note_evaluated(*formula_);
        Device const where = device();
        Tensor<T> result(Tensor<T>::uninitialized, shape_, where);
        auto* const data = const_cast<base_t<T>*>(std::as_const(result).data());
        if (!last || !run_epilogue<T>(data, result.layout(), *formula_))
          compute_into<T>(data, result.plane_stride(), result.layout(), *formula_, where);
        value_ = std::move(result);
      } else {
        Tensor<T> result;
        assign(result, std::move(*formula_));
        value_ = std::move(result);
      }
      if (last || !is_recordable<F>) formula_.reset();
    }
    return *value_;
  }
  std::uint64_t last_write() const {
    if constexpr (is_recordable<F>) return formula_ ? last_write_in(*formula_) : 0;
    else return 0;
  }
  /// The operand is recorded, and this is its value. The formula stays for a time when a variable in it has been written; its
  /// kernel nodes that nobody else can ask keep no values.
  void settle(Tensor<T> value) {
    value_ = std::move(value);
    if constexpr (is_recordable<F> && detail::has_lazy<F>)
      if (formula_)
        visit_leaves(*formula_, []<class Leaf>(Leaf const& leaf) {
          if constexpr (LazyNode<Leaf>)
            if (leaf.alone()) leaf.state().forget();
        });
  }
  void forget() {
    if (formula_) value_.reset();
  }

 private:
  std::optional<F> formula_;
  std::optional<Tensor<T>> value_;
  Dims shape_;
};

template <class State>
void record_kernel(State& state);  // defined with the tape
template <class T, class Op, class... X>
Tensor<T> dual_of_kernel(Op const& op, Dims const& shape, Tensor<X> const&... x);  // defined with the duals

/// State of the kernel `Op` over formulas. Op holds the attributes (strides, padding) and provides one of
/// - `call(T* target, Dims shape, Epilogue, Tensor const&...)`, the call that computes it. Its operands are contiguous, but for those
///   that `strided` names. If the call takes the epilogue, there are `column_dims` (and `bias_dim`, if devices can add a bias);
/// - `compute(T* target, Dims shape, Tensor const&...)`, where formulas compute it;
/// - `view(Tensor const&)`, when it only rearranges.
/// `adjoint(g, y, inputs...)` gives a tuple of formulas, `math::Zero` where no gradient passes. For duals, an operation that is linear in
/// each operand is marked `multilinear`; others have `tangent(y, inputs, tangents)`, given tuples.
template <class Op, class T, class... F>
struct KernelState final : LazyState<T> {
  using op_type = Op;
  using element_type = T;
  static constexpr bool recordable = (is_recordable<F> || ...);
  // An operation that only rearranges: its result shares the elements of its operand.
  static constexpr bool is_view = requires(Op const& o, Tensor<value_t<F>> const&... x) { o.view(x...); };
  static constexpr bool of_duals = ElementTraits<T>::planes > 1;
  Op op;
  std::tuple<KernelOperand<F>...> operands;

  KernelState(Dims const& dims, Op const& attributes, F... formulas)
      : LazyState<T>(dims), op(attributes), operands(KernelOperand<F>(std::move(formulas))...) {
    if (core::devices_in_use()) [[unlikely]]
      find_device();
  }
  void compute(base_t<T>* target, [[maybe_unused]] backend::Epilogue<T> const& epilogue) override {
    if constexpr (is_view || of_duals) compute_into<T>(target, this->shape.numel(), this->layout, evaluate(), this->device);
    else std::apply([&](auto&... x) { compute_from(std::index_sequence_for<F...>{}, target, epilogue, x.value(this->consumed)...); }, operands);
  }
  Tensor<T> evaluate() override {
    if constexpr (is_view) return std::apply([&](auto&... x) { return op.view(x.value(this->consumed)...); }, operands);
    else if constexpr (of_duals) return std::apply([&](auto&... x) { return dual_of_kernel<T>(op, this->shape, x.value(this->consumed)...); }, operands);
    else return LazyState<T>::evaluate();
  }
  bool fuses() const override { return requires { Op::column_dims; }; }
  bool active() const override {
    return std::apply([](auto const&... x) { return (x.active() || ...); }, operands);
  }
  void record() override {
    if constexpr (recordable) record_kernel(*this);
  }
  std::uint64_t last_write_below() override {
    return std::apply([](auto const&... x) { return std::max({std::uint64_t{0}, x.last_write()...}); }, operands);
  }
  WICK_COLD void forget() override {
    this->computed = false;
    this->value.reset();
    std::apply([](auto&... x) { (x.forget(), ...); }, operands);
  }
  int column_dims() const override {
    if constexpr (requires { Op::column_dims; }) return Op::column_dims;
    else return 0;
  }
  int bias_dim() const override {
    if constexpr (requires { Op::bias_dim; }) return Op::bias_dim;
    else return 0;
  }

 private:
  template <std::size_t... I>
  void compute_from(std::index_sequence<I...>, base_t<T>* target, [[maybe_unused]] backend::Epilogue<T> const& epilogue, Tensor<value_t<F>> const&... x) {
    if constexpr (requires { op.compute(target, this->shape, x...); }) {
      if (!(this->device == Device())) [[unlikely]]
        (core::note_use(x.storage().block()), ...), core::current_statement = Op::name;
      op.compute(target, this->shape, x...);
    } else {
      detail::run_call(name(), this->device, op.call(target, this->shape, epilogue, as_the_kernel_reads<I>(x)...), x...);
    }
  }
  // In whose name an error is reported.
  char const* name() const {
    if constexpr (requires { op.caller; }) return op.caller;
    else return Op::name;
  }
  template <std::size_t I, class X>
  static decltype(auto) as_the_kernel_reads(X const& x) {
    constexpr bool strided = [] {
      if constexpr (requires { Op::strided[I]; }) return Op::strided[I];
      else return false;
    }();
    if constexpr (strided) return (x);
    else return x.contiguous();
  }
  WICK_COLD void find_device() {
    bool found = false;
    auto const join = [&](Device here) {
      if (found && !(here == this->device))
        fail(Op::name, ": one operand is on ", this->device, ", another on ", here, "; move one of them with .to(\"", here, "\")");
      this->device = here, found = true;
    };
    std::apply([&](auto const&... x) { (join(x.device()), ...); }, operands);
  }
};

namespace detail {
template <class X>
auto kernel_operand(X&& x) {
  return std::remove_cvref_t<decltype(operand(std::forward<X>(x)))>(operand(std::forward<X>(x)));
}
}  // namespace detail

/// The lazy value of `op` over operands, with the given result type and shape.
template <class T, class Op, class... X>
auto kernel(Op const& op, Dims const& shape, X&&... x) {
  using State = KernelState<Op, T, decltype(detail::kernel_operand(std::forward<X>(x)))...>;
  return Lazy<T, State::recordable>(new State(shape, op, detail::kernel_operand(std::forward<X>(x))...));
}

namespace detail {

/// The tangent of an operation that is linear in all its operands together: the operation on their tangents.
template <class Op, class T, class Tangents>
auto tangent_of_linear(Op const& op, Tensor<T> const& y, Tangents const& dx) {
  return std::apply([&](auto const&... d) { return kernel<T>(op, y.shape(), d...); }, dx);
}

/// An elementwise formula over one kernel node, run on the kernel's finished row segments.
template <class T, class F>
struct EpilogueRun {
  using S = structure_t<F>;
  static constexpr int count = S::slot_count + 1;
  static constexpr Program const* program = &program_of<MapKernel<S, T>>;
  SlotData slot_data[std::size_t{count}];
  bool from_kernel[std::size_t{count}] = {};  // the elements that the kernel has just finished
  std::int64_t column_stride[std::size_t{count}];
  bool row_moves[std::size_t{count}] = {};
  bool dense = true;  // along a row every operand is a run of neighbours, or a number
  int row_dims = 0;
  bool lines = false;  // every operand is one run or one element along a row segment
  std::int64_t extent[max_rank];

  /// False when an operand does not lie so that a row segment of it is one run.
  bool prepare(F const& f, Dims const& shape, int column_dims, LazyState<T> const* inside) {
    row_dims = shape.size() - column_dims;
    for (int d = 0; d < shape.size(); ++d) extent[d] = shape[d];
    fill_slots(f, shape, slot_data);
    int next = 0;
    visit_leaves(f, [&](auto const& leaf) {
      if constexpr (LazyNode<std::remove_cvref_t<decltype(leaf)>>)
        from_kernel[next] = static_cast<void const*>(&leaf.state()) == inside;
      ++next;
    });
    from_kernel[S::slot_count] = true;
    for (int s = 0; s < S::slot_count; ++s) {
      if (from_kernel[s]) continue;
      // Joined from the innermost dimension outwards, skipping those of extent 1.
      std::int64_t stride = 0, step = 0;
      bool first = true;
      for (int d = shape.size() - 1; d >= row_dims; --d) {
        if (shape[d] == 1) continue;
        if (first) stride = slot_data[s].stride[d];
        else if (slot_data[s].stride[d] != step) return false;
        step = slot_data[s].stride[d] * shape[d];
        first = false;
      }
      column_stride[s] = stride;
      dense &= stride == 1 || program->in_types[s].number;
      for (int d = 0; d < row_dims; ++d) row_moves[s] |= shape[d] > 1 && slot_data[s].stride[d] != 0;
    }
    lines = program->direct && program->lanes > 1 && count <= few_slots;
    for (int s = 0; s < S::slot_count; ++s) lines &= from_kernel[s] || column_stride[s] == 0 || column_stride[s] == 1;
    return true;
  }

  static void run(void* context, std::int64_t row, std::int64_t column, std::int64_t n, T* values) {
    auto const& self = *static_cast<EpilogueRun*>(context);
    if (program->direct && self.dense) {
      void const* in[std::size_t{count}];
      for (int s = 0; s < S::slot_count; ++s)
        in[s] = self.from_kernel[s] ? static_cast<void const*>(values)
                                    : static_cast<char const*>(self.slot_data[s].data) +
                                          self.offset(s, row, column) * program->in_types[s].element_size;
      void* const out = values;
      return backend::cpu::launch_dense(*program, in, &out, n);
    }
    std::int64_t offset[std::size_t{count}];
    for (int s = 0; s < count; ++s) offset[s] = self.from_kernel[s] ? 0 : self.offset(s, row, column);
    if (self.lines) {
      LineSlot line[std::size_t{count}];
      for (int s = 0; s < count; ++s) {
        if (self.from_kernel[s]) line[s] = {values, true};
        else line[s] = {static_cast<char const*>(self.slot_data[s].data) + offset[s] * program->in_types[s].element_size, self.column_stride[s] == 1};
      }
      return backend::cpu::run_line(*program, line, n);
    }
    SlotData here[std::size_t{count}];
    for (int s = 0; s < count; ++s) {
      here[s].data = self.from_kernel[s] ? values : self.slot_data[s].data;
      here[s].fresh = false;
      here[s].stride[0] = self.from_kernel[s] ? 1 : self.column_stride[s];
    }
    backend::cpu::run_segment(*program, here, offset, n);
  }

 private:
  // Elements from the start of operand s to the one at this row and column.
  std::int64_t offset(int s, std::int64_t row, std::int64_t column) const {
    std::int64_t result = column * column_stride[s];
    if (row_moves[s])
      for (int d = row_dims - 1; d >= 0; row /= extent[d], --d) result += row % extent[d] * slot_data[s].stride[d];
    return result;
  }
};

template <class F>
inline constexpr int lazy_leaves = LazyNode<F>;
template <class Op, class... Args>
inline constexpr int lazy_leaves<Map<Op, Args...>> = (lazy_leaves<Args> + ... + 0);

}  // namespace detail

/// Tries to run a formula over an unshared kernel node inside that kernel (the last one, if there are several; the
/// others are computed before); false when it cannot. Kernels of devices take a bias, relu and gelu_tanh.
template <class T, class F>
bool run_epilogue(base_t<T>* data, Layout const& target, F const& f) {
  if constexpr (!is_map<F> || detail::has_reduce<F> || detail::lazy_leaves<F> == 0 || ElementTraits<T>::planes != 1) {
    return false;
  } else {
    LazyState<T>* inside = nullptr;
    visit_leaves(f, [&](auto const& leaf) {
      using Leaf = std::remove_cvref_t<decltype(leaf)>;
      if constexpr (LazyNode<Leaf>)
        if constexpr (std::is_same_v<value_t<Leaf>, T>)
          if (leaf.unshared() && leaf.shape() == target.shape) inside = &leaf.state();
    });
    if (!inside || !target.contiguous) return false;
    bool const on_host = inside->device == Device();
    if (!on_host && !(WICK_DEVICE_KERNELS && detail::is_known_epilogue<F>)) return false;
    visit_leaves(f, [&](auto const& leaf) {
      if constexpr (LazyNode<std::remove_cvref_t<decltype(leaf)>>)
        if (static_cast<void const*>(&leaf.state()) != inside) leaf.value();
    });
#if WICK_DEVICE_KERNELS
    if (!on_host) {
      backend::KnownEpilogue<T> known;
      if (!detail::find_known_epilogue(f, *inside, known)) return false;
      inside->compute(data, {nullptr, &known});
      return true;
    }
#endif
    detail::EpilogueRun<T, F> run;
    if (!run.prepare(f, target.shape, inside->column_dims(), inside)) return false;
    inside->compute(data, {&run.run, &run});
    return true;
  }
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
