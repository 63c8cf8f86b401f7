// SPDX-License-Identifier: MIT
// DataLoader: batches of a data set, shuffled anew each epoch, filled ahead by worker threads, delivered in order.
#pragma once

#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>
#include <wick/base/error.hpp>
#include <wick/data/dataset.hpp>
#include <wick/data/feed.hpp>
#include <wick/data/sampler.hpp>

namespace wick::inline WICK_ISA {
namespace data {

/// Options of DataLoader, with the meaning of torch.utils.data.DataLoader's.
struct DataLoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;    ///< a new order each epoch, else the data set's own
  int workers = 0;         ///< threads that fill batches ahead; 0: the calling thread fills them
  std::uint64_t seed = 0;  ///< of the order: the same seed and epoch give the same order, however many workers
  bool drop_last = false;  ///< leave out a last batch that is not full
  int prefetch = 2;        ///< batches ahead, per worker
  Device device = {};      ///< where batches are delivered: copied to it one batch ahead, while it computes
};

namespace detail {

// One run over the data set: the order, the threads, and the ring of batches between them and the caller.
template <Dataset D>
class Epoch {
 public:
  using BatchType = decltype(read_batch(std::declval<D const&>(), std::span<std::int64_t const>()));
  static_assert(std::default_initializable<BatchType> && std::movable<BatchType>);

  Epoch(D const& dataset, std::vector<std::int64_t> order, std::int64_t batches, DataLoaderOptions const& options)
      : dataset_(dataset),
        order_(std::move(order)),
        batch_size_(options.batch_size),
        batches_(batches),
        capacity_(std::min<std::int64_t>(batches, std::int64_t{options.workers} * options.prefetch)),
        ring_(static_cast<std::size_t>(capacity_)) {
    for (std::int64_t number = 0; number < capacity_; ++number) slot(number).batch = blank(number);
    try {
      for (int i = 0; i < options.workers && i < batches; ++i) threads_.emplace_back([this] { work(); });
    } catch (std::system_error const& error) {
      stop();
      fail("DataLoader: cannot start ", options.workers, " worker threads: ", error.what());
    } catch (...) {  // those that have started would wait for ever
      stop();
      throw;
    }
  }
  ~Epoch() { stop(); }
  Epoch(Epoch const&) = delete;
  Epoch& operator=(Epoch const&) = delete;
  /// Ends an epoch. A child process leaves what its parent's workers were at work on as it is: it can neither wait for them nor
  /// know how far they were.
  struct End {
    void operator()(Epoch* epoch) const {
      if (!epoch->in_child()) delete epoch;
    }
  };
  using Owner = std::unique_ptr<Epoch, End>;

  // Moves the next batch to `out`; false after the last. Throws what reading it threw; the call after that goes on with the
  // batch behind it.
  bool next(BatchType& out) {
    if (in_child())
      fail("DataLoader: this process was forked in the middle of an epoch, whose ", threads_.size(),
           " worker threads stayed with the parent; begin another epoch here");
    if (delivered_ == batches_) return false;
    if (threads_.empty()) {
      BatchType batch = blank(delivered_);
      fill(delivered_++, batch);
      out = std::move(batch);
      return true;
    }
    std::int64_t const later = delivered_ + capacity_;
    BatchType room = later < batches_ ? blank(later) : BatchType{};  // the caller's thread allocates and frees
    std::exception_ptr error;
    {
      std::unique_lock lock(mutex_);
      Slot& ready = slot(delivered_);
      filled_.wait(lock, [&] { return ready.filled; });
      out = std::exchange(ready.batch, std::move(room));
      error = std::exchange(ready.error, nullptr);
      ready.filled = false;
      ++delivered_;
    }
    emptied_.notify_one();
    if (error) {
      out = BatchType{};  // it is half filled
      std::rethrow_exception(error);
    }
    return true;
  }

 private:
  struct Slot {
    BatchType batch{};
    std::exception_ptr error;
    bool filled = false;
  };
  Slot& slot(std::int64_t number) { return ring_[static_cast<std::size_t>(number % capacity_)]; }

  std::span<std::int64_t const> indices(std::int64_t number) const {
    std::int64_t const first = number * batch_size_, all = static_cast<std::int64_t>(order_.size());
    return {order_.data() + first, static_cast<std::size_t>(std::min(batch_size_, all - first))};
  }

  BatchType blank([[maybe_unused]] std::int64_t number) const {
    if constexpr (BatchDataset<D>) {
      return dataset_.empty_batch(static_cast<std::int64_t>(indices(number).size()));
    } else {
      return {};
    }
  }

  void fill(std::int64_t number, BatchType& batch) const try {
    if constexpr (BatchDataset<D>) {
      dataset_.fill_batch(indices(number), batch);
    } else {
      batch = read_batch(dataset_, indices(number));
    }
  } catch (...) {
    rethrow_at("DataLoader: batch " + std::to_string(number));
  }

  void work() {
    for (std::unique_lock lock(mutex_);;) {
      emptied_.wait(lock, [&] { return stopped_ || claimed_ == batches_ || claimed_ < delivered_ + capacity_; });
      if (stopped_ || claimed_ == batches_) return;
      std::int64_t const number = claimed_++;
      Slot& mine = slot(number);
      lock.unlock();
      try {
        fill(number, mine.batch);
      } catch (...) {
        mine.error = std::current_exception();
      }
      lock.lock();
      mine.filled = true;
      filled_.notify_one();
      if (claimed_ == batches_) emptied_.notify_all();  // the others have nothing left to wait for
    }
  }

  void stop() {
    {
      std::scoped_lock const lock(mutex_);
      stopped_ = true;
    }
    emptied_.notify_all();
    threads_.clear();  // joins
  }

  bool in_child() const { return !threads_.empty() && getpid() != process_; }

  pid_t const process_ = getpid();
  D const& dataset_;
  std::vector<std::int64_t> const order_;
  std::int64_t const batch_size_, batches_, capacity_;
  std::int64_t claimed_ = 0, delivered_ = 0;
  bool stopped_ = false;
  std::mutex mutex_;
  std::condition_variable filled_, emptied_;
  std::vector<Slot> ring_;
  std::vector<std::jthread> threads_;
};

}  // namespace detail

/// Batches of a data set: `for (auto [image, label] : loader)`. Each `begin()` starts a new epoch; leaving the loop,
/// at its end or before, joins the worker threads. An exception of the data set reaches the caller as an `Error` that
/// names the batch and the sample, with the exception nested in it. An iterator that threw it goes on behind that batch when it
/// is incremented again, however many workers there are.
/// The loader refers to the data set, which must live longer. (PyTorch's DataLoader, with threads for processes.)
template <Dataset D>
class DataLoader {
  using Epoch = detail::Epoch<D>;

 public:
  using BatchType = typename Epoch::BatchType;

  /// Throws `Error` for options without a meaning.
  explicit DataLoader(D const& dataset, DataLoaderOptions const& options = {}) : dataset_(&dataset), options_(options) {
    if (options.batch_size < 1) fail("DataLoader: batch_size is ", options.batch_size, ", expected at least 1");
    if (options.workers < 0) fail("DataLoader: workers is ", options.workers, ", expected at least 0");
    if (options.prefetch < 1) fail("DataLoader: prefetch is ", options.prefetch, ", expected at least 1");
    core::require_device("DataLoader", options.device);
  }
  DataLoader(D const&& dataset, DataLoaderOptions const& options = {}) = delete;  // the data set would be gone at once

  /// Number of batches in an epoch.
  std::int64_t size() const {
    std::int64_t const count = samples(), whole = count / options_.batch_size;
    return options_.drop_last || count % options_.batch_size == 0 ? whole : whole + 1;
  }

  /// The epoch that the next `begin()` starts, from 0.
  std::int64_t epoch() const { return epoch_; }
  /// Makes the next epoch this one: to go on where an earlier program stopped.
  void set_epoch(std::int64_t epoch) { epoch_ = epoch; }

  /// A place in an epoch. Dereferencing gives the batch away: once per batch, as a range-for does.
  class Iterator {
   public:
    using value_type = BatchType;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator(typename Epoch::Owner epoch, Device device) : epoch_(std::move(epoch)) {
      if (!(device == Device())) {
        feed_ = std::make_unique<detail::Feed>(device);
        send_next();
      }
      ++*this;
    }
    BatchType&& operator*() { return std::move(batch_); }
    Iterator& operator++() {
      batch_ = BatchType{};
      if (feed_) {
        if (std::exception_ptr const error = std::exchange(error_, nullptr)) {
          send_next();
          std::rethrow_exception(error);
        }
        if (!sent_) return epoch_.reset(), *this;
        feed_->arrive();
        batch_ = std::move(*sent_);
        send_next();
      } else if (!epoch_->next(batch_)) {
        epoch_.reset();
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(Iterator const& self, std::default_sentinel_t) { return !self.epoch_; }

   private:
    void send_next() {
      BatchType here{};
      sent_.reset();
      try {
        if (epoch_->next(here)) sent_ = feed_->send(here);
      } catch (...) {
        error_ = std::current_exception();  // of that batch, not of the one that is delivered now
      }
    }

    typename Epoch::Owner epoch_;
    BatchType batch_{};
    std::unique_ptr<detail::Feed> feed_;  // to a device
    std::optional<BatchType> sent_;       // the batch that is on its way
    std::exception_ptr error_;            // or why there is none
  };

  /// Starts an epoch: its order is fixed, its workers begin. When that throws, because its first batch cannot be read for
  /// instance, it has not begun.
  Iterator begin() {
    auto order = options_.shuffle ? RandomSampler(samples(), options_.seed).order(epoch_)
                                  : SequentialSampler(samples()).order(epoch_);
    Iterator first(typename Epoch::Owner(new Epoch(*dataset_, std::move(order), size(), options_)), options_.device);
    ++epoch_;
    return first;
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::int64_t samples() const {
    std::int64_t const count = dataset_->size();
    if (count < 0) fail("DataLoader: the data set's size() is ", count, ", expected at least 0");
    return count;
  }

  D const* dataset_;
  DataLoaderOptions options_;
  std::int64_t epoch_ = 0;
};

}  // namespace data
}  // namespace wick::inline WICK_ISA
