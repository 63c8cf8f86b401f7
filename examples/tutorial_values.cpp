// SPDX-License-Identifier: MIT
// The tutorial's first part: tensors are values.
// [begin hello]
#include <iostream>
#include <wick/wick.hpp>
using namespace wick;
// [end hello]

int main() {
  // [begin create]
  Tensor<float> x = tensor({1.f, 2.f, 3.f});           // from a list
  Tensor<double> m = tensor({{1., 2.}, {3., 4.}});     // from lists of lists
  Tensor<float> z = zeros<float>({2, 3});              // also ones, full, empty, eye
  Tensor<double> r = arange<double>(0, 1, 0.25);       // also linspace
  Tensor<float> noise = randn<float>({2, 3});          // also rand; manual_seed(1) starts the stream anew
  std::cout << x << "\n";                              // -> tensor([1., 2., 3.])
  std::cout << r << "\n";                              // -> tensor([0.0000, 0.2500, 0.5000, 0.7500], dtype=float64)
  std::cout << z.shape() << " " << m.numel() << "\n";  // -> (2, 3) 4
  // [end create]

  // [begin index]
  float last = x(-1).item();  // one number
  z(0, Slice()) = x;          // row 0
  z(1, Slice(0, 3, 2)) = 5;   // row 1, columns 0 and 2
  z[1] += 1;                  // z[i] is z(i): a part of the first dimension
  std::cout << last << " " << z << "\n";
  // -> 3 tensor([[1., 2., 3.],
  // ->         [6., 1., 6.]])
  std::cout << z(Ellipsis, newaxis, -1).shape() << "\n";  // -> (2, 1)
  // [end index]

  // [begin copies]
  Tensor<float> a = x;                 // cheap: both hold the same memory until one is written
  a[0] = 100;                          // the first write through a shared handle copies
  std::cout << x << " " << a << "\n";  // -> tensor([1., 2., 3.]) tensor([100.,   2.,   3.])

  Tensor<double> n = m.t();             // the transpose shares memory too
  n(0, 1) = 30;                         // and is just as independent
  std::cout << m(1, 0).item() << "\n";  // -> 3
  // [end copies]

  // [begin views]
  double memory[6] = {1, 2, 3, 4, 5, 6};   // somebody else's memory
  View<double> view(memory, {2, 3});       // no copy, no ownership
  view = view * 10;                        // writes the memory
  View<double> column = view(Slice(), 1);  // a part of it
  column = 0;
  std::cout << memory[0] << " " << memory[1] << " " << memory[4] << "\n";  // -> 10 0 0

  for (float& element : x.view().flat()) element += 1;  // a loop over all elements, whatever the shape
  std::cout << x << "\n";                               // -> tensor([2., 3., 4.])

  Tensor<double> table = zeros<double>({2, 3});
  auto v = table.view<2>();  // for a loop by hand: ownership and rank are settled here, access costs what a raw pointer costs
  for (std::int64_t i = 0; i < v.size(0); ++i)
    for (std::int64_t j = 0; j < v.size(1); ++j) v(i, j) = 10. * i + j;
  for (auto row : table.view()) row += 1;  // each row is a view as well
  std::cout << table << "\n";
  // -> tensor([[ 1.,  2.,  3.],
  // ->         [11., 12., 13.]], dtype=float64)
  // [end views]

  // [begin fixed]
  Fixed<double, 2, 2> f = {1, 2, 3, 4};       // no heap; all extents are part of the type
  Fixed<double, 2, 2> g = matmul(f, f) + 1;   // unrolled
  Fixed<double, 2> u = matmul(f.t(), f[0]);   // rows are Fixed tensors as well
  f(Slice(), 1) = u;                          // writes a column
  for (auto row : f) std::cout << row[0] << " " << row[1] << "; ";
  std::cout << g(1, 1) << "\n";  // -> 1 7; 3 10; 23
  // [end fixed]

  // [begin errors]
  try {
    matmul(zeros<float>({2, 3}), zeros<float>({4, 5}));
  } catch (Error const& error) {
    std::cout << error.what() << "\n";
    // -> matmul: (2, 3) and (4, 5) do not fit: dimension 1 of the first is 3, dimension 0 of the second is 4
  }
  // [end errors]
  return noise.numel() == 6 ? 0 : 1;
}
