# SPDX-License-Identifier: MIT
# The target wick_thrust, if Thrust's headers are here: formulas on the device "thrust", host memory that the kernels of the
# GPU run on.
include_guard(GLOBAL)

find_path(WICK_THRUST_INCLUDE_DIR thrust/for_each.h PATHS /usr/local/cuda/include/cccl)
mark_as_advanced(WICK_THRUST_INCLUDE_DIR)
if(WICK_THRUST_INCLUDE_DIR)
  add_library(wick_thrust INTERFACE)
  target_include_directories(wick_thrust SYSTEM INTERFACE ${WICK_THRUST_INCLUDE_DIR})
  target_compile_definitions(wick_thrust INTERFACE WICK_USE_THRUST=1 THRUST_HOST_SYSTEM=THRUST_HOST_SYSTEM_CPP
                             THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_OMP)
endif()
