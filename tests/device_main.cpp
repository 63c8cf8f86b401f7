// SPDX-License-Identifier: MIT
// The main function of tests on a device: without that device it says so, and runs nothing.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <wick/core/device_memory.hpp>

int main(int argc, char** argv) {
  try {
    wick::core::require_device("tests", wick::Device(WICK_TEST_DEVICE));
  } catch (wick::Error const& error) {
    std::printf("compiled and linked, not run: %s\n", error.what());
    return 0;
  }
  return doctest::Context(argc, argv).run();
}
