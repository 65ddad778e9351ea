#include "blindproof/arrays/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto array = blindproof::arrays::parse_npy({data, size}, "fuzz");
  if (!array.ok()) return 0;
  (void)blindproof::arrays::to_floats(*array);
  (void)blindproof::arrays::to_int64(*array);
  (void)blindproof::arrays::to_texts(*array);
  (void)blindproof::arrays::write_npy(*array);
  return 0;
}
