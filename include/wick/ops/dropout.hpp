// SPDX-License-Identifier: MIT
// Dropout: its mask is computed from the counter-based generator wherever it is needed, and never stored.
#pragma once

#include <wick/base/philox.hpp>
#include <wick/ops/arithmetic.hpp>
#include <wick/ops/random.hpp>

WICK_PRECISE_BEGIN
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
  RandomStart start;

  Dims const& shape() const { return layout.shape; }

  /// What elements are computed from, without the shape.
  struct Source {
    double p;
    RandomStart start;
  };
  static void describe(void const* mask, void* out) {
    auto const& self = *static_cast<DropoutMask const*>(mask);
    Source const source{self.p, self.start};
    std::memcpy(out, &source, sizeof source);
  }
  /// The random words of elements 4 i ... 4 i + 3, in row-major order.
  static constexpr std::array<std::uint32_t, 4> words(Source const& s, std::int64_t i) {
    return s.p <= 0 ? std::array<std::uint32_t, 4>{} : s.start.words(i);
  }
  /// Element `at`, from the words of its block.
  static constexpr T element(Source const& s, std::array<std::uint32_t, 4> const& words, std::int64_t at) {
    return s.p <= 0 ? T(1) : Generator::word(words, static_cast<int>(at % 4)) < threshold_of(s.p) ? T(0) : scale_of(s.p);
  }
  static constexpr T element(Source const& s, std::int64_t at) { return element(s, words(s, at / 4), at); }

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
      for (; i < n && (offset + i) % 4 != 0; ++i) values[i] = element({self.p, self.start}, offset + i);
      constexpr std::int64_t group = 4 * philox_lanes, most = 16 * group;
      std::uint32_t bits[most];
      while (i + group <= n) {
        std::int64_t const count = std::min(most, (n - i) / group * group);
        for (std::int64_t k = 0; k < count; k += group)
          philox_batch(self.start.place.seed, self.start.place.position + static_cast<std::uint64_t>((offset + i + k) / 4), bits + k);
        // Compared as signed numbers, for which every processor has an instruction.
        auto const with_sign = [](std::uint32_t x) { return static_cast<std::int32_t>(x ^ 0x80000000u); };
        for (std::int64_t k = 0; k < count; ++k) values[i + k] = with_sign(bits[k]) < with_sign(threshold) ? T(0) : scale;
        i += count;
      }
    }
    for (; i < n; ++i) values[i] = element({self.p, self.start}, offset + i * stride);
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
  DropoutMask<value_t<decltype(operand(x))>> mask{Layout(shape), training ? p : 0.0, {}};
  if (mask.p > 0) mask.start = RandomStart::next(shape.numel(), detail::device_of(operand(x)));
  return operand(x) * mask;
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
