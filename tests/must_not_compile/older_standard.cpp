// SPDX-License-Identifier: MIT
// An older standard: the first line of many names the one that is needed.
// FLAGS: -std=c++17
// EXPECT: ^(?:(?!.*error).*\n)*.*error:.*Wick needs C\+\+20: compile with -std=c\+\+20
#include <wick/tensor.hpp>
