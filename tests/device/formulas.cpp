// SPDX-License-Identifier: MIT
// Tensors on a device: moving, computing, writing parts, printing; what does not run there, and what is somewhere else.
#include <doctest/doctest.h>

#include <sstream>
#include <wick/wick.hpp>
#if defined(_OPENMP)
#include <omp.h>
#endif

#include "helpers.hpp"

using namespace wick;

namespace {

using on_device::error_of, on_device::there;

template <class T>
bool same(Tensor<T> const& a, Tensor<T> const& b) {
  return a.shape() == b.shape() && all(a.to("cpu") == b.to("cpu")).item();
}

}  // namespace

TEST_CASE("tensors go to a device and come back") {
  Tensor<float> const x = randn<float>({5, 7});
  Tensor<float> const y = x.to(there);
  CHECK(y.device() == there);
  CHECK(y.to(there).data() == y.data());
  CHECK(y.data() != x.data());
  CHECK(same(x, y));
  CHECK(y.t().to("cpu").is_contiguous());
  CHECK(same(Tensor<float>(x.t()), y.t().to("cpu")));
  CHECK(y(3, Slice(1, 4)).to("cpu").size(0) == 3);
  CHECK(y(3, 2).item() == x(3, 2).item());
  CHECK(zeros<float>({0, 3}).to(there).to("cpu").shape() == Dims(0, 3));
  CHECK(ones<float16>({3}).to(there).to("cpu").data()[2] == 1);
}

TEST_CASE("formulas run where their operands are") {
  Tensor<float> const x = randn<float>({33, 70}), w = randn<float>({70});
  Tensor<float> const a = x.to(there), b = w.to(there);
  Tensor<float> const y = a * b + 1;
  CHECK(y.device() == there);
  // A GPU rounds a product and a sum once; whether the host does, its compiler says.
  CHECK(max(abs(y.to("cpu") - (x * w + 1))).item() < 1e-5);
  Tensor<float> const s = softmax(a, 1), t = softmax(x, 1);
  CHECK(max(abs(s.to("cpu") - t)).item() < 1e-6);
  CHECK(Tensor<float>(sum(a * a)).item() == doctest::Approx(Tensor<float>(sum(x * x)).item()).epsilon(1e-5));
  CHECK(same(Tensor<float>(max(a, {0})), Tensor<float>(max(x, {0}))));
  CHECK(same(Tensor<bool>(any(a > 3, {1})), Tensor<bool>(any(x > 3, {1}))));
  CHECK(same(Tensor<float>(cat(0, a, a * 2)), Tensor<float>(cat(0, x, x * 2))));
  CHECK(same(cat(std::vector{a, a}, 1), cat(std::vector{x, x}, 1)));
  Tensor<double> const d = cast<double>(a) / 3;
  CHECK(same(d, Tensor<double>(cast<double>(x) / 3)));
}

TEST_CASE("tensors on a device are values") {
  Tensor<float> x = ones<float>({4, 3}).to(there);
  Tensor<float> const before = x;
  x += x;
  CHECK(before(0, 0).item() == 1);
  x[1] = 5;
  x(Slice(), 2) *= 10;
  CHECK(same(x, tensor({{2.f, 2.f, 20.f}, {5.f, 5.f, 50.f}, {2.f, 2.f, 20.f}, {2.f, 2.f, 20.f}})));
  auto const* const memory = std::as_const(x).data();
  x = x * 2 + 1;
  CHECK(std::as_const(x).data() == memory);  // in place: nobody else holds it
  x = Tensor<float>(x.t()) + 0;
  CHECK(x.shape() == Dims(3, 4));
  x = ones<float>({2});
  CHECK(x.device() == Device());
}

TEST_CASE("a long sum has the same bits for any number of threads") {
  Tensor<float> const x = randn<float>({300000}).to(there);
  auto const with_threads = [&]([[maybe_unused]] int threads) {
#if defined(_OPENMP)
    int const before = omp_get_max_threads();
    omp_set_num_threads(threads);  // Thrust's, not Wick's
    float const total = sum(x).item();
    omp_set_num_threads(before);
    return total;
#else
    return sum(x).item();
#endif
  };
  float const one = with_threads(1);
  for (int threads : {2, 3, 8}) CHECK(with_threads(threads) == one);
}

TEST_CASE("a tensor on a device prints where it is") {
  std::ostringstream out;
  out << tensor({1.5f, 2.f}).to(there) << ' ' << tensor({0.5}).to(there);
  std::ostringstream want;
  want << "tensor([1.5000, 2.0000], device=" << there << ") tensor([0.5000], device=" << there << ", dtype=float64)";
  CHECK(out.str() == want.str());
}

TEST_CASE("dual numbers run on a device") {
  Tensor<double> const v = randn<double>({7, 33}), t = randn<double>({7, 33});
  auto const f = [](auto const& x) { return tanh(x * 2 + 1) * exp(-x) / (x * x + 1); };
  auto const here = make_dual(v, t), there_too = make_dual(v.to(there), t.to(there));
  auto const close = [](Tensor<double> const& a, Tensor<double> const& b) { return max(abs(a.to("cpu") - b)).item() < 1e-12; };
  Tensor<Dual<double>> const y = f(here), z = f(there_too);
  CHECK(z.device() == there);
  CHECK(close(values(z), values(y)));
  CHECK(close(tangents(z), tangents(y)));
  for (std::int64_t axis : {0, 1}) {
    Tensor<Dual<double>> const sums = sum(f(here), {axis}), sums_there = sum(f(there_too), {axis});
    CHECK(close(values(sums_there), values(sums)));
    CHECK(close(tangents(sums_there), tangents(sums)));
    Tensor<Dual<double>> const tops = max(here * here, {axis}), tops_there = max(there_too * there_too, {axis});
    CHECK(close(tangents(tops_there), tangents(tops)));
  }
  Tensor<Dual<double>> const soft = softmax(here, 1), soft_there = softmax(there_too, 1);
  CHECK(close(tangents(soft_there), tangents(soft)));
  Dual<double> const seed(0.5, 2.0);
  CHECK(close(tangents(Tensor<Dual<double>>(there_too * seed)), tangents(Tensor<Dual<double>>(here * seed))));
}

TEST_CASE("operands in two places, and what does not run on a device, are sentences") {
  std::ostringstream name;
  name << there;
  std::string const d = name.str();
  Tensor<float> const x = ones<float>({2, 2}), y = x.to(there);
  CHECK(error_of([&] { Tensor<float> const z = x + y; }) == "add: one operand is on cpu, another on " + d + "; move one of them with .to(\"" + d + "\")");
  CHECK(error_of([&] { Tensor<float> z = x; z[0] = y[0] * 2; }).find("the target on cpu") != std::string::npos);
  CHECK(error_of([&] { Tensor<float> const z = matmul(x, y); }).find("matmul: one operand is on cpu") == 0);
}
