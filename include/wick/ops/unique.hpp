// SPDX-License-Identifier: MIT
// Elements that differ, and where numbers belong among sorted ones: unique, unique_consecutive, searchsorted, bucketize.
#pragma once

#include <wick/ops/sort.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Options of unique: what else is wanted.
struct UniqueOptions {
  bool return_inverse = false, return_counts = false;
};
/// Elements that differ; where each element of the input is among them (of the input's shape), and how often each stands
/// there, where that was asked for.
template <class T>
struct Unique {
  Tensor<T> values;
  Tensor<std::int64_t> inverse, counts;
};
/// Options of searchsorted: `right` is behind equal numbers.
struct SearchOptions {
  bool right = false;
};

namespace detail {

// 1 where a run of equal elements begins. NaN equals nothing.
template <class T>
struct MarkRuns {
  T const* x;
  std::int64_t* starts;
  constexpr void operator()(std::int64_t i) const { starts[i] = i == 0 || !(x[i] == x[i - 1]); }
};
// `run` counts the runs up to each element: the first of each gives the value and the start of its run.
template <class T>
struct CollectRuns {
  T const* x;
  std::int64_t const *run, *order;
  T* values;
  std::int64_t *start, *inverse;  // null: not wanted
  constexpr void operator()(std::int64_t i) const {
    std::int64_t const mine = run[i] - 1;
    if (i == 0 || run[i - 1] != run[i]) {
      values[mine] = x[i];
      if (start) start[mine] = i;
    }
    if (inverse) inverse[order ? order[i] : i] = mine;
  }
};
struct CountRuns {
  std::int64_t const* start;
  std::int64_t runs, n;
  std::int64_t* counts;
  constexpr void operator()(std::int64_t k) const { counts[k] = (k + 1 < runs ? start[k + 1] : n) - start[k]; }
};

// The runs of equal elements in x, which stand at `order` of the input (an empty one: as they are).
template <class T>
Unique<T> runs_of(char const* name, Tensor<T> const& x, Tensor<std::int64_t> const& order, Dims const& shape, UniqueOptions const& options) {
  using Places = Tensor<std::int64_t>;
  std::int64_t const n = x.numel();
  Unique<T> result;
  auto const room = [&](std::int64_t count) { return Places(Places::uninitialized, Dims(count), x.device()); };
  Places const run = room(n);
  auto const each = [&]<class F>(std::int64_t count, F const& f) { run_call(name, x.device(), backend::ForEach<F>{count, f}, x, order); };
  each(n, MarkRuns<T>{x.data(), fresh(run)});
  run_call(name, x.device(), backend::ScanLines<backend::Scan::sum, std::int64_t>{{1, n, 1}, false, run.data(), fresh(run)});
  std::int64_t const runs = n == 0 ? 0 : run[n - 1].item();
  result.values = Tensor<T>(Tensor<T>::uninitialized, Dims(runs), x.device());
  Places const start = room(options.return_counts ? runs : 0);
  if (options.return_inverse) result.inverse = room(n).reshape(shape);
  each(n, CollectRuns<T>{x.data(), run.data(), order.data(), fresh(result.values), options.return_counts ? fresh(start) : nullptr,
                         options.return_inverse ? fresh(result.inverse) : nullptr});
  if (options.return_counts) {
    result.counts = room(runs);
    each(runs, CountRuns{start.data(), runs, n, fresh(result.counts)});
  }
  return result;
}

// How many elements of a sorted line come before each value (or before it and its equals).
template <class T>
struct SearchElement {
  T const *sorted, *values;
  std::int64_t n, line;  // values that share a sorted line
  bool right;
  std::int64_t* places;

  // NaN is the largest.
  static constexpr bool before(T a, T b) { return a < b || (b != b && a == a); }
  constexpr void operator()(std::int64_t i) const {
    T const* const from = sorted + i / line * n;
    T const value = values[i];
    std::int64_t low = 0;
    for (std::int64_t rest = n; rest > 0;) {
      std::int64_t const half = rest / 2;
      bool const above = right ? !before(value, from[low + half]) : before(from[low + half], value);
      low = above ? low + half + 1 : low;
      rest = above ? rest - half - 1 : half;
    }
    places[i] = low;
  }
};

}  // namespace detail

/// The different elements of x in ascending order (torch.unique, of all dimensions together). How many there are is known
/// only when they have been found: on a device the host waits for that number. Each NaN is an element of its own.
template <Formula X>
auto unique(X const& x, UniqueOptions const& options = {}) {
  using T = value_t<decltype(operand(x))>;
  Tensor<T> const value(operand(x));
  auto const sorted = sort(value.reshape(Dims(-1)));
  return detail::runs_of("unique", sorted.values, sorted.indices, value.shape(), options);
}
/// x without the elements that equal the one before them, all dimensions together (torch.unique_consecutive). The host
/// waits for their number.
template <Formula X>
auto unique_consecutive(X const& x, UniqueOptions const& options = {}) {
  using T = value_t<decltype(operand(x))>;
  Tensor<T> const value = Tensor<T>(operand(x)).contiguous();
  return detail::runs_of("unique_consecutive", value, {}, value.shape(), options);
}

/// Where each value belongs in a sorted sequence so that it stays sorted: before its equals, or with {.right = true} behind
/// them (torch.searchsorted). sorted: (N), or (..., N) for values (..., M) with the same leading dimensions. It has to be in
/// ascending order, NaN last.
template <Formula S, Formula X>
Tensor<std::int64_t> searchsorted(S const& sorted, X const& values, SearchOptions const& options = {}) {
  using T = value_t<decltype(operand(values))>;
  static_assert(std::is_same_v<value_t<decltype(operand(sorted))>, T>, "searchsorted: the sequence and the values have different element types");
  Tensor<T> const line = Tensor<T>(operand(sorted)).contiguous(), x = Tensor<T>(operand(values)).contiguous();
  Dims const shape = line.shape();
  bool fits = shape.size() == 1 || (!shape.empty() && shape.size() == x.dim());
  for (int d = 0; fits && shape.size() > 1 && d + 1 < shape.size(); ++d) fits = shape[d] == x.shape()[d];
  if (!fits)
    fail("searchsorted: a sequence of shape ", shape, " does not fit values of shape ", x.shape(), ": it has one dimension, or the same but for the last");
  if (!(line.device() == x.device())) fail("searchsorted: the sequence is on ", line.device(), ", the values on ", x.device(), "; move one of them");
  Tensor<std::int64_t> const places(Tensor<std::int64_t>::uninitialized, x.shape(), x.device());
  std::int64_t const each = shape.size() == 1 ? std::max<std::int64_t>(1, x.numel()) : x.shape()[x.dim() - 1];
  detail::SearchElement<T> const search{line.data(), x.data(), shape[shape.size() - 1], each, options.right, detail::fresh(places)};
  detail::run_call("searchsorted", x.device(), backend::ForEach<detail::SearchElement<T>>{x.numel(), search}, line, x);
  return places;
}
/// Which interval between boundaries each value lies in: 0 below the first (torch.bucketize). boundaries: (N), ascending.
template <Formula X, Formula S>
Tensor<std::int64_t> bucketize(X const& x, S const& boundaries, SearchOptions const& options = {}) {
  if (boundaries.shape().size() != 1) fail("bucketize: boundaries of shape ", boundaries.shape(), ": they have one dimension");
  return searchsorted(boundaries, x, options);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
