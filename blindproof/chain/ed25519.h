// Ed25519 keys and signatures (RFC 8032; libsodium). Key files: docs/spec/receipts.md, section 3.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "blindproof/base/bytes.h"
#include "blindproof/crypto/secret.h"

namespace blindproof::chain {

using Ed25519Signature = std::array<std::uint8_t, 64>;

struct Ed25519PublicKey {
  std::string key_id;
  std::array<std::uint8_t, 32> point{};

  /// True for what the key's owner signed. False for S at or above the group order and for points of small order or in another
  /// encoding, in key or signature.
  bool verify(base::ByteSpan message, const Ed25519Signature& signature) const;
};

class Ed25519SecretKey {
 public:
  /// An empty `key_id` stands for the default one.   Errors: kInvalidArgument for an id that can't be one.
  static base::Result<Ed25519SecretKey> generate(std::string_view key_id = {});
  static base::Result<Ed25519SecretKey> from_seed(const crypto::SecretSeed& seed, std::string_view key_id = {});

  const Ed25519PublicKey& public_key() const noexcept { return public_key_; }
  /// Timing: independent of the key.
  Ed25519Signature sign(base::ByteSpan message) const;

  /// Never replaces a file.
  /// Errors: kIo; kInvalidArgument if there is one.
  base::Status write(const std::filesystem::path& path) const;
  /// Errors: those of read_secret_file; kMalformed.
  static base::Result<Ed25519SecretKey> read(const std::filesystem::path& path);

 private:
  Ed25519SecretKey() = default;
  crypto::Secret<std::array<std::uint8_t, 64>> key_;  // seed and point, as libsodium wants it
  Ed25519PublicKey public_key_;
};

/// Errors: kMalformed.
base::Result<Ed25519PublicKey> parse_public_key(base::ByteSpan bytes, std::string_view place);
std::string write_public_key(const Ed25519PublicKey& key);

/// 1 to 64 characters of A-Z a-z 0-9 . _ : -
bool is_key_id(std::string_view text) noexcept;

}  // namespace blindproof::chain
