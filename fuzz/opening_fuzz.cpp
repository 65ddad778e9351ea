#include <algorithm>

#include "blindproof/zkml/prove.h"
#include "expect.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto opening = blindproof::zkml::parse_opening({data, size});
  if (!opening.ok()) return 0;
  const auto bytes = blindproof::zkml::write_opening(*opening);
  FUZZ_EXPECT(std::equal(bytes.begin(), bytes.end(), data, data + size));
  return 0;
}
