// SPDX-License-Identifier: MIT
// The library wick::kernels: the expensive operations for float and double, compiled once. Programs that are linked with
// it and define WICK_PRECOMPILED_KERNELS do not compile them again; the instruction set must be the same.
#undef WICK_PRECOMPILED_KERNELS
#include <wick/backend/cpu/calls.hpp>

namespace wick::inline WICK_ISA {
namespace backend {

WICK_KERNELS_OF(, float);
WICK_KERNELS_OF(, double);

}  // namespace backend
}  // namespace wick::inline WICK_ISA
