# SPDX-License-Identifier: MIT
# The target wick_cblas, if there is a CBLAS: OpenBLAS where it is, else any library that has the symbols.
include_guard(GLOBAL)

find_path(WICK_CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas)
find_library(WICK_CBLAS_LIBRARY NAMES openblas cblas blas)
mark_as_advanced(WICK_CBLAS_INCLUDE_DIR WICK_CBLAS_LIBRARY)
if(WICK_CBLAS_INCLUDE_DIR AND WICK_CBLAS_LIBRARY)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${WICK_CBLAS_INCLUDE_DIR})
  set(CMAKE_REQUIRED_LIBRARIES ${WICK_CBLAS_LIBRARY})
  check_cxx_source_compiles(
    "#include <cblas.h>
     int main() { float x = 1; return static_cast<int>(cblas_sdot(1, &x, 1, &x, 1)); }" WICK_HAS_CBLAS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
if(WICK_HAS_CBLAS)
  add_library(wick_cblas INTERFACE)
  target_include_directories(wick_cblas SYSTEM INTERFACE ${WICK_CBLAS_INCLUDE_DIR})
  target_link_libraries(wick_cblas INTERFACE ${WICK_CBLAS_LIBRARY})
endif()
