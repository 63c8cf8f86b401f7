// SPDX-License-Identifier: MIT
// The library for CPUs with AVX2 and FMA.
#define MIXED_NAME with_avx2
#include "library.hpp"
