// SPDX-License-Identifier: MIT
// The page for simulation codes: a stencil with two buffers, memory of the caller's, edges for a neighbour process, and the
// gradient of a long run from a few kept states.
#include <algorithm>
#include <iostream>
#include <vector>

#include <wick/wick.hpp>

using namespace wick;

namespace {

// [begin step]
/// One step of the heat equation u' = u_xx on a line whose ends stay. Of tensors it computes, of variables it is recorded.
auto step(auto const& u, double k) {
  auto const left = u(Slice(0, -2)), middle = u(Slice(1, -1)), right = u(Slice(2));
  return cat(0, u(Slice(0, 1)), middle + k * (left - 2 * middle + right), u(Slice(-1)));
}
// [end step]

}  // namespace

int main() {
  // [begin stencil]
  Tensor<double> now = zeros<double>({6, 6}), next = now;
  now(2, 2) = 1;
  Slice const in(1, -1), up(0, -2), down(2);
  for (int t = 0; t < 10; ++t) {
    next(in, in) = now(in, in) + 0.1 * (now(up, in) + now(down, in) + now(in, up) + now(in, down) - 4 * now(in, in));
    std::swap(now, next);  // exchanges two handles: nothing is copied, and no write meets a shared block
  }
  // [end stencil]
  std::cout << sum(now(in, in)).item() << "\n";

  // [begin borrow]
  std::vector<double> field(12, 1.);                    // memory of the solver's
  View<double> grid(field.data(), {3, 4});              // no copy; the vector must outlive the view
  grid(1, Slice()) = exp(grid(0, Slice())) - grid(2, Slice());  // writes the vector
  std::cout << field[4] << "\n";                        // -> 1.71828
  // [end borrow]

  // [begin edges]
  Tensor<double> const column = now(Slice(), 1);      // shares the memory of `now`, so its elements lie apart
  Tensor<double> const edge = column.contiguous();    // side by side: what MPI_Send takes is edge.data()
  std::vector<double> message(edge.data(), edge.data() + edge.numel());
  View<double> ghost = now.view()(Slice(), 0);
  std::copy(message.begin(), message.end(), ghost.begin());  // what MPI_Recv gave, into a column
  // [end edges]

  // [begin checkpoints]
  // d sum(u_1000^2) / d u_0, with 10 + 100 states in memory instead of 1000.
  int const segments = 10, steps = 100;
  Tensor<double> u = sin(linspace<double>(0, 3, 32));
  std::vector<Tensor<double>> kept;
  for (int s = 0; s < segments; ++s) {
    kept.push_back(u);  // shares its memory with u, until u is given other elements
    for (int t = 0; t < steps; ++t) u = step(u, 0.2);
  }
  Tensor<double> adjoint = 2 * u;  // of sum(u^2), in the last state
  for (int s = segments; s-- > 0;) {
    Variable<double> const start = kept[static_cast<std::size_t>(s)];
    Variable<double> end = start;
    for (int t = 0; t < steps; ++t) end = step(end, 0.2);
    backward(end, adjoint);
    adjoint = start.grad();
  }
  // [end checkpoints]
  Variable<double> const whole = kept[0];  // the same with all states in memory
  Variable<double> end = whole;
  for (int t = 0; t < segments * steps; ++t) end = step(end, 0.2);
  backward(sum(square(end)));
  double const difference = max(abs(whole.grad() - adjoint)).item();
  std::cout << (difference < 1e-12 ? "the same gradient" : "another gradient") << "\n";  // -> the same gradient
  return ghost(0) == edge(0).item() && difference < 1e-12 ? 0 : 1;
}
