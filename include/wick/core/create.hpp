// SPDX-License-Identifier: MIT
// Tensors from nothing: nested lists, constants, ranges.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <wick/core/fixed.hpp>
#include <wick/core/random.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace core {
template <class T>
T* fresh_data(Tensor<T>& x) {
  return const_cast<T*>(std::as_const(x).data());
}
}  // namespace core

/// Uninitialised elements (torch.empty).
template <class T>
Tensor<T> empty(Dims const& shape) {
  return {Tensor<T>::uninitialized, shape};
}
/// All elements equal to `value` (torch.full).
template <class T, class Isa = IsaTag>
Tensor<T> full(Dims const& shape, T value) {
  Tensor<T> x(Tensor<T>::uninitialized, shape);
  if constexpr (ElementTraits<T>::planes == 1)
    std::fill_n(core::fresh_data(x), x.numel(), value);
  else
    for (std::int64_t i = 0; i < x.numel(); ++i)
      ElementTraits<T>::store(const_cast<base_t<T>*>(std::as_const(x).data()) + i, x.plane_stride(), value);
  return x;
}
/// The same of a number of another type: `full<float>({2}, 1)`. Throws Error when T is an integer type that cannot hold it.
template <class T, Arithmetic N, class Isa = IsaTag>
  requires(!std::is_same_v<T, N>)
Tensor<T> full(Dims const& shape, N value) { return full<T>(shape, static_cast<T>(number_as<T>("full", value))); }
/// All elements 0 (torch.zeros).
template <class T, class Isa = IsaTag>
Tensor<T> zeros(Dims const& shape) { return full<T>(shape, T(0)); }
/// All elements 1 (torch.ones).
template <class T, class Isa = IsaTag>
Tensor<T> ones(Dims const& shape) { return full<T>(shape, T(1)); }
/// 0s with the shape of x, where it is (torch.zeros_like).
template <class T, class E, class Isa = IsaTag>
Tensor<T> zeros_like(Tensor<T, E> const& x) { return zeros<T>(x.shape()).to(x.device()); }
/// 1s with the shape of x, where it is (torch.ones_like).
template <class T, class E, class Isa = IsaTag>
Tensor<T> ones_like(Tensor<T, E> const& x) { return ones<T>(x.shape()).to(x.device()); }

/// start, start + step, ... before stop (torch.arange). Throws Error when step is 0 or points away from stop, and when the
/// numbers are too many.
template <class T, class Isa = IsaTag>
Tensor<T> arange(T start, T stop, T step = T(1)) {
  if (step == T(0) || (stop != start && (stop > start) != (step > T(0))))
    fail("arange: from ", start, " to ", stop, " there is no way in steps of ", step);
  auto const counted = [&](auto steps) {
    if (!(steps <= static_cast<decltype(steps)>(max_numel))) fail("arange: from ", start, " to ", stop, " in steps of ", step, " are too many numbers");
    return static_cast<std::int64_t>(steps);
  };
  std::int64_t count = 0;
  if constexpr (std::is_integral_v<T>) {  // exact, also where a double is not
    auto const distance = [](T from, T to) { return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from); };
    if (stop != start) {
      std::uint64_t const span = stop > start ? distance(start, stop) : distance(stop, start);
      std::uint64_t const stride = step > T(0) ? static_cast<std::uint64_t>(step) : -static_cast<std::uint64_t>(step);
      count = counted((span - 1) / stride + 1);
    }
  } else {
    count = counted(std::ceil((static_cast<double>(stop) - static_cast<double>(start)) / static_cast<double>(step)));
  }
  Tensor<T> x(Tensor<T>::uninitialized, Dims(count));
  for (std::int64_t i = 0; i < count; ++i) {
    T& value = core::fresh_data(x)[i];
    if constexpr (std::is_integral_v<T>)  // i * step may be beyond T where the sum is not
      value = static_cast<T>(static_cast<std::uint64_t>(start) + static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(step));
    else
      value = static_cast<T>(start + static_cast<T>(i) * step);
  }
  return x;
}
template <class T, class Isa = IsaTag>
Tensor<T> arange(T stop) { return arange<T>(T(0), stop); }
/// `count` numbers from start to stop, both included; whole numbers are rounded towards 0 (torch.linspace).
template <class T, class Isa = IsaTag>
Tensor<T> linspace(T start, T stop, std::int64_t count) {
  Tensor<T> x(Tensor<T>::uninitialized, Dims(count));
  std::int64_t const last = count > 1 ? count - 1 : 1;
  for (std::int64_t i = 0; i < count; ++i) {
    T& value = core::fresh_data(x)[i];
    if constexpr (std::is_integral_v<T>) {
      __extension__ using Wide = __int128;
      value = static_cast<T>((static_cast<Wide>(start) * (last - i) + static_cast<Wide>(stop) * i) / last);
    } else {
      T const step = count > 1 ? (stop - start) / static_cast<T>(last) : T(0);
      value = i < (last + 1) / 2 ? start + step * static_cast<T>(i) : stop - step * static_cast<T>(last - i);
    }
  }
  return x;
}
/// 1 on the diagonal, 0 elsewhere (torch.eye).
template <class T, class Isa = IsaTag>
Tensor<T> eye(std::int64_t n) {
  Tensor<T> x = zeros<T>({n, n});
  for (std::int64_t i = 0; i < n; ++i) core::fresh_data(x)[i * (n + 1)] = T(1);
  return x;
}
/// The same as a Fixed<T, N, N>.
template <class T, std::int64_t N>
constexpr Fixed<T, N, N> eye() {
  Fixed<T, N, N> x;
  for (std::int64_t i = 0; i < N; ++i) x.data()[i * (N + 1)] = T(1);
  return x;
}

namespace core {
template <class T>
struct NestedList {
  static constexpr int depth = 0;
  using Element = T;
};
template <class T>
struct NestedList<std::initializer_list<T>> {
  static constexpr int depth = 1 + NestedList<T>::depth;
};
template <class T>
struct NestedList<std::vector<T>> {
  static constexpr int depth = 1 + NestedList<T>::depth;
  using Element = typename NestedList<T>::Element;
};
template <class List>
void measure(List const& list, Dims& shape, int level) {
  auto const n = static_cast<std::int64_t>(list.size());
  if (level == shape.size()) shape.push_back(n);
  else if (shape[level] != n)
    fail("tensor: the nested lists differ in length: dimension ", level, " has ", shape[level], " and ", n, " elements");
  if constexpr (NestedList<List>::depth > 1)
    for (auto const& part : list) measure(part, shape, level + 1);
}
template <class T, class Isa = IsaTag, class List>
void collect(List const& list, T*& out) {
  if constexpr (NestedList<List>::depth > 1)
    for (auto const& part : list) collect(part, out);
  else
    for (T const& value : list) *out++ = value;
}
template <class T, class Isa = IsaTag, class List>
Tensor<T> from_lists(List const& list) {
  Dims shape;
  measure(list, shape, 0);
  Tensor<T> x(Tensor<T>::uninitialized, shape);
  T* out = fresh_data(x);
  collect(list, out);
  return x;
}
}  // namespace core

/// A tensor from (nested) lists of numbers: `tensor({{1., 2.}, {3., 4.}})` (torch.tensor). Throws Error when inner
/// lists differ in length.
template <class T, class Isa = IsaTag>
Tensor<T> tensor(std::initializer_list<T> list) { return core::from_lists<T>(list); }
template <class T, class Isa = IsaTag>
Tensor<T> tensor(std::initializer_list<std::initializer_list<T>> list) { return core::from_lists<T>(list); }
template <class T, class Isa = IsaTag>
Tensor<T> tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> list) {
  return core::from_lists<T>(list);
}
template <class T, class Isa = IsaTag>
Tensor<T> tensor(std::initializer_list<std::initializer_list<std::initializer_list<std::initializer_list<T>>>> list) {
  return core::from_lists<T>(list);
}
/// A tensor from a vector of numbers, or a vector of vectors.
template <class T, class Isa = IsaTag>
auto tensor(std::vector<T> const& list) { return core::from_lists<typename core::NestedList<T>::Element>(list); }
/// A tensor of no dimensions.
template <class T>
  requires(Arithmetic<T>)
Tensor<T> tensor(T value) { return Tensor<T>(value); }

/// Uniform on [0, 1) (torch.rand).
template <class T, class Isa = IsaTag>
Tensor<T> rand(Dims const& shape) {
  Tensor<T> x(Tensor<T>::uninitialized, shape);
  default_generator().uniform(core::fresh_data(x), x.numel());
  return x;
}
/// Normal with mean 0 and deviation 1 (torch.randn).
template <class T, class Isa = IsaTag>
Tensor<T> randn(Dims const& shape) {
  Tensor<T> x(Tensor<T>::uninitialized, shape);
  default_generator().normal(core::fresh_data(x), x.numel());
  return x;
}

}  // namespace wick
WICK_PRECISE_END
