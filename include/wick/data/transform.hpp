// SPDX-License-Identifier: MIT
// What happens to the bytes of a sample on their way into a tensor: ToTensor, Normalize, and chains of transforms.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>
#include <wick/base/config.hpp>
#include <wick/base/error.hpp>

namespace wick::inline WICK_ISA {
namespace data {

/// y = x * scale + shift. Kept in double, so that a chain of them folds into one without losing a bit of float.
struct Affine {
  double scale = 1;
  double shift = 0;

  /// First this, then `next`.
  constexpr Affine then(Affine next) const { return {scale * next.scale, shift * next.scale + next.shift}; }

  /// Writes `in[i] * scale + shift` to `out[i]`; `in` may be `out`. The one place where this arithmetic stands.
  template <class In>
  void operator()(In const* in, float* out, std::size_t count) const {
    float const a = static_cast<float>(scale), b = static_cast<float>(shift);
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]) * a + b;
  }
};

/// A transform that is a multiplication and an addition: chains of them are computed in one pass over the bytes.
template <class T>
concept AffineTransform = requires(T const& transform) {
  { transform.affine() } -> std::convertible_to<Affine>;
};

/// A transform of any other kind: a callable that changes the floats of one sample in place.
template <class T>
concept RowTransform = std::invocable<T const&, std::span<float>> && std::copy_constructible<T>;

/// Bytes 0 to 255 become floats 0 to 1 (torchvision's ToTensor). Every chain starts with it, said or not.
struct ToTensor {
  constexpr Affine affine() const { return {}; }
};

/// (x - mean) / std, for values that ToTensor has brought to 0 to 1 (torchvision's Normalize for one channel).
class Normalize {
 public:
  /// Throws `Error` unless `std` is a positive number.
  Normalize(float mean, float std) : mean_(mean), std_(std) {
    if (!(std > 0)) fail("Normalize: std is ", std, ", expected a positive number");
  }
  Affine affine() const { return {1.0 / static_cast<double>(std_), -static_cast<double>(mean_) / static_cast<double>(std_)}; }

 private:
  float mean_, std_;
};

/// A chain of transforms as a value: from the bytes of a sample to the floats of a tensor row.
/// Affine transforms fold into the conversion from bytes; others run after it, in the order given.
class Transform {
 public:
  /// Bytes to [0, 1], nothing else.
  Transform() = default;

  /// A chain of one.
  template <class T>
  requires(AffineTransform<T> || RowTransform<T>)
      Transform(T transform) {  // implicit: `.transform = Normalize(0.5f, 0.5f)`
    if constexpr (AffineTransform<T>) {
      affine_ = transform.affine();
    } else {
      steps_.emplace_back(std::move(transform));
    }
  }

  /// This chain, then `next`.
  Transform then(Transform const& next) const {
    Transform chain = *this;
    if (chain.steps_.empty()) {
      chain.affine_ = chain.affine_.then(next.affine_);
    } else if (next.affine_.scale != 1 || next.affine_.shift != 0) {
      chain.steps_.emplace_back(
          [affine = next.affine_](std::span<float> row) { affine(row.data(), row.data(), row.size()); });
    }
    chain.steps_.insert(chain.steps_.end(), next.steps_.begin(), next.steps_.end());
    return chain;
  }

  /// The floats of one sample from its bytes, rounded once: what ToTensor and the chain give. Throws `Error` when the
  /// lengths differ, and whatever a transform throws.
  void operator()(std::span<std::uint8_t const> bytes, std::span<float> row) const {
    if (bytes.size() != row.size())
      fail("Transform: ", bytes.size(), " bytes do not fill a row of ", row.size(), " floats");
    Affine{1.0 / 255, 0}.then(affine_)(bytes.data(), row.data(), row.size());
    for (auto const& step : steps_) step(row);
  }

 private:
  Affine affine_;
  std::vector<std::function<void(std::span<float>)>> steps_;
};

/// The transforms one after another, as one (torchvision's Compose): `Compose(ToTensor(), Normalize(0.5f, 0.5f), f)`.
class Compose : public Transform {
 public:
  template <class... Transforms>
  requires(std::convertible_to<Transforms, Transform>&&...) explicit Compose(Transforms... transforms) {
    Transform& chain = *this;
    ((chain = chain.then(std::move(transforms))), ...);
  }
};

}  // namespace data
}  // namespace wick::inline WICK_ISA
