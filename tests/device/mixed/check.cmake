# SPDX-License-Identifier: MIT
# Compiles one half of a program with nvcc and the other with the C++ compiler, links them, and runs the program, which says
# so where there is no GPU.
file(MAKE_DIRECTORY ${work})
set(includes -I${include})
if(xsimd)
  list(APPEND includes -I${xsimd}/include)
endif()

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}")
  endif()
endfunction()

run(${nvcc} -std=c++20 -O1 -arch=sm_90 --expt-relaxed-constexpr -diag-suppress=1675,2189,554,3189 -ccbin ${compiler} -Xcompiler -fopenmp ${includes} -c
    ${source}/device.cu -o device.o)
run(${compiler} -std=c++20 -O1 -fopenmp ${includes} -c ${source}/host.cpp -o host.o)
run(${nvcc} -ccbin ${compiler} -Xcompiler -fopenmp host.o device.o -lz -o program)
run(${work}/program)
