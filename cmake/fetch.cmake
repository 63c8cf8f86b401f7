# SPDX-License-Identifier: MIT
# Finds what the build needs: what is installed first, else a download of a pinned release. When neither works, one
# message lists everything that is missing.
include(FetchContent)

# name; target; Debian package; repository; release
set(wick_table
    "xsimd|xsimd|libxsimd-dev|https://github.com/xtensor-stack/xsimd|13.2.0"
    "doctest|doctest::doctest|doctest-dev|https://github.com/doctest/doctest|v2.4.12"
    "benchmark|benchmark::benchmark|libbenchmark-dev|https://github.com/google/benchmark|v1.9.4"
    "ZLIB|ZLIB::ZLIB|zlib1g-dev|https://github.com/madler/zlib|v1.3.1"
    "nlohmann_json|nlohmann_json::nlohmann_json|nlohmann-json3-dev|https://github.com/nlohmann/json|v3.11.3"
    "stb|stb::stb|libstb-dev|https://github.com/nothings/stb|1ee679ca2ef753a528db5ba6801e1067b40481b8")

# True when <repository> answers; asked once, so that a machine without a network waits once.
function(wick_network result repository)
  get_property(known GLOBAL PROPERTY wick_network SET)
  if(NOT known)
    find_package(Git QUIET)
    set(status 1)
    if(GIT_FOUND)
      message(STATUS "wick: asking ${repository}")
      execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_TERMINAL_PROMPT=0 ${GIT_EXECUTABLE} ls-remote ${repository} HEAD
                      RESULT_VARIABLE status TIMEOUT 30 OUTPUT_QUIET ERROR_QUIET)
    endif()
    if(status EQUAL 0)
      set_property(GLOBAL PROPERTY wick_network TRUE)
    else()
      set_property(GLOBAL PROPERTY wick_network FALSE)
    endif()
  endif()
  get_property(known GLOBAL PROPERTY wick_network)
  set(${result} ${known} PARENT_SCOPE)
endfunction()

# Warnings of other people's headers are not ours.
function(wick_as_system target)
  get_target_property(alias ${target} ALIASED_TARGET)
  if(alias)
    set(target ${alias})
  endif()
  get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(folders)
    set_target_properties(${target} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${folders}")
  endif()
endfunction()

function(wick_fetch name target repository release)
  string(TOLOWER ${name} folder)
  string(TOUPPER ${name} upper)
  if(NOT FETCHCONTENT_SOURCE_DIR_${upper} AND NOT EXISTS ${FETCHCONTENT_BASE_DIR}/${folder}-src)
    if(NOT WICK_FETCH OR FETCHCONTENT_FULLY_DISCONNECTED)
      return()
    endif()
    wick_network(reachable ${repository})
    if(NOT reachable)
      return()
    endif()
    message(STATUS "wick: downloading ${name} ${release}")
  endif()

  # Only the libraries, and nothing of them in Wick's installation but xsimd, which its users need as well.
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  set(FETCHCONTENT_UPDATES_DISCONNECTED ON)
  set(DOCTEST_WITH_TESTS OFF)
  set(DOCTEST_WITH_MAIN_IN_STATIC_LIB OFF)
  set(DOCTEST_NO_INSTALL ON)
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  set(BENCHMARK_INSTALL_DOCS OFF)
  set(BENCHMARK_ENABLE_WERROR OFF)
  set(JSON_BuildTests OFF)
  set(JSON_Install OFF)
  set(SKIP_INSTALL_ALL ON)
  set(ZLIB_BUILD_EXAMPLES OFF)

  if(name STREQUAL stb)  # no releases, and one file of it is enough
    FetchContent_Declare(stb
      URL https://raw.githubusercontent.com/nothings/stb/${release}/stb_image_write.h
      URL_HASH SHA256=cbd5f0ad7a9cf4468affb36354a1d2338034f2c12473cf1a8e32053cb6914a05
      DOWNLOAD_NO_EXTRACT ON)
  else()
    FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${release} GIT_SHALLOW ON)
  endif()
  FetchContent_MakeAvailable(${name})

  if(name STREQUAL stb)
    add_library(stb::stb INTERFACE IMPORTED GLOBAL)
    set_target_properties(stb::stb PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${stb_SOURCE_DIR}")
  elseif(name STREQUAL ZLIB)  # zlib's own project names no target for users
    add_library(ZLIB::ZLIB INTERFACE IMPORTED GLOBAL)
    set_target_properties(ZLIB::ZLIB PROPERTIES
      INTERFACE_LINK_LIBRARIES zlibstatic INTERFACE_INCLUDE_DIRECTORIES "${zlib_SOURCE_DIR};${zlib_BINARY_DIR}")
  endif()
  wick_as_system(${target})
endfunction()

# wick_need(<name>): a row of the table becomes a target, or is remembered as missing.
function(wick_need name)
  set(row ${wick_table})
  list(FILTER row INCLUDE REGEX "^${name}[|]")
  string(REPLACE "|" ";" row "${row}")
  list(GET row 1 target)
  list(GET row 2 package)
  list(GET row 3 repository)
  list(GET row 4 release)

  set(reason "${name} (Debian and Ubuntu: ${package})")
  if(name STREQUAL xsimd)
    wick_find_xsimd()
    set(reason "${wick_xsimd_problem}")
  elseif(name STREQUAL stb)
    find_path(WICK_STB_INCLUDE_DIR stb_image_write.h PATH_SUFFIXES stb)
    mark_as_advanced(WICK_STB_INCLUDE_DIR)
    if(WICK_STB_INCLUDE_DIR AND NOT TARGET stb::stb)
      add_library(stb::stb INTERFACE IMPORTED)
      set_target_properties(stb::stb PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${WICK_STB_INCLUDE_DIR}")
    endif()
  elseif(name STREQUAL ZLIB)
    wick_find(${target} ZLIB)
  else()
    wick_find(${target} ${name} CONFIG)
  endif()
  if(NOT TARGET ${target})
    wick_fetch(${name} ${target} ${repository} ${release})
  endif()
  if(NOT TARGET ${target})
    set_property(GLOBAL APPEND_STRING PROPERTY wick_missing "\n  ${reason}")
    set_property(GLOBAL APPEND_STRING PROPERTY wick_missing_packages " ${package}")
  endif()
endfunction()

# Ends the configuration when something is missing, with the whole list.
function(wick_report_missing)
  get_property(missing GLOBAL PROPERTY wick_missing)
  get_property(packages GLOBAL PROPERTY wick_missing_packages)
  if(missing)
    message(FATAL_ERROR
      "wick: not installed, and no download (no network, no git, or WICK_FETCH is off):${missing}\n"
      "On Debian or Ubuntu: sudo apt-get install${packages}\n"
      "What is only for Wick's own tests, benchmarks and examples is not needed with "
      "-DWICK_BUILD_TESTS=OFF -DWICK_BUILD_BENCHMARKS=OFF -DWICK_BUILD_EXAMPLES=OFF.")
  endif()
endfunction()
