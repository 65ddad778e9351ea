// Constraints, witnesses, proving keys and powers of tau from anywhere.
#include <algorithm>

#include "blindproof/groth16/phase2.h"
#include "blindproof/groth16/r1cs.h"
#include "blindproof/groth16/witness.h"
#include "blindproof/groth16/zkey.h"
#include "expect.h"

using namespace blindproof;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan bytes(data, size);
  if (const auto r1cs = groth16::parse_r1cs(bytes, "fuzz"); r1cs.ok()) {
    // A few bytes may announce millions of wires.
    if (r1cs->wires < 4096) {
      const base::Bytes written = groth16::write_r1cs(*r1cs);
      FUZZ_EXPECT(groth16::write_r1cs(groth16::parse_r1cs(written, "fuzz").value()) == written);
    }
  }
  if (const auto witness = groth16::parse_witness(bytes, "fuzz"); witness.ok()) {
    FUZZ_EXPECT(groth16::parse_witness(groth16::write_witness(*witness), "fuzz").value() == *witness);
  }
  if (const auto key = groth16::Zkey::of(bytes, "fuzz"); key.ok()) {
    (void)key->read_coefficients(0, key->coefficients());
    (void)key->g2_points(groth16::kZkeyB2, 0, key->header().wires);
    (void)groth16::read_history(*key);
    if (const auto verification_key = key->verification_key(); verification_key.ok()) (void)groth16::check_key(*verification_key);
  }
  if (const auto ptau = groth16::Ptau::of(bytes, "fuzz"); ptau.ok() && ptau->ceremony_power() <= 4) {
    const bool quick = std::ranges::all_of(ptau->contributions(), [](const auto& c) { return !c.origin.beacon || c.origin.beacon->log_iterations <= 10; });
    if (quick) (void)groth16::verify_ptau(*ptau);
  }
  return 0;
}
