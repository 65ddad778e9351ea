// secp256k1 keys and the signatures that Ethereum checks (libsecp256k1).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "blindproof/base/bytes.h"
#include "blindproof/chain/address.h"
#include "blindproof/crypto/keccak.h"
#include "blindproof/crypto/secret.h"

namespace blindproof::chain {

using crypto::Digest256;

struct EthereumSignature {
  std::array<std::uint8_t, 32> r{}, s{};
  std::uint8_t y_parity = 0;  // 0 or 1

  /// r, s, v = 27 + y_parity: 65 bytes, as contracts take it.
  base::Bytes packed() const;
  /// Errors: kMalformed unless it has 65 bytes and v is 27 or 28.
  static base::Result<EthereumSignature> parse(base::ByteSpan packed, std::string_view place);
  bool operator==(const EthereumSignature&) const = default;
};

class EthereumKey {
 public:
  static EthereumKey generate();
  /// Errors: kInvalidArgument for 0 and for the group order and more.
  static base::Result<EthereumKey> from_bytes(const crypto::Secret<std::array<std::uint8_t, 32>>& bytes);

  /// One line of 64 hexadecimal digits, with or without 0x, as other tools write it.
  /// Errors: those of read_secret_file; kMalformed.
  static base::Result<EthereumKey> read(const std::filesystem::path& path);
  /// The same from an environment variable.   Errors: kInvalidArgument if it isn't set; kMalformed.
  static base::Result<EthereumKey> from_environment(const char* variable);
  /// Never replaces a file.   Errors: kIo; kInvalidArgument if there is one.
  base::Status write(const std::filesystem::path& path) const;

  const Address& address() const noexcept { return address_; }
  /// Deterministic (RFC 6979), with s at most half the group order.   Timing: independent of the key.
  EthereumSignature sign(const Digest256& digest) const;

 private:
  EthereumKey() = default;
  static base::Result<EthereumKey> parse(base::ByteSpan text, std::string_view place);
  crypto::Secret<std::array<std::uint8_t, 32>> key_;
  Address address_;
};

/// Whose signature it is.
/// Errors: kRejected for s above half the group order and for values that no key has.
base::Result<Address> recover_signer(const Digest256& digest, const EthereumSignature& signature);

}  // namespace blindproof::chain
