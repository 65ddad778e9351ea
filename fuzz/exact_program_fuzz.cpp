// Programs and clients' specs of exact networks, whose checksums are made to fit.
#include <algorithm>

#include "blindproof/fhe/formats/header.h"
#include "blindproof/fheml/exact_executor.h"
#include "expect.h"

using namespace blindproof;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteWriter writer;
  writer.raw({data, size});
  const base::Bytes sealed = fhe::formats::with_checksum(std::move(writer));
  if (const auto program = fheml::parse_exact_program(sealed); program.ok()) {
    FUZZ_EXPECT(fheml::write_exact_program(*program) == sealed);
    FUZZ_EXPECT(fheml::skeletons_of(*program).size() == program->steps.size());
    const std::vector<std::int64_t> input(program->client.input.positions.size(), program->client.input_max);
    (void)fheml::run_plain(*program, input).ok();
  }
  if (const auto spec = fheml::parse_exact_client_spec(sealed); spec.ok()) FUZZ_EXPECT(fheml::write_exact_client_spec(*spec) == sealed);
  return 0;
}
