// SPDX-License-Identifier: MIT
// Batches that a loader delivers on a device.
#include <doctest/doctest.h>
#include <wick/wick.hpp>

using namespace wick;

namespace {

Device const device(WICK_TEST_DEVICE);

struct Numbers {
  std::int64_t size() const { return 23; }
  data::Sample<> operator[](std::int64_t index) const { return {full({3, 2}, static_cast<float>(index)), index}; }
};
struct Broken {
  std::int64_t size() const { return 12; }
  data::Sample<> operator[](std::int64_t index) const {
    if (index == 7) throw std::runtime_error("no such file");
    return {full({2}, static_cast<float>(index)), index};
  }
};
struct Pairs {
  std::int64_t size() const { return 10; }
  std::tuple<Tensor<double>, float> operator[](std::int64_t index) const { return {full({2}, static_cast<double>(index)), static_cast<float>(index)}; }
};

}  // namespace

TEST_CASE("a loader delivers the same batches on a device, with workers and without") {
  Numbers const numbers;
  for (int workers : {0, 2}) {
    data::DataLoader here(numbers, {.batch_size = 4, .shuffle = true, .workers = workers, .seed = 3});
    data::DataLoader there(numbers, {.batch_size = 4, .shuffle = true, .workers = workers, .seed = 3, .device = device});
    std::vector<data::Batch<>> expected;
    for (int epoch = 0; epoch < 2; ++epoch)
      for (auto&& batch : here) expected.push_back(std::move(batch));
    std::size_t at = 0;
    std::vector<data::Batch<>> kept;  // batches stay what they are while others are on their way
    for (int epoch = 0; epoch < 2; ++epoch)
      for (auto [image, label] : there) {
        CHECK(image.device() == device);
        kept.push_back({image * 1, label});
        REQUIRE(at++ < expected.size());
      }
    REQUIRE(at == expected.size());
    for (std::size_t i = 0; i < at; ++i) {
      CHECK(all(kept[i].image.to("cpu") == expected[i].image).item());
      CHECK(all(kept[i].label.to("cpu") == expected[i].label).item());
    }
  }
}

TEST_CASE("tuples go to a device too, and leaving an epoch early is fine") {
  Pairs const pairs;
  data::DataLoader loader(pairs, {.batch_size = 3, .workers = 1, .device = device});
  for (auto [x, y] : loader) {
    CHECK(x.device() == device);
    CHECK(y.to("cpu").data()[2] == 2.0f);
    break;
  }
  CHECK_THROWS_AS(data::DataLoader(pairs, {.device = "cuda:7"}), Error);
}

TEST_CASE("an error of the data set comes when its batch is asked for, after those before it") {
  Broken const broken;
  for (int workers : {0, 2}) {
    data::DataLoader loader(broken, {.batch_size = 3, .workers = workers, .device = device});
    int batches = 0;
    std::string said;
    try {
      for (auto&& batch : loader) batches += batch.image.device() == device;
    } catch (Error const& error) {
      said = error.what();
    }
    CHECK(batches == 2);
    CHECK(said.find("DataLoader: batch 2: sample 7") == 0);
    // Who goes on gets the batch behind it.
    std::vector<std::int64_t> first;
    int errors = 0;
    auto batch = loader.begin();
    while (batch != loader.end()) {
      auto const label = (*batch).label.to("cpu");
      if (label.numel() > 0) first.push_back(label.data()[0]);
      try {
        ++batch;
      } catch (Error const&) {
        ++errors;
      }
    }
    CHECK(errors == 1);
    CHECK(first == std::vector<std::int64_t>{0, 3, 9});
  }
}
