// SPDX-License-Identifier: MIT
// An exception in the middle of a backward pass: nothing is left half done, everything can be used again.
#include <doctest/doctest.h>

#include <wick/autograd/backward.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/matmul.hpp>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

// A kernel node that is the identity, and whose adjoint throws when told to.
struct Trap {
  static constexpr char const* name = "trap";
  static inline bool armed = false;
  template <class T>
  Tensor<T> view(Tensor<T> const& x) const {
    return x;
  }
  auto adjoint(auto const& g, auto const&, auto const&) const {
    if (armed) fail("trap: sprung");
    return std::tuple(g * 1.0);
  }
};

template <class X>
auto trap(X const& x) {
  return kernel<double>(Trap{}, x.shape(), x);
}

double at(Tensor<double> const& x, int i) { return x.contiguous().data()[i]; }

}  // namespace

TEST_CASE("backward throws in the middle") {
  Variable<double> const w(tensor({1., 2., 3.})), v(tensor({1., 1., 1.}));
  std::int64_t const live = tape::Tape::here().live();
  {
    Variable<double> const early = w * 2.0;
    Variable<double> const held = trap(early);
    Variable<double> const late = held * v;
    Variable<double> const y = sum(late * late);
    Trap::armed = true;
    CHECK_THROWS_WITH_AS(backward(y), "trap: sprung", Error);
    CHECK_FALSE(w.has_grad());
    CHECK_FALSE(early.has_grad());
    CHECK_FALSE(late.has_grad());
    CHECK_THROWS_WITH_AS(grad(sum(held * w), w), "trap: sprung", Error);
    CHECK_THROWS_WITH_AS(grad(sum(held * w), w, {.create_graph = true}), "trap: sprung", Error);
    CHECK_FALSE(w.has_grad());
    CHECK(grad_enabled());
    Trap::armed = false;
    // Other statements over the same entries, as if nothing had happened.
    v.zero_grad();
    Variable<double> const again = sum(held * held);
    backward(again);
    CHECK(at(w.grad(), 2) == 8 * 3);
    CHECK_FALSE(v.has_grad());
    w.zero_grad();
    Variable<double> const other = sum(trap(w * w));
    Variable<double> const graph = grad(other, w, {.create_graph = true});
    CHECK(at(graph.value(), 1) == 4);
    CHECK_FALSE(w.has_grad());
  }
  CHECK(tape::Tape::here().live() == live);  // nothing is kept alive by the passes that failed
}

TEST_CASE("a statement whose shapes do not fit records nothing") {
  Variable<double> const w(tensor({1., 2., 3.})), m(ones<double>({2, 2}));
  std::int64_t const live = tape::Tape::here().live();
  CHECK_THROWS_AS(Variable<double>(w + m), Error);
  CHECK_THROWS_AS(Variable<double>(matmul(w, m)), Error);
  CHECK_THROWS_AS(Variable<double>(sum(w, {1})), Error);
  CHECK(tape::Tape::here().live() == live);
  backward(sum(w * w));
  CHECK(at(w.grad(), 0) == 2);
}
