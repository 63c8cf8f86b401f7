// SPDX-License-Identifier: MIT
// Modules of users: members that nobody shows, copies, and how modules and variables print.
#include <doctest/doctest.h>

#include <memory>
#include <sstream>
#include <vector>
#include <wick/wick.hpp>

using namespace wick;

namespace {

struct Cnn {
  nn::Conv2d<> conv1{1, 32, 3}, conv2{32, 64, 3, {.padding = 1, .bias = false}};
  nn::MaxPool2d pool{2};
  nn::Dropout drop{0.25};
  std::vector<nn::Linear<>> layers;
  nn::Linear<double> out{8, 2};
  Variable<float> scale = 1.f;
  Tensor<float> mean = zeros<float>({3});
  int calls = 0;
  WICK_MODULE(conv1, conv2, pool, drop, layers, out, scale, mean)
};

struct Hidden {
  nn::Linear<> first{2, 3}, second{3, 1};
  void visit(auto&& member) { member("first", first); }
};
struct OneByOne {
  std::vector<nn::Linear<>> layers;
  std::unique_ptr<nn::Linear<>> teacher;  // no part: behind a pointer
  void visit(auto&& member) {
    for (auto& layer : layers) member("layer", layer);
  }
};
struct Behind {
  std::shared_ptr<nn::Linear<>> part = std::make_shared<nn::Linear<>>(2, 3);
  void visit(auto&& member) { member("part", *part); }
};
struct Tied {
  nn::Linear<> in{2, 3}, out = in;
  WICK_MODULE(in, out)
};

std::string text(auto const& x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

}  // namespace

TEST_CASE("WICK_MODULE shows members under their names") {
  Cnn model;
  model.layers.emplace_back(4, 4);
  std::string names;
  nn::Parameters const all = parameters(model);
  for (auto const& [name, parameter] : named_parameters<float>(model)) names += name + " ";
  CHECK(names == "conv1.weight conv1.bias conv2.weight layers.0.weight layers.0.bias scale ");
  CHECK(all.size() == 8);
  eval(model);
  CHECK_FALSE(model.drop.training);
}

TEST_CASE("a part that a visit does not show is an error") {
  Hidden hidden;
  CHECK_THROWS_WITH_AS(parameters(hidden), "module: visit of Hidden does not show its member number 2, a Linear, which would not be trained, saved "
                                           "or cleared; name it there, or hold it by pointer if it is no part of the module", Error);
  CHECK_THROWS_AS(zero_grad(hidden), Error);
  OneByOne shown{{}, nullptr};
  CHECK(parameters(shown).empty());
  shown.layers.emplace_back(2, 2), shown.layers.emplace_back(2, 2);
  CHECK(parameters(shown).size() == 4);
}

TEST_CASE("a copy of a module shares its parameters, a clone has its own") {
  Tied model;
  auto const same = model;
  CHECK(same.in.weight.node() == model.in.weight.node());
  backward(sum(square(model.in.weight)));
  Tied other = clone(model);
  CHECK(other.in.weight.node() != model.in.weight.node());
  CHECK(other.in.weight.node() == other.out.weight.node());  // tied in the copy too
  CHECK_FALSE(other.in.weight.has_grad());
  float const before = model.in.weight.value()(0, 0).item();
  CHECK(other.in.weight.value()(0, 0).item() == before);
  other.in.weight.mutable_value() = zeros<float>({3, 2});
  CHECK(model.in.weight.value()(0, 0).item() == before);
  CHECK(parameters(other).size() == 2);
  Behind const behind;
  CHECK_THROWS_WITH_AS(clone(behind), "clone: the parameter \"part.weight\" lies behind a pointer, which a copy shares with its original", Error);
}

TEST_CASE("modules print as PyTorch prints them") {
  Cnn model;
  for (int i = 0; i < 3; ++i) model.layers.emplace_back(4, i < 2 ? 4 : 8);
  CHECK(text(model) ==
        "Cnn(\n"
        "  (conv1): Conv2d(1, 32, kernel_size=(3, 3), stride=(1, 1))\n"
        "  (conv2): Conv2d(32, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)\n"
        "  (pool): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
        "  (drop): Dropout(p=0.25, inplace=False)\n"
        "  (layers): ModuleList(\n"
        "    (0-1): 2 x Linear(in_features=4, out_features=4, bias=True)\n"
        "    (2): Linear(in_features=4, out_features=8, bias=True)\n"
        "  )\n"
        "  (out): Linear(in_features=8, out_features=2, bias=True)\n"
        ")");
  nn::Sequential const net(nn::Linear(4, 8), nn::ReLU(), nn::AvgPool2d(3, 1), nn::Softplus(), nn::GELU(), nn::Flatten(), nn::LogSoftmax(1));
  CHECK(text(net) ==
        "Sequential(\n"
        "  (0): Linear(in_features=4, out_features=8, bias=True)\n"
        "  (1): ReLU()\n"
        "  (2): AvgPool2d(kernel_size=3, stride=1, padding=0)\n"
        "  (3): Softplus(beta=1.0, threshold=20.0)\n"
        "  (4): GELU(approximate='none')\n"
        "  (5): Flatten(start_dim=1, end_dim=-1)\n"
        "  (6): LogSoftmax(dim=1)\n"
        ")");
  CHECK(text(nn::Dropout(1)) == "Dropout(p=1.0, inplace=False)");
}

TEST_CASE("variables print as PyTorch prints tensors that know of gradients") {
  Variable<float> const w = tensor({1.f, 2.f});
  CHECK(text(w) == "tensor([1., 2.], requires_grad=True)");
  CHECK(text(Variable<double>(tensor({0.5}), false)) == "tensor([0.5000], dtype=float64)");
  Variable<float> const y = log_softmax(w, 0), s = sum(w);
  CHECK(text(s) == "tensor(3., grad_fn=<SumBackward0>)");
  CHECK(text(Variable<double>(tensor({0.5}))) == "tensor([0.5000], dtype=float64, requires_grad=True)");
  INFO(text(y));
  CHECK(text(y).find("grad_fn=<") != std::string::npos);
}
