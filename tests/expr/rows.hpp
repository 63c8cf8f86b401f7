// SPDX-License-Identifier: MIT
// What row formulas mean, a row at a time in double.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>
#include <wick/tensor.hpp>

namespace rows {

using namespace wick;

using Row = std::vector<double>;

/// Applies `row_function` to each row along `axis` of x and compares with `found`.
template <class T>
void check_rows(Tensor<T> const& found, Tensor<T> const& x, int axis, double error,
                std::function<Row(Row)> const& row_function) {
  REQUIRE(found.shape() == x.shape());
  Layout const layout = x.layout();
  std::int64_t const width = x.size(axis);
  for (std::int64_t i = 0; i < x.numel() / std::max<std::int64_t>(1, width); ++i) {
    std::int64_t from = 0, to = 0, rest = i;
    for (int d = x.dim() - 1; d >= 0; --d) {
      if (d == axis) continue;
      from += rest % x.size(d) * layout.strides[d], to += rest % x.size(d) * found.strides()[d];
      rest /= x.size(d);
    }
    Row row;
    for (std::int64_t k = 0; k < width; ++k)
      row.push_back(static_cast<double>(x.data()[from + k * layout.strides[axis]]));
    Row const expected = row_function(row);
    for (std::int64_t k = 0; k < width; ++k) {
      double const have = static_cast<double>(found.data()[to + k * found.strides()[axis]]),
                   want = expected[static_cast<std::size_t>(k)];
      if (std::isnan(want))
        REQUIRE(std::isnan(have));
      else if (std::isinf(want))
        REQUIRE(have == want);
      else
        REQUIRE(std::fabs(have - want) <= error * std::max(1., std::fabs(want)));
    }
  }
}

inline double largest(Row const& r) {
  double m = -INFINITY;
  for (double v : r) m = v > m || std::isnan(v) ? v : m;
  return m;
}
inline Row softmax_row(Row r) {
  double const m = largest(r);
  double total = 0;
  for (double& v : r) total += v = std::exp(v - m);
  for (double& v : r) v /= total;
  return r;
}
inline Row log_softmax_row(Row r) {
  double const m = largest(r);
  double total = 0;
  for (double v : r) total += std::exp(v - m);
  for (double& v : r) v = v - m - std::log(total);
  return r;
}
inline Row layer_norm_row(Row r) {
  double centre = 0, spread = 0;
  for (double v : r) centre += v / static_cast<double>(r.size());
  for (double v : r) spread += (v - centre) * (v - centre) / static_cast<double>(r.size());
  for (double& v : r) v = (v - centre) / std::sqrt(spread + 1e-5);
  return r;
}
inline auto after(Row (*f)(Row), double (*inner)(double)) {
  return [=](Row r) {
    for (double& v : r) v = inner(v);
    return f(std::move(r));
  };
}

}  // namespace rows
