// SPDX-License-Identifier: MIT
// An element type that counts how often memory is read and written.
#pragma once

#include <vector>
#include <wick/tensor.hpp>

namespace counting {

/// A number that reports to `Watch` when it is copied out of watched memory, or written there.
class Counted {
 public:
  Counted() = default;
  Counted(double value) : value_(value) {}
  Counted(Counted const& other);
  Counted& operator=(Counted const& other);
  double value() const { return value_; }

  friend Counted operator+(Counted const& a, Counted const& b) { return a.value_ + b.value_; }
  friend Counted operator-(Counted const& a, Counted const& b) { return a.value_ - b.value_; }
  friend Counted operator*(Counted const& a, Counted const& b) { return a.value_ * b.value_; }
  friend Counted operator-(Counted const& a) { return -a.value_; }
  friend Counted exp(Counted const& a) { return std::exp(a.value_); }

 private:
  double value_ = 0;
};

/// The elements of one tensor, and how often each was read and written while this object lived.
class Watch {
 public:
  explicit Watch(wick::Tensor<Counted> const& x)
      : first_(x.data()), reads(static_cast<std::size_t>(x.numel())), writes(reads) {
    all().push_back(this);
  }
  ~Watch() { std::erase(all(), this); }
  static std::vector<Watch*>& all() {
    static std::vector<Watch*> watches;
    return watches;
  }
  static void report(Counted const* at, bool write) {
    for (Watch* w : all())
      if (at >= w->first_ && at < w->first_ + w->reads.size())
        ++(write ? w->writes : w->reads)[static_cast<std::size_t>(at - w->first_)];
  }
  bool read_each(int times) const { return every(reads, times); }
  bool written_each(int times) const { return every(writes, times); }

 private:
  static bool every(std::vector<int> const& counts, int times) {
    for (int count : counts)
      if (count != times) return false;
    return true;
  }
  Counted const* first_;

 public:
  std::vector<int> reads, writes;
};

inline Counted::Counted(Counted const& other) : value_(other.value_) { Watch::report(&other, false); }
inline Counted& Counted::operator=(Counted const& other) {
  Watch::report(&other, false);
  Watch::report(this, true);
  value_ = other.value_;
  return *this;
}

/// Small whole numbers.
inline wick::Tensor<Counted> counted(wick::Dims const& shape) {
  wick::Tensor<Counted> x = wick::empty<Counted>(shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = Counted(static_cast<double>(i % 7) - 3);
  return x;
}

}  // namespace counting
