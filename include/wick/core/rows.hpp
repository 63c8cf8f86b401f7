// SPDX-License-Identifier: MIT
// Iterators: over the parts of a tensor along its first dimension, and over elements that lie in equal steps.
#pragma once

#include <compare>
#include <iterator>

#include <wick/core/index.hpp>

WICK_PRECISE_BEGIN
namespace wick::core {

/// Walks along the first dimension of X: `*it` is x[i]. Where X is a View it refers to the elements, else it is a value.
template <class X>
class RowIterator {
 public:
  using value_type = decltype(std::declval<X const&>()[Index(0)]);
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  RowIterator() = default;
  RowIterator(X const& x, std::int64_t position) : x_(&x), position_(position) {}
  value_type operator*() const { return (*x_)[Index(position_)]; }
  RowIterator& operator++() {
    ++position_;
    return *this;
  }
  RowIterator operator++(int) { return {*x_, position_++}; }
  friend bool operator==(RowIterator const& a, RowIterator const& b) { return a.position_ == b.position_; }

 private:
  X const* x_ = nullptr;
  std::int64_t position_ = 0;
};
/// How many parts a loop over x visits. Throws Error when it has no dimensions.
inline std::int64_t row_count(Dims const& shape) {
  if (shape.empty()) fail("begin: a tensor of no dimensions has no parts to walk over; item() gives its number");
  return shape[0];
}

/// Random access to elements that lie in equal steps.
template <class T>
class StridedIterator {
 public:
  using value_type = std::remove_const_t<T>;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using pointer = T*;
  using iterator_category = std::random_access_iterator_tag;

  StridedIterator() = default;
  StridedIterator(T* first, std::int64_t stride, std::int64_t position) : first_(first), stride_(stride), position_(position) {}
  T& operator*() const { return first_[position_ * stride_]; }
  T* operator->() const { return &**this; }
  T& operator[](std::ptrdiff_t n) const { return first_[(position_ + n) * stride_]; }
  StridedIterator& operator++() { return *this += 1; }
  StridedIterator& operator--() { return *this -= 1; }
  StridedIterator operator++(int) { return {first_, stride_, position_++}; }
  StridedIterator operator--(int) { return {first_, stride_, position_--}; }
  StridedIterator& operator+=(std::ptrdiff_t n) {
    position_ += n;
    return *this;
  }
  StridedIterator& operator-=(std::ptrdiff_t n) { return *this += -n; }
  friend StridedIterator operator+(StridedIterator it, std::ptrdiff_t n) { return it += n; }
  friend StridedIterator operator+(std::ptrdiff_t n, StridedIterator it) { return it += n; }
  friend StridedIterator operator-(StridedIterator it, std::ptrdiff_t n) { return it -= n; }
  friend std::ptrdiff_t operator-(StridedIterator const& a, StridedIterator const& b) { return a.position_ - b.position_; }
  friend bool operator==(StridedIterator const& a, StridedIterator const& b) { return a.position_ == b.position_; }
  friend auto operator<=>(StridedIterator const& a, StridedIterator const& b) { return a.position_ <=> b.position_; }

 private:
  T* first_ = nullptr;
  std::int64_t stride_ = 0, position_ = 0;  // positions, not addresses: a step of 0 ends too
};

}  // namespace wick::core
WICK_PRECISE_END
