// SPDX-License-Identifier: MIT
// Random numbers that are computed where they are needed: element i of a stream is a function of its place alone.
#pragma once

#include <wick/base/math.hpp>
#include <wick/core/create.hpp>
#include <wick/core/graph.hpp>
#include <wick/core/random.hpp>
#include <wick/expr/assign.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// A place in a random stream.
struct RandomPlace {
  std::uint64_t seed, position;
};
/// Where the elements of a tensor begin in a random stream: at a fixed place, or in a graph at one that each run has anew.
struct RandomStart {
  RandomPlace place{};
  RandomPlace const* live = nullptr;

  /// The four random words of elements 4 i ... 4 i + 3, in row-major order.
  constexpr std::array<std::uint32_t, 4> words(std::int64_t i) const {
    RandomPlace const from = live ? *live : place;
    return Generator::block(from.seed, from.position + static_cast<std::uint64_t>(i));
  }
  /// Sets `count` elements of the calling thread's stream aside, for a statement on `device`.
  static RandomStart next(std::int64_t count, Device device) {
    auto const take = [blocks = static_cast<std::uint64_t>(count + 3) / 4] {
      Generator& generator = default_generator();
      std::uint64_t const seed = generator.seed();
      return RandomPlace{seed, generator.reserve(blocks)};
    };
    if (core::capturing && device == core::capturing->device) [[unlikely]] return {{}, core::replayed(take)};
    return {take(), nullptr};
  }
};

namespace detail {
struct UniformLaw {
  template <class T>
  static constexpr T value(std::array<std::uint32_t, 4> const& words, std::int64_t at) {
    return Generator::uniform_value<T>(words, at);
  }
};
struct NormalLaw {
  struct Functions {
    WICK_FN static double sqrt(double x) { return math::sqrt(x); }
    WICK_FN static double log(double x) { return math::log(x); }
    WICK_FN static double cos(double x) { return math::cos(x); }
    WICK_FN static double sin(double x) { return math::sin(x); }
  };
  template <class T>
  static constexpr T value(std::array<std::uint32_t, 4> const& words, std::int64_t at) {
    int const first = static_cast<int>(at % 4) & ~1;
    auto const pair = Generator::normal_pair<Functions>(Generator::word(words, first), Generator::word(words, first + 1));
    return static_cast<T>(at & 1 ? pair[1] : pair[0]);
  }
};
}  // namespace detail

/// A tensor of random numbers that lies nowhere.
template <class T, class Law>
struct RandomValues {
  using is_operand = void;
  using is_generated = void;
  using value_type = T;
  using extents_type = Dynamic;
  using Source = RandomStart;
  Layout layout;
  RandomStart start;

  Dims const& shape() const { return layout.shape; }
  static void describe(void const* values, void* out) { std::memcpy(out, &static_cast<RandomValues const*>(values)->start, sizeof(Source)); }
  static constexpr std::array<std::uint32_t, 4> words(Source const& s, std::int64_t i) { return s.words(i); }
  static constexpr T element(Source const&, std::array<std::uint32_t, 4> const& words, std::int64_t at) { return Law::template value<T>(words, at); }
  static constexpr T element(Source const& s, std::int64_t at) { return element(s, s.words(at / 4), at); }
  static void fetch(void const* values, std::int64_t offset, std::int64_t stride, std::int64_t n, void* out) {
    auto const& self = *static_cast<RandomValues const*>(values);
    for (std::int64_t i = 0; i < n; ++i) static_cast<T*>(out)[i] = element(self.start, offset + i * stride);
  }
};
template <class T, class Law>
LeafData leaf_data(RandomValues<T, Law> const& x) {
  return {&x, &x.layout};
}

namespace detail {
template <class Law, class T>
Tensor<T> random_on(char const* name, Dims const& shape, Device device) {
  core::current_statement = name;
  Tensor<T> x(Tensor<T>::uninitialized, shape, device);
  RandomValues<T, Law> const values{Layout(shape), RandomStart::next(shape.numel(), device)};
  compute_into<T>(core::fresh_data(x), 0, x.layout(), values, device);
  return x;
}
}  // namespace detail

/// Uniform on [0, 1), computed on `device` (torch.rand): the same numbers as on the CPU.
template <class T>
Tensor<T> rand(Dims const& shape, Device device) {
  if (device.kind() == Device::Kind::cpu) return rand<T>(shape);
  return detail::random_on<detail::UniformLaw, T>("rand", shape, device);
}
/// Normal with mean 0 and deviation 1, computed on `device` (torch.randn): the same numbers as on the CPU, to the last bit but
/// one of a double.
template <class T>
Tensor<T> randn(Dims const& shape, Device device) {
  if (device.kind() == Device::Kind::cpu) return randn<T>(shape);
  return detail::random_on<detail::NormalLaw, T>("randn", shape, device);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
