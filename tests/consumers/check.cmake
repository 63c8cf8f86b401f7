# SPDX-License-Identifier: MIT
# Configures, builds and runs the project <source> in the fresh folder <work>, as a user of Wick would. The project
# finds Wick as an installation (CMAKE_PREFIX_PATH) or as a source tree (WICK_SOURCE).

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    string(REPLACE ";" " " line "${ARGN}")
    message(FATAL_ERROR "failed (${status}): ${line}")
  endif()
endfunction()

file(REMOVE_RECURSE ${work})
run(${CMAKE_COMMAND} --install ${wick_build} --prefix ${work}/prefix)
# No optimisation: what is not inline then stays visible to the linker, and it is quick.
run(${CMAKE_COMMAND} -G ${generator} -S ${source} -B ${work}/build -D CMAKE_BUILD_TYPE=Debug
    -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_CXX_FLAGS_DEBUG=-O0 -D CMAKE_PREFIX_PATH=${work}/prefix
    -D WICK_SOURCE=${wick_source} -D FETCHCONTENT_SOURCE_DIR_XSIMD=${xsimd_source})
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/consumer)
