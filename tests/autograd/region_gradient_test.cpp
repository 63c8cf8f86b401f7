// SPDX-License-Identifier: MIT
// Gradients of regions go where the whole variable's gradient is: overlapping, strided, regions of regions, beside gradients
// that are there, asked for alone, on several threads.
#include <wick/wick.hpp>

#include "../promises/bits.hpp"

using namespace wick;

namespace {

Slice const in(1, -1), low({}, -2), high(2, {});

auto heat(auto const& u, auto const& k) {
  return u(in, in) + k * (u(low, in) + u(high, in) + u(in, low) + u(in, high) - 4 * u(in, in));
}

template <class T>
bool near(Tensor<T> const& a, Tensor<T> const& b, double error) {
  bool fits = a.shape() == b.shape();
  Tensor<T> const x = a.contiguous(), y = b.contiguous();
  for (std::int64_t i = 0; fits && i < x.numel(); ++i) fits = std::fabs(x.data()[i] - y.data()[i]) <= error * (1 + std::fabs(y.data()[i]));
  return fits;
}

// The adjoint of `heat`, written down by hand.
template <class T>
Tensor<T> heat_adjoint(Tensor<T> const& w, double k) {
  Tensor<T> g = zeros<T>({w.size(0) + 2, w.size(1) + 2});
  g(in, in) += w * (1 - 4 * k);
  g(low, in) += w * k, g(high, in) += w * k, g(in, low) += w * k, g(in, high) += w * k;
  return g;
}

}  // namespace

TEST_CASE("a step of the heat equation") {
  manual_seed(3);
  for (Dims const& shape : {Dims(3, 3), Dims(7, 12), Dims(40, 19), Dims(6, 2100)}) {
    CAPTURE(shape);
    Variable<double> const u = randn<double>(shape), k = tensor(0.2);
    Tensor<double> const w = randn<double>({shape[0] - 2, shape[1] - 2});
    Tensor<double> wanted = heat_adjoint(w, 0.2);
    for (int round = 1; round < 3; ++round) {
      backward(Variable<double>(heat(u, 0.2)), w);
      CHECK(near<double>(u.grad(), wanted * round, 1e-13));
    }
    u.zero_grad();
    backward(Variable<double>(heat(u, k)), w);  // the gradient of k is a sum over the same loop
    CHECK(near<double>(u.grad(), wanted, 1e-13));
    auto const& v = u.value();
    Tensor<double> const slope = sum(w * (v(low, in) + v(high, in) + v(in, low) + v(in, high) - 4 * v(in, in)));
    CHECK(k.grad().item() == doctest::Approx(slope.item()).epsilon(1e-10));
  }
}

TEST_CASE("regions of any kind, by finite differences") {
  manual_seed(4);
  Variable<double> const x = randn<double>({6, 6}), row = randn<double>({6});
  auto const check = [&](auto const& f) { gradcheck([&](auto const& v) { return f(v[0], v[1]); }, {x, row}, {.rtol = 1e-5, .atol = 1e-7}); };
  check([](auto const& v, auto const&) { return Variable<double>(v(0, Ellipsis) * v(Ellipsis, 0) + v(Slice(), 1) * v(3, Slice())); });
  check([](auto const& v, auto const& r) { return Variable<double>(v(Slice(0, 6, 2), Slice()) * v(Slice(1, 6, 2), Slice({}, {}, -1)) + r); });
  check([](auto const& v, auto const& r) { return Variable<double>(v(in, in)(in, low) * v(low, in)(high, in)(Slice(), Slice()) + r(low)(low) * r(0)); });
  check([](auto const& v, auto const& r) { return Variable<double>(softmax(v(in, low) + v(in, high) * r(in), 1) * r(low)); });
  check([](auto const& v, auto const& r) { return Variable<double>(sum(square(v(in, in)) * v(low, in) * r(in), 1)); });
  check([](auto const& v, auto const& r) { return Variable<double>(r(low) * r(high) + r(in) * v(1, in)); });
  check([](auto const& v, auto const&) { return Variable<double>(matmul(v(low, in), v(in, low)) + v(in, in)); });
  // Linear in regions that leave gaps, lie in steps, are of two variables, have a weight of zero.
  check([](auto const& v, auto const&) { return Variable<double>(v(Slice(2, 5), Slice(1, 3)) - 2 * v(Slice(1, 4), Slice(3, 5)) + v(Slice(2, 5), Slice(2, 4))); });
  check([](auto const& v, auto const&) { return Variable<double>(v(Slice(0, 6, 2), in) - v(Slice(1, 6, 2), low) / 3); });
  check([](auto const& v, auto const& r) { return Variable<double>(0.5 * (r(Slice(0, 2)) - r(Slice(4, 6)) * 0) + (v(1, Slice(0, 2)) - v(4, Slice(3, 5))) * 3); });
}

TEST_CASE("a variable beside regions of itself") {
  for (std::int64_t n : {3, 5, 40}) {
    Variable<double> const x = randn<double>({n, n});
    Tensor<double> wanted = full<double>({n, n}, 2.);
    wanted(Slice(), 0) += 3. * static_cast<double>(n);
    for (int round = 1; round < 3; ++round) {
      backward(sum(Variable<double>(x * 2 + x(Slice(), 0) * 3)));
      CHECK(near<double>(x.grad(), round * wanted, 1e-13));
    }
    x.zero_grad();
    backward(Variable<double>(x(Slice(), 0) * 3 + x * 2), ones<double>({n, n}));
    CHECK(near<double>(x.grad(), wanted, 1e-13));
  }
}

TEST_CASE("differences in one and in three dimensions") {
  manual_seed(8);
  Variable<float> const line = randn<float>({9001});
  Tensor<float> const v = randn<float>({8999});
  backward(Variable<float>(line(low) - 2 * line(in) + line(high)), v);
  Tensor<float> sums = zeros<float>({9001});
  sums(low) += v, sums(in) += -2 * v, sums(high) += v;
  CHECK(near<float>(line.grad(), sums, 1e-6));

  Variable<double> const u = randn<double>({5, 6, 19}), other = randn<double>({3, 4, 17});
  Tensor<double> const w = randn<double>({3, 4, 17});
  auto const flux = [](auto const& a) { return a(high, in, in) + a(low, in, in) - 3 * a(in, in, high) + 0.5 * (a(in, low, in) - a(in, in, in)); };
  Tensor<double> wanted = zeros<double>({5, 6, 19});
  wanted(high, in, in) += w, wanted(low, in, in) += w, wanted(in, in, high) += -3 * w;
  wanted(in, low, in) += 0.5 * w, wanted(in, in, in) += -0.5 * w;
  backward(Variable<double>(flux(u)), w);
  CHECK(near<double>(u.grad(), wanted, 1e-13));
  u.mutable_grad() = permute(zeros<double>({19, 6, 5}), {2, 1, 0});  // another order of the elements
  backward(Variable<double>(flux(u)), w);
  CHECK(near<double>(u.grad(), wanted, 1e-13));
  backward(Variable<double>(other - flux(u)), w);  // with a target that is no region
  CHECK(near<double>(u.grad(), 0 * wanted, 1e-13));
  CHECK(near<double>(other.grad(), w, 1e-13));
}

TEST_CASE("the gradient of a region alone") {
  Variable<double> const x = randn<double>({5, 5});
  Variable<double> const part = x(in, in), y = part * part + x(low, low);
  part.retain_grad();
  Variable<double> const loss = sum(y);
  CHECK(near<double>(grad(loss, part, {.retain_graph = true}).value(), 2 * part.value(), 1e-14));
  CHECK_FALSE(x.has_grad());
  backward(loss);
  CHECK(near<double>(part.grad(), 2 * part.value(), 1e-14));
  Tensor<double> wanted = zeros<double>({5, 5});
  wanted(in, in) += 2 * x.value()(in, in);
  wanted(low, low) += 1;
  CHECK(near<double>(x.grad(), wanted, 1e-14));
}

TEST_CASE("large steps, with any number of threads") {
  for (Dims const& shape : {Dims(700, 800), Dims(70000, 9), Dims(5, 300000)}) {
    Variable<float> const u = bits::noise(shape, 1);
    Tensor<float> const w = bits::noise({shape[0] - 2, shape[1] - 2}, 2);
    bits::check("heat", [&]() -> bits::Results {
      u.zero_grad();
      backward(Variable<float>(heat(u, 0.2f)), w);
      return {u.grad()};
    });
    CHECK(near<float>(u.grad(), heat_adjoint(w, 0.2), 1e-5));
  }
}
