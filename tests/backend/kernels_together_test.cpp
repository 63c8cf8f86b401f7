// SPDX-License-Identifier: MIT
// Several threads run kernels at once, each of which would like all threads of the pool: nobody waits for ever, and each
// gets what it gets alone. Under the thread sanitizer this also shows that the kernels share nothing they write.
#include <doctest/doctest.h>

#include <cstring>
#include <thread>
#include <vector>
#include <wick/wick.hpp>

using namespace wick;

namespace {

/// One of each expensive operation, as one tensor each.
std::vector<Tensor<float>> results(std::uint64_t seed) {
  manual_seed(seed);
  Tensor<float> const image = randn<float>({2, 16, 20, 21}), filters = randn<float>({32, 16, 3, 3}),
                      plane_filters = randn<float>({16, 1, 3, 3}), a = randn<float>({130, 170}), b = randn<float>({170, 190}),
                      long_rows = randn<float>({40, 3000});
  std::vector<Tensor<float>> all;
  all.push_back(matmul(a, b));
  all.push_back(relu(conv2d(image, filters, {.padding = 1})));
  all.push_back(conv2d(image, plane_filters, {.padding = 1, .groups = 16}));
  all.push_back(max_pool2d(image, 2));
  all.push_back(sum(long_rows, {0}));
  all.push_back(sum(long_rows, {1}));
  all.push_back(softmax(long_rows, 1));
  all.push_back(long_rows.t() + 1);
  all.push_back(cat(std::vector<Tensor<float>>{a, a * 2}, 0));
  Variable<float> const x = image, w = filters;
  backward(sum(square(conv2d(x, w))));
  all.push_back(x.grad());
  all.push_back(w.grad());
  return all;
}

bool same_bits(Tensor<float> const& a, Tensor<float> const& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.numel()) * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("kernels in several threads at once give the bits that they give alone") {
  int const before = num_threads();
  set_num_threads(3);
  std::vector<std::vector<Tensor<float>>> const alone = {results(1), results(2)};
  for (int round = 0; round < 4; ++round) {
    std::vector<std::vector<Tensor<float>>> together(2);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 2; ++i) threads.emplace_back([&, i] { together[i] = results(i + 1); });
    for (std::thread& thread : threads) thread.join();
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < alone[i].size(); ++j) {
        CAPTURE(j);
        CHECK(same_bits(together[i][j], alone[i][j]));
      }
  }
  set_num_threads(before);
}
