// SPDX-License-Identifier: MIT
// The last columns of a product where they are too few to fill a register: then the registers hold rows, or pieces of
// the depth, and a column costs a fraction of what a whole panel would.
#pragma once

#include <optional>
#include <wick/backend/cpu/gemm_pack.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// sums[i] = the sum over k < depth of a(i, k) * x[k], for the rows of a packed stripe.
template <class T>
WICK_NOINLINE void stripe_times_vector(std::int64_t depth, PackedStripe<T> const& a, T const* x, T* sums) {
  constexpr std::int64_t rows = Tile<T>::rows;
#if WICK_VECTORS
  if constexpr (Lane<T>) {
    constexpr std::int64_t chains = 4;
    typedef T Rows __attribute__((vector_size(rows * sizeof(T))));
    Rows sum[chains] = {};
    std::int64_t k = 0;
    for (; k + chains <= depth; k += chains) {
      WICK_UNROLL for (std::int64_t q = 0; q < chains; ++q) {
        Rows column;
        std::memcpy(&column, &a(0, k + q), sizeof column);
        sum[q] += column * x[k + q];
      }
    }
    for (; k < depth; ++k) {
      Rows column;
      std::memcpy(&column, &a(0, k), sizeof column);
      sum[0] += column * x[k];
    }
    sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    std::memcpy(sums, &sum[0], sizeof sum[0]);
    return;
  }
#endif
  for (std::int64_t i = 0; i < rows; ++i) sums[i] = T(0);
  for (std::int64_t k = 0; k < depth; ++k)
    for (std::int64_t i = 0; i < rows; ++i) sums[i] = static_cast<T>(sums[i] + a(i, k) * x[k]);
}

/// The same for a stripe whose rows are contiguous.
template <class T>
WICK_NOINLINE void stripe_times_vector(std::int64_t depth, DirectStripe<T> const& a, T const* x, T* sums) {
  using V = TileVector<T>;
  constexpr std::int64_t rows = Tile<T>::rows, lanes = V::lanes;
  typename V::Type sum[std::size_t{rows}];
  WICK_UNROLL for (std::int64_t i = 0; i < rows; ++i) sum[i] = V::splat(T(0));
  std::int64_t k = 0;
  for (; k + lanes <= depth; k += lanes) {
    auto const here = V::load(x + k);
    WICK_UNROLL for (std::int64_t i = 0; i < rows; ++i) sum[i] = V::fma(V::load(a.row[i] + k), here, sum[i]);
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    T total = V::sum(sum[i]);
    for (std::int64_t rest = k; rest < depth; ++rest) total = static_cast<T>(total + a.row[i][rest] * x[rest]);
    sums[i] = total;
  }
}

/// The columns that packed panels end with, when they are few: each as a vector along the depth.
template <class T>
class NarrowColumns {
 public:
  /// From panels of `columns` columns and `panel_stride` from one to the next; holds none when they fill the last panel
  /// well. `packed` says of which kind the stripes will be.
  NarrowColumns(T const* panels, std::int64_t panel_stride, std::int64_t depth, std::int64_t columns, bool packed)
      : depth_(depth), size_(columns % Tile<T>::columns) {
    // A panel of one register takes the time of 4 such columns for a packed stripe, and of 12 for rows as they lie.
    constexpr std::int64_t lanes = Tile<T>::lanes;
    if (lanes == 1 || size_ > std::min(lanes, packed ? std::int64_t{3} : std::int64_t{8})) size_ = 0;
    if (size_ == 0) return;
    T* const to = values_.emplace(size_ * depth).data();
    T const* const panel = panels + columns / Tile<T>::columns * panel_stride;
    for (std::int64_t k = 0; k < depth; ++k)
      for (std::int64_t j = 0; j < size_; ++j) to[j * depth + k] = panel[k * lanes + j];
  }
  std::int64_t size() const { return size_; }

  /// Column j of c, of `rows` rows `stride` apart, = (or += when `add`) the stripe times column j.
  template <class Stripe>
  void multiply(Stripe const& a, std::int64_t j, T* c, std::int64_t stride, std::int64_t rows, bool add) const {
    T sums[Tile<T>::rows];
    stripe_times_vector(depth_, a, values_->data() + j * depth_, sums);
    for (std::int64_t i = 0; i < rows; ++i) c[i * stride] = add ? static_cast<T>(c[i * stride] + sums[i]) : sums[i];
  }

 private:
  std::int64_t depth_, size_;
  std::optional<Scratch<T>> values_;
};

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
