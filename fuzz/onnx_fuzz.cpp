#include "blindproof/onnx/import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A folder that doesn't exist: external data can't be read.
  (void)blindproof::onnx::import_onnx({data, size}, "/nonexistent", "fuzz");
  return 0;
}
