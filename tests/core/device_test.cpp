// SPDX-License-Identifier: MIT
// Devices: names, and what a build without the asked one says.
#include <doctest/doctest.h>

#include <sstream>
#include <wick/tensor.hpp>

using namespace wick;

namespace {
std::string text(Device device) {
  std::ostringstream out;
  out << device;
  return out.str();
}
}  // namespace

TEST_CASE("devices have names") {
  CHECK(Device() == Device("cpu"));
  CHECK(Device("cuda") == Device("cuda:0"));
  CHECK_FALSE(Device("cuda:1") == Device("cuda:0"));
  CHECK(Device("cuda:3").number() == 3);
  CHECK(Device("cuda").kind() == Device::Kind::cuda);
  CHECK(text("cpu") == "cpu");
  CHECK(text("cuda:2") == "cuda:2");
  CHECK(text("thrust") == "thrust");
  static_assert(Device("cuda:4").number() == 4);
  for (char const* wrong : {"", "gpu", "cuda:", "cuda:x", "cuda:10", "CPU", "cpu:0", "cuda:-1"}) {
    std::string const message = std::string("device: \"") + wrong +
                                "\" is not a device; known are \"cpu\", \"cuda\", \"cuda:0\" to \"cuda:9\", and \"thrust\"";
    CHECK_THROWS_WITH_AS(Device{wrong}, message.c_str(), Error);
  }
}

#if !defined(__CUDACC__)
TEST_CASE("a device that this build lacks") {
  Tensor<float> const x = tensor({1.f, 2.f});
  CHECK(x.to("cpu").data() == x.data());
  CHECK_THROWS_WITH_AS(x.to("cuda:1"),
                       "to: this program has no cuda:1; it was built for the CPU: configure with -DWICK_CUDA=ON (CMake preset "
                       "\"cuda\") and compile a file with nvcc",
                       Error);
  CHECK_THROWS_WITH_AS(x.to("thrust"), "to: this program has no thrust; compile a file with WICK_USE_THRUST defined", Error);
}
#endif
