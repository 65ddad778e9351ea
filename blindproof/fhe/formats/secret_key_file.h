// .bpsk: the secret key, in the open (the file's mode is all that protects it) or under a passphrase.
#pragma once

#include <functional>

#include "blindproof/fhe/formats/header.h"
#include "blindproof/fhe/rlwe/keys.h"
#include "blindproof/secretbox/secretbox.h"

namespace blindproof::fhe::formats {

struct SecretKeyFile {
  Header header;
  rlwe::SecretKey key;
};

/// Without a passphrase the bytes are the secret; the caller wipes them.
/// Errors: those of secretbox::seal.
base::Result<base::Bytes> write_secret_key(const Header& header, const rlwe::SecretKey& key,
                                           const crypto::SecretBytes* passphrase, const secretbox::Cost& cost = {});

/// `ask` is called if the key is protected.
using AskPassphrase = std::function<base::Result<crypto::SecretBytes>()>;
/// Errors: those of read_header, kMalformed, those of `ask` and of secretbox::open.
base::Result<SecretKeyFile> parse_secret_key(base::ByteSpan bytes, Contexts& contexts, const AskPassphrase& ask);

/// What can be seen without opening it.
struct SecretKeySummary {
  Header header;
  bool passphrase;
};
/// Errors: those of read_header, kMalformed.
base::Result<SecretKeySummary> inspect_secret_key(base::ByteSpan bytes, Contexts& contexts);

}  // namespace blindproof::fhe::formats
