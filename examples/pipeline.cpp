// SPDX-License-Identifier: MIT
// The statement that docs/architecture.md follows, stage by stage.
#include <iostream>
#include <type_traits>
#include <wick/tensor.hpp>
using namespace wick;

int main() {
  // [begin pipeline]
  Tensor<float> a = tensor({1.f, 2.f, 3.f}), b = a + 1, c = a * 10;

  auto formula = a * b + c;  // operator* -> map<Mul> -> Map, operator+ -> map<Add> -> Map
  using T = Tensor<float>;
  static_assert(std::is_same_v<decltype(formula), Map<Add, Map<Mul, T, T>, T>>);

  using L = Leaf<float>;  // what the kernel is compiled for
  static_assert(std::is_same_v<structure_t<decltype(formula)>, Apply<Add, Apply<Mul, L, L>, L>>);

  Tensor<float> y = formula;  // assign -> compute_into -> run_plain -> launch_dense -> MapKernel::run
  std::cout << name(plan_of(formula)) << " " << y << "\n";  // -> contiguous tensor([12., 26., 42.])

  Tensor<float> wide = zeros<float>({3, 2});
  wide(Slice(), 0) = formula;  // ... -> run_plain -> run_loop -> launch -> Segment::run -> MapKernel::run
  // [end pipeline]
  return wide(2, 0).item() == 42 ? 0 : 1;
}
