# SPDX-License-Identifier: MIT
# cmake [-D says=REGEX] -P expect_error.cmake -- PROGRAM ARGUMENTS...: the program must end with exit status 1 and one line on
# stderr, which says so. Lines of a progress bar may stand before it.

set(command "")
set(collecting OFF)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
  if(collecting)
    list(APPEND command "${CMAKE_ARGV${index}}")
  elseif(CMAKE_ARGV${index} STREQUAL "--")
    set(collecting ON)
  endif()
endforeach()

execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE error)
string(STRIP "${error}" sentence)
string(REGEX REPLACE "epoch [0-9]+/[0-9]+ [^\n]*\n" "" sentence "${sentence}")
message(STATUS "exit status ${status}: ${sentence}")
if(NOT status EQUAL 1)
  message(FATAL_ERROR "the exit status is ${status}, not 1; stdout: ${output}")
endif()
if(sentence STREQUAL "" OR sentence MATCHES "\n")
  message(FATAL_ERROR "stderr is not one line")
endif()
if(DEFINED says AND NOT sentence MATCHES "${says}")
  message(FATAL_ERROR "the sentence does not say '${says}'")
endif()
