# Installs the packages into the build folder, unless the lock file's versions are there, and runs the test. Without npm, or
# when it can't install, the test runs without them and says which claims it left out.
file(MAKE_DIRECTORY ${WORK})
file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/package-lock.json wanted)
set(installed "")
if(EXISTS ${WORK}/installed)
  file(READ ${WORK}/installed installed)
endif()
set(oracle "")
if(NODE AND NPM)
  cmake_path(GET NODE PARENT_PATH node_folder)
  set(ENV{PATH} "${node_folder}:$ENV{PATH}")  # npm is a script for whichever node comes first
  set(ENV{NODE_USE_SYSTEM_CA} 1)  # trust what the system trusts, as apt and pip do
  if(NOT installed STREQUAL wanted)
    file(COPY ${CMAKE_CURRENT_LIST_DIR}/package.json ${CMAKE_CURRENT_LIST_DIR}/package-lock.json DESTINATION ${WORK})
    execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries 3
      WORKING_DIRECTORY ${WORK}
      RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(failed)
      message("npm could not install ethers, anvil and solc:\n${output}")
    else()
      file(WRITE ${WORK}/installed ${wanted})
      set(installed ${wanted})
    endif()
  endif()
  if(installed STREQUAL wanted)
    file(COPY ${CMAKE_CURRENT_LIST_DIR}/oracle.mjs DESTINATION ${WORK})  # beside node_modules, where Node looks for packages
    set(oracle --node ${NODE} --oracle ${WORK})
  endif()
endif()
execute_process(COMMAND ${PYTHON} ${TEST} --blindproof ${PROGRAM} ${oracle} COMMAND_ERROR_IS_FATAL ANY)
