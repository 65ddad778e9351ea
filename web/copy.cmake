# FROM, PACKAGE, TO: folders.
file(COPY ${FROM}/ DESTINATION ${TO} FILES_MATCHING PATTERN "*.html" PATTERN "*.css" PATTERN "*.js" PATTERN "*.svg")
if(EXISTS ${PACKAGE}/blindproof.wasm)
  file(COPY ${PACKAGE}/ DESTINATION ${TO}/blindproof FILES_MATCHING PATTERN "*.js" PATTERN "*.wasm")
  file(ARCHIVE_CREATE OUTPUT ${TO}/blindproof/blindproof.wasm.gz PATHS ${PACKAGE}/blindproof.wasm FORMAT raw COMPRESSION GZip)
endif()
