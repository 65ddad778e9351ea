# find_package(blindproof) for others: targets blindproof::<module>, and the list blindproof_MODULES of them.
include(CMakePackageConfigHelpers)

get_property(BLINDPROOF_PACKAGES GLOBAL PROPERTY BLINDPROOF_PACKAGES)
list(REMOVE_DUPLICATES BLINDPROOF_PACKAGES)
list(REMOVE_ITEM BLINDPROOF_PACKAGES "")
get_property(modules GLOBAL PROPERTY BLINDPROOF_MODULES)
list(TRANSFORM modules REPLACE "^blindproof_" "blindproof::" OUTPUT_VARIABLE BLINDPROOF_EXPORTED_MODULES)

set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/blindproof)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/blindproofConfig.cmake.in
  ${PROJECT_BINARY_DIR}/blindproofConfig.cmake INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/blindproofConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/blindproofConfig.cmake ${PROJECT_BINARY_DIR}/blindproofConfigVersion.cmake
  DESTINATION ${config_folder})
install(EXPORT blindproofTargets NAMESPACE blindproof:: DESTINATION ${config_folder})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
