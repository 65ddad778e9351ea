#include "blindproof/arrays/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)blindproof::arrays::parse_npz({data, size}, "fuzz");
  return 0;
}
