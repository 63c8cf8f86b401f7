// SPDX-License-Identifier: MIT
// The main job: a convolutional network learns Fashion-MNIST.
#include <getopt.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
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
std::vector<std::int64_t> predict(Cnn& model, data::FashionMNIST const& images, Device device) {
  eval(model);
  std::vector<std::int64_t> classes;
  data::DataLoader loader(images, {.batch_size = 128, .workers = 1, .device = device});  // as in training: the same blocks of memory serve
  for (auto [image, label] : loader) {
    Tensor<float> const scores = model(image);
    Tensor<std::int64_t> const best = argmax(scores, 1).to("cpu");
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

/// One step of training. On a GPU it is recorded as a graph once it has run twice, and then costs one launch.
class TrainingStep {
 public:
  TrainingStep(Cnn& model, optim::AdamW& optimizer, Device device) : model_(model), optimizer_(optimizer), device_(device) {}

  Variable<float> const& operator()(Tensor<float> const& image, Tensor<std::int64_t> const& label) {
    bool const first = runs_ == 0;
    if (device_ == Device() || (!first && label.shape() != label_.shape())) return learn(image, label, loss_);
    if (first) image_ = image.clone(), label_ = label.clone();
    // [begin graph]
    image_.copy_from(image), label_.copy_from(label);  // a graph reads its inputs where they were when it was recorded
    if (++runs_ == 3) graph_ = capture(device_, [&] { learn(image_, label_, recorded_loss_); });
    if (!graph_) return learn(image_, label_, recorded_loss_);
    graph_.replay();
    return recorded_loss_;
    // [end graph]
  }

 private:
  Variable<float> const& learn(Tensor<float> const& image, Tensor<std::int64_t> const& label, Variable<float>& loss) {
    optimizer_.zero_grad();
    loss = nll_loss(model_(image), label);
    backward(loss);
    optimizer_.step();
    return loss;
  }

  Cnn& model_;
  optim::AdamW& optimizer_;
  Device device_;
  Tensor<float> image_;
  Tensor<std::int64_t> label_;
  Variable<float> loss_, recorded_loss_;
  Graph graph_;
  int runs_ = 0;
};

/// Trains one epoch; returns its seconds.
double train_epoch(TrainingStep& step, auto& loader, std::int64_t images, Device device, std::string const& name) {
  auto const start = std::chrono::steady_clock::now();
  Progress bar(images, {.label = name});
  // To see the loss of a GPU, the host has to wait for it: now and then is enough.
  int const every = device == Device() ? 1 : 32;
  float seen = 0;
  auto const see = [&](Variable<float> const& loss) {
    seen = loss.item();
    if (!std::isfinite(seen)) fail(name, ": the loss has become ", seen, ", training has failed; a smaller --lr may help");
  };
  Variable<float> const* loss = nullptr;
  for (int i = 0; auto [image, label] : loader) {
    loss = &step(image, label);
    if (i++ % every == 0) see(*loss);
    bar.update(label.numel(), seen);
  }
  see(*loss);
  bar.finish();
  synchronize(device);
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

/// What would fail after training fails before it.
void check_outputs(Options const& o) {
  io::require_writable("--weights", o.weights);
  io::require_writable("--picture", o.picture);
  if (io::resolved(o.weights) == io::resolved(o.picture)) fail("--weights and --picture are one file, '", o.weights, "'");
}

void run(Options const& o) {
  Device const device(o.device);
  core::require_device("--device", device);
  check_outputs(o);
  if (o.threads > 0) set_num_threads(o.threads);
  manual_seed(o.seed);
  auto const normalize = data::Normalize(0.286f, 0.353f);
  data::FashionMNIST const train_images(o.data, {.train = true, .transform = normalize, .limit = o.limit});
  data::FashionMNIST const test_images(o.data, {.train = false, .transform = normalize, .limit = o.limit});
  for (auto const* images : {&train_images, &test_images})
    if (images->size() == 0) fail("--data: '", o.data, "' holds no ", images == &train_images ? "training" : "test", " images");
  data::DataLoader loader(train_images, {.batch_size = o.batch_size, .shuffle = true, .workers = o.workers, .seed = o.seed, .device = device});

  Cnn model;
  to(model, device);
  std::int64_t count = 0;
  for (auto const& parameter : parameters(model)) count += parameter.numel();
  std::cout << "Fashion-MNIST: " << train_images.size() << " training images, " << test_images.size() << " test images; "
            << count << " parameters; " << num_threads() << " threads\n" << std::flush;

  optim::AdamW optimizer(parameters(model), {.lr = o.lr});
  TrainingStep step(model, optimizer, device);
  std::vector<std::int64_t> predicted;
  double percent = 0;
  for (std::int64_t epoch = 1; epoch <= o.epochs; ++epoch) {
    std::string const name = "epoch " + std::to_string(epoch) + "/" + std::to_string(o.epochs);
    double const seconds = train_epoch(step, loader, train_images.size(), device, name);
    predicted = predict(model, test_images, device);
    percent = accuracy(predicted, test_images);
    std::printf("%s: %.1f seconds, %.0f images a second, test accuracy %.2f %%\n", name.c_str(), seconds,
                static_cast<double>(train_images.size()) / seconds, percent);
    std::fflush(stdout);
  }
  save(model, o.weights);
  Cnn fresh;
  to(fresh, device);
  load(fresh, o.weights);
  double const again = accuracy(predict(fresh, test_images, device), test_images);
  std::printf("weights saved to %s; loaded into a fresh model: test accuracy %.2f %%\n", o.weights.c_str(), again);
  if (again != percent) fail("the loaded weights reach ", again, " %, the trained ones ", percent, " %");
  draw(o.picture, predicted, test_images, percent);
  std::printf("picture of test images: %s\n", o.picture.c_str());
}

/// An option of the command line; `initial` is what --help shows in brackets.
struct Option {
  char const *name, *value, *help;
  std::string initial;
  std::function<void(std::string const& text)> set;
};

template <class T>
Option whole(char const* name, char const* help, T& target, T least) {
  return {name, "N", help, target < least ? "" : std::to_string(target), [=, &target](std::string const& text) {
            auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), target);
            if (problem != std::errc() || end != text.data() + text.size() || target < least)
              fail("--", name, ": '", text, "' is not a whole number from ", least, " on");
          }};
}
Option positive(char const* name, char const* help, double& target) {
  core::Sentence initial;
  initial << target;
  return {name, "X", help, initial.str(), [=, &target](std::string const& text) {
            auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), target);
            if (problem != std::errc() || end != text.data() + text.size() || !(target > 0) || !std::isfinite(target))
              fail("--", name, ": '", text, "' is not a number greater than 0");
          }};
}
Option text(char const* name, char const* value, char const* help, std::string& target) {
  return {name, value, help, target, [&target](std::string const& given) { target = given; }};
}

void print_help(std::vector<Option> const& options) {
  std::printf("Trains a small convolutional network on Fashion-MNIST and reports its accuracy.\n\n"
              "usage: fashion_mnist [options]\n\n  %-18s this text\n", "--help, -h");
  for (auto const& o : options) {
    std::string const left = std::string("--") + o.name + " " + o.value;
    std::printf("  %-18s %s%s\n", left.c_str(), o.help, o.initial.empty() ? "" : (" [" + o.initial + "]").c_str());
  }
}

/// Reads the command line; false when only help was asked for. Throws Error at the first mistake.
bool parse(int argc, char** argv, std::vector<Option> const& options) {
  std::vector<option> names;
  for (auto const& o : options) names.push_back({o.name, required_argument, nullptr, 0});
  names.push_back({"help", no_argument, nullptr, 'h'});
  names.push_back({});
  opterr = 0;
  while (optind < argc) {
    char const* const given = argv[optind];  // getopt_long counts on, but not inside of -xyz
    int index = 0;
    int const found = getopt_long(argc, argv, "+:h", names.data(), &index);
    if (found == -1) break;
    if (found == 'h') return print_help(options), false;
    if (found == ':') fail("the option ", given, " needs a value (--help lists the options)");
    if (found == '?') fail("the option ", given, " is unknown or ambiguous (--help lists the options)");
    options[static_cast<std::size_t>(index)].set(optarg);
  }
  if (optind < argc) fail("'", argv[optind], "' is not an option (--help lists the options)");
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  std::vector<Option> const options{
      whole<std::int64_t>("epochs", "passes over the training images", o.epochs, 1),
      whole<std::int64_t>("batch-size", "images in a step", o.batch_size, 1),
      positive("lr", "learning rate of AdamW", o.lr),
      whole("threads", "threads that compute; 0: as many as OpenMP gives", o.threads, 0),
      whole("workers", "threads that load batches", o.workers, 0),
      whole<std::uint64_t>("seed", "seed of weights, order and dropout", o.seed, 0),
      whole<std::int64_t>("limit", "use only the first so many images of each set", o.limit, 1),
      text("data", "FOLDER", "folder of the four idx files, gzipped or not", o.data),
      text("weights", "FILE", "where the weights go", o.weights),
      text("picture", "FILE", "where the picture goes", o.picture),
      text("device", "NAME", "cpu, or a GPU: cuda, cuda:1 (examples/run.sh builds with nvcc then)", o.device)};
  try {
    if (!parse(argc, argv, options)) return 0;
    run(o);
  } catch (std::exception const& error) {
    std::cerr << "fashion_mnist: " << error.what() << "\n";
    return 1;
  }
}
