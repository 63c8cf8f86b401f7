# SPDX-License-Identifier: MIT
# `cmake --install`, and the package that find_package(wick) reads.
include(CMakePackageConfigHelpers)

set(wick_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wick)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/wick DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
install(TARGETS wick wick_io EXPORT wick_targets)
install(EXPORT wick_targets FILE wickTargets.cmake NAMESPACE wick:: DESTINATION ${wick_package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/wickConfig.cmake.in ${PROJECT_BINARY_DIR}/wickConfig.cmake
                              INSTALL_DESTINATION ${wick_package_dir})
# Before 1.0 a minor release may change the interface; headers do not depend on the architecture.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wickConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/wickConfig.cmake ${PROJECT_BINARY_DIR}/wickConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/dependencies.cmake
        DESTINATION ${wick_package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
