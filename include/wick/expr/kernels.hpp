// SPDX-License-Identifier: MIT
// The kernels compiled for a structure: elementwise maps and reductions, with SIMD lanes or element by element.
#pragma once

#include <algorithm>
#include <array>

#include <wick/expr/evaluate.hpp>
#include <wick/expr/program.hpp>
#include <wick/expr/reduce.hpp>

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
    table[static_cast<std::size_t>(next++)] = {sizeof(typename G::value_type), sizeof(typename G::value_type), false, false, &G::fetch};
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
  static_assert(S::slots <= max_slots, "Wick: this formula has too many operands; split it into two statements");
  constexpr auto n = static_cast<std::size_t>(S::slots > 0 ? S::slots : 1);
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

template <class L, int Slots>
WICK_INLINE auto make_frame(KernelArguments const& a) {
  std::conditional_t<std::is_void_v<L>, ElementFrame<Slots>, BatchFrame<std::conditional_t<std::is_void_v<L>, float, L>, Slots>> frame;
  // Not a loop: a loop would become vector moves, and the slots would stay in memory.
  [&]<std::size_t... K>(std::index_sequence<K...>) WICK_LAMBDA_INLINE {
    ((frame.slot[K] = static_cast<std::remove_reference_t<decltype(frame.slot[0])>>(a.in[K])), ...);
    ((frame.mask[K] = a.in_step[K]), ...);
  }(std::make_index_sequence<static_cast<std::size_t>(Slots)>{});
  frame.i = 0;
  return frame;
}

/// The program around a kernel, made when compiling.
template <class K>
inline constexpr Program program_of = K::make_program();

/// out = S, as elements of type Result.
template <class S, class Result>
struct MapKernel {
  using L = lane_t<S, Result>;
  static constexpr int planes = ElementTraits<Result>::planes;

  [[gnu::flatten]] static void run(KernelArguments const& a) {
    auto frame = make_frame<L, S::slots>(a);
    std::int64_t const n = a.n;
    if constexpr (std::is_void_v<L>) {
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
    } else if constexpr (planes == 1) {
      auto* const out = static_cast<kernel_element_t<Result, L>*>(a.out[0]);
      for (; frame.i < n; frame.i += lanes<L>) simd::store(out + frame.i, convert<L, L>(evaluate<S, Result, 0>(frame)));
    } else {
      for (; frame.i < n; frame.i += lanes<L>)
        ElementTraits<Result>::scatter(evaluate<S, Result, 0>(frame), [&](int p, auto value) {
          simd::store(static_cast<L*>(a.out[p]) + frame.i, value);
        });
    }
  }

  static constexpr auto targets = [] {
    std::array<TargetType, planes> table{};
    table.fill(target_type<base_t<Result>, L>());
    return table;
  }();

  static constexpr Program make_program() {
    Program p;
    p.inputs = S::slots;
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

/// out = out combined with lift(S), accumulators of type Result.
template <class Op, class S, class Result>
struct ReduceKernel {
  // Accumulators are numbers: any and all run element by element.
  using L = std::conditional_t<std::is_same_v<base_t<Result>, lane_t<S, Result>>, lane_t<S, Result>, void>;
  static constexpr int planes = ElementTraits<Result>::planes;

  [[gnu::flatten]] static void run(KernelArguments const& a) {
    auto frame = make_frame<L, S::slots>(a);
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

  // Several rows one after another into the same line: its accumulators are loaded and stored once for all of them.
  template <class Frame>
  static WICK_INLINE void run_rows(KernelArguments const& a, Frame const& first, L* out) {
    constexpr int width = lanes<L>, together = cost<S> < 16 ? 4 : 1;
    auto const columns = [&]<std::size_t... K>(std::int64_t i, std::index_sequence<K...>) WICK_LAMBDA_INLINE {
      Batch<L> total[] = {simd::load(out + i + static_cast<std::int64_t>(K) * width)...};
      Frame row = first;
      for (std::int64_t r = 0; r < a.rows; ++r) {
        ((row.i = i + static_cast<std::int64_t>(K) * width, total[K] = Op::combine(total[K], Op::lift(evaluate<S, Result, 0>(row)))), ...);
        for (int s = 0; s < S::slots; ++s)
          row.slot[s] = reinterpret_cast<L const*>(reinterpret_cast<char const*>(row.slot[s]) +
                                                   a.row_step[s] * slot_types<S, L>[static_cast<std::size_t>(s)].kernel_size);
      }
      (simd::store(out + i + static_cast<std::int64_t>(K) * width, total[K]), ...);
    };
    std::int64_t i = 0;
    for (; i + together * width <= a.n; i += together * width) columns(i, std::make_index_sequence<together>{});
    for (; i < a.n; i += width) columns(i, std::index_sequence<0>{});
  }

  // A target that stays in place: four independent accumulators hide the latency of combine; what is costly hides it.
  [[gnu::flatten]] static void run_in_registers(KernelArguments const& a) {
    if constexpr (!std::is_void_v<L> && planes == 1) {
      auto frame = make_frame<L, S::slots>(a);
      L* const out = static_cast<L*>(a.out[0]);
      [[maybe_unused]] Batch<L> const neutral(Op::template identity<L>());
      Batch<L> total = simd::load(out);
      std::int64_t const n = a.n, step = lanes<L>;
      auto const next = [&](Batch<L>& t) WICK_LAMBDA_INLINE {
        t = Op::combine(t, Op::lift(evaluate<S, Result, 0>(frame)));
        frame.i += step;
      };
      if constexpr (cost<S> < 16) {
        Batch<L> more[3] = {neutral, neutral, neutral};
        while (frame.i + 4 * step <= n) next(total), next(more[0]), next(more[1]), next(more[2]);
        total = Op::combine(Op::combine(total, more[0]), Op::combine(more[1], more[2]));
      }
      while (frame.i < n) next(total);
      simd::store(out, total);
    }
  }

  static constexpr auto targets = [] {
    std::array<TargetType, planes> table{};
    table.fill(Accumulate<Op, base_t<Result>>::target());
    return table;
  }();

  static constexpr Program make_program() {
    Program p;
    p.inputs = S::slots;
    p.outputs = planes;
    p.in_types = slot_types<S, L>.data();
    p.out_types = targets.data();
    p.kernel = &run;
    p.cost = cost<S>;
    if constexpr (!std::is_void_v<L>) {
      p.lanes = lanes<L>, p.lane_size = sizeof(L);
      if constexpr (planes == 1) p.reduce = &run_in_registers, p.takes_rows = true;
    }
    p.direct = has_direct_slots(p);
    return p;
  }
};

}  // namespace wick::inline WICK_ISA
