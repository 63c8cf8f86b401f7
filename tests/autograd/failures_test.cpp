// SPDX-License-Identifier: MIT
// Memory that runs out in the middle of an operation of the tape: whatever was there before is there afterwards, and the same
// operation, tried again, gives what it gives when nothing had happened.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>
#include <wick/autograd/backward.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/matmul.hpp>
#include <wick/ops/normalize.hpp>
#include <wick/ops/select.hpp>
#include <wick/tensor.hpp>

#include "../failing_new.hpp"

using namespace wick;

namespace {

using Numbers = std::vector<double>;

// Takes what the pool has in store, so that it has to ask for each block.
class EmptyPool {
 public:
  EmptyPool() { blocks_.reserve(100000); }
  ~EmptyPool() {
    for (Block* block : blocks_) pool::recycle(block);
  }
  void empty() {
    for (std::uint32_t c = 0; c <= pool::class_of(4096); ++c)
      for (auto const before = pool_stats().system_allocations; pool_stats().system_allocations == before;)
        blocks_.push_back(pool::allocate(pool::bytes_of(c) - sizeof(Block)));
  }

 private:
  std::vector<Block*> blocks_;
};

template <class T>
void append(Numbers& list, Tensor<T> const& x) {
  Tensor<T> const dense = x.contiguous();
  for (std::int64_t i = 0; i < dense.numel(); ++i) list.push_back(static_cast<double>(dense.data()[i]));
}

Tensor<double> ramp(Dims const& shape, double step) {
  Tensor<double> x(Tensor<double>::uninitialized, shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = 0.3 + step * static_cast<double>(i % 5);
  return x;
}

// Leaves and statements of every kind; w and v have gradients already.
struct Scene {
  Variable<double> w{ramp({4, 4}, 0.1)}, v{ramp({4}, 0.2)}, c{ramp({4}, 0.3)};
  Variable<float> f{tensor({1.f, 2.f, 3.f, 4.f})};
  Variable<float16> h{cast<float16>(tensor({1.f, 0.5f, 2.f, 1.5f}))};
  Tensor<double> const x = ramp({3, 4}, -0.1);
  Variable<double> hidden, rows, half, kept, products, loss, graph;
  Lazy<double, true> const lazy = matmul(x, w), network = matmul(tanh(matmul(x, w) + v), w * 2.0);
  Variable<double> out{0.0, false};
  Numbers found;

  explicit Scene(bool with_half = true) {
    backward(sum(w * w)), backward(sum(v * v));
    hidden = tanh(lazy + v);            // a formula over a kernel node
    rows = softmax(hidden * v, 1) * c;  // rows
    half = with_half ? Variable<double>(cast<double>(h * h)) : Variable<double>(cast<double>(f));
    kept = rows * half;  // broadcast
    kept.retain_grad();
    products = prod(kept, {1});
    loss = sum(products * amax(matmul(kept, w), {1})) + sum(w * w);
    if (with_half) backward(sum(kept), {.retain_graph = true});
    else graph = sum(grad(loss, w, {.create_graph = true}));
    found.reserve(64);
  }
  Numbers gradients() const {
    Numbers list;
    auto const add = [&](auto const&... variable) {
      ((variable.has_grad() ? append(list, variable.grad()) : list.push_back(-99)), ...);
    };
    add(w, v, c, f, h, hidden, rows, half, kept, products, loss);
    return list;
  }
  // The gradients, after a backward pass through what was recorded, and the values.
  Numbers result() const {
    if (out.requires_grad()) backward(sum(out));
    Numbers list = gradients();
    append(list, out.value()), append(list, v.value());
    list.insert(list.end(), found.begin(), found.end());
    return list;
  }
};

struct Operation {
  std::string name;
  std::function<void(Scene&)> run;
  bool keeps_gradients = false;
  bool with_half = true;
  bool remembers = false;  // a named kernel node keeps the statements it has got to: their order, so the last bits, may differ
};

void check(Operation const& operation) {
  INFO(operation.name);
  static EmptyPool empty;
  std::int64_t const live = tape::Tape::here().live();
  Numbers expected;
  {
    Scene scene(operation.with_half);
    operation.run(scene);
    expected = scene.result();
  }
  int failures = 0;
  for (std::int64_t number = 0, met = true; met; ++number) {
    {
      Scene scene(operation.with_half);
      Numbers const before = scene.gradients();
      std::int64_t const here = tape::Tape::here().live();
      bool thrown = false;
      empty.empty();
      {
        testing::FailingAllocation const failing(number);
        try {
          operation.run(scene);
        } catch (std::exception const&) {
          thrown = true;
        }
        met = failing.met();
      }
      INFO("allocation " << number);
      if (thrown) {
        ++failures;
        CHECK(scene.gradients() == before);
        if (!operation.remembers) CHECK(tape::Tape::here().live() == here);
        scene.found.clear();
        operation.run(scene);
      }
      Numbers const result = scene.result();
      if (!operation.remembers) CHECK(result == expected);
      REQUIRE(result.size() == expected.size());
      for (std::size_t i = 0; i < result.size(); ++i) CHECK(result[i] == doctest::Approx(expected[i]).epsilon(1e-12));
      if (operation.keeps_gradients) CHECK(scene.gradients() == before);
    }
    CHECK(tape::Tape::here().live() == live);
  }
#if !defined(WICK_ADDRESS_SANITIZER)
  CHECK(failures > 0);
#endif
}

}  // namespace

#if WICK_FAILING_NEW

TEST_CASE("backward") {
  Tensor<double> const seed = ramp({4, 3}, 0.7);
  check({"backward", [](Scene& s) { backward(s.loss); }});
  check({"backward, retained", [](Scene& s) { backward(s.loss, {.retain_graph = true}); }});
  check({"backward of rows", [&](Scene& s) { backward(s.kept, seed.t()); }});
  check({"backward of a leaf", [&](Scene& s) { backward(s.w, ramp({4, 4}, 0.1).t()); }});
  check({"backward of a formula", [](Scene& s) { backward(sum(s.hidden) * sum(s.products)); }});
}

TEST_CASE("grad") {
  check({"grad", [](Scene& s) { append(s.found, grad(s.loss, s.w).value()); }, true});
  check({"grad, retained", [](Scene& s) { append(s.found, grad(s.loss, s.v, {.retain_graph = true}).value()); }, true});
  check({"grad of what lies between", [](Scene& s) { append(s.found, grad(s.loss, s.kept).value()); }, true});
  check({"grad of what is not in it", [](Scene& s) { append(s.found, grad(sum(s.products), s.loss).value()); }, true});
}

TEST_CASE("gradients that are recorded") {
  check({"create_graph", [](Scene& s) { append(s.found, grad(s.loss, s.w, {.create_graph = true}).value()); }, true, false});
  check({"backward through them", [](Scene& s) { backward(s.graph); }, false, false});
}

TEST_CASE("recording") {
  check({"a map", [](Scene& s) { s.out = tanh(s.v * s.c); }});
  check({"rows", [](Scene& s) { s.out = softmax(s.w, 1); }});
  check({"a reduction", [](Scene& s) { s.out = sum(s.w, {0}); }});
  check({"a map over a reduction", [](Scene& s) { s.out = s.v * sum(s.c); }});
  check({"a kernel node", [](Scene& s) { s.out = matmul(s.x, s.w); }});
  check({"a map in a kernel node", [](Scene& s) { s.out = tanh(matmul(s.x, s.w) + s.v); }});
  check({"a named kernel node over others", [](Scene& s) { s.out = s.network; }, false, true, true});
  check({"a map over a named kernel node", [](Scene& s) { s.out = s.network * s.c; }, false, true, true});
  check({"a part", [](Scene& s) { s.out = s.w(Slice(1, 3)); }});
  check({"a result that moves on", [](Scene& s) { s.hidden += s.v, s.out = s.hidden; }});
}

TEST_CASE("the first statement of a thread") {
  Variable<double> const w(ramp({4}, 0.1));
  int failures = 0;
  for (std::int64_t number = 0, met = true; met; ++number) {
    Numbers gradient;
    std::thread([&] {
      {
        testing::FailingAllocation const failing(number);
        try {
          Variable<double> const y = w * w;
        } catch (std::exception const&) {
          ++failures;
        }
        met = failing.met();
      }
      w.zero_grad();
      backward(sum(w * w));
      append(gradient, w.grad());
    }).join();
    for (int i = 0; i < 4; ++i) CHECK(gradient[static_cast<std::size_t>(i)] == 2 * w.value()(i).item());
  }
  CHECK(failures > 0);
}

TEST_CASE("variables") {
  check({"made from a tensor", [](Scene& s) { s.out = Variable<double>(s.x, true); }});
  check({"made from a formula of tensors", [](Scene& s) { s.out = s.x * 2.0; }});
  check({"a value in place of another", [](Scene& s) { s.v.set_value(ramp({4}, 0.9)); }});
  check({"in place", [](Scene& s) {
           NoGrad const guard;
           s.v *= s.c.value();
         }});
}

#endif
