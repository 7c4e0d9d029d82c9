# Finds the C++ Actor Framework where it comes without a CMake package (Debian,
# Ubuntu). Targets: CAF::core, CAF::io, CAF::openssl, CAF::test (headers only).
find_package(CAF ${CAF_FIND_VERSION} CONFIG QUIET)
if(CAF_FOUND)
  return()
endif()

find_path(CAF_INCLUDE_DIR caf/config.hpp)
mark_as_advanced(CAF_INCLUDE_DIR)
if(CAF_INCLUDE_DIR)
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" line
       REGEX "^#define CAF_VERSION [0-9]+")
  string(REGEX MATCH "[0-9]+" number "${line}")
  if(number)
    math(EXPR major "${number} / 10000")
    math(EXPR minor "${number} / 100 % 100")
    math(EXPR patch "${number} % 100")
    set(CAF_VERSION "${major}.${minor}.${patch}")
  endif()
endif()

foreach(part core io openssl)
  find_library(CAF_${part}_LIBRARY caf_${part})
  mark_as_advanced(CAF_${part}_LIBRARY)
  if(CAF_${part}_LIBRARY AND CAF_INCLUDE_DIR)
    set(CAF_${part}_FOUND TRUE)
  endif()
endforeach()
if(CAF_INCLUDE_DIR AND EXISTS "${CAF_INCLUDE_DIR}/caf/test/dsl.hpp")
  set(CAF_test_FOUND TRUE)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_core_LIBRARY CAF_INCLUDE_DIR
  VERSION_VAR CAF_VERSION HANDLE_COMPONENTS)

if(CAF_FOUND AND NOT TARGET CAF::core)
  find_package(Threads REQUIRED)
  function(caf_target part depends)
    if(CAF_${part}_FOUND)
      add_library(CAF::${part} UNKNOWN IMPORTED)
      set_target_properties(CAF::${part} PROPERTIES
        IMPORTED_LOCATION "${CAF_${part}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
        INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "${depends}")
    endif()
  endfunction()
  caf_target(core Threads::Threads)
  caf_target(io CAF::core)
  caf_target(openssl CAF::io)
  if(CAF_test_FOUND)
    add_library(CAF::test INTERFACE IMPORTED)
    target_link_libraries(CAF::test INTERFACE CAF::core)
  endif()
endif()
