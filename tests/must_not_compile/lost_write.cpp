// SPDX-License-Identifier: MIT
// A write that nobody could see: to an unnamed tensor, or through a const one. Each writes another type, by which the
// message is known. And what would read outside of a View, or write elements where views were meant to be moved.
// EXPECT: takes as many positions as the View has dimensions
// EXPECT: a View that has a name is assigned one that has none, as std::swap
// EXPECT: writes to a tensor without a name
// EXPECT: refuse_unnamed(\(\) \[with F = |<)int
// EXPECT: refuse_unnamed(\(\) \[with F = |<)float
// EXPECT: refuse_unnamed(\(\) \[with F = |<)double
// EXPECT: refuse_unnamed(\(\) \[with F = |<)(const )?wick::Tensor
// EXPECT: refuse_unnamed(\(\) \[with F = |<)bool
#include <vector>
#include <wick/tensor.hpp>

using namespace wick;

void control_and_case(Tensor<double>& a, Tensor<double> const& b) {
  a[0][1] = 3;
  a(0)(1) += 3;
  a.view().t() = b;
  auto v = a.view<2>();
  std::vector<View<double>> rows(v.begin(), v.end());
  v(1, 2) = 1;
  swap(rows[0], rows[1]);
#if !defined(WICK_CONTROL)
  b(0, 0) = 1;
  a.t() = 3.f;
  a.reshape({4}) += 1.;
  permute(a, {1, 0}) = b;
  auto part = a[0];
  part[1] = true;
  v[5] = 1;
  std::swap(rows[0], rows[1]);
#endif
}
