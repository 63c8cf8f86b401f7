// SPDX-License-Identifier: MIT
// Dropout: its mask is computed from the counter-based generator wherever it is needed, and never stored.
#pragma once

#include <wick/base/philox.hpp>
#include <wick/core/graph.hpp>
#include <wick/core/random.hpp>
#include <wick/expr/assign.hpp>
#include <wick/ops/arithmetic.hpp>

namespace wick::inline WICK_ISA {

/// A tensor of 0 (with probability p) and 1 / (1 - p), made from a position in a random stream.
template <class T>
struct DropoutMask {
  using is_operand = void;
  using is_generated = void;
  using value_type = T;
  using extents_type = Dynamic;
  Layout layout;
  double p;
  std::uint64_t seed, position;
  /// A place in a random stream.
  struct Place {
    std::uint64_t seed, position;
  };
  Place const* live = nullptr;  ///< in a graph: where each run finds its place

  Dims const& shape() const { return layout.shape; }

  /// What elements are computed from, without the shape.
  struct Source {
    double p;
    std::uint64_t seed, position;
    Place const* live;
  };
  static void describe(void const* mask, void* out) {
    auto const& self = *static_cast<DropoutMask const*>(mask);
    Source const source{self.p, self.seed, self.position, self.live};
    std::memcpy(out, &source, sizeof source);
  }
  /// The element at place `at` in row-major order.
  static constexpr T element(Source const& s, std::int64_t at) {
    if (s.p <= 0) return T(1);
    Place const place = s.live ? *s.live : Place{s.seed, s.position};
    auto const bits = Generator::block(place.seed, place.position + static_cast<std::uint64_t>(at / 4));
    return bits[static_cast<std::size_t>(at % 4)] < threshold_of(s.p) ? T(0) : scale_of(s.p);
  }

  static void fetch(void const* mask, std::int64_t offset, std::int64_t stride, std::int64_t n, void* out) {
    auto const& self = *static_cast<DropoutMask const*>(mask);
    auto* const values = static_cast<T*>(out);
    if (self.p <= 0) {
      std::fill_n(values, n, T(1));
      return;
    }
    T const scale = scale_of(self.p);
    std::uint32_t const threshold = threshold_of(self.p);
    std::int64_t i = 0;
    if (stride == 1) {
      for (; i < n && (offset + i) % 4 != 0; ++i) values[i] = element({self.p, self.seed, self.position, nullptr}, offset + i);
      constexpr std::int64_t group = 4 * philox_lanes, most = 16 * group;
      std::uint32_t bits[most];
      while (i + group <= n) {
        std::int64_t const count = std::min(most, (n - i) / group * group);
        for (std::int64_t k = 0; k < count; k += group)
          philox_batch(self.seed, self.position + static_cast<std::uint64_t>((offset + i + k) / 4), bits + k);
        // Compared as signed numbers, for which every processor has an instruction.
        auto const with_sign = [](std::uint32_t x) { return static_cast<std::int32_t>(x ^ 0x80000000u); };
        for (std::int64_t k = 0; k < count; ++k) values[i + k] = with_sign(bits[k]) < with_sign(threshold) ? T(0) : scale;
        i += count;
      }
    }
    for (; i < n; ++i) values[i] = element({self.p, self.seed, self.position, nullptr}, offset + i * stride);
  }

 private:
  static constexpr T scale_of(double p) { return p < 1 ? static_cast<T>(1 / (1 - p)) : T(0); }
  static constexpr std::uint32_t threshold_of(double p) {
    double const most = p * 0x1p32;
    return static_cast<std::uint32_t>(most < 4294967295.0 ? most : 4294967295.0);
  }
};

template <class T>
LeafData leaf_data(DropoutMask<T> const& x) {
  return {&x, &x.layout};
}

/// x with each element zeroed with probability p and the others scaled by 1 / (1 - p); x itself when not training
/// (torch.nn.functional.dropout).
template <Formula X>
auto dropout(X const& x, double p = 0.5, bool training = true) {
  if (!(p >= 0 && p <= 1)) fail("dropout: the probability ", p, " is not between 0 and 1");
  Dims const shape = x.shape();
  DropoutMask<value_t<decltype(operand(x))>> mask{Layout(shape), training ? p : 0.0, 0, 0};
  if (mask.p > 0) {
    auto const next = [blocks = static_cast<std::uint64_t>(shape.numel() + 3) / 4] {
      Generator& generator = default_generator();
      std::uint64_t const seed = generator.seed();
      return typename DropoutMask<value_t<decltype(operand(x))>>::Place{seed, generator.reserve(blocks)};
    };
    if (core::capturing && detail::device_of(operand(x)) == core::capturing->device) [[unlikely]] {
      mask.live = core::replayed(next);
    } else {
      auto const place = next();
      mask.seed = place.seed, mask.position = place.position;
    }
  }
  return operand(x) * mask;
}

}  // namespace wick::inline WICK_ISA
