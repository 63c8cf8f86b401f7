// SPDX-License-Identifier: MIT
// Scans, sorting and unique on a device beside those of the host.
#include <doctest/doctest.h>

#include <wick/wick.hpp>
#if defined(_OPENMP)
#include <omp.h>
#endif

using namespace wick;

namespace {

Device const there(WICK_TEST_DEVICE);

template <class T>
double unit() {
  return std::is_integral_v<T> ? 0 : std::is_same_v<T, double> ? 1e-12 : std::is_same_v<T, float> ? 2e-6 : double(std::numeric_limits<T>::epsilon());
}
// The same numbers, NaN in the same places, on the device.
template <class T>
void check_close(Tensor<T> const& want, Tensor<T> const& got, double tolerance = unit<T>()) {
  REQUIRE(got.device() == there);
  REQUIRE(got.shape() == want.shape());
  Tensor<T> const here = got.to("cpu");
  double worst = 0;
  for (std::int64_t i = 0; i < want.numel(); ++i) {
    auto const a = static_cast<double>(want.contiguous().data()[i]), b = static_cast<double>(here.contiguous().data()[i]);
    if (a == b || (a != a && b != b)) continue;
    double const gap = std::abs(a - b) / (1 + std::abs(a));
    worst = gap <= worst ? worst : gap;  // NaN stays
  }
  CHECK(worst <= tolerance);
}
template <class T>
void check_same(Tensor<T> const& want, Tensor<T> const& got) { check_close(want, got, 0); }

template <class T>
Tensor<T> numbers(Dims const& shape) {
  if constexpr (std::is_integral_v<T>) return cast<T>(randn<float>(shape) * 3);
  else return cast<T>(randn<float>(shape));
}
// Numbers with equal ones among them, and where there are any, NaN and infinities.
template <class T>
Tensor<T> hard_numbers(Dims const& shape) {
  Tensor<T> x = cast<T>(round(randn<float>(shape) * 4) / 4);
  if constexpr (!std::is_integral_v<T>)
    for (std::int64_t i = 0; i < x.numel(); i += 7)
      x.data()[i] = T(i % 5 == 0 ? std::nanf("") : i % 5 == 1 ? -INFINITY : i % 5 == 2 ? INFINITY : i % 5 == 3 ? -0.f : 0.f);
  return x;
}
// The value of f, and its gradients for a random seed, on the device and on the host.
template <class T, class F>
void check_gradient(F const& f, Tensor<T> const& x) {
  Variable<T> const here(x), far(x.to(there));
  Variable<T> const y = f(here), z = f(far);
  check_close(y.value(), z.value());
  Tensor<T> const seed = numbers<T>(y.shape());
  backward(y, seed);
  backward(z, seed.to(there));
  check_close(here.grad(), far.grad(), 8 * unit<T>());
}

Dims const shapes[] = {{1}, {5}, {33}, {3, 200}, {200, 3}, {2, 40, 37}, {2, 70, 1}, {1000}, {2, 300, 33}, {0}, {3, 0}, {0, 3}};

}  // namespace

TEST_CASE_TEMPLATE("prefixes on a device", T, float, double, float16, std::int32_t) {
  for (Dims const& shape : shapes)
    for (int axis = 0; axis < shape.size(); ++axis) {
      Tensor<T> const x = numbers<T>(shape), y = x.to(there);
      using S = sum_t<T>;
      check_close(Tensor<S>(cumsum(x, axis)), Tensor<S>(cumsum(y, axis)));
      check_close(Tensor<S>(cumprod(x, axis)), Tensor<S>(cumprod(y, axis)));
      check_close(Tensor<floating_t<T>>(logcumsumexp(x, axis)), Tensor<floating_t<T>>(logcumsumexp(y, axis)));
      if (shape[axis] > 0) check_close(Tensor<T>(diff(x, 2, axis)), Tensor<T>(diff(y, 2, axis)), 0);
    }
  Tensor<T> const number(T(3));
  CHECK(Tensor<sum_t<T>>(cumsum(number.to(there), 0)).item() == 3);
}

TEST_CASE_TEMPLATE("extremes so far on a device", T, float, bfloat16, std::int64_t) {
  for (Dims const& shape : shapes)
    for (int axis = 0; axis < shape.size(); ++axis) {
      Tensor<T> const x = hard_numbers<T>(shape), y = x.to(there);
      auto const most = cummax(x, axis), far_most = cummax(y, axis);
      check_same(most.values, far_most.values), check_same(most.indices, far_most.indices);
      auto const least = cummin(x, axis), far_least = cummin(y, axis);
      check_same(least.values, far_least.values), check_same(least.indices, far_least.indices);
    }
}

TEST_CASE_TEMPLATE("sorting on a device", T, float, double, bfloat16, std::int64_t, bool) {
  for (Dims const& shape : shapes)
    for (int axis = 0; axis < shape.size(); ++axis) {
      Tensor<T> const x = hard_numbers<T>(shape), y = x.to(there);
      for (bool descending : {false, true}) {
        auto const here = sort(x, axis, {.descending = descending}), far = sort(y, axis, {.descending = descending});
        check_same(here.values, far.values), check_same(here.indices, far.indices);
      }
      if (shape.numel() == 0) continue;
      auto const some = topk(x, (shape[axis] + 1) / 2, axis), far_some = topk(y, (shape[axis] + 1) / 2, axis);
      check_same(some.values, far_some.values), check_same(some.indices, far_some.indices);
      auto const middle = median(x, axis), far_middle = median(y, axis);
      check_same(middle.values, far_middle.values), check_same(middle.indices, far_middle.indices);
      check_same(kthvalue(x, 1, axis, {.keepdim = true}).values, kthvalue(y, 1, axis, {.keepdim = true}).values);
    }
  CHECK(sort(Tensor<T>(T(1)).to(there)).indices.item() == 0);
}

TEST_CASE_TEMPLATE("unique on a device", T, float, std::int32_t) {
  for (Dims const& shape : shapes) {
    Tensor<T> const x = hard_numbers<T>(shape), y = x.to(there);
    UniqueOptions const all{.return_inverse = true, .return_counts = true};
    auto const check = [](Unique<T> const& here, Unique<T> const& far) {
      check_same(here.values, far.values), check_same(here.inverse, far.inverse), check_same(here.counts, far.counts);
    };
    check(unique(x, all), unique(y, all));
    check(unique_consecutive(x, all), unique_consecutive(y, all));
  }
  Tensor<T> const line = tensor<T>({1, 3, 3, 5}), x = hard_numbers<T>({4, 6});
  check_same(searchsorted(line, x), searchsorted(line.to(there), x.to(there)));
  check_same(bucketize(x, line, {.right = true}), bucketize(x.to(there), line.to(there), {.right = true}));
}

TEST_CASE_TEMPLATE("gradients of scans and of sorted elements on a device", T, float, double) {
  Tensor<T> x = randn<T>({4, 50, 3});
  x(1, 7, 2) = 0, x(1, 9, 2) = 0;
  for (int axis : {0, 1, 2}) {
    check_gradient<T>([&](auto const& v) { return cumsum(v, axis); }, x);
    check_gradient<T>([&](auto const& v) { return cumprod(v, axis); }, x);
    check_gradient<T>([&](auto const& v) { return logcumsumexp(v, axis); }, x);
    check_gradient<T>([&](auto const& v) { return cummax(v, axis).values * 2; }, x);
    check_gradient<T>([&](auto const& v) { return sort(v * 2, axis).values; }, x);
    check_gradient<T>([&](auto const& v) { return topk(v, 2, axis).values; }, x);
    check_gradient<T>([&](auto const& v) { return median(v, axis).values; }, x);
    check_gradient<T>([&](auto const& v) { return diff(v, 1, axis); }, x);
  }
  check_gradient<T>([&](auto const& v) { return median(v); }, x);
  check_gradient<T>([&](auto const& v) { return sort(v).values * 1 + cumsum(v, 0); }, Tensor<T>(T(3)));
}

TEST_CASE("a scan on a device has the same bits for any number of threads") {
  Tensor<float> const x = randn<float>({100000}).to(there);
  auto const with_threads = [&]([[maybe_unused]] int threads) {
#if defined(_OPENMP)
    int const before = omp_get_max_threads();
    omp_set_num_threads(threads);  // Thrust's, not Wick's
    Tensor<float> const y = cumsum(x, 0);
    omp_set_num_threads(before);
    return y.to("cpu");
#else
    return Tensor<float>(cumsum(x, 0)).to("cpu");
#endif
  };
  Tensor<float> const one = with_threads(1);
  for (int threads : {2, 3}) CHECK(all(with_threads(threads) == one).item());
}

TEST_CASE("scans and chosen elements can be recorded in a graph") {
  Tensor<float> x = randn<float>({3, 700}).to(there), y, z;
  auto const work = [&] {
    y = cumsum(x, 1) + logcumsumexp(x, 0);
    z = cummax(x, 1).values;
  };
  for (int i = 0; i < 2; ++i) work();  // memory and sizes are known then
  Graph graph = capture(there, work);
  Tensor<float> const fresh = randn<float>({3, 700});
  x.copy_from(fresh);
  graph.replay();
  check_close(Tensor<float>(cumsum(fresh, 1) + logcumsumexp(fresh, 0)), y, 1e-5);
  check_same(cummax(fresh, 1).values, z);
}
