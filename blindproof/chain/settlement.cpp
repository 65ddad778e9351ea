#include "blindproof/chain/settlement.h"

#include <algorithm>

#include "blindproof/chain/abi.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::chain {
namespace {

constexpr std::string_view kDomainType = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
constexpr std::string_view kSettlementType =
    "Settlement(bytes32 receiptHash,address recipient,uint128 amount,uint64 nonce,uint64 deadline)";
// r, big-endian.
constexpr Digest256 kFieldOrder = {0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d,
                                   0x28, 0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x01};

Digest256 keccak_of_words(std::initializer_list<Word> words) {
  base::Bytes bytes;
  for (const Word& word : words) bytes.insert(bytes.end(), word.begin(), word.end());
  return crypto::keccak256(bytes);
}

Digest256 keccak_of_text(std::string_view text) { return crypto::keccak256(base::as_bytes(text)); }

// Packed big-endian fields.
class Packer {
 public:
  Packer& text(std::string_view text) { return raw(base::as_bytes(text)); }
  Packer& raw(base::ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Packer& integer(Uint128 value, std::size_t size) {
    const Word word = word_of(value);
    return raw(base::ByteSpan(word).last(size));
  }
  Digest256 sha256() const { return crypto::sha256(bytes_); }

 private:
  base::Bytes bytes_;
};

}  // namespace

Digest256 eip712_domain(std::string_view name, std::string_view version, std::uint64_t chain_id, const Address& contract) {
  return keccak_of_words(
      {keccak_of_text(kDomainType), keccak_of_text(name), keccak_of_text(version), word_of(Uint128{chain_id}), word_of(contract)});
}

Digest256 eip712_digest(const Settlement& settlement) {
  const Digest256 domain = eip712_domain("ZKReceiptVerifier", "1", settlement.chain_id, settlement.contract);
  const Digest256 structure =
      keccak_of_words({keccak_of_text(kSettlementType), settlement.receipt_hash, word_of(settlement.recipient), word_of(settlement.amount),
                       word_of(Uint128{settlement.nonce}), word_of(Uint128{settlement.deadline})});
  base::Bytes message = {0x19, 0x01};
  message.insert(message.end(), domain.begin(), domain.end());
  message.insert(message.end(), structure.begin(), structure.end());
  return crypto::keccak256(message);
}

Digest256 statement_digest(const Settlement& settlement, const InferenceDigests& digests) {
  return Packer()
      .text("blindproof/rcpt1")
      .integer(settlement.chain_id, 8)
      .raw(settlement.contract.bytes)
      .raw(settlement.recipient.bytes)
      .integer(settlement.amount, 16)
      .integer(settlement.nonce, 8)
      .integer(settlement.deadline, 8)
      .raw(settlement.receipt_hash)
      .raw(digests.model)
      .raw(digests.input)
      .raw(digests.output)
      .sha256();
}

Digest256 registration_digest(std::uint64_t chain_id, const Address& contract, const Address& owner, const Digest256& model_hash,
                              const Digest256& architecture_hash) {
  return Packer()
      .text("blindproof/modl1")
      .integer(chain_id, 8)
      .raw(contract.bytes)
      .raw(owner.bytes)
      .raw(model_hash)
      .raw(architecture_hash)
      .sha256();
}

PublicStatement split(const Digest256& digest) {
  PublicStatement halves;
  for (std::size_t i = 0; i < 16; ++i) {
    halves.high = halves.high << 8 | digest[i];
    halves.low = halves.low << 8 | digest[16 + i];
  }
  return halves;
}

bool is_field_element(const Digest256& digest) noexcept { return digest < kFieldOrder; }

}  // namespace blindproof::chain
