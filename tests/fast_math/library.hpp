// SPDX-License-Identifier: MIT
// Read before a test that is compiled with -ffast-math: the C++ library's functions and the test harness mean what they say.
#pragma once

#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
#include <algorithm>
#include <cmath>
#include <complex>
#include <random>

#include <doctest/doctest.h>
WICK_PRECISE_END
