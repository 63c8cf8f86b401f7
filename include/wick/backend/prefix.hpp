// SPDX-License-Identifier: MIT
// What the prefixes of a scan are joined from: the state of one element, two neighbouring states as one, and the value of
// a state. Joining is associative but for rounding, so that a line can be cut at fixed places.
#pragma once

#include <wick/base/half.hpp>
#include <wick/base/math.hpp>
#include <wick/calls/lines.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// What sums and products along a line are kept in: more digits than a float has, as in PyTorch.
template <class T>
using prefix_t = std::conditional_t<std::is_same_v<compute_t<T>, float>, double, T>;

/// States of `scan<kind>` over elements of type T.
template <Scan kind, class T>
struct Prefix {
  using State = prefix_t<T>;
  static constexpr State nothing() { return kind == Scan::sum ? State(0) : State(1); }
  static constexpr State of(T x) { return static_cast<State>(static_cast<compute_t<T>>(x)); }
  static constexpr State join(State a, State b) {
    if constexpr (kind == Scan::sum) return math::plus(a, b);
    else return math::times(a, b);
  }
  static constexpr T value(State a) { return static_cast<T>(static_cast<compute_t<T>>(a)); }
};

/// log(sum(exp(x))) as the largest element and the sum of exp(x - largest).
template <class C>
struct LogSum {
  C largest, sum;
};
template <class T>
struct Prefix<Scan::logsumexp, T> {
  using C = compute_t<T>;
  using State = LogSum<C>;
  static constexpr State nothing() { return {math::least<C>(), C(0)}; }
  static constexpr State of(T x) { return {static_cast<C>(x), C(1)}; }
  static constexpr State join(State a, State b) {
    // Equal ones may be infinite, and have no difference then.
    C const far = a.largest == b.largest ? C(1) : math::exp(-math::abs(a.largest - b.largest));
    if (a.largest < b.largest) return {b.largest, a.sum * far + b.sum};
    return {a.largest != a.largest || b.largest == b.largest ? a.largest : b.largest, a.sum + b.sum * far};
  }
  static constexpr T value(State a) { return static_cast<T>(a.largest + math::log(a.sum)); }
};

/// The largest (smallest) element so far and where it is: the last of equal ones, and NaN before all (torch.cummax).
template <class C>
struct Extreme {
  C value;
  std::int64_t place;
};
template <bool smallest, class C>
constexpr Extreme<C> later_extreme(Extreme<C> a, Extreme<C> b) {
  bool const taken = b.value != b.value || (smallest ? b.value <= a.value : b.value >= a.value);
  return taken ? b : a;
}

/// y = shift + factor * (the y before): steps of a linear recurrence, joined to one.
template <class C>
struct LinearStep {
  C factor, shift;
};
template <class C>
constexpr LinearStep<C> join(LinearStep<C> a, LinearStep<C> b) {
  return {a.factor * b.factor, b.shift + b.factor * a.shift};
}

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
