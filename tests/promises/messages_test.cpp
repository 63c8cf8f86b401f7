// SPDX-License-Identifier: MIT
// P7: errors are sentences that name the operation, the shapes and the dimension at fault, and are the same in every
// build.
#include <doctest/doctest.h>

#include <regex>
#include <string>
#include <wick/wick.hpp>

#include "../reading.hpp"

using namespace wick;

namespace {

template <class F>
void says(F const& work, std::string const& pattern) {
  std::string const message = testing::error_of(work);
  CHECK_MESSAGE(std::regex_match(message, std::regex(pattern)),
                "\"" << message << "\" should match \"" << pattern << "\"");
}

Tensor<float> const x23 = ones<float>({2, 3}), x45 = ones<float>({4, 5}), x3 = ones<float>({3}),
                    x24 = ones<float>({2, 4});

}  // namespace

TEST_CASE("shapes that do not fit") {
  says([] { matmul(x23, x45); },
       R"(matmul: \(2, 3\) and \(4, 5\) do not fit: dimension 1 of the first is 3, dimension 0 of the second is 4)");
  says(
      [] {
        matmul(ones<float>({2, 2, 3}), ones<float>({3, 3, 4}));
      },
      R"(matmul: .*\(2,\) and \(3,\) do not broadcast: dimension 0 of the first is 2, dimension 0 of the second is 3)");
  says([] { matmul(x3, x23); }, R"(matmul: \(3,\) and \(2, 3\) are not both matrices.*)");
  says([] { dot(x3, x23); }, R"(dot: \(3,\) and \(2, 3\) are not two vectors of the same length)");
  says([] { x23 + x24; },
       R"(add: \(2, 3\) and \(2, 4\) do not broadcast: dimension 1 of the first is 3, dimension 1 of the second is 4)");
  says(
      [] {
        x24 / ones<float>({3, 1, 4}) * x3;
      },
      R"(mul: .*dimension 2 of the first is 4, dimension 0 of the second is 3)");
  says([] { where(x23 > 0, x24, 0); }, R"(where: \(2, 3\) and \(2, 4\) do not broadcast.*)");
  says(
      [] {
        x23.reshape({4, 2});
      },
      R"(reshape: a tensor of shape \(2, 3\) has 6 elements, which do not fill \(4, 2\))");
  says([] { x23.reshape({-1, 4}); }, R"(reshape: .*\(2, 3\).*\(-1, 4\).*)");
  says([] { x23.reshape({-1, -1}); }, R"(reshape: \(-1, -1\) asks for a negative extent in dimension 1)");
  says([] { x23.permute({0}); }, R"(permute: 1 dimensions are named for a tensor of shape \(2, 3\))");
  says([] { x23.permute({1, 1}); }, R"(permute: dimension 1 stands twice)");
  says([] { ones<float>({2, 3, 4}).t(); }, R"(t: a tensor of shape \(2, 3, 4\) has more than 2 dimensions)");
  says([] { Tensor<float, Shape<2, 5>> t = x23; },
       R"(tensor: dimension 1 of the target is 5, the value has shape \(2, 3\))");
  says([] { Tensor<float, Shape<6>> t = x23; }, R"(tensor: the target has 1 dimensions, the value has shape \(2, 3\))");
  says(
      [] {
        Tensor<float> z = zeros<float>({2, 3});
        z(0) = x24;
      },
      R"(assign: a value of shape \(2, 4\) does not broadcast to the target of shape \(3,\))");
  says(
      [] {
        Tensor<float> z = zeros<float>({2, 3});
        View<float> v = z.view();
        v = ones<float>({3, 3});
      },
      R"(assign: a value of shape \(3, 3\) does not broadcast to the target of shape \(2, 3\))");
}

TEST_CASE("dimensions and positions out of range") {
  says([] { sum(x23, {2}); }, R"(sum: dimension 2 is out of range for a tensor of 2 dimensions \(-2 to 1\))");
  says([] { mean(x23, {-3}); }, R"(mean: dimension -3 is out of range for a tensor of 2 dimensions \(-2 to 1\))");
  says([] { sum(x23, {0, -2}); }, R"(sum: dimension -2 stands twice in the list of dimensions)");
  says([] { max(zeros<float>({0, 3}), {0}); }, R"(max: dimension 0 of shape \(0, 3\) is empty.*)");
  says([] { min(zeros<float>({0})); }, R"(min: a tensor of shape \(0,\) has no elements.*)");
  says([] { softmax(x23, 5); }, R"(.*dimension 5 is out of range for a tensor of 2 dimensions.*)");
  says([] { x23.size(2); }, R"(size: dimension 2 is out of range.*)");
  says([] { x23(2); }, R"(index: 2 is out of range for dimension 0 of a tensor of shape \(2, 3\))");
  says([] { x23(0, -4); }, R"(index: -4 is out of range for dimension 1 of a tensor of shape \(2, 3\))");
  says([] { x23(0, 0, 0); }, R"(index: 3 indices for a tensor of shape \(2, 3\))");
  says([] { x23(Ellipsis, Ellipsis); }, R"(index: at most one Ellipsis may stand in a subscript)");
  says([] { x23(Slice(0, 2, 0)); }, R"(index: the step of a slice of dimension 0 must not be 0)");
  says(
      [] {
        Fixed<int, 2, 2> f;
        f(2, 0);
      },
      R"(index: 2 is out of range for dimension 0 of a tensor of shape \(2, 2\))");
  says([] { transpose(x23, 0, 2); }, R"(transpose: dimension 2 is out of range.*)");
  says([] { flatten(x23, 1, 0); }, R"(flatten: dimension 1 comes after dimension 0 of shape \(2, 3\))");
}

TEST_CASE("making tensors") {
  says([] { zeros<float>({2, -1}); }, R"(.*extent must not be negative, but dimension 1 of \(2, -1\) is)");
  says(
      [] {
        empty<float>({std::int64_t{1} << 40, std::int64_t{1} << 40});
      },
      R"(.*\(1099511627776, 1099511627776\) has too many elements)");
  says([] { arange<int>(0, 10, -1); }, R"(arange: from 0 to 10 there is no way in steps of -1)");
  says([] { arange<float>(0, 10, 0); }, R"(arange: .*)");
  says(
      [] {
        tensor({{1.f, 2.f}, {3.f}});
      },
      R"(tensor: the nested lists differ in length: dimension 1 has 2 and 1 elements)");
  says([] { x23.item(); }, R"(item: a tensor of shape \(2, 3\) is not a single number)");
  says([] { x23.to("cuda:0"); }, R"(to: .*cuda.*)");
  says([] { x23.to("abacus"); }, R"(.*abacus.*)");
}

TEST_CASE("gradients") {
  Variable<float> w(x3), constant(x3, false);
  says([&] { backward(w * 2.f); }, R"(backward: a result of shape \(3,\) is not a single number; .*)");
  says([&] { backward(Variable<float>(sum(constant))); },
       R"(backward: the result of shape \(\) does not depend on a variable that requires a gradient)");
  says([&] { grad(Variable<float>(w * 2.f), w); }, R"(grad: a result of shape \(3,\) is not a single number.*)");
  says([&] { grad(Variable<float>(sum(constant)), constant); },
       R"(grad: the result of shape \(\) does not depend on a variable.*)");
  says([&] { backward(Variable<float>(w * 2.f), x23); },
       R"(backward: the gradient has shape \(2, 3\), the result has \(3,\))");
  says([&] { w.grad(); },
       R"(grad: this variable of shape \(3,\) has no gradient; call backward on a result of it first)");
  says([&] { Variable<float>(w * 2.f).grad(); }, R"(grad: .*retain_grad\(\)\))");
  says([&] { w -= w; }, R"(-=: a leaf variable that requires a gradient is changed in place only under NoGrad)");
  says([&] { w.set_value(x23); }, R"(set_value: a value of shape \(2, 3\) for a variable of shape \(3,\))");
  says([&] { Variable<float>(w * 2.f).set_requires_grad(false); }, R"(set_requires_grad: .*detach\(\))");
  says(
      [&] {
        Variable<float> const y = sum(exp(w));
        backward(y);
        backward(y);
      },
      R"(backward: the statement ".*" was already differentiated and its values are gone; ask for retain_graph the first time)");
  says(
      [&] {
        Variable<double> const u(tensor({1.0, 2.0}));
        gradcheck([](auto const& x) { return Variable<double>(x[0].value() * 2.0, true); }, {u});
      },
      R"(gradcheck: element 0 of input 0 \(shape \(2,\)\): the gradient is 0, the finite difference .*)");
}

TEST_CASE("a function that is made of others speaks in its own name") {
  Tensor<std::int64_t> const target = tensor<std::int64_t>({0, 3});
  says([&] { nll_loss(x23, target); }, R"(nll_loss: target 3 is out of range for dimension 1 of shape \(2, 3\))");
  says([&] { cross_entropy(x23, target); }, R"(cross_entropy: target 3 is out of range for dimension 1 of shape \(2, 3\))");
  says([&] { cross_entropy(x3, target); }, R"(cross_entropy: \(3,\) and \(2,\) do not fit: logits are \(N, C\), targets \(N\))");
  says([] { mse_loss(x23, x45); }, R"(mse_loss: \(2, 3\) and \(4, 5\) do not broadcast: .*)");
  says([] { isclose(x23, x45); }, R"(isclose: \(2, 3\) and \(4, 5\) do not broadcast: .*)");
  says([] { softmax(x23, 2); }, R"(softmax: dimension 2 is out of range .*)");
  says([] { log_softmax(x23, -3); }, R"(log_softmax: dimension -3 is out of range .*)");
  says([] { layer_norm(x23, x3, x24); }, R"(layer_norm: \(2, 3\) and \(2, 4\) do not broadcast: .*)");
  says([] { var(x23, {2}); }, R"(var: dimension 2 is out of range .*)");
  says([] { stddev(x23, {1, 1}); }, R"(stddev: dimension 1 stands twice .*)");
  says([] { amax(x23, {2}); }, R"(amax: dimension 2 is out of range .*)");
  says([] { amin(zeros<float>({0})); }, R"(amin: a tensor of shape \(0,\) has no elements.*)");
  says([] { stack(4, x23, x23); }, R"(stack: dimension 4 is out of range .*)");
  says([] { stack(std::vector<Tensor<float>>{}); }, R"(stack: an empty list .*)");
  says([] { nn::Linear<>(-1, 2); }, R"(Linear: a layer from -1 to 2 features.*)");
  for (std::int64_t const groups : {0, 2}) says([&] { nn::Conv2d<>(3, 4, 3, {.groups = groups}); }, R"(Conv2d: 3 and 4 channels, .* groups do not fit.*)");
  says([] { nn::Conv2d<>(3, 4, 3, {.stride = {1, 0}}); }, R"(Conv2d: stride and dilation start at 1, padding at 0)");
  says([] { nn::Conv2d<>(3, 4, 3, {.padding = -1}); }, R"(Conv2d: stride and dilation start at 1, padding at 0)");
  says([] { nn::Conv2d<>(3, 4, 3, {.padding = max_numel * 16}); }, R"(Conv2d: a stride of 1 x 1, a padding of .* is too large)");
  says([] { nn::Conv2d<>(3, 4, {3, 0}); }, R"(Conv2d: 3 and 4 channels, a kernel of 3 x 0 .* a kernel starts at 1 x 1, .*)");
  says([] { nn::MaxPool2d(0); }, R"(MaxPool2d: kernel, stride and dilation start at 1)");
  says([] { nn::MaxPool2d(2, {.padding = -1}); }, R"(MaxPool2d: the padding is between 0 and half of the kernel)");
  says([] { nn::AvgPool2d(2, -1); }, R"(AvgPool2d: kernel, stride and dilation start at 1)");
  says([] { nn::AvgPool2d(2, {.dilation = 2}); }, R"(AvgPool2d: a dilation of 2 x 2: only max pooling has one)");
  says([] { set_num_threads(0); }, R"(set_num_threads: 0 threads, expected at least 1)");
  says([] { set_num_threads(-3); }, R"(set_num_threads: -3 threads, expected at least 1)");
}

namespace {

// Groups thousands and writes commas for points, as a German locale does; those of the system may not be installed.
struct German : std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  char do_decimal_point() const override { return ','; }
  std::string do_grouping() const override { return "\3"; }
};
struct GermanLocale {
  std::locale before = std::locale::global(std::locale(std::locale::classic(), new German));
  ~GermanLocale() { std::locale::global(before); }
};

}  // namespace

TEST_CASE("no locale changes a message, a shape or a printed tensor") {
  GermanLocale const german;
  REQUIRE((std::ostringstream() << 1234.5).str() == "1.234,5");  // what the program's own streams write
  says([] { x3 + zeros<float>({123456}); }, R"(add: \(3,\) and \(123456,\) do not broadcast: .* 123456)");
  CHECK((std::ostringstream() << Dims(123456, 2)).str() == "(123456, 2)");
  CHECK((std::ostringstream() << tensor({123456.5, -0.25})).str() == "tensor([ 1.2346e+05, -2.5000e-01], dtype=float64)");
  CHECK((std::ostringstream() << tensor({123456})).str() == "tensor([123456], dtype=int32)");
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::tmpfile(), &std::fclose);
  Progress bar(100000, {.stream = file.get(), .terminal = false, .clock = [] { return 0.0; }});
  bar.update(1234, 0.5);
  CHECK(bar.line(0).find("1234/100000") != std::string::npos);
  CHECK(bar.line(0).ends_with("loss 0.5"));
}
