# Builds the package, then runs its tests with the native program.
execute_process(COMMAND ${SOURCE}/scripts/build-wasm 1 RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "the package can't be built")  # scripts/build-wasm said why
endif()
set(ENV{BLINDPROOF} ${PROGRAM})
set(tests ${SOURCE}/sdk/typescript/test)
execute_process(COMMAND ${NODE} --test ${tests}/library.test.mjs ${tests}/client.test.mjs RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "tests of the package failed")
endif()
