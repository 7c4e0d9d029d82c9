# The parser of definitions alone, under libFuzzer.
file(GLOB fuzzed "${PROJECT_SOURCE_DIR}/messages/*.cpp")
foreach(name places yaml yaml_reader yaml_scalar yaml_text)
  list(APPEND fuzzed "${PROJECT_SOURCE_DIR}/apps/orcon/definition/${name}.cpp")
endforeach()
add_executable(fuzz-definition EXCLUDE_FROM_ALL ${fuzzed}
               torture/fuzz/try_definition.cpp torture/fuzz/fuzz_definition.cpp)
target_compile_features(fuzz-definition PRIVATE cxx_std_20)
target_include_directories(fuzz-definition PRIVATE
                           "${PROJECT_SOURCE_DIR}"
                           "${PROJECT_SOURCE_DIR}/messages")
target_compile_options(fuzz-definition PRIVATE
                       -fsanitize=fuzzer,address,undefined
                       -fno-sanitize-recover=all)
target_link_options(fuzz-definition PRIVATE
                    -fsanitize=fuzzer,address,undefined)
target_link_libraries(fuzz-definition PRIVATE nlohmann_json::nlohmann_json
                      tl::expected yaml-cpp fmt::fmt)
