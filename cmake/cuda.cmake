# SPDX-License-Identifier: MIT
# The seam for nvcc: the language, its architecture, and the libraries that come with it.

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

message(STATUS "wick: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, architecture ${CMAKE_CUDA_ARCHITECTURES}")

# The target wick::cuda: Wick with the libraries behind products and convolutions, as far as they are here. What links to
# wick::wick alone runs Wick's own kernels.
add_library(wick_cuda INTERFACE)
add_library(wick::cuda ALIAS wick_cuda)
target_link_libraries(wick_cuda INTERFACE wick)
if(TARGET CUDA::cublasLt)
  target_link_libraries(wick_cuda INTERFACE CUDA::cublasLt)
  target_compile_definitions(wick_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:WICK_USE_CUBLASLT=1>)
  message(STATUS "wick: products on CUDA devices by cuBLASLt")
endif()
find_path(WICK_CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDNN_ROOT} $ENV{CUDNN_ROOT} ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES include)
find_library(WICK_CUDNN_LIBRARY cudnn HINTS ${CUDNN_ROOT} $ENV{CUDNN_ROOT} ${CUDAToolkit_LIBRARY_DIR} PATH_SUFFIXES lib lib64)
mark_as_advanced(WICK_CUDNN_INCLUDE_DIR WICK_CUDNN_LIBRARY)
if(WICK_CUDNN_INCLUDE_DIR AND WICK_CUDNN_LIBRARY)
  target_include_directories(wick_cuda SYSTEM INTERFACE ${WICK_CUDNN_INCLUDE_DIR})
  target_link_libraries(wick_cuda INTERFACE ${WICK_CUDNN_LIBRARY})
  target_compile_definitions(wick_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:WICK_USE_CUDNN=1>)
  message(STATUS "wick: convolutions on CUDA devices by cuDNN, ${WICK_CUDNN_LIBRARY}")
else()
  message(STATUS "wick: cuDNN was not found, so convolutions on CUDA devices are Wick's own (CUDNN_ROOT says where it is)")
endif()
