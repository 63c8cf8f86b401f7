// SPDX-License-Identifier: MIT
// Row formulas on a device: rows of all lengths, layouts and element types, beside the host's.
#include "helpers.hpp"

using namespace wick;
using namespace on_device;

namespace {

/// f of x, here and on the device.
template <class T, class F, class... X>
void check_rows(F const& f, Tensor<X> const&... x) {
  Tensor<T> const want = f(x...), got = f(x.to(there)...);
  check_close(want, got);
}

template <class X>
auto total(X const& x) { return sum(x, {1}, {.keepdim = true}); }

}  // namespace

TEST_CASE_TEMPLATE("rows of any length", T, float, double, float16, bfloat16) {
  // Shorter than what a thread reads at once, with and without a rest, longer than what a block keeps in registers.
  for (std::int64_t n : {1, 3, 8, 12, 1000, 1024, 4096, 8192, 9000, 9001}) {
    CAPTURE(n);
    Tensor<T> const x = numbers<T>({5, n}), w = numbers<T>({n}), b = numbers<T>({n});
    check_rows<T>([](auto const& a) { return softmax(a, 1); }, x);
    check_rows<T>([](auto const& a) { return log_softmax(a * 3, 1); }, x);
    check_rows<T>([](auto const& a, auto const& u, auto const& v) { return layer_norm(a, u, v); }, x, w, b);
  }
}

TEST_CASE("parts that stand in a row formula several times") {
  for (std::int64_t n : {64, 2048, 9000}) {
    Tensor<float> const x = randn<float>({4, n}), w = randn<float>({n});
    // One for two reductions, two of their own, three, one that has a reduction inside, one of two operands.
    check_rows<float>([](auto const& a) { return a / (total(exp(a)) + max(exp(a), {1}, {.keepdim = true})); }, x);
    check_rows<float>([](auto const& a) { return exp(a) / total(exp(a)) + tanh(a) * mean(tanh(a), {1}, {.keepdim = true}); }, x);
    check_rows<float>([](auto const& a) { return exp(a) / total(exp(a)) + tanh(a) / total(tanh(a) * tanh(a)) + sin(a) * total(sin(a)); }, x);
    check_rows<float>([](auto const& a) { return exp(a - mean(a, {1}, {.keepdim = true})) * total(exp(a - mean(a, {1}, {.keepdim = true}))); }, x);
    check_rows<float>([](auto const& a, auto const& b) { return tanh(a * b) / total(square(tanh(a * b))) + b; }, x, w);
    // Equal by type, not by data.
    check_rows<float>([](auto const& a, auto const& b) { return exp(a) / total(exp(b)); }, x, Tensor<float>(x * 0.5f));
  }
}

TEST_CASE("rows that do not lie side by side") {
  Tensor<float> const wide = randn<float>({6, 1030});
  check_rows<float>([](auto const& a) { return softmax(a(Slice(), Slice(1, 1025)), 1); }, wide);     // not aligned
  check_rows<float>([](auto const& a) { return softmax(a(Slice(), Slice(4, 1028)), 1); }, wide);     // aligned, rows apart
  check_rows<float>([](auto const& a) { return softmax(a(Slice(), Slice(0, 1024, 2)), 1); }, wide);  // every other element
  check_rows<float>([](auto const& a) { return softmax(a.t(), 1); }, wide);
  check_rows<float>([](auto const& a) { return softmax(a, 0); }, wide);
  check_rows<float>([](auto const& a) { return softmax(a + a(Slice(), Slice(0, 1)), 1); }, wide);  // one number for each row
  check_rows<float>([](auto const& a) { return softmax(a, 1); }, Tensor<float>(randn<float>({3, 64, 16})));

  Tensor<float> x = randn<float>({8, 512}), y = x.to(there);
  x = softmax(x, 1), y = softmax(y, 1);
  check_close(x, y);
}

TEST_CASE("rows whose quotients leave the ordinary numbers") {
  float const inf = std::numeric_limits<float>::infinity();
  auto const quotient = [](auto const& a) { return a / total(a); };
  for (float sum : {1e-39f, 1e-30f, 1e30f, 3e38f, 0.0f, inf}) {
    CAPTURE(sum);
    Tensor<float> x = zeros<float>({2, 64});
    x(0, 0) = sum, x(1, 1) = -sum;
    Tensor<float> const want = quotient(x), got = quotient(x.to(there));
    CHECK(all((want == got.to("cpu")) || (isnan(want) && isnan(got.to("cpu")))).item());
  }
  Tensor<float> x = randn<float>({3, 64});
  x(0, 5) = inf, x(1, 6) = -inf, x(2, 7) = std::numeric_limits<float>::quiet_NaN();
  Tensor<float> const want = softmax(x, 1), got = softmax(x.to(there), 1);
  CHECK(all(isnan(want) == isnan(got.to("cpu"))).item());
  CHECK(max(abs(want(1) - got.to("cpu")(1))).item() < 1e-6);
}

TEST_CASE_TEMPLATE("gradients of row formulas", T, float, double) {
  double const tolerance = 4 * unit<T>();
  for (std::int64_t n : {7, 64, 1024, 9000}) {
    CAPTURE(n);
    Tensor<T> const x = numbers<T>({4, n}), w = numbers<T>({n}), b = numbers<T>({n});
    check_recorded<T>(tolerance, [](auto const& a) { return softmax(a, 1); }, x);
    check_recorded<T>(tolerance, [](auto const& a, auto const& u, auto const& v) { return layer_norm(a, u, v); }, x, w, b);
    check_recorded<T>(tolerance, [](auto const& a, auto const& u) { return exp(a) / total(exp(a)) + tanh(a * u) * mean(tanh(a * u), {1}, {.keepdim = true}); }, x, w);
  }
}
