// SPDX-License-Identifier: MIT
// The library for any x86-64.
#define MIXED_NAME plain_x86
#include "library.hpp"
