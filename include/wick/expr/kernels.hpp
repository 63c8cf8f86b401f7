// SPDX-License-Identifier: MIT
// The kernels compiled for a structure: elementwise maps and reductions, with SIMD lanes or element by element.
#pragma once

#include <algorithm>
#include <array>
#include <bit>

#include <wick/base/bytes.hpp>
#include <wick/expr/evaluate.hpp>
#include <wick/expr/program.hpp>
#include <wick/expr/reduce.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

namespace detail {

template <class S, class L, std::size_t N>
struct FillSlots;
template <class T, class L, std::size_t N>
struct FillSlots<Leaf<T>, L, N> {
  static constexpr void fill(std::array<SlotType, N>& table, int& next) {
    for (int p = 0; p < ElementTraits<T>::planes; ++p) table[static_cast<std::size_t>(next++)] = slot_type<base_t<T>, L>();
  }
};
template <class T, class L, std::size_t N>
struct FillSlots<Number<T>, L, N> {
  static constexpr void fill(std::array<SlotType, N>& table, int& next) {
    for (int p = 0; p < ElementTraits<T>::planes; ++p)
      table[static_cast<std::size_t>(next++)] = slot_type<compute_t<base_t<T>>, L>(true);
  }
};
template <class G, class L, std::size_t N>
struct FillSlots<Generated<G>, L, N> {
  static constexpr void fill(std::array<SlotType, N>& table, int& next) {
    table[static_cast<std::size_t>(next++)] = {
        sizeof(typename G::value_type), sizeof(typename G::value_type), false, false, &G::fetch, false, &G::describe, true};
  }
};
template <class Op, class... Args, class L, std::size_t N>
struct FillSlots<Apply<Op, Args...>, L, N> {
  static constexpr void fill(std::array<SlotType, N>& table, int& next) { (FillSlots<Args, L, N>::fill(table, next), ...); }
};
template <class Op, class Arg, class L, std::size_t N>
struct FillSlots<Fold<Op, Arg>, L, N> : FillSlots<Arg, L, N> {};

template <class S, class L>
constexpr auto make_slot_types() {
  static_assert(S::slot_count <= max_slots, "Wick: this formula has too many operands; split it into two statements");
  constexpr auto n = static_cast<std::size_t>(S::slot_count > 0 ? S::slot_count : 1);
  std::array<SlotType, n> table{};
  int next = 0;
  FillSlots<S, L, n>::fill(table, next);
  return table;
}

template <class T>
constexpr int cost_of(std::type_identity<T>) { return 1; }
template <class Op, class... Args>
constexpr int cost_of(std::type_identity<Apply<Op, Args...>>) {
  int const own = requires { typename Op::cheap; } ? 1 : 8;
  return own + (cost_of(std::type_identity<Args>{}) + ... + 0);
}
template <class Op, class Arg>
constexpr int cost_of(std::type_identity<Fold<Op, Arg>>) { return 1 + cost_of(std::type_identity<Arg>{}); }

}  // namespace detail

/// The input slots of a structure, in order.
template <class S, class L>
inline constexpr auto slot_types = detail::make_slot_types<S, L>();
/// Rough cost of an element in loads: transcendental functions count more.
template <class S>
inline constexpr int cost = detail::cost_of(std::type_identity<S>{});

template <class L, int Slots, bool all_move = false>
WICK_INLINE auto make_frame(KernelArguments const& a) {
  std::conditional_t<std::is_void_v<L>, ElementFrame<Slots>, BatchFrame<std::conditional_t<std::is_void_v<L>, float, L>, Slots, all_move>> frame;
  // Not a loop: a loop would become vector moves, and the slots would stay in memory.
  [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
    ((frame.slot[K] = static_cast<std::remove_reference_t<decltype(frame.slot[0])>>(a.in[K])), ...);
    if constexpr (!all_move) ((frame.mask[K] = a.in_step ? a.in_step[K] : -1), ...);
  }(std::make_index_sequence<static_cast<std::size_t>(Slots)>{});
  frame.i = 0;
  return frame;
}

namespace detail {
template <class L>
inline constexpr auto places = [] {
  std::array<L, static_cast<std::size_t>(lanes<L>)> table{};
  for (int k = 0; k < lanes<L>; ++k) table[static_cast<std::size_t>(k)] = static_cast<L>(k);
  return table;
}();
}  // namespace detail

/// The first `count` lanes of x, then those of `rest`.
template <class L>
WICK_INLINE Batch<L> first_lanes(Batch<L> const& x, int count, Batch<L> const& rest) {
  return simd::select<Batch<L>>(simd::load(detail::places<L>.data()) < Batch<L>(static_cast<L>(count)), x, rest);
}

/// Moves slot `s` of a kernel for structure S by so many elements.
template <class S, class L, int Slots, bool all_move>
WICK_INLINE void advance(BatchFrame<L, Slots, all_move>& frame, int s, std::int64_t elements) {
  auto const* const bytes = reinterpret_cast<char const*>(frame.slot[s]);
  frame.slot[s] = reinterpret_cast<L const*>(bytes + elements * slot_types<S, L>[static_cast<std::size_t>(s)].kernel_size);
}

/// The program around a kernel, made when compiling.
template <class K>
inline constexpr Program program_of = K::make_program();

// Maps that cost no more have a loop of their own for operands that all lie one element after another: to ask each one at
// each step whether it stays would cost as much as reading it.
inline constexpr int cheap_map = 32;

/// out = S, as elements of type Result.
template <class S, class Result>
struct MapKernel {
  using L = lane_t<S, Result>;
  static constexpr int planes = ElementTraits<Result>::planes;

  WICK_KERNEL static void run(KernelArguments const& a) {
    if constexpr (std::is_void_v<L>) {
      auto frame = make_frame<L, S::slot_count>(a);
      std::int64_t const n = a.n;
      if constexpr (planes == 1) {
        auto* const out = static_cast<Result*>(a.out[0]);
        std::int64_t const step = a.out_step[0];
        for (; frame.i < n; ++frame.i) out[frame.i * step] = static_cast<Result>(evaluate<S, Result, 0>(frame));
      } else {
        for (; frame.i < n; ++frame.i)
          ElementTraits<Result>::scatter(evaluate<S, Result, 0>(frame), [&](int p, auto value) {
            static_cast<base_t<Result>*>(a.out[p])[frame.i * a.out_step[p]] = value;
          });
      }
    } else {
      constexpr auto all = std::make_index_sequence<std::size_t{planes}>{};
      if constexpr (cost<S> <= cheap_map)
        if (!a.in_step) return run_rows(a, make_frame<L, S::slot_count, true>(a), all);
      run_rows(a, make_frame<L, S::slot_count>(a), all);
    }
  }

  // Rows of whole registers. What is left of a row is covered by a last register that overlaps the previous one.
  template <class Frame, std::size_t... P>
  static WICK_INLINE void run_rows(KernelArguments const& a, Frame frame, std::index_sequence<P...>) {
    using Element = kernel_element_t<base_t<Result>, L>;
    Element* out[] = {static_cast<Element*>(a.out[P])...};
    std::int64_t const n = a.n, full = n & -std::int64_t{lanes<L>};
    for (std::int64_t rows = a.rows;;) {
      for (std::int64_t end = frame.i + full, last = frame.i + n;; end = last) {
        for (; frame.i < end; frame.i += lanes<L>) {
          if constexpr (planes == 1) simd::store(out[0] + frame.i, convert<L, L>(evaluate<S, Result, 0>(frame)));
          else ElementTraits<Result>::scatter(evaluate<S, Result, 0>(frame), [&](int p, auto value) { simd::store(out[p] + frame.i, value); });
        }
        if (end == last) break;
        frame.i = last - lanes<L>;
      }
      if (--rows == 0) return;
      frame.i += a.row_step[0] - n;
      ((out[P] += a.row_step[1 + P] - a.row_step[0]), ...);
    }
  }

  static constexpr auto targets = [] {
    std::array<TargetType, std::size_t{planes}> table{};
    table.fill(target_type<base_t<Result>, L>());
    return table;
  }();

  static constexpr Program make_program() {
    Program p;
    p.inputs = S::slot_count;
    p.outputs = planes;
    p.in_types = slot_types<S, L>.data();
    p.out_types = targets.data();
    p.kernel = &run;
    p.cost = cost<S>;
    p.direct = has_direct_slots(p);
    if constexpr (!std::is_void_v<L>) p.lanes = lanes<L>, p.lane_size = sizeof(L);
    return p;
  }
};

/// Accumulating target of a reduction whose accumulators have type T.
template <class Op, class T>
struct Accumulate {
  static void identity(void* values, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) static_cast<T*>(values)[i] = Op::template identity<T>();
  }
  static void merge(void* into, void const* values, std::int64_t n) {
    std::int64_t i = 0;
    if constexpr (Lane<T>)
      for (; i + lanes<T> <= n; i += lanes<T>) {
        T* const to = static_cast<T*>(into) + i;
        simd::store(to, Op::combine(simd::load(to), simd::load(static_cast<T const*>(values) + i)));
      }
    for (; i < n; ++i)
      static_cast<T*>(into)[i] = Op::combine(static_cast<T*>(into)[i], static_cast<T const*>(values)[i]);
  }
  // Pairs first: the error grows with the logarithm of n, and the order never changes.
  static T tree(T const* values, std::int64_t n) {
    if (n == 1) return values[0];
    return Op::combine(tree(values, n / 2), tree(values + n / 2, n - n / 2));
  }
  static void fold(void* into, void const* values, std::int64_t n) {
    *static_cast<T*>(into) = Op::combine(*static_cast<T*>(into), tree(static_cast<T const*>(values), n));
  }
  static constexpr TargetType target() {
    return {sizeof(T), sizeof(T), true, true, &put_elements<T, T>, &fetch_elements<T, T>, &identity, &merge, &fold};
  }
};

/// Rows whose results stay in place: each row is accumulated in registers and folded. The order depends on the row's
/// length alone, so that rows may be shared out among threads and calls anyhow.
template <class Op, class S, class Result, Lane L>
struct RowReduction {
  using Frame = BatchFrame<L, S::slot_count>;
  // Accumulators of a row: independent ones hide the latency of combine, what is costly hides it itself.
  static constexpr int together = cost<S> < 16 ? 4 : 1;
  // Rows side by side: one core reads memory faster through some streams that are far apart than through one. Only where
  // memory is what takes the time, and as many as the registers hold the accumulators of.
  static constexpr int streams = cost<S> <= 4 && S::slot_count <= 2 ? std::max(1, static_cast<int>(sizeof(Batch<L>)) / (S::slot_count < 2 ? 16 : 32)) : 1;
  // Positions of a stream below which it is not worth its start.
  static constexpr std::int64_t shortest_stream = 16384;

  WICK_KERNEL static void run(KernelArguments const& a) {
    constexpr auto all = std::make_index_sequence<static_cast<std::size_t>(streams)>{};
    Frame const first = make_frame<L, S::slot_count>(a);
    auto const row_at = [&](std::int64_t row) WICK_LAMBDA_INLINE {
      Frame frame = first;
      if (row)
        for (int s = 0; s < S::slot_count; ++s) advance<S>(frame, s, row * a.row_step[s]);
      return frame;
    };
    bool const cuts = streams > 1 && a.n >= streams * shortest_stream;
    // Rows as far apart as can be: a stream goes on where the row before has ended.
    std::int64_t const apart = streams > 1 && !cuts ? a.rows / streams : 0;
    for (std::int64_t row = 0; row < a.rows;) {
      Batch<L> total[std::size_t{streams}];
      std::int64_t count = 1;
      if (row < apart) {
        [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
          Frame frame[] = {row_at(row + static_cast<std::int64_t>(K) * apart)...};
          accumulate(frame, a.n, total, all);
        }(all);
        count = streams;
      } else {
        Frame frame[] = {row_at(row)};
        std::int64_t const part = cuts ? a.n / (lanes<L> * streams) * lanes<L> : 0;
        Batch<L> parts = neutral();
        if (cuts) parts = accumulate_parts(frame[0], part, all);
        accumulate(frame, a.n - streams * part, total, std::index_sequence<0>{});
        total[0] = Op::combine(parts, total[0]);
      }
      for (std::int64_t k = 0; k < count; ++k) {
        std::int64_t const at = row + k * apart;
        L* const out = static_cast<L*>(a.out[0]) + at * a.out_step[0];
        if (a.n) *out = Op::combine(*out, across(total[k], lanes<L>));
        if (a.tail) *out = Op::combine(*out, across(last_of_row(row_at(at), a), a.tail));
      }
      if (++row == apart) row *= streams;
    }
  }

 private:
  static WICK_INLINE Batch<L> neutral() { return Batch<L>(Op::template identity<L>()); }

  // n positions of each frame, side by side.
  template <std::size_t... K>
  static WICK_INLINE void accumulate(Frame* frame, std::int64_t n, Batch<L>* total, std::index_sequence<K...>) {
    constexpr std::int64_t step = lanes<L>;
    auto const next = [](Frame& at, std::int64_t i, Batch<L>& sum) WICK_LAMBDA_INLINE {
      at.i = i;
      sum = Op::combine(sum, Op::lift(evaluate<S, Result, 0>(at)));
    };
    auto const start = [](std::size_t) WICK_LAMBDA_INLINE { return neutral(); };
    ((total[K] = start(K)), ...);
    std::int64_t i = 0;
    if constexpr (together == 4) {
      Batch<L> b[] = {start(K)...}, c[] = {start(K)...}, d[] = {start(K)...};
      for (; i + 4 * step <= n; i += 4 * step) {
        (next(frame[K], i, total[K]), ...);
        (next(frame[K], i + step, b[K]), ...);
        (next(frame[K], i + 2 * step, c[K]), ...);
        (next(frame[K], i + 3 * step, d[K]), ...);
      }
      // What is left goes to an accumulator while it is still small: its sum rounds less.
      for (; i < n; i += step) (next(frame[K], i, total[K]), ...);
      ((total[K] = Op::combine(Op::combine(total[K], b[K]), Op::combine(c[K], d[K]))), ...);
    } else {
      for (; i < n; i += step) (next(frame[K], i, total[K]), ...);
    }
  }

  // A row that is long itself is cut into the streams. Leaves the frame behind them.
  template <std::size_t... K>
  static WICK_INLINE Batch<L> accumulate_parts(Frame& row, std::int64_t part, std::index_sequence<K...> all) {
    auto const take = [&](std::size_t) WICK_LAMBDA_INLINE {
      Frame const here = row;
      for (int s = 0; s < S::slot_count; ++s) advance<S>(row, s, part & row.mask[s]);
      return here;
    };
    Frame frame[] = {take(K)...};
    Batch<L> total[std::size_t{streams}];
    accumulate(frame, part, total, all);
    for (int k = 1; k < streams; ++k) total[0] = Op::combine(total[0], total[k]);
    return total[0];
  }

  // What is left of a row after its last full register, beside neutral elements.
  static WICK_INLINE Batch<L> last_of_row(Frame frame, KernelArguments const& a) {
    alignas(64) char tails[S::slot_count > 0 ? S::slot_count : 1][64];
    for (int s = 0; s < S::slot_count; ++s) {
      if (!frame.mask[s]) continue;
      advance<S>(frame, s, a.n);
      load_tail(tails[s], frame.slot[s], a.tail * std::int64_t{slot_types<S, L>[static_cast<std::size_t>(s)].kernel_size});
      frame.slot[s] = reinterpret_cast<L const*>(tails[s]);
    }
    frame.i = 0;
    return first_lanes<L>(Op::lift(evaluate<S, Result, 0>(frame)), a.tail, neutral());
  }

  // The first `count` lanes of a register, and neutral ones up to a power of two: neighbours first.
  static WICK_INLINE L across(Batch<L> const& x, int count) {
    alignas(64) L value[lanes<L>];
    simd::store(value, x);
    for (int half = static_cast<int>(std::bit_ceil(static_cast<unsigned>(count))) / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) value[k] = Op::combine(value[2 * k], value[2 * k + 1]);
    return value[0];
  }
};

/// out = out combined with lift(S), accumulators of type Result.
template <class Op, class S, class Result>
struct ReduceKernel {
  // Accumulators are numbers: those of any and all are no lanes.
  using L = std::conditional_t<std::is_same_v<base_t<Result>, lane_t<S, Result>>, lane_t<S, Result>, void>;
  static constexpr int planes = ElementTraits<Result>::planes;

  WICK_KERNEL static void run(KernelArguments const& a) {
    auto frame = make_frame<L, S::slot_count>(a);
    std::int64_t const n = a.n, step = a.out_step[0];
    if constexpr (planes > 1) {
      constexpr int width = [] {
        if constexpr (std::is_void_v<L>) return 1;
        else return lanes<L>;
      }();
      for (; frame.i < n; frame.i += width) {
        auto const value = Op::lift(evaluate<S, Result, 0>(frame));
        ElementTraits<Result>::scatter(value, [&](int p, auto const& part) {
          auto* const out = static_cast<base_t<Result>*>(a.out[p]);
          if constexpr (std::is_void_v<L>) out[frame.i * step] = Op::combine(out[frame.i * step], part);
          else simd::store(out + (frame.i & step), Op::combine(simd::load(out + (frame.i & step)), part));
        });
      }
    } else if constexpr (std::is_void_v<L>) {
      auto* const out = static_cast<Result*>(a.out[0]);
      if constexpr (std::is_same_v<S, Leaf<bool>> && requires { Op::decisive; })
        if (a.in_step[0] == 1 && step <= 1 && step >= 0) return run_truth(static_cast<unsigned char const*>(a.in[0]), out, step, n);
      if constexpr (requires { Op::decisive; })
        if (step == 0) {
          if (*out == Op::decisive) return;
          if constexpr (Lane<lane_t<S, Result>>) frame.i = find_truth<lane_t<S, Result>>(a, *out);
        }
      if (step == 0) {
        Result total = *out;
        for (; frame.i < n; ++frame.i)
          total = static_cast<Result>(Op::combine(total, static_cast<Result>(Op::lift(evaluate<S, Result, 0>(frame)))));
        *out = total;
      } else {
        for (; frame.i < n; ++frame.i)
          out[frame.i * step] = static_cast<Result>(
              Op::combine(out[frame.i * step], static_cast<Result>(Op::lift(evaluate<S, Result, 0>(frame)))));
      }
    } else {
      L* const out = static_cast<L*>(a.out[0]);
      if (a.rows > 1) return run_rows(a, frame, out);
      for (; frame.i < n; frame.i += lanes<L>) {
        L* const target = out + (frame.i & step);
        simd::store(target, Op::combine(simd::load(target), Op::lift(evaluate<S, Result, 0>(frame))));
      }
    }
  }

  // Truth values in a row, as the bytes that they are: the C library finds one faster than any loop.
  static void run_truth(unsigned char const* in, bool* out, std::int64_t step, std::int64_t n) {
    constexpr bool decisive = Op::decisive;
    if (step == 0) {
      if (*out != decisive && std::memchr(in, decisive, static_cast<std::size_t>(n))) *out = decisive;
      return;
    }
    auto* const bytes = reinterpret_cast<unsigned char*>(out);
    for (std::int64_t i = 0; i < n; ++i)
      bytes[i] = decisive ? static_cast<unsigned char>(bytes[i] | in[i]) : static_cast<unsigned char>(bytes[i] & in[i]);
  }

  // Whole registers of a formula's truth values, as far as its operands lie one after another. Gives the positions
  // done: one value may settle the result.
  template <class V>
  static WICK_INLINE std::int64_t find_truth(KernelArguments const& a, bool& out) {
    BatchFrame<V, S::slot_count> frame;
    alignas(64) V same[S::slot_count][lanes<V>];
    for (int s = 0; s < S::slot_count; ++s) {
      SlotType const& type = slot_types<S, V>[static_cast<std::size_t>(s)];
      bool const stays = type.number || a.in_step[s] == 0;
      if (!stays && (a.in_step[s] != 1 || !type.direct)) return 0;
      if (stays) type.fetch(a.in[s], 0, 0, lanes<V>, same[s]);
      frame.slot[s] = stays ? same[s] : static_cast<V const*>(a.in[s]);
      frame.mask[s] = stays ? 0 : -1;
    }
    for (frame.i = 0; frame.i + lanes<V> <= a.n; frame.i += lanes<V>) {
      auto const truth = evaluate<S, Result, 0>(frame);
      if (!(Op::decisive ? simd::any(truth) : !simd::all(truth))) continue;
      out = Op::decisive;
      return a.n;
    }
    return frame.i;
  }

  // Several rows one after another into the same line: its accumulators are loaded and stored once for all of them.
  template <class Frame>
  static WICK_INLINE void run_rows(KernelArguments const& a, Frame const& first, L* out) {
    constexpr int width = lanes<L>, together = cost<S> < 16 ? 4 : 1;
    auto const columns = [&]<std::size_t... K>(std::int64_t i, std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      Batch<L> total[] = {simd::load(out + i + static_cast<std::int64_t>(K) * width)...};
      Frame row = first;
      for (std::int64_t r = 0; r < a.rows; ++r) {
        ((row.i = i + static_cast<std::int64_t>(K) * width, total[K] = Op::combine(total[K], Op::lift(evaluate<S, Result, 0>(row)))), ...);
        for (int s = 0; s < S::slot_count; ++s) advance<S>(row, s, a.row_step[s]);
      }
      (simd::store(out + i + static_cast<std::int64_t>(K) * width, total[K]), ...);
    };
    std::int64_t i = 0;
    for (; i + together * width <= a.n; i += together * width) columns(i, std::make_index_sequence<std::size_t{together}>{});
    for (; i < a.n; i += width) columns(i, std::index_sequence<0>{});
  }

  static constexpr auto targets = [] {
    std::array<TargetType, std::size_t{planes}> table{};
    table.fill(Accumulate<Op, base_t<Result>>::target());
    return table;
  }();

  static constexpr Program make_program() {
    Program p;
    p.inputs = S::slot_count;
    p.outputs = planes;
    p.in_types = slot_types<S, L>.data();
    p.out_types = targets.data();
    p.kernel = &run;
    p.cost = cost<S>;
    if constexpr (!std::is_void_v<L>) {
      p.lanes = lanes<L>, p.lane_size = sizeof(L);
      if constexpr (planes == 1) p.reduce = &RowReduction<Op, S, Result, L>::run, p.takes_rows = true;
    }
    p.direct = has_direct_slots(p);
    return p;
  }
};

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
