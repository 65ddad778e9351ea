// X25519 keys of those who may open envelopes, as JSON Web Keys (RFC 7517, RFC 8037).
#pragma once

#include <filesystem>
#include <string>

#include "blindproof/base/file.h"
#include "blindproof/envelope/json.h"
#include "blindproof/envelope/primitives.h"

namespace blindproof::envelope {

struct RecipientKey {
  X25519Public x{};

  /// RFC 7638 thumbprint: who computes it from the key gets the same.
  std::string id() const;
  Json jwk() const;  // with its kid
  friend bool operator==(const RecipientKey&, const RecipientKey&) = default;
};

/// Errors: kMalformed; kUnsupported for keys of another type; kInvalidArgument for a private key, which nobody should hand out.
base::Result<RecipientKey> parse_recipient_key(const Json& jwk);

class RecipientSecretKey {
 public:
  static RecipientSecretKey generate();

  const Key256& secret() const { return secret_; }
  const RecipientKey& recipient() const { return recipient_; }

  /// Mode 0600; an existing file is never overwritten.   Errors: those of AtomicFile.
  base::Status write(const std::filesystem::path& path) const;
  /// Errors: kIo; kMalformed; kMismatch if the public half isn't the secret's.
  static base::Result<RecipientSecretKey> read(const std::filesystem::path& path);

 private:
  explicit RecipientSecretKey(Key256 secret);
  Key256 secret_;
  RecipientKey recipient_;
};

}  // namespace blindproof::envelope
