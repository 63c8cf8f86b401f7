// SPDX-License-Identifier: MIT
// What a kernel does to the elements that it has just finished, while they are in the cache.
#pragma once

#include <cstdint>

#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// The activations that kernels of devices know.
enum class Activation : std::uint8_t { none, relu, gelu_tanh };

/// What kernels of devices do to an element before they store it: they add a bias, then take the activation.
template <class T>
struct KnownEpilogue {
  T const* bias = nullptr;  ///< a number for each column of a product, or each output channel of a convolution; null: none
  Activation activation = Activation::none;

  explicit operator bool() const { return bias || activation != Activation::none; }
};

/// Called by a kernel exactly once for every finished row segment of its output: `values` holds n finished elements of
/// output row `row`, columns [column, column + n), in place and still in cache. Segments of different rows or columns
/// may be reported by several threads at once.
template <class T>
struct Epilogue {
  void (*run)(void* context, std::int64_t row, std::int64_t column, std::int64_t n, T* values) = nullptr;
  void* context = nullptr;

  void operator()(std::int64_t row, std::int64_t column, std::int64_t n, T* values) const {
    if (run && n > 0) run(context, row, column, n, values);
  }
  /// What a kernel of a device is to do: there nothing is called, and the context is a KnownEpilogue.
  KnownEpilogue<T> known() const { return context && !run ? *static_cast<KnownEpilogue<T> const*>(context) : KnownEpilogue<T>{}; }
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
