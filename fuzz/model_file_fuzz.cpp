#include <algorithm>

#include "blindproof/model/model_file.h"
#include "expect.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = blindproof::model::parse_model_file({data, size});
  if (!file.ok()) return 0;
  const auto bytes = blindproof::model::write_model_file(*file);
  FUZZ_EXPECT(std::equal(bytes.begin(), bytes.end(), data, data + size));
  return 0;
}
