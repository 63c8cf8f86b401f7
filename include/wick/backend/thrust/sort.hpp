// SPDX-License-Identifier: MIT
// Lines sorted on devices: all elements by their keys (backend/sort_key.hpp), then, stable, by their lines. One stable sort
// of 64-bit keys serves every element type.
#pragma once

#include <bit>
#include <utility>

#include <wick/backend/sort_key.hpp>
#include <wick/backend/thrust/policy.hpp>
#include <wick/calls/lines.hpp>
#include <wick/core/tensor.hpp>

#if defined(__CUDACC__)
#include <cub/device/device_radix_sort.cuh>
#else
#include <thrust/sort.h>
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// Element i of all lines, one line after another: its key, and i itself.
template <class T>
struct SortKeys {
  LinesShape s;
  bool descending;
  T const* x;
  std::uint64_t* keys;
  std::int64_t* order;

  constexpr void operator()(std::int64_t i) const {
    keys[i] = sort_key(x[s.start(i / s.n) + i % s.n * s.inner], descending);
    order[i] = i;
  }
};
/// The line of each element.
struct SortLines {
  std::int64_t n;
  std::int64_t const* order;
  std::uint64_t* keys;

  constexpr void operator()(std::int64_t i) const { keys[i] = static_cast<std::uint64_t>(order[i] / n); }
};
/// The wanted places of the sorted lines.
template <class T>
struct SortedPlaces {
  LinesShape s;
  std::int64_t first, count;
  T const* x;
  std::int64_t const* order;
  T* y;
  std::int64_t* index;

  constexpr void operator()(std::int64_t i) const {
    LinesShape const to{s.outer, count, s.inner};
    std::int64_t const line = i / count, k = i % count, from = order[line * s.n + first + k] - line * s.n, at = to.start(line) + k * s.inner;
    y[at] = x[s.start(line) + from * s.inner];
    index[at] = from;
  }
};

#if defined(__CUDACC__)

/// Sorts keys, which differ in their lowest `bits` only, and with them what stands beside them; equal keys keep their order.
/// CUB's sort: it takes its memory from us, and no more digits than there are.
template <class Key, class Value>
void sort_pairs(Device device, Tensor<Key>& keys, Tensor<Value>& values, int bits) {
  require_cuda(device);
  std::int64_t const n = keys.numel();
  cuda_::DeviceGuard const guard(device.number());
  Tensor<Key> other_keys(Tensor<Key>::uninitialized, Dims(n), device);
  Tensor<Value> other_values(Tensor<Value>::uninitialized, Dims(n), device);
  auto* const key = const_cast<Key*>(std::as_const(keys).data());
  auto* const value = const_cast<Value*>(std::as_const(values).data());
  auto* const other_key = const_cast<Key*>(std::as_const(other_keys).data());
  cub::DoubleBuffer<Key> all_keys(key, other_key);
  cub::DoubleBuffer<Value> all_values(value, const_cast<Value*>(std::as_const(other_values).data()));
  std::size_t bytes = 0;
  cuda_::throw_on_error("sort", cub::DeviceRadixSort::SortPairs(nullptr, bytes, all_keys, all_values, n, 0, bits, current_stream()));
  Tensor<std::uint8_t> const scratch(Tensor<std::uint8_t>::uninitialized, Dims(static_cast<std::int64_t>(bytes)), device);
  auto* const room = const_cast<std::uint8_t*>(scratch.data());
  cuda_::throw_on_error("sort", cub::DeviceRadixSort::SortPairs(room, bytes, all_keys, all_values, n, 0, bits, current_stream()));
  cuda_::launched();
  if (all_keys.Current() == other_key) std::swap(keys, other_keys);
  if (all_values.Current() != value) std::swap(values, other_values);
}

#else

/// Thrust's stable sort, as a launch.
template <class Key, class Value>
struct SortOnProcessor {
  Key* key;
  Value* value;
  std::int64_t n;
  void operator()() const { thrust::stable_sort_by_key(on_processor, key, key + n, value); }
};
template <class Key, class Value>
void sort_pairs(Device, Tensor<Key>& keys, Tensor<Value>& values, int) {
  launch_on_processor(SortOnProcessor<Key, Value>{const_cast<Key*>(std::as_const(keys).data()), const_cast<Value*>(std::as_const(values).data()), keys.numel()});
}

#endif

/// The call `Sort`: whole lines are sorted, also where few places are wanted.
template <class T>
void sort(Device device, LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, T const* x, T* y, std::int64_t* index) {
  std::int64_t const total = s.lines() * s.n;
  if (s.lines() * count == 0) return;
  Tensor<std::uint64_t> keys(Tensor<std::uint64_t>::uninitialized, Dims(total), device);
  Tensor<std::int64_t> order(Tensor<std::int64_t>::uninitialized, Dims(total), device);
  auto const key = [&] { return const_cast<std::uint64_t*>(std::as_const(keys).data()); };
  for_each_position(device, total, SortKeys<T>{s, descending, x, key(), const_cast<std::int64_t*>(std::as_const(order).data())});
  sort_pairs(device, keys, order, Half<T> ? 16 : static_cast<int>(8 * sizeof(SortKey<T>)));
  if (s.lines() > 1) {
    for_each_position(device, total, SortLines{s.n, std::as_const(order).data(), key()});
    sort_pairs(device, keys, order, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(s.lines() - 1))));
  }
  for_each_position(device, s.lines() * count, SortedPlaces<T>{s, first, count, x, std::as_const(order).data(), y, index});
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
