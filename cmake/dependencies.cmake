# SPDX-License-Identifier: MIT
# What wick::wick and wick::io are linked to. Read by Wick's own build and by the installed package: header-only code
# is compiled by its user, so it is the user's compiler and libraries that count, each time.

# Looks for <package> (further arguments: as for find_package) until <target> exists. A target found here must also be
# seen by the project that added Wick as a subdirectory, hence the promotion.
function(wick_find target package)
  if(TARGET ${target})
    return()
  endif()
  find_package(${package} ${ARGN} QUIET)
  if(TARGET ${target})
    get_target_property(imported ${target} IMPORTED)
    if(imported)
      set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
    endif()
  endif()
endfunction()

# xsimd 8.1 or newer. Each major release of xsimd calls itself incompatible with the one before, so a question for 8.1
# would miss a newer one: the first question only lists what is there, in the order of the user's paths.
# Sets wick_xsimd_problem to a sentence, or to nothing.
function(wick_find_xsimd)
  if(NOT TARGET xsimd)
    find_package(xsimd 9999 CONFIG QUIET)
    set(versions ${xsimd_CONSIDERED_VERSIONS})
    foreach(version config IN ZIP_LISTS xsimd_CONSIDERED_VERSIONS xsimd_CONSIDERED_CONFIGS)
      if(version VERSION_GREATER_EQUAL 8.1 AND NOT TARGET xsimd)
        get_filename_component(folder ${config} DIRECTORY)
        unset(xsimd_DIR CACHE)
        wick_find(xsimd xsimd ${version} CONFIG PATHS ${folder} NO_DEFAULT_PATH)
      endif()
    endforeach()
  endif()
  set(problem "")
  if(TARGET xsimd)
    # Debian 12's package links to xtl, which it neither needs (complex numbers of xtl are off) nor depends on.
    get_target_property(links xsimd INTERFACE_LINK_LIBRARIES)
    if("xtl" IN_LIST links AND NOT TARGET xtl)
      list(REMOVE_ITEM links xtl)
      set_target_properties(xsimd PROPERTIES INTERFACE_LINK_LIBRARIES "${links}")
    endif()
  else()
    set(problem "Wick needs xsimd 8.1 or newer (Debian and Ubuntu: libxsimd-dev)")
    if(versions)
      string(APPEND problem "; only version ${versions} is installed")
    else()
      string(APPEND problem "; no xsimdConfig.cmake was found")
    endif()
  endif()
  set(wick_xsimd_problem "${problem}" PARENT_SCOPE)
endfunction()

# wick_link(<target> <wrap> <libraries>...): links those that were found, each inside $<wrap:...> when wrap is not empty.
function(wick_link target wrap)
  foreach(library IN LISTS ARGN)
    if(TARGET ${library} AND wrap)
      target_link_libraries(${target} INTERFACE $<${wrap}:${library}>)
    elseif(TARGET ${library})
      target_link_libraries(${target} INTERFACE ${library})
    endif()
  endforeach()
endfunction()

# wick_link_dependencies(<core target> <io target> <wrap>): Wick's build wraps the links in BUILD_INTERFACE, so that they
# stay out of the exported package, which makes its own.
function(wick_link_dependencies core io wrap)
  wick_find(Threads::Threads Threads)
  set(openmp "")
  if(NOT DEFINED WICK_OPENMP OR WICK_OPENMP)
    set(openmp OpenMP::OpenMP_CXX)
    wick_find(${openmp} OpenMP COMPONENTS CXX)
    if(NOT TARGET ${openmp})
      message(STATUS "wick: this compiler has no OpenMP, kernels run on one thread")
    endif()
  endif()
  wick_find(ZLIB::ZLIB ZLIB)
  wick_find(nlohmann_json::nlohmann_json nlohmann_json CONFIG)
  wick_link(${core} "${wrap}" xsimd Threads::Threads ${openmp})
  # For nvcc's sake: OpenMP's target has flags for C++ alone.
  if(openmp AND TARGET ${openmp} AND OpenMP_CXX_FLAGS)
    set(flags "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${OpenMP_CXX_FLAGS}>")
    if(wrap)
      set(flags "$<${wrap}:${flags}>")
    endif()
    target_compile_options(${core} INTERFACE "${flags}")
  endif()
  wick_link(${io} "${wrap}" ZLIB::ZLIB nlohmann_json::nlohmann_json)
endfunction()
