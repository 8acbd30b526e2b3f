# Language level, warnings and sanitizers: one interface target that every module links.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(LIFEBOAT_WERROR "Treat warnings as errors (developers and CI)" OFF)
option(LIFEBOAT_TESTS "Build the tests and benchmarks" ON)
set(LIFEBOAT_SANITIZE "" CACHE STRING "Comma-separated sanitizers, for example address,undefined")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(lifeboat_warnings INTERFACE)
target_compile_options(lifeboat_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum)
# g++ 12 at -O2 warns of overlaps inside std::string that cannot be (GCC bug 105651).
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(lifeboat_warnings INTERFACE -Wno-restrict)
endif()
if(LIFEBOAT_WERROR)
  target_compile_options(lifeboat_warnings INTERFACE -Werror)
endif()

if(LIFEBOAT_SANITIZE)
  add_compile_options(-fsanitize=${LIFEBOAT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LIFEBOAT_SANITIZE})
endif()
