# SPDX-License-Identifier: MIT
# The seam for nvcc: the language, its architecture, and the list of files that it compiles.

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90)
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "wick: WICK_CUDA is on, but no CUDA compiler was found: install the CUDA toolkit and put nvcc on "
                      "the PATH, or set CMAKE_CUDA_COMPILER.")
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

file(GLOB wick_cuda_tests RELATIVE ${PROJECT_SOURCE_DIR}/tests CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/tests/*/*_test.cu)
list(LENGTH wick_cuda_tests wick_cuda_count)
message(STATUS "wick: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, architecture ${CMAKE_CUDA_ARCHITECTURES}, compiles "
               "${wick_cuda_count} files (tests/*/*_test.cu)")
