// SPDX-License-Identifier: MIT
// What a data set is, and how samples become a batch.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#include <wick/base/error.hpp>
#include <wick/tensor.hpp>

namespace wick::inline WICK_ISA {
namespace data {

/// One labelled image.
template <class Image = Tensor<float>, class Label = std::int64_t>
struct Sample {
  Image image;
  Label label;
};

/// Images (B, ...) and labels (B), one row per sample.
template <class Image = Tensor<float>, class Label = Tensor<std::int64_t>>
struct Batch {
  Image image;
  Label label;
};

/// Anything with `size()` and `operator[](std::int64_t)`. Several worker threads call `operator[] const` at once.
template <class D>
concept Dataset = requires(D const& dataset, std::int64_t index) {
  { dataset.size() } -> std::convertible_to<std::int64_t>;
  dataset[index];
};

/// A data set that writes many samples into one batch without a tensor for each: `empty_batch(count)` makes room, on
/// the thread that will use the batch, and `fill_batch(indices, batch)` writes the rows, on any thread.
template <class D>
concept BatchDataset = Dataset<D> && requires(D const& dataset, std::span<std::int64_t const> indices) {
  dataset.fill_batch(indices, std::declval<decltype(dataset.empty_batch(std::int64_t{}))&>());
};

namespace detail {

template <class T>
inline constexpr bool is_tensor = false;
template <class T, class E, class S>
inline constexpr bool is_tensor<Tensor<T, E, S>> = true;

template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};

template <class T>
concept Labelled = requires(T const& sample) {
  sample.image, sample.label;
};

// Inside a handler: throws an Error that says where it happened, with the caught exception nested in it.
[[noreturn]] inline void rethrow_at(std::string const& where) {
  try {
    throw;
  } catch (std::exception const& error) {
    std::throw_with_nested(Error(where + ": " + error.what()));
  } catch (...) {
    std::throw_with_nested(Error(where + ": an exception that is no std::exception"));
  }
}

// Stacks one field of all samples; `indices` names them in errors.
template <class Item, class Samples, class Field>
auto stack_field(Samples const& samples, std::span<std::int64_t const> indices, Field field) {
  auto const count = static_cast<std::int64_t>(samples.size());
  if constexpr (is_tensor<Item>) {
    using T = typename Item::value_type;
    Dims const shape = count > 0 ? field(samples[0]).shape() : Dims();
    Dims all(count);
    for (std::int64_t const extent : shape) all.push_back(extent);
    Tensor<T> stacked(Tensor<T>::uninitialized, all);
    auto* row = stacked.data();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      Item const item = field(samples[i]).contiguous();
      if (!(item.shape() == shape))
        fail("collate: sample ", indices[i], " has shape ", item.shape(), ", sample ", indices[0], " has ", shape,
             ": they do not stack");
      row = std::copy_n(item.data(), item.numel(), row);
    }
    return stacked;
  } else {
    static_assert(std::is_arithmetic_v<Item>, "collate: a field of a sample is a tensor or a number");
    Tensor<Item> stacked(Tensor<Item>::uninitialized, Dims(count));
    auto* row = stacked.data();
    for (auto const& sample : samples) *row++ = field(sample);
    return stacked;
  }
}

}  // namespace detail

/// Stacks samples into a batch: `{image, label}` becomes `Batch{image, label}`, a tuple a tuple, a tensor (...) a
/// tensor (B, ...), a number a tensor (B). `indices` are the samples' places in the data set. Throws `Error` when two
/// shapes differ.
template <class S>
auto collate(std::vector<S> const& samples, std::span<std::int64_t const> indices) {
  if constexpr (detail::Labelled<S>) {
    auto image = detail::stack_field<std::remove_cvref_t<decltype(samples[0].image)>>(
        samples, indices, [](S const& sample) -> auto const& { return sample.image; });
    auto label = detail::stack_field<std::remove_cvref_t<decltype(samples[0].label)>>(
        samples, indices, [](S const& sample) -> auto const& { return sample.label; });
    return Batch<decltype(image), decltype(label)>{std::move(image), std::move(label)};
  } else if constexpr (detail::TupleLike<S>) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::tuple(detail::stack_field<std::tuple_element_t<I, S>>(
          samples, indices, [](S const& sample) -> auto const& { return std::get<I>(sample); })...);
    }
    (std::make_index_sequence<std::tuple_size_v<S>>());
  } else {
    return detail::stack_field<S>(
        samples, indices, [](S const& sample) -> auto const& { return sample; });
  }
}

/// The batch of the samples at `indices`, read one by one and collated. An exception of the data set comes out as an
/// `Error` that names the sample, with the exception nested in it.
template <Dataset D>
auto read_batch(D const& dataset, std::span<std::int64_t const> indices) {
  std::vector<std::remove_cvref_t<decltype(dataset[0])>> samples;
  samples.reserve(indices.size());
  for (std::int64_t const index : indices) {
    try {
      samples.push_back(dataset[index]);
    } catch (...) {
      detail::rethrow_at("sample " + std::to_string(index));
    }
  }
  return collate(samples, indices);
}

}  // namespace data
}  // namespace wick::inline WICK_ISA
