// SPDX-License-Identifier: MIT
// Transforms, and Fashion-MNIST: small idx files written here, and the real ones where they are installed.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <wick/data/fashion_mnist.hpp>
#include <wick/data/loader.hpp>

#include "../reading.hpp"

namespace {

namespace fs = std::filesystem;
using wick::data::FashionMNIST;

// A folder with a data set of a few samples: byte p of picture i is (i + p) mod 256, its label i mod 10.
class SmallSet {
 public:
  explicit SmallSet(int images, int labels = -1, int side = 28, int largest_label = 9) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    std::string bytes{0, 0, 8, 3};
    for (int const extent : {images, side, side}) append(bytes, extent);
    for (int i = 0; i < images; ++i)
      for (int p = 0; p < side * side; ++p) bytes += static_cast<char>(i + p);
    write("train-images-idx3-ubyte", bytes);
    bytes = {0, 0, 8, 1};
    labels = labels < 0 ? images : labels;
    append(bytes, labels);
    for (int i = 0; i < labels; ++i) bytes += static_cast<char>(i % (largest_label + 1));
    write("train-labels-idx1-ubyte", bytes);
  }
  ~SmallSet() { fs::remove_all(folder); }

  fs::path const folder = fs::temp_directory_path() / ("wick_fashion_mnist_" + std::to_string(std::random_device{}()));

 private:
  static void append(std::string& bytes, int extent) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift);
  }
  void write(char const* name, std::string const& bytes) const {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  }
};

fs::path const real = "/usr/share/datasets/fashion-mnist";

bool real_is_here() {
  if (WICK_HAS_ZLIB && fs::exists(real / "train-images-idx3-ubyte.gz")) return true;
  MESSAGE("skipped: no zlib, or no Fashion-MNIST in " << real << " (Debian: apt install dataset-fashion-mnist)");
  return false;
}

std::string error_of(fs::path const& folder, wick::data::FashionMNISTOptions const& options = {}) {
  return testing::error_of([&] { FashionMNIST const set(folder, options); });
}

bool says(std::string const& text, std::string const& part) {
  bool const found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' lacks '" << part << "'");
  return found;
}

}  // namespace

TEST_CASE("transform: bytes to [0, 1], and Normalize in the same pass") {
  std::vector<std::uint8_t> bytes(256);
  for (int i = 0; i < 256; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  std::vector<float> plain(256), normal(256), chained(256);
  wick::data::Transform()(bytes, plain);
  wick::data::Transform(wick::data::Normalize(0.286f, 0.353f))(bytes, normal);
  wick::data::Compose(wick::data::ToTensor(), wick::data::Normalize(0.25f, 0.5f), wick::data::Normalize(1, 2))(bytes,
                                                                                                               chained);
  CHECK(plain[0] == 0);
  CHECK(plain[255] == 1);
  for (std::size_t i = 0; i < 256; ++i) {
    double const x = static_cast<double>(i) / 255;
    CHECK(std::abs(plain[i] - x) <= 1e-7);
    CHECK(std::abs(normal[i] - (x - double{0.286f}) / double{0.353f}) <= 3e-7);
    CHECK(std::abs(chained[i] - ((x - 0.25) / 0.5 - 1) / 2) <= 3e-7);
  }
}

TEST_CASE("transform: any callable on a row, in the order given") {
  auto const square = [](std::span<float> row) {
    for (float& x : row) x *= x;
  };
  wick::data::Compose const chain(wick::data::Normalize(0.5f, 0.5f), square, wick::data::Normalize(1, 2), square);
  std::vector<std::uint8_t> const bytes{0, 51, 255};
  std::vector<float> row(3);
  chain(bytes, row);
  for (std::size_t i = 0; i < 3; ++i) {
    double const x = bytes[i] / 255.0 * 2 - 1, y = (x * x - 1) / 2;
    CHECK(std::abs(row[i] - y * y) < 1e-6);
  }
  CHECK_THROWS_WITH_AS(chain(bytes, std::span(row).first(2)), "Transform: 3 bytes do not fill a row of 2 floats",
                       wick::Error);
  CHECK_THROWS_WITH_AS(wick::data::Normalize(0, 0), "Normalize: std is 0, expected a positive number", wick::Error);
}

TEST_CASE("fashion_mnist: samples and batches hold the same numbers") {
  SmallSet const small(7);
  FashionMNIST const set(small.folder, {.transform = wick::data::Normalize(0.5f, 0.25f)});
  CHECK(set.size() == 7);
  CHECK(FashionMNIST::class_names()[9] == "Ankle boot");
  wick::data::DataLoader loader(set, {.batch_size = 3, .workers = 2});
  std::int64_t next = 0;
  for (auto [image, label] : loader) {
    CHECK(image.shape() == wick::Dims(next < 6 ? 3 : 1, 1, 28, 28));
    for (std::int64_t i = 0; i < label.numel(); ++i, ++next) {
      auto const sample = set[next];
      CHECK(sample.label == next);
      CHECK(label.data()[i] == next);
      CHECK(sample.image.shape() == wick::Dims(1, 28, 28));
      CHECK(std::equal(sample.image.data(), sample.image.data() + 784, image.data() + i * 784));
      for (std::int64_t p = 0; p < 784; p += 97) {
        double const expected = (static_cast<double>((next + p) % 256) / 255 - 0.5) / 0.25;
        CHECK(std::abs(sample.image.data()[p] - expected) < 1e-6);
      }
    }
  }
  CHECK(next == 7);
  CHECK_THROWS_WITH_AS(set[7], "FashionMNIST: sample 7 is out of range: there are 7", wick::Error);
  CHECK_THROWS_AS(set[-1], wick::Error);
}

TEST_CASE("fashion_mnist: limit") {
  SmallSet const small(7);
  CHECK(FashionMNIST(small.folder, {.limit = 3}).size() == 3);
  CHECK(FashionMNIST(small.folder, {.limit = 0}).size() == 0);
  CHECK(FashionMNIST(small.folder, {.limit = 100}).size() == 7);
  CHECK(says(error_of(small.folder, {.limit = -2}), "limit is -2"));
  FashionMNIST const set(small.folder, {.limit = 3});
  CHECK_THROWS_WITH_AS(set[3], "FashionMNIST: sample 3 is out of range: there are 3", wick::Error);
}

TEST_CASE("fashion_mnist: files that do not fit are a sentence") {
  CHECK(says(error_of("/no/such/folder"), "no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz"));
  CHECK(says(error_of("/no/such/folder"), "apt install dataset-fashion-mnist"));
  {
    SmallSet const small(5);
    CHECK(says(error_of(small.folder, {.train = false}), "no file t10k-images-idx3-ubyte"));
  }
  CHECK(says(error_of(SmallSet(5, 4).folder), "holds 5 images, but"));
#if WICK_HAS_ZLIB
  {
    // The counts are compared before any element is read: here two million images are promised, and the file breaks off.
    SmallSet const small(5);
    fs::remove(small.folder / "train-images-idx3-ubyte");
    std::string bytes("\0\0\x08\x03\0\x1e\x84\x80\0\0\0\x1c\0\0\0\x1c", 16);
    std::mt19937 random(1);
    for (int i = 0; i < 2000000; ++i) bytes += static_cast<char>(random());
    gzFile const file = gzopen((small.folder / "train-images-idx3-ubyte.gz").c_str(), "wb1");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    CHECK(says(error_of(small.folder), "holds 2000000 images, but"));
  }
#endif
  CHECK(says(error_of(SmallSet(5, 5, 27).folder), "holds 5 x 27 x 27 bytes, expected N x 28 x 28"));
  CHECK(says(error_of(SmallSet(12, 12, 28, 10).folder), "has label 10 for sample 10, expected 0 to 9"));
}

TEST_CASE("fashion_mnist: the real data set") {
  if (!real_is_here()) return;
  FashionMNIST const train(real, {.train = true, .transform = wick::data::Normalize(0.286f, 0.353f)});
  FashionMNIST const test(real, {.train = false});
  CHECK(train.size() == 60000);
  CHECK(test.size() == 10000);
  // The first labels, as everybody who has looked at the set knows them: ankle boot, T-shirt, T-shirt, dress, T-shirt.
  for (std::int64_t i = 0; std::int64_t const label : {9, 0, 0, 3, 0}) CHECK(train[i++].label == label);

  // 6000 of each class, and pixels of mean 0.286 and standard deviation 0.353: normalised they are 0 and 1.
  wick::data::DataLoader loader(train, {.batch_size = 512, .shuffle = true, .workers = 2, .seed = 1});
  std::array<int, 10> histogram{};
  double sum = 0, squares = 0;
  for (auto [image, label] : loader) {
    for (std::int64_t i = 0; i < label.numel(); ++i) ++histogram[static_cast<std::size_t>(label.data()[i])];
    for (std::int64_t i = 0; i < image.numel(); ++i) {
      double const x = std::as_const(image).data()[i];
      sum += x, squares += x * x;
    }
  }
  for (int const count : histogram) CHECK(count == 6000);
  double const n = 60000.0 * 784, mean = sum / n;
  CHECK(std::abs(mean) < 0.002);
  CHECK(std::abs(std::sqrt(squares / n - mean * mean) - 1) < 0.002);
}
