# SPDX-License-Identifier: MIT
# Where nvcc is, and how Wick's own programs are compiled by it. All that a user needs comes with wick::wick (and
# wick::cuda, where libraries of CUDA are wanted). Also read by tests that call nvcc themselves (cmake -P).

# 177, "declared but never referenced", is also said of functions that only a concept asks for.
set(wick_nvcc_options -std=c++20 --expt-relaxed-constexpr -diag-suppress=177)
set(wick_cuda_architecture 90)

if(CMAKE_SCRIPT_MODE_FILE)
  return()
endif()

find_program(WICK_NVCC nvcc PATHS /usr/local/cuda/bin)
mark_as_advanced(WICK_NVCC)
if(WICK_CUDA)
  if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX} AND WICK_NVCC)
    set(CMAKE_CUDA_COMPILER ${WICK_NVCC})
  endif()
  if(NOT DEFINED CMAKE_CUDA_HOST_COMPILER AND NOT DEFINED ENV{CUDAHOSTCXX})
    set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
  endif()
endif()

add_library(wick_cuda_flags INTERFACE)
add_library(wick::cuda_flags ALIAS wick_cuda_flags)
target_compile_options(wick_cuda_flags INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:${wick_nvcc_options}>")
if(WICK_HAS_MARCH_NATIVE)
  target_compile_options(wick_cuda_flags INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-march=native>)
endif()

# wick_nvcc_program(<name> <sources>...): as wick_own_program, with sources (.cu or .cpp) that nvcc compiles. What a folder
# gives to nvcc it cannot give to the C++ compiler as well: CMake keeps a source's language for each folder.
function(wick_nvcc_program name)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CUDA)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE wick::wick wick::cuda_flags)
  if(TARGET wick::cuda)
    target_link_libraries(${name} PRIVATE wick::cuda)
  endif()
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()
