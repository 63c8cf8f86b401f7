// SPDX-License-Identifier: MIT
// Every elementwise operation against its definition, whatever the layout; the tables are made elsewhere.
#include "elementwise.hpp"

#include <doctest/doctest.h>

namespace conformance {

namespace {

/// SIMD against one element at a time, in units of the last place: exact (for 16 bits: one, since what differs by a little
/// as a float may round to neighbours), except where the operation says that it may
/// differ (docs/math_error.md: AVX-512 has tables and scales in one step; and a compiler may contract a * b + c).
Bound host_bound(Elementwise const& op, Dtype dtype) {
  if (dtype == Dtype::float16 || dtype == Dtype::bfloat16) return {op.cheap ? 0.0 : 1.0, 0};
  return {op.ulp, op.absolute};
}
/// The same for a GPU, which contracts a * b + c in other places than the host's compiler, or where that one may not.
Bound simd_bound(Elementwise const& op, Dtype dtype) {
  Bound bound = host_bound(op, dtype);
  if (tested_device().kind() != wick::Device::Kind::cuda || op.cheap) return bound;
  bound.ulp = std::max(bound.ulp, dtype == Dtype::float32 || dtype == Dtype::float64 ? 4.0 : 1.0);
  bound.absolute = std::max(bound.absolute, dtype == Dtype::float32 ? 1e-7 : dtype == Dtype::float64 ? 2e-16 : 0.0);
  return bound;
}

Dtype dtype_of_argument(Elementwise const& op, int k, Dtype dtype) {
  return op.arity == 3 && k == 0 ? Dtype::bool_ : dtype;
}

Input input(Elementwise const& op, int k, Dtype dtype, Placement const& placement) {
  bool const integer = !is_floating(dtype);
  bool const division = op.low > 0;
  double const low = integer ? (division ? 1 : -4) : op.low, high = integer ? 4 : op.high;
  return {
      sample(placement.layout.shape, dtype_of_argument(op, k, dtype), low, high, static_cast<unsigned>(k) + 7, true),
      placement};
}

void compare(Elementwise const& op, Dtype dtype, std::vector<Input> const& inputs, std::string const& what) {
  std::string const wrong = difference(op.compute(inputs), op.define(inputs), simd_bound(op, dtype));
  CHECK_MESSAGE(wrong.empty(), std::string(op.name) << ", " << what << ": " << wrong);
}

}  // namespace

void check_elementwise(std::vector<Elementwise> const& table, Dtype dtype) {
  CHECK(table.size() > 20);
  for (Elementwise const& op : table) {
    auto const run = [&](std::vector<Placement> const& arguments, std::string const& what) {
      std::vector<Input> inputs;
      for (int k = 0; k < op.arity; ++k) inputs.push_back(input(op, k, dtype, arguments[static_cast<std::size_t>(k)]));
      compare(op, dtype, inputs, what);
    };
    // Sizes that end before, at and behind a register, a block of the loop, and the work of one thread.
    for (std::int64_t n : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1023, 1025, 40000})
      run(std::vector<Placement>(3, placements(Dims(n))[0]), "size " + std::to_string(n));
    run(std::vector<Placement>(3, placements(Dims())[0]), "no dimensions");

    for (Dims const& shape : {Dims(0), Dims(1), Dims(37), Dims(3, 0), Dims(1, 1), Dims(5, 19), Dims(2, 3, 17),
                              Dims(1, 9, 1), Dims(2, 1, 4, 33)}) {
      std::vector<Placement> const all = placements(shape);
      for (std::size_t p = 0; p < all.size(); ++p)
        run({all[p], all[(p * 5 + 1) % all.size()], all[(p * 3 + 2) % all.size()]}, all[p].name);
      // Into every kind of target; what lies between its elements stays.
      for (Placement const& target : all) {
        std::vector<Input> inputs;
        for (int k = 0; k < op.arity; ++k) inputs.push_back(input(op, k, dtype, all[0]));
        Values const want = op.define(inputs);
        Values block{Dims(target.size), std::vector<double>(static_cast<std::size_t>(target.size), untouched),
                     want.dtype};
        std::vector<std::int64_t> const at = offsets(target);
        for (std::size_t i = 0; i < at.size(); ++i) block.data[static_cast<std::size_t>(at[i])] = want.data[i];
        std::string const wrong = difference(op.write(inputs, target), block, simd_bound(op, dtype));
        CHECK_MESSAGE(wrong.empty(), std::string(op.name)
                                         << " into a target that lies " << target.name << ": " << wrong);
      }
    }
    if (op.arity == 1) continue;
    struct Shapes {
      Dims first, second;
    };
    for (Shapes const& s : {Shapes{{5, 19}, {19}},
                            {{5, 19}, {5, 1}},
                            {{5, 19}, {1, 1}},
                            {{5, 19}, {}},
                            {{5, 1}, {1, 19}},
                            {{3, 1, 5}, {4, 1}},
                            {{3, 0}, {1}},
                            {{0, 4}, {1, 4}},
                            {{2, 3, 4}, {3, 1}},
                            {{1}, {33}},
                            {{}, {1}},
                            {{2, 1, 2, 1, 2}, {3, 1, 3, 1}}}) {
      for (bool swapped : {false, true}) {
        std::vector<Placement> const a = placements(swapped ? s.second : s.first),
                                     b = placements(swapped ? s.first : s.second);
        for (std::size_t p = 0; p < std::max(a.size(), b.size()); ++p) {
          Placement const &x = a[p % a.size()], &y = b[(p * 3 + 1) % b.size()];
          std::ostringstream what;
          what << x.layout.shape << " " << x.name << " with " << y.layout.shape << " " << y.name;
          if (op.arity == 2)
            run({x, y, y}, what.str());
          else
            run({y, x, y}, what.str()), run({x, y, y}, what.str()), run({y, y, x}, what.str());
        }
      }
    }
  }
}

}  // namespace conformance
