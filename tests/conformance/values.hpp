// SPDX-License-Identifier: MIT
// What the conformance tests compare: elements of any type as doubles, and where operands lie in memory. Nothing here
// is a template, so that it is compiled once, however many operations there are.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>
#include <wick/core/dtype.hpp>
#include <wick/core/shape.hpp>

WICK_PRECISE_BEGIN  // also with -ffast-math a test means what it says

namespace conformance {

using wick::Dims;
using wick::Dtype;
using wick::Layout;
using wick::Strides;

/// Elements in row-major order. (Integers of the tests are small enough for a double.)
struct Values {
  Dims shape;
  std::vector<double> data;
  Dtype dtype = Dtype::float64;
};

/// True for the types of floating-point numbers.
inline bool is_floating(Dtype dtype) { return dtype >= Dtype::float16 && dtype <= Dtype::float64; }
/// `x` as the nearest number of a type.
inline double rounded(double x, Dtype dtype) {
  if (dtype == Dtype::float16) return wick::float16(x);
  if (dtype == Dtype::bfloat16) return wick::bfloat16(x);
  return dtype == Dtype::float32 ? static_cast<float>(x) : x;
}

/// How far two numbers of a type lie apart, in steps between neighbouring representable ones; NaNs are equal.
inline double ulps(double a, double b, Dtype dtype) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : 1e30;
  if (a == b) return 0;
  auto const distance = []<class Bits>(Bits p, Bits q) {
    auto const order = [](Bits x) { return x < 0 ? std::int64_t{std::numeric_limits<Bits>::min()} - x : std::int64_t{x}; };
    auto const low = static_cast<std::uint64_t>(std::min(order(p), order(q)));
    return static_cast<double>(static_cast<std::uint64_t>(std::max(order(p), order(q))) - low);
  };
  if (dtype == Dtype::float32)
    return distance(std::bit_cast<std::int32_t>(static_cast<float>(a)),
                    std::bit_cast<std::int32_t>(static_cast<float>(b)));
  auto const bits16 = [](auto x) { return std::bit_cast<std::int16_t>(x.bits); };
  if (dtype == Dtype::float16) return distance(bits16(wick::float16(a)), bits16(wick::float16(b)));
  if (dtype == Dtype::bfloat16) return distance(bits16(wick::bfloat16(a)), bits16(wick::bfloat16(b)));
  if (dtype == Dtype::float64) return distance(std::bit_cast<std::int64_t>(a), std::bit_cast<std::int64_t>(b));
  return 1e30;
}

/// How much two results may differ: in units of the last place, or absolutely.
struct Bound {
  double ulp = 0, absolute = 0;
  bool holds(double got, double want, Dtype dtype) const {
    return ulps(got, want, dtype) <= ulp || (std::isfinite(got) && std::abs(got - want) <= absolute);
  }
};

/// Empty when the two agree; else a sentence about the first element that does not.
inline std::string difference(Values const& got, Values const& want, Bound const& bound) {
  std::ostringstream out;
  out.precision(17);
  if (!(got.shape == want.shape)) {
    out << "the shape is " << got.shape << " and should be " << want.shape;
    return out.str();
  }
  if (got.dtype != want.dtype) {
    out << "the element type is " << name(got.dtype) << " and should be " << name(want.dtype);
    return out.str();
  }
  for (std::size_t i = 0; i < want.data.size(); ++i) {
    if (bound.holds(got.data[i], want.data[i], got.dtype)) continue;
    out << "element " << i << " is " << got.data[i] << " and should be " << want.data[i] << " ("
        << ulps(got.data[i], want.data[i], got.dtype) << " ulp) in a " << name(got.dtype) << " result of shape "
        << got.shape;
    return out.str();
  }
  return {};
}

/// Where the elements of a tensor lie inside a block of `size` elements.
struct Placement {
  std::string name;
  Layout layout;
  std::int64_t offset = 0, size = 0;
};

/// The ways a tensor of this shape may lie: row-major, off by one element, transposed, with gaps, backwards.
inline std::vector<Placement> placements(Dims const& shape) {
  std::vector<Placement> found;
  std::int64_t const n = shape.numel();
  int const rank = shape.size();
  Layout const rows(shape);
  auto const strides_times = [&](std::int64_t factor) {
    Strides s;
    for (int d = 0; d < rank; ++d) s.push_back(rows.strides[d] * factor);
    return s;
  };
  found.push_back({"contiguous", rows, 0, n});
  found.push_back({"unaligned", rows, 1, n + 1});
  if (rank >= 1) {
    found.push_back({"every third", Layout(shape, strides_times(3)), 2, 3 * n + 2});
    found.push_back({"backwards", Layout(shape, strides_times(-1)), n > 0 ? n - 1 : 0, n});
    found.push_back({"every second, backwards", Layout(shape, strides_times(-2)), n > 0 ? 2 * n - 1 : 0, 2 * n});
  }
  if (rank >= 2) {
    Strides columns;  // the first dimension varies fastest
    columns.resize(rank);
    std::int64_t step = 1;
    for (int d = 0; d < rank; ++d) columns[d] = step, step *= shape[d] > 0 ? shape[d] : 1;
    found.push_back({"transposed", Layout(shape, columns), 0, n});
    Strides mixed = rows.strides;  // rows backwards, with a gap after each
    std::int64_t const width = shape[rank - 1] + 3;
    step = width;
    for (int d = rank - 2; d >= 0; --d) mixed[d] = step, step *= shape[d] > 0 ? shape[d] : 1;
    mixed[0] = -mixed[0];
    found.push_back(
        {"rows with gaps, backwards", Layout(shape, mixed), shape[0] > 0 ? -mixed[0] * (shape[0] - 1) : 0, step});
  }
  return found;
}

/// The offset of each element of a layout, in row-major order.
inline std::vector<std::int64_t> offsets(Placement const& placement) {
  Dims const& shape = placement.layout.shape;
  std::vector<std::int64_t> result;
  Dims at = shape;
  for (int d = 0; d < at.size(); ++d) at[d] = 0;
  for (std::int64_t left = shape.numel(); left > 0; --left) {
    std::int64_t offset = placement.offset;
    for (int d = 0; d < shape.size(); ++d) offset += at[d] * placement.layout.strides[d];
    result.push_back(offset);
    for (int d = shape.size() - 1; d >= 0; --d) {
      if (++at[d] < shape[d]) break;
      at[d] = 0;
    }
  }
  return result;
}

/// An operand: its elements, and how they lie.
struct Input {
  Values values;
  Placement placement;
};

/// Reproducible numbers spread over [low, high], with special ones between them for floating types; whole numbers for
/// integers, 0 and 1 for bool.
inline Values sample(Dims const& shape, Dtype dtype, double low, double high, unsigned seed, bool specials) {
  Values v{shape, {}, dtype};
  std::uint64_t state = seed * 2654435761u + 12345;
  static double const special[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.0,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN(),
                                   1e-30,
                                   300.0,
                                   -300.0};
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double const unit = static_cast<double>(state >> 40) / static_cast<double>(1 << 24);
    double x = low + (high - low) * unit;
    if (dtype == Dtype::bool_)
      x = unit < 0.5 ? 0 : 1;
    else if (!is_floating(dtype))
      x = std::floor(low + (high - low + 1) * unit);
    else if (specials && (state >> 33) % 5 == 0)
      x = special[(state >> 20) % 10];
    v.data.push_back(rounded(x, dtype));
  }
  return v;
}

}  // namespace conformance
WICK_PRECISE_END
