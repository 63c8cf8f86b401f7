// SPDX-License-Identifier: MIT
// A tape for plain numbers in sixty lines: what reverse-mode differentiation is, without tensors and without speed.
#include <cmath>
#include <cstdio>
#include <vector>
#include <wick/wick.hpp>

namespace tiny {

// [begin tiny_tape]
/// One operation that was run: the places of its inputs on the tape, and the slope of its result in each of them.
struct Entry {
  int input[2] = {-1, -1};  // -1: no input
  double slope[2] = {0, 0};
};

/// All operations, in the order in which the program ran them. An `if` or a `for` of the program leaves no trace here:
/// the tape holds only what happened this time.
std::vector<Entry> tape;

/// A value, and the place of the entry that computed it.
struct Number {
  double value;
  int place;
};

Number append(double value, Entry const& entry) {
  tape.push_back(entry);
  return {value, static_cast<int>(tape.size()) - 1};
}

/// A number that nothing computed: a leaf.
Number leaf(double value) { return append(value, {}); }

// Each operation computes its value, as always, and writes down its slopes while it still has its arguments at hand.
Number operator+(Number a, Number b) { return append(a.value + b.value, {{a.place, b.place}, {1, 1}}); }
Number operator*(Number a, Number b) { return append(a.value * b.value, {{a.place, b.place}, {b.value, a.value}}); }
Number sin(Number x) { return append(std::sin(x.value), {{x.place, -1}, {std::cos(x.value), 0}}); }
Number tanh(Number x) {
  double const y = std::tanh(x.value);
  return append(y, {{x.place, -1}, {1 - y * y, 0}});  // this slope needs only the result
}

/// The slope of `result` in every entry of the tape. An entry comes after its inputs. So one walk from the end to the
/// front meets each entry when all that depends on it is done: then its adjoint is complete, and it passes it on.
std::vector<double> backward(Number result) {
  std::vector<double> adjoint(tape.size(), 0.0);
  adjoint[static_cast<std::size_t>(result.place)] = 1;
  for (int i = result.place; i >= 0; --i) {
    Entry const& entry = tape[static_cast<std::size_t>(i)];
    for (int k = 0; k < 2; ++k)
      if (entry.input[k] >= 0)
        adjoint[static_cast<std::size_t>(entry.input[k])] += entry.slope[k] * adjoint[static_cast<std::size_t>(i)];
  }
  return adjoint;
}
// [end tiny_tape]

}  // namespace tiny

int main() {
  using tiny::sin, tiny::tanh;
  // [begin tiny_use]
  auto x = tiny::leaf(0.5), w = tiny::leaf(2.0);
  auto h = x;
  for (int i = 0; i < 3; ++i) h = tanh(w * h + x);  // a loop: three times three entries
  auto y = sin(h) * w;
  auto slopes = tiny::backward(y);
  // [end tiny_use]
  double const by_x = slopes[static_cast<std::size_t>(x.place)], by_w = slopes[static_cast<std::size_t>(w.place)];
  std::printf("%zu entries, dy/dx = %.6f, dy/dw = %.6f\n", tiny::tape.size(), by_x, by_w);

  // [begin tiny_wick]
  wick::Variable<double> u = 0.5, v = 2.0, g = u;
  for (int i = 0; i < 3; ++i) g = tanh(v * g + u);  // one entry for the whole statement
  backward(sin(g) * v);
  // [end tiny_wick]
  double const error = std::abs(u.grad().item() - by_x) + std::abs(v.grad().item() - by_w);
  std::printf("Wick: 4 entries, dy/dx = %.6f, dy/dw = %.6f\n", u.grad().item(), v.grad().item());
  return error < 1e-12 ? 0 : 1;
}
