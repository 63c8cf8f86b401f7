// SPDX-License-Identifier: MIT
// Optimizers and gradient clipping against PyTorch, with any number of threads, and what a step reads and writes.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>
#include <wick/wick.hpp>

#include "../failing_new.hpp"
#include "../reference/cases.hpp"

using namespace wick;

namespace {

template <class T>
Tensor<T> tensor_of(reference::Array const& array) {
  Tensor<T> x(Tensor<T>::uninitialized, array.shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<T>(array.data[static_cast<std::size_t>(i)]);
  return x;
}

template <class T>
std::vector<Variable<T>> variables(reference::Case const& c) {
  return {Variable<T>(tensor_of<T>(c["w0"])), Variable<T>(tensor_of<T>(c["w1"]))};
}

template <class T>
void give_gradient(Variable<T> const& parameter, Tensor<T> const& gradient) {
  parameter.zero_grad();
  backward(parameter, gradient);
}

template <class T>
bool close(Tensor<T> const& x, reference::Array const& expected) {
  double const tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  bool same = x.shape() == expected.shape;
  for (std::int64_t i = 0; same && i < x.numel(); ++i) {
    double const want = expected.data[static_cast<std::size_t>(i)], have = static_cast<double>(x.data()[i]);
    same = std::abs(have - want) <= tolerance * (1 + std::abs(want));
  }
  return same;
}

double number(reference::Case const& c, char const* key, double otherwise = 0) {
  return c.text(key).empty() ? otherwise : std::stod(c.text(key));
}

// Runs the four steps of a case. `clip_before` clips the gradients in a pass of its own, else the step does.
template <class T, class Optimizer>
void check_steps(reference::Case const& c, std::vector<Variable<T>> const& parameters, Optimizer& optimizer, bool clip_before) {
  double const infinity = std::numeric_limits<double>::infinity();
  optim::Clip const clip{number(c, "norm", infinity), number(c, "value", infinity)};
  for (int step = 0; step < 4; ++step) {
    for (std::size_t i = 0; i < 2; ++i) {
      std::string const at = std::to_string(i) + "." + std::to_string(step);
      if (c.text("skip") == at) parameters[i].zero_grad();
      else give_gradient(parameters[i], tensor_of<T>(c["g" + at]));
    }
    double norm = 0;
    if (!clip_before) {
      norm = optimizer.step(clip);
    } else {
      if (clip.value < infinity) optim::clip_grad_value(parameters, clip.value);
      if (clip.norm < infinity) norm = optim::clip_grad_norm(parameters, clip.norm);
      optimizer.step();
    }
    if (clip.norm < infinity) CHECK(norm == doctest::Approx(c["norms"].data[static_cast<std::size_t>(step)]).epsilon(1e-6));
  }
  CHECK(close(parameters[0].value(), c["y0"]));
  CHECK(close(parameters[1].value(), c["y1"]));
}

template <class T>
void check_case(reference::Case const& c, bool clip_before) {
  auto const parameters = variables<T>(c);
  if (c.name == "adamw") {
    optim::AdamW optimizer(parameters, {number(c, "lr"), {number(c, "beta1"), number(c, "beta2")}, number(c, "eps"), number(c, "decay")});
    check_steps(c, parameters, optimizer, clip_before);
  } else {
    optim::SGD optimizer(parameters, {number(c, "lr"), number(c, "momentum"), number(c, "dampening"), number(c, "decay"), number(c, "nesterov") != 0});
    check_steps(c, parameters, optimizer, clip_before);
  }
}

}  // namespace

TEST_CASE("optimizers make the steps that PyTorch's make, clipped in the step or before it") {
  int cases = 0;
  for (auto const& c : reference::read_cases("optim.txt")) {
    if (c.name == "clip_grad_norm") continue;
    CAPTURE(c.name);
    ++cases;
    CAPTURE(cases);
    for (bool const clip_before : {false, true}) {
      check_case<double>(c, clip_before);
      check_case<float>(c, clip_before);
    }
  }
  CHECK(cases == 10);
}

TEST_CASE("clip_grad_norm gives PyTorch's norms and gradients") {
  int cases = 0;
  for (auto const& c : reference::read_cases("optim.txt")) {
    if (c.name != "clip_grad_norm") continue;
    ++cases;
    std::vector<Variable<double>> parameters;
    for (auto const* label : {"g0", "g1"}) {
      parameters.emplace_back(zeros<double>(c[label].shape));
      give_gradient(parameters.back(), tensor_of<double>(c[label]));
    }
    parameters.emplace_back(1.0);  // has no gradient
    double const p = number(c, "norm_type");
    CHECK(optim::grad_norm(parameters, p) == doctest::Approx(c["norm"].data[0]).epsilon(1e-13));
    double const norm = optim::clip_grad_norm(parameters, number(c, "max_norm"), {.norm_type = p});
    CHECK(norm == doctest::Approx(c["norm"].data[0]).epsilon(1e-13));
    CHECK(close(parameters[0].grad(), c["y0"]));
    CHECK(close(parameters[1].grad(), c["y1"]));
  }
  CHECK(cases == 6);
}

TEST_CASE("a norm that is not finite shows, and is an error where that was asked for") {
  std::vector<Variable<float>> const p{Variable<float>(zeros<float>({3}))};
  float const infinity = std::numeric_limits<float>::infinity();
  give_gradient(p[0], tensor({1.f, infinity, 0.f}));
  CHECK_THROWS_WITH_AS(optim::clip_grad_norm(p, 1, {.error_if_nonfinite = true}),
                       "clip_grad_norm: the norm of the gradients is inf, so they cannot be scaled", Error);
  CHECK(std::isinf(optim::clip_grad_norm(p, 1)));
  CHECK(p[0].grad().data()[0] == 0);
  CHECK(std::isnan(p[0].grad().data()[1]));  // as in PyTorch: infinity times 0
  give_gradient(p[0], tensor({1.f, std::nanf(""), 0.f}));
  CHECK(std::isnan(optim::grad_norm(p)));
  CHECK(std::isnan(optim::grad_norm(p, static_cast<double>(infinity))));
  optim::clip_grad_value(p, 0.5);
  CHECK(p[0].grad().data()[0] == 0.5f);
  CHECK(std::isnan(p[0].grad().data()[1]));
  CHECK_THROWS_WITH_AS(optim::grad_norm(p, 0), "grad_norm: norm_type is 0, expected a positive number", Error);
  CHECK_THROWS_WITH_AS(optim::clip_grad_value(p, -1), "clip_grad_value: the limit is -1, expected 0 or more", Error);
}

TEST_CASE("a clipped step leaves gradients and shared values as they are") {
  Tensor<float> const start = arange<float>(5000);
  std::vector<Variable<float>> const p{Variable<float>(start)};
  give_gradient(p[0], ones<float>({5000}));
  Tensor<float> const before = p[0].grad();
  optim::SGD optimizer(p, {.lr = 1});
  double const norm = optimizer.step({.norm = 1});
  CHECK(norm == doctest::Approx(std::sqrt(5000.0)));
  CHECK(p[0].grad().data()[7] == 1);
  CHECK(start.data()[7] == 7);
  CHECK(p[0].value().data()[7] == doctest::Approx(7 - 1 / std::sqrt(5000.0)));
  CHECK_THROWS_WITH_AS(optimizer.step({.norm = -1}), "step: gradients are clipped to the norm -1 and the value inf, expected 0 or more", Error);
}

TEST_CASE("a step has the same bits for any number of threads, and for any place of an element") {
  std::vector<std::vector<float>> results;
  std::vector<double> norms;
  int const before = num_threads();
  for (int const threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    manual_seed(3);
    std::vector<Variable<float>> parameters;
    for (std::int64_t const n : {1, 15, 16, 17, 1000, 1024, 1025, 100003}) {
      parameters.emplace_back(randn<float>({n}));
      give_gradient(parameters.back(), randn<float>({n}));
    }
    optim::AdamW optimizer(parameters, {.lr = 0.1});
    norms.push_back(optimizer.step({.norm = 1}));
    optimizer.step({.norm = 1});
    std::vector<float> all;
    for (auto const& p : parameters) all.insert(all.end(), p.value().data(), p.value().data() + p.numel());
    results.push_back(all);
  }
  set_num_threads(before);
  for (std::size_t i = 1; i < results.size(); ++i) {
    CHECK(results[i] == results[0]);
    CHECK(norms[i] == norms[0]);
  }
}

TEST_CASE("gradients that do not lie in row-major order") {
  Variable<double> const w(ones<double>({2, 3}));
  w.zero_grad();
  backward(sum(w * transpose(arange<double>(6).reshape({3, 2}), 0, 1)));
  w.mutable_grad() = transpose(arange<double>(6).reshape({3, 2}), 0, 1);
  optim::SGD optimizer(std::vector{w}, {.lr = 1});
  optimizer.step();
  CHECK(std::vector<double>(w.value().data(), w.value().data() + 6) == std::vector<double>{1, -1, -3, 0, -2, -4});
}

TEST_CASE("steps ask the pool for nothing") {
  std::vector<Variable<float>> parameters;
  for (int i = 0; i < 10; ++i) {
    parameters.emplace_back(randn<float>({300}));
    give_gradient(parameters.back(), randn<float>({300}));
  }
  optim::AdamW adamw(parameters);
  optim::SGD sgd(parameters, {.momentum = 0.9});
  adamw.step(), sgd.step();
  auto const before = pool_stats().requests;
  for (int i = 0; i < 10; ++i) adamw.step(), sgd.step();
  CHECK(pool_stats().requests == before);
}

TEST_CASE("a step that cannot be made changes nothing") {
  auto const check = [](auto make) {
    Variable<double> const tried = ones<double>({3}), plain = ones<double>({3});
    auto first = make(tried), second = make(plain);
    for (auto const& w : {tried, plain}) backward(sum(w));
    CHECK_THROWS_AS(first.step({.norm = -1}), Error);
    for (int i = 0; i < 2; ++i) first.step(), second.step();
    CHECK(all(tried.value() == plain.value()).item());
    for (std::int64_t number = 0, met = 1; met; ++number) {  // nor when memory ends in the middle
      auto third = make(tried), fourth = make(plain);
      bool done = false;
      {
        testing::FailingAllocation const failing(number);
        try {
          third.step(), done = true;
        } catch (std::bad_alloc const&) {
        }
        met = failing.met();
      }
      if (!done) third.step();
      fourth.step();
      CHECK(all(tried.value() == plain.value()).item());
    }
  };
  check([](Variable<double> const& w) { return optim::SGD({w}, {.lr = 0.5, .momentum = 0.5}); });
  check([](Variable<double> const& w) { return optim::AdamW({w}, {.lr = 0.5}); });
  Variable<double> const w = ones<double>({3});
  backward(sum(w));
  CHECK_THROWS_AS(optim::clip_grad_norm(std::vector{w}, -1.0), Error);
}

TEST_CASE("a parameter that is listed twice takes each step once") {
  Variable<double> const w = ones<double>({3});
  optim::SGD optimizer({w, w}, {.lr = 0.25});
  CHECK(optimizer.parameters().size() == 1);
  backward(sum(w));
  optimizer.step();
  CHECK(w.value()(0).item() == 0.75);
}

namespace {

struct Mixed {
  Variable<float> slope = 0.f;
  Variable<double> bias = zeros<double>({2});
  Variable<float16> gain = ones<float16>({1});
  Variable<bfloat16> shift = zeros<bfloat16>({1});
  Variable<std::int64_t> calls = std::int64_t{0};  // never has a gradient
  auto operator()(auto const& x) { return cast<double>(x * slope) * cast<double>(gain) + bias + cast<double>(shift); }
  WICK_MODULE(slope, bias, gain, shift, calls)
};

std::vector<double> gradients_of(nn::Parameters const& parameters) {
  std::vector<double> all;
  parameters.each([&](auto const& p) {
    for (std::int64_t i = 0; i < p.numel(); ++i) all.push_back(static_cast<double>(p.grad().data()[i]));
  });
  return all;
}

}  // namespace

TEST_CASE("given a model, optimizers, zero_grad and clipping cover parameters of every element type") {
  manual_seed(4);
  Tensor<float> const x = randn<float>({32, 2});
  Tensor<double> const y = cast<double>(x * 3) + tensor({1., 2.});
  auto const train_with = [&](auto make, double lr) {
    Mixed model;
    CHECK(parameters(model).size() == 4);
    auto optimizer = make(model, lr);
    double first = 0, last = 0;
    for (int step = 0; step < 200; ++step) {
      zero_grad(model);
      Variable<double> const loss = mse_loss(model(x), y);
      backward(loss);
      optimizer.step({.norm = 10});
      last = loss.item();
      if (step == 0) first = last;
    }
    CHECK(last < 0.02 * first);
    CHECK(model.gain.value()(0).item() != 1);
    CHECK(model.shift.value()(0).item() != 0);
    return model;
  };
  train_with([](Mixed& m, double lr) { return optim::SGD(m, {.lr = lr, .momentum = 0.5}); }, 0.05);
  Mixed model = train_with([](Mixed& m, double lr) { return optim::AdamW(parameters(m), {.lr = lr, .betas = {0.9, 0.99}}); }, 0.05);

  auto const before = gradients_of(parameters(model));
  double square = 0;
  for (double g : before) square += g * g;
  CHECK(optim::clip_grad_norm(model, 1e-3) == doctest::Approx(std::sqrt(square)).epsilon(1e-5));
  CHECK(optim::grad_norm(parameters(model)) == doctest::Approx(std::min(1e-3, std::sqrt(square))).epsilon(1e-3));
  CHECK(optim::grad_norm(model, optim::Clip::unlimited) < 1e-3);
  nn::utils::clip_grad_value(parameters(model), 1e-6);
  for (double g : gradients_of(parameters(model))) CHECK(std::abs(g) <= 1.05e-6);
  zero_grad(parameters(model));
  parameters(model).each([](auto const& p) { CHECK_FALSE(p.has_grad()); });

  CHECK(parameters<double>(model).size() == 1);
  CHECK(named_parameters<float16>(model)[0].first == "gain");
  CHECK_THROWS_WITH_AS(parameters(model).begin(), "parameters: of 4 parameters 1 are float32, 1 float64, 1 float16, 1 bfloat16; a loop over "
                                                  "variables is over one type: use `parameters<T>(model)`", Error);
  CHECK_THROWS_AS(named_parameters(model), Error);
  std::int64_t count = 0;
  nn::Linear layer(2, 3);
  for (auto const& parameter : parameters(layer)) count += parameter.numel();
  CHECK(count == 9);
}

TEST_CASE("parameters of 16 bits take their steps in float, rounded once") {
  std::vector<Variable<bfloat16>> const p{Variable<bfloat16>(full<bfloat16>({1500}, bfloat16(1.5f)))};
  Tensor<bfloat16> const g = full<bfloat16>({1500}, bfloat16(0.0117f));
  optim::SGD optimizer(p, {.lr = 0.5, .momentum = 0.5});
  float v = 0, w = 1.5f;
  for (int step = 0; step < 4; ++step) {
    give_gradient(p[0], g);
    optimizer.step();
    v = step == 0 ? float(g(0).item()) : 0.5f * v + float(g(0).item());
    w = float(bfloat16(w - 0.5f * v));
    CHECK(p[0].value()(1499).item() == w);
  }
}

TEST_CASE("a step after a backward pass that gave none of its parameters a gradient is an error") {
  nn::Linear<> layer(2, 1), other(2, 1);
  optim::SGD optimizer(layer, {.lr = 0.1});
  optimizer.step();  // nothing was asked for: nothing happens
  auto const pass = [](nn::Linear<> const& used) { backward(sum(square(used(ones<float>({4, 2}))))); };
  pass(other);
  std::string const sentence = "step: a backward pass has finished since this optimizer's last step, but none of its 2 parameters has a gradient";
  CHECK_THROWS_WITH_AS(optimizer.step(), doctest::Contains(sentence.c_str()), Error);
  pass(layer);
  zero_grad(layer);
  CHECK_THROWS_AS(optimizer.step({.norm = 1}), Error);
  pass(layer);
  optimizer.step();
  optimizer.zero_grad();
  optimizer.step();  // no pass since the last step
}

namespace {
struct Heads {
  nn::Linear<> body{3, 4}, first{4, 2}, second{4, 2};
  Tensor<float> evaluated(Tensor<float> x) const {
    x = relu(body(x));  // a tensor: nothing is recorded
    return x;
  }
  Variable<float> recorded(Tensor<float> const& x) const { return relu(body(x)); }
  WICK_MODULE(body, first, second)
};
}  // namespace

TEST_CASE("a step is an error when the first part of the network was computed into a tensor and only the last was recorded") {
  Heads model;
  optim::AdamW optimizer(model, {.lr = 0.1});
  Tensor<float> const x = ones<float>({5, 3}), before = model.first.weight.value();
  auto const pass = [&] {
    optimizer.zero_grad();
    backward(sum(square(model.first(model.evaluated(x)))));
  };
  pass();
  CHECK_THROWS_WITH_AS(optimizer.step(), doctest::Contains("step: parameter number 1 of 6, of shape (4, 3), has no gradient, while others have one"), Error);
  pass();
  CHECK_THROWS_AS(optimizer.step({.norm = 1}), Error);
  CHECK(all(model.first.weight.value() == before).item());
  optimizer.zero_grad();
  backward(sum(square(model.first(model.recorded(x)))));
  optimizer.step();
  CHECK(!all(model.first.weight.value() == before).item());
}

TEST_CASE("a parameter without a gradient stays as it is when it was not computed with, or only looked at") {
  Heads model;
  optim::SGD optimizer(model, {.lr = 0.1});
  Tensor<float> const x = ones<float>({5, 3}), weight = model.second.weight.value();
  Tensor<float> scores;
  auto const train = [&] { backward(sum(square(model.first(model.recorded(x))))), optimizer.step(); };
  train();  // the second head has no part in the loss
  scores = model.second(model.recorded(x));  // a look at all outputs between two steps
  optimizer.zero_grad();
  train();
  optimizer.zero_grad();
  scores = model.first(model.recorded(x));  // what gets a gradient, too
  float const length = norm(model.second.weight).item();
  Tensor<float> const sum_of_bias = sum(model.second.bias * 2);
  Variable<float> const unused = cumprod(model.second.weight, 0);  // recorded, and not in the loss
  {
    NoGrad const guard;
    scores = model.second(model.recorded(x));
  }
  train();
  CHECK(length > 0);
  CHECK(all(model.second.weight.value() == weight).item());
  optimizer.zero_grad();
  backward(sum(square(model.second(model.recorded(x)))));
  optimizer.step();
  optimizer.zero_grad();
  scores = model.second(model.evaluated(x));  // it has been trained, so the program knows how
  train();
  model.body.weight.set_requires_grad(false), model.body.bias.set_requires_grad(false);
  optimizer.zero_grad();
  backward(sum(square(model.first(model.evaluated(x)))));
  optimizer.step();
}

TEST_CASE("options that make no sense are errors when an optimizer is made and when it takes a step") {
  nn::Linear<> layer(2, 1);
  double const nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(optim::SGD(layer, {.lr = -1}), "SGD: lr is -1, expected a finite number that is not negative", Error);
  CHECK_THROWS_WITH_AS(optim::AdamW(layer, {.betas = {1.0, 0.999}}), "AdamW: betas are 1 and 0.999, expected numbers from 0 to below 1", Error);
  for (double const bad : {-1.0, nan, optim::Clip::unlimited}) {
    CHECK_THROWS_AS(optim::SGD(layer, {.lr = bad}), Error);
    CHECK_THROWS_AS(optim::SGD(layer, {.momentum = bad}), Error);
    CHECK_THROWS_AS(optim::SGD(layer, {.weight_decay = bad}), Error);
    CHECK_THROWS_AS(optim::AdamW(layer, {.lr = bad}), Error);
    CHECK_THROWS_AS(optim::AdamW(layer, {.eps = bad}), Error);
    CHECK_THROWS_AS(optim::AdamW(layer, {.weight_decay = bad}), Error);
    CHECK_THROWS_AS(optim::AdamW(layer, {.betas = {0.9, bad}}), Error);
  }
  CHECK_THROWS_AS(optim::SGD(layer, {.dampening = nan}), Error);
  backward(sum(layer(ones<float>({4, 2}))));
  Tensor<float> const before = layer.weight.value();
  optim::AdamW optimizer(layer);
  optimizer.options.lr = nan;
  CHECK_THROWS_AS(optimizer.step(), Error);
  optimizer.options.lr = 1e-3;
  CHECK(optimizer.lr() == 1e-3);
  CHECK(optim::SGD(layer, {.lr = 0.25}).lr() == 0.25);
  CHECK_THROWS_AS(optimizer.step({.norm = nan}), Error);
  CHECK_THROWS_AS(optimizer.step({.value = -1}), Error);
  CHECK_THROWS_AS(optim::clip_grad_norm(layer, nan), Error);
  CHECK_THROWS_AS(optim::clip_grad_value(layer, nan), Error);
  CHECK(all(layer.weight.value() == before).item());
}
