# SPDX-License-Identifier: MIT
# Builds a program of files that nvcc compiles and files that the C++ compiler compiles, and runs it.
# cmake -D nvcc=... -D compiler=... -D includes=folders -D nvcc_sources=files -D sources=files -D work=folder -P nvcc.cmake
include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/nvcc.cmake)
file(MAKE_DIRECTORY ${work})
list(REMOVE_ITEM includes "")
list(TRANSFORM includes PREPEND -I)

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}")
  endif()
endfunction()

# Not optimised: whether it compiles is what every run asks, and who runs it on a GPU has the preset "cuda".
set(options ${includes} -DWICK_TEST_DEVICE="cuda")
set(objects "")
foreach(source IN LISTS nvcc_sources)
  get_filename_component(name ${source} NAME_WE)
  message(STATUS "nvcc compiles ${source}")
  run(${nvcc} ${wick_nvcc_options} -arch=sm_${wick_cuda_architecture} -ccbin ${compiler} -Xcompiler -fopenmp ${options}
      -x cu -c ${source} -o ${name}.o)
  list(APPEND objects ${name}.o)
endforeach()
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  run(${compiler} -std=c++20 -fopenmp ${options} -c ${source} -o ${name}.o)
  list(APPEND objects ${name}.o)
endforeach()
run(${nvcc} -ccbin ${compiler} -Xcompiler -fopenmp ${objects} -lz -o program)
run(${work}/program)
