// SPDX-License-Identifier: MIT
// The main function of all tests: doctest's own. Every other file of the program holds test cases only.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
