# Language level, warnings and sanitizers: one interface target that every module links.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(LIFEBOAT_WERROR "Treat warnings as errors (developers and CI)" OFF)
option(LIFEBOAT_TESTS "Build the tests and benchmarks" ON)
option(LIFEBOAT_UNITY "Compile several sources of a module at a time: faster whole, slower after a change" OFF)
set(LIFEBOAT_SANITIZE "" CACHE STRING "Comma-separated sanitizers, for example address,undefined")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Clones and worktrees share what they compile; a precompiled header is no reason not to.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()

add_library(lifeboat_warnings INTERFACE)
target_compile_options(lifeboat_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum)
# g++ 12 at -O2 warns of overlaps inside std::string that cannot be (GCC bug 105651).
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(lifeboat_warnings INTERFACE -Wno-restrict)
endif()
# Warnings that are about one source and its header, and so mean nothing where several sources are one.
if(LIFEBOAT_UNITY)
  target_compile_options(lifeboat_warnings INTERFACE -Wno-shadow -Wno-subobject-linkage)
endif()
if(LIFEBOAT_WERROR)
  target_compile_options(lifeboat_warnings INTERFACE -Werror)
endif()

# What the sources of tests are compiled with beside that. Undefined behaviour is looked for in the sources that they
# test; an inline function of theirs may be the test's copy (docs/adr/0011-ci-compiles-less.md).
add_library(lifeboat_test_options INTERFACE)
# The same bug, met where std::string comes out of the precompiled header.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(lifeboat_test_options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(LIFEBOAT_SANITIZE)
  add_compile_options(-fsanitize=${LIFEBOAT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LIFEBOAT_SANITIZE})
  target_compile_options(lifeboat_test_options INTERFACE -fno-sanitize=undefined)
endif()
