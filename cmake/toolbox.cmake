# Flags, sanitizers and the few functions that the lists of targets use.

set(ROUSE_SANITIZE "" CACHE STRING "address, thread, or empty")
option(ROUSE_UNITY "Compile the files of a folder together: faster from nothing, slower by the file" OFF)
option(ROUSE_FUZZ "Build the libFuzzer targets (clang only)" OFF)

find_program(ROUSE_CCACHE ccache)
if(ROUSE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Every checkout shares the cache, whatever its user's language: what lies below this one is known by
  # its relative path.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=locale ${ROUSE_CCACHE})
endif()
find_program(ROUSE_LLD NAMES ld.lld ld.lld-14)
if(ROUSE_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# Every translation unit must agree on these, or the one-definition rule is broken silently.
add_compile_definitions(
  BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE)

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wmissing-declarations -Wconversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fcoroutines -Wduplicated-cond -Wsuggest-override)
  # Boost's error_category has a destructor that g++ would like to be virtual.
  add_compile_options(-Wno-non-virtual-dtor)
  # GCC 12 sees uninitialised members inside coroutine frames and std::variant that are not there.
  add_compile_options(-Wno-maybe-uninitialized -Wno-missing-field-initializers)
else()
  add_compile_options(-Wno-missing-field-initializers)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-O2 -fstack-protector-strong)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()

if(ROUSE_SANITIZE STREQUAL "address")
  # function: clang 14 cannot emit it for coroutines (llvm issue 49689). vptr: it looks at memory
  # through a pipe, and calls every object broken where a test has run out of descriptors.
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND sanitize -fno-sanitize=function,vptr)
  endif()
  add_compile_options(${sanitize})
  add_link_options(${sanitize})
elseif(ROUSE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

if(ROUSE_FUZZ)
  # The code under test needs the coverage, not only the file with the entry point.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# With ROUSE_UNITY, the files of one layer are compiled together, some at a time: most of a file's
# time is spent on the headers of Asio and the standard library. So the names of a layer's anonymous
# namespaces are unique within it (tests/tidy_test.py), whatever stands together at the moment. Alone
# stand those whose headers or names bear no neighbours: the kernel's struct tcp_info, which the C
# library has in another form, tables whose words are those of an enumeration, and what has definitions
# of its own.
set(rouse_unity_size 12)
set(rouse_unity_alone "/(tcp_delivery|socket_diag|schema|metrics_catalogue|version)\\.cpp$")
# Sets out to what is compiled instead of the files of folder, which follow. CMake's own unity build
# would name them by their whole paths, by which no two checkouts could share a compiler cache.
function(rouse_unite out folder)
  set(alone ${ARGN})
  list(FILTER alone INCLUDE REGEX ${rouse_unity_alone})
  set(together ${ARGN})
  list(FILTER together EXCLUDE REGEX ${rouse_unity_alone})
  set(united)
  list(LENGTH together count)
  if(count GREATER 0)
    # Of equal size, so that no core waits for a last large one.
    math(EXPR groups "(${count} + ${rouse_unity_size} - 1) / ${rouse_unity_size}")
    math(EXPR size "(${count} + ${groups} - 1) / ${groups}")
    math(EXPR last "${groups} - 1")
    string(REPLACE / _ name ${folder})
    foreach(number RANGE ${last})
      math(EXPR first "${number} * ${size}")
      list(SUBLIST together ${first} ${size} group)
      set(text "")
      foreach(source IN LISTS group)
        file(RELATIVE_PATH source ${PROJECT_SOURCE_DIR} ${source})
        string(APPEND text "#include \"${source}\"\n")
      endforeach()
      set(file ${PROJECT_BINARY_DIR}/unity/${name}_${number}.cpp)
      file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)  # written only when it changes
      list(APPEND united ${file})
    endforeach()
  endif()
  set(${out} ${united} ${alone} PARENT_SCOPE)
endfunction()

# A layer: every .cpp below the folder except main.cpp. Globbed, so that a file cannot exist without
# being built.
function(rouse_library name)
  cmake_parse_arguments(arg "" "FOLDER" "LINK" ${ARGN})
  if(NOT arg_FOLDER OR arg_UNPARSED_ARGUMENTS)  # else the whole tree would be its folder
    message(FATAL_ERROR "rouse_library(${name}): ${ARGN}")
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${arg_FOLDER}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/(main|boost_impl)\\.cpp$")
  if(ROUSE_UNITY)
    rouse_unite(sources ${arg_FOLDER} ${sources})
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} PUBLIC ${arg_LINK})
endfunction()

# One test program per folder; every *_test.cpp below it is part of it, and every case is a ctest.
function(rouse_tests name folder)
  cmake_parse_arguments(arg "" "TIMEOUT" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${arg_LINK} rouse_test_tree GTest::gmock_main)
  gtest_discover_tests(${name} TEST_PREFIX "${folder}: " DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()

# tests/fuzz/NAME_fuzz.cpp: a libFuzzer program under ROUSE_FUZZ; always a ctest over its corpus.
function(rouse_fuzz name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  set(program ${name}_fuzz)
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  if(ROUSE_FUZZ)
    add_executable(${program} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp)
    target_compile_options(${program} PRIVATE -fsanitize=fuzzer)
    target_link_options(${program} PRIVATE -fsanitize=fuzzer)
    add_test(NAME "fuzz corpus: ${name}" COMMAND ${program} -runs=0 ${corpus})
  else()
    add_executable(${program} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp
      ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_main.cpp)
    add_test(NAME "fuzz corpus: ${name}" COMMAND ${program} ${corpus})
  endif()
  target_link_libraries(${program} PRIVATE ${arg_LINK})
endfunction()
