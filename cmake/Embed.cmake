# conductor_embed(TARGET FILE SYMBOL)
#
# Makes the text of FILE the constant `SYMBOL` of the namespace
# `conductor::embedded`, declared by the generated header <SYMBOL>.hpp that
# TARGET can include. CMake runs again when FILE changes.
function(conductor_embed target file symbol)
  file(READ "${PROJECT_SOURCE_DIR}/${file}" text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               "${PROJECT_SOURCE_DIR}/${file}")
  set(folder "${PROJECT_BINARY_DIR}/embedded")
  file(CONFIGURE OUTPUT "${folder}/${symbol}.hpp" CONTENT
"// Generated from ${file}; do not edit.
#pragma once

namespace conductor::embedded {
inline constexpr char ${symbol}[] = R\"embedded(${text})embedded\";
} // namespace conductor::embedded
" @ONLY)
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
