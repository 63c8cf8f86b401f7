// SPDX-License-Identifier: MIT
// The main job: a convolutional network learns Fashion-MNIST.
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>

#include <wick/wick.hpp>

#include "picture.hpp"

using namespace wick;

namespace {

struct Cnn {
  nn::Conv2d<> conv1{1, 32, 3}, conv2{32, 64, 3};
  nn::Dropout drop1{0.25}, drop2{0.5};
  nn::Linear<> fc1{9216, 128}, fc2{128, 10};

  auto operator()(auto const& x) {
    auto h = drop1(max_pool2d(relu(conv2(relu(conv1(x)))), 2));
    return log_softmax(fc2(drop2(relu(fc1(flatten(h, 1))))), 1);
  }
  void visit(auto&& member) {
    member("conv1", conv1), member("conv2", conv2), member("drop1", drop1), member("drop2", drop2);
    member("fc1", fc1), member("fc2", fc2);
  }
};

struct Options {
  std::int64_t epochs = 1, batch_size = 128, limit = -1;
  int threads = 0, workers = 2;
  double lr = 1e-3;
  std::uint64_t seed = 1;
  std::string data = "/usr/share/datasets/fashion-mnist", weights = "fashion_mnist.safetensors", picture = "fashion_mnist.png";
  std::string device = "cpu";
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Predicted classes of all images, in order.
std::vector<std::int64_t> predict(Cnn& model, data::FashionMNIST const& images) {
  eval(model);
  std::vector<std::int64_t> classes;
  data::DataLoader loader(images, {.batch_size = 500, .workers = 1});
  for (auto [image, label] : loader) {
    Tensor<float> const scores = model(image);
    Tensor<std::int64_t> const best = argmax(scores, 1);
    classes.insert(classes.end(), best.data(), best.data() + best.numel());
  }
  train(model);
  return classes;
}

double accuracy(std::vector<std::int64_t> const& predicted, data::FashionMNIST const& images) {
  std::int64_t right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == images.label(static_cast<std::int64_t>(i));
  return 100.0 * static_cast<double>(right) / static_cast<double>(predicted.size());
}

/// Trains one epoch; returns its seconds.
double train_epoch(Cnn& model, optim::AdamW<float>& optimizer, auto& loader, std::int64_t images, std::string const& name) {
  auto const start = std::chrono::steady_clock::now();
  Progress bar(images, {.label = name});
  for (auto [image, label] : loader) {
    optimizer.zero_grad();
    Variable<float> loss = nll_loss(model(image), label);
    backward(loss);
    optimizer.step();
    bar.update(label.numel(), loss.item());
  }
  bar.finish();
  return seconds_since(start);
}

void draw(std::string const& path, std::vector<std::int64_t> const& predicted, data::FashionMNIST const& images, double percent) {
  auto const names = data::FashionMNIST::class_names();
  std::vector<picture::Tile> tiles;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(32, images.size()); ++i)
    tiles.push_back({images.picture(i), names[static_cast<std::size_t>(predicted[static_cast<std::size_t>(i)])],
                     names[static_cast<std::size_t>(images.label(i))]});
  char title[80];
  std::snprintf(title, sizeof title, "Fashion-MNIST: %.2f %% of the test images are right", percent);
  picture::write_png(path, picture::prediction_grid(title, tiles));
}

void run(Options const& o) {
  require_device("--device", Device(o.device));
  if (o.threads > 0) set_num_threads(o.threads);
  manual_seed(o.seed);
  auto const normalize = data::Normalize(0.286f, 0.353f);
  data::FashionMNIST const train_images(o.data, {.train = true, .transform = normalize, .limit = o.limit});
  data::FashionMNIST const test_images(o.data, {.train = false, .transform = normalize, .limit = o.limit});
  data::DataLoader loader(train_images, {.batch_size = o.batch_size, .shuffle = true, .workers = o.workers, .seed = o.seed});

  Cnn model;
  std::int64_t count = 0;
  for (auto const& parameter : parameters(model)) count += parameter.numel();
  std::cout << "Fashion-MNIST: " << train_images.size() << " training images, " << test_images.size() << " test images; "
            << count << " parameters; " << num_threads() << " threads\n" << std::flush;

  optim::AdamW optimizer(parameters(model), {.lr = o.lr});
  std::vector<std::int64_t> predicted;
  double percent = 0;
  for (std::int64_t epoch = 1; epoch <= o.epochs; ++epoch) {
    std::string const name = "epoch " + std::to_string(epoch) + "/" + std::to_string(o.epochs);
    double const seconds = train_epoch(model, optimizer, loader, train_images.size(), name);
    predicted = predict(model, test_images);
    percent = accuracy(predicted, test_images);
    std::printf("%s: %.1f seconds, %.0f images a second, test accuracy %.2f %%\n", name.c_str(), seconds,
                static_cast<double>(train_images.size()) / seconds, percent);
    std::fflush(stdout);
  }
  save(model, o.weights);
  Cnn fresh;
  load(fresh, o.weights);
  double const again = accuracy(predict(fresh, test_images), test_images);
  std::printf("weights saved to %s; loaded into a fresh model: test accuracy %.2f %%\n", o.weights.c_str(), again);
  if (again != percent) fail("the loaded weights reach ", again, " %, the trained ones ", percent, " %");
  draw(o.picture, predicted, test_images, percent);
  std::printf("picture of test images: %s\n", o.picture.c_str());
}

/// Accepts whole numbers from `least` on.
CLI::Validator whole(std::int64_t least) {
  return {[least](std::string& text) {
            std::int64_t value = 0;
            bool const fits = CLI::detail::lexical_cast(text, value) && value >= least;
            return fits ? std::string() : "'" + text + "' is not a whole number from " + std::to_string(least) + " on";
          },
          ""};
}
/// Accepts numbers greater than 0.
CLI::Validator positive() {
  return {[](std::string& text) {
            double value = 0;
            bool const fits = CLI::detail::lexical_cast(text, value) && value > 0 && std::isfinite(value);
            return fits ? std::string() : "'" + text + "' is not a number greater than 0";
          },
          ""};
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Trains a small convolutional network on Fashion-MNIST and reports its accuracy.", "fashion_mnist");
  app.add_option("--epochs", o.epochs, "passes over the training images")->capture_default_str()->check(whole(1));
  app.add_option("--batch-size", o.batch_size, "images in a step")->capture_default_str()->check(whole(1));
  app.add_option("--lr", o.lr, "learning rate of AdamW")->capture_default_str()->check(positive());
  app.add_option("--threads", o.threads, "threads that compute; 0: as many as OpenMP gives")->capture_default_str()->check(whole(0));
  app.add_option("--workers", o.workers, "threads that load batches")->capture_default_str()->check(whole(0));
  app.add_option("--seed", o.seed, "seed of weights, order and dropout")->capture_default_str();
  app.add_option("--limit", o.limit, "use only the first so many images of each set")->check(whole(1));
  app.add_option("--data", o.data, "folder of the four idx files, gzipped or not")->capture_default_str();
  app.add_option("--weights", o.weights, "where the weights go")->capture_default_str();
  app.add_option("--picture", o.picture, "where the picture goes")->capture_default_str();
  app.add_option("--device", o.device, "cpu; or cuda in a build that has it")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (CLI::CallForHelp const& help) {
    return app.exit(help);
  } catch (CLI::ParseError const& error) {
    std::cerr << "fashion_mnist: " << error.what() << " (--help lists the options)\n";
    return 1;
  }
  try {
    run(o);
  } catch (std::exception const& error) {
    std::cerr << "fashion_mnist: " << error.what() << "\n";
    return 1;
  }
}
