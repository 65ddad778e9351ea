// .bppk: the public key, for those who encrypt and those who re-randomise.
#pragma once

#include "blindproof/fhe/formats/header.h"
#include "blindproof/fhe/rlwe/keys.h"

namespace blindproof::fhe::formats {

struct PublicKeyFile {
  Header header;
  rlwe::PublicKey key;
};

base::Bytes write_public_key(const Header& header, const rlwe::PublicKey& key);
/// Errors: those of read_header, kMalformed.
base::Result<PublicKeyFile> parse_public_key(base::ByteSpan bytes, Contexts& contexts);

}  // namespace blindproof::fhe::formats
