#include "blindproof/chain/attestation.h"
#include "blindproof/chain/contract_calls.h"
#include "blindproof/chain/json_rpc.h"
#include "blindproof/chain/receipt.h"
#include "expect.h"

using namespace blindproof;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan bytes(data, size);
  (void)chain::parse_public_json(bytes, "fuzz");
  (void)chain::parse_proof_json(bytes, "fuzz");
  (void)chain::parse_public_values(bytes, "fuzz");
  (void)chain::parse_rpc_reply(bytes, 1, "fuzz");
  (void)chain::parse_artifact(bytes, "fuzz");
  if (const auto settlement = chain::parse_settlement(bytes, "fuzz"); settlement.ok()) {
    const std::string text = chain::write_json(chain::settlement_json(*settlement));
    FUZZ_EXPECT(chain::write_json(chain::settlement_json(chain::parse_settlement(base::as_bytes(text), "fuzz").value())) == text);
  }
  const auto json = chain::parse_json(bytes, "fuzz");
  if (!json.ok()) return 0;
  const std::string canonical = chain::write_canonical_json(*json);
  FUZZ_EXPECT(chain::is_utf8(canonical));
  FUZZ_EXPECT(chain::write_canonical_json(chain::parse_json(base::as_bytes(canonical), "fuzz").value()) == canonical);

  const auto receipt = chain::Receipt::parse(bytes, "fuzz");
  if (!receipt.ok()) return 0;
  const auto again = chain::Receipt::parse(base::as_bytes(receipt->write()), "fuzz");
  FUZZ_EXPECT(again.ok() && again->canonical() == receipt->canonical());
  if (const auto attestations = chain::attestations_of(*receipt); attestations.ok()) {
    for (const chain::Attestation& attestation : *attestations) (void)chain::check_attestation(attestation, *receipt);
  }
  // Nobody signs with this key.
  static const chain::Ed25519PublicKey key = chain::Ed25519SecretKey::generate("k").value().public_key();
  FUZZ_EXPECT(!receipt->verify(key).ok());
  return 0;
}
