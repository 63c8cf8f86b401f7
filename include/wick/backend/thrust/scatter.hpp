// SPDX-License-Identifier: MIT
// Rows added to picked rows on devices: the indices are sorted first, so each row of the target finds its terms side by side
// and adds them in their order. No two threads write the same element, and the bits are those of a loop over the terms.
#pragma once

#include <wick/backend/thrust/element_kernels.hpp>
#include <wick/backend/thrust/sort.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// An index as a key, and its place; one that is out of range gets the key behind the last row, and is reported.
struct RowKey {
  std::int64_t extent;
  std::int64_t const* index;
  std::uint64_t* keys;
  std::int64_t* order;
  IndexCheck check;

  constexpr void operator()(std::int64_t k) const {
    keys[k] = static_cast<std::uint64_t>(check.inside(index[k], extent) ? index[k] : extent);
    order[k] = k;
  }
};
/// One element of the target.
template <class T>
struct ScatterRowsElement {
  RowsShape s;
  T const* g;
  std::uint64_t const* keys;
  std::int64_t const* order;
  T* x;

  constexpr void operator()(std::int64_t i) const {
    std::int64_t const inner = i % s.inner, row = i / s.inner % s.extent, o = i / s.inner / s.extent;
    std::int64_t low = 0, high = s.count;
    while (low < high) {
      std::int64_t const middle = (low + high) / 2;
      if (keys[middle] < static_cast<std::uint64_t>(row)) low = middle + 1;
      else high = middle;
    }
    compute_t<T> sum = 0;
    for (; low < s.count && keys[low] == static_cast<std::uint64_t>(row); ++low) sum += g[(o * s.count + order[low]) * s.inner + inner];
    x[i] = static_cast<T>(sum);
  }
};

template <class T>
void scatter_add_rows(Device device, RowsShape const& s, T const* g, std::int64_t const* index, T* x) {
  Tensor<std::uint64_t> keys(Tensor<std::uint64_t>::uninitialized, Dims(s.count), device);
  Tensor<std::int64_t> order(Tensor<std::int64_t>::uninitialized, Dims(s.count), device);
  for_each_position(device, s.count, RowKey{s.extent, index, const_cast<std::uint64_t*>(std::as_const(keys).data()),
                                            const_cast<std::int64_t*>(std::as_const(order).data()), IndexCheck::on(device)});
  if (s.count > 1) sort_pairs(device, keys, order, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(s.extent))));
  for_each_position(device, s.outer * s.extent * s.inner, ScatterRowsElement<T>{s, g, std::as_const(keys).data(), std::as_const(order).data(), x});
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
