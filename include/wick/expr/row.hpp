// SPDX-License-Identifier: MIT
// Row formulas: reductions over one axis used along that axis (softmax, layer norm). A row is evaluated in stages, its
// reductions first, then the map, while it is in L1; costly parts that stand twice are kept in the row's buffer.
#pragma once

#include <wick/expr/kernels.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <class... T>
struct TypeList {
  static constexpr int size = sizeof...(T);
  static constexpr int slot_count[] = {T::slot_count..., 0};
};
template <class List, class X>
inline constexpr int index_in = -1;
template <class... T, class X>
inline constexpr int index_in<TypeList<T...>, X> = [] {
  int at = 0;
  bool const found = ((std::is_same_v<T, X> || (++at, false)) || ...);
  return found ? at : -1;
}();
template <class List, class X>
struct Append;
template <class... T, class X>
struct Append<TypeList<T...>, X> {
  using type = std::conditional_t<(index_in<TypeList<T...>, X> >= 0), TypeList<T...>, TypeList<T..., X>>;
};
template <class List, int K>
struct TypeAt;
template <class T, class... Rest, int K>
struct TypeAt<TypeList<T, Rest...>, K> : TypeAt<TypeList<Rest...>, K - 1> {};
template <class T, class... Rest>
struct TypeAt<TypeList<T, Rest...>, 0> {
  using type = T;
};

// The different Folds of a structure, inner ones first.
template <class S, class Found = TypeList<>>
struct FoldsOf {
  using type = Found;
};
template <class Op, class Found>
struct FoldsOf<Apply<Op>, Found> {
  using type = Found;
};
template <class Op, class A, class... Rest, class Found>
struct FoldsOf<Apply<Op, A, Rest...>, Found> {
  using type = typename FoldsOf<Apply<Op, Rest...>, typename FoldsOf<A, Found>::type>::type;
};
template <class Op, class Arg, class Found>
struct FoldsOf<Fold<Op, Arg>, Found> {
  using type = typename Append<typename FoldsOf<Arg, Found>::type, Fold<Op, Arg>>::type;
};

// Calls visit(id, first slot) for each place where one of the Parts stands in S.
template <class Parts, class S, int I>
struct Occurrences {
  template <class F> static constexpr void visit(F&&) {}
};
template <class Parts, class Op, class... Args, int I>
struct Occurrences<Parts, Apply<Op, Args...>, I> {
  template <class F>
  static constexpr void visit(F&& f) {
    constexpr int id = index_in<Parts, Apply<Op, Args...>>;
    if constexpr (id >= 0) f(id, I);
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (Occurrences<Parts, Args, slot_of<I, static_cast<int>(K), Args...>()>::visit(f), ...);
    }(std::index_sequence_for<Args...>{});
  }
};
template <class Parts, class Op, class Arg, int I>
struct Occurrences<Parts, Fold<Op, Arg>, I> {
  template <class F>
  static constexpr void visit(F&& f) {
    constexpr int id = index_in<Parts, Fold<Op, Arg>>;
    if constexpr (id >= 0) f(id, I);
    Occurrences<Parts, Arg, I>::visit(f);
  }
};

// Slot of the first place where Part stands in S.
template <class S, class Part>
constexpr int first_slot() {
  int first = -1;
  Occurrences<TypeList<Part>, S, 0>::visit([&](int, int slot) { first = first < 0 ? slot : first; });
  return first;
}

template <class S>
inline constexpr bool is_apply = false;
template <class Op, class... Args>
inline constexpr bool is_apply<Apply<Op, Args...>> = true;

// Whether X stands in S outside of the Folds (they are computed in stages of their own).
template <class S, class X>
inline constexpr bool stands_in = std::is_same_v<S, X>;
template <class Op, class... Args, class X>
inline constexpr bool stands_in<Apply<Op, Args...>, X> =
    std::is_same_v<Apply<Op, Args...>, X> || (stands_in<Args, X> || ...);

// A Fold's argument is worth a buffer when it is costly and a later stage needs it again, as the way back of an adjoint does.
template <class S, class Folds>
struct KeptParts;
template <class S, class... F>
struct KeptParts<S, TypeList<F...>> {
  template <class Found, class... Rest>
  struct Collect {
    using type = Found;
  };
  template <class Found, class Op, class Arg, class... Rest>
  struct Collect<Found, Fold<Op, Arg>, Rest...> {
    template <class Op2, class Arg2>
    static constexpr bool used(std::type_identity<Fold<Op2, Arg2>>) {
      return !std::is_same_v<Fold<Op2, Arg2>, Fold<Op, Arg>> && stands_in<Arg2, Arg>;
    }
    static constexpr bool keep = is_apply<Arg> && Lane<compute_t<typename Arg::value_type>> && cost<Arg> >= 8 &&
                                 (has_active<Arg> || stands_in<S, Arg> || (used(std::type_identity<F>{}) || ...));
    using Next = typename std::conditional_t<keep, Append<Found, Arg>, std::type_identity<Found>>::type;
    using type = typename Collect<Next, Rest...>::type;
  };
  using type = typename Collect<TypeList<>, F...>::type;
};

}  // namespace detail

/// The stages of a row formula: its Folds, and the parts kept in buffers.
template <class S>
struct RowStages {
  using Folds = typename detail::FoldsOf<S>::type;
  using Kept = typename detail::KeptParts<S, Folds>::type;

  /// True for parts that stages before number `stage` keep.
  template <class Part>
  static constexpr bool is_kept_before(int stage) {
    return detail::index_in<Kept, Part> >= 0 && producer<Part>(static_cast<Folds*>(nullptr)) < stage;
  }

 private:
  // The first Fold whose argument the part is.
  template <class Part, class... Op, class... Arg>
  static constexpr int producer(detail::TypeList<Fold<Op, Arg>...>*) {
    int stage = 0;
    (void)((std::is_same_v<Arg, Part> || (++stage, false)) || ...);
    return stage;
  }
};

/// Which slots are read where X, a part of the row formula S that begins in slot I, is computed in stage `stage`.
template <class S, class X, int I>
struct PartSlots {
  static constexpr bool contain(int slot, int) { return slot >= I && slot < I + X::slot_count; }
};
template <class S, class Op, class Arg, int I>
struct PartSlots<S, Fold<Op, Arg>, I> {
  static constexpr bool contain(int, int) { return false; }
};
template <class S, class Op, class... Args, int I>
struct PartSlots<S, Apply<Op, Args...>, I> {
  static constexpr bool contain(int slot, int stage) {
    if (RowStages<S>::template is_kept_before<Apply<Op, Args...>>(stage)) return false;
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      return (PartSlots<S, Args, slot_of<I, static_cast<int>(K), Args...>()>::contain(slot, stage) || ...);
    }(std::index_sequence_for<Args...>{});
  }
};

/// Reads the slots of a row, the values of its finished Folds, and the parts kept in buffers. `Stage` is the number of
/// the running stage; parts kept by earlier stages are read, not computed.
template <class L, int Slots, class S, int Stage>
struct RowFrame : BatchFrame<L, Slots> {
  using Folds = typename RowStages<S>::Folds;
  using Kept = typename RowStages<S>::Kept;
  // Values, not pointers to the runner's: the compiler could not know that a store to the row leaves those alone.
  Batch<L> folded[Folds::size > 0 ? Folds::size : 1];
  L* kept[Kept::size > 0 ? Kept::size : 1];
  Batch<L> numbers[std::size_t{Slots > 0 ? Slots : 1}];  // read once, so that what is made of them leaves the loop
  std::int64_t position;  // in the buffers: they have no separate tail

  template <class T, int I>
  WICK_INLINE auto number() const { return numbers[I]; }
  template <class F>
  WICK_INLINE auto fold() const { return folded[detail::index_in<Folds, F>]; }
  template <class Part>
  static constexpr bool is_kept() { return RowStages<S>::template is_kept_before<Part>(Stage); }
  template <class Part>
  WICK_INLINE auto read_kept() const { return simd::load(kept[detail::index_in<Kept, Part>] + position); }
};

template <class Op, class Arg, int I>
struct Evaluator<Fold<Op, Arg>, I> {
  template <class Frame>
  static WICK_FN_INLINE auto value(Frame const& frame) { return frame.template fold<Fold<Op, Arg>>(); }
};

/// Runs `body(frame, part, valid)` for each register of the row from position `start` on, the last one from the tail
/// buffers.
template <class Frame, class Body>
WICK_INLINE void over_row(KernelArguments const& a, Frame& frame, Body&& body, std::int64_t start = 0) {
  constexpr std::int64_t step = lanes<typename Frame::lane>;
  std::int64_t position = start;
  for (int part = 0; part < 2; ++part) {
    std::int64_t const n = part == 0 ? a.n : (a.tail ? step : 0);
    void const* const* const in = part == 0 ? a.in : a.tail_in;
    if (n == 0) continue;
    [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      ((frame.slot[K] = static_cast<typename Frame::lane const*>(in[K])), ...);
    }(std::make_index_sequence<std::extent_v<decltype(frame.slot)>>{});
    int const valid = part == 0 ? static_cast<int>(step) : a.tail;
    for (frame.i = part == 0 ? start : 0; frame.i < n; frame.i += step, position += step) {
      frame.position = position;
      body(frame, part, valid);
    }
  }
}

/// The value with lanes from `valid` on replaced by `neutral`.
template <class L>
WICK_INLINE Batch<L> only_valid(Batch<L> const& value, int valid, L neutral) {
  if (valid == lanes<L>) return value;
  return first_lanes(value, valid, Batch<L>(neutral));
}

/// Row kernels: everything that has to happen before the last stage.
template <class S, class L>
struct RowRunner {
  using Folds = typename RowStages<S>::Folds;
  using Kept = typename RowStages<S>::Kept;
  static constexpr int folds = Folds::size, kept_count = Kept::size;

  Batch<L> folded[std::size_t{folds > 0 ? folds : 1}];
  L* kept[std::size_t{kept_count > 0 ? kept_count : 1}];
  std::int64_t count;

  /// Computes all reductions of the row.
  explicit WICK_INLINE RowRunner(KernelArguments const& a) : count(a.across ? a.n / lanes<L> : a.n + a.tail) {
    std::int64_t const width = (a.n + a.tail + lanes<L> - 1) / lanes<L> * lanes<L>;
    constexpr std::int64_t unit = 64 / sizeof(L);  // as the driver rounds a buffer
    for (int k = 0; k < kept_count; ++k) kept[k] = static_cast<L*>(a.scratch) + k * ((width + unit - 1) / unit * unit);
    [&]<std::size_t... K>(std::index_sequence<K...>) { (stage<static_cast<int>(K)>(a), ...); }(
        std::make_index_sequence<static_cast<std::size_t>(folds)>{});
  }

  template <int Stage>
  WICK_INLINE auto frame(KernelArguments const& a) const {
    RowFrame<L, S::slot_count, S, Stage> f;
    [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      ((f.slot[K] = static_cast<L const*>(a.in[K]), f.mask[K] = a.in_step[K]), ...);
      ((slot_types<S, L>[K].number ? void(f.numbers[K] = Batch<L>(*f.slot[K])) : void()), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(S::slot_count)>{});
    [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      ((f.folded[K] = folded[K]), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(std::min(Stage, folds))>{});
    [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      ((f.kept[K] = kept[K]), ...);
    }(std::make_index_sequence<static_cast<std::size_t>(kept_count)>{});
    f.i = f.position = 0;
    return f;
  }

  template <int Stage>
  WICK_INLINE void stage(KernelArguments const& a) {
    using F = typename detail::TypeAt<Folds, Stage>::type;
    run_fold<Stage>(a, std::type_identity<F>{});
  }
  template <int Stage, class Op, class Arg>
  WICK_INLINE void run_fold(KernelArguments const& a, std::type_identity<Fold<Op, Arg>>) {
    constexpr int slot = detail::first_slot<S, Fold<Op, Arg>>();
    constexpr int keep = detail::index_in<Kept, Arg>;
    L const neutral = Op::template identity<L>();
    Batch<L> total(neutral);
    auto f = frame<Stage>(a);
    if constexpr (keep < 0 && cost<Arg> < 8) {
      // Four independent accumulators hide the latency of combine; a costly argument does so itself.
      Batch<L> more[3] = {total, total, total};
      while (f.i + 4 * lanes<L> <= a.n) {
        auto const next = [&](Batch<L>& t) WICK_LAMBDA_INLINE {
          t = Op::combine(t, Op::lift(evaluate<Arg, L, slot>(f)));
          f.position = f.i += lanes<L>;
        };
        next(total), next(more[0]), next(more[1]), next(more[2]);
      }
      total = Op::combine(Op::combine(total, more[0]), Op::combine(more[1], more[2]));
    }
    std::int64_t const start = f.i;
    over_row(a, f, [&](auto const& at, int, int valid) WICK_LAMBDA_INLINE {
      auto const value = evaluate<Arg, L, slot>(at);
      if constexpr (keep >= 0) simd::store(kept[keep] + at.position, value);
      total = Op::combine(total, only_valid<L>(Op::lift(value), valid, neutral));
    }, start);
    alignas(64) L values[static_cast<std::size_t>(lanes<L>)];
    simd::store(values, total);
    if (!a.across)
      for (int width = lanes<L> / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) values[i] = Op::combine(values[i], values[i + width]);
    if constexpr (requires { Op::finish(values[0], count); })
      for (int i = 0; i < (a.across ? lanes<L> : 1); ++i) values[i] = static_cast<L>(Op::finish(values[i], count));
    folded[Stage] = a.across ? simd::load(values) : Batch<L>(values[0]);
  }
};

/// out = S, a row at a time.
template <class S, class Result>
struct RowKernel {
  using L = lane_t<S, Result>;

  WICK_KERNEL static void run(KernelArguments const& a) {
    RowRunner<S, L> const runner(a);
    auto f = runner.template frame<RowRunner<S, L>::folds>(a);
    using Out = kernel_element_t<Result, L>;
    auto* const row = static_cast<Out*>(a.out[0]);
    auto* const tail = a.tail ? static_cast<Out*>(a.tail_out[0]) : nullptr;
    over_row(a, f, [&](auto const& at, int part, int) WICK_LAMBDA_INLINE {
      simd::store((part == 0 ? row : tail) + at.i, convert<L, L>(evaluate<S, Result, 0>(at)));
    });
  }

  static constexpr TargetType target = target_type<Result, L>();

  static constexpr Program make_program() {
    Program p;
    p.inputs = S::slot_count;
    p.in_types = slot_types<S, L>.data();
    p.out_types = &target;
    p.kernel = &run;
    p.cost = cost<S>;
    p.lanes = lanes<L>, p.lane_size = sizeof(L);
    p.whole_rows = true;
    p.row_buffers = RowStages<S>::Kept::size;
    return p;
  }
};

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
