// SPDX-License-Identifier: MIT
// NumPy broadcasting: extents when running, extents policies when compiling.
#pragma once

#include <utility>

#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// The shape that `a` and `b` broadcast to. Throws Error naming `operation`, both shapes and the dimension at fault, or that
/// there would be too many elements.
constexpr Dims broadcast(char const* operation, Dims const& a, Dims const& b) {
  int const rank = a.size() > b.size() ? a.size() : b.size();
  Dims result;
  result.resize(rank);
  for (int i = 0; i < rank; ++i) {
    int const ia = i - (rank - a.size()), ib = i - (rank - b.size());
    std::int64_t const na = ia >= 0 ? a[ia] : 1, nb = ib >= 0 ? b[ib] : 1;
    if (na != nb && na != 1 && nb != 1)
      fail(operation, ": ", a, " and ", b, " do not broadcast: dimension ", ia, " of the first is ", na, ", dimension ",
           ib, " of the second is ", nb);
    result[i] = na == 1 ? nb : na;
  }
  checked_extents(result, nullptr, operation);
  return result;
}

/// Strides with which elements of `layout` are read as if they had shape `target` (0 where they repeat).
constexpr Layout broadcast_to(Layout const& layout, Dims const& target) {
  Layout result;
  result.shape = target;
  int const offset = target.size() - layout.rank();
  for (int i = 0; i < target.size(); ++i) {
    bool const repeats = i < offset || (layout.shape[i - offset] == 1 && target[i] != 1);
    result.strides.push_back(repeats ? 0 : layout.strides[i - offset]);
  }
  result.contiguous = layout.contiguous && layout.shape == target;
  return result;
}

namespace core {

constexpr std::int64_t broadcast_extent(std::int64_t a, std::int64_t b) {
  if (a == b || b == 1) return a;
  if (a == 1) return b;
  if (a == Dyn) return b;
  if (b == Dyn) return a;
  return -2;
}

template <class A, class B>
struct BroadcastExtents {
  static constexpr int rank = A::rank > B::rank ? A::rank : B::rank;
  static constexpr std::int64_t at(int i) {
    int const ia = i - (rank - A::rank), ib = i - (rank - B::rank);
    return broadcast_extent(ia >= 0 ? A::extents[ia] : 1, ib >= 0 ? B::extents[ib] : 1);
  }
  template <class I>
  struct Make;
  template <std::size_t... I>
  struct Make<std::index_sequence<I...>> {
    static constexpr bool fits = ((at(static_cast<int>(I)) != -2) && ...);
    static auto make() {
      if constexpr (fits)
        return Shape<at(static_cast<int>(I))...>{};
      else
        return Dynamic{};
    }
  };
  using Made = Make<std::make_index_sequence<static_cast<std::size_t>(rank)>>;
  static constexpr bool fits = Made::fits;
  using type = decltype(Made::make());
};

template <class A, class B>
  requires(is_dynamic<A> || is_dynamic<B>)
struct BroadcastExtents<A, B> {
  static constexpr bool fits = true;
  using type = Dynamic;
};

}  // namespace core

/// True unless the extents known when compiling contradict each other.
template <class A, class B>
inline constexpr bool extents_broadcast = core::BroadcastExtents<A, B>::fits;

/// Extents policy of a formula over operands with policies `A` and `B`.
template <class A, class B>
using broadcast_extents_t = typename core::BroadcastExtents<A, B>::type;

}  // namespace wick
WICK_PRECISE_END
