# conductor_room(NAME [DIRECTORY dir] [EXCLUDE dir...] [LINK lib...]
#                [PRIVATE_LINK lib...])
#
# A library `conductor::NAME` of all sources in its folder and the folders
# below it, except those under EXCLUDE. Public headers are in
# <folder>/conductor and are included as <conductor/...>; private ones are
# included by their path from the top of the project.
function(conductor_room name)
  cmake_parse_arguments(ROOM "" "DIRECTORY" "EXCLUDE;LINK;PRIVATE_LINK"
                        ${ARGN})
  if(NOT ROOM_DIRECTORY)
    set(ROOM_DIRECTORY ${name})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       "${PROJECT_SOURCE_DIR}/${ROOM_DIRECTORY}/*.cpp")
  foreach(folder IN LISTS ROOM_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "^${PROJECT_SOURCE_DIR}/${folder}/")
  endforeach()
  set(target conductor_${name})
  add_library(${target} STATIC ${sources})
  add_library(conductor::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/${ROOM_DIRECTORY}>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC ${ROOM_LINK}
                        PRIVATE ${ROOM_PRIVATE_LINK})
  conductor_own_code(${target})
  if(CAF::core IN_LIST ROOM_LINK)
    # Half of what a small actor costs to compile is CAF's headers.
    target_precompile_headers(${target} PRIVATE <caf/all.hpp>
                              <nlohmann/json.hpp>)
  endif()
  set_property(GLOBAL APPEND PROPERTY CONDUCTOR_ROOMS ${target})
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${ROOM_DIRECTORY}/conductor")
    set_property(GLOBAL APPEND PROPERTY CONDUCTOR_HEADER_FOLDERS
                 ${ROOM_DIRECTORY}/conductor)
  endif()
endfunction()

# Our own code: C++20, all warnings, and warnings are errors.
option(CONDUCTOR_WERROR "Treat warnings in our own code as errors"
       ${PROJECT_IS_TOP_LEVEL})
function(conductor_own_code target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF
                        POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
    -Wno-missing-field-initializers
    # gcc 12 sees overlaps in std::string that are not there (its bug 105651);
    # clang does not know the warning.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    $<$<BOOL:${CONDUCTOR_WERROR}>:-Werror>)
  # A message type that is not registered with CAF is then a compile error.
  target_compile_definitions(${target} PRIVATE CAF_ENABLE_TYPE_ID_CHECKS)
endfunction()
