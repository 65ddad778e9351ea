# Installs compiler, chains and oracles into the build folder, unless the lock file's versions are there, compiles the contracts and runs a test.
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
file(COPY ${CMAKE_CURRENT_LIST_DIR}/package.json ${CMAKE_CURRENT_LIST_DIR}/package-lock.json DESTINATION ${WORK})
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries 3
    WORKING_DIRECTORY ${WORK}
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    # Not a failure of ours: CTest reports the test as skipped.
    message("npm could not install what the contracts' tests need, once, from the npm registry:\n${output}")
    return()
  endif()
  file(WRITE ${WORK}/installed ${wanted})
endif()
# Beside node_modules, where Node looks for packages.
file(REMOVE_RECURSE ${WORK}/src ${WORK}/test ${WORK}/build)
foreach(part build.mjs src test)
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/${part} DESTINATION ${WORK})
endforeach()
set(ENV{BLINDPROOF_PROGRAM} ${PROGRAM})
set(ENV{BLINDPROOF_CIRCUITS} ${CMAKE_CURRENT_LIST_DIR}/../circuits)
execute_process(COMMAND ${NODE} build.mjs WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${NODE} --test test/${TEST} WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
