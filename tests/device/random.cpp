// SPDX-License-Identifier: MIT
// Random numbers computed on a device: the CPU's stream, in any piece of it, and a new piece in each run of a graph.
#include <doctest/doctest.h>

#include <wick/wick.hpp>

using namespace wick;

namespace {

Device const there(WICK_TEST_DEVICE);

template <class T>
bool same(Tensor<T> const& a, Tensor<T> const& b) {
  return a.shape() == b.shape() && (a.numel() == 0 || Tensor<bool>(all(a == b)).item());
}
template <class T, class F>
void check_stream(F const& draw) {
  for (std::int64_t n : {0, 1, 3, 4, 5, 63, 1000, 4099}) {
    CAPTURE(n);
    manual_seed(11);
    Tensor<T> const here[] = {draw(Dims(n), "cpu"), draw(Dims(2, n), "cpu")};
    std::uint64_t const position = default_generator().position();
    manual_seed(11);
    Tensor<T> const far[] = {draw(Dims(n), there), draw(Dims(2, n), there)};
    CHECK(default_generator().position() == position);
    for (int i : {0, 1}) {
      REQUIRE(far[i].device() == there);
      CHECK(same(here[i], far[i].to("cpu")));
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("uniform numbers have the CPU's bits", T, float, double, float16, bfloat16) {
  check_stream<T>([](Dims const& shape, Device device) { return rand<T>(shape, device); });
}

TEST_CASE_TEMPLATE("normal numbers are the CPU's", T, float, double, float16) {
  // Computed in double with Wick's functions there and the C library's here: the last bits of a double may differ.
  double const unit = 4 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::int64_t n : {1, 2, 3, 4, 1001}) {
    manual_seed(12);
    Tensor<double> const here = cast<double>(randn<T>({n}));
    manual_seed(12);
    Tensor<double> const far = cast<double>(randn<T>({n}, there).to("cpu"));
    CHECK(max(abs(here - far)).item() <= unit * (1 + max(abs(here)).item()));
  }
}

TEST_CASE_TEMPLATE("dropout draws the CPU's numbers, whatever lies beside it", T, float, double, bfloat16) {
  manual_seed(13);
  Tensor<T> const x = cast<T>(randn<float>({7, 1030})), column = cast<T>(randn<float>({9, 1}));
  auto const check = [](auto const& f) {
    manual_seed(14);
    Tensor<T> const here = f(Device());
    manual_seed(14);
    CHECK(same(here, Tensor<T>(f(there)).to("cpu")));
  };
  check([&](Device d) { return Tensor<T>(dropout(x.to(d), 0.3)); });
  check([&](Device d) { return Tensor<T>(dropout(x.to(d).t(), 0.3)); });
  check([&](Device d) { return Tensor<T>(dropout(x.to(d), 0.3) * (x.to(d) > T(0))); });
  check([&](Device d) { return Tensor<T>(max(dropout(x.to(d), 0.3), {1})); });
  check([&](Device d) { return Tensor<T>(dropout(column.to(d), 0.5) * ones<T>({9, 37}).to(d)); });
  check([&](Device d) { return Tensor<T>(dropout(x.to(d), 0.)); });
}

TEST_CASE("each run of a graph draws new numbers, those of the eager steps") {
  Tensor<float> values = zeros<float>({37}).to(there);
  auto const step = [&] { values.copy_from(rand<float>({37}, there) + randn<float>({37}, there)); };
  manual_seed(15);
  std::vector<Tensor<float>> eager;
  for (int i = 0; i < 4; ++i) {
    step();
    eager.push_back(values.to("cpu"));
  }
  manual_seed(15);
  step();
  CHECK(same(eager[0], values.to("cpu")));
  Graph graph = capture(there, step);
  for (int i = 1; i < 4; ++i) {
    graph.replay();
    CHECK(same(eager[static_cast<std::size_t>(i)], values.to("cpu")));
  }
}
