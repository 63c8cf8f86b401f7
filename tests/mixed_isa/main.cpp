// SPDX-License-Identifier: MIT
// P9: two libraries of different instruction sets make, compute, write, record and free each other's tensors.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>
#include <wick/wick.hpp>

#include "exchange.hpp"

using namespace wick;

namespace {

int faults = 0;

void check(bool holds, char const* what) {
  if (holds) return;
  ++faults;
  std::printf("wrong: %s\n", what);
}

bool close(Tensor<float> const& a, Tensor<float> const& b) {
  if (!(a.shape() == b.shape())) return false;
  for (std::int64_t i = 0; i < a.numel(); ++i)
    if (!(std::abs(a.data()[i] - b.data()[i]) <= 1e-5f)) return false;
  return true;
}

// One of the libraries as a table.
struct Library {
  char const* (*isa)();
  Tensor<float> (*make)(Dims const&);
  Tensor<float> (*formula)(Tensor<float> const&, Tensor<float> const&);
  void (*drop)(Tensor<float>);
  void (*write)(Tensor<float>&);
  Variable<float> (*record)(Variable<float> const&, Tensor<float> const&);
  void (*differentiate)(Variable<float> const&);
  bool (*catches)(void (*)());
  void (*throw_error)();
};
#define LIBRARY(name)                                                                                        \
  Library {                                                                                                  \
    &name::isa, &name::make, &name::formula, &name::drop, &name::write, &name::record, &name::differentiate, \
        &name::catches, &name::throw_error                                                                   \
  }

void exchange(Library const& first, Library const& second) {
  for (Dims const& shape : {Dims(7), Dims(33, 65), Dims(3, 300, 101), Dims(0, 4)}) {
    Tensor<float> const x = first.make(shape), y = second.make(shape);
    check(close(x, y), "both make the same tensor");
    check(close(first.formula(x, y), second.formula(x, y)), "both compute the same formula, each with its own kernels");
    second.drop(first.make(shape));
    first.drop(second.formula(x, y));
    for (int i = 0; i < 100; ++i) second.drop(first.formula(first.make(shape), second.make(shape)));
  }
  // Copy on write across the border.
  Tensor<float> x = first.make(Dims(100)), copy = x;
  second.write(x);
  check(x(0).item() == 6 && copy(0).item() == 0 && std::abs(x(1).item() - 1.01f) < 1e-6f,
        "a write by the other library copies what is shared");
  // One tape for both.
  Variable<float> const w(first.make(Dims(50)));
  for (int round = 0; round < 3; ++round) {
    Variable<float> const y = first.record(w, second.make(Dims(50))), z = second.record(w, first.make(Dims(50)));
    Variable<float> const total = y + z * 2.0f;
    w.zero_grad();
    (round % 2 ? first : second).differentiate(total);
    double const v = 0.49, s = 1 / (1 + std::exp(-v * v));
    check(std::abs(w.grad()(49).item() - 3 * v * s * (1 - s)) < 1e-5,
          "statements of both libraries are differentiated together");
  }
  check(first.catches(second.throw_error), "an error crosses the border");
}

}  // namespace

int main() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    std::printf("skipped: this CPU has no AVX2 and FMA\n");
    return 77;
  }
  Library const a = LIBRARY(plain_x86), b = LIBRARY(with_avx2);
  check(std::strcmp(a.isa(), b.isa()) != 0, "the libraries carry different tags");
  exchange(a, b);
  exchange(b, a);
  check(std::abs(plain_x86::make_and_print() - with_avx2::make_and_print()) < 1e-5, "both make and print the same tensors");
  check(!plain_x86::checks_bounds() && with_avx2::checks_bounds(), "access through a view is checked by the library without NDEBUG, and by it alone");
  std::printf("%s and %s: %d faults\n", a.isa(), b.isa(), faults);
  return faults ? 1 : 0;
}
