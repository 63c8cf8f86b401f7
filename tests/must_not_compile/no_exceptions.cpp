// SPDX-License-Identifier: MIT
// Without exceptions there are no errors: the first line says so.
// FLAGS: -fno-exceptions
// EXPECT: ^(?:(?!.*error).*\n)*.*error:.*Wick reports errors by exceptions
#include <wick/tensor.hpp>
