# SPDX-License-Identifier: MIT
# Looks for functions of the host that kernels call. nvcc lets a constexpr function call one, says nothing, and takes what
# follows as never reached: the kernel is wrong without a word. clang refuses such calls.
# cmake -D clang=... -D cuda=folder -D includes=folders -D sources=files -D work=folder -P host_calls.cmake
file(MAKE_DIRECTORY ${work}/include)
list(REMOVE_ITEM includes "")
list(TRANSFORM includes PREPEND -I)
# clang's own headers ask for one that newer toolkits no longer have.
if(NOT EXISTS ${cuda}/include/texture_fetch_functions.h)
  file(WRITE ${work}/include/texture_fetch_functions.h "")
endif()
# It need not know the newest toolkit, nor that kernels may read parameters where they are.
set(options -x cuda --cuda-path=${cuda} --cuda-gpu-arch=sm_90 --cuda-device-only -fsyntax-only -std=c++20 -march=native -fopenmp -w
            -ferror-limit=0 -isystem ${work}/include -D__grid_constant__= -DWICK_TEST_DEVICE="cuda" ${includes})

# The errors in a source; those about deduction guides, which are no functions, do not count.
function(faults_of source result)
  execute_process(COMMAND ${clang} ${options} ${source} OUTPUT_QUIET ERROR_VARIABLE said)
  string(REGEX MATCHALL "[^\n]* error: [^\n]*" errors "${said}")
  list(FILTER errors EXCLUDE REGEX "'<deduction guide for ")
  set(${result} "${errors}" PARENT_SCOPE)
endfunction()

set(kernel "inline int host() { return 1; }\nconstexpr int both(int x) { return x CALL; }\n__global__ void kernel(int* x) { *x = both(*x); }\n")
string(REPLACE CALL "+ 1" right "${kernel}")
string(REPLACE CALL "+ host()" wrong "${kernel}")
file(WRITE ${work}/right.cu "${right}")
file(WRITE ${work}/wrong.cu "${wrong}")
faults_of(${work}/right.cu faults)
if(faults)
  message("Not checked: ${clang} does not compile for this CUDA toolkit: ${faults}")
  return()
endif()
faults_of(${work}/wrong.cu faults)
if(NOT faults MATCHES "reference to __host__ function 'host'")
  message(FATAL_ERROR "${clang} did not find the call of a host's function in ${work}/wrong.cu, but: ${faults}")
endif()

set(found "")
foreach(source IN LISTS sources)
  faults_of(${source} faults)
  list(APPEND found ${faults})
endforeach()
list(REMOVE_DUPLICATES found)
list(JOIN found "\n" found)
if(found)
  message(FATAL_ERROR "kernels call functions of the host:\n${found}")
endif()
