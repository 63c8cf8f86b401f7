// SPDX-License-Identifier: MIT
// Samplers and the DataLoader: order, epochs, errors, and nothing left running.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <thread>
#include <wick/data/loader.hpp>

#include "../failing_new.hpp"

namespace {

using wick::Dims;
using wick::Tensor;
using Order = std::vector<std::int64_t>;

Tensor<float> filled(Dims const& shape, float value) {
  Tensor<float> tensor(Tensor<float>::uninitialized, shape);
  std::fill_n(tensor.data(), tensor.numel(), value);
  return tensor;
}

// Sample i is a (2, 3) image full of i, labelled 10 i. Counts what it does.
struct Plain {
  std::int64_t count = 10;
  std::int64_t broken = -1;
  int delay_us = 0;
  std::atomic<int>* reads = nullptr;

  std::int64_t size() const { return count; }
  wick::data::Sample<> operator[](std::int64_t i) const {
    if (reads) ++*reads;
    if (delay_us) std::this_thread::sleep_for(std::chrono::microseconds(delay_us * (i % 3)));
    if (i == broken) throw std::out_of_range("no picture here");
    return {filled({2, 3}, static_cast<float>(i)), 10 * i};
  }
};

// The same through the interface that writes whole batches.
struct Bulk {
  std::int64_t count = 10;
  mutable std::atomic<int> made{0};
  std::thread::id owner = std::this_thread::get_id();

  std::int64_t size() const { return count; }
  wick::data::Sample<> operator[](std::int64_t) const { throw std::logic_error("read one by one"); }
  wick::data::Batch<> empty_batch(std::int64_t n) const {
    CHECK(std::this_thread::get_id() == owner);
    ++made;
    return {{Tensor<float>::uninitialized, Dims(n, 1)}, {Tensor<std::int64_t>::uninitialized, Dims(n)}};
  }
  void fill_batch(std::span<std::int64_t const> indices, wick::data::Batch<>& batch) const {
    auto* image = batch.image.data();
    auto* label = batch.label.data();
    for (std::int64_t const index : indices) *image++ = static_cast<float>(index), *label++ = 10 * index;
  }
};
static_assert(wick::data::BatchDataset<Bulk> && !wick::data::BatchDataset<Plain>);

template <class Loader>
Order labels_of(Loader& loader) {
  Order all;
  for (auto [image, label] : loader) {
    REQUIRE(image.size(0) == label.size(0));
    auto const view = std::as_const(label).data();
    auto const pixel = std::as_const(image).data();
    auto const row = image.numel() / image.size(0);
    for (std::int64_t i = 0; i < label.numel(); ++i) {
      CHECK(pixel[i * row] * 10 == static_cast<float>(view[i]));
      CHECK(pixel[i * row + row - 1] * 10 == static_cast<float>(view[i]));
      all.push_back(view[i] / 10);
    }
  }
  return all;
}

Order sorted(Order order) {
  std::sort(order.begin(), order.end());
  return order;
}

int threads_now() {
  int count = 0;
  std::error_code none;
  for ([[maybe_unused]] auto const& task : std::filesystem::directory_iterator("/proc/self/task", none)) ++count;
  return count;
}

// Whether there are again as many threads as before. The kernel lists a thread for a moment after it has been joined.
bool threads_are_back_to(int before) {
  for (int i = 0; i < 2000 && threads_now() != before; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return threads_now() == before;
}

}  // namespace

TEST_CASE("sampler: a permutation for each seed and epoch") {
  for (std::int64_t const size : {0, 1, 2, 3, 10, 1001}) {
    auto const order = wick::data::RandomSampler(size, 7).order(3);
    CHECK(sorted(order) == wick::data::SequentialSampler(size).order());
  }
  wick::data::RandomSampler const sampler(1000, 7);
  CHECK(sampler.order(3) == wick::data::RandomSampler(1000, 7).order(3));
  CHECK(sampler.order(3) != sampler.order(4));
  CHECK(sampler.order(3) != wick::data::RandomSampler(1000, 8).order(3));
  CHECK(sampler.order(3) != wick::data::SequentialSampler(1000).order());
}

TEST_CASE("sampler: every order of four is equally likely") {
  std::array<int, 256> seen{};
  constexpr int draws = 24000;
  for (int epoch = 0; epoch < draws; ++epoch) {
    auto const order = wick::data::RandomSampler(4, 1).order(epoch);
    ++seen[static_cast<std::size_t>(order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3])];
  }
  // 24 orders, 1000 expected of each: chi squared with 23 degrees of freedom stays under 49.7 in 999 of 1000 cases.
  double chi = 0;
  int kinds = 0;
  for (int const n : seen) {
    if (n > 0) ++kinds, chi += (n - 1000.0) * (n - 1000.0) / 1000.0;
  }
  CHECK(kinds == 24);
  CHECK(chi < 49.7);
}

TEST_CASE("loader: batches in order, the last one short or left out") {
  Plain const dataset;
  for (int const workers : {0, 1, 3}) {
    wick::data::DataLoader loader(dataset, {.batch_size = 4, .workers = workers});
    CHECK(loader.size() == 3);
    std::vector<Dims> shapes;
    for (auto [image, label] : loader) shapes.push_back(image.shape());
    CHECK(shapes == std::vector<Dims>{Dims(4, 2, 3), Dims(4, 2, 3), Dims(2, 2, 3)});
    CHECK(labels_of(loader) == wick::data::SequentialSampler(10).order());

    wick::data::DataLoader whole(dataset, {.batch_size = 4, .workers = workers, .drop_last = true});
    CHECK(whole.size() == 2);
    CHECK(labels_of(whole).size() == 8);
  }
}

TEST_CASE("loader: the same order for any number of workers, another each epoch") {
  Plain const slow{.count = 57, .delay_us = 200};
  std::vector<Order> expected;
  for (int const workers : {0, 1, 2, 4, 5}) {
    wick::data::DataLoader loader(slow, {.batch_size = 4, .shuffle = true, .workers = workers, .seed = 9});
    std::vector<Order> epochs{labels_of(loader), labels_of(loader)};
    CHECK(sorted(epochs[0]) == wick::data::SequentialSampler(57).order());
    CHECK(epochs[0] != epochs[1]);
    if (expected.empty()) expected = epochs;
    CHECK(epochs == expected);
    CHECK(loader.epoch() == 2);
    loader.set_epoch(1);
    CHECK(labels_of(loader) == expected[1]);
  }
}

TEST_CASE("loader: a data set that fills whole batches") {
  Bulk const dataset;
  for (int const workers : {0, 2}) {
    dataset.made = 0;
    wick::data::DataLoader loader(dataset, {.batch_size = 3, .workers = workers});
    CHECK(labels_of(loader) == wick::data::SequentialSampler(10).order());
    CHECK(dataset.made == 4);
  }
}

TEST_CASE("loader: no samples, fewer samples than a batch, more workers than batches") {
  Plain const none{.count = 0};
  wick::data::DataLoader empty(none, {.batch_size = 4, .workers = 2});
  CHECK(empty.size() == 0);
  CHECK(labels_of(empty).empty());
  Plain const few{.count = 3};
  wick::data::DataLoader one(few, {.batch_size = 100, .workers = 4});
  CHECK(one.size() == 1);
  CHECK(labels_of(one).size() == 3);
  wick::data::DataLoader dropped(few, {.batch_size = 100, .workers = 4, .drop_last = true});
  CHECK(labels_of(dropped).empty());
}

TEST_CASE("loader: tuples, single tensors and numbers stack too") {
  struct Pairs {
    std::int64_t size() const { return 3; }
    std::pair<Tensor<float>, int> operator[](std::int64_t i) const { return {filled({2}, float(i)), int(i)}; }
  } const pairs;
  wick::data::DataLoader loader(pairs, {.batch_size = 3});
  for (auto [value, number] : loader) {
    CHECK(value.shape() == Dims(3, 2));
    CHECK(number.shape() == Dims(3));
    CHECK(number.data()[2] == 2);
  }
  struct Numbers {
    std::int64_t size() const { return 5; }
    double operator[](std::int64_t i) const { return 0.5 * static_cast<double>(i); }
  } const numbers;
  wick::data::DataLoader sequence(numbers, {.batch_size = 5});
  for (Tensor<double> batch : sequence) CHECK(batch.data()[4] == 2.0);
}

TEST_CASE("loader: a batch is the caller's own") {
  Bulk const dataset;
  wick::data::DataLoader loader(dataset, {.batch_size = 5, .workers = 1});
  for (auto [image, label] : loader) CHECK(image.storage().use_count() == 1);
}

TEST_CASE("loader: an exception of a worker reaches the caller, in order, with the sample") {
  int const before = threads_now();
  for (int const workers : {0, 1, 3}) {
    Plain const dataset{.count = 40, .broken = 13};
    wick::data::DataLoader loader(dataset, {.batch_size = 4, .workers = workers});
    int batches = 0;
    std::string message, nested;
    try {
      for (auto [image, label] : loader) ++batches;
    } catch (wick::Error const& error) {
      message = error.what();
      try {
        std::rethrow_if_nested(error);
      } catch (wick::Error const& inner) {
        try {
          std::rethrow_if_nested(inner);
        } catch (std::out_of_range const& original) {
          nested = original.what();
        }
      }
    }
    CHECK(batches == 3);
    CHECK(message == "DataLoader: batch 3: sample 13: no picture here");
    CHECK(nested == "no picture here");
  }
  CHECK(threads_are_back_to(before));
}

TEST_CASE("loader: after an error the next batch comes, with any number of workers") {
  struct Holes {
    std::int64_t size() const { return 24; }
    std::int64_t operator[](std::int64_t i) const {
      if (i % 10 == 7 || i == 23) throw std::out_of_range("no sample here");
      return i;
    }
  } const holes;
  for (int const workers : {0, 1, 3}) {
    wick::data::DataLoader loader(holes, {.batch_size = 2, .workers = workers});
    Order seen;
    int errors = 0;
    auto batch = loader.begin();
    while (batch != loader.end()) {
      Tensor<std::int64_t> const labels = *batch;
      if (labels.numel() > 0) seen.push_back(labels.data()[0]);
      try {
        ++batch;
      } catch (wick::Error const&) {
        ++errors;
        CHECK((*batch).numel() == 0);
      }
    }
    CHECK(errors == 3);
    CHECK(seen == Order{0, 2, 4, 8, 10, 12, 14, 18, 20});
  }
}

#if WICK_FAILING_NEW
TEST_CASE("loader: memory that ends while the threads start is an exception") {
  int const before = threads_now();
  Plain const dataset{.count = 40};
  for (int const workers : {0, 3}) {
    wick::data::DataLoader loader(dataset, {.batch_size = 4, .workers = workers});
    std::int64_t batches = 0;
    auto const failures = testing::fail_each_allocation([&] { batches += loader.begin() != loader.end(); },
                                                        [&](std::int64_t) { CHECK(loader.epoch() == batches); });
    CHECK(failures > 2 + workers);
    CHECK(loader.epoch() == batches);
  }
  CHECK(threads_are_back_to(before));
}
#endif

TEST_CASE("loader: samples of different shapes are named") {
  struct Ragged {
    std::int64_t size() const { return 6; }
    Tensor<float> operator[](std::int64_t i) const { return filled({i == 4 ? 3 : 2}, 0); }
  } const ragged;
  wick::data::DataLoader loader(ragged, {.batch_size = 3, .workers = 1});
  CHECK_THROWS_WITH_AS(for ([[maybe_unused]] auto batch
                            : loader){},
                       "DataLoader: batch 1: collate: sample 4 has shape (3,), sample 3 has (2,): they do not stack",
                       wick::Error);
}

TEST_CASE("loader: leaving early leaves nothing running") {
  std::atomic<int> reads{0};
  Plain const dataset{.count = 10000, .delay_us = 10, .reads = &reads};
  wick::data::DataLoader loader(dataset, {.batch_size = 4, .workers = 3});
  int const before = threads_now();
  for (int round = 0; round < 20; ++round) {
    int batches = 0;
    for (auto [image, label] : loader)
      if (++batches == 2) break;
  }
  int const after = reads;
  CHECK(threads_are_back_to(before));
  CHECK(reads <= 20 * 4 * (2 + 3 * 2));  // what was delivered, and the bounded queue ahead of it
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(reads == after);
}

TEST_CASE("loader: a steady epoch asks the system for no memory") {
  Bulk const dataset{.count = 4000};
  wick::data::DataLoader loader(dataset, {.batch_size = 8, .workers = 2});
  for ([[maybe_unused]] auto batch : loader) {
  }
  auto const before = wick::pool_stats().system_allocations;
  for ([[maybe_unused]] auto batch : loader) {
  }
  CHECK(wick::pool_stats().system_allocations == before);
}

TEST_CASE("loader: what workers read and the caller lets go is used again") {
  struct Pictures {
    std::int64_t size() const { return 120; }
    wick::data::Sample<> operator[](std::int64_t i) const { return {filled({3, 256, 256}, 1.f), i}; }
  } const dataset;
  wick::data::DataLoader loader(dataset, {.batch_size = 4, .workers = 2});  // batches of 3 MB
  wick::pool::release();
  auto const before = wick::pool_stats().held_bytes;
  for (int epoch = 0; epoch < 3; ++epoch)
    for ([[maybe_unused]] auto batch : loader) {
    }
  CHECK(wick::pool_stats().held_bytes - before < 40 << 20);  // 6 batches, and the samples of 2 more
}

#if WICK_FORKS_AMONG_THREADS
TEST_CASE("loader: a child process that is forked in an epoch begins one of its own") {
  Plain const dataset{.count = 40, .delay_us = 50};
  for (int round = 0; round < 20; ++round) {
    wick::data::DataLoader loader(dataset, {.batch_size = 2, .workers = 2});
    auto batches = loader.begin();
    pid_t const child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      alarm(20);
      std::string error;
      try {
        ++batches;
      } catch (wick::Error const& e) {
        error = e.what();
      }
      int seen = 0;
      for ([[maybe_unused]] auto batch : loader) ++seen;
      batches = loader.begin();
      _exit(seen == 20 && error == "DataLoader: this process was forked in the middle of an epoch, whose 2 worker threads stayed "
                                   "with the parent; begin another epoch here" ? 0 : 1);
    }
    int seen = 0, status = 0;
    for (; batches != loader.end(); ++batches) ++seen;
    CHECK(seen == 20);
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
}
#endif

TEST_CASE("loader: options without a meaning") {
  Plain const dataset;
  CHECK_THROWS_WITH_AS((wick::data::DataLoader{dataset, {.batch_size = 0}}),
                       "DataLoader: batch_size is 0, expected at least 1", wick::Error);
  CHECK_THROWS_WITH_AS((wick::data::DataLoader{dataset, {.workers = -1}}),
                       "DataLoader: workers is -1, expected at least 0", wick::Error);
  CHECK_THROWS_WITH_AS((wick::data::DataLoader{dataset, {.prefetch = 0}}),
                       "DataLoader: prefetch is 0, expected at least 1", wick::Error);
  static_assert(!std::is_constructible_v<wick::data::DataLoader<Plain>, Plain&&>);
  Plain const negative{.count = -1};
  for (bool const shuffle : {false, true}) {
    wick::data::DataLoader loader(negative, {.shuffle = shuffle});
    CHECK_THROWS_WITH_AS(loader.size(), "DataLoader: the data set's size() is -1, expected at least 0", wick::Error);
    CHECK_THROWS_WITH_AS(loader.begin(), "DataLoader: the data set's size() is -1, expected at least 0", wick::Error);
  }
  CHECK_THROWS_WITH_AS(wick::data::RandomSampler(-3), "sampler: size is -3, expected at least 0", wick::Error);
}
