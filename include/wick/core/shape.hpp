// SPDX-License-Identifier: MIT
// Extents: known when compiling (Shape<2, Dyn, 3>), known when running (Dims), and how memory follows them (Layout).
#pragma once

#include <concepts>
#include <initializer_list>
#include <ostream>
#include <type_traits>

#include <wick/base/error.hpp>

WICK_PRECISE_BEGIN
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
  static constexpr std::int64_t extents[std::size_t{rank + 1}] = {N..., 1};
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

namespace core {
/// First member of an options struct whose fields are sizes: they are given by name, and `{2, 1}` is a size, never options.
struct FieldsByName {
  explicit FieldsByName() = default;
};
}  // namespace core

/// Dimensions an operation works on; negative ones count from the end.
class Axes : public IntList {
 public:
  using IntList::IntList;
};

/// The extents of a tensor at run time. Prints as `(2, 3)`.
class Dims : public IntList {
 public:
  using IntList::IntList;

  /// Number of elements. Throws Error when 64 bits do not hold it.
  constexpr std::int64_t numel() const {
    if (size() == 1) return (*this)[0];  // most small statements
    std::int64_t n = 1;
    bool overflows = false;
    for (std::int64_t extent : *this) overflows |= __builtin_mul_overflow(n, extent, &n);
    if (overflows) [[unlikely]]
      return numel_with_zero();
    return n;
  }

  friend std::ostream& operator<<(std::ostream& out, Dims const& dims) {
    out << '(';
    for (int i = 0; i < dims.size(); ++i) out << (i ? ", " : "") << std::to_string(dims[i]);  // in every locale alike
    return out << (dims.size() == 1 ? ",)" : ")");
  }

 private:
  // The extents before a 0 may be as large as they like.
  WICK_COLD constexpr std::int64_t numel_with_zero() const {
    for (std::int64_t extent : *this)
      if (extent == 0) return 0;
    fail("a tensor of shape ", *this, " has too many elements");
  }
};

/// Distances between neighbours along each dimension, in elements.
class Strides : public IntList {
 public:
  using IntList::IntList;
};

/// The most elements that a shape may have, where an extent of 0 counts as 1: no stride and no size in bytes comes near
/// to what 64 bits hold, whatever the order of the extents and wherever a 0 stands.
inline constexpr std::int64_t max_numel = std::int64_t{1} << 58;

[[noreturn]] WICK_COLD inline void fail_extents(Dims const& dims, int axis, char const* operation) {
  if (dims[axis] < 0) fail("an extent must not be negative, but dimension ", axis, " of ", dims, " is");
  fail(operation, *operation ? ": " : "", "a tensor of shape ", dims, " has too many elements");
}

/// Number of elements of a shape, an extent of 0 counted as 1; also the strides that they have in row-major order. Throws
/// Error for a negative extent, and for more than `max_numel`. Whatever makes a shape out of numbers asks here: layouts,
/// broadcasting, files.
constexpr std::int64_t checked_extents(Dims const& dims, Strides* row_major = nullptr, char const* operation = "") {
  std::int64_t step = 1;
  for (int i = dims.size() - 1; i >= 0; --i) {
    if (row_major) (*row_major)[i] = step;
    std::int64_t const extent = dims[i];
    if ((step | extent) >> 31) [[unlikely]]  // also of a negative one
      if (extent < 0 || (extent > 1 && step > max_numel / extent)) fail_extents(dims, i, operation);
    step *= extent > 0 ? extent : 1;
  }
  return step;
}

/// Size in bytes of `count` elements of `size` bytes. Throws Error when it is no number of 63 bits. Every block of memory
/// is asked for through this function.
constexpr std::size_t checked_bytes(std::int64_t count, std::int64_t size) {
  std::int64_t bytes = 0;
  if (count < 0 || __builtin_mul_overflow(count, size, &bytes)) [[unlikely]]
    fail("allocate: no memory for ", count, " elements of ", size, " bytes");
  return static_cast<std::size_t>(bytes);
}

/// Extents and strides of elements in memory.
struct Layout {
  Dims shape;
  Strides strides;
  bool contiguous = true;  ///< elements follow one another in row-major order

  constexpr Layout() = default;
  /// Row-major. Throws Error for a negative extent or more than `max_numel` elements.
  constexpr explicit Layout(Dims const& extents) : shape(extents) {
    strides.resize(extents.size());
    checked_extents(extents, &strides);
  }
  /// Any strides. Throws Error as above.
  constexpr Layout(Dims const& extents, Strides const& steps) : shape(extents), strides(steps) {
    if (extents.size() != steps.size())
      fail("a layout of ", extents.size(), " dimensions needs as many strides, but has ", steps.size());
    checked_extents(extents);
    contiguous = row_major();
  }

  constexpr int rank() const { return shape.size(); }
  constexpr std::int64_t numel() const { return shape.numel(); }
  /// Throws Error when elements lie further apart than `max_numel`.
  constexpr void check_reach() const {
    std::int64_t reach = 0;
    for (int i = 0; i < rank(); ++i) {
      std::int64_t const steps = shape[i] > 0 ? shape[i] - 1 : 0, apart = steps > 0 ? max_numel / steps : max_numel;
      if (steps > 0 && (strides[i] < -apart || strides[i] > apart || (reach += steps * (strides[i] < 0 ? -strides[i] : strides[i])) > max_numel))
        fail("a stride of ", strides[i], " is too long for dimension ", i, " of shape ", shape);
    }
  }
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
    else if (__builtin_mul_overflow(known, dims[i], &known))
      fail(operation, ": ", target, " has too many elements");
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
WICK_PRECISE_END
