# Toolchain of the WebAssembly build: Debian's clang, wasi-libc and libc++, one thread, no exceptions. scripts/build-wasm uses it.
set(CMAKE_SYSTEM_NAME Generic)
set(BLINDPROOF_WASM ON)
set(CMAKE_SYSTEM_PROCESSOR wasm32)

set(BLINDPROOF_CLANG_VERSION 16 CACHE STRING "Version of clang, lld and the wasm32 packages of libc++ and compiler-rt")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BLINDPROOF_CLANG_VERSION)
set(llvm /usr/lib/llvm-${BLINDPROOF_CLANG_VERSION})
set(CMAKE_C_COMPILER ${llvm}/bin/clang)
set(CMAKE_CXX_COMPILER ${llvm}/bin/clang++)
set(CMAKE_AR ${llvm}/bin/llvm-ar)
set(CMAKE_RANLIB ${llvm}/bin/llvm-ranlib)
set(CMAKE_NM ${llvm}/bin/llvm-nm)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)

# cmake/wasm/include completes the standard library: mutexes for one thread, and paths, which nothing opens.
set(CMAKE_CXX_FLAGS_INIT "-isystem ${CMAKE_CURRENT_LIST_DIR}/wasm/include -isystem ${llvm}/include/wasm32-wasi/c++/v1 -fno-exceptions -fvisibility=hidden -mbulk-memory -mnontrapping-fptoint -msign-ext")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG" CACHE STRING "As small as fast allows")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
