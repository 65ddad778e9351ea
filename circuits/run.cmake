# Installs compiler and oracles into the build folder, unless the lock file's versions are there, and runs the tests that are named.
file(MAKE_DIRECTORY ${WORK})
file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/package-lock.json wanted)
cmake_path(GET NODE PARENT_PATH node_folder)
set(ENV{PATH} "${node_folder}:$ENV{PATH}")  # npm is a script for whichever node comes first
set(ENV{NODE_USE_SYSTEM_CA} 1)  # trust what the system trusts, as apt and pip do
file(LOCK ${WORK}/lock TIMEOUT 1200)  # tests that run at once share the folder
set(installed "")
if(EXISTS ${WORK}/installed)
  file(READ ${WORK}/installed installed)
endif()
if(NOT installed STREQUAL wanted)
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/package.json ${CMAKE_CURRENT_LIST_DIR}/package-lock.json DESTINATION ${WORK})
  execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries 3
    WORKING_DIRECTORY ${WORK}
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    # Not a failure of ours: CTest reports the test as skipped.
    message("npm could not install circom2, circomlib and snarkjs, which are needed once, from the npm registry:\n${output}")
    return()
  endif()
  file(WRITE ${WORK}/installed ${wanted})
endif()
set(ENV{BLINDPROOF_CIRCUITS_BUILD} ${WORK})
set(ENV{BLINDPROOF_PROGRAM} ${PROGRAM})
string(REPLACE "," ";" tests "${TESTS}")
list(TRANSFORM tests PREPEND ${CMAKE_CURRENT_LIST_DIR}/test/)
execute_process(COMMAND ${NODE} --test --test-concurrency=1 ${tests} COMMAND_ERROR_IS_FATAL ANY)
