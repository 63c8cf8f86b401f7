// SPDX-License-Identifier: MIT
// The tutorial's last part: a data set of our own, a small network, saving and loading.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <wick/wick.hpp>
using namespace wick;

// [begin dataset]
/// Points of three spirals in the plane; the label says which spiral.
struct Spirals {
  std::int64_t size() const { return 600; }
  data::Sample<> operator[](std::int64_t i) const {
    std::int64_t const label = i % 3;
    float const radius = static_cast<float>(i) / 600, angle = 4 * radius + 2.1f * static_cast<float>(label);
    return {tensor({radius * std::sin(angle), radius * std::cos(angle)}), label};
  }
};
// [end dataset]

// [begin module]
struct Classifier {
  nn::Linear<> hidden{2, 64}, inner{64, 32}, out{32, 3};
  nn::Dropout drop{0.1};

  auto operator()(auto const& x) { return out(drop(relu(inner(relu(hidden(x)))))); }
  WICK_MODULE(hidden, inner, drop, out)  // writes `visit`; a forgotten layer does not compile
};
// [end module]

// [begin evaluate]
double accuracy(Classifier& model, Spirals const& points) {
  eval(model);  // dropout does nothing now
  data::DataLoader loader(points, {.batch_size = 200});
  std::int64_t right = 0;
  for (auto [point, label] : loader) {
    Tensor<float> scores = model(point);  // computed, not recorded
    right += Tensor<std::int64_t>(sum(argmax(scores, 1) == label)).item();
  }
  train(model);
  return 100.0 * static_cast<double>(right) / static_cast<double>(points.size());
}
// [end evaluate]

int main() {
  manual_seed(3);
  // [begin train]
  Spirals points;
  Classifier model;
  optim::AdamW optimizer(model, {.lr = 0.01});
  data::DataLoader loader(points, {.batch_size = 60, .shuffle = true, .workers = 1, .seed = 3});
  for (int epoch = 0; epoch < 40; ++epoch) {
    for (auto [point, label] : loader) {
      optimizer.zero_grad();
      Variable<float> loss = cross_entropy(model(point), label);
      backward(loss);
      optimizer.step();
    }
  }
  double const reached = accuracy(model, points);
  // [end train]
  std::printf("%.1f %% of the points are right\n", reached);

  // [begin print]
  std::cout << model << "\n";
  // -> Classifier(
  // ->   (hidden): Linear(in_features=2, out_features=64, bias=True)
  // ->   (inner): Linear(in_features=64, out_features=32, bias=True)
  // ->   (drop): Dropout(p=0.1, inplace=False)
  // ->   (out): Linear(in_features=32, out_features=3, bias=True)
  // -> )
  // [end print]

  // [begin names]
  for (auto const& [name, parameter] : named_parameters(model)) std::cout << name << " " << parameter.shape() << "\n";
  // -> hidden.weight (64, 2)
  // -> hidden.bias (64,)
  // -> inner.weight (32, 64)
  // -> inner.bias (32,)
  // -> out.weight (3, 32)
  // -> out.bias (3,)
  // [end names]

  // [begin clone]
  Classifier same_parameters = model;        // a copy names the same parameters, as in Python
  Classifier own_parameters = clone(model);  // a clone starts with equal ones of its own
  // [end clone]
  (void)same_parameters, (void)own_parameters;

  // [begin save]
  std::string const path = (std::filesystem::temp_directory_path() / "wick_tutorial.safetensors").string();
  save(model, path);  // a safetensors file with PyTorch's names
  Classifier other;
  load(other, path);  // throws an Error that lists all that does not fit
  bool const same = accuracy(other, points) == reached;
  // [end save]
  std::filesystem::remove(path);
  return same && reached > 95 ? 0 : 1;
}
