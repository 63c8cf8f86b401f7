// SPDX-License-Identifier: MIT
// The kernels that operations call, for all element types.
#pragma once

#include <wick/backend/cpu_kernels.hpp>
#include <wick/backend/half_kernels.hpp>
