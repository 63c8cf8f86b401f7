// SPDX-License-Identifier: MIT
// A write that nobody could see: to an unnamed tensor, or through a const one. Each writes another type, by which the
// message is known.
// EXPECT: writes to a tensor without a name
// EXPECT: refuse_unnamed(\(\) \[with F = |<)int
// EXPECT: refuse_unnamed(\(\) \[with F = |<)float
// EXPECT: refuse_unnamed(\(\) \[with F = |<)double
// EXPECT: refuse_unnamed(\(\) \[with F = |<)(const )?wick::Tensor
// EXPECT: refuse_unnamed(\(\) \[with F = |<)bool
#include <wick/wick.hpp>

using namespace wick;

void control_and_case(Tensor<double>& a, Tensor<double> const& b) {
  a[0][1] = 3;
  a(0)(1) += 3;
  a.view().t() = b;
#if !defined(WICK_CONTROL)
  b(0, 0) = 1;
  a.t() = 3.f;
  a.reshape({4}) += 1.;
  permute(a, {1, 0}) = b;
  auto part = a[0];
  part[1] = true;
#endif
}
