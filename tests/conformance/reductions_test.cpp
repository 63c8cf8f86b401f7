// SPDX-License-Identifier: MIT
// Every reduction against its definition, whatever the axes and the layout; the tables are made elsewhere.
#include "reductions.hpp"

#include <doctest/doctest.h>

using wick::Axes;

namespace conformance {

namespace {

/// Sums of n elements in another order: the engine's error grows with log n, that of the definition, computed in double
/// one after another, with sqrt n; near 0 an absolute one. Exact for the largest and smallest element, for integers and
/// for truth.
Bound bound_of(ReductionEntry const& op, Dtype dtype, std::int64_t n) {
  std::string const name = op.name;
  if (name == "max" || name == "min" || name == "any" || name == "all") return {};
  if (dtype == Dtype::float16 || dtype == Dtype::bfloat16) return {1, 1e-6 * std::sqrt(static_cast<double>(n))};  // a float, rounded
  bool const single = dtype == Dtype::float32;
  if (dtype != Dtype::float64 && !single) return {name == "mean" || name == "norm" ? 2.0 : 0.0, 0};
  double const epsilon = single ? 6e-8 : 1.2e-16, count = static_cast<double>(n);
  if (name == "prod") return {8 + count, 0};
  return {4 + (single ? std::log2(count + 1) : std::sqrt(count)), 16 * epsilon * std::sqrt(count)};
}

// Numbers whose product neither overflows nor vanishes in any order; specials in a third of the other tests.
Values elements(ReductionEntry const& op, Dims const& shape, Dtype dtype, bool specials) {
  bool const product = std::string(op.name) == "prod";
  bool const integer = !is_floating(dtype);
  if (product && integer) {
    Values v = sample(shape, dtype, 1, 1, 1, false);
    for (std::size_t i = 0; i < v.data.size(); i += 17)
      v.data[i] = dtype == Dtype::bool_ || i > 17 * 30 ? 1 : i % 2 ? -1 : 2;
    return v;
  }
  return sample(shape, dtype, product ? 0.9 : integer ? -4 : -2, product ? 1.1 : integer ? 5 : 3, 11, specials && !product);
}

std::vector<Axes> all_axes(int rank) {
  std::vector<Axes> found{Axes()};
  for (unsigned mask = 1; mask < 1u << rank; ++mask) {
    Axes axes;
    for (int d = 0; d < rank; ++d)
      if (mask >> d & 1) axes.push_back(d % 2 ? d : d - rank);  // also counted from the end
    found.push_back(axes);
  }
  return found;
}

}  // namespace

void check_reductions(std::vector<ReductionEntry> const& table, Dtype dtype) {
  CHECK(table.size() == 8);
  for (ReductionEntry const& op : table) {
    auto const check = [&](Input const& input, Axes const& axes, bool keepdim) {
      Dims const& shape = input.placement.layout.shape;
      std::int64_t const results = op.needs_elements && shape.numel() == 0 ? -1 : 0;
      std::ostringstream what;
      what << op.name << " of " << shape << " (" << input.placement.name << ") over";
      for (auto a : axes) what << ' ' << a;
      if (axes.empty()) what << " everything";
      if (results < 0) {
        bool empty_axis = axes.empty();
        for (auto a : axes) empty_axis |= shape[a < 0 ? static_cast<int>(a) + shape.size() : static_cast<int>(a)] == 0;
        if (empty_axis) {
          CHECK_THROWS_AS_MESSAGE(op.compute(input, axes, keepdim), wick::Error, what.str());
          return;
        }
      }
      std::string const wrong = difference(op.compute(input, axes, keepdim), op.define(input, axes, keepdim),
                                           bound_of(op, dtype, shape.numel()));
      CHECK_MESSAGE(wrong.empty(), what.str() << ": " << wrong);
    };
    for (std::int64_t n : {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129, 1023, 1025, 70001})
      check({elements(op, Dims(n), dtype, n < 100 && n % 3 == 0), placements(Dims(n))[0]}, Axes(), false);
    check({elements(op, Dims(), dtype, false), placements(Dims())[0]}, Axes(), false);

    bool keepdim = false;
    for (Dims const& shape : {Dims(5, 19), Dims(1, 7), Dims(7, 1), Dims(2, 3, 17), Dims(3, 1, 33), Dims(0, 4),
                              Dims(4, 0), Dims(2, 3, 4, 5), Dims(70, 600)})
      for (Placement const& placement : placements(shape)) {
        Input const input{elements(op, shape, dtype, shape.numel() % 2 == 1), placement};
        for (Axes const& axes : all_axes(shape.size())) {
          check(input, axes, keepdim);
          keepdim = !keepdim;
          if (!op.of_formula || axes.empty() || (op.needs_elements && shape.numel() == 0) ||
              std::string(op.name) == "prod")
            continue;
          std::string const wrong =
              difference(op.of_formula(input, axes), op.by_hand(input, axes), bound_of(op, dtype, shape.numel()));
          CHECK_MESSAGE(wrong.empty(), std::string(op.name), " of a formula: ", wrong);
        }
      }
  }
}

}  // namespace conformance
