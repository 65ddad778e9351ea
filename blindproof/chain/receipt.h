// Receipts in the platform's format: create, parse, canonicalise, hash, sign, verify. docs/spec/receipts.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "blindproof/base/bytes.h"
#include "blindproof/chain/ed25519.h"
#include "blindproof/chain/json.h"
#include "blindproof/crypto/sha256.h"

namespace blindproof::chain {

using crypto::Digest256;

inline constexpr std::size_t kMaxReceiptBytes = 1u << 20;
inline constexpr std::size_t kMaxCanonicalBytes = 1u << 18;
inline constexpr std::size_t kMaxAttestations = 16;

struct ReceiptSignature {
  std::string key_id;
  Ed25519Signature bytes;
};

/// A receipt whose fields have the form that the specification asks for; that says nothing about its hash and signature.
class Receipt {
 public:
  /// Errors: kLimit, kMalformed; `place` of the error names the field.
  static base::Result<Receipt> parse(base::ByteSpan bytes, std::string_view place);
  /// Errors: the same.
  static base::Result<Receipt> from_json(JsonValue json, std::string_view place);

  /// All fields, those of section 2.1 too.
  const JsonValue& json() const noexcept { return json_; }
  /// Indented, with a line feed at the end.
  std::string write() const;

  std::string canonical() const;
  /// SHA-256 of the canonical form: of what stands here, not what `receipt_hash` says.
  Digest256 hash() const;
  std::optional<ReceiptSignature> signature() const;
  /// As decimal text without point; nothing if units are no integer.
  std::optional<std::uint64_t> integer_units() const;
  std::optional<std::uint64_t> chain_id() const;

  /// Sets `receipt_hash` and `signature`, replacing an earlier signature. Attestations stay: they hold the hash themselves.
  void sign(const Ed25519SecretKey& key);
  /// Errors: kLimit for more than kMaxAttestations.
  base::Status attach(JsonValue attestation);

  /// The checks `receipt.signed`, `receipt.hash`, `receipt.key_id` and `receipt.signature`, in this order.
  /// Errors: kRejected, with the check's name as place.
  base::Status verify(const Ed25519PublicKey& key) const;

 private:
  explicit Receipt(JsonValue json) : json_(std::move(json)) {}
  JsonValue json_;
};

}  // namespace blindproof::chain
