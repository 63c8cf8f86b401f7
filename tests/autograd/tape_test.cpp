// SPDX-License-Identifier: MIT
// The tape as a user meets it: accumulation, several roots, retained graphs, grad beside .grad, tied variables, guards.
#include <doctest/doctest.h>

#include <sstream>
#include <thread>
#include <vector>
#include <wick/autograd/backward.hpp>
#include <wick/autograd/print.hpp>
#include <wick/backend/cpu/calls.hpp>
#include <wick/ops/matmul.hpp>
#include <wick/tensor.hpp>

using namespace wick;

namespace {
Tensor<double> const three = tensor({1., 2., 3.});

std::vector<double> list(Tensor<double> const& x) {
  Tensor<double> const dense = x.contiguous();
  return {dense.data(), dense.data() + dense.numel()};
}
using Numbers = std::vector<double>;
}  // namespace

TEST_CASE("gradients accumulate over backward passes until they are forgotten") {
  Variable<double> const w(three);
  CHECK_FALSE(w.has_grad());
  backward(sum(w * w));
  CHECK(list(w.grad()) == Numbers{2, 4, 6});
  backward(sum(w * 10.0));
  CHECK(list(w.grad()) == Numbers{12, 14, 16});
  w.zero_grad();
  CHECK_FALSE(w.has_grad());
  backward(sum(w));
  CHECK(list(w.grad()) == Numbers{1, 1, 1});
}

TEST_CASE("a gradient that was handed out does not change when more is added") {
  Variable<double> const w(three);
  backward(sum(w * w));
  Tensor<double> const kept = w.grad();
  backward(sum(w * w));
  CHECK(list(kept) == Numbers{2, 4, 6});
  CHECK(list(w.grad()) == Numbers{4, 8, 12});
}

TEST_CASE("a variable that is used in many ways") {
  Variable<double> const w(three);
  Variable<double> const a = w * 2.0, b = a * w, c = b + a * w + w;  // 4 w^2 + w
  backward(sum(c));
  CHECK(list(w.grad()) == Numbers{9, 17, 25});
  w.zero_grad();
  Variable<double> const again = w;  // another name of the same variable
  backward(sum(again * w * w));
  CHECK(list(w.grad()) == Numbers{3, 12, 27});
  CHECK(list(again.grad()) == Numbers{3, 12, 27});
}

TEST_CASE("two roots over one graph") {
  Variable<double> const w(three);
  Variable<double> const shared = w * w;
  Variable<double> const first = sum(shared), second = sum(shared * shared);
  backward(first, {.retain_graph = true});
  CHECK(list(w.grad()) == Numbers{2, 4, 6});
  backward(second);
  CHECK(list(w.grad()) == Numbers{2 + 4, 4 + 32, 6 + 108});
  CHECK_THROWS_WITH_AS(backward(first), doctest::Contains("already differentiated"), Error);
  CHECK(list(w.grad()) == Numbers{6, 36, 114});  // the failed pass left nothing behind
}

TEST_CASE("retain_graph lets backward run again, a plain one does not") {
  Variable<double> const w(three);
  Variable<double> const y = sum(exp(w) * w);
  backward(y, {.retain_graph = true});
  Numbers const once = list(w.grad());
  backward(y, {.retain_graph = true});
  backward(y);
  Numbers const thrice = list(w.grad());
  for (std::size_t i = 0; i < 3; ++i) CHECK(thrice[i] == doctest::Approx(3 * once[i]));
  CHECK_THROWS_AS(backward(y), Error);
  Variable<double> const z = sum(sin(w));  // recording goes on as if nothing had happened
  w.zero_grad();
  backward(z);
  CHECK(w.grad().data()[0] == doctest::Approx(std::cos(1.0)));
}

TEST_CASE("variables that the result does not depend on") {
  Variable<double> const w(three), unused(three), constant(three, false);
  Variable<double> const y = sum(w * constant);
  backward(y, {.retain_graph = true});
  CHECK_FALSE(unused.has_grad());
  CHECK_FALSE(constant.has_grad());
  CHECK(list(grad(y, unused).value()) == Numbers{0, 0, 0});
  Variable<double> const z = sum(w * constant);
  CHECK(list(grad(z, unused, {.create_graph = true}).value()) == Numbers{0, 0, 0});
}

TEST_CASE("grad leaves the gradients of variables alone") {
  Variable<double> const w(three), v(three);
  backward(sum(w + v));
  Variable<double> const y = sum(w * w * v);
  Tensor<double> const g = grad(y, w, {.retain_graph = true});
  CHECK(list(g) == Numbers{2, 8, 18});
  CHECK(list(w.grad()) == Numbers{1, 1, 1});
  CHECK(list(v.grad()) == Numbers{1, 1, 1});
  Variable<double> const graph = grad(y, w, {.create_graph = true});
  CHECK(list(w.grad()) == Numbers{1, 1, 1});
  CHECK(graph.requires_grad());
  backward(sum(graph));
  CHECK(list(v.grad()) == Numbers{1 + 2, 1 + 4, 1 + 6});
  CHECK(list(w.grad()) == Numbers{1 + 2, 1 + 4, 1 + 6});
  CHECK_FALSE(grad(sum(w * w), w).requires_grad());
}

TEST_CASE("grad of something in the middle") {
  Variable<double> const w(three);
  Variable<double> const h = w * w;
  Variable<double> const y = sum(h * h + h);
  CHECK(list(grad(y, h, {.retain_graph = true}).value()) == Numbers{3, 9, 19});
  CHECK(list(grad(y, h, {.create_graph = true}).value()) == Numbers{3, 9, 19});
  CHECK(list(grad(y, w).value()) == Numbers{6, 36, 114});
  Variable<double> const single = sum(w);
  CHECK(grad(single, single).value().item() == 1);
}

TEST_CASE("results keep their gradient only when asked to") {
  Variable<double> const w(three);
  Variable<double> const h = w * w, other = w * 1.0;
  h.retain_grad();
  backward(sum(h * other));
  CHECK(list(h.grad()) == Numbers{1, 2, 3});
  CHECK_FALSE(other.has_grad());
  CHECK_THROWS_WITH_AS(other.grad(), doctest::Contains("retain_grad()"), Error);
}

TEST_CASE("backward of a result that is no number needs the gradient of what follows") {
  Variable<double> const w(three);
  Variable<double> const y = w * w;
  CHECK_THROWS_AS(backward(y), Error);
  CHECK_THROWS_AS(backward(y, ones<double>({2})), Error);
  backward(y, tensor({1., 0., -1.}));
  CHECK(list(w.grad()) == Numbers{2, 0, -6});
  // A gradient that lies backwards in memory, and one that is kept by the caller.
  Tensor<double> const seed = three(Slice({}, {}, -1));
  w.zero_grad();
  backward(Variable<double>(w * 1.0), seed);
  backward(Variable<double>(w * 1.0), seed);
  CHECK(list(w.grad()) == Numbers{6, 4, 2});
  CHECK(list(seed) == Numbers{3, 2, 1});
  CHECK(list(three) == Numbers{1, 2, 3});
  backward(w, three);  // a leaf is its own result
  CHECK(list(w.grad()) == Numbers{7, 6, 5});
  CHECK(list(three) == Numbers{1, 2, 3});
}

TEST_CASE("NoGrad and EnableGrad nest") {
  Variable<double> w(three);
  CHECK(grad_enabled());
  {
    NoGrad const off;
    CHECK_FALSE(grad_enabled());
    Variable<double> const y = w * w;
    CHECK_FALSE(y.requires_grad());
    CHECK(list(y.value()) == Numbers{1, 4, 9});
    {
      EnableGrad const on;
      Variable<double> const z = sum(w * w);
      CHECK(z.requires_grad());
      CHECK(list(grad(z, w).value()) == Numbers{2, 4, 6});
      {
        NoGrad const again;
        CHECK_FALSE(Variable<double>(w + w).requires_grad());
      }
      CHECK(grad_enabled());
    }
    CHECK_FALSE(grad_enabled());
    CHECK_THROWS_AS(backward(y), Error);
  }
  CHECK(grad_enabled());
  try {
    NoGrad const off;
    fail("out");
  } catch (Error const&) {
  }
  CHECK(grad_enabled());
}

TEST_CASE("braces in a variable mean what they mean in a tensor") {
  Variable<float> const number({3}), constant({3}, false), nothing({});
  CHECK(number.shape() == Tensor<float>({3}).shape());
  CHECK(number.item() == 3);
  CHECK_FALSE(constant.requires_grad());
  CHECK(nothing.shape() == Tensor<float>({}).shape());
  Variable deduced = tensor({1., 2.});
  static_assert(std::is_same_v<decltype(deduced), Variable<double>>);
}

TEST_CASE("a variable that was moved from is empty, as a tensor is") {
  Variable<double> w(three), taken = std::move(w);
  CHECK(list(taken.value()) == Numbers{1, 2, 3});
  CHECK(w.shape() == Dims(0));
  CHECK((w.numel() == 0 && w.dim() == 1 && w.size(0) == 0));
  CHECK(w.value().shape() == Dims(0));
  CHECK(w.detach().numel() == 0);
  CHECK_FALSE((w.requires_grad() || w.has_grad() || w.active() || !w.is_leaf()));
  CHECK(w.device() == Device());
  std::ostringstream printed, tensor_printed;
  printed << w, tensor_printed << Tensor<double>();
  CHECK(printed.str() == tensor_printed.str());
  w.zero_grad();
  CHECK_THROWS_AS(w.grad(), Error);
  CHECK_THROWS_AS(w.item(), Error);
  CHECK_THROWS_AS(backward(w), Error);
  CHECK(grad(sum(taken), w).numel() == 0);
  CHECK_THROWS_WITH_AS(w.set_requires_grad(true), doctest::Contains("moved from"), Error);
  CHECK_THROWS_WITH_AS(w.retain_grad(), doctest::Contains("moved from"), Error);
  CHECK_THROWS_WITH_AS(w.mutable_value(), doctest::Contains("moved from"), Error);
  CHECK_THROWS_WITH_AS(w.mutable_grad(), doctest::Contains("moved from"), Error);
  CHECK_THROWS_AS(w.set_value(three), Error);
  CHECK_THROWS_AS(w += three, Error);
  Variable<double> const copy = w, doubled = w * 2.0, total = sum(w);  // formulas over it are over nothing
  CHECK(copy.numel() == 0);
  CHECK(doubled.numel() == 0);
  CHECK(total.item() == 0);
  CHECK_FALSE(total.requires_grad());
  w = three * 2.0;
  CHECK(list(w.value()) == Numbers{2, 4, 6});
  Variable<double> other = std::move(w);
  w = other;
  backward(sum(w));
  CHECK(list(other.grad()) == Numbers{1, 1, 1});
}

TEST_CASE("updates in place") {
  Variable<double> w(three);
  Variable<double> const tied = w;
  backward(sum(w * w));
  CHECK_THROWS_WITH_AS(w -= 0.5 * w.grad(), doctest::Contains("NoGrad"), Error);
  {
    NoGrad const guard;
    w -= 0.5 * w.grad();
  }
  CHECK(list(w.value()) == Numbers{0, 0, 0});
  CHECK(list(tied.value()) == Numbers{0, 0, 0});
  CHECK(w.is_leaf());
  CHECK(w.requires_grad());
  CHECK(list(three) == Numbers{1, 2, 3});
  // A result moves on to another entry; its old one stays what it was.
  Variable<double> h = tied + 1.0, before = h;
  h += h;
  CHECK(list(h.value()) == Numbers{2, 2, 2});
  CHECK(list(before.value()) == Numbers{1, 1, 1});
  w.zero_grad();
  backward(sum(h));
  CHECK(list(w.grad()) == Numbers{2, 2, 2});
}

TEST_CASE("variables without a gradient of their own") {
  Variable<double> const constant(three, false);
  Variable<double> const y = sum(constant * 2.0);
  CHECK_FALSE(y.requires_grad());
  CHECK_THROWS_WITH_AS(backward(y), doctest::Contains("does not depend on a variable"), Error);
  CHECK_THROWS_AS(constant.grad(), Error);
  constant.set_requires_grad(true);
  backward(sum(constant * 2.0));
  CHECK(list(constant.grad()) == Numbers{2, 2, 2});
  Variable<double> const result = constant * 1.0;
  CHECK_THROWS_AS(result.set_requires_grad(false), Error);
  // Detached values are constants.
  Variable<double> const w(three);
  Variable<double> const h = w * w;
  backward(sum(h.detach() * w));
  CHECK(list(w.grad()) == Numbers{1, 4, 9});
}

TEST_CASE("broadcast variables of every rank get gradients of their own shape") {
  Variable<double> const scalar(2.0), row(three), column(tensor({{1.}, {2.}})), empty(zeros<double>({0, 3}));
  backward(sum(scalar * row * column));
  CHECK(scalar.grad().shape() == Dims());
  CHECK(scalar.grad().item() == 18);
  CHECK(list(row.grad()) == Numbers{6, 6, 6});
  CHECK(column.grad().shape() == Dims(2, 1));
  CHECK(list(column.grad()) == Numbers{12, 12});
  row.zero_grad();
  backward(sum(empty * row));  // nothing to add up: zeros, not whatever was in memory
  CHECK(list(row.grad()) == Numbers{0, 0, 0});
  CHECK(empty.grad().shape() == Dims(0, 3));
}

TEST_CASE("a formula is recorded once whoever asks first") {
  Variable<double> const w(three);
  auto const formula = tanh(w) * w;  // auto names a formula: nothing recorded yet
  Variable<double> const y = formula, z = formula;
  backward(sum(y + z));
  Numbers const both = list(w.grad());
  w.zero_grad();
  backward(sum(formula));
  for (std::size_t i = 0; i < 3; ++i) CHECK(both[i] == doctest::Approx(2 * w.grad().data()[i]));
  // Assigned to a tensor, it is only computed.
  std::int64_t const before = tape::Tape::here().live();
  Tensor<double> const plain = formula;
  CHECK(tape::Tape::here().live() == before);
  CHECK(plain.data()[1] == doctest::Approx(2 * std::tanh(2.0)));
}

TEST_CASE("a formula over a variable reads it at each evaluation, also through a kernel node") {
  Tensor<double> const a = tensor({{1., 2., 3.}});
  Variable<double> w(tensor({{1.}, {1.}, {1.}})), other(2.0);
  auto const twice = w * 2.0;                     // elementwise
  auto const product = matmul(a, w);              // a kernel node, which remembers its value
  auto const deep = matmul(product * other, a * 1.0);  // one over others
  auto const value = [](auto const& formula) { return list(Tensor<double>(formula)); };
  auto const check = [&](double sum) {
    CHECK(value(twice)[0] == 2 * w.value()(0, 0).item());
    CHECK(value(product) == Numbers{sum});
    CHECK(value(deep)[1] == sum * other.item() * 2);
  };
  check(6);
  double const* const remembered = std::as_const(product.value()).data();
  check(6);
  CHECK(std::as_const(product.value()).data() == remembered);  // computed once

  w.set_value(tensor({{1.}, {2.}, {3.}}));
  check(14);
  w.mutable_value() = ones<double>({3, 1}) * 2.0;
  check(12);
  {
    NoGrad const guard;
    w += product * 0.5;  // reads the old value
    check(48);
    other *= 3.0;
  }
  check(48);

  // Recorded, then written, then recorded again: values and gradients of the present, and the old statement stays what it was.
  Variable<double> const first = sum(deep);
  backward(first, {.retain_graph = true});
  CHECK(list(w.grad()) == Numbers{36, 72, 108});
  w.set_value(ones<double>({3, 1})), other.set_value(tensor(1.0));
  check(6);
  w.zero_grad(), other.zero_grad();
  Variable<double> const second = sum(deep), again = sum(deep * 1.0);
  CHECK(second.item() == 36);
  backward(second + again);
  CHECK(list(w.grad()) == Numbers{12, 24, 36});
  CHECK(other.grad().item() == 72);
  CHECK(first.item() == 48 * 6 * 6);
  w.zero_grad();
  backward(first);
  CHECK(list(w.grad()) == Numbers{36, 72, 108});
}

TEST_CASE("integers, truth and other element types beside variables") {
  Variable<double> const w(three);
  Tensor<std::int64_t> const counts = tensor({1L, 2L, 3L});
  backward(sum(where(counts > 1, w * cast<double>(counts), 0.0)));
  CHECK(list(w.grad()) == Numbers{0, 2, 3});
  Variable<float> const f(tensor({1.f, 2.f, 3.f}));
  w.zero_grad();
  Variable<double> const y = sum(cast<double>(f) * w);
  backward(y);
  CHECK(list(w.grad()) == Numbers{1, 2, 3});
  CHECK(f.grad().data()[2] == 3.f);
  Variable<float> const back = cast<float>(w) * f;
  f.zero_grad(), w.zero_grad();
  backward(sum(back));
  CHECK(list(w.grad()) == Numbers{1, 2, 3});
}

TEST_CASE("a gradient kept by retain_grad counts once in each pass") {
  Variable<double> const w(three);
  Variable<double> const h = w * w;
  h.retain_grad();
  Variable<double> const y = sum(h * 3.0);
  backward(y, {.retain_graph = true});
  CHECK(list(w.grad()) == Numbers{6, 12, 18});
  backward(y);
  CHECK(list(w.grad()) == Numbers{12, 24, 36});
  CHECK(list(h.grad()) == Numbers{3, 3, 3});  // that of the last pass
}

TEST_CASE("a result that was computed from tensors alone is no root") {
  Variable<double> const w(three);
  auto const network = [&](auto x) {
    x = x * w;  // a tensor argument stays a tensor: the variable's history ends here
    x = x + 1.0;
    return x;
  };
  Variable<double> const loss = sum(network(three));
  CHECK(loss.item() == 17);
  CHECK_THROWS_WITH_AS(backward(loss), doctest::Contains("`x = conv1(x)` on a tensor argument"), Error);
  CHECK_THROWS_WITH_AS(backward(loss, tensor(1.0)), doctest::Contains("computed from tensors alone"), Error);
  CHECK_THROWS_WITH_AS(grad(loss, w), doctest::Contains("computed from tensors alone"), Error);
  CHECK_FALSE(w.has_grad());
  Variable<double> const right = sum(network(Variable<double>(three)));
  backward(right);
  CHECK(list(w.grad()) == Numbers{1, 2, 3});

  // Leaves that are meant: made from elements, declared as one, or once an operand of a statement.
  Variable<double> const given(three), declared = three * 2.0, used = three * 2.0;
  backward(given, three);
  declared.set_requires_grad(true);
  backward(declared, three);
  CHECK(list(declared.grad()) == Numbers{1, 2, 3});
  backward(sum(used * used));
  backward(used, three);
  CHECK(list(used.grad()) == Numbers{5, 10, 15});
  Variable<double> const single = sum(three);
  CHECK(grad(single, single).item() == 1);
}

TEST_CASE("finished backward passes are counted") {
  Variable<double> const w(three);
  auto const before = tape::backward_passes();
  backward(sum(w * w));
  backward(Variable<double>(w * w), three);
  CHECK(tape::backward_passes() == before + 2);
  CHECK_THROWS_AS(backward(w * w), Error);
  grad(sum(w * w), w);
  std::uint64_t elsewhere = 1;
  std::thread([&] { elsewhere = tape::backward_passes(); }).join();
  CHECK(elsewhere == 0);
  CHECK(tape::backward_passes() == before + 2);
}

TEST_CASE("a long chain that was dropped leaves no memory behind") {
  Variable<double> const w(three);
  pool::release();
  std::int64_t const held = pool_stats().held_bytes, arena = tape::Tape::here().arena_bytes();
  {
    Variable<double> h = w;
    for (int i = 0; i < 300000; ++i) h = h + w;
    CHECK(pool_stats().held_bytes - held > 200 << 20);
  }
  CHECK(tape::Tape::here().arena_bytes() - arena <= 1 << 20);
  CHECK(pool::release() > 200 << 20);
  CHECK(pool_stats().held_bytes - held <= 1 << 20);
}
