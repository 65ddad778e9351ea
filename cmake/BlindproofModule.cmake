# One folder under blindproof/ = one library = one namespace = one target blindproof::<name>.
#
#   blindproof_module(commit RANK 3
#     SOURCES transcript.cpp pedersen.cpp      # explicit lists, no globs
#     SERVER_SOURCES prove.cpp                 # left out of WebAssembly: clients and verifiers don't need them
#     ADX_SOURCES x_adx.cpp                    # compiled with mulx/adx enabled
#     AVX2_SOURCES x_avx2.cpp                  # compiled with AVX2 and FMA enabled
#     IFMA_SOURCES x_ifma.cpp                  # compiled with AVX-512 IFMA enabled
#     SHANI_SOURCES x_shani.cpp                # compiled with the SHA extension enabled
#     DEPENDS base crypto curve                # other modules; ranks are checked here
#     LIBRARIES ZLIB::ZLIB                     # third-party; see blindproof_package_of
#     TESTS transcript_test.cpp pedersen_test.cpp
#     TEST_DEPENDS testing                     # extra modules that only the tests use
#     BENCHES pedersen_bench.cpp)
#
# A module may depend only on modules of a lower rank; inside a group that shares a
# rank (GROUP name), on those declared before it. RANK may be left out of nothing.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")  # elsewhere those sources compile to nothing
  set(BLINDPROOF_IFMA_FLAGS -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512ifma -mbmi2 -madx -mfma)
  set(BLINDPROOF_ADX_FLAGS -mbmi2 -madx)
  set(BLINDPROOF_AVX2_FLAGS -mavx2 -mfma -mbmi2)
  set(BLINDPROOF_SHANI_FLAGS -msse4.1 -msha)
endif()

add_library(blindproof_build_flags INTERFACE)
# Floating-point contraction would make quantisation depend on the CPU's FMA unit.
target_compile_options(blindproof_build_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -ffp-contract=off
  # False alarms of gcc 12: in std::string (GCC bug 105651), in moves of std::variant.
  "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>"
  $<$<BOOL:${BLINDPROOF_WARNINGS_AS_ERRORS}>:-Werror>)
if(BLINDPROOF_SANITIZE)
  target_compile_options(blindproof_build_flags INTERFACE
    -fsanitize=${BLINDPROOF_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(blindproof_build_flags INTERFACE -fsanitize=${BLINDPROOF_SANITIZE})
endif()
if(BLINDPROOF_BUILD_FUZZERS)
  target_compile_options(blindproof_build_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The name to give to find_package for a library target: ZLIB::ZLIB comes with ZLIB. Those named otherwise are listed.
# Empty for a plain library such as m.
function(blindproof_package_of library result)
  if(library MATCHES "^protobuf::")
    set(package Protobuf)
  elseif(library MATCHES "^onnx")
    set(package ONNX)
  elseif(library MATCHES "^SQLite::")
    set(package SQLite3)
  elseif(library MATCHES "^(.+)::")
    set(package ${CMAKE_MATCH_1})
  else()
    set(package "")
  endif()
  set(${result} "${package}" PARENT_SCOPE)
endfunction()

function(blindproof_module name)
  cmake_parse_arguments(M "TEST_ONLY" "RANK;GROUP"
    "SOURCES;SERVER_SOURCES;ADX_SOURCES;AVX2_SOURCES;IFMA_SOURCES;SHANI_SOURCES;DEPENDS;LIBRARIES;TESTS;SLOW_TESTS;TEST_DEPENDS;TEST_LIBRARIES;BENCHES"
    ${ARGN})
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "blindproof_module(${name}): unknown arguments ${M_UNPARSED_ARGUMENTS}")
  endif()
  if(M_TEST_ONLY AND NOT BLINDPROOF_BUILD_TESTS)
    return()
  endif()
  set(target blindproof_${name})
  if(BLINDPROOF_WASM)
    set(M_SERVER_SOURCES)
  endif()
  set(simd ${M_ADX_SOURCES} ${M_AVX2_SOURCES} ${M_IFMA_SOURCES} ${M_SHANI_SOURCES})
  if(M_SOURCES OR simd)
    add_library(${target} STATIC ${M_SOURCES} ${M_SERVER_SOURCES} ${simd})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:blindproof_build_flags>)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(blindproof::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name}
    BLINDPROOF_RANK "${M_RANK}" BLINDPROOF_GROUP "${M_GROUP}")
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include>)
  target_compile_features(${target} ${scope} cxx_std_20)
  set_source_files_properties(${M_ADX_SOURCES} PROPERTIES COMPILE_OPTIONS "${BLINDPROOF_ADX_FLAGS}")
  set_source_files_properties(${M_AVX2_SOURCES} PROPERTIES COMPILE_OPTIONS "${BLINDPROOF_AVX2_FLAGS}")
  set_source_files_properties(${M_IFMA_SOURCES} PROPERTIES COMPILE_OPTIONS "${BLINDPROOF_IFMA_FLAGS}")
  set_source_files_properties(${M_SHANI_SOURCES} PROPERTIES COMPILE_OPTIONS "${BLINDPROOF_SHANI_FLAGS}")

  foreach(dependency ${M_DEPENDS})
    if(NOT TARGET blindproof_${dependency})
      message(FATAL_ERROR "module ${name} depends on ${dependency}, which is not declared before it")
    endif()
    get_target_property(rank blindproof_${dependency} BLINDPROOF_RANK)
    get_target_property(group blindproof_${dependency} BLINDPROOF_GROUP)
    if(NOT M_TEST_ONLY AND rank STREQUAL "test")
      message(FATAL_ERROR "module ${name} depends on the test-only module ${dependency}")
    endif()
    if(NOT M_TEST_ONLY AND NOT rank LESS M_RANK AND NOT (rank EQUAL M_RANK AND M_GROUP AND group STREQUAL M_GROUP))
      message(FATAL_ERROR "module ${name} (rank ${M_RANK}) may not depend on ${dependency} (rank ${rank})")
    endif()
    target_link_libraries(${target} ${scope} blindproof_${dependency})
  endforeach()
  target_link_libraries(${target} ${scope} ${M_LIBRARIES})
  if(NOT M_TEST_ONLY)
    set_property(GLOBAL APPEND PROPERTY BLINDPROOF_MODULES ${target})
    foreach(library ${M_LIBRARIES})
      blindproof_package_of(${library} package)
      set_property(GLOBAL APPEND PROPERTY BLINDPROOF_PACKAGES ${package})
    endforeach()
    install(TARGETS ${target} EXPORT blindproofTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder}
      FILES_MATCHING PATTERN "*.h" PATTERN "*_test*.h" EXCLUDE PATTERN "corpus" EXCLUDE)
  endif()

  if(BLINDPROOF_BUILD_TESTS AND M_TESTS)
    blindproof_test(${name}_test LABEL unit SOURCES ${M_TESTS}
      DEPENDS ${name} ${M_TEST_DEPENDS} LIBRARIES ${M_TEST_LIBRARIES})
    if(simd)  # the same claims again for the portable kernels
      add_test(NAME ${name}_test_scalar COMMAND ${name}_test)
      set_tests_properties(${name}_test_scalar PROPERTIES LABELS unit TIMEOUT 600 ENVIRONMENT BLINDPROOF_SIMD=scalar)
    endif()
  endif()
  if(BLINDPROOF_BUILD_TESTS AND M_SLOW_TESTS)
    blindproof_test(${name}_slow_test LABEL slow SOURCES ${M_SLOW_TESTS}
      DEPENDS ${name} ${M_TEST_DEPENDS} LIBRARIES ${M_TEST_LIBRARIES})
  endif()
  if(BLINDPROOF_BUILD_BENCHES AND M_BENCHES)
    add_executable(${name}_bench ${M_BENCHES})
    target_link_libraries(${name}_bench PRIVATE blindproof_${name} blindproof_build_flags
      benchmark::benchmark benchmark::benchmark_main)
  endif()
endfunction()

# blindproof_test(name LABEL unit SOURCES a_test.cpp DEPENDS commit testing): a GoogleTest program.
# Test modules are found in second passes, after every module is declared, so a test may use any module.
function(blindproof_test name)
  cmake_parse_arguments(T "" "LABEL;TIMEOUT" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 600)
  endif()
  add_executable(${name} ${T_SOURCES})
  foreach(dependency ${T_DEPENDS})
    target_link_libraries(${name} PRIVATE blindproof_${dependency})
  endforeach()
  target_link_libraries(${name} PRIVATE blindproof_build_flags ${T_LIBRARIES} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE BLINDPROOF_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # One CTest entry per program: process start-up and shared tables would dominate per-case entries.
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${T_LABEL}" TIMEOUT ${T_TIMEOUT})
endfunction()

# blindproof_fuzz_target(proof_fuzz SOURCES proof_fuzz.cpp DEPENDS zkml): a program around LLVMFuzzerTestOneInput. Under
# the preset fuzz it is a libFuzzer program; otherwise an ordinary test that replays the files of the folder
# corpus/<name> beside it.
function(blindproof_fuzz_target name)
  cmake_parse_arguments(F "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  if(NOT BLINDPROOF_BUILD_FUZZERS AND NOT BLINDPROOF_BUILD_TESTS)
    return()
  endif()
  add_executable(${name} ${F_SOURCES})
  foreach(dependency ${F_DEPENDS})
    target_link_libraries(${name} PRIVATE blindproof_${dependency})
  endforeach()
  target_link_libraries(${name} PRIVATE blindproof_build_flags ${F_LIBRARIES})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  if(BLINDPROOF_BUILD_FUZZERS)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(arguments -runs=0 ${corpus})
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/fuzz_replay_main.cpp)
    set(arguments ${corpus})
  endif()
  add_test(NAME ${name}_corpus COMMAND ${name} ${arguments})
  set_tests_properties(${name}_corpus PROPERTIES LABELS unit TIMEOUT 600)
endfunction()
