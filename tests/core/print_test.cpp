// SPDX-License-Identifier: MIT
// Printing, character for character against what PyTorch prints (tests/reference/print.txt).
#include <doctest/doctest.h>

#include <complex>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <wick/expr/print.hpp>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

std::map<std::string, std::string> reference_texts() {
  std::string const here = __FILE__;
  std::ifstream file(here.substr(0, here.find_last_of('/')) + "/../reference/print.txt");
  std::map<std::string, std::string> texts;
  std::string line, id;
  while (std::getline(file, line)) {
    if (line.rfind("== ", 0) == 0) {
      id = line.substr(3);
      continue;
    }
    std::string& text = texts[id];
    text += (text.empty() ? "" : "\n") + line;
  }
  return texts;
}

template <class X>
std::string text_of(X const& x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

class Reference {
 public:
  Reference() : left_(reference_texts()) { REQUIRE(left_.size() > 80); }
  template <class X>
  void check(std::string const& id, X const& x) {
    CAPTURE(id);
    REQUIRE(left_.count(id) == 1);
    CHECK(text_of(x) == left_[id]);
    left_.erase(id);
  }
  template <class X>
  void check(std::string const& id, PrintOptions const& options, X const& x) {
    set_print_options(options);
    check(id, x);
    set_print_options({});
  }
  void check_complete() const {
    for (auto const& [id, text] : left_) FAIL_CHECK("no tensor was printed for the reference text " << id);
  }

 private:
  std::map<std::string, std::string> left_;
};

template <class T>
Tensor<T> ramp(Dims const& shape, T scale = T(1)) {
  return Tensor<T>(arange<T>(static_cast<T>(shape.numel())) * scale).reshape(shape);
}

constexpr float nan_f = std::numeric_limits<float>::quiet_NaN(), inf_f = std::numeric_limits<float>::infinity();
using I32 = std::int32_t;
using I64 = std::int64_t;

}  // namespace

TEST_CASE("tensors print as in PyTorch") {
  Reference reference;
  auto const check = [&](char const* id, auto const& x) { reference.check(id, x); };
  check("vector", tensor({1.f, 2.f, 3.f}));
  check("scalar", tensor(3.f));
  check("scalar_fraction", tensor(-3.25f));
  check("scalar_nan", tensor(nan_f));
  check("scalar_int", tensor(I64{-7}));
  check("scalar_bool", tensor(true));
  check("scalar_double", tensor(0.1));
  check("scalar_float16", tensor(float16(0.1)));
  check("vector_float16", tensor({float16(0.1), float16(-2.5), float16(1000), float16(65504)}));
  check("vector_bfloat16", tensor({bfloat16(0.1), bfloat16(-2.5), bfloat16(3)}));
  check("scalar_large", tensor(1e9f));
  check("one_element", full<float>({1}, 5));
  check("matrix", tensor({{1.f, 2.f}, {3.f, 4.f}}));
  check("matrix_fraction", tensor({{1.5f, -2.25f}, {3.125f, 100.f}}));
  check("negative", tensor({-1.f, 0.f, 10.f}));
  check("negative_zero", tensor({-0.f, 1.f}));
  check("all_zero", zeros<float>({2}));
  check("all_nan", full<float>({2}, -nan_f));  // the sign of a NaN is not printed
  check("zero_nan", tensor({0.f, nan_f, inf_f}));
  check("nan_inf", tensor({nan_f, inf_f, -inf_f, 1.f}));
  check("nan_inf_fraction", tensor({nan_f, inf_f, -inf_f, 1.5f}));
  check("sci_inf", tensor({1e-9f, inf_f, -1.f, nan_f}));
  check("sci_ratio", tensor({1.5f, 2000.f}));
  check("sci_ratio_edge", tensor({1.5f, 1500.f}));
  check("sci_whole", tensor({1.f, 2000.f}));
  check("sci_whole_edge", tensor({1.f, 1000.f}));
  check("sci_large", tensor({123456789.f, 123456788.f}));
  check("sci_large_edge", tensor({1e8f, 1e8f}));
  check("sci_small", tensor({1e-5f, 2e-5f}));
  check("sci_small_edge", tensor({1e-4, 2e-4}));
  check("sci_exponent", tensor({1e-300, 1e300}));
  check("sci_zero", tensor({0.f, 1e-10f}));
  check("subnormal", full<float>({1}, 1e-45f));
  check("double", tensor({0.1, 0.2}));
  check("double_whole", tensor({1., 2.}));
  check("int32", tensor<I32>({1, -20, 300}));
  check("int64", tensor<I64>({1, -20, 300}));
  check("int64_limits", tensor<I64>({std::numeric_limits<I64>::max(), std::numeric_limits<I64>::min()}));
  check("int_matrix", tensor<I64>({{1, 2}, {30, -4}}));
  check("bool", tensor({true, false}));
  check("bool_same", full<bool>({2, 2}, true));
  check("rank3", ramp<float>({2, 2, 3}));
  check("rank4", ramp<float>({2, 1, 2, 2}));
  check("rank4_int", ramp<I64>({2, 2, 2, 2}));
  check("rank8", ramp<float>({1, 2, 1, 1, 2, 1, 1, 2}));
  check("wrap", ramp<float>({30}));
  check("wrap_fraction", ramp<float>({40}, 0.25f));
  check("wrap_matrix", ramp<float>({3, 25}, 0.5f));
  check("wrap_int32", ramp<I32>({60}));
  check("wrap_double", ramp<double>({17}, 0.125));
  Tensor<bool> every_third = full<bool>({30}, false);
  every_third(Slice(0, 30, 3)) = true;
  check("wrap_bool", every_third);
  check("suffix_breaks", ramp<double>({10}, 0.5));
  check("suffix_fits", ramp<double>({7}, 0.5));
  check("suffix_eight", ramp<double>({8}, 0.5));
  check("summary_edge", ramp<float>({1000}));
  check("summary", ramp<float>({1001}));
  check("summary_int", ramp<I64>({1001}));
  Tensor<float> hidden = zeros<float>({1201});
  hidden(Slice(0, 600)) = ramp<float>({600});
  hidden(600) = 1e9f;
  hidden(Slice(601)) = ramp<float>({600});
  check("summary_hides_large", hidden);
  check("summary_matrix", ramp<float>({40, 30}));
  check("summary_matrix_double", ramp<double>({40, 30}, 0.5));
  check("summary_tall", ramp<float>({500, 3}));
  check("summary_wide", ramp<double>({3, 500}, 0.1));
  check("summary_six", ramp<float>({6, 200}));
  check("summary_seven", ramp<float>({7, 200}));
  check("summary_rank3", ramp<float>({10, 11, 12}));
  check("summary_rank4", ramp<I32>({7, 2, 8, 12}));
  Tensor<bool> even = full<bool>({1200}, false);
  even(Slice(0, 1200, 2)) = true;
  check("summary_bool", even);
  check("transposed", ramp<float>({2, 3}).t());
  check("reversed", tensor({1.f, 2.f, 3.f})(Slice({}, {}, -1)));
  float row[] = {1, 2};
  check("broadcast", View<float>(row, {3, 2}, {0, 1}));
  check("empty", zeros<float>({0}));
  check("empty_double", zeros<double>({0}));
  check("empty_int32", zeros<I32>({0}));
  check("empty_int64", zeros<I64>({0}));
  check("empty_bool", zeros<bool>({0}));
  check("empty_matrix", zeros<float>({0, 3}));
  check("empty_rank3_double", zeros<double>({2, 0, 4}));
  using C64 = std::complex<float>;
  using C128 = std::complex<double>;
  check("complex", tensor<C64>({C64(1, 2), C64(-3.5f, -0.25f)}));
  Tensor<C128> const complex_vector = tensor<C128>({C128(1, 2), C128(-3, -4), C128(), C128(100, 0.5)});
  check("complex_double", complex_vector.reshape({2, 2}));
  check("complex_nan", tensor<C64>({C64(nan_f, inf_f), C64(1, -inf_f)}));
  check("rounding", tensor({0.00005, 0.00015, 2.5, 0.12345}));
  check("half_even", tensor({0.5f, 1.5f, 2.5f, 0.03125f}));

  reference.check("precision_2", {.precision = 2}, tensor({1. / 3, 2.}));
  reference.check("precision_0", {.precision = 0}, tensor({1.25f, 2.75f}));
  reference.check("precision_10", {.precision = 10}, tensor({1. / 3, 2.}));
  reference.check("sci_on", {.sci_mode = true}, tensor({1.f, 2.5f}));
  reference.check("sci_on_whole", {.sci_mode = true}, tensor({1.f, 2.f}));
  reference.check("sci_on_zero", {.sci_mode = true}, zeros<float>({2}));
  reference.check("sci_off", {.sci_mode = false}, tensor({1e-6f, 2e5f}));
  reference.check("sci_off_whole", {.sci_mode = false}, tensor({1.f, 3e9f}));
  reference.check("threshold_5", {.threshold = 5, .edge_items = 1}, ramp<float>({6}));
  reference.check("threshold_edge_2", {.threshold = 5, .edge_items = 2}, ramp<float>({5, 6}));
  reference.check("edge_0", {.threshold = 5, .edge_items = 0}, ramp<float>({6}));
  reference.check("edge_0_matrix", {.threshold = 5, .edge_items = 0}, ramp<float>({3, 3}));
  reference.check("edge_0_small", {.threshold = 5, .edge_items = 0}, ramp<float>({3}));
  reference.check("width_40", {.line_width = 40}, ramp<float>({12}));
  reference.check("width_20_double", {.line_width = 20}, ramp<double>({3, 4}));
  reference.check("width_1", {.line_width = 1}, ramp<float>({2, 2}));
  reference.check_complete();
}

TEST_CASE("everything with elements prints as a tensor") {
  Fixed<float, 2, 2> const fixed(1.f, 2.f, 3.f, 4.f);
  CHECK(text_of(fixed) == "tensor([[1., 2.],\n        [3., 4.]])");
  Fixed<float, 2, 2> written = fixed;
  CHECK(text_of(written[1]) == "tensor([3., 4.])");
  CHECK(text_of(written(Slice(), 1)) == "tensor([2., 4.])");
  CHECK(text_of(fixed(Slice(), 1)) == "tensor([2., 4.])");
  double memory[] = {3, 2, 1};
  CHECK(text_of(View<double>(memory + 2, {3}, {-1})) == "tensor([1., 2., 3.], dtype=float64)");
  CHECK(text_of(View<double const>(memory, {1})) == "tensor([3.], dtype=float64)");
  Tensor<float> x = tensor({{1.f, 2.f}, {3.f, 4.f}});
  CHECK(text_of(x[1]) == "tensor([3., 4.])");
  CHECK(text_of(x(1, 1)) == "tensor(4.)");
  Tensor<float, Shape<2, Dyn>> const known = x;
  CHECK(text_of(known) == text_of(x));
  CHECK(text_of(x * 2 + 1) == "tensor([[3., 5.],\n        [7., 9.]])");
  CHECK(text_of(sum(x)) == "tensor(10.)");
  CHECK(text_of(x > 2) == "tensor([[False, False],\n        [ True,  True]])");
  CHECK(text_of(Tensor<float>()) == "tensor([])");
  CHECK(text_of(x(Slice(), newaxis, 0)) == "tensor([[1.],\n        [3.]])");
  CHECK(text_of(tensor<std::uint8_t>({7, 65})) == "tensor([ 7, 65], dtype=uint8)");
}

TEST_CASE("print options") {
  CHECK(print_options().threshold == 1000);
  CHECK_THROWS_WITH_AS(set_print_options({.precision = -1}),
                       "set_print_options: precision is -1 and edge_items is 3, but neither may be negative", Error);
  set_print_options({.precision = 1});
  CHECK(print_options().precision == 1);
  CHECK(text_of(tensor(2.25f)) == "tensor(2.2)");
  set_print_options({});
  CHECK(text_of(tensor(2.25f)) == "tensor(2.2500)");
}
