// SPDX-License-Identifier: MIT
// Prefixes on devices. Each line is cut into parts of a length that depends on the shape alone: a thread joins the elements
// of a part, the totals of the parts are scanned in the same way, and a thread goes over its part again with what comes
// before it. So results have the same bits every run, unlike those of thrust::inclusive_scan.
#pragma once

#include <wick/backend/prefix.hpp>
#include <wick/backend/thrust/policy.hpp>
#include <wick/core/tensor.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Lines cut into parts. A thread's index counts (outer, part, inner), so that neighbours read neighbouring columns.
struct LineParts {
  LinesShape s;
  bool reverse;
  std::int64_t parts, length;

  LineParts(LinesShape const& shape, bool from_end) : s(shape), reverse(from_end) {
    // Columns side by side share what is read; a line by itself is cut short, so that its parts stay in the cache.
    length = s.inner >= 32 ? (s.lines() >= 32768 ? std::max<std::int64_t>(1, s.n) : 256) : 32;
    parts = (s.n + length - 1) / length;
  }
  constexpr std::int64_t part(std::int64_t index) const { return index / s.inner % parts; }
  constexpr std::int64_t begin(std::int64_t index) const { return part(index) * length; }
  constexpr std::int64_t end(std::int64_t index) const { return begin(index) + length < s.n ? begin(index) + length : s.n; }
  /// Where the k-th element of this index's line lies.
  constexpr std::int64_t place(std::int64_t index, std::int64_t k) const {
    return index / s.inner / parts * s.n * s.inner + (reverse ? s.n - 1 - k : k) * s.inner + index % s.inner;
  }
};

/// What each part amounts to.
template <class Join, class Source>
struct TotalOfPart {
  using State = typename Join::State;
  LineParts lines;
  Source source;
  State* totals;

  constexpr void operator()(std::int64_t index) const {
    std::int64_t const begin = lines.begin(index), end = lines.end(index);
    State total = source(lines.place(index, begin), begin);
    for (std::int64_t k = begin + 1; k < end; ++k) total = Join::join(total, source(lines.place(index, k), k));
    totals[index] = total;
  }
};
/// The prefixes of each part, joined to what comes before it.
template <class Join, class Source, class Sink>
struct PrefixesOfPart {
  using State = typename Join::State;
  LineParts lines;
  Source source;
  Sink sink;
  State const* before;

  constexpr void operator()(std::int64_t index) const {
    State state{};
    bool some = lines.part(index) > 0;
    if (some) state = before[index];
    std::int64_t const end = lines.end(index);
    for (std::int64_t k = lines.begin(index); k < end; ++k) {
      std::int64_t const i = lines.place(index, k);
      State const mine = source(i, k), next = some ? Join::join(state, mine) : mine;
      sink(i, state, next);
      state = next, some = true;
    }
  }
};
/// The totals of parts as elements to be scanned, each replaced by what comes before it.
template <class State>
struct PartsSource {
  State const* totals;
  constexpr State operator()(std::int64_t i, std::int64_t) const { return totals[i]; }
};
template <class State>
struct PartsSink {
  State* totals;
  constexpr void operator()(std::int64_t i, State const& before, State const&) const { totals[i] = before; }
};

template <class Join, class Source, class Sink>
void scan_lines(Device device, LinesShape const& s, bool reverse, Source const& source, Sink const& sink) {
  using State = typename Join::State;
  if (s.lines() * s.n == 0) return;
  LineParts const lines(s, reverse);
  std::int64_t const count = s.lines() * lines.parts;
  Tensor<State> const totals(Tensor<State>::uninitialized, Dims(lines.parts > 1 ? count : 0), device);
  auto* const of_parts = const_cast<State*>(totals.data());
  if (lines.parts > 1) {
    for_each_position(device, count, TotalOfPart<Join, Source>{lines, source, of_parts});
    scan_lines<Join>(device, {s.outer, lines.parts, s.inner}, false, PartsSource<State>{of_parts}, PartsSink<State>{of_parts});
  }
  for_each_position(device, count, PrefixesOfPart<Join, Source, Sink>{lines, source, sink, of_parts});
}

// --- what is scanned: a source gives an element's state, a sink takes the state up to it -----------------------------

template <Scan kind, class T>
struct PrefixSource {
  T const* x;
  constexpr auto operator()(std::int64_t i, std::int64_t) const { return Prefix<kind, T>::of(x[i]); }
};
template <Scan kind, class T>
struct PrefixSink {
  using State = typename Prefix<kind, T>::State;
  T* y;
  constexpr void operator()(std::int64_t i, State const&, State const& state) const { y[i] = Prefix<kind, T>::value(state); }
};
template <bool smallest, class C>
struct ExtremeJoin {
  using State = Extreme<C>;
  static constexpr State join(State a, State b) { return later_extreme<smallest>(a, b); }
};
template <class T>
struct ExtremeSource {
  T const* x;
  constexpr Extreme<compute_t<T>> operator()(std::int64_t i, std::int64_t k) const { return {static_cast<compute_t<T>>(x[i]), k}; }
};
template <class T>
struct ExtremeSink {
  T* y;
  std::int64_t* index;
  constexpr void operator()(std::int64_t i, Extreme<compute_t<T>> const&, Extreme<compute_t<T>> const& state) const {
    y[i] = static_cast<T>(state.value), index[i] = state.place;
  }
};
template <class C>
struct LinearJoin {
  using State = LinearStep<C>;
  static constexpr State join(State a, State b) { return backend::join(a, b); }
};
template <class T>
struct LinearSource {
  T const *c, *x;
  std::int64_t next;  ///< from an element to the factor between it and the one before
  constexpr LinearStep<prefix_t<T>> operator()(std::int64_t i, std::int64_t k) const {
    using C = prefix_t<T>;
    return {k == 0 ? C(0) : static_cast<C>(static_cast<compute_t<T>>(c[i + next])), static_cast<C>(static_cast<compute_t<T>>(x[i]))};
  }
};
template <class T>
struct LinearSink {
  using State = LinearStep<prefix_t<T>>;
  T* y;
  constexpr void operator()(std::int64_t i, State const&, State const& state) const {
    y[i] = static_cast<T>(static_cast<compute_t<T>>(state.shift));
  }
};

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
