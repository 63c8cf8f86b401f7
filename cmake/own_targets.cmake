# SPDX-License-Identifier: MIT
# How Wick's own programs are compiled. Nothing of this reaches a user of wick::wick.

include(CheckCXXCompilerFlag)
set(wick_own_options -Wall -Wextra -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes the undefined registers of its own AVX-512 headers for mistakes of ours.
  list(APPEND wick_own_options -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
if(WICK_NATIVE)
  check_cxx_compiler_flag(-march=native WICK_HAS_MARCH_NATIVE)
  if(WICK_HAS_MARCH_NATIVE)
    list(APPEND wick_own_options -march=native)
  endif()
endif()

# wick_own_program(<name> <sources>...): a program over wick::wick with Wick's own warnings.
function(wick_own_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE wick::wick)
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${wick_own_options}>")
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()
