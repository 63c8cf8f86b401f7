// SPDX-License-Identifier: MIT
// Extents: known when compiling (Shape<2, Dyn, 3>), known when running (Dims), and how memory follows them (Layout).
#pragma once

#include <concepts>
#include <initializer_list>
#include <ostream>
#include <type_traits>

#include <wick/base/error.hpp>

namespace wick {

/// An extent that is known only at run time.
inline constexpr std::int64_t Dyn = -1;

/// Extents policy: rank and extents are known at run time.
struct Dynamic {};

/// Extents policy: the rank is known when compiling, and each extent that is not `Dyn`.
template <std::int64_t... N>
struct Shape {
  static_assert(sizeof...(N) <= max_rank, "a tensor has at most 8 dimensions");
  static_assert(((N >= 0 || N == Dyn) && ...), "an extent is a number from 0, or Dyn");
  static constexpr int rank = sizeof...(N);
  static constexpr std::int64_t extents[rank + 1] = {N..., 1};
  static constexpr bool known = ((N != Dyn) && ...);
  static constexpr std::int64_t numel = known ? (std::int64_t{1} * ... * N) : Dyn;
};

template <class E>
inline constexpr bool is_dynamic = std::is_same_v<E, Dynamic>;
/// True when every extent is known when compiling.
template <class E>
inline constexpr bool extents_known = false;
template <std::int64_t... N>
inline constexpr bool extents_known<Shape<N...>> = Shape<N...>::known;

// Copies leave out what lies past the rank, and g++ then doubts the rest.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// A short list of integers (at most 8), kept inline.
class IntList {
 public:
  constexpr IntList() {
    if (std::is_constant_evaluated()) clear();
  }
  template <std::integral... I>
    requires(sizeof...(I) > 0 && sizeof...(I) <= max_rank)
  constexpr IntList(I... values) : rank_(sizeof...(I)) {
    if (std::is_constant_evaluated()) clear();
    int i = 0;
    ((values_[i++] = static_cast<std::int64_t>(values)), ...);
  }
  // Formulas copy lists a lot, and most of them are short.
  constexpr IntList(IntList const& other) : rank_(other.rank_) { take(other); }
  constexpr IntList& operator=(IntList const& other) {
    rank_ = other.rank_;
    take(other);
    return *this;
  }

  constexpr int size() const { return rank_; }
  constexpr bool empty() const { return rank_ == 0; }
  constexpr std::int64_t operator[](int i) const { return values_[i]; }
  constexpr std::int64_t& operator[](int i) { return values_[i]; }
  constexpr std::int64_t const* begin() const { return values_; }
  constexpr std::int64_t const* end() const { return values_ + rank_; }
  constexpr std::int64_t* begin() { return values_; }
  constexpr std::int64_t* end() { return values_ + rank_; }

  /// Appends a value; an Error says when there would be more than 8.
  constexpr void push_back(std::int64_t value) {
    if (rank_ == max_rank) fail("a tensor has at most ", max_rank, " dimensions");
    values_[rank_++] = value;
  }
  /// Makes the list shorter, or longer with zeros.
  constexpr void resize(int rank) {
    for (int i = rank_; i < rank; ++i, stay_scalar(i)) values_[i] = 0;
    rank_ = rank;
  }

  friend constexpr bool operator==(IntList const& a, IntList const& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.values_[i] != b.values_[i]) return false;
    return true;
  }

 protected:
  int rank_ = 0;
  std::int64_t values_[max_rank];  // those past the rank have no meaning

 private:
  // Keeps a loop over a few values a small loop: as vectors, or a call of memset, it is slower, and much code wherever a
  // tensor is copied.
  static constexpr void stay_scalar([[maybe_unused]] int& i) {
#if defined(__GNUC__)
    if (!std::is_constant_evaluated()) asm("" : "+r"(i));
#endif
  }
  // A constant has no indeterminate parts.
  constexpr void clear() {
    for (std::int64_t& value : values_) value = 0;
  }
  constexpr void take(IntList const& other) {
    if (std::is_constant_evaluated()) clear();
    if (rank_ > 0) values_[0] = other.values_[0];
    if (rank_ > 1) values_[1] = other.values_[1];
    for (int i = 2; i < rank_; ++i, stay_scalar(i)) values_[i] = other.values_[i];
    if (std::is_constant_evaluated())  // a constant has no indeterminate parts
      for (int i = rank_; i < max_rank; ++i) values_[i] = 0;
  }
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// Two numbers, height and width; one number means both.
struct IntPair {
  std::int64_t first, second;
  constexpr IntPair(std::integral auto both)
      : first(static_cast<std::int64_t>(both)), second(static_cast<std::int64_t>(both)) {}
  constexpr IntPair(std::integral auto a, std::integral auto b)
      : first(static_cast<std::int64_t>(a)), second(static_cast<std::int64_t>(b)) {}
};

/// Dimensions an operation works on; negative ones count from the end.
class Axes : public IntList {
 public:
  using IntList::IntList;
};

/// The extents of a tensor at run time. Prints as `(2, 3)`.
class Dims : public IntList {
 public:
  using IntList::IntList;

  /// Number of elements.
  constexpr std::int64_t numel() const {
    std::int64_t n = 1;
    for (std::int64_t extent : *this) n *= extent;
    return n;
  }

  friend std::ostream& operator<<(std::ostream& out, Dims const& dims) {
    out << '(';
    for (int i = 0; i < dims.size(); ++i) out << (i ? ", " : "") << dims[i];
    return out << (dims.size() == 1 ? ",)" : ")");
  }
};

/// Distances between neighbours along each dimension, in elements.
class Strides : public IntList {
 public:
  using IntList::IntList;
};

/// Extents and strides of elements in memory.
struct Layout {
  Dims shape;
  Strides strides;
  bool contiguous = true;  ///< elements follow one another in row-major order

  constexpr Layout() = default;
  /// Row-major. Throws Error for a negative extent or a number of elements past 2^62.
  constexpr explicit Layout(Dims const& extents) : shape(extents) {
    strides.resize(extents.size());
    std::int64_t step = 1;
    for (int i = extents.size() - 1; i >= 0; --i) {
      if (extents[i] < 0) fail("an extent must not be negative, but dimension ", i, " of ", extents, " is");
      strides[i] = step;
      if (((step | extents[i]) >> 31) && extents[i] > 1 && step > (std::int64_t{1} << 62) / extents[i])
        fail("a tensor of shape ", extents, " has too many elements");
      step *= extents[i] > 0 ? extents[i] : 1;
    }
  }
  constexpr Layout(Dims const& extents, Strides const& steps) : shape(extents), strides(steps) {
    if (extents.size() != steps.size())
      fail("a layout of ", extents.size(), " dimensions needs as many strides, but has ", steps.size());
    for (int i = 0; i < extents.size(); ++i)
      if (extents[i] < 0) fail("an extent must not be negative, but dimension ", i, " of ", extents, " is");
    contiguous = row_major();
  }

  constexpr int rank() const { return shape.size(); }
  constexpr std::int64_t numel() const { return shape.numel(); }
  constexpr bool row_major() const {
    std::int64_t step = 1;
    for (int i = shape.size() - 1; i >= 0; --i) {
      if (shape[i] == 0) return true;
      if (shape[i] != 1 && strides[i] != step) return false;
      step *= shape[i];
    }
    return true;
  }
};

/// The dimension that `axis` means in a tensor of this rank: negative ones count from the end.
constexpr int normalize_axis(char const* operation, std::int64_t axis, int rank) {
  std::int64_t const limit = rank > 0 ? rank : 1;  // a scalar accepts 0 and -1, as in PyTorch
  if (axis < -limit || axis >= limit)
    fail(operation, ": dimension ", axis, " is out of range for a tensor of ", rank, " dimensions (",
         -limit, " to ", limit - 1, ")");
  return static_cast<int>(axis < 0 ? axis + limit : axis);
}

/// The extents `target` means for a tensor of shape `from`; one of them may be -1. Throws Error when they do not fit.
constexpr Dims reshaped(char const* operation, Dims const& from, Dims const& target) {
  Dims dims = target;
  std::int64_t known = 1;
  int open = -1;
  for (int i = 0; i < dims.size(); ++i) {
    if (dims[i] == -1 && open < 0)
      open = i;
    else if (dims[i] < 0)
      fail(operation, ": ", target, " asks for a negative extent in dimension ", i);
    else
      known *= dims[i];
  }
  if (open >= 0 && known > 0 && from.numel() % known == 0) dims[open] = from.numel() / known;
  if ((open >= 0 && dims[open] < 0) || dims.numel() != from.numel())
    fail(operation, ": a tensor of shape ", from, " has ", from.numel(), " elements, which do not fill ", target);
  return dims;
}

/// Run-time extents of a policy whose extents are all known.
template <class E>
  requires(E::known)
constexpr Dims dims_of() {
  Dims dims;
  for (int i = 0; i < E::rank; ++i) dims.push_back(E::extents[i]);
  return dims;
}

/// Throws Error unless `dims` fits the extents policy `E`.
template <class E>
constexpr void check_extents(char const* operation, Dims const& dims) {
  if constexpr (!is_dynamic<E>) {
    if (dims.size() != E::rank)
      fail(operation, ": the target has ", E::rank, " dimensions, the value has shape ", dims);
    for (int i = 0; i < E::rank; ++i)
      if (E::extents[i] != Dyn && E::extents[i] != dims[i])
        fail(operation, ": dimension ", i, " of the target is ", E::extents[i], ", the value has shape ", dims);
  }
}

}  // namespace wick
