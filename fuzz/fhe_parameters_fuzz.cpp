// Parameters from anywhere: refused, or those of a context that writes the same bytes.
#include <algorithm>

#include "blindproof/fhe/formats/header.h"
#include "expect.h"

using namespace blindproof;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 && data[1] > 13 && data[1] < 18) return 0;  // larger rings cost what they cost everybody: time in proportion
  fhe::formats::Contexts contexts;
  const auto context = contexts.find({data, size});
  if (context.ok()) FUZZ_EXPECT(std::ranges::equal(fhe::formats::write_parameters(*context), std::span(data, size)));
  return 0;
}
