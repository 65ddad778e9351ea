# Installs playwright-core and axe-core into the build folder, unless the lock file's versions are there, and walks through the page.
file(MAKE_DIRECTORY ${WORK})
file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/package-lock.json wanted)
set(installed "")
if(EXISTS ${WORK}/installed)
  file(READ ${WORK}/installed installed)
endif()
cmake_path(GET NODE PARENT_PATH node_folder)
set(ENV{PATH} "${node_folder}:$ENV{PATH}")  # npm is a script for whichever node comes first
set(ENV{NODE_USE_SYSTEM_CA} 1)  # trust what the system trusts, as apt and pip do
if(NOT installed STREQUAL wanted)
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/package.json ${CMAKE_CURRENT_LIST_DIR}/package-lock.json DESTINATION ${WORK})
  execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries 3
    WORKING_DIRECTORY ${WORK}
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    # Not a failure of ours: CTest reports the test as skipped.
    message("npm could not install playwright-core and axe-core, which are needed once, from the npm registry:\n${output}")
    return()
  endif()
  file(WRITE ${WORK}/installed ${wanted})
endif()
file(COPY ${CMAKE_CURRENT_LIST_DIR}/page_test.mjs DESTINATION ${WORK})  # beside node_modules, where Node looks for packages
execute_process(COMMAND ${NODE} page_test.mjs ${PROGRAM} ${REPOSITORY} ${PAGE} ${CHROMIUM} WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
