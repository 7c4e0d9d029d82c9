# Headers, libraries and a CMake package, so that another project can say
# find_package(OriginConductor) and link conductor::engine.
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY CONDUCTOR_ROOMS)
get_property(folders GLOBAL PROPERTY CONDUCTOR_HEADER_FOLDERS)
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/OriginConductor")

install(TARGETS ${rooms} EXPORT OriginConductorTargets)
foreach(folder IN LISTS folders)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          FILES_MATCHING PATTERN "*.hpp")
endforeach()
install(EXPORT OriginConductorTargets NAMESPACE conductor::
        DESTINATION ${package})
configure_package_config_file(cmake/OriginConductorConfig.cmake.in
  "${PROJECT_BINARY_DIR}/OriginConductorConfig.cmake"
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/OriginConductorConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/OriginConductorConfig.cmake"
  "${PROJECT_BINARY_DIR}/OriginConductorConfigVersion.cmake"
  cmake/FindCAF.cmake DESTINATION ${package})
