// SPDX-License-Identifier: MIT
// Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 60,000 + 10,000 pictures of clothes, 28 x 28 grey levels, 10 classes.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <wick/data/dataset.hpp>
#include <wick/data/idx.hpp>
#include <wick/data/transform.hpp>

namespace wick::inline WICK_ISA {
namespace data {

struct FashionMNISTOptions {
  bool train = true;         ///< the 60,000 training pictures, else the 10,000 test pictures
  Transform transform = {};  ///< what happens to a picture; bytes become [0, 1] before
  std::int64_t limit = -1;   ///< read only so many samples, from the first; -1: all
};

/// Fashion-MNIST from a folder with its four idx files, gzipped or not (Debian: package `dataset-fashion-mnist`,
/// /usr/share/datasets/fashion-mnist). The bytes stay in memory; floats are made when a sample is read.
class FashionMNIST {
 public:
  static constexpr std::int64_t side = 28, pixels = side * side, classes = 10;

  /// Reads the images and labels. Throws `Error` when a file is missing, damaged, or does not fit the other.
  explicit FashionMNIST(std::filesystem::path const& folder, FashionMNISTOptions options = {})
      : transform_(std::move(options.transform)) {
    std::string const part = options.train ? "train" : "t10k";
    auto const image_path = find(folder, part + "-images-idx3-ubyte");
    auto const label_path = find(folder, part + "-labels-idx1-ubyte");
    if (options.limit < -1) fail("FashionMNIST: limit is ", options.limit, ", expected -1 (all) or more");
    // Both headers are compared before any element is read.
    IdxReader images(image_path), labels(label_path);
    if (images.shape().size() != 3 || images.shape()[1] != side || images.shape()[2] != side)
      fail("FashionMNIST: ", core::quoted_path(image_path.string()), " holds ", detail::idx_extents(images.shape()),
           " bytes, expected N x 28 x 28");
    if (labels.shape().size() != 1)
      fail("FashionMNIST: ", core::quoted_path(label_path.string()), " holds ", detail::idx_extents(labels.shape()),
           " bytes, expected N");
    if (labels.shape()[0] != images.shape()[0])
      fail("FashionMNIST: ", core::quoted_path(image_path.string()), " holds ", images.shape()[0], " images, but ",
           core::quoted_path(label_path.string()), " holds ", labels.shape()[0], " labels");
    size_ = options.limit < 0 ? images.shape()[0] : std::min(options.limit, images.shape()[0]);
    labels_ = labels.read_rows(size_);
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (labels_[i] >= classes)
        fail("FashionMNIST: ", core::quoted_path(label_path.string()), " has label ", int{labels_[i]}, " for sample ", i,
             ", expected 0 to 9");
    images_ = images.read_rows(size_);
  }

  /// Number of samples.
  std::int64_t size() const { return size_; }

  /// Sample `index`: image (1, 28, 28), label 0 to 9. Throws `Error` when there is no such sample.
  Sample<> operator[](std::int64_t index) const {
    Sample<> sample{{Tensor<float>::uninitialized, Dims(1, side, side)}, 0};
    fill_rows({&index, 1}, sample.image.data(), &sample.label);
    return sample;
  }

  /// Room for `count` samples: image (count, 1, 28, 28), label (count).
  Batch<> empty_batch(std::int64_t count) const {
    return {{Tensor<float>::uninitialized, Dims(count, 1, side, side)},
            {Tensor<std::int64_t>::uninitialized, Dims(count)}};
  }

  /// Writes the samples `indices` into the rows of `batch`, which `empty_batch(indices.size())` made.
  void fill_batch(std::span<std::int64_t const> indices, Batch<>& batch) const {
    fill_rows(indices, batch.image.data(), batch.label.data());
  }

  /// Writes the samples `indices` to raw memory: 784 floats and one label each.
  void fill_rows(std::span<std::int64_t const> indices, float* images, std::int64_t* labels) const {
    for (std::int64_t const index : indices) {
      if (index < 0 || index >= size_) fail("FashionMNIST: sample ", index, " is out of range: there are ", size_);
      transform_(picture(index), {images, std::size_t{pixels}});
      images += pixels;
      *labels++ = labels_[static_cast<std::size_t>(index)];
    }
  }

  /// The class of picture `index`, 0 to 9. No check of the index.
  std::int64_t label(std::int64_t index) const { return labels_[static_cast<std::size_t>(index)]; }
  /// The 784 bytes of picture `index`, row by row: 0 is background, 255 is brightest. No check of the index.
  std::span<std::uint8_t const> picture(std::int64_t index) const {
    return {images_.data() + index * pixels, std::size_t{pixels}};
  }

  /// What the labels 0 to 9 mean.
  static constexpr std::array<std::string_view, classes> class_names() {
    return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
  }

 private:
  static std::filesystem::path find(std::filesystem::path const& folder, std::string const& name) {
    std::error_code ignored;
    for (std::string const& candidate : {name, name + ".gz"})
      if (std::filesystem::exists(folder / candidate, ignored)) return folder / candidate;
    fail("FashionMNIST: no file ", name, " or ", name, ".gz in ", core::quoted_path(folder.string()),
         " (Debian, Ubuntu: apt install dataset-fashion-mnist puts them in /usr/share/datasets/fashion-mnist)");
  }

  Transform transform_;
  std::int64_t size_ = 0;
  std::vector<std::uint8_t> images_, labels_;
};

}  // namespace data
}  // namespace wick::inline WICK_ISA
